"""How long programs of the tests wait for each other."""

from __future__ import annotations

from django.db import connections

LOCKED = 300  # seconds; a loaded machine is slow, not wrong


def wait_for_locks() -> None:
    """Let this program's connections to SQLite, not opened yet, wait longer than a site's do.

    Eight threads that write at once take turns by chance: on a machine that gives them a tenth of
    a processor the unlucky one waits longer than twenty seconds. PostgreSQL waits for ever.
    """
    options = connections.settings["default"]["OPTIONS"]
    if "timeout" in options:
        options["timeout"] = LOCKED
