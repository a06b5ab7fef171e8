"""Levels by domain: latest of each person, never of small groups, never simulated in earnest."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from kalan.assessment.models import DomainResult, FrozenTest, Result, Sitting
from kalan.base.ids import uuid7
from kalan.base.small_groups import MIN_GROUP
from kalan.indicators.selectors.competences import Wanted, competences, gains
from kalan.indicators.selectors.scope import Filters, reach_of
from kalan.indicators.services.refresh import refresh
from kalan.people.models import Agent, OrgNode
from kalan.training.models import SessionGain
from tests.factories import assessment, indicators, people, training
from tests.factories import calibration as made
from tests.factories.people import NOW


@pytest.fixture
def frozen(tree: people.Tree, settings: Any) -> FrozenTest:
    settings.KALAN_DEMO = False
    return made.frozen_test(assessment.bank(tree.country, domains=2, each=1))


def measured(
    frozen: FrozenTest,
    where: OrgNode,
    levels: list[str],
    *,
    agents: list[Agent] | None = None,
    days: int = 0,
    simulated: bool = False,
) -> list[Agent]:
    """A finished sitting a level: "debut" at θ = −1, "sur" at θ = 1, in the first domain."""
    who = agents or [people.agent(where) for _ in levels]
    at = NOW + dt.timedelta(days=days)
    for agent, level in zip(who, levels, strict=True):
        sitting = Sitting.objects.create(
            uid=uuid7(), test_id=frozen.test_id, frozen=frozen, agent=agent, structure=where,
            sex=agent.sex, state="finished", seed=1, simulated=simulated,
            created_at=at, started_at=at, finished_at=at,
        )  # fmt: skip
        result = Result.objects.create(
            sitting=sitting, frozen_version="v", answers=9, simulated=simulated, computed_at=at
        )
        DomainResult.objects.create(
            result=result, domain="d1", answers=9, theta=1 if level == "sur" else -1, sd=0.3,
            level=level,
        )  # fmt: skip
    return who


def look(frozen: FrozenTest, actor: Any, **filters: Any) -> Any:
    reach = reach_of(actor, Filters(**filters))
    return competences(reach, Wanted(frozen.test.bank.framework))


def test_each_person_counts_once_by_their_latest(frozen: FrozenTest, tree: people.Tree) -> None:
    reader = people.actor("programme", tree.country)
    who = measured(frozen, tree.poste_toubacouta, ["debut"] * 12)
    measured(frozen, tree.poste_toubacouta, ["sur"] * 9, agents=who[:9], days=3)
    group = look(frozen, reader).everyone["d1"]
    assert (group.n, dict(group.levels)) == (12, {"sur": 9, "debut": 3})
    share, low, high = (round(one, 1) for one in group.share(["sur"]))
    assert (share, low, high) == (75.0, 46.8, 91.1)
    middle, below, above = (round(one, 3) for one in group.mean())
    assert (middle, below, above) == (0.5, -0.019, 1.019)
    before = look(frozen, reader, end=NOW.date())
    assert dict(before.everyone["d1"].levels) == {"debut": 12}


def test_a_later_calibration_counts_and_the_earlier_result_does_not(
    frozen: FrozenTest, tree: people.Tree
) -> None:
    measured(frozen, tree.poste_toubacouta, ["debut"] * 10)
    sitting = Sitting.objects.order_by("pk")[0]
    Result.objects.filter(sitting=sitting).update(current=False)
    again = Result.objects.create(
        sitting=sitting, number=2, frozen_version="w", answers=9, computed_at=NOW
    )
    DomainResult.objects.create(result=again, domain="d1", answers=9, theta=1, sd=0.3, level="sur")
    group = look(frozen, people.actor("programme", tree.country)).everyone["d1"]
    assert dict(group.levels) == {"debut": 9, "sur": 1}


def test_one_sees_ones_own_territory(frozen: FrozenTest, tree: people.Tree) -> None:
    measured(frozen, tree.poste_toubacouta, ["sur"] * 10)
    measured(frozen, tree.centre_guinguineo, ["debut"] * 11)
    everyone = look(frozen, people.actor("programme", tree.country))
    assert [(label, groups["d1"].n) for label, groups in everyone.parts[0].rows] == [
        ("Fatick", 10),
        ("Kaolack", 11),
    ]
    mine = look(frozen, people.actor("region", tree.fatick))
    assert (mine.people, dict(mine.everyone["d1"].levels)) == (10, {"sur": 10})


def test_simulated_results_count_in_the_demonstration_alone(
    frozen: FrozenTest, tree: people.Tree, settings: Any
) -> None:
    reader = people.actor("programme", tree.country)
    measured(frozen, tree.poste_toubacouta, ["sur"] * 12, simulated=True)
    assert look(frozen, reader).people == 0
    settings.KALAN_DEMO = True
    found = look(frozen, reader)
    assert (found.people, found.simulated) == (12, True)


def test_the_page_hides_small_groups_and_asks_a_constant_number_of_queries(
    frozen: FrozenTest, tree: people.Tree, client: Client, django_assert_num_queries: Any
) -> None:
    client.force_login(people.account("programme", tree.country))
    there = reverse("indicator-competences")
    assert "Aucun test de positionnement" in client.get(there).content.decode()
    measured(frozen, tree.poste_toubacouta, ["sur"] * (MIN_GROUP - 1))
    html = client.get(there).content.decode()
    assert ("groupe trop petit" in html, "100\u00a0%" in html) == (True, False)
    csv = client.get(there, {"format": "csv"}).content.decode("utf-8-sig").splitlines()
    assert csv[1].split(";")[:5] == [
        "Ensemble", "Ensemble", "Élément d1", "groupe trop petit", "",
    ]  # fmt: skip
    with django_assert_num_queries(18):
        client.get(there)
    measured(frozen, tree.centre_guinguineo, ["debut"] * 30)
    measured(frozen, tree.country, ["debut"] * 31)  # in no region
    with django_assert_num_queries(18):
        html = client.get(there).content.decode()
    assert ("0 à 11\u00a0%, 31 pers." in html, "non montré" in html) == (True, True)


def test_a_small_group_cannot_be_had_by_subtraction(frozen: FrozenTest, tree: people.Tree) -> None:
    measured(frozen, tree.poste_toubacouta, ["sur"] * (MIN_GROUP - 1))
    measured(frozen, tree.centre_guinguineo, ["debut"] * 30)
    found = look(frozen, people.actor("programme", tree.country))
    (regions,) = (part for part in found.parts if part.label == "Région")
    groups = [(one["d1"].n, one["d1"].hidden) for _, one in regions.rows]
    assert (groups, found.everyone["d1"].hidden) == ([(9, True), (30, True)], False)


def test_a_choice_of_sex_gives_nobody_back(frozen: FrozenTest, tree: people.Tree) -> None:
    reader = people.actor("programme", tree.country)
    measured(frozen, tree.poste_toubacouta, ["sur"] * 20)
    assert look(frozen, reader, sex="F").everyone["d1"].hidden is False
    men = [people.agent(tree.poste_toubacouta, sex="M") for _ in range(4)]
    measured(frozen, tree.poste_toubacouta, ["debut"] * 4, agents=men)
    assert look(frozen, reader).everyone["d1"].hidden is False
    for sex in "FM":  # twenty women beside twenty-four people would tell the four men
        found = look(frozen, reader, sex=sex)
        shown = [found.everyone, *(groups for part in found.parts for _, groups in part.rows)]
        assert [groups["d1"].hidden for groups in shown] == [True] * 4


def test_the_sittings_counted_carry_neither_name_nor_level(
    frozen: FrozenTest, tree: people.Tree, client: Client
) -> None:
    client.force_login(people.account("region", tree.fatick))
    who = measured(frozen, tree.poste_toubacouta, ["sur"] * 10)
    measured(frozen, tree.centre_guinguineo, ["debut"] * 10)
    html = client.get(reverse("indicator-competence-sittings")).content.decode()
    assert ("10 passations" in html, who[0].last_name in html) == (True, False)
    assert str(tree.centre_guinguineo.name) not in html
    other = {"territoire": str(tree.kaolack.uid)}
    assert client.get(reverse("indicator-competence-sittings"), other).status_code == 404


def test_the_gain_of_a_programme_weighs_its_sessions_by_their_pairs(
    tree: people.Tree, settings: Any
) -> None:
    settings.KALAN_DEMO = False
    programme = training.programme(tree.country, name="DIRECCT")
    sessions = [indicators.held(tree.poste_toubacouta, programme, {}) for _ in range(4)]
    bodies: list[dict[str, Any]] = [
        {"group": {"n": 30, "gain": 60, "low": 40, "high": 80}},
        {"group": {"n": 10, "gain": 20, "low": -20, "high": 60}},
        {"group": None},
        {"group": {"n": 90, "gain": 300, "low": 290, "high": 310}, "simulated": True},
    ]
    refresh(now=NOW)
    for session, body in zip(sessions, bodies, strict=True):
        SessionGain.objects.create(session=session, body=body, computed_at=NOW)
    found = gains(reach_of(people.actor("programme", tree.country), Filters()))
    assert [(one.programme, one.sessions, one.small, one.pairs, one.gain) for one in found] == [
        ("DIRECCT", 2, 1, 40, (50, 32, 68))
    ]
