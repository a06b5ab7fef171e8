"""Sessions in the database, with one more kind: that of a shared telephone.

It ends with the browser, and after 30 minutes without a page, on the server's clock.
"""

from __future__ import annotations

import time
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

SHARED_KEY = "shared_phone"
SHARED_IDLE = 30 * 60  # seconds
_TOUCH_EVERY = 60  # seconds: a page a second does not write a row a second


class SessionStore(DatabaseStore):
    """Django's own store; a shared phone's session slides and has no lifetime in the cookie."""

    def load(self) -> dict[str, Any]:
        data: dict[str, Any] = super().load()
        seen = data.get(SHARED_KEY)
        if seen is not None and time.time() - seen > _TOUCH_EVERY:
            data[SHARED_KEY] = time.time()
            self.modified = True
        return data

    def get_expire_at_browser_close(self) -> bool:
        return self.is_shared or super().get_expire_at_browser_close()

    @property
    def is_shared(self) -> bool:
        return SHARED_KEY in self


def mark_shared(session: SessionBase) -> None:
    """Make ``session`` that of a shared telephone."""
    session[SHARED_KEY] = time.time()
    session.set_expiry(SHARED_IDLE)
