"""The organisation tree changes with time, and the past stays as it was."""

from __future__ import annotations

import datetime as dt

import pytest
from auditlog.models import LogEntry

from kalan.base.errors import Refused
from kalan.people.actor import SYSTEM
from kalan.people.models import OrgNode, OrgNodeCode, OrgNodePeriod, Post, StructureType
from kalan.people.selectors.territory import Territory, territory_on
from kalan.people.services.registry_structures import (
    change_structure,
    close_structure,
    create_structure,
    reopen_structure,
)
from tests.factories import people
from tests.factories.people import NOW, Tree

pytestmark = pytest.mark.usefixtures("journal")

YEAR_2010 = dt.date(2010, 1, 1)


def _type(code: str, name: str = "") -> StructureType:
    return StructureType.objects.create(country="sn", code=code, name=name or code)


def _refusal(excinfo: pytest.ExceptionInfo[Refused]) -> tuple[str | None, str]:
    return excinfo.value.field, excinfo.value.message


def test_a_structure_is_created_with_its_period_codes_and_history(tree: Tree) -> None:
    actor = people.actor("region", tree.fatick)
    made = create_structure(
        actor=actor,
        now=NOW,
        parent=tree.sokone,
        name="  Case de santé  de N’Diambang ",
        sector="community",
        codes=[("OSM", "node/1"), ("national", "0417")],
        latitude=13.9,
        longitude=-16.4,
        opened_on=dt.date(2019, 5, 2),
    )
    stored = OrgNode.objects.get(pk=made.pk)
    assert stored.name == "Case de santé de N’Diambang"
    assert stored.search == "case de sante de n diambang"
    assert stored.get_parent() == tree.sokone
    assert list(OrgNodeCode.objects.order_by("pk").values_list("system", "value")) == [
        ("osm", "node/1"),
        ("national", "0417"),
    ]
    period = OrgNodePeriod.objects.get(node=stored)
    assert (period.start, period.end, period.parent_id, period.sector) == (
        dt.date(2019, 5, 2),
        None,
        tree.sokone.pk,
        "community",
    )
    entry = LogEntry.objects.get_for_object(stored).get()
    assert (entry.actor, entry.action) == (actor.account, LogEntry.Action.CREATE)


def test_a_type_change_keeps_the_old_type_on_past_dates(tree: Tree) -> None:
    old, new = tree.centre_sokone.type, _type("eps1", "EPS 1")
    change_structure(
        actor=SYSTEM, now=NOW, node=tree.centre_sokone, effective_on=dt.date(2020, 7, 1), type=new
    )
    node = OrgNode.objects.get(pk=tree.centre_sokone.pk)
    assert node.type == new
    place = (tree.sokone.pk, tree.fatick.pk)
    seen = {
        day: territory_on([node.pk], day)[node.pk]
        for day in (dt.date(2020, 6, 30), dt.date(2020, 7, 1), dt.date(2023, 1, 1))
    }
    assert old is not None
    assert seen == {
        dt.date(2020, 6, 30): Territory(*place, old.pk, ""),
        dt.date(2020, 7, 1): Territory(*place, new.pk, ""),
        dt.date(2023, 1, 1): Territory(*place, new.pk, ""),
    }


def test_a_change_in_the_past_splits_the_period_and_leaves_the_present(tree: Tree) -> None:
    a, b = _type("a"), _type("b")
    node, old = tree.centre_sokone, tree.centre_sokone.type
    change_structure(actor=SYSTEM, now=NOW, node=node, effective_on=dt.date(2022, 1, 1), type=b)
    change_structure(actor=SYSTEM, now=NOW, node=node, effective_on=dt.date(2018, 1, 1), type=a)
    rows = OrgNodePeriod.objects.filter(node=node).order_by("start")
    assert list(rows.values_list("start", "end", "type__code")) == [
        (people.LONG_AGO, dt.date(2018, 1, 1), old.code if old else ""),
        (dt.date(2018, 1, 1), dt.date(2022, 1, 1), "a"),
        (dt.date(2022, 1, 1), None, "b"),
    ]
    assert OrgNode.objects.get(pk=node.pk).type == b


