"""Numbers as French prose writes them."""

from __future__ import annotations

NBSP, THIN, MINUS = "\u00a0", "\u202f", "\u2212"


def number(value: float, digits: int = 2) -> str:
    """Comma, a true minus sign, narrow no-break spaces between thousands: −1 234,50."""
    text = f"{abs(value):,.{digits}f}".replace(",", THIN).replace(".", ",")
    zero = not text.strip("0,")
    return text if value >= 0 or zero else MINUS + text


def percent(share: float, digits: int = 0) -> str:
    return f"{number(100 * share, digits)}{NBSP}%"


def tick(value: float) -> str:
    """As few decimals as the value needs, three at most."""
    for digits in range(3):
        if abs(value - round(value, digits)) < 1e-9:
            return number(value, digits)
    return number(value, 3)


def listed(words: list[str]) -> str:
    """« a, b et c »."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} et {words[-1]}"
