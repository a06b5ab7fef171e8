"""How many sessions each agent in post has completed."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Count, QuerySet

from kalan.indicators.selectors.coverage import agents_in_post
from kalan.indicators.selectors.scope import Reach

MOST = 4  # from this many on, one line


def at_least(reach: Reach, day: dt.date, times: str) -> QuerySet[Any]:
    """Agents in post on ``day`` with ``times`` sessions: "0" to "3", "4" for four or more, "" for
    all. Each carries ``times``."""
    agents = agents_in_post(reach, day)
    if times not in {str(number) for number in range(MOST + 1)}:
        return agents
    number = int(times)
    return agents.filter(times__gte=number) if number == MOST else agents.filter(times=number)


def distribution(reach: Reach, day: dt.date) -> dict[str, int]:
    """{"0": never, "1": once, … "4": four times or more} (one query)."""
    rows = agents_in_post(reach, day).order_by().values_list("times").annotate(n=Count("pk"))
    found = {str(number): 0 for number in range(MOST + 1)}
    for times, people in rows:
        found[str(min(times, MOST))] += people
    return found
