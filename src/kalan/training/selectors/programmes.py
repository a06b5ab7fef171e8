"""Programmes, scoped to who asks."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from kalan.people.actor import Actor
from kalan.people.models import OrgNode
from kalan.training import policy
from kalan.training.models import Programme, SessionPlaces, TargetStructure


def programmes_visible_to(actor: Actor, capability: str = "programmes.view") -> QuerySet[Programme]:
    """Programmes whose node is in the actor's territory; for reading, also those that reach it.

    A regional or structure manager reads the programme that has sessions, places or target
    structures on their territory, though it is run from the capital.
    """
    if actor.system:
        return Programme.objects.all()
    roles = policy.CAPABILITIES[capability]
    scope = actor.scope(roles, "node__")
    if capability == "programmes.view" and actor.can(roles):
        mine = actor.scope(roles, "structure__")
        targets = TargetStructure.objects.filter(mine, programme=OuterRef("pk"))
        places = SessionPlaces.objects.filter(mine, session__programme=OuterRef("pk"))
        held = Programme.objects.filter(actor.scope(roles, "sessions__node__"), pk=OuterRef("pk"))
        scope |= Q(Exists(targets)) | Q(Exists(places)) | Q(Exists(held))
    return Programme.objects.filter(scope)


def territories_for(actor: Actor, capability: str) -> QuerySet[OrgNode]:
    """Nodes on which ``actor`` has ``capability`` of this room."""
    nodes: QuerySet[OrgNode] = OrgNode.objects.filter(
        actor.scope(policy.CAPABILITIES[capability]), merged_into__isnull=True
    )
    return nodes


def demo_is_loaded() -> bool:
    """Whether the demonstration programmes stand in the database."""
    return Programme.objects.filter(is_demo=True).exists()
