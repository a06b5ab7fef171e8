"""/sante/ and /healthz: well, strained, down; and what strangers may know."""

from __future__ import annotations

import datetime as dt
import shutil
from collections import namedtuple

import pytest
from django.db import connection
from django.test import Client

from kalan.base import health
from kalan.base.models import Job, Schedule
from tests.factories import people

pytestmark = pytest.mark.django_db
NOW = people.NOW


def job(age: dt.timedelta) -> Job:
    return Job.objects.create(
        kind="essai", label="Essai", created_at=NOW - age, enqueued_at=NOW - age
    )


def test_all_is_well() -> None:
    response = Client().get("/healthz")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "checks": dict.fromkeys(
            ["base", "migrations", "file", "horaires", "disque", "plafond"], "ok"
        ),
    }
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("minutes", "level"), [(4, "ok"), (6, "attention"), (59, "attention"), (61, "panne")]
)
def test_the_queue_s_delay_is_told(minutes: int, level: str) -> None:
    job(dt.timedelta(minutes=minutes))
    job(dt.timedelta(minutes=1))
    found = health.queue(NOW)
    assert (found.level, found.detail) == (level, f"plus longue attente : {minutes * 60} s")


def test_a_schedule_that_is_late_or_failed_is_named() -> None:
    row = Schedule.objects.create(
        name="purge", cron="* * * * *", next_run=NOW - dt.timedelta(hours=2)
    )
    assert health.schedules(NOW).detail == "en retard : purge"
    Schedule.objects.filter(pk=row.pk).update(
        next_run=NOW + dt.timedelta(hours=1), last_error="ValueError"
    )
    found = health.schedules(NOW)
    assert (found.level, found.detail) == ("attention", "en erreur la dernière fois : purge")


def test_a_full_disk_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**11, 10**11, 10**8))
    assert health.disk().level == "panne"
    assert Client().get("/healthz").status_code == 503


def test_sqlite_alone_says_when_it_nears_its_ceiling(monkeypatch: pytest.MonkeyPatch) -> None:
    people.agent()
    monkeypatch.setitem(health.CEILINGS, "people_agent", 1)
    found = health.ceiling()
    nears = connection.vendor == "sqlite"
    assert found.level == ("attention" if nears else "ok")
    assert found.detail.startswith("people_agent : ") is nears


def test_a_question_that_fails_is_a_failure_and_not_a_crash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(health.CEILINGS, "table_absente", 1)
    found = {check.code: check.level for check in health.check_all(NOW)}
    assert found["plafond"] == ("panne" if connection.vendor == "sqlite" else "ok")
    assert found["base"] == "ok"


def test_strangers_see_no_figures_and_administrators_do(tree: people.Tree) -> None:
    text = Client().get("/sante/").content.decode()
    assert "Tout fonctionne." in text
    assert "Go libres" not in text
    client = Client()
    client.force_login(people.account("admin", tree.country))
    assert "Go libres" in client.get("/sante/").content.decode()


def test_a_stuck_queue_is_told_but_takes_no_server_down() -> None:
    job(dt.timedelta(hours=2))
    response = Client().get("/healthz")
    assert (response.status_code, response.json()["status"]) == (200, "panne")
    page = Client().get("/sante/")
    assert page.status_code == 200
    assert "La cellule informatique doit intervenir." in page.content.decode()
