"""Packs that no row names: left by a process that was killed between the disk and the database."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

from django.conf import settings

from kalan.base.ids import uuid7
from kalan.base.models import Job, StoredFile
from kalan.credentials.models import SigningRun

FOLDER = "actes"
_OLD = dt.timedelta(days=1)


def name_for(run: SigningRun, job: Job) -> str:
    """A new pack's name below MEDIA_ROOT. It tells the run and the attempt: what an attempt may
    sweep is its own and what earlier ones left, never what a later one is about to name."""
    folder = f"{FOLDER}/{run.confirmed_at:%Y/%m}"
    return f"{folder}/{run.uid}_{job.pk}_{job.attempts}_{uuid7()}.zip"


def sweep_run(run: SigningRun, job: Job) -> int:
    """Remove what this attempt and earlier ones left of ``run``; returns how many files.

    Earlier attempts can store nothing more: the job is no longer theirs.
    """
    paths = (Path(settings.MEDIA_ROOT) / FOLDER).glob(f"*/*/{run.uid}_*")
    return _remove([path for path in paths if _attempt(path) <= (job.pk, job.attempts)])


def sweep(*, now: dt.datetime) -> int:
    """Remove packs, whole or half-written, older than a day that no stored file names."""
    limit = (now - _OLD).timestamp()
    paths = (Path(settings.MEDIA_ROOT) / FOLDER).glob("*/*/*")
    return _remove([path for path in paths if path.stat().st_mtime < limit])


def _attempt(path: Path) -> tuple[int, int]:
    _, job, attempt, _ = path.name.split("_", 3)
    return int(job), int(attempt)


def _remove(paths: list[Path]) -> int:
    root = Path(settings.MEDIA_ROOT)
    names = {path.relative_to(root).as_posix(): path for path in paths}
    wanted = sorted(names)
    known: set[str] = set()
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        known.update(StoredFile.objects.filter(file__in=part).values_list("file", flat=True))
    gone = [path for name, path in names.items() if name not in known]
    for path in gone:
        path.unlink(missing_ok=True)
    _sync({path.parent for path in gone})
    return len(gone)


def _sync(folders: set[Path]) -> None:
    for folder in folders:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