def test_the_same_change_again_changes_nothing(tree: Tree) -> None:
    new = _type("eps1")
    for _ in range(2):
        change_structure(
            actor=SYSTEM,
            now=NOW,
            node=tree.centre_sokone,
            effective_on=dt.date(2020, 7, 1),
            type=new,
        )
    assert OrgNodePeriod.objects.filter(node=tree.centre_sokone).count() == 2


def test_moving_a_district_moves_what_is_below_and_past_figures_stay(tree: Tree) -> None:
    change_structure(
        actor=SYSTEM,
        now=NOW,
        node=tree.sokone,
        effective_on=dt.date(2021, 1, 1),
        parent=tree.kaolack,
    )
    assert [found for found in OrgNode.find_problems() if found] == []
    below = OrgNode.objects.get(pk=tree.centre_sokone.pk)
    kaolack = OrgNode.objects.get(pk=tree.kaolack.pk)
    assert below.path.startswith(kaolack.path)
    ids = [below.pk]
    assert territory_on(ids, dt.date(2020, 12, 31))[below.pk].region_id == tree.fatick.pk
    assert territory_on(ids, dt.date(2021, 1, 1))[below.pk].region_id == tree.kaolack.pk
    # The regional manager of the old region no longer reaches it.
    with pytest.raises(Refused):
        change_structure(
            actor=people.actor("region", tree.fatick), now=NOW, node=below, name="Sokone"
        )


def test_before_the_first_period_the_first_one_holds(tree: Tree) -> None:
    found = territory_on([tree.centre_sokone.pk, tree.fatick.pk], dt.date(1999, 1, 1))
    kind = tree.centre_sokone.type
    assert found == {
        tree.centre_sokone.pk: Territory(
            tree.sokone.pk, tree.fatick.pk, kind.pk if kind else None, ""
        ),
        tree.fatick.pk: Territory(None, tree.fatick.pk, None, ""),
    }


def test_territory_costs_the_same_queries_for_one_and_for_three(
    tree: Tree, django_assert_num_queries: object
) -> None:
    ids = [tree.centre_sokone.pk, tree.poste_toubacouta.pk, tree.centre_guinguineo.pk]
    for wanted in (ids[:1], ids):
        with django_assert_num_queries(8):  # type: ignore[operator] # two for each level
            territory_on(wanted, NOW.date())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"effective_on": dt.date(2030, 1, 1), "sector": "private"},
            ("effective_on", "L’année 2030 n’est pas plausible."),
        ),
        (
            {"effective_on": dt.date(2023, 12, 1), "sector": "private"},
            ("effective_on", "La date d’effet est dans le futur."),
        ),
        ({"sector": "private"}, ("effective_on", "Depuis quand ? La date d’effet manque.")),
        (
            {"effective_on": dt.date(1022, 1, 1), "sector": "private"},
            ("effective_on", "L’année 1022 n’est pas plausible."),
        ),
        (
            {"effective_on": YEAR_2010, "sector": "private"},
            (
                "effective_on",
                "« Centre de santé de Sokone » n’est connue que depuis le 01/01/2015.",
            ),
        ),
        (
            {"effective_on": dt.date(2020, 1, 1), "sector": "autre"},
            ("sector", "« autre » n’est pas un secteur."),
        ),
        (
            {"name": "poste de sante de toubacouta"},
            (
                "name",
                "« poste de sante de toubacouta » existe déjà dans « Sokone ».",
            ),
        ),
        ({"name": " "}, ("name", "Le nom manque.")),
        ({"latitude": 95.0, "longitude": 1.0}, ("latitude", "La latitude va de −90 à 90 degrés.")),
        ({"latitude": 12.0}, ("longitude", "Une position a une latitude et une longitude.")),
    ],
)
def test_a_change_that_cannot_be_is_refused_and_nothing_is_stored(
    tree: Tree, changes: dict[str, object], expected: tuple[str, str]
) -> None:
    with pytest.raises(Refused) as excinfo:
        change_structure(actor=SYSTEM, now=NOW, node=tree.centre_sokone, **changes)  # type: ignore[arg-type]
    assert _refusal(excinfo) == expected
    assert excinfo.value.remedy != ""
    stored = OrgNode.objects.get(pk=tree.centre_sokone.pk)
    assert (stored.name, stored.sector, stored.latitude) == ("Centre de santé de Sokone", "", None)
    assert OrgNodePeriod.objects.filter(node=stored).count() == 1


