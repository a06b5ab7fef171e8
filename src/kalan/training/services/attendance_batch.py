"""Writing attendance: an observed-remove set, so that what several phones send adds up.

A *mark* says "present on this half-day"; a *retraction* names the marks that its author saw and
takes back. Neither is ever changed or removed. A box is ticked when at least one of its marks is
not taken back: the result is the same in whatever order, and however often, records arrive
(Shapiro and others, INRIA RR-7506, 2011, §3.3.5). ``Presence`` is derived in the same
transaction, under a lock on the session.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence

from django.db import IntegrityError
from django.utils import timezone

from kalan.base.errors import Refused
from kalan.base.ids import uuid7
from kalan.people.actor import Actor
from kalan.training.models import (
    AttendanceMark,
    AttendanceRetraction,
    Registration,
    Session,
)
from kalan.training.selectors.attendance import (
    HANDLE_LENGTH,
    Cell,
    active_marks,
    half_day_code,
    handle,
    markable_sessions,
)
from kalan.training.selectors.conflicts import double_presences
from kalan.training.selectors.sessions import half_days_of
from kalan.training.services.attendance_presences import derive_presences
from kalan.training.services.attendance_records import (
    Box,
    Changed,
    MarkData,
    Outcome,
    RetractionData,
)
from kalan.training.services.corrections import require_changeable
from kalan.training.services.dirty import mark_dirty

_CHUNK = 500  # rows of one insert, below SQLite's limit of variables
_R = Registration.State


def locked(actor: Actor, session: Session) -> Session:
    """The session, locked until the end of the transaction, if ``actor`` may mark it.

    Without the lock two transactions on PostgreSQL could each miss the other's record when they
    derive ``Presence``; SQLite has one writer anyway. Session.DoesNotExist out of scope.
    """
    rows = markable_sessions(actor).select_for_update(of=("self",), no_key=True)
    return rows.get(pk=session.pk)


class Batch:
    """One call's work on one session, under its lock."""

    def __init__(
        self, actor: Actor, now: dt.datetime, session: Session, source: str, reason: str
    ) -> None:
        self.actor, self.now, self.source, self.reason = actor, now, source, reason.strip()
        self.session = locked(actor, session)
        self.today = timezone.localdate(now)
        self.half_days = {half_day_code(row): row for row in half_days_of(self.session)}
        self.people: dict[uuid.UUID, Registration] = {}
        self.known: dict[uuid.UUID, AttendanceMark] = {}
        self.handles: dict[Cell, dict[str, uuid.UUID]] = {}
        self.places: dict[uuid.UUID, Cell] = {}
        self.taken: set[tuple[uuid.UUID, uuid.UUID]] = set()
        self.new_marks: list[AttendanceMark] = []
        self.new_retractions: list[AttendanceRetraction] = []
        self.cells: set[Cell] = set()
        self.closed = self._closed()

    def _closed(self) -> tuple[str, str, str] | None:
        """Why the session takes no attendance: (code, message, remedy)."""
        if self.session.state == Session.State.CANCELLED:
            return (
                "cancelled",
                "La session est annulée.",
                "Vérifiez que vous notez la bonne session.",
            )
        if self.session.state == Session.State.VALIDATED and not self.reason:
            return (
                "validated",
                "La session est validée : sa liste de présence ne change plus.",
                "Demandez une correction, avec son motif, au responsable régional.",
            )
        return None

    def read(self, records: Sequence[MarkData] | Sequence[RetractionData]) -> None:
        """Load, in four queries, all that judging ``records`` needs."""
        people = Registration.objects.filter(
            session=self.session, uid__in={record.registration for record in records}
        )
        self.people = {row.uid: row for row in people}
        ids = {record.client_id for record in records}
        for mark in AttendanceMark.objects.filter(client_id__in=ids):
            self.known[mark.client_id] = mark
        named = AttendanceMark.objects.filter(registration__in=[p.pk for p in self.people.values()])
        for registration_id, half_day_id, client_id in named.values_list(
            "registration_id", "half_day_id", "client_id"
        ):
            cell = self.handles.setdefault((registration_id, half_day_id), {})
            cell[handle(client_id)] = client_id
        self._read_named(records)
        taken = AttendanceRetraction.objects.filter(client_id__in=ids)
        self.taken = set(taken.values_list("client_id", "mark_client_id"))

    def _read_named(self, records: Sequence[MarkData] | Sequence[RetractionData]) -> None:
        """Where the marks named by whole ids stand: a merge may have moved them."""
        names = {
            name
            for r in records
            if isinstance(r, RetractionData)
            for name in r.marks
            if _whole(name)
        }
        if names:
            rows = AttendanceMark.objects.filter(
                client_id__in=names, registration__session=self.session
            )
            for mark in rows:
                self.places[mark.client_id] = (mark.registration_id, mark.half_day_id)

    def _box(self, data: MarkData | RetractionData) -> Box | tuple[str, str, str]:
        """The box a record speaks of, or why it cannot be written."""
        person, half_day = self.people.get(data.registration), self.half_days.get(data.half_day)
        if self.closed:
            return self.closed
        if person is None:
            return (
                "person",
                "Cette personne n’est pas sur la liste de la session.",
                "Rechargez la liste, ou ajoutez la personne.",
            )
        if half_day is None:
            return (
                "half_day",
                "Cette demi-journée n’est pas au programme de la session.",
                "Les dates ont peut-être changé : rechargez la page.",
            )
        if half_day.date > self.today:
            return (
                "future",
                f"La demi-journée du {half_day.date:%d/%m/%Y} n’a pas encore eu lieu.",
                "Vérifiez la date choisie et l’horloge du téléphone.",
            )
        return Box(person, half_day)

    def mark(self, data: MarkData) -> Outcome:
        client_id, code, message = data.client_id, "", ""
        if (row := self.known.get(client_id)) and not self._same(row, data):
            # The same id for something else: keep both, under an id that a retry finds again.
            client_id, code = _derived(data), "same_id"
            message = "Un autre enregistrement portait le même numéro : les deux sont gardés."
            row = AttendanceMark.objects.filter(client_id=client_id).first()
        if row:
            return Outcome(data.client_id, "conflict" if code else "already", code, message)
        box = self._box(data)
        if not isinstance(box, Box):
            return Outcome(data.client_id, "refused", *box)
        self._welcome([box.person])
        self._add(box, client_id, data.device_at)
        if box.person.state == _R.REPLACED:
            code = "replaced"
            message = "Cette personne a été remplacée, et elle est aussi notée présente."
        return Outcome(data.client_id, "conflict" if code else "stored", code, message)

    def _same(self, row: AttendanceMark, data: MarkData) -> bool:
        person, half_day = self.people.get(data.registration), self.half_days.get(data.half_day)
        return (
            person is not None
            and half_day is not None
            and (row.registration_id, row.half_day_id) == (person.pk, half_day.pk)
        )

    def _add(self, box: Box, client_id: uuid.UUID, device_at: dt.datetime | None = None) -> None:
        mark = AttendanceMark(
            client_id=client_id,
            registration=box.person,
            half_day=box.half_day,
            source=self.source,
            device_at=device_at,
            received_at=self.now,
            by=self.actor.account,
        )
        self.new_marks.append(mark)
        self.known[client_id] = mark
        self.cells.add(box.cell)

    def _welcome(self, people: Iterable[Registration]) -> None:
        """Somebody who came although not on the final list is there all the same."""
        for person in people:
            if person.state in (_R.WAITING, _R.REFUSED, _R.WITHDRAWN):
                person.state = _R.APPROVED
                person.save(update_fields=["state"])

    def retract(self, data: RetractionData) -> Outcome:
        if any(client_id == data.client_id for client_id, _ in self.taken):
            return Outcome(data.client_id, "already")
        box = self._box(data)
        if not isinstance(box, Box):
            return Outcome(data.client_id, "refused", *box)
        named = {self._named(name, self.handles.get(box.cell, {})) for name in data.marks}
        for mark_id in sorted(named - {None}, key=str):
            assert mark_id is not None
            self.taken.add((data.client_id, mark_id))
            self._take_back(mark_id, data.client_id, data.device_at)
            self.cells |= {box.cell, self.places.get(mark_id, box.cell)}
        return Outcome(data.client_id, "stored" if named - {None} else "already")

    def _named(self, name: str, cell: Mapping[str, uuid.UUID]) -> uuid.UUID | None:
        """The mark that a page or a phone names; only marks of the same box, or still to come."""
        return uuid.UUID(name) if _whole(name) else cell.get(name)

    def _take_back(
        self, mark_id: uuid.UUID, client_id: uuid.UUID, device_at: dt.datetime | None
    ) -> None:
        self.new_retractions.append(
            AttendanceRetraction(
                client_id=client_id,
                session=self.session,
                mark_client_id=mark_id,
                device_at=device_at,
                received_at=self.now,
                by=self.actor.account,
                reason=self.reason[:200],
            )
        )

    def set_grid(
        self, grid: Mapping[int, Collection[int]], seen: Collection[str] | None
    ) -> Changed:
        shown, ticked = self._shown(seen)
        shown_cells = {cell for cell, _ in shown}
        wanted = {(person, half_day) for person, days in grid.items() for half_day in days}
        gone = {cell for cell in shown_cells - wanted if cell[0] in grid}
        people = self._on_list(set(grid))
        self._tick(people, wanted - shown_cells)
        self._untick(shown, gone)
        return Changed(added=len(wanted - shown_cells), removed=len(gone & ticked))

    def set_boxes(self, present: Collection[Cell], absent: Collection[Cell]) -> Changed:
        active, ticked = self._shown(None)
        added, gone = set(present) - ticked, set(absent) & ticked
        self._tick(self._on_list({cell[0] for cell in present}), added)
        self._untick(active, gone)
        return Changed(added=len(added), removed=len(gone))

    def _on_list(self, ids: set[int]) -> dict[int, Registration]:
        people = Registration.objects.filter(session=self.session).in_bulk(list(ids))
        if len(people) < len(ids):
            raise Refused("Une personne n’est pas sur la liste de la session.", code="person")
        return people

    def _tick(self, people: Mapping[int, Registration], cells: Collection[Cell]) -> None:
        half_days = {row.pk: row for row in self.half_days.values()}
        for cell in sorted(cells):
            half_day = half_days.get(cell[1])
            if half_day is None or half_day.date > self.today:
                when = f" ({half_day.date:%d/%m/%Y})" if half_day else ""
                raise Refused(
                    f"Cette demi-journée n’a pas encore eu lieu{when}.",
                    remedy="Vérifiez la colonne cochée.",
                    code="future" if half_day else "half_day",
                )
            self._add(Box(people[cell[0]], half_day), uuid7())
        self._welcome([people[pk] for pk in sorted({cell[0] for cell in cells})])

    def _untick(self, marks: Collection[tuple[Cell, uuid.UUID]], cells: Collection[Cell]) -> None:
        act = uuid7()
        for cell, mark_id in sorted(marks):
            if cell in cells:
                self._take_back(mark_id, act, None)
        self.cells |= set(cells)

    def _shown(self, seen: Collection[str] | None) -> tuple[set[tuple[Cell, uuid.UUID]], set[Cell]]:
        """The marks that the person saw, by box, and the boxes ticked now."""
        active = {
            ((registration_id, half_day_id), client_id)
            for registration_id, half_day_id, client_id in active_marks(
                self.session.pk
            ).values_list("registration_id", "half_day_id", "client_id")
        }
        ticked = {cell for cell, _ in active}
        if seen is None:
            return active, ticked
        names = set(seen)
        every = AttendanceMark.objects.filter(registration__session=self.session)
        shown = {
            ((registration_id, half_day_id), client_id)
            for registration_id, half_day_id, client_id in every.values_list(
                "registration_id", "half_day_id", "client_id"
            )
            if handle(client_id) in names
        }
        return shown, ticked

    def write(self) -> None:
        """Store what was gathered, derive Presence, note the session for recount."""
        if not self.cells:
            return
        if self.session.state == Session.State.VALIDATED:
            self._log_correction()
        AttendanceMark.objects.bulk_create(self.new_marks, ignore_conflicts=True, batch_size=_CHUNK)
        ids = {mark.client_id: mark.registration_id for mark in self.new_marks}
        stored = AttendanceMark.objects.filter(
            client_id__in=ids, registration_id__in=set(ids.values())
        ).count()
        if stored < len(ids):
            # Another session took the same id in between: the caller tries again and gets
            # the answer for an id already used.
            raise IntegrityError("attendance mark id taken meanwhile")
        AttendanceRetraction.objects.bulk_create(
            self.new_retractions, ignore_conflicts=True, batch_size=_CHUNK
        )
        derive_presences(self.session.pk, self.cells)
        mark_dirty([self.session.pk], self.now)

    def _log_correction(self) -> None:
        codes = {row.pk: code for code, row in self.half_days.items()}
        uids = dict(
            Registration.objects.filter(pk__in={cell[0] for cell in self.cells}).values_list(
                "pk", "uid"
            )
        )
        added = {(mark.registration_id, mark.half_day_id) for mark in self.new_marks}
        require_changeable(
            actor=self.actor,
            now=self.now,
            session=self.session,
            change={
                "what": "attendance",
                "present": [[str(uids[r]), codes[h]] for r, h in sorted(added)],
                "absent": [[str(uids[r]), codes[h]] for r, h in sorted(self.cells - added)],
            },
            reason=self.reason,
        )

    def with_doubles(self, outcomes: list[Outcome]) -> list[Outcome]:
        """Say so where somebody just marked is also present in another session."""
        if not self.new_marks:
            return outcomes
        doubles = {(d.registration_id, d.half_day_id): d for d in double_presences(self.session)}
        answers = []
        for outcome in outcomes:
            row = self.known.get(outcome.client_id)
            double = row and doubles.get((row.registration_id, row.half_day_id))
            if double and outcome.verdict == "stored":
                message = (
                    f"{double.person} est aussi noté(e) présent(e) dans la session "
                    f"{double.other_code} cette demi-journée."
                )
                remedy = "Retirez la marque là où la personne n’était pas."
                outcome = Outcome(outcome.client_id, "conflict", "double", message, remedy)
            answers.append(outcome)
        return answers


def _whole(name: str) -> bool:
    """Whether ``name`` is a mark's whole id (else a handle, or nothing)."""
    try:
        return len(name) > HANDLE_LENGTH and bool(uuid.UUID(name))
    except ValueError:
        return False


def _derived(data: MarkData) -> uuid.UUID:
    """An id that depends on the whole content (RFC 9562 §5.5)."""
    return uuid.uuid5(data.client_id, f"{data.registration}|{data.half_day}")
