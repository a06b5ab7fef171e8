"""Attendance as other rooms and screens write it: marks, retractions, whole sheets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence

from django.db import transaction

from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.training.models import MarkSource, Session
from kalan.training.selectors.attendance import Cell
from kalan.training.services.attendance_batch import Batch
from kalan.training.services.attendance_records import (
    Changed,
    MarkData,
    Outcome,
    RetractionData,
)

__all__ = [
    "Changed",
    "MarkData",
    "Outcome",
    "RetractionData",
    "record_marks",
    "retract_marks",
    "set_boxes",
    "set_presences",
]


def record_marks(
    *,
    actor: Actor,
    now: dt.datetime,
    session: Session,
    marks: Sequence[MarkData],
    source: str,
    reason: str = "",
) -> list[Outcome]:
    """Store ``marks``; one outcome for each, in the same order. Repeating it changes nothing.

    A bad record is refused with a remedy and never fails the others. On a validated session new
    marks are refused, unless ``reason`` comes from somebody who may correct (else Refused).
    """
    with transaction.atomic():
        batch = Batch(actor, now, session, source, reason)
        batch.read(marks)
        outcomes = [batch.mark(data) for data in marks]
        batch.write()
        return batch.with_doubles(outcomes)


def retract_marks(
    *,
    actor: Actor,
    now: dt.datetime,
    session: Session,
    retractions: Sequence[RetractionData],
    reason: str = "",
) -> list[Outcome]:
    """Take marks back; one outcome for each record, in the same order. Repeating it changes
    nothing. A mark may be named before it arrives. Same refusals as record_marks."""
    with transaction.atomic():
        batch = Batch(actor, now, session, MarkSource.SCREEN, reason)
        batch.read(retractions)
        outcomes = [batch.retract(data) for data in retractions]
        batch.write()
        return outcomes


def set_presences(
    *,
    actor: Actor,
    now: dt.datetime,
    session: Session,
    grid: Mapping[int, Collection[int]],
    source: str,
    seen: Collection[str] | None = None,
    reason: str = "",
) -> Changed:
    """Make the boxes of the people in ``grid`` as given: {registration pk: half-day pks present}.

    ``seen``: handles of the marks that the person at the screen saw. Only those are taken back,
    and a box seen as ticked is not ticked anew, so that what somebody else marked meanwhile
    stands. None: whatever is stored now. People not in ``grid`` stay as they are. Set-based: a
    session of 30 people takes a dozen queries. Raises Refused (future half-day, session
    validated or cancelled, somebody not on the list); nothing is then stored.
    """
    with transaction.atomic():
        batch = Batch(actor, now, session, source, reason)
        if batch.closed:
            code, message, remedy = batch.closed
            raise Refused(message, remedy=remedy, code=code)
        changed = batch.set_grid(grid, seen)
        batch.write()
        return changed


def set_boxes(
    *,
    actor: Actor,
    now: dt.datetime,
    session: Session,
    present: Collection[Cell],
    absent: Collection[Cell],
    source: str,
    reason: str = "",
) -> Changed:
    """Tick the boxes ``present``, untick ``absent`` (pairs of registration and half-day primary
    keys), leave all others as they are. Refused as set_presences."""
    with transaction.atomic():
        batch = Batch(actor, now, session, source, reason)
        if batch.closed:
            code, message, remedy = batch.closed
            raise Refused(message, remedy=remedy, code=code)
        changed = batch.set_boxes(present, absent)
        batch.write()
        return changed
