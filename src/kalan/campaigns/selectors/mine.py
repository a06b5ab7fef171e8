"""A person's own campaigns."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Prefetch, Q, QuerySet

from kalan.campaigns.models import (
    Campaign,
    CampaignStep,
    OutsideResult,
    Participant,
    ParticipantSitting,
)
from kalan.campaigns.selectors.campaigns import joinable
from kalan.people.actor import Actor


def my_participations(actor: Actor) -> QuerySet[Participant]:
    """The signed-in person's own places in campaigns, by account or by agent."""
    if actor.account is None:
        return Participant.objects.none()
    mine = Q(account=actor.account)
    if actor.agent_id is not None:
        mine |= Q(agent=actor.agent_id)
    return (
        Participant.objects.filter(mine)
        .exclude(state=Participant.State.WITHDRAWN)
        .exclude(campaign__state=Campaign.State.DRAFT)
    )


def my_place_in(actor: Actor, campaign: Campaign) -> Participant | None:
    """The person's place in ``campaign``, whatever its state but withdrawn."""
    return (
        my_participations(actor)
        .filter(campaign=campaign)
        .select_related("campaign", "account", "agent")
        .order_by("pk")
        .first()
    )


@dataclass(frozen=True)
class MyCampaign:
    """``may_start``: the campaign is open today and something is left to do."""

    participant: Participant
    done: int
    steps: int
    may_start: bool


def my_campaigns(actor: Actor, *, today: dt.date, most: int = 20) -> list[MyCampaign]:
    """Campaigns of the signed-in person that are not archived, latest end first (3 queries)."""
    rows = (
        my_participations(actor)
        .exclude(campaign__state=Campaign.State.ARCHIVED)
        .select_related("campaign")
        .prefetch_related(
            Prefetch("campaign__steps", CampaignStep.objects.order_by("rank")),
            Prefetch(
                "sittings", ParticipantSitting.objects.select_related("sitting").order_by("pk")
            ),
        )
        .order_by("-campaign__closes_on", "-pk")[:most]
    )
    found = []
    for row in rows:
        done = sum(one.sitting.state in one.sitting.OVER for one in row.sittings.all())
        left = row.state != Participant.State.FINISHED
        found.append(
            MyCampaign(
                row, done, len(row.campaign.steps.all()), left and joinable(row.campaign, today)
            )
        )
    return found


def my_outside_results(actor: Actor) -> QuerySet[OutsideResult]:
    """What other platforms said of the signed-in person, the latest first."""
    if actor.agent_id is None:
        return OutsideResult.objects.none()
    return OutsideResult.objects.filter(agent=actor.agent_id).order_by("-date", "-pk")
