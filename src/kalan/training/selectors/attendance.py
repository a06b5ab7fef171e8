"""Reads of attendance: the list of a session, who was present, what two phones disagree on."""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass, field

from django.db.models import Exists, OuterRef, Q, QuerySet

from kalan.people.actor import Actor
from kalan.training.models import (
    AttendanceMark,
    AttendanceRetraction,
    HalfDay,
    Presence,
    Registration,
    Session,
)
from kalan.training.selectors.conflicts import double_presences
from kalan.training.selectors.counting import DEFAULT_COMPLETION_PERCENT
from kalan.training.selectors.registrations import by_name
from kalan.training.selectors.sessions import half_days_of, sessions_visible_to

Cell = tuple[int, int]  # (registration pk, half-day pk)

# A mark shown on a page is named by the last 40 bits of its id: a page of 300 boxes then costs
# 5 bytes a box. Two marks of one session share a name once in 10^12 pairs.
HANDLE_LENGTH = 10


def handle(client_id: uuid.UUID) -> str:
    """The short name of a mark on a page."""
    return client_id.hex[-HANDLE_LENGTH:]


def half_day_code(half_day: HalfDay) -> str:
    """``2023-03-13-am``: how phones, forms and spreadsheets name a half-day."""
    return f"{half_day.date.isoformat()}-{half_day.part}"


def markable_sessions(actor: Actor) -> QuerySet[Session]:
    """Sessions whose attendance ``actor`` may write."""
    return sessions_visible_to(actor, "attendance.mark")


def active_marks(session_id: int) -> QuerySet[AttendanceMark]:
    """Marks of a session that nobody has taken back."""
    taken_back = AttendanceRetraction.objects.filter(
        session_id=session_id, mark_client_id=OuterRef("client_id")
    )
    return AttendanceMark.objects.filter(~Exists(taken_back), registration__session_id=session_id)


def on_list(session: Session) -> QuerySet[Registration]:
    """People of the session's list, and whoever was marked present, by name."""
    present = Presence.objects.filter(registration=OuterRef("pk"))
    rows = (
        Registration.objects.filter(session=session)
        .filter(Q(state__in=Registration.COUNTED) | Exists(present))
        .select_related("agent", "outsider", "structure")
    )
    return by_name(rows)  # the order of the printed sheet: it is keyed line by line


def name_of(row: Registration) -> str:
    """The full name of whoever is registered."""
    person = row.agent or row.outsider
    return person.full_name if person else ""


@dataclass(frozen=True)
class Box:
    """One person and one half-day."""

    registration: Registration
    half_day: HalfDay
    present: bool
    handles: tuple[str, ...]  # the marks behind it
    elsewhere: str = ""  # code of the other session, when marked present there too

    @property
    def name(self) -> str:
        return name_of(self.registration)

    @property
    def code(self) -> str:
        return half_day_code(self.half_day)

    @property
    def reconcile(self) -> bool:
        agent = self.registration.agent
        return agent is not None and agent.to_reconcile


@dataclass(frozen=True)
class Column:
    half_day: HalfDay
    code: str
    boxes: list[Box]

    @property
    def present(self) -> int:
        return sum(box.present for box in self.boxes)

    @property
    def handles(self) -> str:
        """The marks behind the boxes, in their order: ``a1,,b1 b2`` (the second box has none)."""
        return ",".join(" ".join(box.handles) for box in self.boxes)


@dataclass(frozen=True)
class Sheet:
    """A session's attendance, read in a fixed number of queries."""

    session: Session
    people: list[Registration]
    columns: list[Column] = field(default_factory=list)
    to_reconcile: list[Registration] = field(default_factory=list)

    @property
    def conflicts(self) -> list[Box]:
        return [box for column in self.columns for box in column.boxes if box.elsewhere]

    @property
    def rows(self) -> list[tuple[Registration, list[Box]]]:
        """The same boxes by person."""
        return [
            (person, [column.boxes[number] for column in self.columns])
            for number, person in enumerate(self.people)
        ]


def sheet_of(session: Session) -> Sheet:
    """Read the whole attendance of ``session`` (five queries, however long the list)."""
    people = list(on_list(session))
    half_days = list(half_days_of(session))
    handles: dict[Cell, list[str]] = defaultdict(list)
    marks = active_marks(session.pk).order_by("pk")
    for registration_id, half_day_id, client_id in marks.values_list(
        "registration_id", "half_day_id", "client_id"
    ):
        handles[(registration_id, half_day_id)].append(handle(client_id))
    present = set(
        Presence.objects.filter(registration__session=session).values_list(
            "registration_id", "half_day_id"
        )
    )
    elsewhere = {
        (d.registration_id, d.half_day_id): d.other_code for d in double_presences(session)
    }
    columns = [
        Column(
            half_day=half_day,
            code=half_day_code(half_day),
            boxes=[
                Box(
                    registration=person,
                    half_day=half_day,
                    present=(person.pk, half_day.pk) in present,
                    handles=tuple(handles[(person.pk, half_day.pk)]),
                    elsewhere=elsewhere.get((person.pk, half_day.pk), ""),
                )
                for person in people
            ],
        )
        for half_day in half_days
    ]
    waiting = [person for person in people if person.agent and person.agent.to_reconcile]
    return Sheet(session=session, people=people, columns=columns, to_reconcile=waiting)


@dataclass(frozen=True)
class Completion:
    present: int
    half_days: int
    percent_needed: int

    @property
    def completed(self) -> bool:
        """At least the programme's share of half-days, in whole numbers: nothing is rounded."""
        return self.present > 0 and self.present * 100 >= self.percent_needed * self.half_days


def completion(session: Session) -> dict[int, Completion]:
    """Completion of everyone who counts on the session's list, by registration (three queries)."""
    programme = session.programme
    percent = programme.completion_percent if programme else DEFAULT_COMPLETION_PERCENT
    held = half_days_of(session).count()
    present: dict[int, int] = defaultdict(int)
    for registration_id in Presence.objects.filter(registration__session=session).values_list(
        "registration_id", flat=True
    ):
        present[registration_id] += 1
    counted = Registration.objects.filter(session=session, state__in=Registration.COUNTED)
    return {
        pk: Completion(present=present[pk], half_days=held, percent_needed=percent)
        for pk in counted.order_by("pk").values_list("pk", flat=True)
    }


@dataclass(frozen=True)
class SheetCount:
    sessions: int
    with_sheet: int


def sheet_count(sessions: QuerySet[Session]) -> SheetCount:
    """How many of ``sessions`` have their signed sheet attached."""
    return SheetCount(
        sessions=sessions.count(), with_sheet=sessions.filter(sheet__isnull=False).count()
    )
