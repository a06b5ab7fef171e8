"""``kalan serve`` of a home of its own, for a benchmark: started, stopped, its CPU read."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

READY_WITHIN, LIMIT = 60, 900  # seconds


@dataclass
class Served:
    """``web``: gunicorn's first process; ``base``: PostgreSQL's, 0 with SQLite. ``told``: uid of
    every answer that a person was told is stored → uid of its sitting."""

    port: int
    web: int
    base: int
    told: dict[str, str] = field(default_factory=dict)

    def cpu(self) -> tuple[float, float]:
        """Seconds of processor so far: web server, database server."""
        return _cpu(self.web), _cpu(self.base) if self.base else 0.0


def _environment(home: Path, more: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KALAN_")}
    top = Path(__file__).resolve().parents[1]
    return {
        **kept,
        "KALAN_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "kalan.config.settings",
        "PYTHONPATH": os.pathsep.join([str(top / "src"), str(top)]),
        **more,
    }


def child(home: Path, more: dict[str, str], *words: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.sitters", *words],
        env=_environment(home, more),
        stdout=subprocess.PIPE,
        text=True,
        timeout=LIMIT,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@contextlib.contextmanager
def served(home: Path, more: dict[str, str]) -> Iterator[Served]:
    port = int(os.environ.get("KALAN_BENCH_PORT", "0")) or _free_port()
    with (home / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "kalan.config.cli", "serve", "--port", str(port)],
            env=_environment(home, more),
            cwd=home,
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + READY_WITHIN
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((home / "serve.log").read_text())
            time.sleep(0.1)
        yield Served(port, _gunicorn(process.pid), _postmaster(more))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _postmaster(more: dict[str, str]) -> int:
    """The process whose children serve our connections."""
    if "KALAN_DATABASE_URL" not in more:
        return 0
    import psycopg

    with psycopg.connect(more["KALAN_DATABASE_URL"]) as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None
        return _stat(row[0])[1]


def _gunicorn(serve: int) -> int:
    for pid in _children(serve):
        if b"gunicorn" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return pid
    raise RuntimeError("no gunicorn under kalan serve")


def _stat(pid: int) -> tuple[int, int, float, float]:
    """(pid, its parent, seconds of CPU of its own, seconds of its children that have ended)."""
    words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    tick = os.sysconf("SC_CLK_TCK")
    own, ended = int(words[11]) + int(words[12]), int(words[13]) + int(words[14])
    return pid, int(words[1]), own / tick, ended / tick


def _children(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                pid, above, *_ = _stat(int(entry.name))
                if above == parent:
                    found.append(pid)
    return found


def _cpu(root: int) -> float:
    """Seconds of processor of a process and all below it, those that have ended included."""
    _, _, own, ended = _stat(root)
    return own + ended + sum(_cpu(pid) for pid in _children(root))
