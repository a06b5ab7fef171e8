"""One person present at two places on one half-day: found here, settled by people."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from kalan.training.models import Presence, Session


@dataclass(frozen=True)
class DoublePresence:
    """``registration_id`` is the line of the session asked about."""

    registration_id: int
    half_day_id: int
    person: str
    date: dt.date
    part: str
    other_code: str
    other_title: str
    other_uid: str


def double_presences(session: Session) -> list[DoublePresence]:
    """Agents of ``session`` marked present elsewhere on the same half-day (two queries at most)."""
    mine = list(
        Presence.objects.filter(registration__session=session, registration__agent__isnull=False)
        .select_related("registration__agent", "half_day")
        .order_by("half_day__date", "half_day__part", "pk")
    )
    if not mine:
        return []
    others = _elsewhere(session, mine)
    found = []
    for row in mine:
        agent_id = row.registration.agent_id
        other = others.get((agent_id, row.half_day.date, row.half_day.part)) if agent_id else None
        if other:
            found.append(
                DoublePresence(
                    registration_id=row.registration_id,
                    half_day_id=row.half_day_id,
                    person=str(row.registration.agent),
                    date=row.half_day.date,
                    part=row.half_day.part,
                    other_code=other[0],
                    other_title=other[1],
                    other_uid=other[2],
                )
            )
    return found


def _elsewhere(
    session: Session, mine: list[Presence]
) -> dict[tuple[int, dt.date, str], tuple[str, str, str]]:
    """{(agent, day, part): (code, title, uid) of another session} for the people of ``mine``.

    Their values are written out: with nested questions a planner that has no statistics yet (a
    first load) joins everything with everything.
    """
    rows = (
        Presence.objects.filter(
            registration__agent__in={row.registration.agent_id for row in mine},
            half_day__date__in={row.half_day.date for row in mine},
        )
        .exclude(registration__session=session)
        .exclude(registration__session__state=Session.State.CANCELLED)
        .values_list(
            "registration__agent",
            "half_day__date",
            "half_day__part",
            "registration__session__code",
            "registration__session__title",
            "registration__session__uid",
        )
        .order_by("half_day__date", "half_day__part", "pk")
    )
    return {
        (agent, day, part): (code, title, str(uid)) for agent, day, part, code, title, uid in rows
    }
