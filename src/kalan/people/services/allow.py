"""The question every write asks first."""

from __future__ import annotations

from kalan.base.errors import Refused
from kalan.people import policy
from kalan.people.actor import Actor
from kalan.people.models import OrgNode


def require(actor: Actor, capability: str, node: OrgNode | None) -> None:
    """Raise Refused unless ``actor`` holds ``capability`` on ``node``.

    Without a node (an agent without a structure) a national role is needed.
    """
    roles = policy.CAPABILITIES[capability]
    if actor.system:
        return
    if node is None:
        allowed = any(len(path) == OrgNode.steplen for path in actor.paths(roles))
    else:
        allowed = actor.covers(roles, node.path)
    if not allowed:
        raise Refused(
            "Vous n’avez pas le droit de faire cela ici.",
            remedy="Demandez-le au responsable de ce territoire.",
            code="forbidden",
        )
