"""Standard setting: where a panel puts the cut (modified Angoff 1971; Cizek & Bunch 2007).

Each judge says of each item which share of borderline candidates would answer it right. The sum is
the judge's cut on the raw scale; the panel's is their mean, its error comes from how judges differ.
On the θ scale the cut is where the expected sum of the form equals it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kalan.engine.psychometrics.data import Bank, Floats
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.models import expected_score, information

FEW_JUDGES = 8


@dataclass(frozen=True, eq=False)
class AngoffCut:
    """``raw`` cut and its standard error on the sum scale; ``theta`` and its own; ``by_judge`` (J)
    raw cuts; ``spread`` (n) SD of the ratings of each item (points to discuss in a second round);
    ``warnings`` in French."""

    raw: float
    raw_se: float
    theta: float
    theta_se: float
    by_judge: Floats
    spread: Floats
    warnings: tuple[str, ...]


def angoff(bank: Bank, ratings: Floats, *, judges: tuple[str, ...] = ()) -> AngoffCut:
    """``ratings`` (J, n): share of each item's points, 0 … 1, that a borderline candidate gets."""
    table = np.asarray(ratings, np.float64)
    if table.ndim != 2 or table.shape[1] != bank.n_items:
        raise DataError(f"Angoff : {bank.n_items} avis par juge sont attendus, un par question.")
    names = judges or tuple(f"juge {n}" for n in range(1, table.shape[0] + 1))
    if len(names) != table.shape[0]:
        raise DataError(f"Angoff : {table.shape[0]} lignes d’avis pour {len(names)} juges.")
    wrong = ~((table >= 0) & (table <= 1))  # NaN compares false
    if wrong.any():
        judge, item = (int(place[0]) for place in np.nonzero(wrong))
        raise DataError(
            f"Angoff, {names[judge]}, question « {bank.items[item]} » : un avis entre 0 et 1 est "
            "attendu (0,6 pour 60 %)."
        )
    if table.shape[0] < 2:
        raise DataError("Angoff : il faut au moins 2 juges pour connaître l’erreur du seuil.")
    by_judge = table @ bank.top.astype(np.float64)
    raw = float(by_judge.mean())
    raw_se = float(by_judge.std(ddof=1) / np.sqrt(by_judge.size))
    theta = theta_of_sum(bank, raw)
    slope = _slope(bank, theta)
    warnings: tuple[str, ...] = ()
    if table.shape[0] < FEW_JUDGES:
        warnings = (f"{table.shape[0]} juges : au moins {FEW_JUDGES} sont conseillés.",)
    return AngoffCut(
        raw, raw_se, theta, raw_se / slope, by_judge, table.std(axis=0, ddof=1), warnings
    )


def theta_of_sum(bank: Bank, total: float) -> float:
    """θ whose expected sum is ``total``; a sum that guessing alone passes, or a perfect one, has
    none."""
    from scipy.optimize import brentq  # only here: scipy takes long to load

    def gap(theta: float) -> float:
        return float(expected_score(bank, np.array([theta])).sum()) - total

    if gap(-8.0) >= 0 or gap(8.0) <= 0:
        low, high = gap(-8.0) + total, gap(8.0) + total
        raise DataError(
            f"Seuil de {total:g} points : hors de ce que ce test mesure ({low:.1f} à {high:.1f}). "
            "Revoyez les avis."
        )
    return float(brentq(gap, -8.0, 8.0, xtol=1e-12))


def _slope(bank: Bank, theta: float) -> float:
    step = 1e-4
    up, down = (expected_score(bank, np.array([theta + d])).sum() for d in (step, -step))
    return max(float(up - down) / (2 * step), 1e-9)


def decision_error(bank: Bank, cut: AngoffCut) -> float:
    """Standard error of "θ̂ is above the cut" near it: the test's own and the panel's together."""
    test = float(information(bank, np.array([cut.theta])).sum())
    return float(np.hypot(1 / np.sqrt(test), cut.theta_se))
