"""Ability estimates with their standard errors: ML, MAP, EAP, WLE.

ML: root of the score function S(θ) = Σ P′/P of the answers given, infinite for a likelihood that
keeps rising; of several roots (3PL) the one with the highest likelihood. MAP: normal prior.
EAP: mean and standard deviation of the posterior on a grid (Bock & Mislevy 1982).
WLE: root of S + J/(2I) (Warm 1989). Standard errors: 1/√I at the estimate (ML, WLE),
1/√(I + 1/τ²) (MAP), posterior SD (EAP).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.data import Bank, Floats, Responses
from kalan.engine.psychometrics.likelihood import (
    blocks,
    check_categories,
    log_likelihood,
    sum_by_person,
)
from kalan.engine.psychometrics.models import TINY, derivatives
from kalan.engine.psychometrics.quadrature import Grid, normal_grid

Method = Literal["EAP", "MAP", "ML", "WLE"]
METHODS: tuple[Method, ...] = ("EAP", "MAP", "ML", "WLE")

SEARCH = np.linspace(-20.0, 20.0, 161)  # where roots are looked for before they are refined
TOLERANCE = 1e-12
SIZE = 1 << 15  # answers at a time: every one is evaluated at all points of SEARCH


@dataclass(frozen=True, eq=False)
class Scores:
    """``theta``, ``se`` (P). ±inf when a likelihood has no maximum; NaN when nothing was answered
    and the method has no prior."""

    theta: Floats
    se: Floats


@dataclass(frozen=True)
class Prior:
    """N(mean, sd²)."""

    mean: float = 0.0
    sd: float = 1.0


def posterior(bank: Bank, responses: Responses, grid: Grid) -> Floats:
    """(P, Q) posterior weights, each row summing to 1."""
    log_w = log_likelihood(bank, responses, grid.theta)
    with np.errstate(divide="ignore"):
        log_w += np.log(grid.weight)
    log_w -= log_w.max(axis=1, keepdims=True)
    weight = np.exp(log_w)
    weight /= weight.sum(axis=1, keepdims=True)
    return weight


def eap(bank: Bank, responses: Responses, grid: Grid) -> Scores:
    """Posterior mean and standard deviation of each person."""
    weight = posterior(bank, responses, grid)
    mean = weight @ grid.theta
    spread = np.maximum(weight @ grid.theta**2 - mean**2, 0.0)
    return Scores(mean, np.sqrt(spread))


def score(
    bank: Bank,
    responses: Responses,
    method: Method = "EAP",
    *,
    grid: Grid | None = None,
    prior: Prior | None = None,
) -> Scores:
    """Estimates of all persons. The bank is put in the order of the responses' items.

    ``grid`` is used by EAP (default 61 points on ±6 weighted by the prior), ``prior`` by MAP.
    """
    bank, prior = bank.aligned(responses.items), prior or Prior()
    if method == "EAP":
        return eap(bank, responses, grid or normal_grid(mean=prior.mean, sd=prior.sd))
    check_categories(bank, responses)
    theta, se = np.empty(responses.n_persons), np.empty(responses.n_persons)
    for first, beyond in blocks(responses, SIZE):
        part = responses.keep(np.arange(first, beyond))
        theta[first:beyond], se[first:beyond] = _roots(bank, part, method, prior)
    return Scores(theta, se)


def _terms(bank: Bank, responses: Responses, theta: Floats) -> tuple[Floats, Floats, Floats]:
    """S, I and J (P, Q) at θ (P, Q): sums over the answers of each person."""
    at = derivatives(bank.at(responses.item), theta[responses.person])
    row = np.arange(responses.item.size)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = at.first[row, responses.category] / at.p[row, responses.category]
        safe = np.where(at.p > 0, at.p, np.inf)
        info = (at.first * (at.first / safe)).sum(axis=1)
        bias = (at.second * (at.first / safe)).sum(axis=1)
    score_of = np.nan_to_num(share, nan=0.0, posinf=0.0, neginf=0.0)
    start = responses.start
    return sum_by_person(score_of, start), sum_by_person(info, start), sum_by_person(bias, start)


def _slope(
    bank: Bank, responses: Responses, method: Method, prior: Prior, theta: Floats
) -> tuple[Floats, Floats]:
    """The function whose root is the estimate, and the information, (P, Q) each."""
    s, info, bias = _terms(bank, responses, theta)
    if method == "MAP":
        return s - (theta - prior.mean) / prior.sd**2, info + prior.sd**-2
    if method == "WLE":
        with np.errstate(divide="ignore", invalid="ignore"):
            return s + np.where(info > 0, bias / (2 * info), 0.0), info
    return s, info


def _roots(bank: Bank, responses: Responses, method: Method, prior: Prior) -> tuple[Floats, Floats]:
    low, high, end = _brackets(bank, responses, method, prior)
    theta = _refine(bank, responses, method, prior, low, high)
    _, info = _slope(bank, responses, method, prior, theta[:, None])
    with np.errstate(divide="ignore"):
        se = 1 / np.sqrt(info[:, 0])
    theta[end > 0], theta[end < 0] = np.inf, -np.inf
    se[end != 0] = np.inf
    silent = np.diff(responses.start) == 0
    if method != "MAP":
        theta[silent], se[silent] = np.nan, np.nan
    return theta, se


def _brackets(
    bank: Bank, responses: Responses, method: Method, prior: Prior
) -> tuple[Floats, Floats, Floats]:
    """Two points about the highest maximum, and −1 or 1 when it lies at an end (0 else)."""
    if method == "WLE":
        # The function has no closed primitive under 3PL: its integral on the grid stands for one.
        g = _slope_on_search(bank, responses)
        rise = np.cumsum((g[:, 1:] + g[:, :-1]) / 2 * np.diff(SEARCH), axis=1)
        height = np.concatenate([np.zeros((g.shape[0], 1)), rise], axis=1)
    else:
        height = log_likelihood(bank, responses, SEARCH)
        if method == "MAP":
            height -= (SEARCH - prior.mean) ** 2 / (2 * prior.sd**2)
    best = height.argmax(axis=1)
    end = np.zeros(best.size)
    if method == "ML":
        end = _ends(bank, responses, height, best)
    low = SEARCH[np.maximum(best - 1, 0)]
    high = SEARCH[np.minimum(best + 1, SEARCH.size - 1)]
    return low, high, end


def _slope_on_search(bank: Bank, responses: Responses) -> Floats:
    """(P, points) S + J/(2I) at the points of SEARCH, from one table an item."""
    at = derivatives(bank, SEARCH)
    safe = np.where(at.p > TINY, at.p, np.inf)
    terms = at.first / safe
    info, bias = (at.first * terms).sum(axis=1), (at.second * terms).sum(axis=1)
    start, item = responses.start, responses.item
    s = sum_by_person(terms[item, responses.category], start)
    total_info, total_bias = sum_by_person(info[item], start), sum_by_person(bias[item], start)
    return s + total_bias / np.where(total_info > TINY, 2 * total_info, np.inf)


def _ends(bank: Bank, responses: Responses, height: Floats, best: NDArray[np.intp]) -> Floats:
    """Likelihoods without a maximum: all answers at their lowest, or at their highest, category;
    under 3PL, also those whose highest point is the left end."""
    top = bank.top[responses.item]
    ones = np.ones(responses.item.size)
    asked = sum_by_person(ones, responses.start)
    highest = sum_by_person((responses.category == top) * ones, responses.start) == asked
    lowest = sum_by_person((responses.category == 0) * ones, responses.start) == asked
    # A flat left tail (guessing) reaches its supremum at −inf: no interior point is higher.
    flat = height[:, 0] >= height.max(axis=1) - 1e-12
    end = np.where(highest | (best == SEARCH.size - 1), 1.0, 0.0)
    return np.where(lowest | (flat & ~highest), -1.0, end)


def _refine(
    bank: Bank,
    responses: Responses,
    method: Method,
    prior: Prior,
    low: Floats,
    high: Floats,
) -> Floats:
    """Regula falsi with the Illinois step inside each bracket, to TOLERANCE."""

    def g(theta: Floats) -> Floats:
        return _slope(bank, responses, method, prior, theta[:, None])[0][:, 0]

    g_low, g_high = g(low), g(high)
    middle = (low + high) / 2
    side = np.zeros(low.size)
    for _ in range(80):
        drop = g_low - g_high
        with np.errstate(divide="ignore", invalid="ignore"):
            guess = np.where(drop > 0, (low * -g_high + high * g_low) / drop, (low + high) / 2)
        guess = np.clip(guess, low, high)
        moved = np.abs(guess - middle)
        middle, value = guess, g(guess)
        up = value > 0
        g_high = np.where(up & (side == 1), g_high / 2, g_high)
        g_low = np.where(~up & (side == -1), g_low / 2, g_low)
        low, g_low = np.where(up, middle, low), np.where(up, value, g_low)
        high, g_high = np.where(up, high, middle), np.where(up, g_high, value)
        side = np.where(up, 1, -1)
        if np.all((moved < TOLERANCE) | (value == 0) | (high - low < TOLERANCE)):
            break
    return middle
