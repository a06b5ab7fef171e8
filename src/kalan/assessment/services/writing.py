"""Every write of the room: one transaction, its history entries signed by who acts."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from django.db import transaction

from kalan.assessment.policy import CAPABILITIES
from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.people.models import OrgNode
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


def require(actor: Actor, capability: str, node: OrgNode) -> None:
    """Raise Refused unless ``actor`` holds ``capability`` on ``node``."""
    if not actor.covers(CAPABILITIES[capability], node.path):
        raise Refused(
            "Vous n’avez pas le droit de faire cela ici.",
            remedy="Demandez-le au responsable du test ou à un administrateur.",
            code="forbidden",
        )
