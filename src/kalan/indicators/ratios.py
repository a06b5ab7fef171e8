"""Shares and averages as printed: exact decimals, rounded half up; the honest range for sex."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

# Above this share of people whose sex is unknown, two decimals would claim too much.
UNKNOWN_LIMIT_PERCENT = 5


def percent(part: int, whole: int) -> Decimal | None:
    """Return ``part`` / ``whole`` in per cent with two decimals, half up; None when whole is 0."""
    if whole <= 0:
        return None
    return (Decimal(part) * 100 / Decimal(whole)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def average(total: Decimal | int, count: int, places: str = "0.01") -> Decimal | None:
    """Return ``total`` / ``count`` rounded half up to ``places``; None when count is 0."""
    if count <= 0:
        return None
    return (Decimal(total) / Decimal(count)).quantize(Decimal(places), ROUND_HALF_UP)


@dataclass(frozen=True)
class WomenShare:
    """Share of women: women / people whose sex is known; a range when too many are unknown.

    ``exact`` is None when there is nobody of known sex, or above 5 % unknown; ``low`` and ``high``
    then say what the share would be if all unknown were men, or all women.
    """

    women: int
    known: int
    unknown: int

    @property
    def doubtful(self) -> bool:
        return self.unknown * 100 > UNKNOWN_LIMIT_PERCENT * (self.known + self.unknown)

    @property
    def exact(self) -> Decimal | None:
        return None if self.doubtful else percent(self.women, self.known)

    @property
    def low(self) -> Decimal | None:
        return percent(self.women, self.known + self.unknown)

    @property
    def high(self) -> Decimal | None:
        return percent(self.women + self.unknown, self.known + self.unknown)
