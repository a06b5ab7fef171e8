"""The dashboard and the lists behind its figures: reach, filters, links, exports, queries."""

from __future__ import annotations

import datetime as dt
import re

import brotli
import pytest
from django.core.cache import cache
from django.test import Client

from kalan.indicators.selectors.scope import Filters, reach_of
from kalan.people.actor import Actor
from kalan.people.models import OrgNode
from kalan.training.models import Programme, Session, Target
from tests.factories import indicators as made
from tests.factories import people, training

pytestmark = pytest.mark.django_db
URL = "/gestion/indicateurs/"


@pytest.fixture
def programme(tree: people.Tree) -> Programme:
    """Three trained in Fatick (one of them at the poste), two in Kaolack, one absent."""
    found = training.programme(tree.country, code="direcct", name="DIRECCT")
    sokone = [people.agent(tree.centre_sokone, last_name="Ndiaye") for _ in range(2)]
    poste = people.agent(tree.poste_toubacouta, last_name="Sarr", sex="M")
    made.held(tree.sokone, found, dict.fromkeys([*sokone, poste], 4), code="FK1")
    kaolack = [people.agent(tree.centre_guinguineo, last_name="Diop") for _ in range(3)]
    made.held(tree.guinguineo, found, {kaolack[0]: 4, kaolack[1]: 4, kaolack[2]: 1}, code="KL1")
    made.count_now()
    return found


def client_of(role: str, node: OrgNode) -> Client:
    client = Client()
    client.force_login(people.account(role, node))
    return client


def trained(page: str) -> str:
    """The number printed for agents trained."""
    found = re.search(r"<dt>Agents formés.*?<dd[^>]*><a[^>]*>([^<]*)</a>", page, re.S)
    assert found
    return found[1]


def test_each_reader_sees_their_own_territory(tree: people.Tree, programme: Programme) -> None:
    seen = {}
    for role, node in (
        ("programme", tree.country),
        ("region", tree.fatick),
        ("region", tree.kaolack),
        ("structure", tree.poste_toubacouta),
        ("structure", tree.centre_guinguineo),
    ):
        seen[role, node.name] = trained(client_of(role, node).get(URL).content.decode())
    assert seen == {
        ("programme", "Sénégal"): "5",
        ("region", "Fatick"): "3",
        ("region", "Kaolack"): "2",
        ("structure", "Poste de santé de Toubacouta"): "1",
        ("structure", "Centre de santé de Guinguinéo"): "2",
    }


def test_a_territory_out_of_scope_answers_404(tree: people.Tree, programme: Programme) -> None:
    client = client_of("region", tree.fatick)
    for path in ("", "agents_formes/", "frequence/"):
        assert client.get(f"{URL}{path}?territoire={tree.kaolack.uid}").status_code == 404
        assert client.get(f"{URL}{path}?territoire={tree.country.uid}").status_code == 404
        assert client.get(f"{URL}{path}?territoire={tree.sokone.uid}").status_code == 200


def test_doors(tree: people.Tree, programme: Programme) -> None:
    for path in ("", "agents_formes/", "frequence/"):
        assert Client().get(URL + path).status_code == 302
        assert client_of("trainer", tree.country).get(URL + path).status_code == 404
        assert client_of("auditor", tree.country).get(URL + path).status_code == 200
    assert client_of("auditor", tree.country).get(f"{URL}inconnu/").status_code == 404


def test_amounts_are_for_programme_and_auditor(tree: people.Tree, programme: Programme) -> None:
    statuses = {
        role: client_of(role, tree.country).get(f"{URL}cout_par_personne/").status_code
        for role in ("structure", "region", "programme", "auditor", "admin")
    }
    assert statuses == {
        "structure": 404,
        "region": 404,
        "programme": 200,
        "auditor": 200,
        "admin": 200,
    }


def test_figures_open_onto_their_records(tree: people.Tree, programme: Programme) -> None:
    client = client_of("region", tree.fatick)
    page = client.get(f"{URL}?programme=direcct").content.decode()
    assert f'<a href="{URL}agents_formes/?programme=direcct">3</a>' in page
    records = client.get(f"{URL}agents_formes/?programme=direcct").content.decode()
    assert "3 lignes" in records
    assert (records.count("NDIAYE"), records.count("SARR"), records.count("DIOP")) == (2, 1, 0)


def test_filters_narrow_figures_and_lists_alike(tree: people.Tree, programme: Programme) -> None:
    client = client_of("programme", tree.country)
    for query, expected in {
        f"territoire={tree.kaolack.uid}": "2",
        f"territoire={tree.sokone.uid}": "3",
        f"territoire={tree.poste_toubacouta.uid}": "1",
        "sexe=M": "1",
        "cadre=sn.ide": "5",
        "theme=outils": "5",
        "age=U": "5",
        "age=25-34": "0",
        "du=2023-03-01&au=2023-03-31": "5",
        "du=2023-03-14&au=2023-03-14": "5",
        "du=2023-03-15": "0",
    }.items():
        assert (query, trained(client.get(f"{URL}?{query}").content.decode())) == (query, expected)
        wanted = "Aucune ligne" if expected == "0" else f"{expected} ligne"
        assert wanted in client.get(f"{URL}agents_formes/?{query}").content.decode()


