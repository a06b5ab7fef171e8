"""Which models of the room keep a history. Called once, when the application is ready.

Acts are many and their life is rows of its own (ActEvent, RegisterEntry): not registered.
"""

from __future__ import annotations

from auditlog.registry import auditlog

from kalan.credentials import models

_MODELS = [
    models.SigningKey,
    models.ActTemplate,
    models.TemplateVersion,
    models.Office,
    models.OfficeHolder,
    models.Batch,
]


def register() -> None:
    """Register the models whose changes are kept."""
    for model in _MODELS:
        pointing = [field.name for field in model._meta.get_fields() if not field.concrete]
        auditlog.register(model, exclude_fields=pointing)
