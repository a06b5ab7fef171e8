"""Item response functions: probabilities, derivatives and information, for every family."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalan.engine.psychometrics.data import GRADED, PARTIAL_CREDIT, Bank
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.models import (
    derivatives,
    expected_score,
    information,
    log_probabilities,
    probabilities,
    warm_term,
)

slopes = st.floats(0.2, 4.0)
places = st.floats(-4.0, 4.0)
POINTS = np.array([-6.0, -2.5, -0.3, 0.0, 1.1, 6.0])


@st.composite
def banks(draw: st.DrawFn) -> Bank:
    """One item of a family drawn at random."""
    a = draw(slopes)
    kind = draw(st.sampled_from(["2PL", "4PL", "GRM", "GPCM"]))
    if kind == "2PL":
        return Bank.logistic(a, draw(places))
    if kind == "4PL":
        c, d = draw(st.floats(0, 0.4)), draw(st.floats(0.6, 1.0))
        return Bank.logistic(a, draw(places), c, d)
    steps = draw(st.lists(places, min_size=1, max_size=4, unique_by=lambda x: round(x, 2)))
    if kind == "GRM":
        return Bank.polytomous(GRADED, a, [sorted(steps)])
    return Bank.polytomous(PARTIAL_CREDIT, a, [steps])


@settings(deadline=None, max_examples=150)
@given(banks())
def test_probabilities_and_their_derivatives_agree(bank: Bank) -> None:
    step = 1e-5
    d = derivatives(bank, POINTS)
    up, down = probabilities(bank, POINTS + step), probabilities(bank, POINTS - step)
    assert np.abs(d.p.sum(axis=1) - 1).max() < 1e-12
    assert np.abs(np.exp(log_probabilities(bank, POINTS)) - d.p).max() == 0
    assert np.abs((up - down) / (2 * step) - d.first).max() < 1e-7
    assert np.abs((up - 2 * d.p + down) / step**2 - d.second).max() < 1e-3
    assert np.abs(d.first.sum(axis=1)).max() < 1e-12


@settings(deadline=None, max_examples=150)
@given(banks())
def test_information_is_never_negative(bank: Bank) -> None:
    assert information(bank, np.linspace(-40, 40, 81)).min() >= 0


def test_information_of_the_2pl_and_3pl_in_closed_form() -> None:
    a, b, c, theta = 1.3, 0.4, 0.2, np.array([-1.0, 0.4, 2.0])
    star = 1 / (1 + np.exp(-a * (theta - b)))
    p = c + (1 - c) * star
    assert np.allclose(information(Bank.logistic(a, b), theta)[0], a**2 * star * (1 - star))
    expected = a**2 * (1 - p) / p * ((p - c) / (1 - c)) ** 2
    assert np.allclose(information(Bank.logistic(a, b, c), theta)[0], expected)


def test_the_2pl_makes_warms_term_the_derivative_of_information() -> None:
    bank, step = Bank.logistic(1.7, -0.2), 1e-6
    slope = (information(bank, POINTS + step) - information(bank, POINTS - step)) / (2 * step)
    assert np.abs(warm_term(bank, POINTS) - slope).max() < 1e-8


def test_two_categories_of_any_family_are_the_2pl() -> None:
    a, b = [0.8, 1.9], [[-0.5], [1.2]]
    plain = probabilities(Bank.logistic(a, np.ravel(b)), POINTS)
    for family in (GRADED, PARTIAL_CREDIT):
        assert np.abs(probabilities(Bank.polytomous(family, a, b), POINTS) - plain).max() < 1e-15


def test_items_of_several_lengths_stand_side_by_side() -> None:
    bank = Bank.polytomous(PARTIAL_CREDIT, [1.0, 1.0], [[-1.0, 0.0, 1.0], [0.5, np.nan, np.nan]])
    p = probabilities(bank, POINTS)
    assert np.array_equal(p[1, 2:], np.zeros((2, POINTS.size)))
    assert np.allclose(expected_score(bank, POINTS)[1], 1 / (1 + np.exp(-(POINTS - 0.5))))


@pytest.mark.parametrize(
    ("a", "b", "c", "said"),
    [
        (-1.0, 0.0, 0.0, "pente (a) nulle ou négative"),
        (40.0, 0.0, 0.0, "pente (a) au-delà de 25"),
        (np.nan, 0.0, 0.0, "pente (a) absente"),
        (1.0, np.nan, 0.0, "difficulté (b) absente"),
        (1.0, 0.0, 1.2, "0 ≤ c < d ≤ 1"),
    ],
)
def test_an_absurd_item_is_named(a: float, b: float, c: float, said: str) -> None:
    with pytest.raises(DataError) as refused:
        Bank.logistic([1.0, a], [0.0, b], [0.0, c], items=["bonne", "mauvaise"])
    assert "« mauvaise »" in str(refused.value)
    assert said in str(refused.value)


def test_an_item_twice_is_named() -> None:
    with pytest.raises(DataError, match="« x » : présente deux fois"):
        Bank.logistic(1.0, [0.0, 1.0], items=["x", "x"])


def test_thresholds_of_the_graded_model_rise() -> None:
    with pytest.raises(DataError, match="seuils b1 < b2"):
        Bank.polytomous(GRADED, 1.0, [[0.5, 0.2]])
