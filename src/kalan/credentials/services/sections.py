"""The sections into which the acts of a click are cut, each for one process and one pack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kalan.base.models import Job
from kalan.credentials.models import Act, Batch, SigningRun
from kalan.credentials.services import orphans
from kalan.credentials.services.printing import spec_of
from kalan.credentials.worker_child import BatchSpec, Chunk, ToMake

MOST = 100  # acts in a pack at most: one write to the disk and one transaction for each


def waiting(job: Job, run: SigningRun) -> Iterator[tuple[BatchSpec, Chunk]]:
    """Sections of which acts are planned, read as they are asked for: memory does not grow with
    the run."""
    number = 0
    batches = run.batches.select_related("version__template", "office", "file").order_by("pk")
    for batch in batches:
        spec = spec_of(batch, run)
        for first, last in _sections(batch):
            acts = _section(batch, first, last)
            if any(act.waits for act in acts):
                number += 1
                yield spec, Chunk(number, batch.pk, orphans.name_for(run, job), acts)


def _sections(batch: Batch) -> Iterator[tuple[int, int]]:
    """The first and the last rank of each.

    Cut over every act that has a number, whatever has become of it: a section is the same however
    often the run was interrupted. Smaller towards the end, so that no process waits long for
    another.
    """
    ranks = list(_numbered(batch).values_list("rank", flat=True))
    least, at = max(10, min(40, len(ranks) // 10)), 0
    while at < len(ranks):
        size = max(least, min(MOST, (len(ranks) - at) // 4))
        yield ranks[at], ranks[at : at + size][-1]
        at += size


def _section(batch: Batch, first: int, last: int) -> list[ToMake]:
    names = ("pk", "number", "code", "name", "valid_until", "data", "state")
    rows = _numbered(batch).filter(rank__range=(first, last)).values(*names)
    return [ToMake(waits=row.pop("state") == Act.State.PLANNED, **row) for row in rows]


def _numbered(batch: Batch) -> Any:
    return Act.objects.filter(batch=batch, number__isnull=False).order_by("rank")
