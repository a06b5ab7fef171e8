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
    mine = Presence.objects.filter(registration__session=session, registration__agent__isnull=False)
    elsewhere = (
        Presence.objects.filter(
            registration__agent__in=mine.values("registration__agent"),
            half_day__date__in=mine.values("half_day__date"),
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
    others = {
        (agent, day, part): (code, title, str(uid))
        for agent, day, part, code, title, uid in elsewhere
    }
    if not others:
        return []
    rows = (
        mine.filter(registration__agent__in={agent for agent, _, _ in others})
        .select_related("registration__agent", "half_day")
        .order_by("half_day__date", "half_day__part", "pk")
    )
    found = []
    for row in rows:
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
