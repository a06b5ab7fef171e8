"""Response functions in slope and intercepts, with their derivatives by parameter.

``phi`` (n, p): column 0 the slope a; then the intercepts; 3PL: last c. Logistic:
z = aθ + d. GRM: z_k = aθ + d_k, d_1 > d_2 > …. GPCM: P_k ∝ exp(kaθ + D_k), D_k = d_1 + … + d_k.
A kernel answers ``log_p`` (n, K, Q) and ``slope`` (n, p, K, Q) = ∂ log P / ∂ phi; a category that
an item does not have has zeros in both. Parameters out of bounds (GRM out of order) give NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.data import Floats, Ints

STEEPEST = 300.0  # a logarithm whose square can still be written


class Table(NamedTuple):
    log_p: Floats
    slope: Floats


Kernel = Callable[[Floats, Floats, Ints], Table]


def _log_sigmoid(z: Floats) -> Floats:
    found: Floats = -np.logaddexp(0.0, -z)
    return found


def two_parameter(phi: Floats, theta: Floats, top: Ints) -> Table:
    """1PL and 2PL: phi = (a, d)."""
    z = phi[:, :1] * theta + phi[:, 1:2]
    log_p = np.stack([_log_sigmoid(-z), _log_sigmoid(z)], axis=1)
    by_z = np.exp(log_p[:, ::-1]) * np.array([[-1.0], [1.0]])  # −P for a wrong answer, Q for right
    return Table(log_p, np.stack([by_z * theta, by_z], axis=1))


def three_parameter(phi: Floats, theta: Floats, top: Ints) -> Table:
    """3PL: phi = (a, d, c), P = c + (1 − c)σ(z), 0 ≤ c < 1. c itself, not its logit: where the data
    show no guessing the maximum is at c = 0, which a logit would never reach."""
    z, c = phi[:, :1] * theta + phi[:, 1:2], phi[:, 2:3]
    with np.errstate(divide="ignore", invalid="ignore"):
        log_c, log_rest = np.log(c), np.log1p(-c)
    up, down = _log_sigmoid(z), _log_sigmoid(-z)
    right = np.logaddexp(log_c, log_rest + up)
    log_p = np.stack([log_rest + down, right], axis=1)
    by_z = np.stack([-np.exp(up), np.exp(log_rest + up + down - right)], axis=1)
    by_c = np.stack(
        [np.broadcast_to(-1 / (1 - c), z.shape), np.exp(np.minimum(down - right, STEEPEST))], axis=1
    )
    return Table(log_p, np.stack([by_z * theta, by_z, by_c], axis=1))


def graded(phi: Floats, theta: Floats, top: Ints) -> Table:
    """GRM: log(P*_k − P*_{k+1}) = log σ(z_k) + log σ(−z_{k+1}) + log(1 − e^{−(d_k − d_{k+1})})."""
    n, m = phi.shape[0], phi.shape[1] - 1
    z = phi[:, :1, None] * theta + phi[:, 1:, None]
    above, below = _log_sigmoid(z), _log_sigmoid(-z)
    log_p = np.zeros((n, m + 1, theta.size))
    slope = np.zeros((n, m + 1, m + 1, theta.size))  # the first row of p is filled at the end
    log_p[:, 0], slope[:, 1, 0] = below[:, 0], -np.exp(above[:, 0])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        gap = phi[:, 1:-1] - phi[:, 2:]
        log_gap, pull = np.log(-np.expm1(-gap)), 1.0 / np.expm1(gap)
    for k in range(1, m + 1):
        last, inner = top == k, top > k
        log_p[last, k], slope[last, k, k] = above[last, k - 1], np.exp(below[last, k - 1])
        if not inner.any():
            continue
        log_p[inner, k] = above[inner, k - 1] + below[inner, k] + log_gap[inner, k - 1, None]
        slope[inner, k, k] = np.exp(below[inner, k - 1]) + pull[inner, k - 1, None]
        slope[inner, k + 1, k] = -np.exp(above[inner, k]) - pull[inner, k - 1, None]
    slope[:, 0] = slope[:, 1:].sum(axis=1) * theta
    return Table(log_p, slope)


def partial_credit(phi: Floats, theta: Floats, top: Ints) -> Table:
    """GPCM: ∂ log P_x / ∂ D_k = [x = k] − P_k, ∂ log P_x / ∂ a = θ(x − E x)."""
    n, m = phi.shape[0], phi.shape[1] - 1
    rank = np.arange(m + 1)
    absent = rank[None, :] > top[:, None]
    total = rank[None, :, None] * phi[:, :1, None] * theta
    total[:, 1:] += phi[:, 1:, None]
    total[absent] = -np.inf
    peak = total.max(axis=1, keepdims=True)
    log_p = total - peak - np.log(np.exp(total - peak).sum(axis=1, keepdims=True))
    p = np.exp(log_p)
    mean = (rank[None, :, None] * p).sum(axis=1)
    slope = np.empty((n, m + 1, m + 1, theta.size))
    slope[:, 0] = (rank[None, :, None] - mean[:, None]) * theta
    slope[:, 1:] = np.eye(m + 1)[1:, :, None] - p[:, 1:, None]
    log_p[absent] = 0.0
    slope.transpose(0, 2, 1, 3)[absent] = 0.0
    return Table(log_p, slope)


KERNELS: dict[str, Kernel] = {
    "1PL": two_parameter,
    "2PL": two_parameter,
    "3PL": three_parameter,
    "GRM": graded,
    "GPCM": partial_credit,
}
MODELS = tuple(KERNELS)


def curvature(
    kernel: Kernel, phi: Floats, theta: Floats, top: Ints, counts: Floats
) -> NDArray[np.float64]:
    """(n, p, p) second derivatives of Σ counts · log P, by central differences of the exact first
    derivatives (error about 1e-9 of the value): no model needs its own second derivatives."""
    n, p = phi.shape
    found = np.empty((n, p, p))
    for column in range(p):
        ends, moved = [], beside(phi, column, guessing=kernel is three_parameter)
        for at in moved:
            ends.append(np.einsum("nkq,njkq->nj", counts, kernel(at, theta, top).slope))
        found[:, :, column] = (ends[0] - ends[1]) / (moved[0] - moved[1])[:, column, None]
    return (found + found.transpose(0, 2, 1)) / 2


def beside(phi: Floats, column: int, *, guessing: bool) -> tuple[Floats, Floats]:
    """phi with one column a little higher, and a little lower; c stays at or above 0."""
    step = 1e-5 * np.maximum(1.0, np.abs(phi[:, column]))
    if guessing and column == 2:
        step[:] = 1e-6  # short beside the lowest P(right) on the grid, which log(c + …) feels
    higher, lower = phi.copy(), phi.copy()
    higher[:, column] += step
    lower[:, column] -= step
    if guessing:
        lower[:, 2] = np.maximum(lower[:, 2], 0.0)
    return higher, lower