def test_a_node_cannot_hang_below_itself_nor_in_another_country(tree: Tree) -> None:
    elsewhere = people.node(None, "country", "Mali", country="ml")
    for parent in (tree.centre_sokone, elsewhere):
        with pytest.raises(Refused) as excinfo:
            change_structure(
                actor=SYSTEM,
                now=NOW,
                node=tree.sokone,
                effective_on=dt.date(2020, 1, 1),
                parent=parent,
            )
        assert excinfo.value.field == "parent"
    assert OrgNode.objects.get(pk=tree.sokone.pk).path == tree.sokone.path


def test_a_code_belongs_to_one_structure_and_a_name_is_not_taken_twice(tree: Tree) -> None:
    OrgNodeCode.objects.create(node=tree.centre_sokone, system="osm", value="way/1")
    with pytest.raises(Refused) as excinfo:
        create_structure(
            actor=SYSTEM, now=NOW, parent=tree.sokone, name="Autre", codes=[("osm", "way/1")]
        )
    assert excinfo.value.message == (
        "Le code osm : way/1 appartient déjà à « Centre de santé de Sokone »."
    )
    with pytest.raises(Refused):
        create_structure(
            actor=SYSTEM, now=NOW, parent=tree.sokone, name="CENTRE DE SANTE DE SOKONE"
        )
    assert OrgNode.objects.filter(kind="structure").count() == 3
    assert [found for found in OrgNode.find_problems() if found] == []


def test_a_structure_with_staff_closes_only_when_their_posts_end_too(tree: Tree) -> None:
    people.agent(tree.centre_sokone)
    day = dt.date(2023, 2, 28)
    with pytest.raises(Refused) as excinfo:
        close_structure(actor=SYSTEM, now=NOW, node=tree.centre_sokone, on=day)
    assert _refusal(excinfo) == (None, "Un poste y court encore après cette date.")
    assert OrgNode.objects.get(pk=tree.centre_sokone.pk).closed_on is None
    close_structure(actor=SYSTEM, now=NOW, node=tree.centre_sokone, on=day, end_posts=True)
    assert OrgNode.objects.get(pk=tree.centre_sokone.pk).closed_on == day
    assert Post.objects.get(structure=tree.centre_sokone).end == day
    reopen_structure(actor=SYSTEM, now=NOW, node=tree.centre_sokone)
    assert OrgNode.objects.get(pk=tree.centre_sokone.pk).closed_on is None


def test_a_district_with_open_structures_does_not_close(tree: Tree) -> None:
    with pytest.raises(Refused) as excinfo:
        close_structure(actor=SYSTEM, now=NOW, node=tree.sokone, on=NOW.date())
    assert excinfo.value.message == "Des structures ouvertes dépendent de celle-ci."


@pytest.mark.parametrize("role", ["structure", "trainer", "auditor", "programme"])
def test_other_roles_do_not_write_on_the_tree(tree: Tree, role: str) -> None:
    actor = people.actor(role, tree.country)
    with pytest.raises(Refused) as excinfo:
        create_structure(actor=actor, now=NOW, parent=tree.sokone, name="Poste de santé X")
    assert excinfo.value.code == "forbidden"
    assert OrgNode.objects.filter(name="Poste de santé X").count() == 0


def test_a_regional_manager_writes_in_their_region_only(tree: Tree) -> None:
    actor = people.actor("region", tree.fatick)
    with pytest.raises(Refused):
        create_structure(actor=actor, now=NOW, parent=tree.guinguineo, name="Poste X")
    with pytest.raises(Refused):  # nor do they push one of theirs into another region
        change_structure(
            actor=actor,
            now=NOW,
            node=tree.centre_sokone,
            effective_on=dt.date(2022, 1, 1),
            parent=tree.guinguineo,
        )
    assert OrgNode.objects.get(pk=tree.centre_sokone.pk).path.startswith(tree.fatick.path)
