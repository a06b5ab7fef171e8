"""An import with a real worker: killed while staging, killed while merging, marks meanwhile."""

from __future__ import annotations

import datetime as dt
import sqlite3
import time
import uuid
from collections.abc import Callable

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

ROWS = 20_000
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


def wait_for_a_long_write(server: Server) -> None:
    """Return while another process has held the write lock for a tenth of a second."""
    probe = sqlite3.connect(server.home / "kalan.sqlite3", timeout=0, isolation_level=None)
    busy_since = None
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            probe.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            busy_since = busy_since or time.monotonic()
            if time.monotonic() - busy_since > 0.1:
                probe.close()
                return
        else:
            probe.execute("ROLLBACK")
            busy_since = None
        time.sleep(0.005)
    raise AssertionError("no long write was seen")


def test_killed_while_staging_then_while_merging(offline: Server) -> None:
    run = queued(offline, FEW)
    offline.start_worker()
    until(lambda: 0 < staged(offline, run) < FEW)
    offline.kill_worker()
    assert look(offline, run).state == "checking"
    assert written(offline) == (0, 0, 0)

    offline.start_worker()
    until(lambda: look(offline, run).state == "checked")
    assert (run.counts["new"], staged(offline, run)) == (FEW, FEW)
    offline.kill_worker()

    apply(offline, run)
    offline.start_worker()
    wait_for_a_long_write(offline)
    offline.kill_worker()
    assert look(offline, run).state == "applying"
    assert written(offline) == (0, 0, 0)

    offline.start_worker()
    until(lambda: look(offline, run).state == "applied")
    assert run.counts["created"] == FEW
    assert written(offline) == (FEW, FEW, FEW)


def test_a_mark_made_meanwhile_is_stored_within_ten_seconds(offline: Server) -> None:
    run = queued(offline, ROWS)
    with offline.database():
        agents = [Agent.objects.create(
            country="sn", last_name=f"Sarr{n}", first_names="Coumba", search=f"sarr{n} coumba",
            created_at=clock.now()) for n in range(40)]  # fmt: skip
        node = Post._meta.get_field("structure").related_model.objects.get(name=SOKONE)
        session = training.session(node, days=5, start=dt.date(2023, 3, 13))
        registrations = [training.registration(session, agent) for agent in agents]
    offline.start_worker()
    waits: list[float] = []

    def mark() -> None:
        number = len(waits)
        registration = registrations[number % 40]
        half_day = f"2023-03-{13 + number // 80 % 5}-{'am' if number // 40 % 2 else 'pm'}"
        data = MarkData(uuid.uuid4(), registration.uid, half_day)
        began = time.monotonic()
        with offline.database():
            record_marks(
                actor=SYSTEM, now=clock.now(), session=session, marks=[data], source="phone"
            )
        waits.append(time.monotonic() - began)

    deadline = time.monotonic() + 200
    while look(offline, run).state != "applied" and time.monotonic() < deadline:
        mark()
        if run.state == "checked":
            apply(offline, run)
        time.sleep(0.05)
    assert run.state == "applied"
    assert run.counts["created"] == ROWS
    with offline.database():
        assert AttendanceMark.objects.count() == min(len(waits), 400)
    assert max(waits) < 10
