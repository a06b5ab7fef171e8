"""Small helps of this room's templates."""

from __future__ import annotations

from collections.abc import Mapping

from django import template

from kalan.engine.testing.outcome import scaled

register = template.Library()


@register.filter
def item(names: Mapping[str, str], code: str) -> str:
    """The name that ``code`` has, or the code itself, or a dash for none."""
    return names.get(code, code) or "–"


@register.filter
def score(theta: float) -> int:
    """θ on the scale that people read, where 500 is the middle."""
    return scaled(theta)
