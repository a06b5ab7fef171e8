"""Results of other platforms, scoped like the agents they are about."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from kalan.base.text import fold
from kalan.campaigns import policy
from kalan.campaigns.models import OutsideResult
from kalan.people.actor import Actor
from kalan.people.models import Post


def outside_visible_to(actor: Actor, capability: str = "outside.view") -> QuerySet[OutsideResult]:
    """Results of agents who have or had a post in the actor's territory."""
    rows = OutsideResult.objects.select_related("agent__cadre")
    if actor.system:
        return rows
    here = Post.objects.filter(
        actor.scope(policy.CAPABILITIES[capability], "structure__"), agent=OuterRef("agent")
    )
    return rows.filter(Exists(here))


def searched(
    rows: QuerySet[OutsideResult], *, q: str = "", source: str = "", campaign: str = ""
) -> QuerySet[OutsideResult]:
    """Narrow by name, source and campaign."""
    for word in fold(q).split():
        rows = rows.filter(agent__search__contains=word)
    if source:
        rows = rows.filter(source=source)
    if campaign:
        rows = rows.filter(campaign__icontains=campaign)
    return rows


def sources_of(rows: QuerySet[OutsideResult]) -> list[str]:
    return list(rows.order_by("source").values_list("source", flat=True).distinct())
