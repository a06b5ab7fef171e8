"""The worker process: takes tasks off the queue, and every few seconds sees to the schedules.

One process, no forks (a child forked from a process that has drawn a chart hangs): the database
queue by django-tasks, or RQ on Redis/Valkey when KALAN_QUEUE_URL is set.
"""

from __future__ import annotations

import logging
import threading
import time

from django.conf import settings
from django.db import DatabaseError, OperationalError, close_old_connections, connection

from kalan.base import clock, jobs, schedule, workers

logger = logging.getLogger(__name__)

TICK = 5  # seconds between two looks at schedules and at jobs left behind


def run(*, burst: bool = False) -> None:
    """Work until SIGTERM or SIGINT (the task under way is finished first).

    ``burst``: run what waits, then return.
    """
    schedule.discover()
    logger.info("worker %s starts", workers.identity())
    tick()
    if not burst:
        threading.Thread(target=_tick_for_ever, name="ticks", daemon=True).start()
    if settings.KALAN_QUEUE_URL:
        _run_rq(burst)
    else:
        _run_database(burst)


def tick() -> None:
    """Take back what dead workers left and put on the queue what is due."""
    now = clock.now()
    jobs.reclaim(now)
    schedule.sync(now)
    schedule.claim_due(now)


def _tick_for_ever() -> None:
    while True:
        time.sleep(TICK)
        close_old_connections()
        try:
            tick()
        except DatabaseError:
            logger.exception("schedules: the database did not answer; next try in %s s", TICK)
            connection.close()
        except Exception:
            logger.exception("schedules: unexpected error; next try in %s s", TICK)


def _run_database(burst: bool) -> None:
    from django_tasks_db.management.commands.db_worker import Worker  # only when not on RQ

    worker = Worker(
        queue_names=["*"],
        interval=0.5,
        batch=burst,
        backend_name="default",
        startup_delay=False,
        max_tasks=None,
        worker_id=workers.identity()[-64:],
        excluded_queue_names=[],
    )
    worker.configure_signals()
    while worker.running:
        try:
            worker.run()
        except OperationalError:
            # A long write, or a database being restarted: the queue is still there afterwards.
            logger.exception("the queue cannot be read; next try in 2 s")
            connection.close()
            time.sleep(2)
        else:
            return


def _run_rq(burst: bool) -> None:
    import django_rq  # optional: needs a Redis server
    from django_tasks_rq import Job
    from rq import SimpleWorker

    queue = django_rq.get_queue("default", job_class=Job)
    worker = SimpleWorker(
        [queue], connection=queue.connection, job_class=Job, name=workers.identity()
    )
    worker.work(burst=burst, with_scheduler=False, logging_level="WARNING")
