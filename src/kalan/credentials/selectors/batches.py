"""Acts scoped to who asks, for the page of one act; lists of batches are in listing.py."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from kalan.credentials import policy
from kalan.credentials.models import Act
from kalan.people.actor import Actor


def acts_visible_to(actor: Actor, capability: str = "acts.view") -> QuerySet[Act]:
    """Acts of batches where ``actor`` has ``capability``; and for whoever manages a structure,
    signed acts of its people, whoever prepared them. The system itself sees every act."""
    if actor.system:  # its scope is no condition at all: « or signed » would narrow it
        return Act.objects.all()
    roles = policy.CAPABILITIES[capability]
    own = actor.scope(roles, "structure__") & Q(state=Act.State.SIGNED)
    return Act.objects.filter(actor.scope(roles, "batch__node__") | own)
