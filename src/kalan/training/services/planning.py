"""Parts of a plan that have screens of their own: half-days, trainers, places."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.people.models import OrgNode
from kalan.training.models import HalfDay, Session, SessionPlaces
from kalan.training.selectors.sessions import trainers_of
from kalan.training.services.corrections import require_changeable
from kalan.training.services.dirty import mark_dirty
from kalan.training.services.history import act
from kalan.training.services.locking import locked
from kalan.training.services.schedule import (
    Slot,
    TrainerData,
    check_trainers,
    checked_slots,
    half_days_between,
    trainers_as_data,
    write_places,
    write_slots,
    write_trainers,
)
from kalan.training.services.sessions import SessionData


def data_of(session: Session) -> SessionData:
    """The session's plan as it stands, to change a part of it (``dataclasses.replace``)."""
    slots = _slots(session)
    places = SessionPlaces.objects.filter(session=session).select_related("structure")
    return SessionData(
        title=session.title,
        theme=session.theme,
        node=session.node,
        half_days=slots,
        code=session.code,
        programme=session.programme,
        mode=session.mode,
        language=session.language,
        place=session.place,
        capacity=session.capacity,
        organiser=session.organiser,
        president=session.president,
        parent=session.parent,
        public=session.public,
        trainers=trainers_as_data(session, keep=slots),
        places=[(row.structure, row.places) for row in places.order_by("pk")],
    )


def stretched(session: Session, start: dt.date, end: dt.date) -> list[Slot]:
    """The session's half-days when its dates become ``start`` to ``end``.

    Days it had keep their half-days; each new day gets two. Dates in the wrong order, or that
    nobody can have meant, give none: the service refuses them.
    """
    if end < start or (end - start).days > 365:
        return []
    known = _slots(session)
    days = {day for day, _ in known}
    old = [(day, part) for day, part in known if start <= day <= end]
    first, last = min(days, default=end), max(days, default=start)
    new = [
        (day, part)
        for day, part in half_days_between(start, end)
        if not (first <= day <= last) and day not in days
    ]
    return sorted([*old, *new]) or half_days_between(start, end)


@act
def set_half_days(
    *,
    actor: Actor,
    now: dt.datetime,
    session: Session,
    half_days: Sequence[Slot],
    reason: str = "",
) -> None:
    """Replace the half-days of a session; its dates and its trainers' half-days follow."""
    row = locked(actor, "sessions.plan", session)
    slots = checked_slots(start=None, end=None, half_days=half_days, now=now)
    before = _slots(row)
    require_changeable(
        actor=actor,
        now=now,
        session=row,
        reason=reason,
        change={"what": "half_days", "before": len(before), "after": len(slots)},
    )
    trainers = trainers_as_data(row, keep=slots)
    check_trainers(trainers, slots, session=row)
    write_slots(row, slots)
    row.start, row.end = slots[0][0], slots[-1][0]
    row.save()
    write_trainers(row, trainers)
    mark_dirty([row.pk], now)


@act
def correct_trainers(
    *,
    actor: Actor,
    now: dt.datetime,
    session: Session,
    trainers: Sequence[TrainerData],
    reason: str = "",
) -> None:
    """Replace the trainers of a session, also after validation (with a reason)."""
    row = locked(actor, "sessions.plan", session)
    check_trainers(trainers, _slots(row), session=row)
    before = [t.name for t in trainers_of(row)]
    require_changeable(
        actor=actor,
        now=now,
        session=row,
        reason=reason,
        change={"what": "trainers", "before": before, "after": [t.name for t in trainers]},
    )
    write_trainers(row, trainers)
    mark_dirty([row.pk], now)


@act
def set_places(
    *,
    actor: Actor,
    now: dt.datetime,
    session: Session,
    places: Sequence[tuple[OrgNode, int]],
) -> None:
    """Replace the places kept for each structure; nobody already on the list loses theirs."""
    row = locked(actor, "sessions.plan", session)
    require_changeable(actor=actor, now=now, session=row, change={"what": "places"})
    for structure, number in places:
        if number < 0:
            raise Refused(f"Le nombre de places de {structure} ne peut pas être négatif.")
    if row.capacity is not None and sum(number for _, number in places) > row.capacity:
        raise Refused(
            f"Les places gardées dépassent la capacité de la session ({row.capacity}).",
            field="places",
            remedy="Diminuez-les, ou augmentez la capacité.",
        )
    write_places(row, places)


def _slots(session: Session) -> list[Slot]:
    rows = HalfDay.objects.filter(session=session).order_by("date", "part", "pk")
    return list(rows.values_list("date", "part"))
