"""How sittings end: by their person, by the clock, by a room above; each has a result then."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import QuerySet

from kalan.assessment import parts
from kalan.assessment.models import Result, Sitting
from kalan.assessment.selectors.screens import past_deadline
from kalan.assessment.services import results


def locked(rows: QuerySet[Sitting]) -> Sitting:
    return rows.select_for_update(of=("self",)).get()


def finish(*, sitting: Sitting, now: dt.datetime) -> Result:
    """End a sitting where it is (its person has had enough) and return its result."""
    return end(sitting=sitting, state=Sitting.State.FINISHED, now=now)


def expire(*, sitting: Sitting, now: dt.datetime) -> Result:
    """End a sitting whose time is up; its answers count. Not before its deadline."""
    if not past_deadline(sitting, now):
        raise ValueError("its time is not up")
    return end(sitting=sitting, state=Sitting.State.EXPIRED, now=now)


def end(*, sitting: Sitting, state: str, now: dt.datetime) -> Result:
    """End a sitting with ``state``; one that is over stays as it is. Returns its result."""
    with transaction.atomic():
        row = locked(Sitting.objects.filter(pk=sitting.pk))
        if row.state not in Sitting.OVER:
            row.state, row.asked = state, None
            row.started_at = row.started_at or now
            row.finished_at = now
            if state == Sitting.State.EXPIRED and row.deadline is not None:
                row.finished_at = min(now, row.deadline)
            row.save(update_fields=["state", "asked", "started_at", "finished_at"])
        result = close(row, now)
    sitting.state, sitting.asked = row.state, row.asked
    sitting.started_at, sitting.finished_at = row.started_at, row.finished_at
    return result


def close(row: Sitting, now: dt.datetime) -> Result:
    """The result of a sitting that has just ended; the room that started it is told, once."""
    kept = Result.objects.filter(sitting=row, current=True).first()
    if kept is not None:
        return kept
    result = results.store(row, now=now)
    parts.part_of(row).finished(row, result, now)
    return result


def expire_due(*, now: dt.datetime) -> int:
    """End every sitting whose time is up; return how many. Run by a schedule."""
    due = Sitting.objects.filter(state=Sitting.State.RUNNING, deadline__lt=now).order_by("pk")
    number = 0
    for row in due.iterator(chunk_size=200):
        expire(sitting=row, now=now)
        number += 1
    return number
