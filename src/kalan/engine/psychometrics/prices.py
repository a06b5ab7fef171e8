"""Item prices: what an item costs, in information, because others need it too.

The strict limit under an exposure cap is a linear programme over a grid of abilities; the dual
values of its cap rows are prices: at every θ the best test is made of the items with the largest
information minus price. They are a start. Simulated tests then move them until the rates hold at
every step of a real, adaptive test: up where an item is given too often, down (below zero) where
it would never be given at all. Prices belong to one bank, one blueprint and one population.

Source: the limits and the price rule are this project's (decision 0010); van Trees 1968 for the
bound; the duals come from HiGHS (Huangfu & Hall 2018) through scipy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kalan.engine.psychometrics.blueprint import Blueprint
from kalan.engine.psychometrics.data import Bank, Floats
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.exposure import Ledger
from kalan.engine.psychometrics.models import information
from kalan.engine.psychometrics.quadrature import Grid, normal_grid
from kalan.engine.psychometrics.select import Plan, Tables
from kalan.engine.psychometrics.simulate import simulate

NOISE, VARIANTS = 0.02, 16  # Gumbel noise of the sorted lists, and how many lists a grid point has
WIDTHS = (0.0, 0.35, 0.5, 0.7, 1.0)  # standard deviations over which information is averaged
CAP_SHARE = 0.97  # of r_max that rates are driven to: chance and the live cap need the rest
SPREADING = 0.35  # price per unit of rate: what overlap costs
FLOOR = 0.005  # rate below which an item is paid for being given
SUBSIDY = 0.1  # first step of that pay, in units of information


@dataclass(frozen=True, eq=False)
class Limit:
    """``rmse``: no adaptive rule that keeps the constraints goes below (normal population of
    standard deviation sd, information of the prior 1/sd²); ``information`` (Q) at each θ of
    ``theta``; ``price`` (n) dual values of the cap, 0 without one."""

    rmse: float
    theta: Floats
    information: Floats
    price: Floats


def strict_limit(bank: Bank, blueprint: Blueprint, *, nodes: int = 41, reach: float = 4.0) -> Limit:
    """van Trees bound 1/√(E[I] + 1/sd²) with the largest E[I] that quotas and cap allow."""
    from scipy.optimize import linprog

    mean, sd = blueprint.mean, blueprint.sd
    grid = normal_grid(nodes, reach)
    theta = mean + sd * grid.theta
    info = information(bank, theta)  # (n, Q)
    n, w = bank.n_items, grid.weight
    matrix, low, high = _rows(bank, blueprint, w)
    found = linprog(
        -(info * w).ravel(),
        A_ub=matrix.ub,
        b_ub=high,
        A_eq=matrix.eq,
        b_eq=low,
        bounds=(0, 1),
        method="highs",
    )
    if found.status != 0:
        raise DataError(
            "Les quotas et l’exposition maximale ne peuvent pas être tenus ensemble : vérifiez le "
            "plan du test contre la banque."
        )
    x = found.x.reshape(n, nodes)
    total = (info * x).sum(axis=0)
    price = -found.ineqlin.marginals[:n] if blueprint.cap is not None else np.zeros(n)
    return Limit(float(1 / np.sqrt(w @ total + sd**-2)), theta, total, price)


@dataclass(frozen=True)
class _Matrix:
    """Sparse rows of the programme: inequalities and equalities."""

    ub: object
    eq: object


def _rows(bank: Bank, blueprint: Blueprint, w: Floats) -> tuple[_Matrix, Floats, Floats]:
    """Cap rows first (n), then area maxima and minima; equalities: length at each θ."""
    from scipy import sparse

    n, nodes = bank.n_items, w.size
    each = sparse.identity(nodes, format="csr")
    upper, limit = [], []
    if blueprint.cap is not None:
        upper.append(sparse.kron(sparse.identity(n, format="csr"), w[None, :], format="csr"))
        limit.append(np.full(n, blueprint.cap))
    area = np.array(bank.area)
    for name, quota in blueprint.quotas.items():
        sums = sparse.kron((area == name).astype(float)[None, :], each, format="csr")
        upper += [sums, -sums]
        limit += [np.full(nodes, quota.maximum), np.full(nodes, -quota.minimum)]
    eq = sparse.kron(np.ones((1, n)), each, format="csr")
    matrix = _Matrix(sparse.vstack(upper, format="csr") if upper else None, eq)
    high = np.concatenate(limit).astype(float) if limit else np.zeros(0)
    return matrix, np.full(nodes, float(blueprint.maximum)), high


@dataclass(frozen=True, eq=False)
class Prices:
    """``price`` (Q, n) for ``Tables.set_price``; ``rates`` (n) that a last run gave."""

    price: Floats
    rates: Floats


def price_scale(tables: Tables, blueprint: Blueprint) -> Floats:
    """(Q) how much a unit of information may cost at each θ: less is asked where little is to be
    had, so that the thin ends of a bank do not pay what its middle pays."""
    best = np.sort(tables.info, axis=1)[:, -blueprint.maximum :].sum(axis=1)
    centre = int(np.abs(tables.grid.theta - blueprint.mean).argmin())
    found: Floats = best / best[centre]
    return found


def tune(
    plan: Plan,
    *,
    start: Floats | None = None,
    rounds: int = 48,
    persons: int = 2000,
    seed: int = 20,
) -> Prices:
    """Prices under which simulated rates hold ``blueprint.cap``; leaves them in the plan's tables.

    ``start`` (n): first prices, such as the dual values of ``strict_limit``. Each round simulates
    ``persons`` and moves prices by decreasing steps; the last third of the rounds is averaged
    (Polyak & Juditsky 1992).
    """
    tables, blueprint, n = plan.tables, plan.blueprint, plan.tables.n_items
    cap = blueprint.cap or 1.0
    floor = min(FLOOR, 0.2 * blueprint.minimum / n)
    rng, scale = np.random.default_rng(seed), price_scale(tables, blueprint)
    over, pay = (np.zeros(n) if start is None else np.maximum(start, 0.0)), np.zeros(n)
    smooth, total, kept = np.zeros(n), np.zeros(n), 0
    for turn in range(rounds):
        step = 0.6 / (1 + turn * 0.1)
        price = over - pay + SPREADING * smooth
        tables.set_price(np.outer(scale, price))
        rates = _rates(plan, rng, persons)
        smooth += (rates - smooth) * max(0.15, 1 / (turn + 1))
        over = np.maximum(over + step * np.clip(rates - CAP_SHARE * cap, -0.1, 0.3), 0.0)
        pay = np.maximum(pay + SUBSIDY * step * np.clip((floor - rates) / floor, -1, 1), 0.0)
        if turn >= rounds * 2 // 3:
            total, kept = total + over - pay + SPREADING * smooth, kept + 1
    found = np.outer(scale, total / max(kept, 1))
    tables.set_price(found)
    return Prices(found, _rates(plan, rng, 2 * persons))


def _rates(plan: Plan, rng: np.random.Generator, persons: int) -> Floats:
    theta = rng.normal(plan.blueprint.mean, plan.blueprint.sd, persons)
    return simulate(plan, theta, rng).exposure(plan.tables.n_items)


def prepare(
    bank: Bank,
    blueprint: Blueprint,
    grid: Grid | None = None,
    *,
    rounds: int = 48,
    persons: int = 2000,
    seed: int = 20,
) -> tuple[Plan, Ledger | None]:
    """Tables ready for use: with a cap, tuned prices and a ledger warm from simulated rates."""
    grid = grid or normal_grid(61, 5.0, mean=blueprint.mean, sd=blueprint.sd)
    if blueprint.cap is None:
        return Plan(Tables(bank, grid), blueprint), None
    # The spread over the first third is what keeps the items of the middle from all the starts.
    spread = replace(blueprint, spread_until=max(blueprint.spread_until, blueprint.maximum // 3))
    variants = int(np.clip(16_000 // bank.n_items, 2, VARIANTS))  # a large bank spreads by itself
    # Averaging lowers overlap where the choice is free; under quotas it showed no gain.
    widths = (0.0,) if blueprint.quotas else WIDTHS
    plan = Plan(Tables(bank, grid, noise=NOISE, variants=variants, widths=widths), spread)
    prices = tune(plan, rounds=rounds, persons=persons, seed=seed)
    return plan, Ledger.warm(blueprint.cap, prices.rates)
