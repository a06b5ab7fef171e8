"""What a calibration answers: parameters, their errors, and what to be warned of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.calibrate.design import FAMILY, Prepared
from kalan.engine.psychometrics.calibrate.problem import Evaluation, Problem
from kalan.engine.psychometrics.data import ABSURD_SLOPE, Bank, Floats, Parameters

FEW, ENOUGH = 200, 500  # answers of an item: psychometrics of this project, section 9


@dataclass(frozen=True)
class Group:
    """Mean and SD of θ in a group; their standard errors are None where they are fixed."""

    name: str
    n_persons: float
    mean: float
    sd: float
    se_mean: float | None
    se_sd: float | None


@dataclass(frozen=True, eq=False)
class Calibration:
    """``parameters`` of ``items``; ``covariance`` of (a, b_1 … b_m, c) by item, (n, 2 + m, 2 + m),
    NaN where fixed or unknown; ``answers`` (n) weighted number of answers."""

    model: str
    items: tuple[str, ...]
    parameters: Parameters
    covariance: Floats
    answers: Floats
    groups: tuple[Group, ...]
    n_persons: float
    without_answer: float
    loglik: float
    log_posterior: float
    iterations: int
    evaluations: int
    converged: bool
    information: str | None
    dropped: tuple[str, ...]
    warnings: tuple[str, ...]
    trace: tuple[float, ...]

    @property
    def se(self) -> Floats:
        """(n, 2 + m) standard errors of a, b_1 … b_m, c; NaN where fixed or unknown."""
        variance = np.einsum("njj->nj", self.covariance)
        return np.sqrt(np.where(variance >= 0, variance, np.nan))

    def bank(self) -> Bank:
        """The items as a bank; refuses a slope that is not above 0, naming the item."""
        found = self.parameters
        return Bank(
            found.family,
            found.a,
            found.b,
            found.c,
            found.d,
            found.top,
            items=self.items,
            area=("",) * len(self.items),
        )


def parameters(problem: Problem, phi: Floats) -> Parameters:
    """From slope and intercepts to a, b, c."""
    n, m = phi.shape[0], int(problem.top.max())
    a = phi[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        b = -_intercepts(problem, phi) / a[:, None]
    b[np.arange(m)[None, :] >= problem.top[:, None]] = np.nan
    c = np.zeros(n)
    if problem.model == "3PL":
        c = phi[:, 2].copy()
    family = np.full(n, FAMILY[problem.model], np.int8)
    return Parameters(family, a.copy(), b, c, np.ones(n), problem.top.copy())


def _intercepts(problem: Problem, phi: Floats) -> Floats:
    m = int(problem.top.max())
    d = phi[:, 1 : m + 1]
    return np.diff(d, axis=1, prepend=0.0) if problem.model == "GPCM" else d.copy()


def item_covariance(problem: Problem, at: Evaluation, covariance: Floats) -> Floats:
    """(n, 2 + m, 2 + m) covariance of (a, b, c) by the delta method from that of x."""
    n, m = problem.top.size, int(problem.top.max())
    p = problem.index.shape[1]
    found = np.full((n, 2 + m, 2 + m), np.nan)
    for item in range(n):
        place = problem.index[item]
        if (place < 0).all():
            continue
        known = np.isfinite(np.diag(covariance)[place])  # not where c stands at 0
        free = np.flatnonzero((place >= 0) & known)
        if not known[place >= 0][:2].all():
            continue
        inner = np.zeros((p, p))
        inner[np.ix_(free, free)] = covariance[np.ix_(place[free], place[free])]
        by = _jacobian(problem, at.phi[item], int(problem.top[item]), m)
        found[item] = by @ inner @ by.T
        if problem.model != "3PL" or not known[-1]:
            found[item, -1], found[item, :, -1] = np.nan, np.nan
        found[item, 1 + int(problem.top[item]) : 1 + m] = np.nan
        found[item, :, 1 + int(problem.top[item]) : 1 + m] = np.nan
    return found


def _jacobian(problem: Problem, phi: Floats, top: int, m: int) -> Floats:
    """(2 + m, p) ∂(a, b, c) / ∂phi of an item."""
    found = np.zeros((2 + m, phi.size))
    a = phi[0]
    found[0, 0] = 1.0
    before = 0.0
    for k in range(1, top + 1):
        d = phi[k] - before
        found[k, 0], found[k, k] = d / a**2, -1 / a
        if problem.model == "GPCM":
            before = phi[k]
            if k > 1:
                found[k, k - 1] = 1 / a
    if problem.model == "3PL":
        found[-1, 2] = 1.0
    return found


def group_estimates(
    problem: Problem, at: Evaluation, covariance: Floats, names: tuple[str, ...], size: Floats
) -> tuple[Group, ...]:
    found = []
    for g, name in enumerate(names):
        mean, sd = float(at.latent[g, 0]), float(np.exp(at.latent[g, 1]))
        errors: list[float | None] = [None, None]
        for j, place in enumerate(problem.latent_index[g]):
            if place >= 0 and covariance[place, place] >= 0:
                errors[j] = float(np.sqrt(covariance[place, place])) * (sd if j else 1.0)
        found.append(Group(name, float(size[g]), mean, sd, errors[0], errors[1]))
    return tuple(found)


def warnings(
    prepared: Prepared, found: Parameters, converged: bool, without: float
) -> tuple[str, ...]:
    """What the user should know before the figures are used, in French."""
    items, answers = prepared.responses.items, prepared.counts.sum(axis=1)
    free = prepared.anchor < 0
    few, some = free & (answers < FEW), free & (answers >= FEW) & (answers < ENOUGH)
    texts = []
    if few.any():
        texts.append(
            f"Provisoire : moins de {FEW} réponses pour {_names(items, few)}. Leurs pentes ne sont "
            "pas fiables : préférez 1PL ou des lois a priori."
        )
    if some.any():
        texts.append(
            f"Provisoire : moins de {ENOUGH} réponses pour {_names(items, some)}. "
            "Utilisables avec prudence ; les erreurs de mesure seront sous-estimées."
        )
    if (found.a <= 0).any():
        texts.append(
            f"Pente nulle ou négative : {_names(items, found.a <= 0)}. "
            "Vérifiez la clé de correction."
        )
    if (found.a > ABSURD_SLOPE).any():
        texts.append(
            f"Pente sans limite : {_names(items, found.a > ABSURD_SLOPE)}. Trop peu de données "
            "pour ce modèle : choisissez 1PL ou des lois a priori (--priors)."
        )
    if prepared.dropped:
        texts.append(
            f"Laissées de côté (constantes ou sans réponse) : {', '.join(prepared.dropped)}."
        )
    if prepared.recoded:
        texts.append(f"Catégories renumérotées : {', '.join(prepared.recoded)}.")
    if without:
        texts.append(f"{without:g} personne(s) sans réponse : comptées, sans effet.")
    if not converged:
        texts.append("Le calcul n’a pas convergé : ajoutez des lois a priori (--priors).")
    return tuple(texts)


def _names(items: tuple[str, ...], chosen: NDArray[np.bool_]) -> str:
    names = [f"« {name} »" for name, one in zip(items, chosen, strict=True) if one]
    more = f" et {len(names) - 5} autre(s)" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
