"""``kalan serve``: prepares the database, then keeps the web server and one worker running."""

from __future__ import annotations

import ctypes
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from kalan.base.errors import Refused

_PR_SET_PDEATHSIG = 1  # prctl(2)
READY_WITHIN = 30  # seconds
STOP_WITHIN = 25  # seconds; gunicorn's graceful_timeout and a little


def prepare() -> None:
    """Bring database, cache table and static files up to date. Safe to repeat."""
    say("Préparation de la base…")
    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)


def refuse_taken_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Refused(
                f"L’adresse {host}:{port} n’est pas libre ({error.strerror}).",
                remedy=f"Arrêtez l’autre programme ou choisissez un autre port : PORT={port + 1}.",
            ) from error


class Children:
    """Web server and worker: a worker that dies is started again, a web server ends all."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.stopping = False
        self.web = self._start(
            *("gunicorn", "-c", "python:kalan.config.gunicorn", "--bind", f"{host}:{port}"),
            "kalan.config.wsgi:application",
        )
        self.worker = self._start("kalan.config.cli", "worker")
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.stop())

    @staticmethod
    def _start(module: str, *arguments: str) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C reaches the parent alone, which passes it on once.
        return subprocess.Popen(  # noqa: S603 - our own modules, no word from outside
            [sys.executable, "-P", "-m", module, *arguments],
            cwd=settings.KALAN_HOME,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )

    def ready(self) -> bool:
        """Wait until the web server takes connections; False if it ended instead."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline and self.web.poll() is None and not self.stopping:
            try:
                socket.create_connection((host, self.port), timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return True
        return False

    def stop(self) -> None:
        self.stopping = True
        for child in (self.web, self.worker):
            if child.poll() is None:
                child.terminate()

    def wait(self) -> int:
        """Return once both have ended: 0 when they were asked to, 1 when the web server fell."""
        restarts = 0
        while not self.stopping and self.web.poll() is None:
            if self.worker.poll() is not None:
                restarts += 1
                say("Le travail de fond s’est arrêté ; il redémarre.")
                time.sleep(min(restarts, 30))
                if not self.stopping:
                    self.worker = self._start("kalan.config.cli", "worker")
            time.sleep(0.25)
        fell = not self.stopping
        self.stop()
        for child in (self.web, self.worker):
            try:
                child.wait(STOP_WITHIN)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        return 1 if fell else 0


def die_with_parent() -> None:
    """If the parent is killed outright, the kernel ends the child (Linux; elsewhere nothing)."""
    if sys.platform == "linux" and Path("/proc/self").exists():
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
