"""How far scores and decisions can be trusted, and whether items have drifted.

Marginal reliability: Green, Bock, Humphreys, Linn & Reckase 1984. α: Cronbach 1951. Decision
accuracy and consistency: Rudner 2001, Lee 2010. Drift: robust z (Huynh & Meyer 2010), distance of
curves (root mean square, weighted by the density of θ).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kalan.engine.psychometrics.data import Bank, Floats, Responses
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.models import expected_score
from kalan.engine.psychometrics.quadrature import Grid, normal_grid
from kalan.engine.psychometrics.scoring import Scores
from kalan.engine.psychometrics.tails import normal_tail

DRIFT_Z = 2.7
DRIFT_DISTANCE = 0.10
NO_DRIFT = 1e-3  # logits: items that agree so closely do not make the next one drift


def marginal_reliability(scores: Scores) -> float:
    """var(EAP) / (var(EAP) + mean SD²); ≥ 0.80 for a level, ≥ 0.90 for a certificate."""
    there = np.isfinite(scores.theta) & np.isfinite(scores.se)
    if there.sum() < 2:
        raise DataError("Fidélité : il faut au moins deux personnes dont l’estimation est finie.")
    between = float(scores.theta[there].var())
    whole = between + float((scores.se[there] ** 2).mean())
    return between / whole if whole else 0.0


def cronbach_alpha(responses: Responses) -> float:
    """α over the persons who answered every item."""
    table = responses.dense().astype(np.float64)
    whole = (table >= 0).all(axis=1)
    if responses.n_items < 2 or whole.sum() < 2:
        raise DataError("Alpha demande deux questions et deux personnes ayant répondu à tout.")
    table, weight = table[whole], responses.weight[whole]

    def variance(values: Floats) -> Floats:
        mean = weight @ values / weight.sum()
        return np.asarray(weight @ (values - mean) ** 2 / weight.sum(), np.float64)

    total = float(variance(table.sum(axis=1)))
    if total == 0:
        raise DataError("Alpha : toutes les personnes ont le même total.")
    n = responses.n_items
    return float(n / (n - 1) * (1 - variance(table).sum() / total))


@dataclass(frozen=True)
class DecisionQuality:
    """Shares in 0 … 1: decisions that are right, and that a second test would repeat."""

    accuracy: float
    consistency: float


def decision_quality(scores: Scores, cut: float) -> DecisionQuality:
    """Expected at the cut, errors taken as normal: mean of max(p, 1 − p), and of p² + (1 − p)²."""
    there = np.isfinite(scores.theta) & (scores.se > 0)
    if not there.any():
        raise DataError("Décisions : aucune estimation finie dont l’erreur soit connue.")
    z = (cut - scores.theta[there]) / scores.se[there]
    p = np.array([normal_tail(float(value)) for value in z])
    return DecisionQuality(float(np.maximum(p, 1 - p).mean()), float((p**2 + (1 - p) ** 2).mean()))


@dataclass(frozen=True)
class Drift:
    """``z`` robust z of the mean difficulty, ``distance`` between curves; ``flag`` when beyond."""

    item: str
    z: float
    distance: float
    flag: bool


def drift(old: Bank, new: Bank, *, grid: Grid | None = None) -> list[Drift]:
    """Items of both banks, on one scale (link them first)."""
    common = [name for name in old.items if name in set(new.items)]
    if len(common) < 3:
        raise DataError("Dérive : il faut au moins 3 questions communes aux deux calibrations.")
    one, two = old.aligned(common), new.aligned(common)
    if not np.array_equal(one.top, two.top):
        item = common[int(np.argmax(one.top != two.top))]
        raise DataError(
            f"Dérive, question « {item} » : nombre de catégories différent dans les deux banques."
        )
    grid, width = grid or normal_grid(), int(one.top.max())
    gap = np.nanmean(two.b[:, :width] - one.b[:, :width], axis=1)
    low, high = np.percentile(gap, [25, 75])
    z = (gap - np.median(gap)) / max(0.74 * (high - low), NO_DRIFT)
    curves = expected_score(two, grid.theta) - expected_score(one, grid.theta)
    distance = np.sqrt((curves / one.top[:, None]) ** 2 @ grid.weight)
    return [
        Drift(name, float(z[i]), float(distance[i]),
              bool(abs(z[i]) > DRIFT_Z or distance[i] > DRIFT_DISTANCE))
        for i, name in enumerate(common)
    ]  # fmt: skip
