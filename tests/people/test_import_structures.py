"""A list of structures brought in."""

from __future__ import annotations

import datetime as dt

import pytest
from auditlog.models import LogEntry

from kalan.people.actor import Actor
from kalan.people.models import OrgNode, OrgNodeCode, OrgNodePeriod, StructureType
from tests.factories import people
from tests.factories.imports import checked, merged, verdicts

pytestmark = pytest.mark.usefixtures("journal")

HEAD = ["Code", "Nom", "Type", "District", "Secteur", "Latitude", "Longitude"]
NEW = ["FK-9", "Poste de santé de Djilor", "poste de santé", "Sokone", "public", "14,01", "-16,3"]


@pytest.fixture
def region(tree: people.Tree) -> Actor:
    StructureType.objects.create(country="sn", code="ps", name="poste de santé", short_name="PS")
    return people.actor("region", tree.fatick)


def test_new_structures_stand_in_the_tree(tree: people.Tree, region: Actor) -> None:
    second = ["FK-10", "Poste de santé de Missirah", "PS", "Sokone", "privé", "", ""]
    run = checked(region, "structures", [HEAD, NEW, second])
    assert verdicts(run) == {2: "new", 3: "new"}
    merged(region, run)
    node = OrgNode.objects.get(name="Poste de santé de Djilor")
    assert OrgNode.objects.get_parent(node) == tree.sokone
    assert (node.latitude, node.longitude, node.sector) == (14.01, -16.3, "public")
    assert OrgNodeCode.objects.get(node=node).value == "FK-9"
    assert OrgNodePeriod.objects.get(node=node).type == node.type
    assert OrgNode.find_problems() == ([], [], [], [], [])
    assert LogEntry.objects.get_for_object(node).get().actor == region.account


def test_the_same_list_again_changes_nothing(tree: people.Tree, region: Actor) -> None:
    merged(region, checked(region, "structures", [HEAD, NEW]))
    again = checked(region, "structures", [HEAD, NEW])
    assert verdicts(again) == {2: "same"}
    number = LogEntry.objects.get_for_model(OrgNode).count()
    merged(region, again)
    assert LogEntry.objects.get_for_model(OrgNode).count() == number


def test_a_change_of_type_keeps_the_history(tree: people.Tree, region: Actor) -> None:
    merged(region, checked(region, "structures", [HEAD, NEW]))
    promoted = [*NEW[:2], "centre de santé", *NEW[3:]]
    run = checked(region, "structures", [HEAD, promoted])
    assert run.rows.get().detail["problems"][0]["reason"] == (
        "Changement sans date d’effet : Type."
    )
    run = checked(region, "structures", [HEAD, promoted], effective_on="2022-01-01")
    assert run.rows.get().detail["changes"] == [["Type", "poste de santé", "centre de santé"]]
    merged(region, run)
    node = OrgNode.objects.get(name=NEW[1])
    assert list(
        OrgNodePeriod.objects.filter(node=node).order_by("start").values_list("type__code", "end")
    ) == [("ps", dt.date(2022, 1, 1)), ("cs", None)]


def test_a_move_to_another_district(tree: people.Tree, region: Actor) -> None:
    passy = people.node(tree.fatick, "district", "Passy")
    merged(region, checked(region, "structures", [HEAD, NEW]))
    moved = [*NEW[:3], "Passy", *NEW[4:]]
    run = checked(region, "structures", [HEAD, moved], effective_on="2022-01-01")
    assert run.rows.get().detail["changes"] == [["Rattachement", "Sokone", "Passy"]]
    merged(region, run)
    node = OrgNode.objects.get(name=NEW[1])
    assert OrgNode.objects.get_parent(node) == passy
    assert OrgNode.find_problems() == ([], [], [], [], [])


def test_a_near_name_waits_for_a_person(tree: people.Tree, region: Actor) -> None:
    near = ["", "Poste de sante de Toubakouta", "PS", "Sokone", "", "", ""]
    staged = checked(region, "structures", [HEAD, near]).rows.get()
    assert staged.verdict == "doubt"
    assert staged.detail["candidates"][0]["label"] == "Poste de santé de Toubacouta"


def test_a_misspelt_district_is_proposed(tree: people.Tree, region: Actor) -> None:
    run = checked(region, "structures", [HEAD, [*NEW[:3], "Sokonne", *NEW[4:]]])
    assert verdicts(run) == {2: "refused"}
    assert run.questions[0]["candidates"][0]["id"] == tree.sokone.pk


def test_bad_rows_are_refused_with_their_reason(tree: people.Tree, region: Actor) -> None:
    rows = [
        HEAD,
        ["A", "Un", "hôtel", "Sokone", "", "", ""],
        ["B", "Deux", "PS", "Sokone", "", "200", "1"],
        ["C", "Trois", "PS", "Sokone", "", "14", ""],
        ["C", "Quatre", "PS", "Sokone", "militaire", "", ""],
        ["D", "", "PS", "Sokone", "", "", ""],
    ]
    run = checked(region, "structures", rows)
    assert [r.detail["problems"][0]["reason"] for r in run.rows.order_by("number")] == [
        "« hôtel » n’est pas un type connu.",
        "200.0 n’est pas une coordonnée (de −90 à 90).",
        "Une coordonnée va sans l’autre.",
        "« militaire » n’est pas un secteur que Kalan connaît.",
        "La case est vide.",
    ]


def test_a_name_taken_since_the_check_is_left_for_review(tree: people.Tree, region: Actor) -> None:
    run = checked(region, "structures", [HEAD, NEW])
    people.node(OrgNode.objects.get(pk=tree.sokone.pk), "structure", NEW[1])
    merged(region, run)
    assert run.rows.get().action == "stale"
    assert OrgNode.objects.filter(name=NEW[1]).count() == 1
