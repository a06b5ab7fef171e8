"""Upper tails of the distributions that tests refer to, without scipy."""

from __future__ import annotations

import math


def chi_square_tail(value: float, df: int) -> float:
    """P(X² ≥ value) for ``df`` ≥ 1 degrees of freedom.

    Closed form for whole df (Abramowitz & Stegun 1964, 26.4.4 and 26.4.5): a Poisson sum when df
    is even, with the complementary error function when it is odd.
    """
    if df < 1:
        raise ValueError("df: at least 1")
    if value <= 0:
        return 1.0
    half = value / 2
    total = math.erfc(math.sqrt(half)) if df % 2 else 0.0
    for step in range(df // 2):
        power = step + df % 2 / 2
        total += math.exp(-half + power * math.log(half) - math.lgamma(power + 1))
    return min(total, 1.0)


def normal_tail(value: float) -> float:
    """P(Z ≥ value), standard normal."""
    return 0.5 * math.erfc(value / math.sqrt(2))


def normal_two_sided(value: float) -> float:
    """P(|Z| ≥ |value|), standard normal."""
    return math.erfc(abs(value) / math.sqrt(2))


def benjamini_hochberg(p: list[float | None]) -> list[float | None]:
    """Adjusted p-values (Benjamini & Hochberg 1995); None stays None and is not counted."""
    known = sorted(((value, place) for place, value in enumerate(p) if value is not None))
    out: list[float | None] = [None] * len(p)
    least = 1.0
    for rank in range(len(known), 0, -1):
        value, place = known[rank - 1]
        least = min(least, value * len(known) / rank)
        out[place] = least
    return out
