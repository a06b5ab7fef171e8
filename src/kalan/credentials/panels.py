"""The way to acts from the pages of what they are about (people.panels)."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from kalan.credentials import policy
from kalan.people import panels
from kalan.people.actor import Actor
from kalan.people.panels import PanelLink

_PAGES = ("session", "programme", "exam")


def _links_of(page: str) -> panels.Panel:
    def links(actor: Actor, subject: Any) -> list[PanelLink]:
        if not actor.can(policy.CAPABILITIES["acts.view"]):
            return []
        query = f"?{page}={subject.uid}"
        return [PanelLink("Attestations et actes", reverse("act-batch-list") + query)]

    return links


_PANELS = {page: _links_of(page) for page in _PAGES}


def register() -> None:
    for page, panel in _PANELS.items():
        panels.register(page, panel)
