"""Telling participants: convocation, postponement, cancellation, by mail, SMS or a text to copy.

What will be sent, to whom and for how much is known before anything is sent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from kalan.base.dates import period
from kalan.base.errors import Refused
from kalan.base.models import Message
from kalan.base.notifications import gsm
from kalan.base.notifications.outbox import Draft, cost_of, queue
from kalan.base.notifications.spending import EMAIL, SMS, Spending, spending_of, way_to
from kalan.base.notifications.templates import Wording, fill, wording
from kalan.people.actor import Actor
from kalan.training import policy
from kalan.training.models import Registration, Session
from kalan.training.selectors.registrations import by_name
from kalan.training.selectors.sessions import trainers_of
from kalan.training.services.dirty import mark_dirty
from kalan.training.services.history import act, note
from kalan.training.services.locking import locked

_WHATSAPP = Message.Channel.WHATSAPP.value
CHANNELS = (EMAIL, SMS)
_OVER = (
    "Envoyez par e-mail seulement, copiez le texte dans WhatsApp, ou relevez "
    "le plafond du programme."
)


@dataclass(frozen=True)
class Outgoing:
    """One message and whom it is for; ``parts`` is what an SMS is charged by."""

    name: str
    draft: Draft
    parts: int


@dataclass(frozen=True)
class Preview:
    """What sending would do."""

    outgoing: list[Outgoing]
    unreachable: list[Registration]
    copy_text: str  # for WhatsApp
    sms: Spending

    @property
    def drafts(self) -> list[Draft]:
        return [one.draft for one in self.outgoing]


def preview(
    *,
    session: Session,
    template: str,
    channels: Sequence[str],
    now: dt.datetime,
    notice: str = "",
) -> Preview:
    """Work out the messages of ``template`` for ``session``; nothing is stored.

    Mail when there is an address and mail is chosen, else SMS when chosen and there is a number.
    """
    wordings = {channel: wording(template, channel) for channel in (*CHANNELS, _WHATSAPP)}
    common = _values(session, notice)
    found: list[tuple[str, Draft]] = []
    unreachable: list[Registration] = []
    for line in _audience(session, template):
        draft = _draft(session, template, line, channels, wordings, common)
        if draft is None:
            unreachable.append(line)
        else:
            found.append((str(line.person), draft))
    known = set(
        Message.objects.filter(
            dedupe_key__in=[d.dedupe_key for _, d in found if d.dedupe_key]
        ).values_list("dedupe_key", flat=True)
    )
    found = [(name, d) for name, d in found if d.dedupe_key not in known]
    programme = session.programme
    return Preview(
        outgoing=[Outgoing(name, d, cost_of(d.channel, d.body)[0]) for name, d in found],
        unreachable=unreachable,
        copy_text=fill(wordings[_WHATSAPP].body, {**common, "nom": ""}),
        sms=spending_of(
            [draft for _, draft in found],
            budget=budget_ref(session),
            now=now,
            ceiling=programme.sms_monthly_ceiling if programme else None,
            currency=programme.currency if programme else "XOF",
        ),
    )


def budget_ref(session: Session) -> str:
    """Whose monthly SMS ceiling a session's messages count against."""
    return f"training.programme:{session.programme_id or ''}"


@act
def convoke_session(
    *,
    actor: Actor,
    now: dt.datetime,
    session: Session,
    channels: Sequence[str] = CHANNELS,
) -> Preview:
    """Convoke the approved people and send them their convocation; may be run again for others.

    Refused when nobody is approved, and when the SMS would pass the month's ceiling.
    """
    row = locked(actor, "sessions.convoke", session)
    after = policy.next_state(policy.SESSION_TRANSITIONS, "convoke", row.state)
    if after is None:
        raise Refused(
            f"Cette session est {row.get_state_display()} : elle ne se convoque plus.",
            code="transition",
        )
    approved = list(
        Registration.objects.filter(session=row, state=Registration.State.APPROVED).order_by("pk")
    )
    again = Registration.objects.filter(session=row, state=Registration.State.CONVOKED)
    if not approved and not again.exists():
        raise Refused(
            "Personne n’est retenu pour cette session.",
            remedy="Retenez d’abord des personnes désignées par leurs structures.",
        )
    plan = preview(session=row, template="convocation", channels=channels, now=now)
    _send(plan, now=now)
    for line in approved:
        line.state = Registration.State.CONVOKED
    Registration.objects.bulk_update(approved, ["state"])
    note(row, actor=actor, changes={"convoqués": ["", len(approved)]})
    row.state = after
    row.save()
    mark_dirty([row.pk], now)
    return plan


@transaction.atomic
def announce(
    *, now: dt.datetime, session: Session, template: str, channels: Sequence[str], notice: str
) -> Preview:
    """Tell those already convoked that the session moves or falls away (no permission of its own:
    called by the service that postpones or cancels)."""
    plan = preview(session=session, template=template, channels=channels, now=now, notice=notice)
    _send(plan, now=now)
    return plan


def _send(plan: Preview, *, now: dt.datetime) -> None:
    plan.sms.refuse_over(_OVER)
    queue(plan.drafts, now=now)


def _audience(session: Session, template: str) -> list[Registration]:
    states = [Registration.State.CONVOKED]
    if template == "convocation":
        states.append(Registration.State.APPROVED)
    rows = Registration.objects.filter(session=session, state__in=states)
    return list(by_name(rows.select_related("agent", "outsider", "structure")))


def _draft(
    session: Session,
    template: str,
    line: Registration,
    channels: Sequence[str],
    wordings: dict[str, Wording],
    common: dict[str, str],
) -> Draft | None:
    """The message for one person, or None when no chosen channel reaches them."""
    agent, outsider = line.agent, line.outsider
    email = agent.email if agent else ""
    phone = agent.phone if agent else (outsider.phone if outsider else "")
    way = way_to(channels, email=email, phone=phone)
    if way is None:
        return None
    channel, recipient = way
    text = wordings[channel]
    values = {**common, "nom": str(agent or outsider)}
    body = fill(text.body, values)
    person = f"people.agent:{agent.uid}" if agent else f"training.outsider:{line.outsider_id}"
    return Draft(
        channel=channel,
        template=template,
        recipient=recipient,
        subject=fill(text.subject, values)[:200],
        body=gsm.cheap(body) if channel == SMS else body,
        subject_ref=f"training.session:{session.uid}",
        subject_id=session.pk,
        person_ref=person,
        budget_ref=budget_ref(session),
        dedupe_key=f"{template}:{session.pk}:{line.pk}:{session.start}:{session.end}",
    )


def _values(session: Session, notice: str) -> dict[str, str]:
    trainers = [t.name for t in trainers_of(session)]
    return {
        "session": session.title,
        "theme": session.theme.name,
        "dates": period(session.start, session.end),
        "lieu": session.where,
        "programme": session.programme.name if session.programme else "",
        "formateurs": ", ".join(trainers) or "à préciser",
        "avis": notice,
        "lien": f"{settings.KALAN_BASE_URL}/mon-espace/",
    }
