"""Results of Pix Orga come in apart, once, and only when shared; broken rows are named."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kalan.base.imports.values import BadValue
from kalan.base.models import ImportRow
from kalan.campaigns.imports.pix_orga import as_mastery
from kalan.campaigns.models import OutsideResult
from kalan.campaigns.selectors.outside import outside_visible_to
from kalan.people.services import imports as services
from tests.factories import people
from tests.factories.imports import checked, merged, verdicts
from tests.factories.people import NOW, Tree

HEAD = [
    "Nom de l'organisation",
    "Parcours",
    "Nom du Participant",
    "Prénom du Participant",
    "Matricule",
    "Progression",
    "Date de début",
    "Partage (O/N)",
    "Date du partage",
    "% maitrise de l'ensemble des acquis du profil",
    "% de maitrise des acquis de la compétence Sécuriser l'environnement numérique",
    "Niveau pour la compétence Gérer des données",
]


def line(last: str, first: str, matricule: str = "", **more: str) -> list[str]:
    values = {
        "shared": "Oui",
        "on": "15/03/2023 10:42",
        "mastery": "0,62",
        "secure": "0,5",
        "data": "3",
        **more,
    }
    return ["Région", "Numérique 2023", last, first, matricule, "1", "14/03/2023", values["shared"],
            values["on"], values["mastery"], values["secure"], values["data"]]  # fmt: skip


def test_shared_results_of_known_agents_come_in_once(tree: Tree) -> None:
    actor = people.actor("region", tree.fatick)
    awa = people.agent(tree.centre_sokone, matricule="A1", last_name="Diouf")
    rows = [HEAD, line("DIOUF", "Awa", "A1"), line("Sow", "Moussa", "A9", shared="Non", on="")]
    run = checked(actor, "pix-orga", rows)
    assert verdicts(run) == {2: "new", 3: "same"}
    merged(actor, run)
    row = OutsideResult.objects.get()
    assert (row.agent, row.source, row.campaign) == (awa, "Pix Orga", "Numérique 2023")
    assert (row.mastery, row.date.isoformat()) == (Decimal("62.00"), "2023-03-15")
    assert row.levels == {"Sécuriser l'environnement numérique": "0,5", "Gérer des données": "3"}
    assert [name for name in HEAD[2:5] if name in row.raw] == []
    again = checked(actor, "pix-orga", rows)
    assert verdicts(again) == {2: "same", 3: "same"}
    merged(actor, again)
    assert OutsideResult.objects.count() == 1


def test_a_better_result_of_the_same_day_is_a_visible_change(tree: Tree) -> None:
    actor = people.actor("region", tree.fatick)
    people.agent(tree.centre_sokone, matricule="A1", last_name="Diouf")
    merged(actor, checked(actor, "pix-orga", [HEAD, line("Diouf", "Awa", "A1")]))
    run = checked(actor, "pix-orga", [HEAD, line("Diouf", "Awa", "A1", mastery="80 %")])
    assert run.rows.get().detail["changes"] == [["Maîtrise (%)", "62,00", "80,00"]]
    merged(actor, run)
    assert OutsideResult.objects.get().mastery == 80


def test_a_name_alone_is_asked_never_taken(tree: Tree) -> None:
    actor = people.actor("region", tree.fatick)
    awa = people.agent(tree.centre_sokone, last_name="Diouf")
    run = checked(actor, "pix-orga", [HEAD, line("DIOUF", "Awa")])
    assert verdicts(run) == {2: "doubt"}
    merged(actor, run)
    assert OutsideResult.objects.count() == 0
    run = checked(actor, "pix-orga", [HEAD, line("DIOUF", "Awa")])
    services.decide(actor=actor, now=NOW, run=run, decisions={2: f"use:{awa.pk}"})
    merged(actor, run)
    assert OutsideResult.objects.get().agent == awa


def test_broken_rows_between_good_ones_are_named(tree: Tree) -> None:
    actor = people.actor("region", tree.fatick)
    people.agent(tree.centre_sokone, matricule="A1", last_name="Diouf")
    people.agent(tree.centre_guinguineo, matricule="K1", last_name="Fall")
    run = checked(
        actor,
        "pix-orga",
        [
            HEAD,
            line("Diouf", "Awa", "A1"),
            line("Inconnu", "Total", "Z9"),
            line("Fall", "Awa", "K1"),
            line("Diouf", "Awa", "A1", mastery="beaucoup"),
            line("Diouf", "Awa", "A1", shared="peut-être"),
            line("Diouf", "Awa", "A1", on="31/02/2023"),
            line("", "Awa", "A1"),
            line("Diouf", "Awa", "A1"),
        ],
    )
    refused = run.rows.filter(verdict=ImportRow.Verdict.REFUSED).order_by("number")
    assert [(row.number, row.detail["problems"][0]["column"]) for row in refused] == [
        (3, "Nom du Participant"),
        (4, "Matricule"),
        (5, "% maitrise de l'ensemble des acquis du profil"),
        (6, "Partage (O/N)"),
        (7, "Date du partage"),
        (8, "Nom du Participant"),
        (9, ""),
    ]
    assert "hors de votre territoire" in refused[1].detail["problems"][0]["reason"]
    merged(actor, run)
    assert OutsideResult.objects.count() == 1


def test_results_are_seen_where_their_agents_are(tree: Tree) -> None:
    actor = people.actor("region", tree.fatick)
    people.agent(tree.centre_sokone, matricule="A1", last_name="Diouf")
    merged(actor, checked(actor, "pix-orga", [HEAD, line("Diouf", "Awa", "A1")]))
    assert outside_visible_to(people.actor("structure", tree.centre_sokone)).count() == 1
    assert outside_visible_to(people.actor("region", tree.kaolack)).count() == 0


@pytest.mark.parametrize(
    ("written", "percent"), [("0,62", "62.00"), ("62 %", "62.00"), ("62", "62.00"), ("1", "100.00")]
)
def test_mastery_is_read_as_pix_writes_it(written: str, percent: str) -> None:
    assert as_mastery(written, "sn") == percent


@pytest.mark.parametrize("written", ["NA", "-3", "140", "1e999", "NaN"])
def test_what_is_no_percentage_is_refused(written: str) -> None:
    with pytest.raises(BadValue):
        as_mastery(written, "sn")
