"""The general journal: whose changes one reads, filters, export, a constant number of queries."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from kalan.base.models import ImportRun
from kalan.indicators.services import frozen
from kalan.people.actor import Actor
from kalan.people.models import OrgNode
from kalan.people.selectors.core import actor_for
from kalan.people.services import registry_agents
from tests.factories import people, training
from tests.factories.imports import checked, merged
from tests.factories.indicators import count_now
from tests.factories.people import Tree
from tests.people.test_import_staff import HEAD, row
from tests.support import signin

pytestmark = pytest.mark.usefixtures("journal")

ADDRESS = "/gestion/historique/"


def _client(role: str, at: OrgNode) -> Client:
    client = Client()
    signin.sign_in(client, people.account(role, at))
    return client


def _correct(actor: Actor, last_name: str, structure: OrgNode, to: str) -> None:
    agent = people.agent(structure, last_name=last_name, first_names="Awa")
    registry_agents.update_agent(
        actor=actor, now=people.NOW, agent=agent, last_name=to, reason="faute de frappe"
    )


def _told(client: Client, query: str = "") -> list[tuple[str, str, str]]:
    """What the page tells of corrections: who, on whom, which fields."""
    lines = client.get(f"{ADDRESS}?kind=agent{query}").context["lines"]
    return [
        (line.who, line.name, " ".join(f"{c.before}>{c.after}" for c in line.changes))
        for line in lines
        if line.act == "modification"
    ]


@pytest.fixture
def manager(tree: Tree) -> Actor:
    account = people.account("region", tree.country, display_name="Mme Thiam")
    return actor_for(account, today=people.NOW.date())


def test_one_reads_the_changes_of_ones_own_territory(tree: Tree, manager: Actor) -> None:
    _correct(manager, "Diop", tree.centre_sokone, "Diopp")
    _correct(manager, "Faye", tree.centre_guinguineo, "Fayé")
    assert _told(_client("region", tree.fatick)) == [("Mme Thiam", "Awa Diopp", "Diop>Diopp")]
    assert _told(_client("auditor", tree.kaolack)) == [("Mme Thiam", "Awa Fayé", "Faye>Fayé")]
    assert [name for _, name, _ in _told(_client("admin", tree.country))] == [
        "Awa Fayé",
        "Awa Diopp",
    ]


def test_accounts_and_roles_are_told_to_those_who_manage_them(tree: Tree) -> None:
    people.account("trainer", tree.centre_sokone, display_name="Ousmane Sène")
    kinds = {
        role: {
            line.subject
            for line in _client(role, tree.fatick).get(ADDRESS).context["lines"]
            if line.name == "Ousmane Sène"
        }
        for role in ("region", "programme", "auditor")
    }
    assert kinds == {"region": {"compte", "rôle"}, "programme": set(), "auditor": set()}


def test_what_was_deleted_is_told_to_those_who_hold_the_whole_country(tree: Tree) -> None:
    agent = people.agent(tree.centre_sokone, last_name="Sarr")
    agent.posts.get().delete()
    acts = {
        place: [
            line.act for line in _client("admin", at).get(f"{ADDRESS}?kind=poste").context["lines"]
        ]
        for place, at in (("country", tree.country), ("fatick", tree.fatick))
    }
    assert acts == {"country": ["suppression", "création"], "fatick": []}


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("&who=thiam", ["Awa Diopp", "Awa Sall"]),
        ("&who=personne", []),
        ("&what=sall", ["Awa Sall"]),
        ("&since=2000-01-01&until=01/01/2001", []),
        (f"&since={dt.date(2000, 1, 1):%d/%m/%Y}", ["Awa Diopp", "Awa Sall"]),
    ],
)
def test_the_journal_is_filtered(query: str, told: list[str], tree: Tree, manager: Actor) -> None:
    _correct(manager, "Diop", tree.centre_sokone, "Diopp")
    _correct(manager, "Sal", tree.centre_sokone, "Sall")
    found = _told(_client("region", tree.fatick), query)
    assert sorted(name for _, name, _ in found) == told


@pytest.mark.parametrize(
    ("query", "field", "error"),
    [
        ("since=31/02/2023", "since", "Cette date n’existe pas. Écrivez-la comme 17/03/2023."),
        (
            "since=2023-03-02&until=2023-03-01",
            "until",
            "La fin précède le début. Échangez les deux dates.",
        ),
    ],
)
def test_a_wrong_date_is_named(query: str, field: str, error: str, tree: Tree) -> None:
    people.agent(tree.centre_sokone)
    context = _client("region", tree.fatick).get(f"{ADDRESS}?{query}").context
    assert (context["filters"].errors, context["lines"]) == ({field: [error]}, [])


def test_the_export_holds_one_line_for_each_change(tree: Tree, manager: Actor) -> None:
    _correct(manager, "Diop", tree.centre_sokone, "=Diopp")
    response: Any = _client("region", tree.fatick).get(f"{ADDRESS}?kind=agent&format=csv")
    rows = response.content.decode("utf-8-sig").splitlines()
    assert rows[0] == "Quand;Qui;Acte;Quoi;Sur;Champ;Avant;Après;Motif"
    assert [row.split(";")[1:] for row in rows if "modification" in row] == [
        [
            "Mme Thiam",
            "modification",
            "agent",
            "Awa =Diopp",
            "nom",
            "Diop",
            "'=Diopp",
            "faute de frappe",
        ]
    ]


@pytest.mark.parametrize("number", [1, 3])
def test_the_journal_asks_as_much_for_one_line_as_for_three(
    number: int, tree: Tree, manager: Actor, django_assert_num_queries: Any
) -> None:
    for rank in range(number):
        _correct(manager, f"Diop{rank}", tree.centre_sokone, f"Diouf{rank}")
    client = _client("region", tree.fatick)
    client.get(ADDRESS)  # the kinds of content are asked once in the life of a process
    with django_assert_num_queries(8):
        response = client.get(f"{ADDRESS}?kind=agent")
    assert len(_told(client)) == number
    assert response.status_code == 200


def _kinds(client: Client, kind: str) -> list[tuple[str, str, str]]:
    lines = client.get(f"{ADDRESS}?kind={kind}").context["lines"]
    return [(line.name, line.text, line.url) for line in lines]


def test_imports_stand_in_the_journal(tree: Tree) -> None:
    manager = people.actor("region", tree.fatick)
    run = checked(manager, "staff", [HEAD, row()])
    merged(manager, run)
    assert _kinds(_client("region", tree.fatick), "import") == [
        ("liste.csv", "Import appliqué", f"/gestion/imports/{run.uid}/"),
        ("liste.csv", "Fichier déposé pour import", f"/gestion/imports/{run.uid}/"),
    ]
    assert _kinds(_client("region", tree.kaolack), "import") == []
    ImportRun.objects.update(file=None)
    names = [name for name, _, _ in _kinds(_client("region", tree.fatick), "import")]
    assert names == ["Import : agents et postes", "import du 20/03/2023"]


def test_frozen_and_declared_figures_stand_in_the_journal(tree: Tree) -> None:
    programme = training.programme(tree.country, public=True)
    actor = people.actor("programme", tree.country)
    count_now()
    freeze = frozen.freeze(actor=actor, now=people.NOW, label="Rapport", programme=programme)
    declared = frozen.declare(
        actor=actor,
        now=people.NOW,
        indicator="agents_formes",
        value=Decimal(500),
        period="2021",
        source="Rapport annuel",
        programme=programme,
        node=None,
        document=SimpleUploadedFile("rapport.pdf", b"%PDF-1.7"),
    )
    frozen.set_denominator(
        actor=actor,
        now=people.NOW,
        node=tree.fatick,
        cadre=None,
        value=900,
        source="iHRIS",
        as_of=people.NOW.date(),
        includes="fonctionnaires",
    )
    reader = _client("auditor", tree.country)
    assert _kinds(reader, "arrete") == [
        (
            "Rapport",
            "chiffres arrêtés : Rapport",
            f"/gestion/indicateurs/arretes/{freeze.uid}/",
        )
    ]
    assert [(name, url) for name, _, url in _kinds(reader, "declare")] == [
        (f"{declared.label} 2021", "/gestion/indicateurs/declares/")
    ]
    assert _kinds(reader, "effectif-reference") == [
        ("Fatick iHRIS", "effectif de référence : 900", "/gestion/indicateurs/effectifs/")
    ]
    elsewhere = _client("region", tree.kaolack)
    for kind in ("arrete", "declare", "effectif-reference"):
        assert _kinds(elsewhere, kind) == []
