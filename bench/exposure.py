"""Rules of selection beside each other: RMSE, largest rate, overlap, items never used.

Standard 3PL bank, 30 of 500 items, EAP, 40 000 persons whose abilities and answers are not those
of any tuning. The peers' figures were measured once by the same recipe, with other programs; their
rules are run here as well, in Kalan's own words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.bank import SIX_EACH, rmse, standard
from bench.result import Result
from kalan.engine.psychometrics.blueprint import Blueprint
from kalan.engine.psychometrics.data import Bank, Floats
from kalan.engine.psychometrics.exposure import Eligibility, Ledger
from kalan.engine.psychometrics.prices import prepare, strict_limit
from kalan.engine.psychometrics.quadrature import normal_grid
from kalan.engine.psychometrics.select import Plan, Tables
from kalan.engine.psychometrics.simulate import Sittings, simulate

PERSONS, SEED, N = 40_000, 31, 500
CAP = 0.2
FIXED = Blueprint(30, 30)
SOURCE = "figure de référence de ce projet, non exécuté ici"


@dataclass(frozen=True)
class Reference:
    """Figures of section 5: RMSE, largest rate, overlap, share never used."""

    rmse: float
    most: float
    overlap: float
    never: float


def run(options: Sequence[str]) -> Iterator[Result]:
    theta = np.random.default_rng(SEED).normal(size=PERSONS)
    rng = np.random.default_rng(SEED + 1)
    for case, sit, bank, blueprint, reference in _rules():
        found = sit(theta, rng)
        yield from _lines(case, found, reference)
        limit = strict_limit(bank, blueprint).rmse
        error = rmse(found.theta, found.truth)
        yield Result(f"{case} : RMSE / limite stricte ({limit:.4f})", error / limit, "×")


def _lines(case: str, found: Sittings, reference: Reference | None) -> Iterator[Result]:
    rates = found.exposure(N)
    values = (
        ("RMSE", rmse(found.theta, found.truth), "rmse"),
        ("exposition maximale", float(rates.max()), "most"),
        ("recouvrement", float((rates**2).sum() / found.length.mean()), "overlap"),
        ("part jamais employée", float((rates == 0).mean()), "never"),
    )
    for name, value, key in values:
        peer = getattr(reference, key) if reference else None
        yield Result(f"{case} : {name}", value, "", SOURCE if reference else None, peer)


Sit = Callable[[Floats, np.random.Generator], Sittings]


def _rules() -> Iterator[tuple[str, Sit, Bank, Blueprint, Reference | None]]:
    free, uneven = standard(), standard(areas="uneven")
    equal = standard(areas="equal")
    capped = replace(FIXED, cap=CAP)
    quotas = replace(FIXED, quotas=SIX_EACH)
    yield (
        "MFI",
        _plain(free, replace(FIXED, spread=1)),
        free,
        FIXED,
        Reference(0.2339, 1, 0.402, 0.67),
    )
    randomesque = replace(FIXED, spread=5, spread_until=10**9)
    yield (
        "5 au hasard",
        _plain(free, randomesque),
        free,
        FIXED,
        Reference(0.2422, 0.79, 0.396, 0.65),
    )
    reference = Reference(0.2683, 0.247, 0.196, 0.54)
    yield "éligibilité 0,20", _eligibility(free), free, capped, reference
    reference = Reference(0.2798, 0.219, 0.183, 0.53)
    yield "Sympson–Hetter 0,20", _sympson_hetter(free), free, capped, reference
    yield "plafond seul 0,20", _cap_only(free, capped), free, capped, None
    reference = Reference(0.2692, 0.224, 0.151, 0.0)
    yield "prix 0,20", _priced(free, capped, held=False), free, capped, reference
    yield "prix et plafond 0,20", _priced(free, capped), free, capped, reference
    reference = Reference(0.2380, 1, 0.386, 0.67)
    yield "quotas égaux", _plain(equal, quotas), equal, quotas, reference
    reference = Reference(0.2482, 1, 0.397, 0.68)
    yield "quotas inégaux", _plain(uneven, quotas), uneven, quotas, reference
    both, reference = replace(quotas, cap=CAP), Reference(0.2890, 0.243, 0.160, 0.07)
    yield "quotas inégaux, prix et plafond 0,20", _priced(uneven, both), uneven, both, reference


def _tables(bank: Bank) -> Tables:
    return Tables(bank, normal_grid(121, 5.0))


def _plain(bank: Bank, blueprint: Blueprint) -> Sit:
    plan = Plan(_tables(bank), blueprint)
    return lambda theta, rng: simulate(plan, theta, rng)


def _cap_only(bank: Bank, blueprint: Blueprint) -> Sit:
    plan = Plan(_tables(bank), blueprint)

    def sit(theta: Floats, rng: np.random.Generator) -> Sittings:
        warm = simulate(plan, rng.normal(size=2000), rng, ledger=Ledger(CAP, np.zeros(N)))
        return simulate(plan, theta, rng, ledger=Ledger.warm(CAP, warm.exposure(N)))

    return sit


def _priced(bank: Bank, blueprint: Blueprint, *, held: bool = True) -> Sit:
    def sit(theta: Floats, rng: np.random.Generator) -> Sittings:
        plan, ledger = prepare(bank, blueprint)
        return simulate(plan, theta, rng, ledger=ledger if held else None)

    return sit


def _eligibility(bank: Bank) -> Sit:
    plan = Plan(_tables(bank), FIXED)

    def sit(theta: Floats, rng: np.random.Generator) -> Sittings:
        cold = Eligibility.cold(CAP, N)
        return simulate(plan, theta, rng, eligibility=cold, block=50)

    return sit


def _sympson_hetter(bank: Bank) -> Sit:
    """Twelve rounds of 2 000; an item is refused once a person: the draw may come first."""
    plan = Plan(_tables(bank), FIXED)

    def sit(theta: Floats, rng: np.random.Generator) -> Sittings:
        rule = Eligibility.cold(CAP, N)
        rule.learns = False
        for _ in range(12):
            rule.given[:], rule.opened[:] = 0.0, 0.0
            simulate(plan, rng.normal(size=2000), rng, eligibility=rule)
            rule.renew()
        return simulate(plan, theta, rng, eligibility=rule)

    return sit
