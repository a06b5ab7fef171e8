"""Item parameters known with error only, carried into selection and into the standard error.

Maximum information hunts items whose slope is overestimated: with few answers an item the claimed
error is too small. Here each item's response curve is its expectation over what its parameters may
be: P̄(θ) = E[P(θ; a, b)], the parameters normal in (ln a, b) after their estimate, its covariance
and the bank's own distribution are joined. Errors of different items are independent, so the
posterior of θ from P̄ is the one that integrates them out: its mean and SD answer for both errors,
whatever rule chose the items. Within-and-between combination of draws (W + (1 + 1/M)·B) estimates
the same quantity.

Sources: Tsutakawa & Johnson 1990; Lewis 2001 (expected response functions); Efron & Morris 1975
(shrinkage).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kalan.engine.psychometrics.data import LOGISTIC, Bank, Floats
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.models import derivatives
from kalan.engine.psychometrics.quadrature import Grid
from kalan.engine.psychometrics.select import Tables

NODES = 7  # Gauss–Hermite nodes a parameter
LEAST_SPREAD = 0.05  # of ln a between items, when the estimates differ by less than their errors


@dataclass(frozen=True, eq=False)
class ItemPosterior:
    """``mean`` (n, 2) of (ln a, b) and ``covariance`` (n, 2, 2)."""

    mean: Floats
    covariance: Floats


def shrink(bank: Bank, covariance: Floats, *, b_sd: float | None = None) -> ItemPosterior:
    """Join estimates with the distribution of the bank, which the estimates themselves show.

    ``covariance`` (n, 2 or more, …) of (a, b, …) as ``Calibration.covariance`` has it; an item
    without one (NaN) is refused. ``b_sd``: spread of b between items, estimated when None.
    """
    if np.any(bank.family != LOGISTIC):
        raise DataError("L’erreur des paramètres n’est portée que pour les modèles 1PL à 4PL.")
    lacking = np.flatnonzero(~np.isfinite(covariance[:, :2, :2]).all(axis=(1, 2)))
    if lacking.size:
        name = bank.items[int(lacking[0])]
        raise DataError(f"Question « {name} » : covariance absente. Étalonnez-la d’abord.")
    x: Floats = np.empty((bank.n_items, 2))
    x[:, 0], x[:, 1] = np.log(bank.a), bank.b[:, 0]
    known = ItemPosterior(x, np.zeros((bank.n_items, 2, 2)))
    for _ in range(3):
        # Delta method at the shrunken slope: at the estimate, an item whose slope came out too
        # high would also claim too small an error of ln a, and be believed.
        turn = np.zeros((bank.n_items, 2, 2))
        turn[:, 0, 0], turn[:, 1, 1] = np.exp(-known.mean[:, 0]), 1.0
        known = _joined(x, turn @ covariance[:, :2, :2] @ turn, b_sd)
    return known


def _joined(x: Floats, error: Floats, b_sd: float | None) -> ItemPosterior:
    """Normal estimates ``x`` with covariance ``error`` joined with their normal distribution."""
    centre, spread = _between(x, error)
    if b_sd is not None:
        spread[1] = b_sd
    prior = np.diag(1 / spread**2)
    precision = np.asarray(np.linalg.inv(error), np.float64)
    covariance = np.asarray(np.linalg.inv(precision + prior), np.float64)
    pulled = np.einsum("njk,nk->nj", precision, x) + prior @ centre
    mean: Floats = np.einsum("njk,nk->nj", covariance, pulled)
    return ItemPosterior(mean, covariance)


def _between(x: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the true parameters over items, by weighted moments."""
    variance = np.einsum("njj->nj", error)
    spread2 = x.var(axis=0)
    for _ in range(50):  # weights depend on the spread; a fixed point is soon reached
        weight = 1 / (variance + spread2)
        centre = (weight * x).sum(axis=0) / weight.sum(axis=0)
        surplus = (weight**2 * ((x - centre) ** 2 - variance)).sum(axis=0) / (weight**2).sum(axis=0)
        spread2 = np.maximum(surplus, LEAST_SPREAD**2)
    return centre, np.sqrt(spread2)


def expected_tables(bank: Bank, covariance: Floats, grid: Grid) -> Tables:
    """``Tables`` whose curves and information are expectations over the items' parameters."""
    known = shrink(bank, covariance)
    root = np.linalg.cholesky(known.covariance)
    z, w = np.polynomial.hermite_e.hermegauss(NODES)
    w = w / w.sum()
    p = np.zeros((bank.n_items, 2, grid.size))
    slope = np.zeros((bank.n_items, grid.size))
    for z1, w1 in zip(z, w, strict=True):
        for z2, w2 in zip(z, w, strict=True):
            at = known.mean + root @ np.array([z1, z2])
            drawn = replace(bank, a=np.exp(np.minimum(at[:, 0], 3.0)), b=at[:, 1:])
            found = derivatives(drawn, grid.theta)
            p += w1 * w2 * found.p
            slope += w1 * w2 * found.first[:, 1]
    info = slope**2 / (p[:, 0] * p[:, 1])
    centre = replace(bank, a=np.exp(known.mean[:, 0]), b=known.mean[:, 1:])
    return Tables(centre, grid, log_p=np.log(p), info=np.ascontiguousarray(info.T))
