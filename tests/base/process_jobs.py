"""Jobs for the worker processes of test_worker.py (imported by them, so a module of its own)."""

from __future__ import annotations

import time
from pathlib import Path

from kalan.base.jobs import job
from kalan.base.models import Job


@job()
def wait_for(*, job: Job, folder: str) -> dict[str, int]:
    """Say that it has begun, then wait until the file ``go`` appears."""
    begun = Path(folder) / f"begun-{job.attempts}"
    begun.touch()
    deadline = time.monotonic() + 600
    while not (Path(folder) / "go").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return {"attempt": job.attempts}
