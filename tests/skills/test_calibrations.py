"""Adopting parameters, storing counts, and what tests are built from."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from kalan.base.errors import Refused
from kalan.people.actor import SYSTEM
from kalan.skills.models import ItemBank, ItemCalibration, ItemStatistics
from kalan.skills.selectors.items import for_tests
from kalan.skills.services.calibrations import CalibrationRow, adopt
from kalan.skills.services.statistics import StatisticsRow, store
from tests.factories import people, skills
from tests.factories.people import NOW

RUN, LATER = uuid.UUID(int=1), uuid.UUID(int=2)


@pytest.fixture
def bank(tree: people.Tree) -> ItemBank:
    return skills.bank(tree.country)


def row(version: Any, **more: Any) -> CalibrationRow:
    values: dict[str, Any] = {"model": "2PL", "a": 1.2, "b": [0.4], "answers": 620, "se_b": 0.1}
    return CalibrationRow(version_uid=version.uid, **{**values, **more})


def test_a_run_becomes_current_once_and_an_old_one_may_come_back(bank: ItemBank) -> None:
    version = skills.item(bank).current

    def take(run: uuid.UUID, a: float) -> int:
        rows = [row(version, a=a)]
        return adopt(actor=SYSTEM, bank=bank, run_uid=run, rows=rows, simulated=False, now=NOW)

    assert [take(RUN, 1.2), take(RUN, 1.2), take(LATER, 0.8)] == [1, 1, 1]
    assert list(ItemCalibration.objects.order_by("pk").values_list("a", "current")) == [
        (1.2, False),
        (0.8, True),
    ]
    take(RUN, 1.2)
    assert ItemCalibration.objects.get(current=True).a == 1.2


def test_simulated_answers_calibrate_the_demonstration_alone(bank: ItemBank, settings: Any) -> None:
    first, second = skills.item(bank).current, skills.item(bank).current

    def take(run: uuid.UUID, versions: list[Any], simulated: bool) -> int:
        return adopt(
            actor=SYSTEM,
            bank=bank,
            run_uid=run,
            rows=[row(version) for version in versions],
            simulated=simulated,
            now=NOW,
        )

    settings.KALAN_DEMO = False
    with pytest.raises(Refused, match="hors de la démonstration"):
        take(RUN, [first], True)
    assert ItemCalibration.objects.count() == 0
    settings.KALAN_DEMO = True
    take(RUN, [first], False)
    assert take(LATER, [first, second], True) == 1
    assert list(
        ItemCalibration.objects.filter(current=True)
        .order_by("pk")
        .values_list("simulated", flat=True)
    ) == [False, True]


@pytest.mark.parametrize(
    ("change", "said"),
    [({"a": 0.0}, "utilisables"), ({"b": []}, "utilisables")],
)
def test_parameters_that_measure_nothing_are_refused(
    bank: ItemBank, change: dict[str, Any], said: str
) -> None:
    rows = [row(skills.item(bank).current, **change)]
    with pytest.raises(Refused, match=said):
        adopt(actor=SYSTEM, bank=bank, run_uid=RUN, rows=rows, simulated=False, now=NOW)
    assert ItemCalibration.objects.count() == 0


def test_a_run_stays_in_its_bank_and_its_territory(tree: people.Tree, bank: ItemBank) -> None:
    stranger = skills.item(skills.bank(tree.country)).current
    with pytest.raises(Refused, match="autre banque"):
        adopt(actor=SYSTEM, bank=bank, run_uid=RUN, rows=[row(stranger)], simulated=False, now=NOW)
    below = people.actor("programme", tree.fatick)
    with pytest.raises(Refused, match="pas le droit"):
        adopt(actor=below, bank=bank, run_uid=RUN, rows=[], simulated=False, now=NOW)


def test_tests_read_a_bank_in_one_query(bank: ItemBank, django_assert_num_queries: Any) -> None:
    measured, guessed = skills.item(bank, code="A"), skills.item(bank, code="B", difficulty=-1.5)
    skills.item(bank, code="C", state="draft")
    for run, a in ((RUN, 0.7), (LATER, 1.2)):
        rows = [row(measured.current, a=a)]
        adopt(actor=SYSTEM, bank=bank, run_uid=run, rows=rows, simulated=False, now=NOW)
    with django_assert_num_queries(1):
        first, second = for_tests(bank)
    assert first.calibration is not None
    assert (first.code, first.calibration.a, first.provisional) == ("A", 1.2, False)
    assert (second.code, second.calibration, second.provisional) == ("B", None, True)
    assert (second.version_id, second.difficulty, second.options, second.top) == (
        guessed.current_id,
        -1.5,
        3,
        1,
    )
    assert [one.code for one in for_tests(bank, states=("draft",))] == ["C"]


def test_counts_take_the_place_of_those_before(bank: ItemBank) -> None:
    version = skills.item(bank).current
    for shown in (10, 12):
        rows = [StatisticsRow(version_id=version.pk, shown=shown, answers=8, right=5.5)]
        assert store(rows=rows, now=NOW) == 1
    assert ItemStatistics.objects.values_list("shown", "answers", "right").get() == (12, 8, 5.5)
