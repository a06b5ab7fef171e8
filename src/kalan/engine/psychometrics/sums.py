"""Distribution of the sum score given ability, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from kalan.engine.psychometrics.data import Bank, Floats
from kalan.engine.psychometrics.models import probabilities
from kalan.engine.psychometrics.quadrature import Grid
from kalan.engine.psychometrics.scoring import Scores


def _add(total: Floats, item: Floats) -> Floats:
    """One more item: (S, Q) and (K, Q) → (S + K − 1, Q)."""
    out = np.zeros((total.shape[0] + item.shape[0] - 1, total.shape[1]))
    for category in range(item.shape[0]):
        out[category : category + total.shape[0]] += total * item[category]
    return out


def sum_distribution(parts: Iterable[Floats], points: int) -> Floats:
    """(S, Q) P(sum = s | θ) from the category probabilities (K, Q) of each item.

    Lord & Wingersky 1984; several categories: Thissen, Pommerich, Billeaud & Williams 1995.
    """
    total = np.ones((1, points))
    for part in parts:
        total = _add(total, part)
    return total


def category_parts(bank: Bank, theta: Floats) -> list[Floats]:
    """(K_i, Q) probabilities of each item, its own categories only."""
    table = probabilities(bank, theta)
    return [table[i, : bank.top[i] + 1] for i in range(bank.n_items)]


def leave_one_out(parts: list[Floats]) -> Iterable[Floats]:
    """For each item in turn, P(sum of the others = s | θ), in O(n log n) convolutions."""

    def split(chosen: list[Floats], rest: Floats) -> Iterable[Floats]:
        if len(chosen) == 1:
            yield rest
            return
        half = len(chosen) // 2
        left, right = chosen[:half], chosen[half:]
        with_right, with_left = rest, rest
        for part in right:
            with_right = _add(with_right, part)
        for part in left:
            with_left = _add(with_left, part)
        yield from split(left, with_right)
        yield from split(right, with_left)

    return split(parts, np.ones((1, parts[0].shape[1])))


def sum_score_eap(bank: Bank, grid: Grid) -> tuple[Scores, Floats]:
    """EAP and SD for each sum score 0 … S − 1 of a form, and how likely each sum is (S).

    For forms scored on paper: the table to print beside the key.
    """
    given = sum_distribution(category_parts(bank, grid.theta), grid.size) * grid.weight
    share = given.sum(axis=1)
    weight = given / share[:, None]
    mean = weight @ grid.theta
    spread = np.maximum(weight @ grid.theta**2 - mean**2, 0.0)
    return Scores(mean, np.sqrt(spread)), share
