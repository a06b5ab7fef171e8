"""Nightly: packs of acts that no row names."""

from __future__ import annotations

import datetime as dt

from kalan.base.schedule import scheduled
from kalan.credentials.services import orphans


@scheduled("credentials.orphans", cron="50 2 * * *")
def sweep_packs(*, now: dt.datetime) -> None:
    """Remove what killed processes left, a day later."""
    orphans.sweep(now=now)
