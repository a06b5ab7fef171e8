"""The dates of a session for any calendar program (iCalendar, RFC 5545)."""

from __future__ import annotations

import datetime as dt
from urllib.parse import urlsplit

from django.conf import settings
from icalendar import Calendar, Event

from kalan.base.exports import DEMO_NOTICE
from kalan.training.models import HalfDay, Session
from kalan.training.selectors.sessions import half_days_of


def session_ics(session: Session, *, now: dt.datetime) -> bytes:
    """One all-day event for each run of consecutive days; a half day says which half."""
    calendar = Calendar()
    calendar.add("prodid", "-//Kalan//FR")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    host = urlsplit(settings.KALAN_BASE_URL).hostname
    for number, run in enumerate(_runs(session), start=1):
        event = Event()
        event.add("uid", f"{session.uid}-{number}@{host}")
        event.add("dtstamp", now)
        event.add("dtstart", run[0].date)
        event.add("dtend", run[-1].date + dt.timedelta(days=1))  # excluded, says the RFC
        event.add("summary", session.title)
        event.add("location", session.where)
        event.add("description", _description(session, run))
        cancelled = session.state == Session.State.CANCELLED
        event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def _runs(session: Session) -> list[list[HalfDay]]:
    runs: list[list[HalfDay]] = []
    for half_day in half_days_of(session):
        if runs and half_day.date - runs[-1][-1].date <= dt.timedelta(days=1):
            runs[-1].append(half_day)
        else:
            runs.append([half_day])
    return runs


def _description(session: Session, run: list[HalfDay]) -> str:
    lines = [f"{session.code} · {session.theme.name}"]
    lines += [f"{h.date:%d/%m/%Y} {HalfDay.Part(h.part).label}" for h in run]
    if session.notice:
        lines.append(session.notice)
    if settings.KALAN_DEMO:
        lines.append(DEMO_NOTICE)
    return "\n".join(lines)
