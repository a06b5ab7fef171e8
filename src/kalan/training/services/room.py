"""Places of a session: who gets one, who waits."""

from __future__ import annotations

from django.db.models import Max

from kalan.people.models import OrgNode
from kalan.training.models import Registration, Session
from kalan.training.selectors.registrations import places_of

_State = Registration.State


class Room:
    """Places left in a session, counted down as people are placed."""

    def __init__(self, session: Session) -> None:
        self.left = {row.node.path: row.left for row in places_of(session)}
        counted = Registration.objects.filter(session=session, state__in=Registration.COUNTED)
        free = None if session.capacity is None else session.capacity - counted.count()
        self.free = free
        last = Registration.objects.filter(session=session).aggregate(n=Max("position"))["n"]
        self.last_position = last or 0

    def _line(self, structure: OrgNode | None) -> str | None:
        """The most precise line of places that covers ``structure``."""
        if structure is None:
            return None
        paths = [path for path in self.left if structure.path.startswith(path)]
        return max(paths, key=len, default=None)

    def has_place(self, structure: OrgNode | None) -> bool:
        if self.free is not None and self.free <= 0:
            return False
        if not self.left:
            return True
        line = self._line(structure)
        return line is not None and self.left[line] > 0

    def place(self, structure: OrgNode | None) -> tuple[str, int]:
        """Take a place, or the next rank on the waiting list: (state, rank)."""
        if not self.has_place(structure):
            self.last_position += 1
            return _State.WAITING, self.last_position
        if self.free is not None:
            self.free -= 1
        line = self._line(structure)
        if line is not None:
            self.left[line] -= 1
        return _State.DESIGNATED, 0
