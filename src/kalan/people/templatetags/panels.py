"""Links of the rooms above (people.panels)."""

from __future__ import annotations

from typing import Any

from django import template

from kalan.people import panels

register = template.Library()


@register.simple_tag(takes_context=True)
def panel_links(context: dict[str, Any], page: str, subject: Any) -> list[panels.PanelLink]:
    """What the rooms above offer the reader on this page."""
    return panels.links(page, context["request"].actor, subject)
