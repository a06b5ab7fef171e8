"""Accuracy of adaptive tests: RMSE over the strict limit, coverage, decisions, honest errors.

Strict limits are computed here (van Trees; linear programme), not copied. Abilities and answers of
the evaluation are drawn apart from everything that is tuned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np

from bench.bank import SIX_EACH, rmse, standard
from bench.result import Result
from kalan.engine.psychometrics.blueprint import Blueprint, Decision, SelectAt, StopRules
from kalan.engine.psychometrics.data import Bank, Floats
from kalan.engine.psychometrics.models import probabilities
from kalan.engine.psychometrics.prices import prepare, strict_limit
from kalan.engine.psychometrics.quadrature import normal_grid
from kalan.engine.psychometrics.select import Plan, Tables
from kalan.engine.psychometrics.simulate import Sittings, simulate
from kalan.engine.psychometrics.uncertain import expected_tables

PERSONS = 10_000
PRECISE = 100_000  # for the ratios to the limit: 0.2 % of Monte-Carlo error
SOURCE = "figure de référence de ce projet, non exécuté ici"
GRID = normal_grid(121, 5.0)


def run(options: Sequence[str]) -> Iterator[Result]:
    yield from _limits()
    yield from _decisions()
    yield from _parameter_error()


def _sit(tables: Tables, blueprint: Blueprint, seed: int, persons: int = PERSONS) -> Sittings:
    rng = np.random.default_rng(seed)
    return simulate(Plan(tables, blueprint), rng.normal(size=persons), rng)


def _coverage(found: Sittings) -> float:
    return float((np.abs(found.theta - found.truth) <= 1.96 * found.se).mean())


def _limits() -> Iterator[Result]:
    free = Blueprint(30, 30, spread=1)
    quotas = Blueprint(30, 30, SIX_EACH, spread=1)
    uneven = standard(areas="uneven")
    for case, bank, blueprint, reference in (
        ("2PL, libre", standard(three=False), free, 1.022),
        ("3PL, libre", standard(), free, 1.031),
        ("3PL, quotas égaux", standard(areas="equal"), quotas, 1.031),
        ("3PL, quotas inégaux", uneven, quotas, 1.046),
    ):
        found = _sit(Tables(bank, GRID), blueprint, 41, PRECISE)
        yield from _against_limit(case, found, bank, blueprint, reference)
    for case, bank, blueprint, reference in (
        ("3PL, exposition 0,20", standard(), Blueprint(30, 30, cap=0.2), 1.11),
        ("3PL, quotas inégaux, 0,20", uneven, Blueprint(30, 30, SIX_EACH, cap=0.2), 1.144),
    ):
        plan, ledger = prepare(bank, blueprint)
        rng = np.random.default_rng(42)
        found = simulate(plan, rng.normal(size=PRECISE), rng, ledger=ledger)
        yield from _against_limit(case, found, bank, blueprint, reference)
        most = float(found.exposure(bank.n_items).max())
        yield Result(f"{case} : exposition maximale", most, "")


def _against_limit(
    case: str, found: Sittings, bank: Bank, blueprint: Blueprint, reference: float
) -> Iterator[Result]:
    limit = strict_limit(bank, blueprint).rmse
    error = rmse(found.theta, found.truth)
    name = f"{case} : RMSE {error:.4f} / limite stricte {limit:.4f}"
    yield Result(name, error / limit, "×", SOURCE, reference)
    claimed = float(np.sqrt((found.se**2).mean()))
    yield Result(f"{case} : erreur annoncée / RMSE", claimed / error, "×")
    yield Result(f"{case} : couverture à 95 %", _coverage(found), "")


def _decisions() -> Iterator[Result]:
    """Pass or fail at a cut: sequential tests beside 30 items for all."""
    tables = Tables(standard(), GRID)
    for cut, items in ((0.0, 16.9), (1.0, 13.7)):
        fixed = _sit(tables, Blueprint(30, 30), 43, PRECISE)
        reached = float(((fixed.theta >= cut) == (fixed.truth >= cut)).mean())
        yield Result(f"seuil {cut:g}, 30 questions : décisions justes", reached, "")
        for least, most, alpha, at in ((8, 40, 0.05, "theta"), (6, 36, 0.045, "cut")):
            stop = StopRules(decision=Decision(cut, alpha))
            blueprint = Blueprint(least, most, stop=stop, select_at=cast(SelectAt, at))
            found = _sit(tables, blueprint, 44, PRECISE)
            share = float(((found.above >= 0.5) == (found.truth >= cut)).mean())
            where = "au seuil" if at == "cut" else "à l’estimation"
            name = f"seuil {cut:g}, {least} à {most} questions, α = {alpha:g}, choix {where}"
            same = "30 questions pour tous"
            yield Result(f"{name} : décisions justes", share, "", same, reached, True, True)
            length = float(found.length.mean())
            yield Result(f"{name} : questions en moyenne", length, "questions", SOURCE, items)


def parameter_covariance(bank: Bank, answers: int) -> Floats:
    """(n, 2, 2) asymptotic covariance of (a, b) from so many answers, θ known and N(0, 1)."""
    grid = normal_grid(61, 5.0)
    p = probabilities(bank, grid.theta)[:, 1]
    away = grid.theta - bank.b
    slope = np.stack([away, -np.broadcast_to(bank.a[:, None], away.shape)])
    info = np.einsum("jnq,knq,nq,q->njk", slope, slope, p * (1 - p), grid.weight)
    found: Floats = np.linalg.inv(answers * info)
    return found


def estimated(bank: Bank, answers: int, rng: np.random.Generator) -> tuple[Bank, Floats]:
    """A 2PL bank as calibration would give it, and the covariance that it would claim."""
    root = np.linalg.cholesky(parameter_covariance(bank, answers))
    draw = np.einsum("njk,nk->nj", root, rng.normal(size=(bank.n_items, 2)))
    found = Bank.logistic(np.clip(bank.a + draw[:, 0], 0.2, 6.0), bank.b[:, 0] + draw[:, 1])
    return found, parameter_covariance(found, answers)


def _parameter_error() -> Iterator[Result]:
    """2PL bank, 30 items, calibrated on few answers; five calibrations of 4 000 persons each."""
    bank = standard(three=False)
    reference = {100: 0.872, 200: 0.915, 500: 0.937, 1000: 0.942}
    for answers, covered in reference.items():
        plain, honest = [], []
        for draw in range(5):
            rng = np.random.default_rng([answers, draw])
            guess, covariance = estimated(bank, answers, rng)
            theta = rng.normal(size=4000)
            for tables, into in (
                (Tables(guess, GRID), plain),
                (expected_tables(guess, covariance, GRID), honest),
            ):
                into.append(simulate(Plan(tables, Blueprint(30, 30)), theta, rng, truth=bank))
        yield from _honesty(f"{answers} réponses par question, erreur ignorée", plain, covered)
        yield from _honesty(f"{answers} réponses par question, erreur portée", honest, covered)


def _honesty(case: str, runs: list[Sittings], reference: float) -> Iterator[Result]:
    error = float(np.sqrt(np.mean([rmse(x.theta, x.truth) ** 2 for x in runs])))
    claimed = float(np.sqrt(np.mean([(x.se**2).mean() for x in runs])))
    covered = float(np.mean([_coverage(x) for x in runs]))
    yield Result(f"{case} : couverture à 95 %", covered, "", SOURCE, reference, False, True)
    yield Result(f"{case} : RMSE", error, "θ")
    yield Result(f"{case} : erreur annoncée / RMSE", claimed / error, "×")
