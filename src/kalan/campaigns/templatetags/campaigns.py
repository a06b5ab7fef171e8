"""Small helps of this room's templates."""

from __future__ import annotations

from collections.abc import Mapping

from django import template

register = template.Library()


@register.filter
def item(names: Mapping[str, str], code: str) -> str:
    """The name that ``code`` has, or the code itself, or a dash for none."""
    return names.get(code, code) or "–"


@register.filter
def signed(value: float) -> str:
    """0.418 → « +0,42 », -0.1 → « −0,10 » (a true minus)."""
    text = f"{abs(value):.2f}".replace(".", ",")
    return f"−{text}" if round(value, 2) < 0 else f"+{text}"
