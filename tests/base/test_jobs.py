"""Background jobs: run once, retried after a dead worker, failed with a clear message."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import OperationalError
from django_tasks_db.models import DBTaskResult

from kalan.base import jobs, workers
from kalan.base.errors import Refused
from kalan.base.models import Job
from tests.factories.jobs import run_jobs
from tests.factories.people import NOW

calls: list[tuple[int, str]] = []
failures: list[str] = []


def note_failure(*, job: Job, word: str) -> None:
    failures.append(word)


@jobs.job(failed=note_failure)
def say(*, job: Job, word: str) -> dict[str, object]:
    calls.append((job.pk, word))
    if word == "refus":
        raise Refused("Le fichier est vide.", remedy="Déposez-en un autre.")
    if word == "panne":
        raise ZeroDivisionError
    if word == "verrou":
        raise OperationalError("database is locked")
    jobs.progress(job.pk, 3, 10)
    return {"word": word}


def not_marked(*, job: Job) -> None: ...


def start(word: str) -> Job:
    return jobs.start_job(
        kind="test",
        label="Essai",
        task=say,
        actor_account=None,
        now=NOW,
        arguments={"word": word},
    )


@pytest.fixture(autouse=True)
def _empty(db: None) -> None:
    calls.clear()
    failures.clear()


def test_a_job_runs_and_keeps_its_progress_and_result() -> None:
    job = start("bonjour")
    run_jobs()
    job.refresh_from_db()
    assert (job.state, job.attempts, job.done, job.total) == ("done", 1, 3, 10)
    assert (job.result, job.error) == ({"word": "bonjour"}, "")
    assert calls == [(job.pk, "bonjour")]


def test_a_job_is_put_on_the_queue_when_the_transaction_commits(
    django_capture_on_commit_callbacks: object,
) -> None:
    with django_capture_on_commit_callbacks(execute=False) as callbacks:  # type: ignore[operator]
        job = start("bonjour")
    assert DBTaskResult.objects.count() == 0
    for callback in callbacks:
        callback()
    queued = DBTaskResult.objects.get()
    assert queued.args_kwargs == {"args": [], "kwargs": {"job_uid": str(job.uid)}}


def test_a_job_asked_twice_runs_once() -> None:
    job = start("bonjour")
    jobs.execute(job.uid)
    jobs.execute(job.uid)
    assert calls == [(job.pk, "bonjour")]


def test_a_refusal_fails_the_job_with_its_own_words() -> None:
    job = start("refus")
    run_jobs()
    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", "Le fichier est vide. Déposez-en un autre.")
    assert failures == ["refus"]


def test_an_unexpected_error_fails_the_job_and_gives_a_reference() -> None:
    job = start("panne")
    run_jobs()
    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", jobs.UNEXPECTED.format(uid=job.uid))
    assert failures == ["panne"]


def test_a_database_that_does_not_answer_is_tried_three_times() -> None:
    job = start("verrou")
    run_jobs()
    job.refresh_from_db()
    assert (job.state, job.attempts, len(calls)) == ("failed", 3, 3)
    assert job.error == jobs.INTERRUPTED.format(attempts=3)
    assert failures == ["verrou"]


def test_a_function_that_is_not_marked_is_not_run() -> None:
    with pytest.raises(TypeError, match="not marked"):
        jobs.start_job(
            kind="test",
            label="Essai",
            task=not_marked,
            actor_account=None,
            now=NOW,
            arguments={},
        )
    assert Job.objects.count() == 0


def running(worker: str, *, attempts: int = 1, heartbeat: dt.datetime = NOW) -> Job:
    job = start("bonjour")
    Job.objects.filter(pk=job.pk).update(
        state="running", worker=worker, attempts=attempts, heartbeat_at=heartbeat
    )
    job.refresh_from_db()
    return job


def test_the_job_of_a_living_worker_is_left_alone() -> None:
    job = running(workers.identity())
    assert jobs.reclaim(NOW + dt.timedelta(hours=1)) == 0
    job.refresh_from_db()
    assert job.state == "running"


def test_the_job_of_a_dead_worker_goes_back_on_the_queue_at_once() -> None:
    (workers._folder() / "mort.lock").write_text("")
    job = running("mort")
    assert jobs.reclaim(NOW) == 1
    job.refresh_from_db()
    assert (job.state, job.worker) == ("queued", "")
    run_jobs()
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("done", 2)


@pytest.mark.parametrize(("silent", "state"), [(119, "running"), (121, "queued")])
def test_a_worker_elsewhere_is_taken_for_dead_after_two_minutes(silent: int, state: str) -> None:
    job = running("autre-machine", heartbeat=NOW)
    jobs.reclaim(NOW + dt.timedelta(seconds=silent))
    job.refresh_from_db()
    assert job.state == state


def test_after_three_attempts_a_job_left_behind_fails() -> None:
    job = running("autre-machine", attempts=3, heartbeat=NOW - dt.timedelta(hours=1))
    jobs.reclaim(NOW)
    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", jobs.INTERRUPTED.format(attempts=3))
    assert failures == ["bonjour"]


def test_a_worker_taken_for_dead_cannot_overwrite_the_next_attempt() -> None:
    job = running("lent")
    Job.objects.filter(pk=job.pk).update(worker="autre", attempts=2)
    jobs._fail(job, "trop tard")
    job.refresh_from_db()
    assert (job.state, job.error) == ("running", "")


@pytest.mark.parametrize(("minutes", "found"), [(4, 0), (6, 1)])
def test_a_job_whose_queue_entry_was_lost_is_queued_again(minutes: int, found: int) -> None:
    start("bonjour")
    assert jobs.reclaim(NOW + dt.timedelta(minutes=minutes)) == found
    assert DBTaskResult.objects.count() == found
