"""Coming in by code or link, and what one decides about one's own result."""

from __future__ import annotations

import datetime as dt

from django.db import IntegrityError, transaction
from django.utils import timezone

from kalan.base.dates import long_date
from kalan.base.errors import Refused
from kalan.base.ids import CODE_ALPHABET
from kalan.base.text import fold
from kalan.campaigns.models import Campaign, Participant
from kalan.campaigns.selectors.campaigns import joinable
from kalan.campaigns.selectors.mine import my_place_in
from kalan.campaigns.services.groups import structure_of
from kalan.people.actor import Actor
from kalan.people.models import Agent
from kalan.people.services import limits
from kalan.training.services.history import act

# Sixty people in a room who each mistype three times stay under it.
WRONG_CODES_PER_ADDRESS = 200


def normalised_code(typed: str) -> str:
    """Return what was typed without spaces and hyphens, in capitals."""
    return "".join(char for char in typed.upper() if char in CODE_ALPHABET)


def find_campaign(*, code: str, address: str, now: dt.datetime) -> Campaign:
    """The campaign of ``code``, ended or not. Raises Refused (code "unknown" or "wait").

    Wrong codes are counted by address; drafts are as unknown as codes never given.
    """
    door = [limits.limit("campaign", address, WRONG_CODES_PER_ADDRESS)]
    limits.check(door, now=now, what="essais de code")
    wanted = normalised_code(code)
    campaign = (
        Campaign.objects.filter(code=wanted)
        .exclude(state=Campaign.State.DRAFT)
        .select_related("node")
        .first()
        if wanted
        else None
    )
    if campaign is None:
        limits.miss(door, now=now)
        raise Refused(
            "Ce code n’est pas celui d’une campagne.",
            field="code",
            remedy="Recopiez les sept caractères ; il n’y a ni 0, ni O, ni 1, ni I, ni L.",
            code="unknown",
        )
    return campaign


def require_joinable(campaign: Campaign, *, now: dt.datetime) -> None:
    """Raise Refused unless people may come in today: before, after, closed, archived."""
    today = timezone.localdate(now)
    if joinable(campaign, today):
        return
    if campaign.state == Campaign.State.OPEN and today < campaign.opens_on:
        raise Refused(
            f"Cette campagne commence le {long_date(campaign.opens_on)}.",
            remedy="Revenez ce jour-là avec le même code.",
            code="early",
        )
    ended = campaign.closes_on
    if campaign.closed_at is not None:
        ended = min(ended, timezone.localdate(campaign.closed_at))
    raise Refused(
        f"Cette campagne est terminée depuis le {long_date(ended)}.",
        remedy="Votre responsable peut vous en proposer une autre.",
        code="ended",
    )


@act
def join(
    *, actor: Actor, now: dt.datetime, campaign: Campaign, joined: str = Participant.Joined.CODE
) -> Participant:
    """Bring the signed-in person into the campaign; a second time changes nothing.

    Refused when it is not open today, or when it is for invited people and this is none.
    """
    if actor.account is None:
        raise Refused("Connectez-vous d’abord.", code="signin")
    place = my_place_in(actor, campaign)
    if place is not None:
        if place.account_id is None:  # invited by the list, comes in with an account now
            place.account = actor.account
            place.save(update_fields=["account"])
        return place
    require_joinable(campaign, now=now)
    if not campaign.anyone and not _was_withdrawn(actor, campaign):
        raise Refused(
            "Cette campagne est réservée aux personnes invitées, et vous n’êtes pas sur la liste.",
            remedy="Demandez au responsable de la campagne de vous y ajouter.",
            code="invited",
        )
    try:
        with transaction.atomic():
            return _come_in(actor, now, campaign, joined)
    except IntegrityError:  # two tabs
        place = my_place_in(actor, campaign)
        assert place is not None
        return place


def _was_withdrawn(actor: Actor, campaign: Campaign) -> bool:
    return _withdrawn(actor, campaign) is not None


def _withdrawn(actor: Actor, campaign: Campaign) -> Participant | None:
    return Participant.objects.filter(
        campaign=campaign, account=actor.account, state=Participant.State.WITHDRAWN
    ).first()


def _come_in(actor: Actor, now: dt.datetime, campaign: Campaign, joined: str) -> Participant:
    account = actor.account
    assert account is not None
    before = _withdrawn(actor, campaign)
    if before is not None:
        before.state = _state_of(before)
        before.save(update_fields=["state"])
        return before
    agent = (
        Agent.objects.filter(pk=actor.agent_id, status=Agent.Status.ACTIVE).first()
        if actor.agent_id
        else None
    )
    return Participant.objects.create(
        campaign=campaign,
        agent=agent,
        account=account,
        structure_id=structure_of(agent.pk, timezone.localdate(now)) if agent else None,
        cadre_id=agent.cadre_id if agent else account.cadre_id,
        sex=agent.sex if agent else "",
        search=agent.search if agent else fold(account.display_name)[:210],
        joined=joined,
        added_at=now,
    )


def _state_of(row: Participant) -> str:
    if row.finished_at is not None:
        return Participant.State.FINISHED
    return Participant.State.STARTED if row.started_at else Participant.State.INVITED


@act
def share(*, actor: Actor, now: dt.datetime, participant: Participant) -> Participant:
    """Show one's own result to those who follow the campaign. Idempotent."""
    row = _own(actor, participant)
    if row.state != Participant.State.FINISHED:
        raise Refused("Il n’y a pas encore de résultat à partager.", remedy="Terminez d’abord.")
    if row.shared_at is None:
        row.shared_at = now
        row.save(update_fields=["shared_at"])
    return row


@act
def unshare(*, actor: Actor, now: dt.datetime, participant: Participant) -> Participant:
    """Take back one's sharing: from now on nobody else sees the result. Idempotent."""
    row = _own(actor, participant)
    if row.campaign.sharing == Campaign.Sharing.MANAGER:
        raise Refused(
            "Dans cette campagne, les responsables voient les résultats : c’était dit avant de "
            "commencer.",
            remedy="Pour vous y opposer, faites une demande dans « Mes données ».",
        )
    if row.shared_at is not None:
        row.shared_at = None
        row.save(update_fields=["shared_at"])
    return row


@act
def withdraw(*, actor: Actor, now: dt.datetime, participant: Participant) -> None:
    """Leave a campaign: no more reminders; one's result is shown to nobody."""
    row = _own(actor, participant)
    row.state, row.shared_at = Participant.State.WITHDRAWN, None
    if row.account_id is None:
        row.account = actor.account
    row.save(update_fields=["state", "shared_at", "account"])


def _own(actor: Actor, participant: Participant) -> Participant:
    if actor.account is None:
        raise Refused("Connectez-vous d’abord.", code="signin")
    rows = Participant.objects.select_for_update(of=("self",)).select_related("campaign")
    row = rows.get(pk=participant.pk)
    if row.account_id != actor.account.pk and (row.agent_id or 0) != actor.agent_id:
        raise Participant.DoesNotExist
    return row
