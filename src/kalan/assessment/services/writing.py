"""What every write of the room begins with: its transaction, its permission."""

from __future__ import annotations

from kalan.assessment.policy import CAPABILITIES
from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.people.models import OrgNode
from kalan.people.services.history import act

__all__ = ["act", "require"]


def require(actor: Actor, capability: str, node: OrgNode) -> None:
    """Raise Refused unless ``actor`` holds ``capability`` on ``node``."""
    if not actor.covers(CAPABILITIES[capability], node.path):
        raise Refused(
            "Vous n’avez pas le droit de faire cela ici.",
            remedy="Demandez-le au responsable du test ou à un administrateur.",
            code="forbidden",
        )
