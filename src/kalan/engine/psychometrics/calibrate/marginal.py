"""Item calibration by marginal maximum likelihood: 1PL, 2PL, 3PL, GRM, GPCM.

ℓ = Σ_p n_p ln Σ_q A_q Π P(answer | θ_q) over equally spaced nodes with normal weights (Bock &
Aitkin 1981; Muraki 1992; Samejima 1969), several groups (Bock & Zimowski 1997), items held fixed
(Kim 2006). Missing answers add nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.calibrate import design, information, optimise, result
from kalan.engine.psychometrics.calibrate.kernels import MODELS
from kalan.engine.psychometrics.calibrate.priors import Priors
from kalan.engine.psychometrics.calibrate.problem import Evaluation, Problem
from kalan.engine.psychometrics.calibrate.result import Calibration
from kalan.engine.psychometrics.data import Bank, Floats, Responses
from kalan.engine.psychometrics.errors import DataError

LARGE = 2e8  # persons × columns × nodes from which the first cycles run in single precision
NEWTON = 2e9  # multiplications of one exact information that may be spent at each Newton step
EXACT = 4e10  # the same for the one that standard errors take


def calibrate(
    responses: Responses,
    model: str = "2PL",
    *,
    nodes: int = 61,
    limit: float = 6.0,
    priors: Priors | None = None,
    anchors: Bank | None = None,
    groups: Sequence[str] | None = None,
    reference: str | None = None,
    tolerance: float = 1e-8,
    standard_errors: bool = True,
    drop_constant: bool = False,
    recode: bool = False,
    cycles: int = 500,
) -> Calibration:
    """Parameters of all items in the logistic metric (D = 1), with θ ~ N(0, 1) on ``nodes`` points
    of ±``limit``.

    ``anchors``: items of these names keep the bank's parameters, and mean and SD of θ become free.
    ``groups`` (P): a name a person; every group but ``reference`` (default the first) has a free
    mean and SD. ``tolerance``: largest last step of a parameter, relative to 1 + its size.
    DataError: constant or unanswered item, unused category, answer that the model does not have.
    """
    if model not in MODELS:
        raise ValueError(f"model: one of {MODELS}")
    names, group = _groups(groups, reference, responses)
    prepared = design.prepare(responses, model, anchors, drop_constant, recode)
    theta = np.linspace(-limit, limit, nodes)
    problem = design.build(prepared, model, anchors, priors or Priors(), group, len(names), theta)
    climb = _climb(problem, tolerance, cycles)
    covariance, kind = np.full((problem.size, problem.size), np.nan), None
    if standard_errors and problem.size:
        covariance, kind = _covariance(problem, climb.at)
    return _answer(prepared, problem, climb, covariance, kind, names, group)


def _groups(
    groups: Sequence[str] | None, reference: str | None, responses: Responses
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    if groups is None:
        return ("",), np.zeros(responses.n_persons, np.int64)
    if len(groups) != responses.n_persons:
        raise ValueError("groups: one name a person")
    names = list(dict.fromkeys(groups))
    if "" in names:
        raise DataError("Groupe absent : une personne n’a pas de groupe. Complétez la colonne.")
    if reference is not None:
        if reference not in names:
            raise DataError(f"Groupe de référence « {reference} » : absent des données.")
        names.remove(reference)
        names.insert(0, reference)
    place = {name: number for number, name in enumerate(names)}
    group = np.array([place[name] for name in groups], np.int64)
    there = (np.diff(responses.start) > 0) & (responses.weight > 0)
    silent = np.bincount(group[there], minlength=len(names)) == 0
    if silent.any():
        raise DataError(f"Groupe « {names[int(np.argmax(silent))]} » : aucune réponse. Retirez-le.")
    return tuple(names), group


def _climb(problem: Problem, tolerance: float, cycles: int) -> optimise.Climb:
    x = problem.pack(problem.phi, problem.latent)
    size = problem.data.n_persons * problem.data.n * problem.data.K * problem.theta.size
    if problem.size == 0:
        return optimise.Climb(problem.evaluate(x), converged=True)
    if size > LARGE:
        climb = optimise.Climb(problem.evaluate(x, np.float32))
        optimise.em(problem, climb, 8, optimise.SWITCH, np.float32)
        climb.at = problem.evaluate(climb.at.x)
    else:
        climb = optimise.Climb(problem.evaluate(x))
        optimise.em(problem, climb, 25, optimise.SWITCH, np.float64)
    small = information.exact_cost(problem) < NEWTON
    optimise.quasi_newton(problem, climb, min(cycles, 60) if small else cycles, tolerance)
    if small:
        optimise.newton(problem, climb, cycles, tolerance)
    return climb


def _covariance(problem: Problem, at: Evaluation) -> tuple[Floats, str]:
    cost = information.exact_cost(problem)
    if cost <= EXACT:
        kind = "observed"
        found = information.observed(problem, at, np.float64 if cost < EXACT / 20 else np.float32)
    else:
        kind, found = "cross-product", information.cross_product(problem, at)
    free = ~problem.stuck(at.x, at.gradient)
    inverse = np.full(found.shape, np.nan)
    inverse[np.ix_(free, free)] = _inverse(found[np.ix_(free, free)])
    return inverse, kind


def _inverse(found: Floats) -> Floats:
    """The inverse of an information, NaN for what the data do not tell."""
    scale = np.sqrt(np.maximum(np.abs(np.diag(found)), 1e-300))
    value, vector = np.linalg.eigh(found / np.outer(scale, scale))
    kept = value > 1e-10  # a direction that the data do not tell has no standard error
    inverse: Floats = (vector[:, kept] / value[kept]) @ vector[:, kept].T / np.outer(scale, scale)
    if not kept.all():
        loose = (np.abs(vector[:, ~kept]) > 1e-4).any(axis=1)
        inverse[loose], inverse[:, loose] = np.nan, np.nan
    return inverse


def _answer(
    prepared: design.Prepared,
    problem: Problem,
    climb: optimise.Climb,
    covariance: Floats,
    kind: str | None,
    names: tuple[str, ...],
    group: NDArray[np.int64],
) -> Calibration:
    responses, at = prepared.responses, climb.at
    silent = np.diff(responses.start) == 0
    without = float(responses.weight[silent].sum())
    found = result.parameters(problem, at.phi)
    size = np.bincount(group, weights=responses.weight, minlength=len(names)).astype(np.float64)
    return Calibration(
        model=problem.model,
        items=responses.items,
        parameters=found,
        covariance=result.item_covariance(problem, at, covariance),
        answers=prepared.counts.sum(axis=1),
        groups=result.group_estimates(problem, at, covariance, names, size),
        n_persons=float(responses.weight.sum()),
        without_answer=without,
        loglik=at.loglik,
        log_posterior=at.value,
        iterations=climb.iterations,
        evaluations=climb.evaluations,
        converged=climb.converged,
        information=kind,
        dropped=prepared.dropped,
        warnings=result.warnings(prepared, found, climb.converged, without),
        trace=tuple(climb.trace),
    )
