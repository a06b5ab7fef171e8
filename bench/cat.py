"""Adaptive tests: time of the next question, and simulated tests a second, beside catsim.

Processor time of one core. The peer is run here on fewer persons; jsCAT and adaptivetesting are not
run: their figures were measured once, on another machine.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from io import StringIO

import numpy as np

from bench.bank import SIX_EACH, cpu, rmse, standard
from bench.result import Result
from kalan.engine.psychometrics.blueprint import Blueprint
from kalan.engine.psychometrics.data import Bank, Floats
from kalan.engine.psychometrics.exposure import Ledger
from kalan.engine.psychometrics.prices import prepare
from kalan.engine.psychometrics.quadrature import normal_grid
from kalan.engine.psychometrics.select import Picker, Plan, Tables
from kalan.engine.psychometrics.simulate import simulate

REFERENCE = "{}, figure de référence, non exécuté ici"
STEP_MS = {500: {"jsCAT 5.2.3": 6.9, "adaptivetesting 1.1.4": 52.0}}
STEP_MS[5000] = {"jsCAT 5.2.3": 63.0, "adaptivetesting 1.1.4": 307.0}
STEP_MS[50000] = {"jsCAT 5.2.3": 850.0, "adaptivetesting 1.1.4": 3700.0}
TESTS_S = {"jsCAT 5.2.3": 3.9, "adaptivetesting 1.1.4": 0.88}
PERSONS = 10_000
PEERS = 60  # persons simulated with catsim: about 30 ms each


def run(options: Sequence[str]) -> Iterator[Result]:
    for number in (500, 5000, 50_000):
        yield from _step(number)
    yield from _throughput()


def _step(number: int) -> Iterator[Result]:
    bank = standard(number, areas="uneven")
    plan = Plan(
        Tables(bank, normal_grid(61, 5.0)), Blueprint(30, 30, SIX_EACH, cap=0.2, spread_until=10)
    )
    times, by_step = _picker_times(plan, number)
    peer = _catsim_step(bank)
    case = f"réponse et question suivante, quotas et éligibilité, {number} questions"
    yield Result(case, times, "µs", "catsim 0.21 (ML, MFI, sans quotas)", peer, peer_run=True)
    for name, milliseconds in STEP_MS[number].items():
        yield Result(case, times, "µs", REFERENCE.format(name), milliseconds * 1000)
    early, late = float(np.median(by_step[:, 2:7])), float(np.median(by_step[:, 24:29]))
    yield Result(f"dernières questions / premières, {number} questions", late / early, "×")


def _picker_times(plan: Plan, number: int) -> tuple[float, Floats]:
    """Median µs of one step, and all of them (sittings × steps)."""
    rng = random.Random(1)
    closed = bytes(rng.random() < 0.1 for _ in range(number))
    rows = []
    for seed in range(60):
        picker, row = Picker(plan, seed=seed, closed=closed), []
        while True:
            start = time.process_time_ns()
            if picker.next() is None:
                break
            picker.answer(rng.randrange(2))
            row.append((time.process_time_ns() - start) / 1000)
        rows.append(row)
    found = np.array(rows[10:])  # the first sittings fill the lists of the grid points
    return float(np.median(found)), found


def _parameters(bank: Bank) -> Floats:
    return np.stack([bank.a, bank.b[:, 0], bank.c, bank.d], axis=1)


def _catsim_step(bank: Bank) -> float:
    """Median µs of catsim's estimate and selection after 15 answers."""
    from catsim import ItemBank
    from catsim.estimation import NumericalSearchEstimator
    from catsim.selection import MaxInfoSelector

    items, rng = ItemBank(_parameters(bank)), np.random.default_rng(1)
    estimator, selector = NumericalSearchEstimator(), MaxInfoSelector()
    times = []
    for _ in range(12):
        given = rng.choice(bank.n_items, 15, replace=False).tolist()
        answers = (rng.random(15) < 0.6).tolist()
        answers[0], answers[1] = True, False
        start = time.process_time_ns()
        with redirect_stdout(StringIO()):  # it prints empty lines
            theta = estimator.estimate(
                item_bank=items, administered_items=given, response_vector=answers, est_theta=0.0
            )
            selector.select(item_bank=items, administered_items=given, est_theta=theta)
        times.append((time.process_time_ns() - start) / 1000)
    return float(np.median(times))


def _throughput() -> Iterator[Result]:
    theta = np.random.default_rng(5).normal(size=PERSONS)
    peer_rate, peer_error = _catsim_tests(standard(), theta[:PEERS])
    plain = Plan(Tables(standard(), normal_grid(61, 5.0)), Blueprint(30, 30))
    seconds = cpu(lambda: simulate(plain, theta, np.random.default_rng(6)))
    case = "tests simulés, 30 questions sur 500, MFI et EAP"
    yield Result(case, PERSONS / seconds, "/s", "catsim 0.21", peer_rate, True, True)
    for name, rate in TESTS_S.items():
        value = PERSONS / seconds
        yield Result(case, value, "/s", REFERENCE.format(name), rate, more_is_better=True)
    done = simulate(plain, theta[:PEERS], np.random.default_rng(6))
    error = rmse(done.theta, theta[:PEERS])
    case = f"RMSE sur les mêmes {PEERS} personnes"
    yield Result(case, error, "θ", "catsim 0.21 (ML)", peer_error, peer_run=True)
    blueprint = Blueprint(30, 30, SIX_EACH, cap=0.2)
    plan, ledger = prepare(standard(areas="uneven"), blueprint, normal_grid(61, 5.0))
    if ledger is None:
        raise RuntimeError("a blueprint with a cap has a ledger")
    rates = ledger.given / ledger.started
    seconds = cpu(
        lambda: simulate(plan, theta, np.random.default_rng(6), ledger=Ledger.warm(0.2, rates))
    )
    case = "tests simulés, quotas inégaux, prix et plafond 0,20"
    yield Result(
        case, PERSONS / seconds, "/s", "catsim 0.21 (sans contrainte)", peer_rate, True, True
    )


def _catsim_tests(bank: Bank, theta: Floats) -> tuple[float, float]:
    """Tests a second and RMSE of catsim's own simulator."""
    from catsim import ItemBank
    from catsim.estimation import NumericalSearchEstimator
    from catsim.initialization import FixedPointInitializer
    from catsim.selection import MaxInfoSelector
    from catsim.simulation import Simulator
    from catsim.stopping import TestLengthStopper

    simulator = Simulator(ItemBank(_parameters(bank)), theta, seed=1)
    start = time.process_time()
    with redirect_stdout(StringIO()):
        simulator.simulate(
            FixedPointInitializer(0.0),
            MaxInfoSelector(),
            NumericalSearchEstimator(),
            TestLengthStopper(max_items=30),
        )
    seconds = time.process_time() - start
    estimates = np.array([row[-1] for row in simulator.estimations])
    return theta.size / seconds, rmse(estimates, theta)
