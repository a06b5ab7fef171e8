"""Words and figures for the pages of acts."""

from __future__ import annotations

from django import template

from kalan.base.text import some
from kalan.engine.signing.code import in_fours

register = template.Library()


@register.filter
def fours(code: str | None) -> str:
    """A code as printed: « ABCD EFGH … »."""
    return in_fours(code or "")


@register.filter
def time_left(seconds: int | None) -> str:
    """« environ 15 secondes », « environ 3 minutes »; nothing known → nothing said."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"environ {max(5, (seconds + 4) // 5 * 5)} secondes"
    return f"environ {some((seconds + 59) // 60, 'minute', 'minutes')}"
