"""Keeping what was counted of versions: rewritten as a whole, never added up here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from kalan.skills.models import ItemStatistics


@dataclass(frozen=True)
class StatisticsRow:
    """Counts of one version. ``right``: sum of fractions of the mark.

    ``rest``: ``{"chosen": {choice id: times}, "dif": {"group", "effect", "note"},
    "seconds": median, "fit": {…}}``; each part may be absent.
    """

    version_id: int
    shown: int
    answers: int
    right: float
    simulated: bool = False
    point_biserial: float | None = None
    rest: dict[str, Any] = field(default_factory=dict)


def store(*, rows: Sequence[StatisticsRow], now: dt.datetime) -> int:
    """Store the counts of ``rows`` in place of those before; return how many."""
    made = [
        ItemStatistics(
            version_id=row.version_id,
            simulated=row.simulated,
            shown=row.shown,
            answers=row.answers,
            right=row.right,
            point_biserial=row.point_biserial,
            rest=row.rest,
            counted_at=now,
        )
        for row in rows
    ]
    with transaction.atomic():
        ItemStatistics.objects.bulk_create(
            made,
            batch_size=500,
            update_conflicts=True,
            unique_fields=["version"],
            update_fields=[
                "simulated",
                "shown",
                "answers",
                "right",
                "point_biserial",
                "rest",
                "counted_at",
            ],
        )
    return len(made)
