"""Campaigns and their participants, scoped to who asks: one rule for list and detail."""

from __future__ import annotations

import datetime as dt

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet

from kalan.assessment.models import Test
from kalan.base.exports import Cell
from kalan.campaigns import policy
from kalan.campaigns.models import Campaign, CampaignGroup, CampaignStep, Participant
from kalan.people.actor import Actor
from kalan.people.models import Cadre, OrgNode


def campaigns_visible_to(actor: Actor, capability: str = "campaigns.view") -> QuerySet[Campaign]:
    """Campaigns for which ``actor`` has ``capability``.

    By the campaign's node; for reading also by its participants: a structure's manager follows
    the people of the structure in the campaign of the region.
    """
    if actor.system:
        return Campaign.objects.all()
    roles = policy.CAPABILITIES[capability]
    scope = actor.scope(roles, "node__")
    if capability != "campaigns.edit":
        mine = Participant.objects.filter(
            actor.scope(roles, "structure__"), campaign=OuterRef("pk")
        )
        scope |= Q(Exists(mine), ~Q(state=Campaign.State.DRAFT))
    return Campaign.objects.filter(scope)


def participants_visible_to(
    actor: Actor, campaign: Campaign | None = None, capability: str = "campaigns.view"
) -> QuerySet[Participant]:
    """Participants of the actor's structures, and all of the campaigns of the actor's territory."""
    rows = Participant.objects.all()
    if campaign is not None:
        rows = rows.filter(campaign=campaign)
    if actor.system:
        return rows
    roles = policy.CAPABILITIES[capability]
    if campaign is not None and actor.covers(roles, campaign.node.path):
        return rows
    scope = actor.scope(roles, "structure__")
    if campaign is None:
        scope |= actor.scope(roles, "campaign__node__")
    return rows.filter(scope)


def may_edit(actor: Actor, campaign: Campaign) -> bool:
    """Whether the campaign's node lies in the actor's territory for editing."""
    return actor.covers(policy.CAPABILITIES["campaigns.edit"], campaign.node.path)


def territories_for(actor: Actor) -> QuerySet[OrgNode]:
    """Nodes on which ``actor`` may hold a campaign."""
    nodes: QuerySet[OrgNode] = OrgNode.objects.filter(
        actor.scope(policy.CAPABILITIES["campaigns.edit"]), merged_into__isnull=True
    )
    return nodes


def tests_usable_by(actor: Actor) -> QuerySet[Test]:
    """Published tests held on, above or below a node on which the actor holds campaigns.

    Certification stands apart: it is sat in an exam.
    """
    tests = Test.objects.filter(state=Test.State.PUBLISHED).exclude(
        purpose=Test.Purpose.CERTIFICATION
    )
    return tests.filter(actor.around(policy.CAPABILITIES["campaigns.edit"], "node__"))


def cadres_for(country: str) -> QuerySet[Cadre]:
    """Cadres of a country in its own order."""
    return Cadre.objects.filter(country=country).order_by("rank", "title", "pk")


def with_counts(rows: QuerySet[Campaign], actor: Actor) -> QuerySet[Campaign]:
    """Annotate ``invited``, ``started``, ``finished``: of the participants the actor sees."""
    whole = Q() if actor.system else _whole(actor)
    own = Q() if actor.system else actor.scope(_VIEW, "participants__structure__")
    seen = (whole | own) & ~Q(participants__state=Participant.State.WITHDRAWN)
    if actor.system:
        seen = ~Q(participants__state=Participant.State.WITHDRAWN)
    return rows.select_related("node").annotate(
        invited=Count("participants", filter=seen),
        started=Count("participants", filter=seen & Q(participants__started_at__isnull=False)),
        finished=Count("participants", filter=seen & Q(participants__state="finished")),
    )


_VIEW = policy.CAPABILITIES["campaigns.view"]


def _whole(actor: Actor) -> Q:
    return actor.scope(_VIEW, "node__")


def export_lines(rows: QuerySet[Campaign]) -> list[list[Cell]]:
    """Campaigns with their counts, as lines of a table."""
    states = dict(Campaign.State.choices)
    columns = ("name", "code", "node__name", "state", "opens_on", "closes_on", "invited",
               "started", "finished")  # fmt: skip
    return [[*line[:3], states[line[3]], *line[4:]] for line in rows.values_list(*columns)]


def steps_of(campaign: Campaign) -> list[CampaignStep]:
    """The steps in order, with what they point at."""
    return list(
        CampaignStep.objects.filter(campaign=campaign)
        .select_related("test", "session", "theme")
        .order_by("rank")
    )


def rules_of(campaign: Campaign) -> list[CampaignGroup]:
    """The group's rules in order, with node, cadres and listed agents (three queries)."""
    return list(
        CampaignGroup.objects.filter(campaign=campaign)
        .select_related("node")
        .prefetch_related(
            Prefetch("cadres", Cadre.objects.order_by("rank", "title", "pk")), "agents"
        )
        .order_by("rank")
    )


def joinable(campaign: Campaign, today: dt.date) -> bool:
    """Whether a person may come in and begin on ``today``."""
    return (
        campaign.state == Campaign.State.OPEN and campaign.opens_on <= today <= campaign.closes_on
    )
