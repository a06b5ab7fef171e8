"""The maximum of the marginal likelihood: EM, SQUAREM, then Newton-like steps to the tight end.

EM climbs safely from afar (Bock & Aitkin 1981), SQUAREM stretches its steps and falls back where
the likelihood would fall (Varadhan & Roland 2008). Near the top EM creeps; L-BFGS preconditioned
with the complete-data information takes over (Lange 1995; Jamshidian & Jennrich 1997), and small
problems end with Newton steps on the exact observed information.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import DTypeLike

from kalan.engine.psychometrics.calibrate.kernels import Table
from kalan.engine.psychometrics.calibrate.problem import C_HIGHEST, INNER, Evaluation, Problem
from kalan.engine.psychometrics.data import Floats

MEMORY = 20
LONGEST = 1.5  # longest change of one parameter in a step
NOISE = 3e-13  # of |value|: what rounding may take from it
NEAR = 1e-3  # of a bound: a guessing rate that goes there at once
SWITCH = 0.02  # change of a parameter in an EM step below which Newton-like steps are quicker


@dataclass
class Climb:
    """Where the climb stands; ``trace`` holds the value after each accepted step."""

    at: Evaluation
    evaluations: int = 1
    iterations: int = 0
    converged: bool = False
    trace: list[float] = field(default_factory=list)


class Preconditioner:
    """Solves with the complete-data information: a block an item, bordered by the common slope."""

    def __init__(self, problem: Problem, at: Evaluation) -> None:
        self.problem = problem
        info = problem.information(at.table, at.expected.counts, at.phi)
        if problem.common:
            self.border = np.where(problem.index[:, 0] >= 0, info[:, 0, 1], 0.0)
            self.corner = info[problem.index[:, 0] >= 0, 0, 0].sum()
            info = info.copy()
            info[:, 0, :] = info[:, :, 0] = 0.0
            info[:, 0, 0] = 1.0
        self.inverse: Floats = np.linalg.inv(info).astype(np.float64, copy=False)
        sd = np.exp(at.latent[:, 1])
        number = at.expected.persons.sum(axis=1)
        self.latent = (
            np.stack([sd**2, np.full_like(sd, 0.5)], axis=1) / np.maximum(number, 1e-12)[:, None]
        )

    def solve(self, r: Floats) -> Floats:
        """Information⁻¹ · r for r in the order of x."""
        index = self.problem.index
        items = np.where(index >= 0, r[index], 0.0)
        if self.problem.common:
            return self._bordered(items, r)
        step: Floats = np.einsum("njl,nl->nj", self.inverse, items)
        return self._packed(step, r)

    def _bordered(self, items: Floats, r: Floats) -> Floats:
        index = self.problem.index
        inverse = self.inverse[:, 1, 1]
        free = index[:, 0] >= 0
        step = np.zeros_like(items)
        step[:, 1] = inverse * items[:, 1]
        if free.any():
            pull = inverse * self.border
            rest = r[index[free, 0][0]] - float((self.border * step[:, 1]).sum())
            slope = rest / (self.corner - float((self.border * pull).sum()))
            step[free, 0] = slope
            step[:, 1] -= np.where(free, pull * slope, 0.0)
        return self._packed(step, r)

    def _packed(self, step: Floats, r: Floats) -> Floats:
        latent_index = self.problem.latent_index
        latent = np.where(latent_index >= 0, r[latent_index] * self.latent, 0.0)
        return self.problem.pack(step, latent)


def m_step(problem: Problem, at: Evaluation) -> Floats:
    """The parameters that (nearly) maximise the expected complete-data likelihood."""
    phi, table, counts = at.phi, at.table, at.expected.counts
    now = problem.complete_value(phi, table, counts)
    for _ in range(INNER):
        items = np.einsum("nkq,njkq->nj", counts, table.slope)
        if problem.priors:
            items += problem.priors.slope(phi, problem.model, problem.top, problem.once)
        moved = Evaluation(at.x, 0.0, 0.0, at.x, at.expected, table, phi, at.latent)
        gradient = problem.to_x(items, np.zeros_like(at.latent))
        x = Preconditioner(problem, moved).solve(gradient)
        step, _ = problem.unpack(np.clip(x, -LONGEST, LONGEST))
        step[problem.index < 0] = 0.0
        phi, table, now = _risen(problem, phi, step, counts, now, table)
        if np.abs(step).max(initial=0.0) < 1e-10:
            break
    return problem.pack(phi, _latent_step(problem, at))


def _risen(
    problem: Problem, phi: Floats, step: Floats, counts: Floats, now: Floats, table: Table
) -> tuple[Floats, Table, Floats]:
    """phi + step, halved for the items (all of them under a common slope) where it would fall."""
    scale = np.ones(phi.shape[0])
    for _ in range(12):
        trial = phi + scale[:, None] * step
        if problem.model == "3PL":
            trial[:, 2] = np.clip(trial[:, 2], 0.0, np.maximum(C_HIGHEST, phi[:, 2]))
        found = problem.kernel(trial, problem.theta, problem.top)
        with np.errstate(invalid="ignore"):
            value = problem.complete_value(trial, found, counts)
            worse = ~(value >= now - NOISE * np.abs(now))
        if problem.common:
            worse[:] = not value.sum() >= now.sum() - NOISE * abs(now.sum())
        if not worse.any():
            return trial, found, value
        scale[worse] *= 0.4 if scale.min() > 1e-3 else 0.0
    return phi, table, now


def _latent_step(problem: Problem, at: Evaluation) -> Floats:
    """Mean and log SD of each group's expected distribution."""
    persons = at.expected.persons
    number = np.maximum(persons.sum(axis=1), 1e-300)
    mean = persons @ problem.theta / number
    spread = (persons * (problem.theta - mean[:, None]) ** 2).sum(axis=1) / number
    found = np.stack([mean, 0.5 * np.log(np.maximum(spread, 1e-12))], axis=1)
    free = problem.latent_index >= 0
    mean_kept = ~free[:, 0]
    if mean_kept.any():  # a spread about the mean that is kept
        about = (persons * (problem.theta - at.latent[:, :1]) ** 2).sum(axis=1) / number
        found[mean_kept, 1] = 0.5 * np.log(about[mean_kept])
    result: Floats = np.where(free, found, at.latent)
    return result


