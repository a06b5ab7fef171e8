"""Inviting and reminding: by mail, SMS or a text to copy. Cost is known before anything is sent.

Only people who have not finished are written to, and nobody is reminded more than once in three
days, whoever presses the button.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import F, Q, QuerySet

from kalan.base.dates import long_date
from kalan.base.errors import Refused
from kalan.base.models import Message
from kalan.base.notifications import gsm
from kalan.base.notifications.outbox import Draft, queue
from kalan.base.notifications.spending import EMAIL, SMS, Spending, spending_of, way_to
from kalan.base.notifications.templates import Wording, fill, wording
from kalan.campaigns.models import Campaign, Participant
from kalan.campaigns.services.campaigns import locked
from kalan.people.actor import Actor
from kalan.training.services.history import act, note

_WHATSAPP = Message.Channel.WHATSAPP.value
CHANNELS = (EMAIL, SMS)
BETWEEN_REMINDERS = dt.timedelta(days=3)
INVITATION, REMINDER = "campaign_invitation", "campaign_reminder"
_OVER = "Envoyez par e-mail seulement, ou copiez le texte dans WhatsApp."


@dataclass(frozen=True)
class Preview:
    """What sending would do."""

    drafts: list[Draft]
    reached: list[int]  # pks of the participants a draft is for
    unreachable: int
    too_soon: int  # reminded less than three days ago
    emails: int
    sms: Spending
    copy_text: str
    sample: str  # the first message as it will be read


def join_url(campaign: Campaign) -> str:
    """The address that mails and QR codes name."""
    return f"{settings.KALAN_BASE_URL}/campagne/{campaign.code}/"


def preview(
    *,
    campaign: Campaign,
    template: str,
    channels: Sequence[str],
    now: dt.datetime,
    only: Participant | None = None,
) -> Preview:
    """Work out invitations or reminders; nothing is stored (two queries and the wordings)."""
    people = _audience(campaign, template, only)
    soon = [p for p in people if _too_soon(p, template, now)]
    wordings = {channel: wording(template, channel) for channel in (*CHANNELS, _WHATSAPP)}
    common = _values(campaign)
    drafts: list[Draft] = []
    reached: list[int] = []
    unreachable = 0
    for person in people:
        if _too_soon(person, template, now):
            continue
        draft = _draft(campaign, template, person, channels, wordings, common)
        if draft is None:
            unreachable += 1
        else:
            drafts.append(draft)
            reached.append(person.pk)
    sms = spending_of(drafts, budget=budget_ref(campaign), now=now)
    return Preview(
        drafts=drafts,
        reached=reached,
        unreachable=unreachable,
        too_soon=len(soon),
        emails=len(drafts) - sms.number,
        sms=sms,
        copy_text=fill(wordings[_WHATSAPP].body, {**common, "nom": ""}),
        sample=drafts[0].body if drafts else "",
    )


def budget_ref(campaign: Campaign) -> str:
    """Whose monthly SMS ceiling a campaign's messages count against: its territory's."""
    return f"campaigns.node:{campaign.node_id}"


@act
def invite(
    *, actor: Actor, now: dt.datetime, campaign: Campaign, channels: Sequence[str] = CHANNELS
) -> Preview:
    """Write to those on the list who were not written to yet; again, it writes to newcomers."""
    return _send(actor, now, campaign, INVITATION, channels, None)


@act
def remind(
    *,
    actor: Actor,
    now: dt.datetime,
    campaign: Campaign,
    channels: Sequence[str] = CHANNELS,
    only: Participant | None = None,
) -> Preview:
    """Remind those who have not finished, or one of them; at most once in three days each."""
    return _send(actor, now, campaign, REMINDER, channels, only)


def _send(
    actor: Actor,
    now: dt.datetime,
    campaign: Campaign,
    template: str,
    channels: Sequence[str],
    only: Participant | None,
) -> Preview:
    row = locked(actor, campaign)
    if row.state != Campaign.State.OPEN:
        raise Refused(
            f"Cette campagne est {row.get_state_display()} : on n’écrit plus aux participants.",
            remedy="Ouvrez-la d’abord." if row.state == Campaign.State.DRAFT else "",
            code="transition",
        )
    plan = preview(campaign=row, template=template, channels=channels, now=now, only=only)
    if only is not None and plan.too_soon:
        raise Refused(
            "Cette personne a reçu un rappel il y a moins de trois jours.",
            remedy="Attendez un peu, ou parlez-lui.",
            code="soon",
        )
    plan.sms.refuse_over(_OVER)
    queue(plan.drafts, now=now)
    rows = Participant.objects.filter(pk__in=plan.reached)
    if template == INVITATION:
        rows.update(invited_at=now)
    else:
        rows.update(last_reminded_at=now, reminders=F("reminders") + 1)
    what = "invitations envoyées" if template == INVITATION else "rappels envoyés"
    if plan.drafts:
        note(row, actor=actor, changes={what: ["", len(plan.drafts)]})
    return plan


def _audience(campaign: Campaign, template: str, only: Participant | None) -> list[Participant]:
    rows: QuerySet[Participant] = Participant.objects.filter(
        campaign=campaign,
        state__in=[Participant.State.INVITED, Participant.State.STARTED],
    )
    if template == INVITATION:
        rows = rows.filter(invited_at__isnull=True, joined=Participant.Joined.LIST)
    if only is not None:
        rows = rows.filter(pk=only.pk)
    rows = rows.filter(Q(agent__isnull=True) | Q(agent__status="active"))
    return list(rows.select_related("agent", "account").order_by("search", "pk"))


def _too_soon(person: Participant, template: str, now: dt.datetime) -> bool:
    """Reminded within three days; an invitation counts as a first message too."""
    if template == INVITATION:
        return False
    last = max(filter(None, [person.last_reminded_at, person.invited_at]), default=None)
    return last is not None and now - last < BETWEEN_REMINDERS


def _draft(
    campaign: Campaign,
    template: str,
    person: Participant,
    channels: Sequence[str],
    wordings: dict[str, Wording],
    common: dict[str, str],
) -> Draft | None:
    """The message for one person, or None when no chosen channel reaches them."""
    agent, account = person.agent, person.account
    email = (account.email if account and account.email else "") or (agent.email if agent else "")
    phone = (agent.phone if agent else "") or (account.phone if account else "")
    way = way_to(channels, email=email, phone=phone)
    if way is None:
        return None
    channel, recipient = way
    text = wordings[channel]
    body = fill(text.body, {**common, "nom": person.person})
    number = "" if template == INVITATION else f":{person.reminders + 1}"
    return Draft(
        channel=channel,
        template=template,
        recipient=recipient,
        subject=fill(text.subject, common)[:200],
        body=gsm.cheap(body) if channel == SMS else body,
        subject_ref=f"campaigns.campaign:{campaign.uid}",
        subject_id=campaign.pk,
        person_ref=f"people.agent:{agent.uid}"
        if agent
        else f"people.account:{account.uid if account else ''}",
        budget_ref=budget_ref(campaign),
        dedupe_key=f"{template}:{campaign.pk}:{person.pk}{number}",
    )


def _values(campaign: Campaign) -> dict[str, str]:
    return {
        "campagne": campaign.name,
        "fin": long_date(campaign.closes_on),
        "code": campaign.code,
        "lien": join_url(campaign),
        "message": campaign.message,
    }
