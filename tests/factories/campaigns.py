"""Campaigns, with tests and results made directly in the database (nobody answers anything)."""

from __future__ import annotations

import datetime as dt
from itertools import count

from kalan.assessment.models import DomainResult, FrozenTest, Result, Sitting, Test
from kalan.campaigns.models import (
    Campaign,
    CampaignGroup,
    CampaignStep,
    Participant,
    ParticipantSitting,
)
from kalan.people.models import Account, Agent, OrgNode
from kalan.skills.models import Framework, FrameworkLevel, FrameworkNode, ItemBank
from tests.factories.people import NOW, unlogged

DOMAINS = (("D1", "Données de santé"), ("D2", "Cybersécurité en santé"))
LEVELS = (("N1", "Découverte", None), ("N2", "Indépendant", 0.0), ("N3", "Avancé", 1.0))
_numbers = count(1)


@unlogged
def framework() -> Framework:
    """A framework of two domains and three levels."""
    made, new = Framework.objects.get_or_create(
        code="essai",
        version="1",
        defaults={"name": "Cadre d’essai", "state": "active", "created_at": NOW},
    )
    if new:
        for rank, (code, name) in enumerate(DOMAINS, start=1):
            FrameworkNode.objects.create(
                framework=made, kind="domain", code=code, name=name, rank=rank
            )
        for rank, (code, name, floor) in enumerate(LEVELS, start=1):
            FrameworkLevel.objects.create(
                framework=made, rank=rank, code=code, name=name, floor=floor
            )
    return made


@unlogged
def test_of(node: OrgNode, **fields: object) -> Test:
    """A published positioning test; nothing can be played in it."""
    number = next(_numbers)
    bank, _ = ItemBank.objects.get_or_create(
        code="banque-essai",
        defaults={
            "name": "Banque d’essai",
            "framework": framework(),
            "node": node,
            "created_at": NOW,
        },
    )
    values: dict[str, object] = {
        "code": f"test-{number}",
        "title": "Positionnement",
        "purpose": "positioning_short",
        "state": "published",
        "bank": bank,
        "node": node,
        "created_at": NOW,
        "published_at": NOW,
        **fields,
    }
    made = Test.objects.create(**values)
    FrozenTest.objects.create(test=made, version=f"{number:064d}", body="{}", created_at=NOW)
    return made


@unlogged
def campaign(node: OrgNode, *, test: Test | None = None, **fields: object) -> Campaign:
    """An open campaign of one test, a month around NOW."""
    number = next(_numbers)
    values: dict[str, object] = {
        "code": f"CAMP{number:03d}".translate(str.maketrans("01", "ZY"))[:7],
        "name": "Positionnement 2023",
        "node": node,
        "kind": "test",
        "opens_on": dt.date(2023, 3, 1),
        "closes_on": dt.date(2023, 3, 31),
        "state": "open",
        "created_at": NOW,
        "opened_at": NOW,
        **fields,
    }
    made = Campaign.objects.create(**values)
    CampaignStep.objects.create(campaign=made, rank=1, test=test or test_of(node))
    return made


@unlogged
def group(campaign: Campaign, node: OrgNode) -> CampaignGroup:
    return CampaignGroup.objects.create(campaign=campaign, rank=1, node=node)


@unlogged
def participant(campaign: Campaign, agent: Agent, **fields: object) -> Participant:
    """On the list, at the agent's present structure."""
    post = agent.posts.order_by("pk").first()
    values: dict[str, object] = {
        "account": Account.objects.filter(agent=agent).first(),
        "structure": post.structure if post else None,
        "cadre": agent.cadre,
        "sex": agent.sex,
        "search": agent.search,
        "added_at": NOW,
        **fields,
    }
    return Participant.objects.create(campaign=campaign, agent=agent, **values)


@unlogged
def result(
    participant: Participant,
    *,
    theta: float = 0.5,
    level: str = "N2",
    domains: dict[str, tuple[float, str]] | None = None,
    shared: bool = False,
    to_confirm: bool = False,
) -> Sitting:
    """A finished sitting of the campaign's first test, with its measures; the person is done."""
    step = participant.campaign.steps.order_by("rank").first()
    assert step is not None
    assert step.test is not None
    frozen = step.test.frozen.order_by("pk").first()
    assert frozen is not None
    sitting = Sitting.objects.create(
        test=step.test,
        frozen=frozen,
        account=participant.account,
        agent=participant.agent,
        structure=participant.structure,
        cadre=participant.cadre,
        sex=participant.sex,
        context="campaign",
        state="finished",
        seed=1,
        created_at=NOW,
        started_at=NOW,
        finished_at=NOW,
    )
    measured = Result.objects.create(
        sitting=sitting,
        frozen_version=frozen.version,
        answers=20,
        theta=theta,
        se=0.3,
        level=level,
        level_probability=0.8,
        percent=70,
        computed_at=NOW,
    )
    found = domains or {code: (theta, level) for code, _ in DOMAINS}
    DomainResult.objects.bulk_create(
        DomainResult(
            result=measured,
            domain=code,
            answers=4,
            theta=value,
            sd=0.4,
            level=mine,
            level_probability=0.7,
            to_confirm=to_confirm,
        )
        for code, (value, mine) in found.items()
    )
    ParticipantSitting.objects.create(participant=participant, step=step, sitting=sitting)
    participant.state, participant.started_at, participant.finished_at = "finished", NOW, NOW
    participant.shared_at = NOW if shared else None
    participant.save()
    return sitting
