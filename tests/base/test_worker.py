"""Real worker processes, killed and started again; the queue in the database and in Redis."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kalan.base import clock, jobs
from kalan.base.models import Job, Schedule
from tests.base import process_jobs
from tests.support import redis
from tests.support.server import Server

pytestmark = pytest.mark.process


def until(condition: Callable[[], bool], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def start_waiting(server: Server, folder: Path) -> Job:
    with server.database():
        return jobs.start_job(
            kind="test",
            label="Essai",
            task=process_jobs.wait_for,
            actor_account=None,
            now=clock.now(),
            arguments={"folder": str(folder)},
        )


def state(server: Server, job: Job) -> tuple[str, int]:
    with server.database():
        job.refresh_from_db()
    return job.state, job.attempts


def test_a_killed_worker_s_job_is_done_by_the_next_one(offline: Server, tmp_path: Path) -> None:
    job = start_waiting(offline, tmp_path)
    offline.start_worker()
    until((tmp_path / "begun-1").exists)
    offline.kill_worker()
    assert state(offline, job) == ("running", 1)
    offline.start_worker()
    until((tmp_path / "begun-2").exists)
    (tmp_path / "go").touch()
    until(lambda: state(offline, job)[0] == "done")
    assert (job.attempts, job.result) == (2, {"attempt": 2})


def test_a_job_whose_worker_is_killed_three_times_fails(offline: Server, tmp_path: Path) -> None:
    job = start_waiting(offline, tmp_path)
    for attempt in (1, 2, 3):
        offline.start_worker()
        until((tmp_path / f"begun-{attempt}").exists)
        offline.kill_worker()
    offline.start_worker()
    until(lambda: state(offline, job)[0] == "failed")
    assert (job.attempts, job.error) == (3, jobs.INTERRUPTED.format(attempts=3))


def test_a_worker_asked_to_stop_finishes_its_job_first(offline: Server, tmp_path: Path) -> None:
    job = start_waiting(offline, tmp_path)
    offline.start_worker()
    until((tmp_path / "begun-1").exists)
    worker = offline.worker
    assert worker is not None
    worker.terminate()
    time.sleep(0.5)
    (tmp_path / "go").touch()
    worker.wait(300)
    assert state(offline, job) == ("done", 1)


def test_the_worker_registers_the_schedules_of_every_room(offline: Server) -> None:
    offline.start_worker()

    def names() -> list[str]:
        with offline.database():
            return list(Schedule.objects.values_list("name", flat=True))

    until(lambda: "base.upkeep" in names())


@pytest.fixture
def on_redis(offline: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    with redis.server(tmp_path) as url:
        offline.settings["KALAN_QUEUE_URL"] = url
        yield offline
        offline.stop()


def start_from_a_program(server: Server, folder: Path) -> str:
    """Start the job from a process whose queue is Redis; return the job's uid."""
    return server.run_python(
        "from kalan.base import clock, jobs; from tests.base import process_jobs\n"
        "job = jobs.start_job(kind='test', label='Essai', task=process_jobs.wait_for,\n"
        f"    actor_account=None, now=clock.now(), arguments={{'folder': {str(folder)!r}}})\n"
        "print(job.uid)"
    ).strip()


def test_jobs_run_through_redis(on_redis: Server, tmp_path: Path) -> None:
    uid = start_from_a_program(on_redis, tmp_path)
    (tmp_path / "go").touch()
    on_redis.start_worker()
    with on_redis.database():
        job = Job.objects.get(uid=uid)
    until(lambda: state(on_redis, job)[0] == "done")
    assert (job.attempts, job.result) == (1, {"attempt": 1})


def test_a_killed_redis_worker_s_job_is_done_by_the_next_one(
    on_redis: Server, tmp_path: Path
) -> None:
    uid = start_from_a_program(on_redis, tmp_path)
    on_redis.start_worker()
    until((tmp_path / "begun-1").exists)
    on_redis.kill_worker()
    on_redis.start_worker()
    until((tmp_path / "begun-2").exists)
    (tmp_path / "go").touch()
    with on_redis.database():
        job = Job.objects.get(uid=uid)
    until(lambda: state(on_redis, job)[0] == "done")
    assert job.attempts == 2
