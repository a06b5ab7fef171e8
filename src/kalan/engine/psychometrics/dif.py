"""Differential item functioning between a reference and a focal group.

Mantel–Haenszel with the continuity correction (Holland & Thayer 1988) and the classes A, B, C of
ETS (Zwick 2012); logistic regression (Swaminathan & Rogers 1990) with the effect sizes of Jodoin &
Gierl 2001. Persons are matched on their sum, the studied item included; in an adaptive test give
``match`` (bands of θ̂), since raw sums are not comparable there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.data import Floats, Responses
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.tails import benjamini_hochberg, chi_square_tail, normal_tail

CONTINUITY = 0.5  # subtracted from |Σ A − Σ E(A)|
SIGNIFICANT = 0.05
SEPARATED = 15.0  # |β₂| beyond which the groups are told apart whole: the odds have no estimate


@dataclass(frozen=True)
class ItemDif:
    """``delta`` = −2.35·ln(odds ratio): negative when the item is harder for the focal group.

    ``klass``: A negligible, B moderate, C large. None: the answers cannot tell.
    ``r2`` (logistic): gain in Nagelkerke's R² of the two group terms.
    """

    item: str
    mh_or: float | None
    delta: float | None
    klass: str | None
    chi2: float | None
    p: float | None
    p_adjusted: float | None = None
    se_delta: float | None = None
    r2: float | None = None


def _table(responses: Responses, focal: NDArray[np.bool_]) -> NDArray[np.int16]:
    table = responses.dense()
    beyond = np.flatnonzero((table > 1).any(axis=0))
    if beyond.size:
        raise DataError(
            f"Question « {responses.items[beyond[0]]} » : le fonctionnement différentiel se "
            "calcule ici sur des réponses 0 ou 1. Ramenez ses points à juste ou faux."
        )
    if focal.all() or not focal.any():
        raise DataError(
            "Les deux groupes doivent avoir des personnes : vérifiez la colonne du groupe et la "
            "valeur du groupe focal."
        )
    return table


def _strata(
    table: NDArray[np.int16], match: NDArray[np.int64] | None, counted: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """(P) stratum of each person, −1 for those left out (a missing answer among those counted)."""
    if match is not None:
        return match
    whole = (table[:, counted] >= 0).all(axis=1)
    return np.where(whole, table[:, counted].clip(0).sum(axis=1), -1).astype(np.int64)


def mantel_haenszel(
    responses: Responses,
    focal: NDArray[np.bool_],
    *,
    match: NDArray[np.int64] | None = None,
    purify: bool = False,
) -> list[ItemDif]:
    """DIF of each item; ``focal`` (P) says who is in the focal group, ``match`` (P) the stratum.

    ``purify``: items of class C leave the sum on which the others are matched, until they settle.
    """
    table = _table(responses, focal)
    counted = np.ones(responses.n_items, bool)
    for _ in range(10 if purify else 1):
        found = [
            _one_item(responses, table, focal, item, _for_item(table, match, counted, item))
            for item in range(responses.n_items)
        ]
        clean = np.array([one.klass != "C" for one in found])
        if np.array_equal(clean, counted) or match is not None:
            break
        counted = clean
    adjusted = benjamini_hochberg([one.p for one in found])
    return [replace(one, p_adjusted=p) for one, p in zip(found, adjusted, strict=True)]


def _for_item(
    table: NDArray[np.int16],
    match: NDArray[np.int64] | None,
    counted: NDArray[np.bool_],
    item: int,
) -> NDArray[np.int64]:
    own = counted.copy()
    own[item] = True  # the studied item always counts (Holland & Thayer 1988)
    return _strata(table, match, own)


def _one_item(
    responses: Responses,
    table: NDArray[np.int16],
    focal: NDArray[np.bool_],
    item: int,
    stratum: NDArray[np.int64],
) -> ItemDif:
    there = (table[:, item] >= 0) & (stratum >= 0)
    cell = stratum[there] * 4 + focal[there] * 2 + (table[there, item] == 0)
    size = (int(stratum.max(initial=0)) + 1) * 4
    a, b, c, d = np.bincount(cell, responses.weight[there], size).reshape(-1, 4).T
    number = a + b + c + d
    use = (a + b > 0) & (c + d > 0) & (a + c > 0) & (b + d > 0) & (number > 1)
    a, b, c, d, number = a[use], b[use], c[use], d[use], number[use]
    name = responses.items[item]
    right, wrong = a * d / number, b * c / number
    if right.sum() <= 0 or wrong.sum() <= 0:
        return ItemDif(name, None, None, None, None, None)
    ratio = float(right.sum() / wrong.sum())
    expected = (a + b) * (a + c) / number
    variance = (a + b) * (c + d) * (a + c) * (b + d) / (number**2 * (number - 1))
    gap = max(abs(float((a - expected).sum())) - CONTINUITY, 0.0)
    chi2 = gap**2 / float(variance.sum())
    p = chi_square_tail(chi2, 1)
    # Phillips & Holland 1987: variance of the logarithm of the common odds ratio.
    spread = (a * d + ratio * b * c) * (a + d + ratio * (b + c)) / number**2
    se = 2.35 * float(np.sqrt(spread.sum() / (2 * right.sum() ** 2)))
    delta = -2.35 * float(np.log(ratio))
    return ItemDif(name, ratio, delta, _ets_class(delta, se, p), chi2, p, se_delta=se)


def _ets_class(delta: float, se: float, p: float) -> str:
    """A: under 1 or not significant; C: 1.5 or more and significantly above 1; B: the rest."""
    size = abs(delta)
    if size < 1 or p >= SIGNIFICANT:
        return "A"
    above = se > 0 and normal_tail((size - 1) / se) < SIGNIFICANT
    return "C" if size >= 1.5 and above else "B"


def logistic(
    responses: Responses,
    focal: NDArray[np.bool_],
    *,
    match: NDArray[np.float64] | None = None,
) -> list[ItemDif]:
    """Likelihood ratio of logit P = β₀ + β₁s + β₂g + β₃sg against β₀ + β₁s: 2 df.

    Class by the gain in R²: A under .035 or not significant, C from .070, B between.
    """
    table = _table(responses, focal)
    out = []
    for item, name in enumerate(responses.items):
        score = match if match is not None else _sum(table)
        there = (table[:, item] >= 0) & np.isfinite(score)
        right = (table[there, item] == 1).astype(np.float64)
        weight = responses.weight[there]
        share = float(weight @ right / weight.sum()) if weight.sum() else 0.0
        groups = np.unique(focal[there][weight > 0])
        if share in (0.0, 1.0) or groups.size < 2:
            out.append(ItemDif(name, None, None, None, None, None))
            continue
        s, g = _standard(score[there], weight), focal[there].astype(np.float64)
        small = np.column_stack([np.ones_like(s), s])
        large = np.column_stack([small, g, s * g])
        out.append(_logistic_item(name, right, weight, small, large, share))
    adjusted = benjamini_hochberg([one.p for one in out])
    return [replace(one, p_adjusted=p) for one, p in zip(out, adjusted, strict=True)]


def _sum(table: NDArray[np.int16]) -> Floats:
    whole = (table >= 0).all(axis=1)
    return np.where(whole, table.clip(0).sum(axis=1), np.nan)


def _standard(values: Floats, weight: Floats) -> Floats:
    mean = float(weight @ values / weight.sum())
    sd = float(np.sqrt(weight @ (values - mean) ** 2 / weight.sum())) or 1.0
    return (values - mean) / sd


def _logistic_item(
    name: str, right: Floats, weight: Floats, small: Floats, large: Floats, share: float
) -> ItemDif:
    number = float(weight.sum())
    null = number * (share * np.log(share) + (1 - share) * np.log(1 - share))
    below, _ = _fit_logistic(small, right, weight)
    above, beta = _fit_logistic(large, right, weight)
    chi2 = max(2 * (above - below), 0.0)
    p = chi_square_tail(chi2, 2)
    most = 1 - np.exp(2 * null / number)
    r2 = float((np.exp(2 * (null - below) / number) - np.exp(2 * (null - above) / number)) / most)
    klass = "A" if p >= SIGNIFICANT or r2 < 0.035 else "C" if r2 >= 0.070 else "B"
    # The odds at the mean score, reference over focal: comparable with Mantel–Haenszel.
    if abs(beta[2]) > SEPARATED:
        return ItemDif(name, None, None, klass, chi2, p, r2=r2)
    ratio = float(np.exp(-beta[2]))
    return ItemDif(name, ratio, float(2.35 * beta[2]), klass, chi2, p, r2=r2)


def _fit_logistic(x: Floats, y: Floats, weight: Floats) -> tuple[float, Floats]:
    """(log-likelihood, β) by Newton's steps, halved while the likelihood would fall."""

    def value(beta: Floats) -> float:
        z = x @ beta
        return float(weight @ (y * z - np.logaddexp(0, z)))

    beta = np.zeros(x.shape[1])
    best = value(beta)
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -40, 40)))
        slope = x.T @ (weight * (y - p))
        curve = (x * (weight * p * (1 - p))[:, None]).T @ x
        step = np.linalg.lstsq(curve, slope, rcond=None)[0]
        while value(beta + step) < best and np.abs(step).max() > 1e-12:
            step = step / 2
        beta = beta + step
        gained, best = value(beta) - best, value(beta)
        if gained < 1e-12:
            break
    return best, beta
