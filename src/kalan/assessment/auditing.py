"""Which models of the room keep a history. Called once, when the application is ready.

Sittings, answers and events are facts of their own.
"""

from __future__ import annotations

from auditlog.registry import auditlog

from kalan.assessment import models

_MODELS = [models.Test, models.Exam, models.Candidate, models.CutPanel]


def register() -> None:
    """Register the models whose changes are kept."""
    for model in _MODELS:
        # auditlog would record what points at the model as fields of it.
        pointing = [field.name for field in model._meta.get_fields() if not field.concrete]
        auditlog.register(model, exclude_fields=pointing)