def em(problem: Problem, climb: Climb, cycles: int, enough: float, dtype: DTypeLike) -> None:
    """EM cycles with SQUAREM steps, until a step changes no parameter by more than ``enough``."""
    for _ in range(cycles):
        start = climb.at
        first = m_step(problem, start)
        if np.abs(first - start.x).max(initial=0.0) < enough:
            return
        one = _never_lower(problem, climb, start, first, dtype)
        second = m_step(problem, one)
        climb.at, climb.iterations = one, climb.iterations + 1
        climb.trace.append(one.value)
        r, v = one.x - start.x, second - 2 * one.x + start.x
        length = float(np.linalg.norm(v))
        stretch = max(float(np.linalg.norm(r)) / length, 1.0) if length > 0 else 1.0
        far = start.x + 2 * stretch * r + stretch**2 * v
        trial = problem.evaluate(problem.bounded(far), dtype)
        climb.evaluations += 1
        if not trial.value >= one.value:
            trial = _never_lower(problem, climb, one, second, dtype)
        climb.at, climb.iterations = trial, climb.iterations + 1
        climb.trace.append(trial.value)


def _never_lower(
    problem: Problem, climb: Climb, start: Evaluation, goal: Floats, dtype: DTypeLike
) -> Evaluation:
    """An EM step never falls; the approximations of an M-step might: then go part of the way."""
    step = goal - start.x
    for _ in range(8):
        found = problem.evaluate(problem.bounded(start.x + step), dtype)
        climb.evaluations += 1
        if found.value >= start.value - _noise(start.value, dtype):
            return found
        step = step / 4
    return start


def _noise(value: float, dtype: DTypeLike) -> float:
    return (NOISE if np.dtype(dtype) == np.float64 else 1e-7) * abs(value)


