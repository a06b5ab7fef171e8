"""A Redis (or Valkey) server of our own, on loopback, thrown away afterwards."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import ConnectionError as RedisConnectionError
from redis import Redis

from tests.support.ports import free_port


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """Start one in ``folder`` and yield its address for KALAN_QUEUE_URL."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    assert program is not None, "redis-server is not installed"
    port = free_port()
    options = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no")
    process = subprocess.Popen(
        [program, "--port", str(port), "--dir", str(folder), *options],
        stdout=subprocess.DEVNULL,
    )
    try:
        client = Redis(port=port)
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            try:
                client.ping()
            except RedisConnectionError:
                time.sleep(0.05)
            else:
                break
        client.close()
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(60)