def test_bad_filters_are_named(tree: people.Tree, programme: Programme) -> None:
    client = client_of("programme", tree.country)
    page = client.get(f"{URL}?du=2023-03-15&au=2023-03-01").content.decode()
    assert "La fin est avant le début. Inversez les deux dates." in page
    for query in ("territoire=nulle-part", f"territoire={programme.uid}"):
        page = client.get(f"{URL}?{query}").content.decode()
        assert "Ce territoire n’existe pas." in page


def test_targets_stand_beside_figures(tree: people.Tree, programme: Programme) -> None:
    Target.objects.create(programme=programme, indicator="agents_formes", value=10)
    Target.objects.create(programme=programme, indicator="agents_formes", value=4, node=tree.fatick)
    client = client_of("programme", tree.country)
    assert "cible 10\u00a0: 50\u00a0%" in client.get(f"{URL}?programme=direcct").content.decode()
    region = client.get(f"{URL}?programme=direcct&territoire={tree.fatick.uid}").content.decode()
    assert "cible 4\u00a0: 75\u00a0%" in region
    assert "cible" not in client.get(f"{URL}?programme=direcct&sexe=F").content.decode()


def test_exports_hold_the_list(tree: people.Tree, programme: Programme) -> None:
    client = client_of("region", tree.fatick)
    answer = client.get(f"{URL}femmes/?format=csv")
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert lines[0] == "Nom;Matricule;Sexe;Cadre;Structure;Sessions suivies;Dernière session"
    assert (
        lines[1:]
        == ["Awa NDIAYE;;femme;infirmier d’État;Centre de santé de Sokone;1;14/03/2023"] * 2
    )
    assert client.get(f"{URL}femmes/?format=xlsx").content[:2] == b"PK"
    board = client.get(f"{URL}?format=csv").content.decode("utf-8-sig").splitlines()
    assert board[2].startswith("Agents formés;3;personnes formées;")


def test_never_trained_and_trained_several_times(tree: people.Tree, programme: Programme) -> None:
    often = people.agent(tree.centre_sokone, last_name="Faye")
    people.agent(tree.centre_sokone, last_name="Gueye")
    for month in range(1, 5):
        made.held(tree.sokone, programme, {often: 4}, start=dt.date(2023, month, 6))
    client = client_of("region", tree.fatick)
    found = {
        times: re.findall(r"[A-Z]{4,}", _rows(client.get(f"{URL}frequence/?fois={times}")))
        for times in ("0", "1", "4")
    }
    assert found == {"0": ["GUEYE"], "1": ["NDIAYE", "NDIAYE", "SARR"], "4": ["FAYE"]}


def _rows(answer: object) -> str:
    page = answer.content.decode()  # type: ignore[attr-defined]
    return " ".join(re.findall(r'<tr><th scope="row">(?:<a [^>]*>)?([^<]*)<', page))


@pytest.mark.parametrize(("path", "queries"), [("", 27), ("agents_formes/", 17)])
def test_query_count_does_not_follow_the_data(
    tree: people.Tree,
    programme: Programme,
    django_assert_num_queries: object,
    path: str,
    queries: int,
) -> None:
    client = client_of("programme", tree.country)
    client.get(URL + path)
    cache.clear()  # coverage is kept until something changes
    with django_assert_num_queries(queries):  # type: ignore[operator]
        client.get(URL + path)
    agents = [people.agent(tree.centre_guinguineo) for _ in range(3)]
    for month in (1, 2, 3):
        made.held(
            tree.guinguineo, programme, dict.fromkeys(agents, 4), start=dt.date(2023, month, 6)
        )
    made.count_now()
    with django_assert_num_queries(queries):  # type: ignore[operator]
        client.get(URL + path)


def test_the_dashboard_fits_its_budget(tree: people.Tree, programme: Programme) -> None:
    page = client_of("programme", tree.country).get(URL).content
    assert len(brotli.compress(page)) < 30_000


def test_a_correction_shows_at_once(tree: people.Tree, programme: Programme) -> None:
    client = client_of("programme", tree.country)
    session = Session.objects.get(code="FK1")
    session.registrations.order_by("pk")[0].presences.order_by("pk")[:1].get().delete()
    made.dirty(session)
    assert trained(client.get(URL).content.decode()) == "4"


def test_an_actor_without_grant_reaches_nothing(tree: people.Tree, programme: Programme) -> None:
    reach = reach_of(Actor(), Filters())
    assert (reach.participations().count(), reach.sessions().count()) == (0, 0)
