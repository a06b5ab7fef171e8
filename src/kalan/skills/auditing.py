"""Which models of the room keep a history. Called once, when the application is ready.

Reviews and calibrations are facts that are only added; statistics are counted anew.
"""

from __future__ import annotations

from auditlog.registry import auditlog

from kalan.skills import models

_MODELS = [models.Framework, models.FrameworkNode, models.ItemBank, models.Item]


def register() -> None:
    """Register the models whose changes are kept."""
    for model in _MODELS:
        # auditlog would record what points at the model as fields of it.
        pointing = [field.name for field in model._meta.get_fields() if not field.concrete]
        auditlog.register(model, exclude_fields=pointing)
