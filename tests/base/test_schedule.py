"""Schedules: due once, claimed by one, made up once after a power cut."""

from __future__ import annotations

import datetime as dt

import pytest
from cronsim import CronSimError
from django_tasks_db.models import DBTaskResult

from kalan.base import schedule
from kalan.base.models import Schedule

NOW = dt.datetime(2023, 3, 20, 2, 19, 30, tzinfo=dt.UTC)  # Dakar keeps UTC
ran: list[dt.datetime] = []


def note(*, now: dt.datetime) -> None:
    ran.append(now)


def broken(*, now: dt.datetime) -> None:
    raise ValueError("disque plein")


@pytest.fixture(autouse=True)
def _registry(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    ran.clear()
    monkeypatch.setattr(schedule, "REGISTRY", {})
    schedule.scheduled("essai", cron="20 2 * * *")(note)
    schedule.sync(NOW)


def test_a_new_entry_waits_for_its_hour() -> None:
    assert schedule.claim_due(NOW) == []
    row = Schedule.objects.get()
    assert row.next_run == dt.datetime(2023, 3, 20, 2, 20, tzinfo=dt.UTC)


def test_what_is_due_is_claimed_once() -> None:
    due = NOW + dt.timedelta(seconds=30)
    assert schedule.claim_due(due) == ["essai"]
    assert schedule.claim_due(due) == []
    assert DBTaskResult.objects.get().args_kwargs["kwargs"] == {"name": "essai"}


def test_three_days_without_power_are_made_up_by_one_run() -> None:
    assert schedule.claim_due(NOW + dt.timedelta(days=3)) == ["essai"]
    row = Schedule.objects.get()
    assert row.next_run == dt.datetime(2023, 3, 23, 2, 20, tzinfo=dt.UTC)


def test_a_worker_that_read_an_old_row_claims_nothing() -> None:
    stale = Schedule.objects.get()
    later = NOW + dt.timedelta(minutes=1)
    Schedule.objects.update(next_run=later)
    assert Schedule.objects.filter(pk=stale.pk, next_run=stale.next_run).update(last_run=NOW) == 0
    assert schedule.claim_due(NOW) == []


def test_a_changed_expression_takes_effect() -> None:
    schedule.REGISTRY.clear()
    schedule.scheduled("essai", cron="0 5 * * *")(note)
    schedule.sync(NOW)
    assert Schedule.objects.get().next_run == dt.datetime(2023, 3, 20, 5, 0, tzinfo=dt.UTC)


def test_the_run_receives_the_time() -> None:
    schedule.run("essai", NOW)
    assert ran == [NOW]


def test_an_error_is_kept_on_the_row_and_cleared_by_the_next_good_run() -> None:
    schedule.REGISTRY["essai"] = schedule.Entry("essai", "20 2 * * *", broken)
    with pytest.raises(ValueError, match="disque plein"):
        schedule.run("essai", NOW)
    assert Schedule.objects.get().last_error == "ValueError: disque plein"
    schedule.REGISTRY["essai"] = schedule.Entry("essai", "20 2 * * *", note)
    schedule.run("essai", NOW)
    assert Schedule.objects.get().last_error == ""


def test_an_expression_that_cannot_be_read_is_refused_at_once() -> None:
    with pytest.raises(CronSimError):
        schedule.scheduled("faux", cron="demain matin")(note)


def test_two_entries_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two schedules"):
        schedule.scheduled("essai", cron="0 5 * * *")(broken)
