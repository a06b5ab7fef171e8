"""What phones send when the line is back: records made offline, answered one by one.

A record is a JSON object: ``id`` (UUIDv7 made by the phone), ``t`` (its clock, milliseconds), and
by ``k``: "m" a mark (``r`` registration, ``h`` half-day code); "x" taking marks back (``r``,
``h``, ``m`` names of marks); "w" a walk-in (``id`` becomes the registration's, ``d`` what was
typed); "s" the same in the place of ``r``. The format is read two versions back: ignore unknown
keys, never rename one.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.training.models import MarkSource, Registration, Session
from kalan.training.services.attendance import record_marks, retract_marks
from kalan.training.services.attendance_records import MarkData, Outcome, RetractionData
from kalan.training.services.attendance_walkins import WalkIn, add_walk_in, replace_participant

MAX_RECORDS = 200
_MAX_NAMES = 50


@dataclass(frozen=True)
class Newcomer:
    """A walk-in (``replaces`` None) or a replacement, made on the phone."""

    client_id: uuid.UUID
    data: WalkIn
    replaces: uuid.UUID | None = None


Record = MarkData | RetractionData | Newcomer


@dataclass(frozen=True)
class Answer:
    """``id`` as the phone wrote it: the phone forgets only what is named here."""

    id: str
    outcome: Outcome


def receive(
    *, actor: Actor, now: dt.datetime, session: Session, records: Sequence[Any]
) -> list[Answer]:
    """Store what can be stored; one answer per record, in the same order. Repeatable.

    Newcomers first, so that their marks find them. Each part is committed before the next; when
    this returns, everything answered other than "refused" is on disk.
    """
    read = [_read(raw) for raw in records]
    answers: dict[int, Outcome] = {}
    marks: dict[int, MarkData] = {}
    retractions: dict[int, RetractionData] = {}
    for number, record in enumerate(read):
        if isinstance(record, Newcomer):
            answers[number] = _welcome(actor, now, session, record)
        elif isinstance(record, MarkData):
            marks[number] = record
        elif isinstance(record, RetractionData):
            retractions[number] = record
        else:
            answers[number] = _UNREADABLE
    if marks:
        outcomes = record_marks(
            actor=actor,
            now=now,
            session=session,
            marks=list(marks.values()),
            source=MarkSource.PHONE,
        )
        answers |= dict(zip(marks, outcomes, strict=True))
    if retractions:
        outcomes = retract_marks(
            actor=actor, now=now, session=session, retractions=list(retractions.values())
        )
        answers |= dict(zip(retractions, outcomes, strict=True))
    return [Answer(id=_id(raw), outcome=answers[n]) for n, raw in enumerate(records)]


_UNREADABLE = Outcome(
    uuid.UUID(int=0),
    "refused",
    "unreadable",
    "Cet enregistrement est illisible.",
    "Notez de nouveau cette présence.",
)


def _welcome(actor: Actor, now: dt.datetime, session: Session, record: Newcomer) -> Outcome:
    leaving = None
    if record.replaces:
        leaving = Registration.objects.filter(session=session, uid=record.replaces).first()
    try:
        if leaving:
            added = replace_participant(
                actor=actor,
                now=now,
                registration=leaving,
                by=record.data,
                client_uid=record.client_id,
            )
        else:
            added = add_walk_in(
                actor=actor,
                now=now,
                session=session,
                data=record.data,
                client_uid=record.client_id,
            )
    except Refused as refused:
        return Outcome(record.client_id, "refused", refused.code, refused.message, refused.remedy)
    if added.already:
        return Outcome(record.client_id, "already")
    message = (
        "Le registre connaît déjà une personne de ce nom : à rapprocher." if added.same else ""
    )
    return Outcome(record.client_id, "stored", "same_name" if added.same else "", message)


def _id(raw: Any) -> str:
    return str(raw.get("id", ""))[:40] if isinstance(raw, dict) else ""


def _read(raw: Any) -> Record | None:
    """The record, or None when it cannot be read."""
    try:
        kind, client_id = raw["k"], uuid.UUID(raw["id"])
        if kind == "m":
            return MarkData(client_id, uuid.UUID(raw["r"]), str(raw["h"]), _time(raw))
        if kind == "x":
            names = tuple(str(name) for name in list(raw["m"])[:_MAX_NAMES])
            return RetractionData(client_id, uuid.UUID(raw["r"]), str(raw["h"]), names, _time(raw))
        if kind in ("w", "s"):
            replaces = uuid.UUID(raw["r"]) if kind == "s" else None
            return Newcomer(client_id, _walk_in(raw["d"]), replaces)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return None


def _walk_in(typed: dict[str, Any]) -> WalkIn:
    def text(key: str) -> str:
        # A NUL (PostgreSQL) or half of a pair of UTF-16 (an emoji cut by the phone) cannot be
        # stored: the phone would send the batch again for ever.
        whole = str(typed.get(key) or "").encode("utf-8", "replace").decode()
        return whole.replace("\0", "")[:200]

    return WalkIn(
        last_name=text("last_name"),
        first_names=text("first_names"),
        sex=text("sex"),
        structure=text("structure"),
        phone=text("phone"),
        outsider=bool(typed.get("outsider")),
    )


def _time(raw: dict[str, Any]) -> dt.datetime | None:
    """The phone's clock as declared; nonsense is left out (year 1 has no local time)."""
    try:
        declared = dt.datetime.fromtimestamp(int(raw["t"]) / 1000, tz=dt.UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None
    return declared if 1970 <= declared.year < 2200 else None
