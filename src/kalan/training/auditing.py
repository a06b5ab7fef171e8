"""Which models of the room keep a history. Called once, when the application is ready.

Attendance marks are facts that are never edited, and bulk writes leave an entry of their own.
"""

from __future__ import annotations

from auditlog.registry import auditlog

from kalan.training import models

_MODELS = [
    models.Programme,
    models.ProgrammePartner,
    models.Target,
    models.TargetStructure,
    models.Session,
    models.SessionPlaces,
    models.SessionTrainer,
    models.Registration,
    models.AnonymousCount,
    models.SessionTest,
    models.CostLine,
    models.TransportRate,
    models.Platform,
]


def register() -> None:
    """Register the models whose changes are kept."""
    for model in _MODELS:
        # auditlog would record what points at the model as fields of it.
        pointing = [field.name for field in model._meta.get_fields() if not field.concrete]
        auditlog.register(model, exclude_fields=pointing)
