"""Parallel forms, their equating, and the cut that a panel sets."""

from __future__ import annotations

import numpy as np
import pytest

from kalan.engine.psychometrics.data import Bank
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.forms import assemble, check_forms, equate
from kalan.engine.psychometrics.models import expected_score
from kalan.engine.psychometrics.standard import angoff, decision_error, theta_of_sum

QUOTAS = {f"d{n}": (3, 6) for n in range(5)}


def bank(number: int = 100) -> Bank:
    rng = np.random.default_rng(3)
    return Bank.logistic(
        np.exp(rng.normal(0.2, 0.3, number)),
        rng.normal(0, 1, number),
        area=[f"d{n % 5}" for n in range(number)],
    )


def test_forms_are_parallel_disjoint_and_within_their_quotas() -> None:
    test = bank()
    found = assemble(test, forms=2, length=20, quotas=QUOTAS)
    assert [len(form) for form in found.forms] == [20, 20]
    assert not set(found.forms[0]) & set(found.forms[1])
    for form in found.forms:
        areas = [test.area[n] for n in form]
        assert all(3 <= areas.count(area) <= 6 for area in QUOTAS)
    assert found.gap < 0.05


def test_sums_of_equal_ability_are_equated() -> None:
    test = bank()
    found = assemble(test, forms=2, length=20, quotas=QUOTAS)
    first, second = equate(test, found)
    assert first.equivalent[1:20] == pytest.approx(np.arange(1, 20), abs=0.01)
    assert np.nanmax(np.abs(second.equivalent - np.arange(21))) < 1.0
    assert np.all(np.diff(second.scores.theta) > 0)
    assert second.share.sum() == pytest.approx(1.0)


def test_what_is_missing_is_said_with_its_place() -> None:
    test = bank(30)
    said = check_forms(test, 2, 20, {"d0": (5, 8), "d1": (3, 6)})
    assert said == [
        "2 formes de 20 questions en demandent 40, la banque en a 30 : il en manque 10.",
        "Domaine « d0 » : 10 questions nécessaires, 6 présentes : il en manque 4.",
    ]
    with pytest.raises(DataError, match="il en manque 10"):
        assemble(test, forms=2, length=20)
    assert check_forms(test, 1, 10, {f"d{n}": (0, 1) for n in range(5)}) == [
        "Les maximums par domaine ne laissent que 5 questions par forme, pour une longueur de 10."
    ]


def test_angoff() -> None:
    test = bank(20)
    ratings = np.full((8, 20), 0.6) + np.linspace(-0.07, 0.07, 8)[:, None]
    cut = angoff(test, ratings)
    assert cut.raw == pytest.approx(12.0)
    assert cut.raw_se == pytest.approx(np.std(cut.by_judge, ddof=1) / np.sqrt(8))
    assert expected_score(test, np.array([cut.theta])).sum() == pytest.approx(12.0, abs=1e-9)
    shifted = theta_of_sum(test, 12.0 + cut.raw_se) - cut.theta
    assert cut.theta_se == pytest.approx(shifted, rel=0.05)
    assert cut.warnings == ()
    assert decision_error(test, cut) > cut.theta_se


def test_a_judge_who_errs_is_named() -> None:
    test = bank(5)
    ratings = np.full((3, 5), 0.5)
    ratings[1, 2] = 60
    with pytest.raises(DataError, match="Mme Sarr, question « q3 »"):
        angoff(test, ratings, judges=("M. Ba", "Mme Sarr", "Mme Faye"))
    with pytest.raises(DataError, match="au moins 2 juges"):
        angoff(test, ratings[:1])
    with pytest.raises(DataError, match="5 avis par juge"):
        angoff(test, ratings[:, :4])
    assert angoff(test, np.full((3, 5), 0.5)).warnings == ("3 juges : au moins 8 sont conseillés.",)


def test_a_cut_that_guessing_passes_is_refused() -> None:
    guess = Bank.logistic(1.0, np.zeros(10), 0.25)
    with pytest.raises(DataError, match="hors de ce que ce test mesure"):
        angoff(guess, np.full((3, 10), 0.1))
