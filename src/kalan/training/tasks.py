"""What the worker does for sessions: gains after tests, reminders to observe at work."""

from __future__ import annotations

import datetime as dt

from django_tasks import task

from kalan.base import clock
from kalan.base.schedule import scheduled
from kalan.training.models import Session
from kalan.training.services import learning_gain, learning_reminders


@task()
def compute(*, session_id: int, **_: object) -> None:
    session = Session.objects.filter(pk=session_id).first()
    if session is not None:
        learning_gain.compute_gain(session=session, now=clock.now())


@scheduled("training.gains", cron="*/5 * * * *")
def compute_regularly(*, now: dt.datetime) -> None:
    """Phones send results one by one: their gain is computed within five minutes."""
    learning_gain.compute_stale(now=now)


@scheduled("training.observations", cron="10 7 * * *")
def remind_supervisors(*, now: dt.datetime) -> None:
    learning_reminders.remind_supervisors(now=now)
