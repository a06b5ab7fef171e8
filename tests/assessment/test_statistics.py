"""Counting what was seen of questions: values, constant queries, real apart from simulated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kalan.assessment.models import Answer, Sitting, SittingEvent
from kalan.assessment.services.statistics import count_statistics, interval, parts
from kalan.skills.models import ItemBank, ItemStatistics
from tests.factories import assessment, people
from tests.factories import calibration as made
from tests.factories.people import NOW


@pytest.fixture
def bank(tree: people.Tree) -> ItemBank:
    return assessment.bank(tree.country, domains=1, each=8)


def of(code_or_pk: int) -> ItemStatistics:
    return ItemStatistics.objects.get(version=code_or_pk)


def test_counts_are_those_of_the_answers(bank: ItemBank) -> None:
    frozen, true = made.frozen_test(bank), made.truth(bank)
    sittings = made.answered(frozen, true, 200, harder={true[2].code: 2.0})
    version = int(true[2].uid)
    waiting = Sitting.objects.create(
        test=frozen.test, frozen=frozen, seed=1, state="running", asked=2,
        created_at=NOW, started_at=NOW,
    )  # fmt: skip
    SittingEvent.objects.create(sitting=waiting, kind="replaced", version_id=version, at=NOW)
    assert count_statistics(bank=bank, now=NOW) == 8
    found = of(version)
    marks = np.array(Answer.objects.filter(version=version).values_list("fraction", flat=True))
    rest = [
        sum(Answer.objects.filter(sitting=one).exclude(version=version)
            .values_list("fraction", flat=True)) / 7
        for one in sittings
    ]  # fmt: skip
    assert (found.shown, found.answers, found.right) == (202, 200, marks.sum())
    assert found.point_biserial == pytest.approx(np.corrcoef(marks, rest)[0, 1])
    right = int(marks.sum())
    assert found.rest["chosen"] == {"a": 200 - right, "b": right}
    assert found.rest["seconds"] == 23.0
    assert found.rest["facility"]["value"] == pytest.approx(right / 200)
    assert found.rest["exposure"] == {"sittings": 201, "rate": 1.0}
    assert found.rest["dif"]["note"] == "plus difficile pour les femmes"
    assert "dif" not in of(int(true[5].uid)).rest


def test_real_answers_are_never_added_to_simulated_ones(bank: ItemBank, settings: Any) -> None:
    frozen, true = made.frozen_test(bank), made.truth(bank)
    made.answered(frozen, true, 40, simulated=True)
    settings.KALAN_DEMO = False
    assert count_statistics(bank=bank, now=NOW) == 0
    settings.KALAN_DEMO = True
    count_statistics(bank=bank, now=NOW)
    assert set(ItemStatistics.objects.values_list("answers", "simulated")) == {(40, True)}
    made.answered(frozen, true[:4], 30, seed=2)
    count_statistics(bank=bank, now=NOW)
    both = ItemStatistics.objects.order_by("version__item__code")
    assert list(both.values_list("answers", "simulated")) == [(30, False)] * 4 + [(40, True)] * 4


def test_queries_do_not_grow_with_the_answers(
    bank: ItemBank, django_assert_num_queries: Any
) -> None:
    frozen, true = made.frozen_test(bank), made.truth(bank)
    made.answered(frozen, true, 3)
    with django_assert_num_queries(9):
        count_statistics(bank=bank, now=NOW)
    made.answered(frozen, true, 60, seed=2)
    with django_assert_num_queries(9):
        count_statistics(bank=bank, now=NOW)


def test_the_interval_is_wilsons() -> None:
    # Newcombe 1998, Statistics in Medicine 17, table I: 81 of 263, 15 of 148.
    one, two = interval(81, 263), interval(15, 148)
    assert (round(one["low"], 4), round(one["high"], 4)) == (0.2553, 0.3662)
    assert (round(two["low"], 4), round(two["high"], 4)) == (0.0624, 0.1605)


def test_what_was_given_is_counted_by_its_parts() -> None:
    given: list[Any] = [
        None,
        {"choice": "b"},
        {"choices": ["a", "c"]},
        {"text": "12"},
        {"pairs": {"1": "x", "2": "y"}},
        {"ranks": {"s1": 2}},
        {"gaps": {"1": "a", "2": ["b", "c"]}},
    ]
    assert [list(parts(one)) for one in given] == [
        [""],
        ["b"],
        ["a", "c"],
        ["12"],
        ["1→x", "2→y"],
        ["s1:2"],
        ["1:a", "2:b", "2:c"],
    ]
