"""Devices where an account is signed in: listed, and signed out from afar."""

from __future__ import annotations

import datetime as dt

from django.contrib.sessions.models import Session
from django.db import transaction

from kalan.people.models import Account, Device
from kalan.people.services import limits


def note_session(
    *, account: Account, key: str, user_agent: str, address: str, now: dt.datetime
) -> None:
    """Put the session that has just begun on the list, and take ended ones off it."""
    alive = Session.objects.filter(expire_date__gt=now).values("session_key")
    Device.objects.filter(account=account).exclude(session_key__in=alive).delete()
    Device.objects.update_or_create(
        session_key=key,
        defaults={
            "account": account,
            "user_agent": user_agent[:200],
            "address": address[:45],
            "created_at": now,
        },
    )


def end_sessions(*, account: Account, but: str | None = None) -> int:
    """End every session of ``account`` except the key ``but``; returns how many."""
    rows = Device.objects.filter(account=account).exclude(session_key=but or "")
    keys = list(rows.order_by("pk").values_list("session_key", flat=True))
    with transaction.atomic():
        ended, _ = Session.objects.filter(session_key__in=keys).delete()
        rows.delete()
    return ended


def forget_session(key: str | None) -> None:
    """Take a session that has just ended off the list of devices."""
    if key:
        Device.objects.filter(session_key=key).delete()


def tidy(*, now: dt.datetime) -> None:
    """Drop what has expired: windows of failed attempts, devices whose session is over."""
    limits.purge(now=now)
    alive = Session.objects.filter(expire_date__gt=now).values("session_key")
    Device.objects.exclude(session_key__in=alive).delete()
