"""The real program as child processes: gunicorn and worker on a KALAN_HOME of their own.

They can be killed (SIGKILL) and started again on the same data and port.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import connections
from django.db.utils import ConnectionHandler
from django.test.utils import override_settings

from kalan.config.settings import database
from kalan.config.supervise import die_with_parent
from tests.support.ports import free_port

TOP = Path(__file__).resolve().parents[2]
READY_WITHIN = 300  # seconds; the first start on a loaded machine compiles all that it imports


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of a child: nothing of this machine's own KALAN_… settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KALAN_")}
    return {
        **kept,
        "KALAN_HOME": str(home),
        # The test's own key, so that it can sign people in without the sign-in page.
        "KALAN_SECRET_KEY": settings.SECRET_KEY,
        "DJANGO_SETTINGS_MODULE": "kalan.config.settings",
        "PYTHONPATH": os.pathsep.join([str(TOP / "src"), str(TOP)]),
        **more,
    }


def python(home: Path, *words: str, **more: str) -> str:
    """Run ``python words…`` on ``home`` to its end and return what it printed."""
    done = subprocess.run(
        [sys.executable, *words],
        env=environment(home, **more),
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def make_home(home: Path, **more: str) -> None:
    """An empty, migrated KALAN_HOME with its static files."""
    home.mkdir(parents=True)
    code = (
        "import django; django.setup(); from kalan.config import supervise\n"
        # Migrations make thousands of classes: to look through them each time is a sixth of it.
        "import gc; gc.freeze(); gc.set_threshold(50_000)\n"
        "supervise.prepare()\n"
        "from django.db import connection\n"
        "if connection.vendor == 'sqlite':\n"
        "    connection.cursor().execute('PRAGMA wal_checkpoint(TRUNCATE)')\n"
    )
    python(home, "-c", code, **more)


class Server:
    """``start``, ``stop`` (politely), ``kill`` (power cut), ``start`` again."""

    def __init__(self, home: Path, **more: str) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.settings = {"KALAN_BASE_URL": self.url, "KALAN_WEB_PROCESSES": "1", **more}
        self.web: subprocess.Popen[bytes] | None = None
        self.worker: subprocess.Popen[bytes] | None = None

    def _spawn(self, *words: str) -> subprocess.Popen[bytes]:
        log = (self.home / f"{words[0]}.log").open("ab")
        with log:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", *words],
                env=environment(self.home, **self.settings),
                cwd=self.home,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    def start(self) -> None:
        """Start the web server and wait until it answers."""
        self.web = self._spawn(
            *("gunicorn", "-c", "python:kalan.config.gunicorn"),
            *("--bind", f"127.0.0.1:{self.port}", "kalan.config.wsgi:application"),
        )
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline:
            assert self.web.poll() is None, self.log("gunicorn")
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                urlopen(f"{self.url}/", timeout=READY_WITHIN).close()
                return
            time.sleep(0.05)
        raise AssertionError(f"no answer in {READY_WITHIN} s: {self.log('gunicorn')}")

    def start_worker(self) -> None:
        self.worker = self._spawn("kalan.config.cli", "worker")

    def kill(self) -> None:
        """SIGKILL to gunicorn and all its processes, as a power cut does."""
        _end(self.web, signal.SIGKILL)
        self.web = None

    def kill_worker(self) -> None:
        _end(self.worker, signal.SIGKILL)
        self.worker = None

    def stop(self) -> None:
        for process in (self.web, self.worker):
            _end(process, signal.SIGTERM)
        self.web = self.worker = None

    def checkpoint(self) -> None:
        """Bring SQLite's log into the file, so that a copy of the folder is whole."""
        with contextlib.closing(sqlite3.connect(self.home / "kalan.sqlite3")) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def run_python(self, code: str) -> str:
        """Run code on the server's data and settings, in a process of its own."""
        setup = "import django; django.setup()\n"
        return python(self.home, "-c", setup + code, **self.settings)

    def log(self, name: str) -> str:
        path = self.home / f"{name}.log"
        return path.read_text() if path.exists() else ""

    @contextlib.contextmanager
    def database(self) -> Iterator[None]:
        """Let the test's own process read and write the server's data: database and files.

        What Django keeps of a database from one request to the next is another's there: numbers of
        content types, which history refers to.
        """
        before = connections["default"]
        url = self.settings.get("KALAN_DATABASE_URL", "")
        values = database(url)
        if not url:
            values["NAME"] = str(self.home / "kalan.sqlite3")
        ours = ConnectionHandler({"default": values})["default"]
        connections["default"] = ours
        ContentType.objects.clear_cache()
        try:
            with override_settings(MEDIA_ROOT=str(self.home / "files")):
                yield
        finally:
            ours.close()
            connections["default"] = before
            ContentType.objects.clear_cache()


def copy_home(template: Path, home: Path) -> Path:
    shutil.copytree(template, home)
    return home


def _end(process: subprocess.Popen[bytes] | None, number: signal.Signals) -> None:
    if process is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
