"""The campaign of the demonstration: the 15 structures of DIRECCT, simulated answers, all flagged.

About eight in ten of the agents trained are on the list; of these some have finished, some have
begun and some have not. A few results from another platform stand apart.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from decimal import Decimal

from django.db.models import Max

from kalan.assessment.demo import ability
from kalan.assessment.models import Sitting, Test
from kalan.assessment.services import simulated
from kalan.assessment.services.simulated import Taker
from kalan.campaigns.models import (
    Campaign,
    CampaignGroup,
    CampaignStep,
    OutsideResult,
    Participant,
    ParticipantSitting,
)
from kalan.campaigns.services.campaigns import CampaignData, create_campaign, open_campaign
from kalan.people.actor import SYSTEM
from kalan.people.models import Account, Agent, OrgNode, Post

NAME = "Mes compétences numériques en santé"
MESSAGE = (
    "Une vingtaine de questions pour savoir où vous en êtes et vous proposer la bonne formation. "
    "Ni note, ni classement."
)
DAYS = 60  # of which 45 have gone by
INVITED, STARTED, FINISHED, SHARED = 421, 352, 331, 0.62
SEED = 20230317


def build_campaign(
    *,
    node: OrgNode,
    structures: Sequence[OrgNode],
    agents: Sequence[Agent],
    test: Test,
    now: dt.datetime,
) -> Campaign:
    """A campaign over ``structures`` (their posts of the day), with ``agents`` to invite.

    ``test``: the published short positioning test. Returns the open campaign, marked as simulated.
    """
    draw = random.Random(SEED)  # noqa: S311 - invented data, not a secret
    opened = now - dt.timedelta(days=45)
    data = CampaignData(
        name=NAME,
        node=node,
        opens_on=opened.date(),
        closes_on=(opened + dt.timedelta(days=DAYS)).date(),
        steps=[test],
        message=MESSAGE,
    )
    campaign = create_campaign(actor=SYSTEM, now=opened, data=data, simulated=True)
    for rank, structure in enumerate(structures, start=1):
        CampaignGroup.objects.create(campaign=campaign, rank=rank, node=structure)
    open_campaign(actor=SYSTEM, now=opened, campaign=campaign)
    people = _invite(campaign, agents, draw, opened)
    _take(campaign, people, draw, opened)
    _outside(people, draw, opened)
    return campaign


def _invite(
    campaign: Campaign, agents: Sequence[Agent], draw: random.Random, opened: dt.datetime
) -> list[Participant]:
    chosen = draw.sample(list(agents), min(INVITED, len(agents)))
    ids = [agent.pk for agent in chosen]
    places = dict(
        Post.objects.filter(agent__in=ids, is_main=True)
        .order_by("start", "pk")
        .values_list("agent_id", "structure_id")
    )
    accounts = dict(Account.objects.filter(agent__in=ids).values_list("agent_id", "pk"))
    Participant.objects.bulk_create(
        Participant(
            campaign=campaign,
            agent=agent,
            account_id=accounts.get(agent.pk),
            structure_id=places.get(agent.pk),
            cadre_id=agent.cadre_id,
            sex=agent.sex,
            search=agent.search,
            added_at=opened,
            invited_at=opened,
        )
        for agent in chosen
    )
    rows = Participant.objects.filter(campaign=campaign).select_related("agent__cadre", "account")
    found = {row.agent_id: row for row in rows.order_by("pk")}
    return [found[pk] for pk in ids]


def _take(
    campaign: Campaign, people: list[Participant], draw: random.Random, opened: dt.datetime
) -> None:
    """Those with an account of the demonstration are left to try the test themselves."""
    step = CampaignStep.objects.select_related("test").get(campaign=campaign)
    assert step.test is not None
    able = [row for row in people if row.account_id is None][:STARTED]
    takers = []
    for number, row in enumerate(able):
        agent = row.agent
        assert agent is not None
        # Many on the first days, fewer later, as campaigns go.
        day = min(int(draw.expovariate(1 / 11)), 43)
        takers.append(
            Taker(
                ability=ability(draw, cadre=agent.cadre.code if agent.cadre else ""),
                at=opened + dt.timedelta(days=day, hours=draw.randrange(8, 18)),
                agent=agent,
                structure_id=row.structure_id,
                cadre_id=row.cadre_id,
                sex=row.sex,
                upto=None if number < FINISHED else draw.randrange(2, 12),
            )
        )
    sittings = simulated.record(test=step.test, takers=takers, context="campaign", seed=SEED)
    ParticipantSitting.objects.bulk_create(
        ParticipantSitting(participant=row, step=step, sitting=sitting)
        for row, sitting in zip(able, sittings, strict=True)
    )
    for row, sitting in zip(able, sittings, strict=True):
        row.started_at = sitting.started_at
        row.state = Participant.State.STARTED
        if sitting.state in Sitting.OVER:
            row.finished_at, row.state = sitting.finished_at, Participant.State.FINISHED
            if draw.random() < SHARED:
                row.shared_at = sitting.finished_at
    Participant.objects.bulk_update(
        able, ["started_at", "finished_at", "state", "shared_at"], batch_size=500
    )
    waiting = [row.pk for row in people if row.state != Participant.State.FINISHED]
    last = Participant.objects.aggregate(last=Max("invited_at"))["last"]
    Participant.objects.filter(pk__in=waiting).update(
        reminders=1, last_reminded_at=last + dt.timedelta(days=21)
    )


def _outside(people: list[Participant], draw: random.Random, opened: dt.datetime) -> None:
    """A dozen results of another platform, on its own scale."""
    OutsideResult.objects.bulk_create(
        OutsideResult(
            agent=row.agent,
            source="Pix Orga",
            campaign="Compétences numériques, essai 2022",
            date=(opened - dt.timedelta(days=120 + draw.randrange(30))).date(),
            scale="niveaux de Pix (0 à 8)",
            mastery=Decimal(draw.randrange(25, 90)),
            levels={"Gérer des données": str(draw.randrange(1, 6))},
            imported_at=opened,
        )
        for row in people[:12]
    )
