"""What happened in a sitting beside its answers: one row each, only added."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from kalan.assessment.models import Sitting, SittingEvent
from kalan.base.ids import uuid7
from kalan.people.models import Account

EVENTS_KEPT = 200  # of one kind in a sitting: a page sent in a loop fills no disk


def note(
    *,
    sitting: Sitting,
    kind: str,
    now: dt.datetime,
    number: int | None = None,
    version: int | None = None,
    text: str = "",
    category: str = "",
    detail: dict[str, Any] | None = None,
    by: Account | None = None,
    uid: uuid.UUID | None = None,
) -> SittingEvent | None:
    """Add what happened to the sitting's events; None beyond EVENTS_KEPT of a kind."""
    if SittingEvent.objects.filter(sitting=sitting, kind=kind).count() >= EVENTS_KEPT:
        return None
    return SittingEvent.objects.create(
        uid=uid or uuid7(),
        sitting=sitting,
        kind=kind,
        version_id=version,
        # What was posted may be no number of a question at all.
        number=number if number is not None and 0 <= number <= 32767 else None,
        category=category,
        text=text,
        detail=detail or {},
        at=now,
        by=by,
    )
