"""Several domains scored together: each is measured by its own items and borrows from the others.

Between-item multidimensional EAP: θ ~ N(μ, Σ) over D domains, each item belongs to one. The
likelihood is a product of one-dimensional ones, so the posterior needs no grid of 61^D points:
expectation propagation (Minka 2001) replaces each factor by a normal one whose moments are exact
on a grid of one dimension; the means and covariances that it settles on are then corrected by
adaptive Gauss–Hermite quadrature (Liu & Pierce 1994) where that is affordable.

Whether a domain score says anything of its own: PRMSE (Haberman 2008; Haberman & Sinharay 2010).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.data import Bank, Floats, Responses
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.likelihood import log_likelihood

POINTS = np.linspace(-7.0, 7.0, 113)
SWEEPS = 40
TOLERANCE = 1e-9
HERMITE = 5  # nodes a domain in the correction
MOST_NODES = HERMITE**5
WEAKEST = 1e-10  # precision of a factor that says nothing


@dataclass(frozen=True, eq=False)
class DomainScores:
    """``theta``, ``sd`` (P, D) and ``covariance`` (P, D, D) of the posterior; ``domains`` (D)."""

    domains: tuple[str, ...]
    theta: Floats
    sd: Floats
    covariance: Floats

    def probability_above(self, cut: float) -> Floats:
        """(P, D) P(θ ≥ cut), the posterior taken as normal."""
        from scipy.special import ndtr  # only here: scipy takes long to load

        return np.asarray(ndtr((self.theta - cut) / self.sd), np.float64)


def check_covariance(covariance: Floats, domains: int) -> Floats:
    """A covariance (or correlation) matrix (D, D), or a clear refusal."""
    r = np.asarray(covariance, np.float64)
    if r.shape != (domains, domains) or not np.allclose(r, r.T):
        raise DataError(
            f"Corrélations : un tableau carré de {domains} × {domains}, symétrique, est attendu."
        )
    if np.linalg.eigvalsh(r)[0] < 1e-6:
        raise DataError(
            "Corrélations : ce tableau n’est celui d’aucune population (il n’est pas défini "
            "positif). Rapprochez de 0 les plus fortes."
        )
    return r


def domain_likelihoods(bank: Bank, responses: Responses, domains: tuple[str, ...]) -> Floats:
    """(P, D, Q) ln L of the answers of each domain at POINTS."""
    bank = bank.aligned(responses.items)
    place = {name: number for number, name in enumerate(domains)}
    lost = [item for item, area in zip(bank.items, bank.area, strict=True) if area not in place]
    if lost:
        raise DataError(f"Question « {lost[0]} » : son domaine n’est pas de ceux à mesurer.")
    of_item = np.array([place[area] for area in bank.area])
    out = np.zeros((responses.n_persons, len(domains), POINTS.size))
    for number in range(len(domains)):
        own = responses_of(responses, of_item == number)
        out[:, number] = log_likelihood(bank, own, POINTS)
    return out


def responses_of(responses: Responses, chosen: NDArray[np.bool_]) -> Responses:
    """The same persons with the answers to the items of a mask only."""
    kept = chosen[responses.item]
    count = np.bincount(responses.person[kept], minlength=responses.n_persons)
    start = np.concatenate(([0], np.cumsum(count))).astype(np.int64)
    return Responses(
        responses.items,
        start,
        responses.item[kept],
        responses.category[kept],
        responses.weight,
        responses.ids,
    )


def score_domains(
    bank: Bank,
    responses: Responses,
    covariance: Floats,
    *,
    domains: tuple[str, ...] = (),
    mean: Floats | None = None,
    exact: bool = True,
) -> DomainScores:
    """Joint EAP of every domain for every person.

    ``covariance`` (D, D) and ``mean`` (D, default 0) of the population: declared, or from
    :func:`estimate_population`. The domain of an item is its ``area``, in alphabetical order unless
    ``domains`` says otherwise. ``exact`` adds the quadrature correction.
    """
    domains = domains or tuple(sorted(set(bank.area)))
    prior = check_covariance(covariance, len(domains))
    centre = np.zeros(len(domains)) if mean is None else np.asarray(mean, np.float64)
    log_l = domain_likelihoods(bank, responses, domains)
    return score_likelihoods(log_l, prior, centre, domains, exact=exact)


def score_likelihoods(
    log_l: Floats, prior: Floats, centre: Floats, domains: tuple[str, ...], *, exact: bool = True
) -> DomainScores:
    """The same from ``log_l`` (P, D, Q), ln L of the answers of each domain at POINTS."""
    persons = log_l.shape[0]
    theta = np.empty((persons, len(domains)))
    spread = np.empty((persons, len(domains), len(domains)))
    block = 64 if exact else 4096
    for first in range(0, persons, block):
        part = slice(first, first + block)
        m, v, _ = expectation_propagation(log_l[part], prior, centre)
        if exact and HERMITE ** len(domains) <= MOST_NODES:
            m, v = _corrected(log_l[part], prior, centre, m, v)
        theta[part], spread[part] = m, v
    sd = np.sqrt(np.diagonal(spread, axis1=1, axis2=2))
    return DomainScores(domains, theta, sd, spread)


@dataclass(frozen=True, eq=False)
class Sites:
    """The normal factors that stand for the answers of each domain: ``precision`` and ``shift``
    (precision times mean), (P, D) each."""

    precision: Floats
    shift: Floats


def expectation_propagation(
    log_l: Floats,
    prior: Floats,
    centre: Floats,
    *,
    start: Sites | None = None,
    tolerance: float = TOLERANCE,
) -> tuple[Floats, Floats, Sites]:
    """(P, D) means and (P, D, D) covariances; ``log_l`` (P, D, Q) at POINTS.

    ``start``: the sites of a run with a near prior, from which few sweeps are needed.
    """
    persons, number, _ = log_l.shape
    weak = np.full((persons, number), WEAKEST)
    sites = start or Sites(weak, weak * centre)
    tau, nu = sites.precision, sites.shift
    inverse = np.linalg.inv(prior)
    base = inverse @ centre
    eye = np.eye(number)
    for _ in range(SWEEPS):
        v = np.linalg.inv(inverse + tau[:, :, None] * eye)
        m = (v @ (base + nu)[:, :, None])[:, :, 0]
        spread = np.diagonal(v, axis1=1, axis2=2)
        # The cavity: the posterior without this domain's own answers.
        precision = np.maximum(1 / spread - tau, WEAKEST)
        cavity = (m / spread - nu) / precision
        tilted_m, tilted_v = _tilted(log_l, cavity, precision)
        new_tau = np.maximum(1 / tilted_v - precision, WEAKEST)
        new_nu = tilted_m / tilted_v - cavity * precision
        moved = np.abs(tilted_m - m).max(initial=0.0)
        tau, nu = 0.2 * tau + 0.8 * new_tau, 0.2 * nu + 0.8 * new_nu  # damped: parallel updates
        if moved < tolerance:
            break
    last: Floats = np.array(np.linalg.inv(inverse + tau[:, :, None] * eye), dtype=np.float64)
    mean = np.asarray((last @ (base + nu)[:, :, None])[:, :, 0], np.float64)
    return mean, last, Sites(tau, nu)


def _tilted(log_l: Floats, cavity: Floats, precision: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of likelihood × cavity, on the grid."""
    log_w = log_l - 0.5 * precision[:, :, None] * (POINTS - cavity[:, :, None]) ** 2
    weight = np.exp(log_w - log_w.max(axis=2, keepdims=True))
    weight /= weight.sum(axis=2, keepdims=True)
    mean = np.asarray(weight @ POINTS, np.float64)
    variance = np.asarray(weight @ POINTS**2, np.float64) - mean**2
    return mean, np.maximum(variance, 1e-8)


