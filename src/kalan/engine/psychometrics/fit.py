"""Do items and persons answer as the model says? S-X2, infit and outfit, lz and lz*, Q3.

S-X2: Orlando & Thissen 2000; several categories: Kang & Chen 2008. Infit, outfit: Wright &
Masters 1982. lz: Drasgow, Levine & Williams 1985; lz*: Snijders 2001, Sinharay 2016 for several
categories and estimators. Q3: Yen 1984.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kalan.engine.psychometrics.data import Bank, Floats, Responses
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.likelihood import sum_by_person
from kalan.engine.psychometrics.models import TINY, derivatives, log_probabilities
from kalan.engine.psychometrics.quadrature import Grid, normal_grid
from kalan.engine.psychometrics.scoring import Method, Prior, Scores, score
from kalan.engine.psychometrics.sums import category_parts, leave_one_out
from kalan.engine.psychometrics.tails import chi_square_tail

LEAST_EXPECTED = 1.0  # persons in a cell of S-X2, below which score groups are merged


class NobodyAnsweredAllError(DataError):
    """S-X2 has no one to compare."""


@dataclass(frozen=True)
class ItemFit:
    """S-X2 with its degrees of freedom and p (None where no cell is left), infit, outfit."""

    item: str
    sx2: float | None
    df: int
    p: float | None
    infit: float | None
    outfit: float | None


@dataclass(frozen=True, eq=False)
class PersonFit:
    """(P) each; NaN for a person without a finite estimate or without an answer."""

    lz: Floats
    lz_star: Floats
    infit: Floats
    outfit: Floats


def free_parameters(bank: Bank) -> list[int]:
    """How many parameters an item took: slope (unless common to all), places, c, d."""
    common = bool(np.ptp(bank.a) < 1e-9 * bank.a.max()) and bank.n_items > 1
    extra = (bank.c > 0).astype(int) + (bank.d < 1).astype(int)
    return [int(bank.top[i]) + int(not common) + int(extra[i]) for i in range(bank.n_items)]


def item_fit(
    bank: Bank,
    responses: Responses,
    *,
    grid: Grid | None = None,
    scores: Scores | None = None,
) -> list[ItemFit]:
    """Fit of each item; ``scores`` (default WLE) serve infit and outfit.

    S-X2 compares persons of equal sum, so it takes those who answered every item; None when
    nobody did, as in an adaptive test.
    """
    bank = bank.aligned(responses.items)
    scores = scores or score(bank, responses, "WLE")
    chi: list[tuple[float | None, int, float | None]]
    try:
        chi = sx2(bank, responses, grid=grid)
    except NobodyAnsweredAllError:
        chi = [(None, 0, None)] * bank.n_items
    infit, outfit = _mean_squares(bank, responses, scores)[:2]
    return [
        ItemFit(name, *chi[i], _number(infit[i]), _number(outfit[i]))
        for i, name in enumerate(responses.items)
    ]


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def sx2(
    bank: Bank, responses: Responses, *, grid: Grid | None = None
) -> list[tuple[float | None, int, float | None]]:
    """(statistic, df, p) of each item (bank aligned) over the persons who answered all."""
    grid = grid or normal_grid()
    table = responses.dense()
    whole = (table >= 0).all(axis=1)
    if not whole.any():
        raise NobodyAnsweredAllError(
            "S-X2 compare des personnes de même total : aucune n’a répondu à toutes les questions. "
            "Prenez moins de questions, ou un sous-ensemble de personnes."
        )
    table, weight = table[whole], responses.weight[whole]
    total = table.sum(axis=1)
    parts = category_parts(bank, grid.theta)
    free = free_parameters(bank)
    out = []
    for i, rest in enumerate(leave_one_out(parts)):
        expected = _expected(parts[i], rest, grid)
        observed = np.zeros_like(expected)
        np.add.at(observed, (total, table[:, i]), weight)
        out.append(_chi_square(observed, expected, free[i]))
    return out


def _expected(part: Floats, rest: Floats, grid: Grid) -> Floats:
    """(S, K) P(category | sum): the item's category and the others' sum, over both integrated."""
    sums, top = part.shape[0] + rest.shape[0] - 1, part.shape[0]
    joint = np.zeros((sums, top))
    for category in range(top):
        reach = (rest * part[category] * grid.weight).sum(axis=1)
        joint[category : category + reach.size, category] = reach
    whole = joint.sum(axis=1, keepdims=True)
    found: Floats = np.divide(joint, whole, out=np.zeros_like(joint), where=whole > 0)
    return found


def _chi_square(
    observed: Floats, expected: Floats, free: int
) -> tuple[float | None, int, float | None]:
    """Extreme sums say nothing (their answers are forced) and are left out."""
    number = observed.sum(axis=1, keepdims=True)[1:-1]
    o, e = _merged_rows(observed[1:-1], expected[1:-1] * number)
    statistic, cells = 0.0, 0
    for row_o, row_e in zip(o, e, strict=True):
        cell_o, cell_e = _merged_cells(row_o, row_e)
        if cell_e.size > 1:
            statistic += float(((cell_o - cell_e) ** 2 / cell_e).sum())
            cells += cell_e.size - 1
    df = cells - free
    if df < 1:
        return None, 0, None
    return statistic, df, chi_square_tail(statistic, df)


def _merged_rows(o: Floats, e: Floats) -> tuple[Floats, Floats]:
    """Score groups merged towards the middle until every cell expects LEAST_EXPECTED persons.

    Only groups of two categories: with more, cells are merged inside their group.
    """
    kept = e.sum(axis=1) > 0
    o, e = o[kept], e[kept]
    if e.shape[1] > 2:
        return o, e
    while e.shape[0] > 1 and e.min() < LEAST_EXPECTED:
        row = int(np.argmin(e.min(axis=1)))
        inward = 1 if row < e.shape[0] / 2 else -1
        near = row + inward if 0 <= row + inward < e.shape[0] else row - inward
        o[near] += o[row]
        e[near] += e[row]
        o, e = np.delete(o, row, axis=0), np.delete(e, row, axis=0)
    return o, e


def _merged_cells(o: Floats, e: Floats) -> tuple[Floats, Floats]:
    """Neighbouring categories of a score group merged until each expects LEAST_EXPECTED."""
    while e.size > 1 and e.min() < LEAST_EXPECTED:
        cell = int(np.argmin(e))
        near = (
            cell + 1 if cell == 0 or (cell + 1 < e.size and e[cell + 1] < e[cell - 1]) else cell - 1
        )
        o[near] += o[cell]
        e[near] += e[cell]
        o, e = np.delete(o, cell), np.delete(e, cell)
    return o, e


def _moments(bank: Bank, responses: Responses, scores: Scores) -> tuple[Floats, Floats, Floats]:
    """Per answer: squared residual, variance, weight; weight 0 without a finite estimate."""
    theta = scores.theta[responses.person]
    there = np.isfinite(theta)
    at = derivatives(bank.at(responses.item), np.where(there, theta, 0.0)[:, None])
    category = np.arange(at.p.shape[1])
    p = at.p[:, :, 0]
    mean = p @ category
    # Σ p(k − mean)²: p·k² − mean² would lose all digits where an answer is all but certain.
    variance = np.maximum((p * (category - mean[:, None]) ** 2).sum(axis=1), TINY)
    return (responses.category - mean) ** 2, variance, there.astype(np.float64)


def _mean_squares(
    bank: Bank, responses: Responses, scores: Scores
) -> tuple[Floats, Floats, Floats, Floats]:
    """Infit and outfit of items (n), then of persons (P)."""
    squared, variance, there = _moments(bank, responses, scores)
    weight = np.repeat(responses.weight, np.diff(responses.start)) * there

    def by_item(values: Floats) -> Floats:
        sums = np.bincount(responses.item, values * weight, minlength=bank.n_items)
        return np.asarray(sums, np.float64)

    def by_person(values: Floats) -> Floats:
        return sum_by_person(values * there, responses.start)

    one = np.ones_like(squared)
    found: list[Floats] = []
    with np.errstate(divide="ignore", invalid="ignore"):
        for total in (by_item, by_person):
            found += [total(squared) / total(variance), total(squared / variance) / total(one)]
    return found[0], found[1], found[2], found[3]


def person_fit(
    bank: Bank,
    responses: Responses,
    method: Method = "WLE",
    *,
    scores: Scores | None = None,
    grid: Grid | None = None,
    prior: Prior | None = None,
) -> PersonFit:
    """lz and lz* at the estimate of ``method``, infit and outfit of each person.

    lz* = (W − c·S) / sd, W = Σ ln P − E, c = Σ cov(ln P, S_i) / I: at the root of the estimating
    function −S is Snijders's r₀ (0 for ML, −(θ̂ − μ)/τ² for MAP, J/(2I) for WLE).
    """
    bank = bank.aligned(responses.items)
    scores = scores or score(bank, responses, method, grid=grid, prior=prior)
    theta = scores.theta[responses.person]
    there = np.isfinite(theta)
    points = np.where(there, theta, 0.0)[:, None]
    rows = bank.at(responses.item)
    at = derivatives(rows, points)
    log_p = log_probabilities(rows, points)[:, :, 0]
    p, first = at.p[:, :, 0], at.first[:, :, 0]
    log_p = np.where(p > TINY, log_p, 0.0)
    slope = np.divide(first, p, out=np.zeros_like(p), where=p > TINY)
    row, given = np.arange(p.shape[0]), responses.category
    mean = (p * log_p).sum(axis=1)

    def total(values: Floats) -> Floats:
        return sum_by_person(values, responses.start)

    gap, s = total(log_p[row, given] - mean), total(slope[row, given])
    info, shared = total((first * slope).sum(axis=1)), total((first * log_p).sum(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        c = shared / info
        lz = gap / np.sqrt(total((p * (log_p - mean[:, None]) ** 2).sum(axis=1)))
        spread = log_p - mean[:, None] - np.repeat(c, np.diff(responses.start))[:, None] * slope
        lz_star = (gap - c * s) / np.sqrt(total((p * spread**2).sum(axis=1)))
    silent = ~np.isfinite(scores.theta)
    lz[silent], lz_star[silent] = np.nan, np.nan
    infit, outfit = _mean_squares(bank, responses, scores)[2:]
    return PersonFit(lz, lz_star, infit, outfit)


def q3(bank: Bank, responses: Responses, scores: Scores | None = None) -> Floats:
    """(n, n) correlations of residuals between items over the persons who answered both.

    Local dependence shows as a value well above the mean of the others (Yen 1984).
    """
    bank = bank.aligned(responses.items)
    scores = scores or score(bank, responses, "WLE")
    theta = scores.theta[responses.person]
    there = np.isfinite(theta)
    p = derivatives(bank.at(responses.item), np.where(there, theta, 0.0)[:, None]).p[:, :, 0]
    table = np.full((responses.n_persons, bank.n_items), np.nan)
    residual = responses.category - p @ np.arange(p.shape[1])
    table[responses.person[there], responses.item[there]] = residual[there]
    seen = np.isfinite(table).astype(np.float64)
    x = np.nan_to_num(table)
    weight = responses.weight[:, None]
    seen_w, x_w = seen * weight, x * weight
    n, sx, sxx, sxy = seen_w.T @ seen, x_w.T @ seen, (x * x_w).T @ seen, x_w.T @ x
    with np.errstate(divide="ignore", invalid="ignore"):
        cov = sxy - sx * sx.T / n
        out = cov / np.sqrt((sxx - sx**2 / n) * (sxx.T - sx.T**2 / n))
    np.fill_diagonal(out, 1.0)
    return np.asarray(out, np.float64)
