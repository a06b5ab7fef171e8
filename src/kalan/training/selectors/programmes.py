"""Programmes, scoped to who asks."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from kalan.people.actor import Actor, path_range
from kalan.people.models import OrgNode
from kalan.training import policy
from kalan.training.models import (
    Programme,
    SessionPlaces,
    Target,
    TargetStructure,
    TransportRate,
)

# What a target may be set for: the keys of /chiffres.json, and how people read them.
INDICATORS = {
    "agents_formes": "agents formés",
    "femmes": "femmes formées",
    "part_femmes": "part des femmes (%)",
    "sessions": "sessions tenues",
    "structures": "structures touchées",
    "formateurs": "formateurs mobilisés",
    "inscriptions": "inscriptions",
    "comptes": "comptes de la plateforme",
}


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


def nodes_below(programme: Programme) -> QuerySet[OrgNode]:
    """The programme's territory and all in it."""
    low, high = path_range(programme.node.path)
    nodes: QuerySet[OrgNode] = OrgNode.objects.filter(
        path__gte=low, path__lt=high, merged_into__isnull=True
    )
    return nodes


def target_lines(programme: Programme) -> list[tuple[str, str, Target]]:
    """(indicator as read, territory or "", target), in a fixed order."""
    order = list(INDICATORS)
    rows = Target.objects.filter(programme=programme).select_related("node").order_by("pk")
    lines = [
        (INDICATORS.get(row.indicator, row.indicator), row.node.name if row.node else "", row)
        for row in rows
    ]
    return sorted(
        lines,
        key=lambda line: (
            order.index(line[2].indicator) if line[2].indicator in order else len(order),
            line[2].node.path if line[2].node else "",
        ),
    )


def structures_of(programme: Programme) -> list[OrgNode]:
    """The programme's own list of structures, by name."""
    rows = TargetStructure.objects.filter(programme=programme).select_related("structure__type")
    return [row.structure for row in rows.order_by("structure__search", "pk")]


def transport_lines(programme: Programme) -> QuerySet[TransportRate]:
    rows = TransportRate.objects.filter(programme=programme).select_related("origin")
    return rows.order_by("origin__path", "pk")


def demo_is_loaded() -> bool:
    """Whether the demonstration programmes stand in the database."""
    return Programme.objects.filter(is_demo=True).exists()
