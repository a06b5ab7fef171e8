"""Run what waits, in the test's own process and transaction."""

from __future__ import annotations

from kalan.base import jobs
from kalan.base.models import Job


def run_jobs() -> None:
    """Run every waiting job, in order, until none waits."""
    while waiting := Job.objects.filter(state=Job.State.QUEUED).order_by("pk").first():
        jobs.execute(waiting.uid)
