"""Batches and their acts, scoped to who asks: the one rule for every list and every detail."""

from __future__ import annotations

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from kalan.credentials import policy
from kalan.credentials.models import Act, Batch
from kalan.people.actor import Actor


def batches_visible_to(actor: Actor, capability: str = "acts.view") -> QuerySet[Batch]:
    """Batches of nodes where ``actor`` has ``capability``."""
    return Batch.objects.filter(actor.scope(policy.CAPABILITIES[capability], "node__"))


def acts_visible_to(actor: Actor, capability: str = "acts.view") -> QuerySet[Act]:
    """Acts of those batches; and for whoever manages a structure, signed acts of its people."""
    roles = policy.CAPABILITIES[capability]
    own = actor.scope(roles, "structure__") & Q(state=Act.State.SIGNED)
    return Act.objects.filter(actor.scope(roles, "batch__node__") | own)


def with_numbers(batches: QuerySet[Batch]) -> QuerySet[Batch]:
    """Annotate ``acts_total`` (not excluded), ``acts_excluded``, ``acts_signed``,
    ``acts_failed``; with what a list shows, in one query."""
    S = Act.State  # noqa: N806 - an enumeration
    return batches.select_related(
        "version__template", "office", "node", "prepared_by", "approved_by", "run"
    ).annotate(
        acts_total=Count("acts", filter=~Q(acts__state__in=[S.EXCLUDED, S.VOID])),
        acts_excluded=Count("acts", filter=Q(acts__state=S.EXCLUDED)),
        acts_signed=Count("acts", filter=Q(acts__state=S.SIGNED)),
        acts_failed=Count("acts", filter=Q(acts__state=S.FAILED)),
    )


def acts_of(batch: Batch) -> QuerySet[Act]:
    """Acts of a batch in order, with what a list shows; without the frozen data."""
    return (
        Act.objects.filter(batch=batch)
        .select_related("agent", "outsider", "structure")
        .defer("data")
        .order_by("rank")
    )


def already_signed(batches: QuerySet[Batch]) -> QuerySet[Batch]:
    """Annotate ``twice``: some act of the batch repeats a valid signed one of another batch."""
    other = Act.objects.filter(
        record=OuterRef("record"), state=Act.State.SIGNED, status=Act.Status.VALID
    ).exclude(batch=OuterRef("batch"))
    mine = Act.objects.filter(Exists(other), batch=OuterRef("pk"), state=Act.State.DRAFT)
    return batches.annotate(twice=Exists(mine))
