"""What campaigns do by themselves."""

from __future__ import annotations

import datetime as dt

from kalan.base.schedule import scheduled
from kalan.campaigns.services.progress import settle_paths


@scheduled("campaigns-paths", cron="20 * * * *")
def settle(*, now: dt.datetime) -> None:
    """Trainings followed since the last hour may finish somebody's path."""
    settle_paths(now=now)
