"""Which process runs a job, and whether that process still lives.

Each process that runs jobs, and the web server, holds a lock on a file of its own in
KALAN_HOME/run for as long as it lives; the kernel frees the lock at death, kill -9 and power cut
included. Process numbers would not do: they are used again.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
from functools import cache
from pathlib import Path
from typing import IO

from django.conf import settings

_held: list[IO[str]] = []  # keeps the lock files open until the process ends


def _folder() -> Path:
    folder = Path(settings.KALAN_HOME) / "run"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@cache
def _identity(pid: int) -> str:
    name = f"{socket.gethostname()[:80]}-{pid}-{secrets.token_hex(4)}"
    file = (_folder() / f"{name}.lock").open("w")
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    _held.append(file)
    return name


def identity() -> str:
    """Return this process's name, taking its lock at the first call."""
    return _identity(os.getpid())


def is_alive(name: str) -> bool | None:
    """Whether the process called ``name`` lives; None when it ran under another KALAN_HOME."""
    path = _folder() / f"{name}.lock"
    if not name or not path.exists():
        return None
    with path.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def living() -> list[str]:
    """The processes that hold a lock under this KALAN_HOME."""
    return sorted(path.stem for path in _folder().glob("*.lock") if is_alive(path.stem))


def forget_dead(*, keep: set[str]) -> None:
    """Remove the lock files of dead processes, but those in ``keep``."""
    for path in _folder().glob("*.lock"):
        if path.stem not in keep and is_alive(path.stem) is False:
            path.unlink(missing_ok=True)
