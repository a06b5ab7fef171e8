"""The two tasks that everything in the background goes through, and the house's own upkeep."""

from __future__ import annotations

import datetime as dt
import uuid

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django_tasks import task

from kalan.base import clock, jobs, schedule
from kalan.base.notifications import outbox
from kalan.base.schedule import scheduled


@task()
def run_job(*, job_uid: str, **_: object) -> None:
    jobs.execute(uuid.UUID(job_uid))


@task()
def run_scheduled(*, name: str, **_: object) -> None:
    schedule.discover()
    schedule.run(name, clock.now())


@scheduled("base.upkeep", cron="20 2 * * *")
def upkeep(*, now: dt.datetime) -> None:
    """Drop what has expired (sign-in sessions, finished queue rows) and tidy SQLite's files."""
    call_command("clearsessions")
    if not settings.KALAN_QUEUE_URL:
        call_command("prune_db_task_results", min_age_days=14, verbosity=0)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.execute("PRAGMA optimize")


@task()
def send_messages(**_: object) -> None:
    outbox.deliver_due(clock.now())


@scheduled("base.messages", cron="* * * * *")
def retry_messages(*, now: dt.datetime) -> None:
    """Send what waits, also what failed a while ago."""
    outbox.deliver_due(now)
