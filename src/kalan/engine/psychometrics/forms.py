"""Parallel forms from a bank, for banks too young for adaptive use or rooms without a network.

Assembly is a 0/1 programme (van der Linden 2005, chapter 6): forms of one length, content quotas in
each, no item twice, test information as near as can be to one target at a few ability points.
Equating: the forms share the scale of the bank, so a sum on one is worth the sum of equal θ on the
other (true-score equating, Kolen & Brennan 2014, chapter 6); each has its table sum → θ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.data import Bank, Floats
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.models import expected_score, information
from kalan.engine.psychometrics.quadrature import Grid, normal_grid
from kalan.engine.psychometrics.scoring import Scores
from kalan.engine.psychometrics.sums import sum_score_eap

POINTS = (-1.5, -0.5, 0.5, 1.5)
CLOSE = 0.01  # forms nearer than this share to the target are as good as equal
TIME_LIMIT = 20.0  # seconds the solver may take; the best found so far is returned


@dataclass(frozen=True, eq=False)
class Forms:
    """``forms`` item numbers of each; ``gap`` largest distance of a form's information from the
    target over the points, as a share of the target; ``optimal`` proven best."""

    forms: tuple[NDArray[np.int64], ...]
    points: Floats
    target: Floats
    gap: float
    optimal: bool


def check_forms(
    bank: Bank, forms: int, length: int, quotas: dict[str, tuple[int, int]]
) -> list[str]:
    """What the bank lacks for these forms, area by area; empty when it can carry them."""
    if forms < 1 or length < 1:
        return ["Il faut au moins une forme, et au moins une question par forme."]
    lacking = []
    if forms * length > bank.n_items:
        lacking.append(
            f"{forms} formes de {length} questions en demandent {forms * length}, la banque en a "
            f"{bank.n_items} : il en manque {forms * length - bank.n_items}."
        )
    for area, (least, most) in quotas.items():
        there = bank.area.count(area)
        if least > most:
            lacking.append(f"Domaine « {area} » : minimum {least} au-dessus du maximum {most}.")
        if there < forms * least:
            lacking.append(
                f"Domaine « {area} » : {forms * least} questions nécessaires, {there} présentes : "
                f"il en manque {forms * least - there}."
            )
    if sum(least for least, _ in quotas.values()) > length:
        lacking.append(f"Les minimums par domaine dépassent la longueur de {length} questions.")
    free = sum(1 for area in bank.area if area not in quotas)
    reach = sum(min(most, bank.area.count(area) // forms) for area, (_, most) in quotas.items())
    if not lacking and reach + free // forms < length:
        lacking.append(
            f"Les maximums par domaine ne laissent que {reach + free // forms} questions par "
            f"forme, pour une longueur de {length}."
        )
    return lacking


def assemble(
    bank: Bank,
    *,
    forms: int,
    length: int,
    quotas: dict[str, tuple[int, int]] | None = None,
    points: tuple[float, ...] = POINTS,
    target: Floats | None = None,
) -> Forms:
    """``forms`` disjoint forms of ``length`` items. ``target`` (points): information wanted, by
    default that of an average item of the bank, as many times."""
    quotas = quotas or {}
    lacking = check_forms(bank, forms, length, quotas)
    if lacking:
        raise DataError("\n".join(lacking))
    at = np.array(points)
    info = information(bank, at)
    goal = length * info.mean(axis=0) if target is None else np.asarray(target, np.float64)
    if goal.shape != at.shape or not (np.isfinite(goal) & (goal > 0)).all():
        raise DataError(
            f"Information visée : {at.size} nombres au-dessus de 0 sont attendus, un par point de "
            "compétence. Changez la cible, ou les points où la banque ne mesure rien."
        )
    chosen, optimal = _solve(bank, info, goal, forms, length, quotas)
    got = np.stack([info[form].sum(axis=0) for form in chosen])
    return Forms(chosen, at, goal, float((np.abs(got - goal) / goal).max()), optimal)


def _solve(
    bank: Bank,
    info: Floats,
    goal: Floats,
    forms: int,
    length: int,
    quotas: dict[str, tuple[int, int]],
) -> tuple[tuple[NDArray[np.int64], ...], bool]:
    """Variables: x (forms × n), then y, the largest relative gap, which is made least."""
    from scipy.optimize import Bounds, LinearConstraint, milp  # only here: scipy is long to load
    from scipy.sparse import block_diag, csr_array, hstack, kron, vstack

    n, size = bank.n_items, forms * bank.n_items
    names = tuple(quotas)
    areas = np.array([[area == name for area in bank.area] for name in names], np.float64)
    within = np.vstack([np.ones((1, n)), areas.reshape(len(names), n)])
    low = np.array([length, *(quotas[name][0] for name in names)], np.float64)
    high = np.array([length, *(quotas[name][1] for name in names)], np.float64)
    none = csr_array((forms * within.shape[0], 1))
    share = block_diag([csr_array((info / goal).T)] * forms)  # (forms·points, size)
    one = csr_array(np.ones((share.shape[0], 1)))
    constraints = [
        LinearConstraint(
            hstack([block_diag([csr_array(within)] * forms), none]),
            np.tile(low, forms), np.tile(high, forms),
        ),
        LinearConstraint(hstack([kron(np.ones((1, forms)), np.eye(n)), csr_array((n, 1))]), 0, 1),
        LinearConstraint(
            vstack([hstack([share, one]), hstack([-share, one])]),
            np.concatenate([np.ones(share.shape[0]), -np.ones(share.shape[0])]), np.inf,
        ),
    ]  # fmt: skip
    done = milp(
        np.append(np.zeros(size), 1.0),
        integrality=np.append(np.ones(size), 0),
        bounds=Bounds(np.append(np.zeros(size), CLOSE), np.append(np.ones(size), np.inf)),
        constraints=constraints,
        options={"time_limit": TIME_LIMIT, "mip_rel_gap": 0.05},
    )
    if done.x is None:
        raise DataError(
            "Aucun assemblage ne respecte ces règles ensemble : élargissez un quota, raccourcissez "
            "les formes ou demandez-en moins."
        )
    x = done.x[:size].reshape(forms, n) > 0.5
    return tuple(np.flatnonzero(row).astype(np.int64) for row in x), done.status == 0


@dataclass(frozen=True, eq=False)
class EquatedForm:
    """One form: ``scores`` (S) θ and SD of each sum, ``share`` (S) how likely, ``equivalent`` (S)
    the sum of the first form that is worth as much (NaN beyond what guessing lets compare)."""

    scores: Scores
    share: Floats
    equivalent: Floats


def equate(bank: Bank, forms: Forms, *, grid: Grid | None = None) -> list[EquatedForm]:
    """Tables from sums to θ, and to sums on the first form."""
    grid = grid or normal_grid()
    dense = np.linspace(-8, 8, 1601)
    base = expected_score(bank.take(forms.forms[0]), dense).sum(axis=0)
    out = []
    for form in forms.forms:
        own = bank.take(form)
        scores, share = sum_score_eap(own, grid)
        curve = expected_score(own, dense).sum(axis=0)
        sums = np.arange(share.size, dtype=np.float64)
        theta = np.interp(sums, curve, dense, left=np.nan, right=np.nan)
        equivalent = np.where(np.isnan(theta), np.nan, np.interp(theta, dense, base))
        out.append(EquatedForm(scores, share, equivalent))
    return out
