"""History entries for writes that django-auditlog cannot hear (bulk writes, acts)."""

from __future__ import annotations

from typing import Any

from auditlog.models import LogEntry
from django.db.models import Model

from kalan.people.actor import Actor


def note(instance: Model, *, actor: Actor, changes: dict[str, Any]) -> None:
    """Write one entry on ``instance``: ``changes`` is {what: [before, after]}."""
    LogEntry.objects.log_create(
        instance,
        force_log=True,
        action=LogEntry.Action.UPDATE,
        changes={key: [str(a), str(b)] for key, (a, b) in changes.items()},
        actor=actor.account,
    )
