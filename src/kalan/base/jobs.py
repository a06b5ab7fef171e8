"""Long work in the background: started by a person, watched, left, and retried after a crash.

A room writes ``@job def apply(*, job: Job, run_uid: str) -> dict | None`` and starts it with
``start_job``. The function must bear being run again from the start: a killed worker's job is
tried up to MAX_ATTEMPTS times, then failed with a clear message.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models import F, QuerySet
from django.utils.module_loading import import_string

from kalan.base import clock, workers
from kalan.base.errors import Refused
from kalan.base.models import Job

if TYPE_CHECKING:
    from kalan.people.models import Account

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
HEARTBEAT = 15  # seconds between two signs of life of a running job
STALE = dt.timedelta(minutes=2)  # without a sign of life from another machine: taken for dead
LOST = dt.timedelta(minutes=5)  # queued for so long: put on the queue once more (harmless)

JobFunction = Callable[..., Mapping[str, Any] | None]
F_ = TypeVar("F_", bound=JobFunction)

INTERRUPTED = (
    "Le travail a été interrompu {attempts} fois (coupure ou arrêt du serveur) et n’est plus "
    "relancé. Rien n’est enregistré à moitié. Relancez-le, ou prévenez l’administrateur."
)
UNEXPECTED = (
    "Une erreur inattendue a arrêté ce travail ; rien n’est enregistré à moitié. Relancez-le ; "
    "si l’erreur revient, donnez cette référence à l’administrateur : {uid}."
)


def job(*, failed: Callable[..., None] | None = None) -> Callable[[F_], F_]:
    """Mark a module-level function as one that ``start_job`` may run.

    It is called with ``job`` and the job's arguments as keywords; a mapping it returns is kept as
    the job's result. ``failed(job=…, **arguments)`` runs when the job fails for good, in the
    transaction that says so.
    """

    def mark(function: F_) -> F_:
        function.kalan_job = True  # type: ignore[attr-defined]
        function.kalan_failed = failed  # type: ignore[attr-defined]
        return function

    return mark


def start_job(
    *,
    kind: str,
    label: str,
    task: JobFunction,
    actor_account: Account | None,
    now: dt.datetime,
    arguments: Mapping[str, Any],
) -> Job:
    """Store a job and put it on the queue once the current transaction commits.

    ``task`` is a function marked with ``@job()``; ``arguments`` must be plain JSON values.
    """
    if not getattr(task, "kalan_job", False):
        raise TypeError(f"{task!r} is not marked with @job()")
    row = Job.objects.create(
        kind=kind,
        label=label[:255],
        task=f"{task.__module__}.{task.__qualname__}",
        arguments=dict(arguments),
        created_by=actor_account,
        created_at=now,
        enqueued_at=now,
    )
    # robust: with the queue out of reach the job stays stored, and ``reclaim`` enqueues it later.
    transaction.on_commit(lambda: _enqueue(row.uid), robust=True)
    return row


def _enqueue(uid: uuid.UUID) -> None:
    from kalan.base.tasks import run_job  # tasks stand above the services of their room

    run_job.enqueue(job_uid=str(uid))


def progress(job_id: int, done: int, total: int) -> None:
    """Note how far the job is, in any unit; one short write."""
    Job.objects.filter(pk=job_id).update(done=done, total=total)


def execute(uid: uuid.UUID) -> None:
    """Run the job if it is still waiting: of several callers one runs it, the others return."""
    now, me = clock.now(), workers.identity()
    claimed = Job.objects.filter(uid=uid, state=Job.State.QUEUED).update(
        state=Job.State.RUNNING,
        attempts=F("attempts") + 1,
        started_at=now,
        heartbeat_at=now,
        worker=me,
        error="",
    )
    if claimed != 1:
        return
    row = Job.objects.select_related("created_by").get(uid=uid)
    try:
        with _signs_of_life(row):
            result = _load(row.task)(job=row, **row.arguments)
    except Refused as refused:
        _fail(row, str(refused))
    except OperationalError:
        logger.exception("job %s: the database did not answer", uid)
        _again(row)
    except Exception:
        logger.exception("job %s failed", uid)
        _fail(row, UNEXPECTED.format(uid=uid))
    else:
        _mine(row).update(
            state=Job.State.DONE, result=dict(result or {}), finished_at=clock.now(), error=""
        )


def reclaim(now: dt.datetime) -> int:
    """Put back on the queue what dead workers left behind; return how many jobs."""
    found = 0
    running = Job.objects.filter(state=Job.State.RUNNING).order_by("pk")
    names = set()
    for row in running:
        names.add(row.worker)
        alive = workers.is_alive(row.worker)
        fresh = row.heartbeat_at is not None and row.heartbeat_at > now - STALE
        if alive or (alive is None and fresh):
            continue
        found += 1
        _again(row)
    lost = Job.objects.filter(state=Job.State.QUEUED, enqueued_at__lt=now - LOST)
    for uid, before in list(lost.order_by("pk").values_list("uid", "enqueued_at")):
        if Job.objects.filter(uid=uid, enqueued_at=before).update(enqueued_at=now):
            found += 1
            _enqueue(uid)
    workers.forget_dead(keep=names)
    return found


def _mine(row: Job) -> QuerySet[Job]:
    """The row, as long as this very attempt still owns it."""
    return Job.objects.filter(
        pk=row.pk, state=Job.State.RUNNING, worker=row.worker, attempts=row.attempts
    )


def _again(row: Job) -> None:
    if row.attempts >= MAX_ATTEMPTS:
        _fail(row, INTERRUPTED.format(attempts=row.attempts))
        return
    with transaction.atomic():
        if _mine(row).update(state=Job.State.QUEUED, worker="", enqueued_at=clock.now()):
            transaction.on_commit(lambda: _enqueue(row.uid), robust=True)


def _fail(row: Job, error: str) -> None:
    with transaction.atomic():
        if _mine(row).update(state=Job.State.FAILED, error=error, finished_at=clock.now()):
            failed = getattr(_load(row.task), "kalan_failed", None)
            if failed is not None:
                failed(job=row, **row.arguments)


def _load(path: str) -> JobFunction:
    function: JobFunction = import_string(path)
    if not getattr(function, "kalan_job", False):
        raise TypeError(f"{path} is not marked with @job()")
    return function


@contextmanager
def _signs_of_life(row: Job) -> Iterator[None]:
    """Renew the heartbeat from a thread of its own while the job runs."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(HEARTBEAT):
            try:
                _mine(row).update(heartbeat_at=clock.now())
            except DatabaseError:
                logger.warning("job %s: heartbeat not written", row.uid)
        connection.close()

    thread = threading.Thread(target=beat, name=f"heartbeat-{row.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
