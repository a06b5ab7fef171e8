"""The life of a campaign: prepared, open, closed, archived."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from kalan.assessment.models import Test
from kalan.base.dates import long_date
from kalan.base.errors import Refused
from kalan.base.ids import random_code
from kalan.campaigns import policy
from kalan.campaigns.models import Campaign, CampaignStep, ParticipantSitting
from kalan.campaigns.models.campaigns import CODE_LENGTH
from kalan.campaigns.selectors.campaigns import (
    campaigns_visible_to,
    rules_of,
    territories_for,
    tests_usable_by,
)
from kalan.people.actor import Actor
from kalan.people.models import OrgNode
from kalan.training.models import Session, Theme
from kalan.training.selectors.sessions import sessions_visible_to
from kalan.training.services.history import act

MOST_STEPS = 12
MOST_DAYS = 731
Step = Test | Session | Theme


@dataclass(frozen=True)
class CampaignData:
    """What is said when a campaign is made; ``steps`` in the order in which they are done."""

    name: str
    node: OrgNode
    opens_on: dt.date
    closes_on: dt.date
    steps: Sequence[Step] = ()
    message: str = ""
    history: bool = False
    anyone: bool = True
    sharing: str = Campaign.Sharing.PARTICIPANT


@act
def create_campaign(
    *, actor: Actor, now: dt.datetime, data: CampaignData, simulated: bool = False
) -> Campaign:
    """Prepare a campaign; nobody is told yet. Its code is drawn here."""
    _check(actor, data)
    campaign = Campaign(
        created_at=now,
        created_by=actor.account,
        simulated=simulated,
        code=free_code(),
    )
    _write(campaign, data)
    _write_steps(campaign, data.steps)
    return campaign


@act
def update_campaign(
    *, actor: Actor, now: dt.datetime, campaign: Campaign, data: CampaignData
) -> Campaign:
    """Change a campaign. Once somebody has begun, its steps and its rule on results stand."""
    row = locked(actor, campaign)
    if row.state == Campaign.State.ARCHIVED:
        raise Refused("Cette campagne est archivée : elle ne se modifie plus.", code="transition")
    _check(actor, data)
    begun = ParticipantSitting.objects.filter(step__campaign=row).exists()
    if begun and data.sharing != row.sharing:
        raise Refused(
            "Des personnes ont commencé en connaissant la règle sur leurs résultats.",
            field="sharing",
            remedy="Gardez cette règle, ou faites une autre campagne.",
        )
    if begun and list(data.steps) != [s.test or s.session or s.theme for s in _steps(row)]:
        raise Refused(
            "Des personnes ont commencé : les étapes ne changent plus.",
            field="test",
            remedy="Gardez-les, ou faites une autre campagne.",
        )
    _write(row, data)
    if not begun:
        row.steps.all().delete()
        _write_steps(row, data.steps)
    return row


@act
def open_campaign(*, actor: Actor, now: dt.datetime, campaign: Campaign) -> Campaign:
    """Open a prepared campaign, or one that was closed too early: its code works from then on."""
    row = locked(actor, campaign)
    after = _next(row, "open", "ouverte")
    if not row.steps.exists():
        raise Refused(
            "Cette campagne ne demande encore rien.",
            remedy="Choisissez un test ou les étapes du parcours.",
        )
    if row.closes_on < timezone.localdate(now):
        raise Refused(
            f"La date de fin, {long_date(row.closes_on)}, est passée.",
            field="closes_on",
            remedy="Changez d’abord les dates.",
        )
    if not row.anyone and not rules_of(row):
        raise Refused(
            "Personne ne pourrait participer : le groupe est vide et le code est réservé "
            "aux invités.",
            remedy="Choisissez un groupe, ou laissez entrer toute personne qui a le code.",
        )
    row.state, row.opened_at, row.closed_at = after, row.opened_at or now, None
    row.save()
    return row


@act
def close_campaign(*, actor: Actor, now: dt.datetime, campaign: Campaign) -> Campaign:
    """End a campaign: nobody comes in or begins any more; results stay."""
    row = locked(actor, campaign)
    row.state, row.closed_at = _next(row, "close", "terminée"), now
    row.save()
    return row


@act
def archive_campaign(*, actor: Actor, now: dt.datetime, campaign: Campaign) -> Campaign:
    """Put a closed campaign away; results stay."""
    row = locked(actor, campaign)
    row.state = _next(row, "archive", "archivée")
    row.save()
    return row


@act
def delete_draft(*, actor: Actor, now: dt.datetime, campaign: Campaign) -> None:
    """Delete a campaign that was never opened."""
    row = locked(actor, campaign)
    if row.opened_at is not None:
        raise Refused(
            "Une campagne qui a été ouverte ne se supprime pas.", remedy="Terminez-la, archivez-la."
        )
    row.delete()


def locked(actor: Actor, campaign: Campaign) -> Campaign:
    """The row for writing, if it is in scope (else DoesNotExist, shown as 404)."""
    visible = campaigns_visible_to(actor, "campaigns.edit")
    return visible.select_for_update(of=("self",)).select_related("node").get(pk=campaign.pk)


def free_code() -> str:
    """A code that no campaign has."""
    while True:
        code = random_code(CODE_LENGTH)
        if not Campaign.objects.filter(code=code).exists():
            return code


def _steps(campaign: Campaign) -> list[CampaignStep]:
    return list(campaign.steps.select_related("test", "session", "theme").order_by("rank"))


def _next(campaign: Campaign, action: str, word: str) -> str:
    after = policy.next_state(action, campaign.state)
    if after is None:
        raise Refused(
            f"Cette campagne est {campaign.get_state_display()} : elle ne peut pas être {word}.",
            code="transition",
        )
    return after


def _check(actor: Actor, data: CampaignData) -> None:
    if not data.name.strip():
        raise Refused("Le nom de la campagne manque.", field="name")
    if not actor.system and not territories_for(actor).filter(pk=data.node.pk).exists():
        raise Refused(
            "Vous ne pouvez pas tenir de campagne dans ce territoire.",
            field="node",
            remedy="Choisissez un lieu de votre territoire.",
            code="forbidden",
        )
    if data.closes_on < data.opens_on:
        raise Refused(
            f"La fin ({long_date(data.closes_on)}) est avant le début "
            f"({long_date(data.opens_on)}).",
            field="closes_on",
            remedy="Échangez les deux dates, ou corrigez l’une d’elles.",
        )
    if (data.closes_on - data.opens_on).days > MOST_DAYS:
        raise Refused("Une campagne dure deux ans au plus.", field="closes_on")
    _check_steps(actor, data.steps)


def _check_steps(actor: Actor, steps: Sequence[Step]) -> None:
    if len(steps) > MOST_STEPS:
        raise Refused(f"Un parcours a {MOST_STEPS} étapes au plus.", field="test")
    if len({(type(step), step.pk) for step in steps}) != len(steps):
        raise Refused(
            "La même étape est demandée deux fois.", field="test", remedy="Gardez-en une."
        )
    tests = {step.pk for step in steps if isinstance(step, Test)}
    if tests_usable_by(actor).filter(pk__in=tests).count() != len(tests):
        raise Refused(
            "Ce test n’est pas publié, ou il n’est pas ouvert à votre territoire.",
            field="test",
            remedy="Choisissez un test de la liste.",
        )
    sessions = {step.pk for step in steps if isinstance(step, Session)}
    if sessions_visible_to(actor).filter(pk__in=sessions).count() != len(sessions):
        raise Refused("Cette session n’est pas dans votre territoire.", field="steps")


def _write(campaign: Campaign, data: CampaignData) -> None:
    campaign.name = " ".join(data.name.split())[:200]
    campaign.node = data.node
    campaign.opens_on, campaign.closes_on = data.opens_on, data.closes_on
    campaign.message = data.message.strip()
    campaign.history, campaign.anyone = data.history, data.anyone
    campaign.sharing = data.sharing
    one_test = len(data.steps) == 1 and isinstance(data.steps[0], Test)
    campaign.kind = Campaign.Kind.TEST if one_test or not data.steps else Campaign.Kind.PATH
    if campaign.pk:
        campaign.save()
        return
    for _ in range(5):
        try:
            with transaction.atomic():
                campaign.save()
        except IntegrityError:  # somebody drew the same code meanwhile
            campaign.code = free_code()
        else:
            return
    raise Refused("Le code n’a pas pu être tiré.", remedy="Recommencez.")


def _write_steps(campaign: Campaign, steps: Sequence[Step]) -> None:
    CampaignStep.objects.bulk_create(
        CampaignStep(
            campaign=campaign,
            rank=rank,
            test=step if isinstance(step, Test) else None,
            session=step if isinstance(step, Session) else None,
            theme=step if isinstance(step, Theme) else None,
        )
        for rank, step in enumerate(steps, start=1)
    )
