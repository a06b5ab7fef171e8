"""Messages are stored first and sent later: nothing is lost with the network, nothing sent twice.

``queue`` stores; ``deliver_due`` sends what is due, each message claimed by a conditional update.
A message claimed by a worker that died is tried again once its lease has run out.
"""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from kalan.base.errors import Refused
from kalan.base.models import Message
from kalan.base.notifications import gsm
from kalan.base.notifications.channels import NotSent, channel_for

logger = logging.getLogger(__name__)

LEASE = dt.timedelta(minutes=5)
# Waits before the second, third… attempt; after the last the message is failed.
BACK_OFF = tuple(dt.timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
BATCH = 500


@dataclass(frozen=True)
class Draft:
    """A message to one person, not yet stored. ``dedupe_key`` makes storing it idempotent."""

    channel: str
    template: str
    recipient: str
    body: str
    subject: str = ""
    subject_ref: str = ""
    subject_id: int | None = None
    person_ref: str = ""
    budget_ref: str = ""
    dedupe_key: str | None = None


def cost_of(channel: str, body: str) -> tuple[int, Decimal]:
    """Return (parts, cost in the programmes' currency): only SMS cost money."""
    if channel != Message.Channel.SMS:
        return 1, Decimal(0)
    parts = gsm.size(body).parts
    return parts, parts * Decimal(settings.KALAN_SMS_PART_COST)


@transaction.atomic
def queue(drafts: list[Draft], *, now: dt.datetime) -> list[Message]:
    """Store the messages that are not stored yet and send them once the transaction commits.

    Texts to copy into WhatsApp are stored as such and never sent. Returns the new messages.
    """
    keys = [draft.dedupe_key for draft in drafts if draft.dedupe_key]
    known = set(Message.objects.filter(dedupe_key__in=keys).values_list("dedupe_key", flat=True))
    rows = []
    for draft in drafts:
        if draft.dedupe_key in known and draft.dedupe_key is not None:
            continue
        known.add(draft.dedupe_key)
        parts, cost = cost_of(draft.channel, draft.body)
        copied = draft.channel == Message.Channel.WHATSAPP
        rows.append(
            Message(
                **{name: getattr(draft, name) for name in Draft.__dataclass_fields__},
                state=Message.State.COPIED if copied else Message.State.QUEUED,
                next_attempt=None if copied else now,
                parts=parts,
                cost=cost,
                created_at=now,
            )
        )
    made = Message.objects.bulk_create(rows)
    if made:
        transaction.on_commit(_wake, robust=True)
    return made


def _wake() -> None:
    from kalan.base.tasks import send_messages  # tasks stand above the services of their room

    send_messages.enqueue()


def deliver_due(now: dt.datetime) -> int:
    """Send what is due; return how many left. Never inside a transaction of the caller."""
    due = (
        Message.objects.filter(state=Message.State.QUEUED, next_attempt__lte=now)
        .order_by("next_attempt", "pk")
        .values_list("pk", flat=True)[:BATCH]
    )
    return sum(_deliver(pk, now) for pk in list(due))


def _deliver(pk: int, now: dt.datetime) -> bool:
    claimed = Message.objects.filter(
        pk=pk, state=Message.State.QUEUED, next_attempt__lte=now
    ).update(next_attempt=now + LEASE, attempts=F("attempts") + 1)
    if claimed != 1:
        return False
    message = Message.objects.get(pk=pk)
    try:
        channel_for(message).send(message)
    except NotSent as problem:
        _put_off(message, str(problem), final=problem.final, now=now)
        return False
    Message.objects.filter(pk=pk).update(
        state=Message.State.SENT, sent_at=now, next_attempt=None, error=""
    )
    return True


def _put_off(message: Message, why: str, *, final: bool, now: dt.datetime) -> None:
    logger.warning("message %s not sent: %s", message.uid, why)
    rest = Message.objects.filter(pk=message.pk)
    if final or message.attempts > len(BACK_OFF):
        rest.update(state=Message.State.FAILED, next_attempt=None, error=why)
    else:
        rest.update(next_attempt=now + BACK_OFF[message.attempts - 1], error=why)


@transaction.atomic
def resend(*, message: Message, now: dt.datetime) -> None:
    """Try a failed message again, from the start."""
    changed = Message.objects.filter(pk=message.pk, state=Message.State.FAILED).update(
        state=Message.State.QUEUED, attempts=0, next_attempt=now, error=""
    )
    if changed != 1:
        raise Refused("Ce message n’est pas en échec.", remedy="Seul un message échoué se renvoie.")
    transaction.on_commit(_wake, robust=True)


def spent_this_month(budget_ref: str, now: dt.datetime) -> Decimal:
    """What messages of this budget cost since the first of the month (failed ones aside)."""
    first = timezone.localtime(now).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    rows = Message.objects.filter(budget_ref=budget_ref, created_at__gte=first)
    total = rows.exclude(state=Message.State.FAILED).aggregate(total=Sum("cost"))["total"]
    return total or Decimal(0)
