"""Which models of the room keep a history. Called once, when the application is ready.

Participants are many and their steps are facts with dates: acts on them leave an entry on the
campaign instead.
"""

from __future__ import annotations

from auditlog.registry import auditlog

from kalan.campaigns import models

_MODELS = [models.Campaign, models.CampaignStep, models.CampaignGroup]


def register() -> None:
    """Register the models whose changes are kept."""
    for model in _MODELS:
        pointing = [field.name for field in model._meta.get_fields() if not field.concrete]
        auditlog.register(model, exclude_fields=pointing)
