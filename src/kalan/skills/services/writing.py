"""What every write of the room begins with: its transaction, its permission."""

from __future__ import annotations

from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.people.models import OrgNode
from kalan.people.services.history import act
from kalan.skills.policy import CAPABILITIES

__all__ = ["act", "require"]


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
