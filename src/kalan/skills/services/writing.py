"""Every write of the room: one transaction, its history entries signed by who acts."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from django.db import transaction

from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.people.models import OrgNode
from kalan.people.services import history
from kalan.skills.policy import CAPABILITIES

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


def require(actor: Actor, capability: str, node: OrgNode | None = None) -> None:
    """Raise Refused unless ``actor`` holds ``capability``, on ``node`` when there is one."""
    roles = CAPABILITIES[capability]
    if actor.covers(roles, node.path) if node else actor.can(roles):
        return
    raise Refused(
        "Vous n’avez pas le droit de faire cela ici.",
        remedy="Demandez-le au responsable de la banque ou à un administrateur.",
        code="forbidden",
    )
