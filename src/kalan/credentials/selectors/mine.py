"""The signed-in person's own acts."""

from __future__ import annotations

from django.db.models import QuerySet

from kalan.credentials.models import Act, Batch
from kalan.people.actor import Actor


def my_acts(actor: Actor) -> QuerySet[Act]:
    """Signed acts about the actor, whatever became of them since; the latest first."""
    if actor.agent_id is None:
        return Act.objects.none()
    return (
        Act.objects.filter(
            agent_id=actor.agent_id, state=Act.State.SIGNED, batch__state=Batch.State.SIGNED
        )
        .select_related("batch__version__template", "batch__office__node", "batch__run__key")
        .order_by("-signed_at", "-pk")
    )
