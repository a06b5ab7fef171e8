"""Recurring work: a table claimed by conditional update, so that of many workers one runs it.

``@scheduled("purge", cron="15 3 * * *")`` stands on a function of a room's ``tasks.py`` that takes
``now``. Hours are those of TIME_ZONE. A run missed (power cut) is made up once, not many times.
"""

from __future__ import annotations

import datetime as dt
import importlib
import logging
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Protocol

from cronsim import CronSim
from django.apps import apps
from django.db import transaction
from django.utils import timezone

from kalan.base import clock
from kalan.base.models import Schedule

logger = logging.getLogger(__name__)


class Recurring(Protocol):
    def __call__(self, *, now: dt.datetime) -> None: ...


@dataclass(frozen=True)
class Entry:
    name: str
    cron: str
    run: Recurring


REGISTRY: dict[str, Entry] = {}


def scheduled(name: str, *, cron: str) -> Callable[[Recurring], Recurring]:
    """Register a recurring function under a name unique in Kalan."""

    def register(function: Recurring) -> Recurring:
        known = REGISTRY.get(name)
        if known is not None and known.run is not function:
            raise ValueError(f"two schedules are called {name!r}")
        next_after(cron, clock.now())  # an expression that cannot be read fails here
        REGISTRY[name] = Entry(name, cron, function)
        return function

    return register


def next_after(cron: str, moment: dt.datetime) -> dt.datetime:
    """Return the first time after ``moment`` that ``cron`` names, in TIME_ZONE."""
    return next(CronSim(cron, timezone.localtime(moment)))


def discover() -> None:
    """Import the ``tasks`` of every room (a file, or a folder of files)."""
    for config in apps.get_app_configs():
        path = f"{config.name}.tasks"
        if not config.name.startswith("kalan.") or find_spec(path) is None:
            continue
        module = importlib.import_module(path)
        for info in pkgutil.iter_modules(getattr(module, "__path__", [])):
            importlib.import_module(f"{path}.{info.name}")


def sync(now: dt.datetime) -> None:
    """Give every registered entry its row; a changed expression takes effect at once."""
    rows = {row.name: row for row in Schedule.objects.filter(name__in=REGISTRY)}
    for entry in REGISTRY.values():
        row = rows.get(entry.name)
        following = next_after(entry.cron, now)
        if row is None:
            Schedule.objects.get_or_create(
                name=entry.name, defaults={"cron": entry.cron, "next_run": following}
            )
        elif row.cron != entry.cron:
            Schedule.objects.filter(pk=row.pk).update(cron=entry.cron, next_run=following)


def claim_due(now: dt.datetime) -> list[str]:
    """Put what is due on the queue and return its names.

    The claim is an update on the row as it was read; only "one row changed" is trusted.
    """
    from kalan.base.tasks import run_scheduled  # tasks stand above the services of their room

    claimed = []
    due = Schedule.objects.filter(next_run__lte=now, name__in=REGISTRY).order_by("next_run", "pk")
    for row in due:
        following = next_after(REGISTRY[row.name].cron, now)
        with transaction.atomic():
            same = Schedule.objects.filter(pk=row.pk, next_run=row.next_run)
            if same.update(next_run=following, last_run=now) == 1:
                run_scheduled.enqueue(name=row.name)
                claimed.append(row.name)
    return claimed


def run(name: str, now: dt.datetime) -> None:
    """Run one entry; its error, if any, is kept on its row and raised."""
    error = ""
    try:
        REGISTRY[name].run(now=now)
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}"
        raise
    finally:
        Schedule.objects.filter(name=name).update(last_error=error)