def _corrected(
    log_l: Floats, prior: Floats, centre: Floats, m: Floats, v: Floats
) -> tuple[Floats, Floats]:
    """Moments by Gauss–Hermite nodes placed by the normal approximation."""
    number = m.shape[1]
    node, weight = np.polynomial.hermite_e.hermegauss(HERMITE)
    axes = np.meshgrid(*[node] * number, indexing="ij")
    z = np.stack([axis.ravel() for axis in axes], axis=1)  # (N, D)
    log_node = sum(np.log(axis.ravel()) for axis in np.meshgrid(*[weight] * number, indexing="ij"))
    root = np.linalg.cholesky(v)
    theta = m[:, None, :] + z @ np.swapaxes(root, 1, 2)  # (P, N, D)
    away = theta - centre
    log_p = -0.5 * np.einsum("pnd,de,pne->pn", away, np.linalg.inv(prior), away, optimize=True)
    for d in range(number):
        log_p += _interpolated(log_l[:, d], theta[:, :, d])
    log_w = log_p + 0.5 * (z**2).sum(axis=1) + log_node
    w = np.exp(log_w - log_w.max(axis=1, keepdims=True))
    w /= w.sum(axis=1, keepdims=True)
    mean = np.einsum("pn,pnd->pd", w, theta)
    away = theta - mean[:, None, :]
    return mean, np.einsum("pn,pnd,pne->pde", w, away, away, optimize=True)


def _interpolated(log_l: Floats, theta: Floats) -> Floats:
    """ln L (P, Q) at θ (P, N), by cubic (Catmull–Rom) interpolation between POINTS."""
    step = POINTS[1] - POINTS[0]
    place = np.clip((theta - POINTS[0]) / step, 1.0, POINTS.size - 2.001)
    left = place.astype(np.int64)
    t = place - left
    row = np.arange(log_l.shape[0])[:, None]
    a, b, c, d = (log_l[row, left + k] for k in (-1, 0, 1, 2))
    return np.asarray(
        b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))),
        np.float64,
    )


@dataclass(frozen=True, eq=False)
class Population:
    """``mean`` (D) and ``covariance`` (D, D) of the domains in a population."""

    mean: Floats
    covariance: Floats


def estimate_population(
    bank: Bank,
    responses: Responses,
    *,
    domains: tuple[str, ...] = (),
    free: bool = True,
    cycles: int = 200,
    tolerance: float = 1e-5,
) -> Population:
    """Means and covariances of the domains by EM over the persons, item parameters fixed.

    ``free`` false: means 0 and variances 1, the scale of the items, so that only correlations are
    estimated. The E-step is expectation propagation.
    """
    domains = domains or tuple(sorted(set(bank.area)))
    log_l = domain_likelihoods(bank, responses, domains)
    number, weight = len(domains), responses.weight / responses.weight.sum()
    centre, r = np.zeros(number), np.full((number, number), 0.5) + 0.5 * np.eye(number)
    sites: Sites | None = None
    for _ in range(cycles):
        m, v, sites = expectation_propagation(
            log_l, r, centre, start=sites, tolerance=tolerance / 10
        )
        mean = weight @ m if free else np.zeros(number)
        away = m - mean
        new = np.einsum("p,pd,pe->de", weight, away, away) + np.einsum("p,pde->de", weight, v)
        if not free:
            scale = 1 / np.sqrt(np.diag(new))
            new = new * scale[:, None] * scale[None, :]
        moved = max(float(np.abs(new - r).max()), float(np.abs(mean - centre).max()))
        centre, r = mean, new
        if moved < tolerance:
            break
    return Population(centre, r)
