"""Every write of the room: one transaction, its history entries signed by who acts."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from django.db import transaction
from django.db.models import Model

from kalan.people.actor import Actor
from kalan.people.services import history

P = ParamSpec("P")
R = TypeVar("R")


def act(service: Callable[P, R]) -> Callable[P, R]:
    """Run a service in one transaction; its ``actor`` and ``reason`` go into the history."""

    @wraps(service)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        actor = cast("Actor", kwargs["actor"])
        reason = str(kwargs.get("reason") or "")
        with transaction.atomic(), history.acting(actor, reason=reason):
            return service(*args, **kwargs)

    return inner


def note(instance: Model, *, actor: Actor, changes: dict[str, Any]) -> None:
    """Write one entry on ``instance`` for a bulk write: ``changes`` is {what: [before, after]}."""
    text = " ; ".join(f"{what} : {after}" for what, (_, after) in changes.items())
    history.note(actor=actor, subject=instance, text=text)
