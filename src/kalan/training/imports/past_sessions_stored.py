"""What is stored already of the sessions that a list tells: who is on them, present when."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable

from kalan.base.text import fold
from kalan.training.models import Presence, Registration, Session

Slot = tuple[str, str]  # (date, "am" or "pm")


class StoredSessions:
    """Sessions by code, read as the list goes on: each once."""

    def __init__(self) -> None:
        self.by_code: dict[str, Session] = {}
        # Code → folded name or agent id → slots marked.
        self.listed: dict[str, dict[str | int, set[Slot]]] = defaultdict(dict)
        self._asked: set[str] = set()

    def load(self, codes: Collection[str]) -> None:
        """Read the sessions of ``codes`` that were not asked for yet, in three queries."""
        new = sorted(set(codes) - self._asked)
        self._asked.update(new)
        found = list(Session.objects.filter(code__in=new).select_related("node"))
        self.by_code |= {session.code: session for session in found}
        marks = _marks(found)
        registrations = Registration.objects.filter(session__in=found)
        for row in registrations.select_related("agent", "outsider", "session"):
            listed, slots = self.listed[row.session.code], marks[row.pk]
            if row.agent is not None:
                listed[row.agent.pk] = listed[row.agent.search] = slots
            elif row.outsider is not None:
                listed[fold(f"{row.outsider.last_name} {row.outsider.first_names}")] = slots


def _marks(sessions: list[Session]) -> dict[int, set[Slot]]:
    """Registration → slots marked present."""
    marks: dict[int, set[Slot]] = defaultdict(set)
    presences = Presence.objects.filter(registration__session__in=sessions).values_list(
        "registration_id", "half_day__date", "half_day__part"
    )
    for registration, date, part in presences:
        marks[registration].add((date.isoformat(), part))
    return marks


def marked_elsewhere(agents: Iterable[int], slots: Collection[Slot]) -> dict[tuple[int, Slot], str]:
    """{(agent, half-day): code of the session} of presences stored on the days of ``slots``."""
    days = {dt.date.fromisoformat(date) for date, _ in slots}
    if not days:
        return {}
    found = Presence.objects.filter(
        registration__agent__in=list(agents),
        half_day__date__gte=min(days),
        half_day__date__lte=max(days),
    ).values_list(
        "registration__agent_id", "half_day__date", "half_day__part", "half_day__session__code"
    )
    return {(agent, (day.isoformat(), part)): code for agent, day, part, code in found}
