"""What the worker does for the figures: follow the records, check at night."""

from __future__ import annotations

import datetime as dt

from django.core.cache import cache
from django_tasks import task

from kalan.base import clock
from kalan.base.schedule import scheduled
from kalan.indicators.services import refresh as figures


@task()
def refresh(**_: object) -> None:
    figures.refresh(now=clock.now())


def refresh_soon() -> None:
    """Put one refresh on the queue; pages that ask again within a minute add none."""
    if cache.add("indicators.refresh", 1, timeout=60):
        refresh.enqueue()


@scheduled("indicators.refresh", cron="*/5 * * * *")
def refresh_regularly(*, now: dt.datetime) -> None:
    figures.refresh(now=now)


@scheduled("indicators.check", cron="40 2 * * *")
def check_at_night(*, now: dt.datetime) -> None:
    """Recompute a session drawn at random and all roll-ups; a difference is an alarm."""
    figures.check(now=now)
