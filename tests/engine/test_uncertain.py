"""Item parameters known with error: shrinkage, expected curves, honest errors."""

from __future__ import annotations

import numpy as np
import pytest

from kalan.engine.psychometrics.blueprint import Blueprint
from kalan.engine.psychometrics.data import GRADED, Bank, Floats
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.models import information, probabilities
from kalan.engine.psychometrics.quadrature import normal_grid
from kalan.engine.psychometrics.select import Plan, Tables
from kalan.engine.psychometrics.simulate import simulate
from kalan.engine.psychometrics.uncertain import expected_tables, shrink

GRID = normal_grid(61, 5.0)


def calibrated(error: Floats, seed: int = 1, number: int = 300) -> tuple[Bank, Bank, Floats]:
    """A true bank, its estimates with these standard errors of (a, b), and their covariance."""
    rng = np.random.default_rng(seed)
    a, b = np.exp(rng.normal(0.2, 0.3, number)), rng.normal(0, 1.2, number)
    away = rng.normal(size=(number, 2)) * error
    guess = Bank.logistic(np.clip(a + away[:, 0], 0.2, 8), b + away[:, 1])
    return Bank.logistic(a, b), guess, np.repeat(np.diag(error**2)[None], number, axis=0)


def test_exact_parameters_change_nothing() -> None:
    bank, _, covariance = calibrated(np.array([1e-5, 1e-5]))
    tables = expected_tables(bank, covariance, GRID)
    assert np.exp(tables.log_p) == pytest.approx(probabilities(bank, GRID.theta), abs=1e-6)
    assert tables.info == pytest.approx(information(bank, GRID.theta).T, abs=1e-5)


def test_shrunken_slopes_are_nearer_to_the_truth() -> None:
    truth, guess, covariance = calibrated(np.array([0.35, 0.2]))
    found = np.exp(shrink(guess, covariance).mean[:, 0])
    before = np.sqrt(((guess.a - truth.a) ** 2).mean())
    after = np.sqrt(((found - truth.a) ** 2).mean())
    assert after < 0.85 * before
    # the steepest estimates, those that selection hunts, are no longer too steep on average
    steep = np.argsort(-guess.a)[:30]
    assert (guess.a - truth.a)[steep].mean() > 0.2
    assert abs((found - truth.a)[steep].mean()) < 0.12


def test_expected_curves_against_draws() -> None:
    _, guess, covariance = calibrated(np.array([0.2, 0.15]), number=40)
    known = shrink(guess, covariance)
    rng, total = np.random.default_rng(2), np.zeros((40, GRID.size))
    root = np.linalg.cholesky(known.covariance)
    for _ in range(4000):
        at = known.mean + np.einsum("njk,nk->nj", root, rng.normal(size=(40, 2)))
        total += 1 / (1 + np.exp(-np.exp(at[:, :1]) * (GRID.theta - at[:, 1:])))
    found = np.exp(expected_tables(guess, covariance, GRID).log_p[:, 1])
    assert found == pytest.approx(total / 4000, abs=0.01)


def test_the_claimed_error_is_honest() -> None:
    truth, guess, covariance = calibrated(np.array([0.3, 0.15]))
    theta, ratio = np.random.default_rng(3).normal(size=3000), []
    for tables in (Tables(guess, GRID), expected_tables(guess, covariance, GRID)):
        plan = Plan(tables, Blueprint(20, 20))
        found = simulate(plan, theta, np.random.default_rng(4), truth=truth)
        error = np.sqrt(((found.theta - theta) ** 2).mean())
        ratio.append(float(np.sqrt((found.se**2).mean()) / error))
    assert ratio[0] < 0.88
    assert 0.93 < ratio[1] < 1.07


def test_what_is_refused() -> None:
    _, guess, covariance = calibrated(np.array([0.1, 0.1]), number=5)
    covariance[3] = np.nan
    with pytest.raises(DataError, match="q4"):
        shrink(guess, covariance)
    with pytest.raises(DataError, match="1PL à 4PL"):
        shrink(Bank.polytomous(GRADED, 1.0, [[0.0, 1.0]]), np.ones((1, 3, 3)))
