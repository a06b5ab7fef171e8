"""Note which sessions' figures are to be recomputed, in the transaction that changed them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from kalan.training.models import DirtySession


def mark_dirty(session_ids: Iterable[int], now: dt.datetime) -> None:
    """Mark sessions (primary keys) for recount; call it inside the transaction of the change.

    A row that stands already gets the new time, so that a recount that began before this change
    can tell that it must run again.
    """
    DirtySession.objects.bulk_create(
        [DirtySession(session_id=pk, since=now) for pk in sorted(set(session_ids))],
        update_conflicts=True,
        unique_fields=["session"],
        update_fields=["since"],
    )
