"""Sittings whose time ran out while nobody looked."""

from __future__ import annotations

import datetime as dt

from kalan.assessment.services.endings import expire_due
from kalan.base.schedule import scheduled


@scheduled("sittings-expire", cron="*/10 * * * *")
def expire(*, now: dt.datetime) -> None:
    """End them: their results count from now on."""
    expire_due(now=now)