def quasi_newton(problem: Problem, climb: Climb, steps: int, tolerance: float) -> None:
    """Preconditioned L-BFGS until its step is below ``tolerance``, relative to 1 + |x|. A guessing
    rate about to reach 0 goes there and leaves the metric (two-metric projection, Bertsekas 1982).
    """
    pairs: deque[tuple[Floats, Floats, float]] = deque(maxlen=MEMORY)
    for _ in range(steps):
        at = climb.at
        ending = problem.stuck(at.x, at.gradient, NEAR)
        gradient = np.where(ending, 0.0, at.gradient)
        ahead = Preconditioner(problem, at)
        step = np.where(ending, -at.x, _two_loops(gradient, pairs, ahead))
        if at.gradient @ step <= 0:
            pairs.clear()
            step = np.where(ending, -at.x, ahead.solve(gradient))
        if np.all(np.abs(problem.bounded(at.x + step) - at.x) <= tolerance * (1 + np.abs(at.x))):
            climb.converged = True
            return
        found = _search(problem, climb, step)
        if found is None:
            if not pairs:
                return
            pairs.clear()
            continue
        s, y = found.x - at.x, at.gradient - found.gradient
        s, y = np.where(ending, 0.0, s), np.where(ending, 0.0, y)
        if s @ y > 1e-12 * np.linalg.norm(s) * np.linalg.norm(y):
            pairs.append((s, y, float(s @ y)))


def _two_loops(
    gradient: Floats, pairs: deque[tuple[Floats, Floats, float]], ahead: Preconditioner
) -> Floats:
    q, alphas = gradient.copy(), []
    for s, y, sy in reversed(pairs):
        alpha = float(s @ q) / sy
        alphas.append(alpha)
        q -= alpha * y
    z = ahead.solve(q)
    for (s, y, sy), alpha in zip(pairs, reversed(alphas), strict=True):
        z += (alpha - float(y @ z) / sy) * s
    return z


def _search(problem: Problem, climb: Climb, step: Floats) -> Evaluation | None:
    """The first of shorter and shorter steps on which the value rises; None if none does."""
    at = climb.at
    reach = np.abs(problem.bounded(at.x + step) - at.x).max()
    scale = min(1.0, LONGEST / max(float(reach), 1e-300))
    for _ in range(16):
        x = problem.bounded(at.x + scale * step)
        found = problem.evaluate(x)
        climb.evaluations += 1
        rise = max(float(at.gradient @ (x - at.x)), 0.0)
        if found.value >= at.value + 1e-4 * rise - _noise(at.value, np.float64):
            climb.at, climb.iterations = found, climb.iterations + 1
            climb.trace.append(found.value)
            return found
        scale *= 0.3
    return None


def newton(problem: Problem, climb: Climb, steps: int, tolerance: float) -> None:
    """Newton steps on the exact observed information, made positive definite where it is not."""
    from kalan.engine.psychometrics.calibrate.information import observed

    climb.converged = False
    for _ in range(steps):
        at = climb.at
        step = _within(problem, at, _definite(observed(problem, at)))
        if np.all(np.abs(step) <= tolerance * (1 + np.abs(at.x))):
            climb.converged = True
            return
        if _search(problem, climb, step) is None:
            # No higher point can be told from rounding: the top, if little rise was promised.
            climb.converged = float(at.gradient @ step) < 1e-9 * (1 + abs(at.value) * 1e-6)
            return


def _definite(info: Floats) -> Floats:
    """The matrix with the absolute values of its eigenvalues, kept away from 0."""
    scale = np.sqrt(np.maximum(np.abs(np.diag(info)), 1e-300))
    value, vector = np.linalg.eigh(info / np.outer(scale, scale))
    bend = np.maximum(np.abs(value), 1e-10 * np.abs(value).max(initial=1e-300))
    found: Floats = (vector * bend) @ vector.T * np.outer(scale, scale)
    return found


def _solved(info: Floats, gradient: Floats) -> Floats:
    """The shortest step where too few persons leave directions without any information."""
    try:
        return np.asarray(np.linalg.solve(info, gradient), np.float64)
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.lstsq(info, gradient)[0], np.float64)


def _within(problem: Problem, at: Evaluation, info: Floats) -> Floats:
    """The step that maximises g·s − s·info·s/2 with every guessing rate inside its bounds: those
    that would leave go to the bound, and the others are solved for again."""
    step = np.zeros_like(at.x)
    held = problem.stuck(at.x, at.gradient)
    for _ in range(8):
        free = ~held
        rest = at.gradient[free] - info[np.ix_(free, held)] @ step[held]
        step[free] = _solved(info[np.ix_(free, free)], rest)
        goal = at.x + step
        inside = problem.bounded(goal)
        crossing = free & (inside != goal)
        if not crossing.any():
            break
        step[crossing] = inside[crossing] - at.x[crossing]
        held = held | crossing
    return step
