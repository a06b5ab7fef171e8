"""Ability estimates against exact roots, and what happens at the ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalan.engine.psychometrics.data import GRADED, PARTIAL_CREDIT, Bank, Floats, Responses
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.models import log_probabilities, probabilities
from kalan.engine.psychometrics.quadrature import normal_grid
from kalan.engine.psychometrics.scoring import METHODS, Method, Prior, score


def _bank(kind: str, number: int = 20) -> Bank:
    rng = np.random.default_rng(7)
    a, b = np.exp(rng.normal(0.2, 0.3, number)), rng.normal(0, 1.2, number)
    if kind == "3PL":
        return Bank.logistic(a, b, rng.uniform(0.1, 0.25, number))
    if kind == "2PL":
        return Bank.logistic(a, b)
    steps = np.sort(rng.normal(0, 1, (number, 3)), axis=1)
    return Bank.polytomous(GRADED if kind == "GRM" else PARTIAL_CREDIT, a, steps)


def _draw(bank: Bank, persons: int) -> Responses:
    rng = np.random.default_rng(11)
    theta = rng.normal(size=persons)
    p = probabilities(bank, theta)  # (n, K, persons)
    drawn = (rng.random((bank.n_items, 1, persons)) > p.cumsum(axis=1)).sum(axis=1)
    return Responses.from_dense(np.minimum(drawn, bank.top[:, None]).T)


def _slope(bank: Bank, answers: Floats, theta: float, method: Method) -> float:
    """The estimating function, written once more from its definition by central differences."""
    h = 1e-5
    points = np.array([theta - h, theta, theta + h])
    log_p = log_probabilities(bank, points)
    given_p = log_p[np.arange(bank.n_items), answers.astype(int)]
    s = float((given_p[:, 2] - given_p[:, 0]).sum() / (2 * h))
    if method == "MAP":
        return s - theta
    if method == "ML":
        return s
    p = np.exp(log_p)
    first, second = (
        (p[..., 2] - p[..., 0]) / (2 * h),
        (p[..., 2] - 2 * p[..., 1] + p[..., 0]) / h**2,
    )
    info = (first**2 / p[..., 1]).sum()
    return s + float((first * second / p[..., 1]).sum() / (2 * info))


@pytest.mark.parametrize("kind", ["2PL", "3PL", "GRM", "GPCM"])
@pytest.mark.parametrize("method", ["ML", "MAP", "WLE"])
def test_the_estimate_is_a_root(kind: str, method: Method) -> None:
    bank = _bank(kind)
    responses = _draw(bank, 60)
    found = score(bank, responses, method)
    table = responses.dense()
    for person in range(60):
        if np.isfinite(found.theta[person]):
            slope = _slope(bank, table[person], float(found.theta[person]), method)
            assert abs(slope) < 1e-4, (person, found.theta[person])


def test_ml_and_wle_against_scipys_root_finder() -> None:
    from scipy.optimize import brentq

    bank = _bank("2PL")
    responses = _draw(bank, 40)
    a, b = bank.a, bank.b[:, 0]
    found = {method: score(bank, responses, method).theta for method in ("ML", "WLE")}

    def ml(theta: float, x: Floats) -> float:
        return float((a * (x - 1 / (1 + np.exp(-a * (theta - b))))).sum())

    def wle(theta: float, x: Floats) -> float:
        p = 1 / (1 + np.exp(-a * (theta - b)))
        info, bias = (a**2 * p * (1 - p)).sum(), (a**3 * p * (1 - p) * (1 - 2 * p)).sum()
        return ml(theta, x) + float(bias / (2 * info))

    for person, x in enumerate(responses.dense()):
        assert abs(found["WLE"][person] - brentq(wle, -15, 15, args=(x,), xtol=1e-14)) < 1e-9
        if 0 < x.sum() < x.size:
            assert abs(found["ML"][person] - brentq(ml, -15, 15, args=(x,), xtol=1e-14)) < 1e-9


def test_eap_against_the_sum_written_out() -> None:
    bank = Bank.logistic([1.0, 1.5], [0.0, 0.5])
    grid = normal_grid(61, 6.0)
    p = 1 / (1 + np.exp(-bank.a[:, None] * (grid.theta - bank.b)))
    weight = grid.weight * p[0] * (1 - p[1])
    mean = (weight * grid.theta).sum() / weight.sum()
    sd = np.sqrt((weight * (grid.theta - mean) ** 2).sum() / weight.sum())
    found = score(bank, Responses.from_dense([[1, 0]]), "EAP")
    assert abs(found.theta[0] - mean) < 1e-12
    assert abs(found.se[0] - sd) < 1e-12


def test_perfect_and_zero_scores() -> None:
    bank = _bank("3PL", 5)
    responses = Responses.from_dense([[1] * 5, [0] * 5])
    ml = score(bank, responses, "ML")
    assert ml.theta.tolist() == [np.inf, -np.inf]
    assert ml.se.tolist() == [np.inf, np.inf]
    for method in ("EAP", "MAP", "WLE"):
        found = score(bank, responses, method)
        assert np.isfinite(found.theta).all(), method
        assert found.theta[0] > 0 > found.theta[1]


def test_a_person_without_an_answer() -> None:
    bank, nobody = _bank("2PL", 3), Responses.from_dense([[-1, -1, -1], [1, 0, -1]])
    for method in ("EAP", "MAP"):
        found = score(bank, nobody, method)
        assert abs(found.theta[0]) < 1e-9
        assert abs(found.se[0] - 1) < 1e-6
    for method in ("ML", "WLE"):
        found = score(bank, nobody, method)
        assert np.isnan(found.theta[0])
        assert np.isnan(found.se[0])
        assert np.isfinite(found.theta[1])


def test_a_prior_moves_the_modal_estimate() -> None:
    bank, one = _bank("2PL"), _draw(_bank("2PL"), 1)
    low, high = (score(bank, one, "MAP", prior=Prior(mean, 0.5)).theta[0] for mean in (-2.0, 2.0))
    assert low < score(bank, one, "ML").theta[0] < high


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 1), min_size=8, max_size=8), st.integers(0, 7))
def test_one_more_right_answer_never_lowers_the_estimate(answers: list[int], item: int) -> None:
    bank = _bank("2PL", 8)
    better = [*answers]
    better[item] = 1
    responses = Responses.from_dense([answers, better])
    for method in METHODS:
        theta = score(bank, responses, method).theta
        assert theta[1] >= theta[0] - 1e-9, method


def test_an_answer_beyond_the_categories_is_named() -> None:
    with pytest.raises(DataError, match="« q2 » : réponse 2"):
        score(_bank("2PL", 2), Responses.from_dense([[1, 2]]), "EAP")


def test_an_item_that_the_bank_lacks_is_named() -> None:
    with pytest.raises(DataError, match="« z » : absente de la banque"):
        score(_bank("2PL", 2), Responses.from_dense([[1, 1]], items=["q1", "z"]), "EAP")
