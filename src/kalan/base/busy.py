"""Whether a database refused because others hold it: worth another try, and nothing was stored."""

from __future__ import annotations

import sqlite3

from django.db import OperationalError

RETRY_AFTER = 15  # seconds, before a person or a phone tries again
_SQLITE = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}  # of the primary code: the last byte
# PostgreSQL: lock not available, too many connections, still starting; and class 40, rolled back.
_POSTGRESQL = {"55P03", "53300", "57P03"}


def is_busy(error: BaseException | None) -> bool:
    """Whether ``error`` is Django's, raised after its wait for a lock, a turn or a start."""
    if not isinstance(error, OperationalError):
        return False
    cause = error.__cause__
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in _SQLITE
    state = getattr(cause, "sqlstate", None) or ""
    return state in _POSTGRESQL or state.startswith("40")
