"""Calibration: processor time, recovery and distance to the tight optimum, beside girth.

One core. Data: the recipe of complete matrices (generator seed = rows + columns), the standard bank
of 500 items for sparse answers. mirt and ltm are not Python packages: their figures were measured
on the same recipe, elsewhere, and are named so. ``--quick``: girth on the first matrix only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from bench.result import Result
from kalan.engine.psychometrics.calibrate.marginal import calibrate
from kalan.engine.psychometrics.calibrate.priors import product_priors
from kalan.engine.psychometrics.calibrate.result import Calibration
from kalan.engine.psychometrics.data import GRADED, PARTIAL_CREDIT, Bank, Responses
from kalan.engine.psychometrics.models import probabilities

MIRT = "mirt 1.47 (référence mesurée ailleurs)"
LTM = "ltm 1.2-0 (référence mesurée ailleurs)"
# Rows, columns, CPU seconds of mirt and of ltm, log-likelihood of mirt.
COMPLETE = (
    (1_000, 50, 0.65, 4.1, -25601.0920),
    (10_000, 100, 5.4, None, -539367.080),
    (100_000, 100, 64.0, None, -5292418.821),
)
GOAL, GOAL_ERRORS = "but : ≤ 3 s", "but : ≤ 6 s"


def run(options: Sequence[str]) -> Iterator[Result]:
    for rows, columns, mirt, ltm, loglik in COMPLETE:
        yield from _complete(rows, columns, mirt, ltm, loglik, "--quick" in options)
    yield from _sparse()
    yield from _models()
    yield from _coverage()


def _timed(work: Callable[[], Any], repeats: int = 3) -> tuple[float, Any]:
    """The least processor time of a few runs: the machine is shared."""
    best, found = np.inf, None
    for _ in range(repeats):
        start = time.process_time()
        found = work()
        best = min(best, time.process_time() - start)
    return best, found


def recipe(rows: int, columns: int) -> tuple[Any, Any, Any]:
    """a, b and the 0/1 matrix of the published recipe."""
    rng = np.random.default_rng(rows + columns)
    a, b = np.exp(rng.normal(0.1, 0.3, columns)), rng.normal(0, 1, columns)
    theta = rng.normal(0, 1, rows)
    p = 1 / (1 + np.exp(-a * (theta[:, None] - b)))
    return a, b, (rng.random((rows, columns)) < p).astype(np.int8)


def _complete(
    rows: int, columns: int, mirt: float, ltm: float | None, loglik: float, quick: bool
) -> Iterator[Result]:
    a, b, matrix = recipe(rows, columns)
    case = f"2PL {rows} × {columns}"
    responses = Responses.from_dense(matrix)
    took, found = _timed(lambda: calibrate(responses, standard_errors=False))
    yield Result(f"{case} : CPU", took, "s", MIRT, mirt)
    if ltm is not None:
        yield Result(f"{case} : CPU", took, "s", LTM, ltm)
    with_errors, full = _timed(lambda: calibrate(responses), 1)
    yield Result(f"{case}, erreurs types : CPU", with_errors, "s")
    tight = calibrate(responses, standard_errors=False, tolerance=1e-11)
    yield Result(
        f"{case} : log-vraisemblance sous l’optimum", tight.loglik - found.loglik, "unités"
    )
    yield Result(f"{case} : log-vraisemblance", found.loglik, "unités", MIRT, loglik)
    yield from _recovery(case, full, a, b)
    if rows <= (1_000 if quick else 10_000):
        yield from _girth(case, matrix, took, a, b)


def _recovery(case: str, found: Calibration, a: Any, b: Any) -> Iterator[Result]:
    da, db = found.parameters.a - a, found.parameters.b[:, 0] - b
    yield Result(f"{case} : RMSE de a", float(np.sqrt(np.mean(da**2))), "")
    yield Result(f"{case} : RMSE de b", float(np.sqrt(np.mean(db**2))), "")


def _girth(case: str, matrix: Any, took: float, a: Any, b: Any) -> Iterator[Result]:
    try:
        from girth import twopl_mml
    except ImportError:
        yield Result(f"{case} : girth absent (script/bench l’installe)", took, "s")
        return
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer, found = _timed(lambda: twopl_mml(matrix.T.astype(int)), 1)
    yield Result(f"{case} : CPU", took, "s", "girth 0.8", round(peer, 3), peer_run=True)
    mine = calibrate(Responses.from_dense(matrix), standard_errors=False)
    for name, own, other, true in (
        ("a", mine.parameters.a, found["Discrimination"], a),
        ("b", mine.parameters.b[:, 0], found["Difficulty"], b),
    ):
        rmse, peer_rmse = (float(np.sqrt(np.mean((x - true) ** 2))) for x in (own, other))
        yield Result(f"{case} : RMSE de {name}", rmse, "", "girth 0.8", round(peer_rmse, 4), True)


def sparse_answers() -> tuple[Any, Any, Responses]:
    """33 334 persons × 30 random items of the standard 2PL bank of 500."""
    rng = np.random.default_rng(20261121)
    a, b = np.exp(rng.normal(0.2, 0.3, 500)), rng.normal(0.0, 1.2, 500)
    theta = rng.normal(0, 1, 33_334)
    item = np.argsort(rng.random((theta.size, 500)), axis=1)[:, :30]
    answer = rng.random(item.shape) < 1 / (1 + np.exp(-a[item] * (theta[:, None] - b[item])))
    person = np.repeat(np.arange(theta.size), 30)
    names = [f"q{number}" for number in range(1, 501)]
    return a, b, Responses.from_triples(person, item.ravel(), answer.ravel(), items=names)


def _sparse() -> Iterator[Result]:
    a, b, responses = sparse_answers()
    case = "2PL, 1 000 020 réponses éparses, 500 questions"
    took, found = _timed(lambda: calibrate(responses, standard_errors=False))
    yield Result(f"{case} : CPU", took, "s", GOAL, 3.0)
    with_errors, full = _timed(lambda: calibrate(responses), 2)
    yield Result(f"{case}, erreurs types : CPU", with_errors, "s", GOAL_ERRORS, 6.0)
    tight = calibrate(responses, standard_errors=False, tolerance=1e-11)
    yield Result(
        f"{case} : log-vraisemblance sous l’optimum", tight.loglik - found.loglik, "unités"
    )
    yield from _recovery(case, full, a, b)


def _drawn(bank: Bank, persons: int, seed: int) -> Responses:
    rng = np.random.default_rng(seed)
    p = probabilities(bank, rng.normal(size=persons))
    drawn = (rng.random((bank.n_items, 1, persons)) > p.cumsum(axis=1)).sum(axis=1)
    return Responses.from_dense(np.minimum(drawn, bank.top[:, None]).T, items=bank.items)


def _models() -> Iterator[Result]:
    """The other models on 5 000 × 40: time and recovery."""
    rng = np.random.default_rng(540)
    a, b = np.exp(rng.normal(0.1, 0.3, 40)), rng.normal(0, 1, 40)
    steps = np.sort(rng.normal(0, 1, (40, 3)), axis=1) + np.array([-0.4, 0.0, 0.4])
    banks = {
        "1PL": Bank.logistic(1.2, b),
        "3PL": Bank.logistic(a, b, 0.2),
        "GRM": Bank.polytomous(GRADED, a, steps),
        "GPCM": Bank.polytomous(PARTIAL_CREDIT, a, steps),
    }
    for model, bank in banks.items():
        responses = _drawn(bank, 5_000, 1)
        prior = product_priors(5) if model == "3PL" else None

        def work(
            responses: Responses = responses, model: str = model, prior: Any = prior
        ) -> Calibration:
            return calibrate(responses, model, priors=prior)

        took, found = _timed(work, 1)
        case = f"{model} 5 000 × 40, erreurs types"
        yield Result(f"{case} : CPU", took, "s")
        rmse = float(np.sqrt(np.mean((found.parameters.a - bank.a) ** 2)))
        yield Result(f"{case} : RMSE de a", rmse, "")
        rmse = float(np.sqrt(np.nanmean((found.parameters.b - bank.b) ** 2)))
        yield Result(f"{case} : RMSE de b", rmse, "")


def _coverage() -> Iterator[Result]:
    """Share of the 95 % intervals of a and b that hold the truth, 60 draws of 20 items."""
    rng = np.random.default_rng(95)
    bank = Bank.logistic(np.exp(rng.normal(0.1, 0.3, 20)), rng.normal(0, 1, 20))
    for persons in (100, 500, 2_000):
        inside = []
        for draw in range(60):
            found = calibrate(_drawn(bank, persons, draw), drop_constant=True)
            kept = [bank.items.index(name) for name in found.items]
            a_off = np.abs(found.parameters.a - bank.a[kept]) < 1.96 * found.se[:, 0]
            b_off = np.abs(found.parameters.b[:, 0] - bank.b[kept, 0]) < 1.96 * found.se[:, 1]
            inside.append([a_off.mean(), b_off.mean()])
        for name, share in zip(("a", "b"), np.mean(inside, axis=0), strict=True):
            case = f"2PL 20 questions, {persons} réponses : intervalles à 95 % de {name}"
            yield Result(case, float(share), "couverture", more_is_better=True)
