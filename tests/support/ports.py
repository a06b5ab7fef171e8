"""Ports for the servers of tests: each is given once, to one process of one run."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from itertools import chain
from pathlib import Path

# Below the range from which the system takes the ports of outgoing connections (Linux: 32768 and
# above): there a port found free can be taken before the server that it is meant for is up, or
# while that server, killed, is started again on the same one.
FIRST, LAST = 15_000, 31_999
FOLDER = Path(tempfile.gettempdir()) / f"kalan-ports-{os.geteuid()}"
_held: list[int] = []


def free_port() -> int:
    """A port on which nothing listens, this process's own until it ends, whoever else asks."""
    FOLDER.mkdir(exist_ok=True)
    draw = random.SystemRandom()  # a test may have seeded the other one
    for port in chain(draw.sample(range(FIRST, LAST + 1), 1000), range(FIRST, LAST + 1)):
        claim = os.open(FOLDER / str(port), os.O_CREAT | os.O_RDWR)  # not handed down to children
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            os.close(claim)
        else:
            _held.append(claim)
            return port
    raise RuntimeError(f"no free port between {FIRST} and {LAST}")
