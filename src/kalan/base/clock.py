"""The one place that reads the clock; services receive ``now`` from their caller."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone


def now() -> dt.datetime:
    """The current instant, timezone-aware."""
    return timezone.now()


def today() -> dt.date:
    """The current date where the ministry is (TIME_ZONE)."""
    return timezone.localdate()
