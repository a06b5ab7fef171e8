"""What every write of the room begins and ends with: its transaction, its history."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

from kalan.people.actor import Actor
from kalan.people.services import history
from kalan.people.services.history import act

__all__ = ["act", "note"]


def note(instance: Model, *, actor: Actor, changes: dict[str, Any]) -> None:
    """Write one entry on ``instance`` for a bulk write: ``changes`` is {what: [before, after]}."""
    text = " ; ".join(f"{what} : {after}" for what, (_, after) in changes.items())
    history.note(actor=actor, subject=instance, text=text)
