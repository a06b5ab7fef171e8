"""Item response functions: probabilities, derivatives, information.

Shapes: n items, K categories (the most of any item), Q ability points. ``theta`` is (Q) for all
items alike, or (n, Q) with a row an item. A category that an item does not have has probability 0.

Sources: Birnbaum 1968 (2PL, 3PL); Barton & Lord 1981 (4PL); Samejima 1969 (GRM); Muraki 1992
(GPCM); Warm 1989 (J). Logarithms come from ``logaddexp`` and sums of logs, never from log(1 − P).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.data import GRADED, LOGISTIC, PARTIAL_CREDIT, Floats, Parameters

TINY = 1e-290  # below, a probability adds nothing to information


class Derivatives(NamedTuple):
    """(n, K, Q) each: P and its first two derivatives with respect to θ."""

    p: Floats
    first: Floats
    second: Floats


def _points(theta: Floats, rows: NDArray[np.intp]) -> Floats:
    """(rows, Q) whatever form θ came in."""
    return theta[rows] if theta.ndim == 2 else np.broadcast_to(theta, (rows.size, theta.size))


def _log_sigmoid(z: Floats) -> Floats:
    return -np.logaddexp(0.0, -z)


def log_probabilities(bank: Parameters, theta: Floats) -> Floats:
    """(n, K, Q) ln P(category | θ); −inf for a category that an item does not have."""
    theta = np.asarray(theta, np.float64)
    out = np.full((bank.n_items, bank.n_categories, theta.shape[-1]), -np.inf)
    fill = {LOGISTIC: _log_logistic, GRADED: _log_graded, PARTIAL_CREDIT: _log_partial_credit}
    for family, log_p in fill.items():
        rows = np.flatnonzero(bank.family == family)
        if rows.size:
            found = log_p(bank, rows, _points(theta, rows))
            out[rows, : found.shape[1]] = found
    return out


def _log_logistic(bank: Parameters, rows: NDArray[np.intp], theta: Floats) -> Floats:
    a, b, c, d = (x[rows][:, None] for x in (bank.a, bank.b[:, 0], bank.c, bank.d))
    z = a * (theta - b)
    right, wrong = _log_sigmoid(z), _log_sigmoid(-z)
    if np.any(c > 0) or np.any(d < 1):
        with np.errstate(divide="ignore"):
            low, high = np.log(c), np.log1p(-d)
        width = np.log(d - c)
        right = np.logaddexp(low, width + right)
        wrong = np.logaddexp(high, width + wrong)
    return np.stack([wrong, right], axis=1)


def _log_graded(bank: Parameters, rows: NDArray[np.intp], theta: Floats) -> Floats:
    """P_k = σ(z_k)·σ(−z_{k+1})·(1 − e^{−a(b_{k+1} − b_k)}): no subtraction of near numbers."""
    a, b, top = bank.a[rows][:, None], bank.b[rows], bank.top[rows]
    z = a[:, :, None] * (theta[:, None, :] - np.nan_to_num(b)[:, :, None])  # (rows, m, Q)
    out = np.full((rows.size, b.shape[1] + 1, theta.shape[1]), -np.inf)
    above, below = _log_sigmoid(z), _log_sigmoid(-z)
    out[:, 0] = below[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.log(-np.expm1(-a * np.diff(b, axis=1)))
    for k in range(1, b.shape[1] + 1):
        last = top == k
        out[last, k] = above[last, k - 1]
        inner = top > k
        if inner.any():
            out[inner, k] = above[inner, k - 1] + below[inner, k] + gap[inner, k - 1][:, None]
    return out


def _log_partial_credit(bank: Parameters, rows: NDArray[np.intp], theta: Floats) -> Floats:
    a, b = bank.a[rows][:, None, None], bank.b[rows]
    step = a * (theta[:, None, :] - np.nan_to_num(b)[:, :, None])
    total = np.concatenate([np.zeros_like(step[:, :1]), np.cumsum(step, axis=1)], axis=1)
    absent = np.arange(b.shape[1] + 1)[None, :] > bank.top[rows][:, None]
    total[absent] = -np.inf
    peak = total.max(axis=1, keepdims=True)
    shifted = total - peak
    found: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return found


def probabilities(bank: Parameters, theta: Floats) -> Floats:
    """(n, K, Q) P(category | θ)."""
    return np.exp(log_probabilities(bank, theta))


def derivatives(bank: Parameters, theta: Floats) -> Derivatives:
    """P, P′ and P″ of every category, (n, K, Q) each."""
    theta = np.asarray(theta, np.float64)
    p = probabilities(bank, theta)
    first, second = np.zeros_like(p), np.zeros_like(p)
    fill = {LOGISTIC: _d_logistic, GRADED: _d_graded, PARTIAL_CREDIT: _d_partial_credit}
    for family, derive in fill.items():
        rows = np.flatnonzero(bank.family == family)
        if rows.size:
            one, two = derive(bank, rows, _points(theta, rows), p[rows])
            first[rows, : one.shape[1]], second[rows, : two.shape[1]] = one, two
    return Derivatives(p, first, second)


def _sigmoid(z: Floats) -> Floats:
    return np.exp(_log_sigmoid(z))


def _d_logistic(
    bank: Parameters, rows: NDArray[np.intp], theta: Floats, p: Floats
) -> tuple[Floats, Floats]:
    a, b, c, d = (x[rows][:, None] for x in (bank.a, bank.b[:, 0], bank.c, bank.d))
    up, down = _sigmoid(a * (theta - b)), _sigmoid(-a * (theta - b))
    first = a * (d - c) * up * down
    second = a * first * (down - up)
    return np.stack([-first, first], axis=1), np.stack([-second, second], axis=1)


def _d_graded(
    bank: Parameters, rows: NDArray[np.intp], theta: Floats, p: Floats
) -> tuple[Floats, Floats]:
    """x(1 − x) − y(1 − y) = (x − y)(1 − x − y): P_k′ = a·P_k·(1 − P*_k − P*_{k+1})."""
    a, b, top = bank.a[rows][:, None, None], bank.b[rows], bank.top[rows]
    z = a * (theta[:, None, :] - np.nan_to_num(b)[:, :, None])
    beyond = np.arange(b.shape[1])[None, :] >= top[:, None]
    star, slope = _sigmoid(z), _sigmoid(z) * _sigmoid(-z)
    star[beyond], slope[beyond] = 0.0, 0.0
    one, none = np.ones_like(star[:, :1]), np.zeros_like(star[:, :1])
    at, after = np.concatenate([one, star], axis=1), np.concatenate([star, none], axis=1)
    at_slope = np.concatenate([none, slope], axis=1)
    after_slope = np.concatenate([slope, none], axis=1)
    p = p[:, : b.shape[1] + 1]
    rest = 1.0 - at - after
    first = a * p * rest
    second = a * (first * rest - p * a * (at_slope + after_slope))
    return first, second


def _d_partial_credit(
    bank: Parameters, rows: NDArray[np.intp], theta: Floats, p: Floats
) -> tuple[Floats, Floats]:
    a = bank.a[rows][:, None, None]
    p = p[:, : bank.b.shape[1] + 1]
    score = np.arange(p.shape[1])[None, :, None]
    mean = (score * p).sum(axis=1, keepdims=True)
    spread = ((score - mean) ** 2 * p).sum(axis=1, keepdims=True)
    return a * p * (score - mean), a * a * p * ((score - mean) ** 2 - spread)


def _ratio(numerator: Floats, p: Floats) -> Floats:
    """Σ over categories of numerator / P, where P counts."""
    safe = np.where(p > TINY, p, 1.0)
    found: Floats = np.where(p > TINY, numerator / safe, 0.0).sum(axis=1)
    return found


def information(bank: Parameters, theta: Floats) -> Floats:
    """(n, Q) expected information Σ P_k′² / P_k of each item, ≥ 0."""
    d = derivatives(bank, theta)
    return _ratio(d.first * d.first, d.p)


def warm_term(bank: Parameters, theta: Floats) -> Floats:
    """(n, Q) J = Σ P_k′ P_k″ / P_k of each item (Warm 1989; Samejima 1998 for scored items)."""
    d = derivatives(bank, theta)
    return _ratio(d.first * d.second, d.p)


def expected_score(bank: Parameters, theta: Floats) -> Floats:
    """(n, Q) expected category of each item; its sum is the test characteristic curve."""
    p = probabilities(bank, theta)
    found: Floats = np.einsum("nkq,k->nq", p, np.arange(p.shape[1], dtype=np.float64))
    return found
