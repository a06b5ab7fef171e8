"""The marginal likelihood as a function of one vector x of free parameters.

x holds the free entries of ``phi`` (kernels), a slope common to all items once, then the free
means and log standard deviations of the groups. Gradient: Fisher's identity, the expected
complete-data gradient at the same parameters (Louis 1982).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import DTypeLike, NDArray

from kalan.engine.psychometrics.calibrate.expectation import Data, Expected
from kalan.engine.psychometrics.calibrate.kernels import KERNELS, Kernel, Table, beside
from kalan.engine.psychometrics.calibrate.priors import Priors
from kalan.engine.psychometrics.data import Floats, Ints

C_HIGHEST = 0.99
INNER = 3  # Fisher steps of an M-step


@dataclass(frozen=True, eq=False)
class Evaluation:
    """``value`` = log-likelihood + log prior, and all that was computed on the way to it."""

    x: Floats
    value: float
    loglik: float
    gradient: Floats
    expected: Expected
    table: Table
    phi: Floats
    latent: Floats


@dataclass(frozen=True, eq=False)
class Problem:
    """``index`` (n, p) and ``latent_index`` (G, 2): place in x, −1 where ``phi``, ``latent``
    (mean, log SD) stay fixed. ``once`` (n): 1 where the prior of a slope is counted."""

    model: str
    data: Data
    theta: Floats
    top: Ints
    phi: Floats
    index: NDArray[np.int64]
    latent: Floats
    latent_index: NDArray[np.int64]
    priors: Priors
    once: Floats

    @property
    def kernel(self) -> Kernel:
        return KERNELS[self.model]

    @cached_property
    def size(self) -> int:
        return int(max(self.index.max(initial=-1), self.latent_index.max(initial=-1))) + 1

    @property
    def common(self) -> bool:
        """One slope for all items."""
        return self.model == "1PL"

    @property
    def touched(self) -> NDArray[np.bool_]:
        """(n) items with a free parameter: only these have priors."""
        return np.asarray((self.index >= 0).any(axis=1))

    def pack(self, phi: Floats, latent: Floats) -> Floats:
        x = np.zeros(self.size)
        x[self.index[self.index >= 0]] = phi[self.index >= 0]
        x[self.latent_index[self.latent_index >= 0]] = latent[self.latent_index >= 0]
        return x

    def unpack(self, x: Floats) -> tuple[Floats, Floats]:
        phi, latent = self.phi.copy(), self.latent.copy()
        phi[self.index >= 0] = x[self.index[self.index >= 0]]
        latent[self.latent_index >= 0] = x[self.latent_index[self.latent_index >= 0]]
        return phi, latent

    def to_x(self, items: Floats, latent: Floats) -> Floats:
        """Sums of derivatives by entry, at their places in x."""
        place = np.concatenate([self.index.ravel(), self.latent_index.ravel()])
        value = np.concatenate([items.ravel(), latent.ravel()])
        free = place >= 0
        total = np.bincount(place[free], weights=value[free], minlength=self.size)
        return total.astype(np.float64)

    @cached_property
    def guessing(self) -> NDArray[np.bool_]:
        """(size) entries of x that are a c."""
        found = np.zeros(self.size, bool)
        if self.model == "3PL":
            found[self.index[:, 2][self.index[:, 2] >= 0]] = True
        return found

    def bounded(self, x: Floats) -> Floats:
        """x with every guessing rate between 0 and C_HIGHEST."""
        held = self.guessing
        if held.any():
            x = x.copy()
            x[held] = np.clip(x[held], 0.0, C_HIGHEST)
        return x

    def stuck(self, x: Floats, gradient: Floats, near: float = 0.0) -> NDArray[np.bool_]:
        """(size) guessing rates at, or ``near``, a bound that the value would have them cross."""
        low, high = (x <= near) & (gradient <= 0), (x >= C_HIGHEST) & (gradient >= 0)
        return np.asarray(self.guessing & (low | high))

    def log_prior(self, latent: Floats) -> Floats:
        """(G, Q) log weights of the nodes; the nodes do not move."""
        return normal_log_weights(self.theta, latent)

    def evaluate(self, x: Floats, dtype: DTypeLike = np.float64) -> Evaluation:
        """One E-step at x. Parameters out of bounds have value −inf."""
        phi, latent = self.unpack(x)
        table = self.kernel(phi, self.theta, self.top)
        if not np.all(np.isfinite(table.log_p)) or not np.all(np.isfinite(latent)):
            return _outside(x, table, phi, latent)
        expected = self.data.expect(table.log_p, self.log_prior(latent), dtype)
        items = np.einsum("nkq,njkq->nj", expected.counts, table.slope)
        value = expected.loglik
        if self.priors:
            density = self.priors.log_density(phi, self.model, self.top, self.once)
            value += float(density[self.touched].sum())
            items += self.priors.slope(phi, self.model, self.top, self.once)
        if not np.isfinite(value):
            return _outside(x, table, phi, latent)
        gradient = self.to_x(items, latent_gradient(self.theta, latent, expected.persons))
        return Evaluation(x, value, expected.loglik, gradient, expected, table, phi, latent)

    def complete_value(self, phi: Floats, table: Table, counts: Floats) -> Floats:
        """(n) expected complete-data log-likelihood and prior of each item."""
        found: Floats = (counts * table.log_p).sum(axis=(1, 2))
        if self.priors:
            density = self.priors.log_density(phi, self.model, self.top, self.once)
            found = found + np.where(self.touched, density, 0.0)
        return found

    def prior_curvature(self, phi: Floats) -> Floats:
        """(n, p, p) second derivatives of the log priors."""
        n, p = phi.shape
        found = np.zeros((n, p, p))
        for column in range(p):
            moved = beside(phi, column, guessing=self.model == "3PL")
            ends = [self.priors.slope(at, self.model, self.top, self.once) for at in moved]
            found[:, :, column] = (ends[0] - ends[1]) / (moved[0] - moved[1])[:, column, None]
        return (found + found.transpose(0, 2, 1)) / 2

    def information(self, table: Table, counts: Floats, phi: Floats) -> Floats:
        """(n, p, p) complete-data information; 1 on the diagonal where an entry is fixed."""
        n, p = self.index.shape
        weight = np.exp(table.log_p) * counts.sum(axis=1)[:, None]
        slope = table.slope.reshape(n, p, -1)
        found: Floats = (slope * weight.reshape(n, 1, -1)) @ slope.transpose(0, 2, 1)
        if self.priors:
            bend = np.einsum("njj->nj", self.prior_curvature(phi))
            np.einsum("njj->nj", found)[:] += np.maximum(-bend, 0.0)  # stays positive definite
        fixed = self.index < 0
        found[fixed] = 0.0
        found.transpose(0, 2, 1)[fixed] = 0.0
        diagonal = np.einsum("njj->nj", found)
        ridge = 1e-9 * diagonal.max(axis=1, keepdims=True) + 1e-12
        diagonal += np.where(fixed, 1.0, ridge)
        return found


def _outside(x: Floats, table: Table, phi: Floats, latent: Floats) -> Evaluation:
    nothing = Expected(-np.inf, np.zeros(0), np.zeros(0))
    return Evaluation(x, -np.inf, -np.inf, np.zeros_like(x), nothing, table, phi, latent)


def normal_log_weights(theta: Floats, latent: Floats) -> Floats:
    """(G, Q) log of the normal density at the nodes, weights summing to 1; latent (mean, ln SD)."""
    z = (theta - latent[:, :1]) / np.exp(latent[:, 1:])
    log_w = -0.5 * z * z
    peak = log_w.max(axis=1, keepdims=True)
    found: Floats = log_w - peak - np.log(np.exp(log_w - peak).sum(axis=1, keepdims=True))
    return found


def latent_scores(theta: Floats, latent: Floats) -> Floats:
    """(G, 2, Q) derivatives of the log weights by mean and ln SD."""
    sd = np.exp(latent[:, 1:])
    z = (theta - latent[:, :1]) / sd
    raw = np.stack([z / sd, z * z], axis=1)
    weight = np.exp(normal_log_weights(theta, latent))
    found: Floats = raw - (raw * weight[:, None]).sum(axis=2, keepdims=True)
    return found


def latent_gradient(theta: Floats, latent: Floats, persons: Floats) -> Floats:
    """(G, 2) gradient by mean and ln SD, from the expected persons at each node."""
    found: Floats = np.einsum("gjq,gq->gj", latent_scores(theta, latent), persons)
    return found
