"""Which models of the room keep a history. Called once, when the application is ready.

Sittings, answers and events are facts of their own. Of a room's code and of a browser's secret the
history says that they changed, never what they are: it is read on pages and leaves in exports.
"""

from __future__ import annotations

from auditlog.registry import auditlog

from kalan.assessment import models

_MODELS = [models.Test, models.Exam, models.Candidate, models.CutPanel]
_SECRET = {models.Exam: ["code"], models.Candidate: ["device"]}


def register() -> None:
    """Register the models whose changes are kept."""
    for model in _MODELS:
        # auditlog would record what points at the model as fields of it.
        pointing = [field.name for field in model._meta.get_fields() if not field.concrete]
        auditlog.register(
            model,
            exclude_fields=pointing,
            mask_fields=_SECRET.get(model, []),
            mask_callable=f"{__name__}.{hidden.__name__}",
        )


def hidden(value: str) -> str:
    """What the history holds in place of a secret."""
    return "•••" if value and value != "None" else value
