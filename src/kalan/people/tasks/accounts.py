"""Recurring work of the room."""

from __future__ import annotations

import datetime as dt

from kalan.base.schedule import scheduled
from kalan.people.services import accounts_sessions


@scheduled("people.access", cron="25 2 * * *")
def tidy_access(*, now: dt.datetime) -> None:
    """Drop what has expired around sign-in."""
    accounts_sessions.tidy(now=now)
