"""Links that rooms above put on the pages of rooms below, which may not import upwards.

A room registers a panel from its ``AppConfig.ready`` under the name of the page; the page's
template shows the links with ``{% panel_links "session" session %}``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kalan.people.actor import Actor


@dataclass(frozen=True)
class PanelLink:
    """A link with its label."""

    label: str
    url: str


Panel = Callable[[Actor, Any], list[PanelLink]]

_panels: dict[str, list[Panel]] = {}


def register(page: str, panel: Panel) -> None:
    """Add a panel to ``page`` ("session", "programme", "exam"); twice the same is once."""
    panels = _panels.setdefault(page, [])
    if panel not in panels:
        panels.append(panel)


def links(page: str, actor: Actor, subject: Any) -> list[PanelLink]:
    """What the rooms above offer ``actor`` on the page about ``subject``."""
    return [link for panel in _panels.get(page, []) for link in panel(actor, subject)]
