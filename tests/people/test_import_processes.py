"""An import with a real worker: killed while staging, killed while merging, marks meanwhile."""

from __future__ import annotations

import datetime as dt
import os
import signal
import sqlite3
import time
import uuid
from collections.abc import Callable
from itertools import count

import pytest
from auditlog.models import LogEntry

from kalan.base import clock
from kalan.base.imports import registry
from kalan.base.models import ImportRun
from kalan.people.actor import SYSTEM
from kalan.people.models import Agent, Post
from kalan.people.services import imports as services
from kalan.training.models import AttendanceMark
from kalan.training.services.attendance import MarkData, record_marks
from tests.factories import people, training
from tests.factories.imports import csv_bytes
from tests.people.test_import_staff import HEAD, SOKONE
from tests.support.server import Server

pytestmark = pytest.mark.process

ROWS = 6_000
FEW = 8_000  # long enough to be caught at work


def until(condition: Callable[[], bool], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def content(size: int) -> bytes:
    rows = (
        [f"M{n}", f"Diouf{n % 977}", f"Awa{n}", "F", f"77{1_000_000 + n}", SOKONE, "01/10/2021"]
        for n in range(size)
    )
    return csv_bytes([HEAD, *rows])


def queued(offline: Server, size: int) -> ImportRun:
    """A file of ``size`` rows deposited on the server, its check queued."""
    kind = registry.get("staff")
    assert kind is not None
    with offline.database():
        people.tree()
        made = services.deposit(
            actor=SYSTEM, now=clock.now(), kind=kind, content=content(size), name="agents.csv"
        )
        services.start_check(
            actor=SYSTEM, now=clock.now(), run=made, mapping=made.mapping, options={}
        )
    return made


def look(server: Server, run: ImportRun) -> ImportRun:
    with server.database():
        run.refresh_from_db()
    return run


def staged(server: Server, run: ImportRun) -> int:
    with server.database():
        return run.rows.count()


def written(server: Server) -> tuple[int, int, int]:
    with server.database():
        return (
            Agent.objects.count(),
            Post.objects.count(),
            LogEntry.objects.get_for_model(Agent).count(),
        )


def apply(server: Server, run: ImportRun) -> None:
    with server.database():
        services.start_apply(actor=SYSTEM, now=clock.now(), run=ImportRun.objects.get(pk=run.pk))


def writes(server: Server) -> bool:
    """Whether another process holds the write lock."""
    probe = sqlite3.connect(server.home / "kalan.sqlite3", timeout=0, isolation_level=None)
    try:
        probe.execute("BEGIN IMMEDIATE")
        probe.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return True
    finally:
        probe.close()
    return False


def freeze(server: Server, seen: Callable[[], bool], *, times: int = 1) -> None:
    """Let the worker work in slices of a fiftieth of a second, and leave it frozen once ``seen``
    was true after so many slices on end: nothing goes on between the look and what follows."""
    assert server.worker is not None
    group, found = server.worker.pid, 0
    deadline = time.monotonic() + 300
    while found < times:
        assert time.monotonic() < deadline, "it did not happen in time"
        os.killpg(group, signal.SIGCONT)
        time.sleep(0.02)
        os.killpg(group, signal.SIGSTOP)
        os.waitid(os.P_PID, group, os.WSTOPPED)
        found = found + 1 if seen() else 0


def test_killed_while_staging_then_while_merging(offline: Server) -> None:
    run = queued(offline, FEW)
    offline.start_worker()
    freeze(offline, lambda: 0 < staged(offline, run) < FEW)
    offline.kill_worker()
    assert look(offline, run).state == "checking"
    assert written(offline) == (0, 0, 0)

    offline.start_worker()
    until(lambda: look(offline, run).state == "checked")
    assert (run.counts["new"], staged(offline, run)) == (FEW, FEW)
    offline.kill_worker()

    apply(offline, run)
    offline.start_worker()
    freeze(offline, lambda: writes(offline), times=4)  # no short write lasts four slices
    offline.kill_worker()
    assert look(offline, run).state == "applying"
    assert written(offline) == (0, 0, 0)

    offline.start_worker()
    until(lambda: look(offline, run).state == "applied")
    assert run.counts["created"] == FEW
    assert written(offline) == (FEW, FEW, FEW)


def test_a_mark_made_meanwhile_is_stored(offline: Server) -> None:
    """None waits longer than SQLite does, which would give up with an error."""
    run = queued(offline, ROWS)
    with offline.database():
        agents = [Agent.objects.create(
            country="sn", last_name=f"Sarr{n}", first_names="Coumba", search=f"sarr{n} coumba",
            created_at=clock.now()) for n in range(40)]  # fmt: skip
        node = Post._meta.get_field("structure").related_model.objects.get(name=SOKONE)
        session = training.session(node, days=5, start=dt.date(2023, 3, 13))
        registrations = [training.registration(session, agent) for agent in agents]
    offline.start_worker()
    made = count()

    def mark() -> None:
        number = next(made)
        registration = registrations[number % 40]
        half_day = f"2023-03-{13 + number // 80 % 5}-{'am' if number // 40 % 2 else 'pm'}"
        data = MarkData(uuid.uuid4(), registration.uid, half_day)
        with offline.database():
            record_marks(
                actor=SYSTEM, now=clock.now(), session=session, marks=[data], source="phone"
            )

    deadline = time.monotonic() + 300
    while look(offline, run).state != "applied" and time.monotonic() < deadline:
        mark()
        if run.state == "checked":
            apply(offline, run)
        time.sleep(0.05)
    assert run.state == "applied"
    assert run.counts["created"] == ROWS
    with offline.database():
        assert AttendanceMark.objects.count() == min(next(made), 400)
