"""Who changed what: django-auditlog writes the differences, this says who acts and why.

One context variable names the actor for every entry written inside it, in a request or in a
task. auditlog's own ``set_actor`` cannot be nested and asks the session on every public page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Model

from kalan.people.actor import Actor

P = ParamSpec("P")
R = TypeVar("R")

_actor: ContextVar[Actor | None] = ContextVar("history_actor", default=None)
_reason: ContextVar[str] = ContextVar("history_reason", default="")


@contextmanager
def acting(actor: Actor, *, reason: str = "") -> Iterator[None]:
    """Name ``actor`` (and ``reason``) in every history entry written inside. May be nested."""
    token, reason_token = _actor.set(actor), _reason.set(reason or _reason.get())
    try:
        yield
    finally:
        _actor.reset(token)
        _reason.reset(reason_token)


def act(service: Callable[P, R]) -> Callable[P, R]:
    """Run a service in one transaction; its ``actor`` and ``reason`` go into the history."""

    @wraps(service)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        actor = cast("Actor", kwargs["actor"])
        reason = str(kwargs.get("reason") or "")
        with transaction.atomic(), acting(actor, reason=reason):
            return service(*args, **kwargs)

    return inner


def note(
    *, actor: Actor, subject: Model, text: str, reason: str = "", data: dict[str, Any] | None = None
) -> None:
    """Write one entry by hand: for bulk writes and acts that are not a change of fields."""
    with acting(actor, reason=reason):
        LogEntry.objects.create(
            content_type=ContentType.objects.get_for_model(subject),
            object_pk=str(subject.pk),
            object_id=subject.pk,
            object_repr=str(subject)[:200],
            action=LogEntry.Action.UPDATE,
            changes={},
            additional_data={"text": text, **(data or {})},
        )


def stamp(sender: type[LogEntry], instance: LogEntry, **_: Any) -> None:
    """Fill in actor and reason before an entry is stored (connected once, in auditing.py)."""
    actor, reason = _actor.get(), _reason.get()
    if actor is not None and instance.actor_id is None and actor.account is not None:
        instance.actor_id = actor.account.pk
    if reason:
        instance.additional_data = {**(instance.additional_data or {}), "reason": reason}
