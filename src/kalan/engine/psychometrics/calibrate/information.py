"""Information about x at the maximum, and what it says of the parameters reported.

Exact observed information (Louis 1982): expected complete-data curvature less the posterior
covariance of the complete-data scores; the same matrix as Oakes (1999). Where that would cost too
much (its cost grows with persons × nodes × parameters²), the cross-product of the persons' scores,
which has the same limit in large samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from kalan.engine.psychometrics.calibrate.expectation import Block
from kalan.engine.psychometrics.calibrate.kernels import curvature
from kalan.engine.psychometrics.calibrate.problem import (
    Evaluation,
    Problem,
    latent_gradient,
    latent_scores,
)
from kalan.engine.psychometrics.data import Floats

ROOM = 1 << 22  # numbers of a working array


def exact_cost(problem: Problem) -> float:
    """Multiplications that ``observed`` takes."""
    return float(problem.data.n_persons) * problem.theta.size * problem.size**2


def observed(problem: Problem, at: Evaluation, dtype: DTypeLike = np.float64) -> Floats:
    """(size, size) −∂² value / ∂x², priors included."""
    found = -_complete_curvature(problem, at)
    spread = np.zeros_like(found)
    for scores, w in _scores(problem, at, dtype):
        number = np.maximum(w.sum(axis=1), 1e-300)
        mean = np.einsum("bq,bqj->bj", w, scores) / number[:, None]
        centred = (scores - mean[:, None]) * np.sqrt(w)[:, :, None]
        flat = centred.reshape(-1, problem.size)
        spread += flat.T @ flat
    return found - spread


def _complete_curvature(problem: Problem, at: Evaluation) -> Floats:
    size = problem.size
    counts = at.expected.counts
    bend = curvature(problem.kernel, at.phi, problem.theta, problem.top, counts)
    if problem.priors:
        bend += problem.prior_curvature(at.phi)
    found = np.zeros((size, size))
    row = np.broadcast_to(problem.index[:, :, None], bend.shape)
    column = np.broadcast_to(problem.index[:, None, :], bend.shape)
    free = (row >= 0) & (column >= 0)
    np.add.at(found, (row[free], column[free]), bend[free])
    for g, places in enumerate(problem.latent_index):
        for j, place in enumerate(places):
            if place >= 0:
                by = _latent_curvature(problem, at, g, j)
                for other, value in zip(places, by, strict=True):
                    if other >= 0:
                        found[place, other] += value
    return found


def _latent_curvature(problem: Problem, at: Evaluation, group: int, column: int) -> Floats:
    step, ends = 1e-5, []
    for sign in (1, -1):
        moved = at.latent.copy()
        moved[group, column] += sign * step
        ends.append(latent_gradient(problem.theta, moved, at.expected.persons)[group])
    found: Floats = (ends[0] - ends[1]) / (2 * step)
    return found


def _scores(
    problem: Problem, at: Evaluation, dtype: DTypeLike
) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """(B, Q, size) complete-data scores of a few persons, and their (B, Q) posterior weights."""
    data, size = problem.data, problem.size
    n, p = problem.index.shape
    by_code = np.ascontiguousarray(at.table.slope.transpose(0, 2, 3, 1), dtype)  # n, K, Q, p
    table, base = data.table(at.table.log_p, np.float64)
    log_prior, latent = problem.log_prior(at.latent), latent_scores(problem.theta, at.latent)
    few = max(1, ROOM // (problem.theta.size * max(n * p, size)))
    for block in data.blocks(np.float64):
        hot = data.one_hot(block, np.float64)
        w, _ = data.posterior(block, hot, table, base, log_prior)
        rows = _categories(problem, block)
        for low in range(0, rows.shape[0], few):
            part = rows[low : low + few]
            out = np.zeros((part.shape[0], problem.theta.size, size), dtype)
            for item in range(n):
                for column in np.flatnonzero(problem.index[item] >= 0):
                    there = np.flatnonzero(part[:, item] >= 0)
                    value = by_code[item, part[there, item], :, column]
                    out[there, :, problem.index[item, column]] += value
            group = data.group[block.first + low : block.first + low + part.shape[0]]
            for j in range(2):
                place = problem.latent_index[group, j]
                there = np.flatnonzero(place >= 0)
                out[there, :, place[there]] += latent[group[there], j]
            yield out, w[low : low + few].astype(dtype)


def _categories(problem: Problem, block: Block) -> NDArray[np.int8]:
    """(B, n) categories, −1 where there is no answer."""
    if block.rows is not None:
        return block.rows
    answers = problem.data.responses
    low, high = answers.start[block.first], answers.start[block.beyond]
    rows = np.full((block.beyond - block.first, problem.data.n), -1, np.int8)
    person = np.repeat(
        np.arange(block.beyond - block.first),
        np.diff(answers.start[block.first : block.beyond + 1]),
    )
    rows[person, answers.item[low:high]] = answers.category[low:high]
    return rows


def cross_product(problem: Problem, at: Evaluation) -> Floats:
    """(size, size) Σ weight · s s′ over persons, s the gradient of a person's ln L. Computed in
    single precision: standard errors need no more than three digits of it."""
    data, size = problem.data, problem.size
    n, p = problem.index.shape
    dtype = np.float32
    table, base = data.table(at.table.log_p, dtype)
    slope = at.table.slope.transpose(0, 2, 1, 3).reshape(n * data.K * p, -1).astype(dtype)
    latent = latent_scores(problem.theta, at.latent).astype(dtype)
    log_prior = problem.log_prior(at.latent).astype(dtype)
    found = np.zeros((size, size))
    for block in data.blocks(dtype):
        w, _ = data.posterior(block, data.one_hot(block, dtype), table, base, log_prior)
        weight = data.weight[block.first : block.beyond]
        w /= weight[:, None].astype(dtype)
        by_code = (w @ slope.T).reshape(w.shape[0], n, data.K, p)
        rows = _categories(problem, block)
        chosen = np.maximum(rows, 0)[:, :, None, None].astype(np.int64)
        score = np.take_along_axis(by_code, chosen, axis=2)[:, :, 0]
        score[rows < 0] = 0.0
        out = _placed(problem, score, size)
        group = data.group[block.first : block.beyond]
        for j in range(2):
            place = problem.latent_index[group, j]
            there = np.flatnonzero(place >= 0)
            out[there, place[there]] += (w[there] * latent[group[there], j]).sum(axis=1)
        out *= np.sqrt(weight)[:, None].astype(dtype)
        found += out.T @ out
    if problem.priors:
        found -= _prior_only(problem, at)
    return found


def _placed(problem: Problem, score: NDArray[Any], size: int) -> NDArray[Any]:
    """(B, n, p) scores put at their places in x."""
    out = np.zeros((score.shape[0], size), score.dtype)
    place = problem.index.ravel()
    free = np.flatnonzero(place >= 0)
    flat = score.reshape(score.shape[0], -1)
    if problem.common:
        shared = problem.index[:, 0][problem.index[:, 0] >= 0]
        if shared.size:
            out[:, shared[0]] = score[:, problem.index[:, 0] >= 0, 0].sum(axis=1)
        free = np.flatnonzero((place >= 0) & (np.arange(place.size) % problem.index.shape[1] > 0))
    out[:, place[free]] = flat[:, free]
    return out


def _prior_only(problem: Problem, at: Evaluation) -> Floats:
    """Curvature of the log priors in x."""
    bend = problem.prior_curvature(at.phi)
    found = np.zeros((problem.size, problem.size))
    row = np.broadcast_to(problem.index[:, :, None], bend.shape)
    column = np.broadcast_to(problem.index[:, None, :], bend.shape)
    free = (row >= 0) & (column >= 0)
    np.add.at(found, (row[free], column[free]), bend[free])
    return found
