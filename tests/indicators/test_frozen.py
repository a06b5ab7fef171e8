"""Frozen, declared and outside figures."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from kalan.base.errors import Refused
from kalan.indicators.models import DeclaredFigure, Denominator, FrozenFigures
from kalan.indicators.selectors.frozen import changes_since
from kalan.indicators.services import frozen
from kalan.people.models import Agent
from kalan.training.models import Presence, Programme, Session
from tests.factories import indicators as made
from tests.factories import people, training
from tests.factories.people import NOW

pytestmark = pytest.mark.django_db
URL = "/gestion/indicateurs/"


@pytest.fixture
def programme(tree: people.Tree) -> Programme:
    """Eight women trained at Sokone, by name A to H."""
    found = training.programme(tree.country, code="direcct", name="DIRECCT", public=True)
    agents = [people.agent(tree.centre_sokone, last_name=f"Ndiaye{c}") for c in "ABCDEFGH"]
    made.held(tree.sokone, found, dict.fromkeys(agents, 4))
    return found


def test_later_differences_are_shown_with_who(tree: people.Tree, programme: Programme) -> None:
    row = frozen.freeze(
        actor=people.actor("programme", tree.country),
        now=NOW,
        label="Rapport final",
        programme=programme,
    )
    assert row.figures["agents_formes"] == "8"
    assert [change.text for change in changes_since(row)] == ["aucun changement"] * 4
    session = Session.objects.get()
    for name in ("NdiayeA", "NdiayeB"):
        agent = Agent.objects.get(last_name=name)
        Presence.objects.filter(registration__agent=agent).order_by("pk")[:1].get().delete()
    late = people.agent(tree.centre_sokone, last_name="Sarr")
    made.register(session, late, 4)
    made.dirty(session)
    made.count_now()
    trained = changes_since(row)[0]
    assert trained.text == "+1 \u22122"
    assert trained.added == ("Awa SARR",)
    assert trained.removed == ("Awa NDIAYEA", "Awa NDIAYEB")
    row.refresh_from_db()
    assert row.figures["agents_formes"] == "8"


def test_a_published_freeze_stands_on_the_public_page(
    client: Client, tree: people.Tree, programme: Programme
) -> None:
    actor = people.actor("programme", tree.country)
    row = frozen.freeze(
        actor=actor, now=NOW, label="Rapport final", programme=programme, publish=True
    )
    Presence.objects.order_by("pk")[:1].get().delete()
    made.dirty(Session.objects.get())
    one = client.get("/chiffres.json").json()["programmes"][0]
    assert (one["agents_formes"], one["arrete_le"]) == (8, "2023-03-20")
    assert "chiffres arrêtés le 20 mars 2023" in client.get("/chiffres/").content.decode()
    frozen.set_public(actor=actor, now=NOW, frozen=row, shown=False)
    one = client.get("/chiffres.json").json()["programmes"][0]
    assert (one["agents_formes"], one["arrete_le"]) == (7, None)


def test_only_one_freeze_of_a_programme_is_public(tree: people.Tree, programme: Programme) -> None:
    actor = people.actor("programme", tree.country)
    for label in ("premier", "second"):
        frozen.freeze(actor=actor, now=NOW, label=label, programme=programme, publish=True)
    assert list(FrozenFigures.objects.filter(public=True).values_list("label", flat=True)) == [
        "second"
    ]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"label": " "}, "label"),
        ({"start": dt.date(2023, 2, 1), "end": dt.date(2023, 1, 1)}, "end"),
        ({"publish": True, "end": dt.date(2023, 1, 1)}, "publish"),
    ],
)
def test_what_cannot_be_frozen(
    tree: people.Tree, programme: Programme, changes: dict[str, object], field: str
) -> None:
    asked: dict[str, object] = {"label": "Rapport", "programme": programme, **changes}
    with pytest.raises(Refused) as refused:
        frozen.freeze(actor=people.actor("programme", tree.country), now=NOW, **asked)  # type: ignore[arg-type]
    assert refused.value.field == field
    assert FrozenFigures.objects.count() == 0


def test_a_freeze_belongs_to_who_covers_the_programme(
    tree: people.Tree, programme: Programme
) -> None:
    for actor in (people.actor("programme", tree.fatick), people.actor("region", tree.country)):
        with pytest.raises(Refused):
            frozen.freeze(actor=actor, now=NOW, label="Rapport", programme=programme)
    row = frozen.freeze(
        actor=people.actor("admin", tree.country), now=NOW, label="Rapport", programme=programme
    )
    statuses = {}
    for role, node in (("region", tree.fatick), ("auditor", tree.country)):
        client = Client()
        client.force_login(people.account(role, node))
        statuses[role] = client.get(f"{URL}arretes/{row.uid}/").status_code
    # The list names people of the whole programme: not for one region.
    assert statuses == {"region": 404, "auditor": 200}


def _declare(tree: people.Tree, **changes: object) -> DeclaredFigure:
    values: dict[str, object] = {
        "indicator": "agents_formes",
        "value": Decimal(340),
        "period": "2019",
        "source": "Rapport annuel 2019, page 12",
        "programme": None,
        "node": tree.fatick,
        "document": SimpleUploadedFile("rapport.pdf", b"%PDF-1.7", "application/pdf"),
        **changes,
    }
    actor = people.actor("programme", tree.country)
    return frozen.declare(actor=actor, now=NOW, **values)  # type: ignore[arg-type]


def test_a_declared_figure_is_never_added(tree: people.Tree, programme: Programme) -> None:
    _declare(tree)
    client = Client()
    client.force_login(people.account("region", tree.fatick))
    page = client.get(URL).content.decode()
    assert 'href="/gestion/indicateurs/agents_formes/">8</a>' in page
    assert '<th scope="row">Agents formés</th><td class="num">340</td>' in page
    elsewhere = Client()
    elsewhere.force_login(people.account("region", tree.kaolack))
    assert "340" not in elsewhere.get(f"{URL}declares/").content.decode()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"document": None}, "document"),
        ({"value": Decimal(-1)}, "value"),
        ({"indicator": "inconnu"}, "indicator"),
    ],
)
def test_what_cannot_be_declared(tree: people.Tree, changes: dict[str, object], field: str) -> None:
    with pytest.raises(Refused) as refused:
        _declare(tree, **changes)
    assert (refused.value.field, bool(refused.value.remedy)) == (field, True)
    assert DeclaredFigure.objects.count() == 0


def test_a_declared_figure_is_withdrawn_with_a_reason(tree: people.Tree) -> None:
    row = _declare(tree)
    client = Client()
    client.force_login(people.account("programme", tree.country))
    address = f"{URL}declares/{row.uid}/retirer/"
    assert client.get(address).status_code == 200
    assert "Le motif manque." in client.post(address, {"reason": "non"}).content.decode()
    assert DeclaredFigure.objects.count() == 1
    assert client.post(address, {"reason": "saisi deux fois"}).status_code == 302
    assert DeclaredFigure.objects.count() == 0


def test_outside_denominators_stand_beside_coverage(
    tree: people.Tree, programme: Programme
) -> None:
    actor = people.actor("region", tree.fatick)
    values: dict[str, object] = {
        "node": tree.fatick,
        "cadre": None,
        "value": 1200,
        "source": "annuaire statistique",
        "as_of": dt.date(2022, 12, 31),
        "includes": "fonctionnaires et contractuels",
    }
    frozen.set_denominator(actor=actor, now=NOW, **values)  # type: ignore[arg-type]
    frozen.set_denominator(actor=actor, now=NOW, **values | {"value": 1250})  # type: ignore[arg-type]
    assert Denominator.objects.get().value == 1250
    client = Client()
    client.force_login(people.account("region", tree.fatick))
    page = client.get(URL).content.decode()
    assert "Selon annuaire statistique au 31/12/2022\u00a0: 1\u202f250 agents" in page
    for changes, field in (
        ({"as_of": dt.date(2024, 1, 1)}, "as_of"),
        ({"includes": ""}, "includes"),
    ):
        with pytest.raises(Refused) as refused:
            frozen.set_denominator(actor=actor, now=NOW, **values | changes)  # type: ignore[arg-type]
        assert refused.value.field == field
    with pytest.raises(Refused):
        frozen.set_denominator(actor=actor, now=NOW, **values | {"node": tree.kaolack})  # type: ignore[arg-type]


def test_the_forms_freeze_and_declare(tree: people.Tree, programme: Programme) -> None:
    client = Client()
    client.force_login(people.account("programme", tree.country))
    answer = client.post(
        f"{URL}arretes/nouveau/", {"label": "Rapport final", "programme": "direcct"}
    )
    row = FrozenFigures.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"{URL}arretes/{row.uid}/")
    page = client.get(f"{URL}arretes/{row.uid}/").content.decode()
    assert page.count("aucun changement") == 4
    document = SimpleUploadedFile("rapport.pdf", b"%PDF-1.7", "application/pdf")
    answer = client.post(
        f"{URL}declares/nouveau/",
        {
            "indicator": "agents_formes",
            "value": "340",
            "period": "2019",
            "source": "Rapport",
            "programme": "direcct",
            "document": document,
        },
    )
    assert answer.status_code == 302
    kept = DeclaredFigure.objects.get()
    answer = client.get(f"{URL}declares/{kept.uid}/document/")
    assert b"".join(answer.streaming_content) == b"%PDF-1.7"  # type: ignore[attr-defined]
