"""``Presence``, which everything counts by, derived from the marks."""

from __future__ import annotations

from collections.abc import Collection

from kalan.training.models import Presence
from kalan.training.selectors.attendance import Cell, active_marks

_CHUNK = 500  # rows of one insert, below SQLite's limit of variables


def derive_presences(session_id: int, cells: Collection[Cell]) -> None:
    """Make Presence agree with the marks of ``cells``. Call it under the session's lock."""
    people = {cell[0] for cell in cells}
    wanted = set(
        active_marks(session_id)
        .filter(registration_id__in=people)
        .values_list("registration_id", "half_day_id")
    ) & set(cells)
    rows = Presence.objects.filter(registration_id__in=people)
    stored = {
        (registration_id, half_day_id): pk
        for pk, registration_id, half_day_id in rows.values_list(
            "pk", "registration_id", "half_day_id"
        )
        if (registration_id, half_day_id) in cells
    }
    Presence.objects.bulk_create(
        [
            Presence(registration_id=registration_id, half_day_id=half_day_id)
            for registration_id, half_day_id in sorted(wanted - set(stored))
        ],
        ignore_conflicts=True,
        batch_size=_CHUNK,
    )
    gone = [pk for cell, pk in stored.items() if cell not in wanted]
    Presence.objects.filter(pk__in=gone).delete()
