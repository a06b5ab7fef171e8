"""Putting the items of one calibration on the scale of another: θ_to = A·θ_from + B.

b* = A·b + B and a* = a/A for every family here (logistic, GRM, GPCM); c does not move.
Mean/mean: Loyd & Hoover 1980; mean/sigma: Marco 1977; Haebara 1980; Stocking & Lord 1983;
Kolen & Brennan 2014, chapter 6.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from kalan.engine.psychometrics.data import Bank, Floats
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.models import expected_score, probabilities
from kalan.engine.psychometrics.quadrature import Grid, normal_grid

LinkMethod = Literal["mean-mean", "mean-sigma", "haebara", "stocking-lord"]
METHODS: tuple[LinkMethod, ...] = ("mean-mean", "mean-sigma", "haebara", "stocking-lord")
FEW = 20  # common items, or this share of the longer form, whichever is less
FEW_SHARE = 0.20
LEAST = 5  # however short the forms


@dataclass(frozen=True)
class Link:
    """``slope`` A and ``intercept`` B; ``common`` items used; ``warnings`` in French."""

    slope: float
    intercept: float
    common: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def transformed(bank: Bank, slope: float, intercept: float) -> Bank:
    """The bank on the other scale."""
    return replace(bank, a=bank.a / slope, b=slope * bank.b + intercept)


def link(
    source: Bank, target: Bank, method: LinkMethod = "stocking-lord", *, grid: Grid | None = None
) -> Link:
    """A and B from the items that both banks name; criteria are weighted by ``grid`` (default
    N(0, 1), 61 points on ±6) on the scale of ``target``."""
    common = tuple(name for name in source.items if name in set(target.items))
    warnings = _check(source, target, common)
    one, two = source.aligned(common), target.aligned(common)
    if not np.array_equal(one.family, two.family) or not np.array_equal(one.top, two.top):
        different = int(np.argmax((one.family != two.family) | (one.top != two.top)))
        raise DataError(
            f"Question « {common[different]} » : modèle ou nombre de catégories différents dans "
            "les deux banques. Recalibrez-la de la même façon, ou renommez-la."
        )
    start = _moments(one, two, "mean-mean" if method == "mean-mean" else "mean-sigma")
    if method in ("haebara", "stocking-lord"):
        start = _curves(one, two, method, grid or normal_grid(), start)
    return Link(float(start[0]), float(start[1]), common, warnings)


def _check(source: Bank, target: Bank, common: tuple[str, ...]) -> tuple[str, ...]:
    if len(common) < 2:
        raise DataError(
            f"{len(common)} question commune : il en faut au moins 2 pour relier deux échelles, et "
            f"{FEW} pour s’y fier. Vérifiez que les mêmes questions portent les mêmes noms."
        )
    share = int(np.ceil(FEW_SHARE * max(source.n_items, target.n_items)))
    wanted = max(LEAST, min(FEW, share))
    if len(common) >= wanted:
        return ()
    return (f"{len(common)} questions communes seulement : au moins {wanted} sont conseillées.",)


def _moments(one: Bank, two: Bank, method: str) -> Floats:
    b_one, b_two = one.b[np.isfinite(one.b)], two.b[np.isfinite(two.b)]
    if method == "mean-mean":
        slope = one.a.mean() / two.a.mean()
    else:
        if b_one.std() < 1e-12 or b_two.std() < 1e-12:
            raise DataError(
                "Les questions communes ont toutes la même difficulté : mean-sigma et les courbes "
                "ne peuvent rien dire. Prenez mean-mean."
            )
        slope = b_two.std() / b_one.std()
    return np.array([slope, b_two.mean() - slope * b_one.mean()])


def _curves(one: Bank, two: Bank, method: str, grid: Grid, start: Floats) -> Floats:
    from scipy.optimize import least_squares  # only here: scipy takes long to load

    root, width = np.sqrt(grid.weight), int(one.top.max()) + 1  # a bank may have wider items
    base = probabilities(two, grid.theta), expected_score(two, grid.theta).sum(axis=0)

    def gap(ab: Floats) -> Floats:
        moved = replace(one, a=one.a / ab[0], b=ab[0] * one.b + ab[1])
        if method == "stocking-lord":
            return np.asarray(
                root * (base[1] - expected_score(moved, grid.theta).sum(axis=0)), np.float64
            )
        difference = base[0][:, :width] - probabilities(moved, grid.theta)[:, :width]
        # Of two categories one is enough: their gaps are equal. Of more, all count
        # (Kim & Lee 2006).
        difference[one.top == 1, 0] = 0.0
        return np.asarray((root * difference).ravel(), np.float64)

    found = least_squares(
        gap, start, bounds=([1e-3, -50.0], [1e3, 50.0]), xtol=1e-15, ftol=1e-15, gtol=1e-15
    )
    return np.asarray(found.x, np.float64)
