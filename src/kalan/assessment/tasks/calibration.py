"""At night: what was seen of each question is counted anew."""

from __future__ import annotations

import datetime as dt

from kalan.assessment.services import statistics
from kalan.base.schedule import scheduled


@scheduled("assessment.statistics", cron="10 2 * * *")
def count_at_night(*, now: dt.datetime) -> None:
    statistics.count_all(now=now)
