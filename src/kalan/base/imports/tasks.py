"""The two jobs of an import; each may be run again from the start after a crash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kalan.base.imports import pipeline
from kalan.base.imports.sql import small_footprint
from kalan.base.jobs import job as as_job
from kalan.base.models import Job


def _failed(*, job: Job, run_id: int, **_: object) -> None:
    job.refresh_from_db(fields=["error"])
    pipeline.fail(run_id, job.error)


@as_job(failed=_failed)
def check_import(*, job: Job, run_id: int, **_: object) -> Mapping[str, Any] | None:
    try:
        with small_footprint():
            return pipeline.check(run_id, job_id=job.pk)
    except pipeline.Lost:
        return None


@as_job(failed=_failed)
def apply_import(*, job: Job, run_id: int, **_: object) -> Mapping[str, Any] | None:
    try:
        with small_footprint():
            return pipeline.apply(run_id, job_id=job.pk)
    except pipeline.Lost:
        return None
