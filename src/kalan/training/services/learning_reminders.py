"""Reminding supervisors to observe at work: once when it is time, once when it is overdue."""

from __future__ import annotations

import datetime as dt
from collections import Counter

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from kalan.base.dates import long_date, period
from kalan.base.models import Message
from kalan.base.notifications.outbox import Draft, queue
from kalan.base.notifications.templates import fill, wording
from kalan.people.actor import SYSTEM
from kalan.people.models import Account, Role
from kalan.people.selectors.core import grants_in_force
from kalan.training.models import Session
from kalan.training.selectors.learning_observations import OVERDUE, due

_EMAIL = Message.Channel.EMAIL


def remind_supervisors(*, now: dt.datetime) -> int:
    """Write to the managers of the structures whose people are to be seen; returns how many mails.

    One mail an account, a session and a stage (due, overdue), however often this runs. Accounts
    without an address see the same on their staff home.
    """
    today = timezone.localdate(now)
    waiting = due(SYSTEM, today).filter(structure__isnull=False).select_related("structure")
    numbers: Counter[tuple[int, int]] = Counter()  # (account, session) → people
    accounts: dict[int, Account] = {}
    managers = [
        (row.node.path, row.account)
        for row in grants_in_force(today)
        .filter(role=Role.STRUCTURE, account__is_active=True)
        .exclude(account__email="")
        .exclude(account__email__isnull=True)
        .select_related("node", "account")
        .order_by("pk")
    ]
    for line in waiting:
        path = line.structure.path if line.structure else ""
        reached = {account.pk: account for above, account in managers if path.startswith(above)}
        accounts |= reached
        numbers.update((pk, line.session_id) for pk in reached)
    sessions = Session.objects.in_bulk({session for _, session in numbers})
    drafts = [
        _draft(accounts[account], sessions[session], number, today)
        for (account, session), number in sorted(numbers.items())
    ]
    return len(queue(drafts, now=now))


def _draft(account: Account, session: Session, number: int, today: dt.date) -> Draft:
    last = session.end + OVERDUE
    stage = "overdue" if today >= last else "due"
    values = {
        "nom": account.display_name,
        "nombre": str(number),
        "session": session.title,
        "dates": period(session.start, session.end),
        "avant": long_date(last),
        "lien": f"{settings.KALAN_BASE_URL}{reverse('observation-due')}",
    }
    text = wording("observation", _EMAIL.value)
    return Draft(
        channel=_EMAIL.value,
        template="observation",
        recipient=account.email or "",
        subject=fill(text.subject, values)[:200],
        body=fill(text.body, values),
        subject_ref=f"training.session:{session.uid}",
        subject_id=session.pk,
        person_ref=f"people.account:{account.uid}",
        dedupe_key=f"observation:{account.pk}:{session.pk}:{stage}",
    )
