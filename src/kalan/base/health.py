"""Is this installation well? Cheap questions with an answer in words, for /sante/ and /healthz.

Ceilings of SQLite, by our measures: about 20 000 staff, 1 000 000 facts (docs/production.md); the
page says so before it hurts.
"""

from __future__ import annotations

import datetime as dt
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Min
from django_tasks_db.models import DBTaskResult

from kalan.base.models import Job, Schedule

# Table → number of rows beyond which PostgreSQL is the better home.
CEILINGS = {"people_agent": 20_000, "training_attendancemark": 1_000_000}
NEAR = 0.8
QUEUE_SLOW, QUEUE_STUCK = dt.timedelta(minutes=5), dt.timedelta(hours=1)
DISK_LOW, DISK_FULL = 2 * 10**9, 3 * 10**8  # bytes free
SLOW_DATABASE = 1.0  # seconds for the simplest of queries


class Level(StrEnum):
    OK = "ok"
    WARN = "attention"
    BAD = "panne"


@dataclass(frozen=True)
class Check:
    """One question. ``detail`` holds figures, for those who run the server only."""

    code: str
    label: str
    level: Level
    detail: str
    remedy: str = ""


def check_all(now: dt.datetime) -> list[Check]:
    """Ask everything. A question whose own query fails is answered "panne"."""
    questions: dict[tuple[str, str], Callable[[], Check]] = {
        ("base", "Base de données"): database,
        ("migrations", "Migrations"): migrations,
        ("file", "File des travaux"): partial(queue, now),
        ("horaires", "Travaux réguliers"): partial(schedules, now),
        ("disque", "Espace disque"): disk,
        ("plafond", "Taille de la base"): ceiling,
    }
    found = []
    for (code, label), ask in questions.items():
        try:
            found.append(ask())
        except (DatabaseError, OSError) as error:
            remedy = "Voyez le journal du serveur, puis docs/production.md."
            found.append(Check(code, label, Level.BAD, str(error), remedy))
    return found


def overall(checks: list[Check]) -> Level:
    """The worst of ``checks``."""
    levels = {check.level for check in checks}
    return next((level for level in (Level.BAD, Level.WARN) if level in levels), Level.OK)


# What keeps a web server from doing its work; a stuck queue does not, and must not make a load
# balancer take down the servers one after the other.
_STOPPING = frozenset({"base", "migrations", "disque"})


def serves(checks: list[Check]) -> bool:
    """Whether this server can answer people."""
    return not any(check.level is Level.BAD and check.code in _STOPPING for check in checks)


def database() -> Check:
    start = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    took = time.monotonic() - start
    detail = f"{connection.vendor}, répond en {took * 1000:.0f} ms"
    if took > SLOW_DATABASE:
        remedy = "Regardez la charge du serveur et l’état du disque."
        return Check("base", "Base de données", Level.WARN, detail, remedy)
    return Check("base", "Base de données", Level.OK, detail)


# Migrations on disk change only with the program, which restarts: once in order, always in order.
_migrated: set[str] = set()


def migrations() -> Check:
    label, name = "Migrations", str(connection.settings_dict["NAME"])
    if name not in _migrated:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if waiting:
            detail = f"{len(waiting)} à appliquer"
            return Check("migrations", label, Level.BAD, detail, "Lancez script/manage migrate.")
        _migrated.add(name)
    return Check("migrations", label, Level.OK, "toutes appliquées")


def queue(now: dt.datetime) -> Check:
    """How long the oldest waiting job has waited."""
    label = "File des travaux"
    jobs = Job.objects.filter(state=Job.State.QUEUED).aggregate(since=Min("created_at"))
    tasks = DBTaskResult.objects.ready().filter(run_after__lte=now)
    since = [jobs["since"], tasks.aggregate(since=Min("enqueued_at"))["since"]]
    waited = max((now - moment for moment in since if moment), default=dt.timedelta())
    detail = f"plus longue attente : {int(waited.total_seconds())} s"
    remedy = "Vérifiez que « kalan worker » tourne."
    if waited > QUEUE_STUCK:
        return Check("file", label, Level.BAD, detail, remedy)
    if waited > QUEUE_SLOW:
        return Check("file", label, Level.WARN, detail, remedy)
    return Check("file", label, Level.OK, detail)


def schedules(now: dt.datetime) -> Check:
    """Recurring work that should have started, or that failed last time."""
    label, remedy = "Travaux réguliers", "Vérifiez que « kalan worker » tourne."
    rows = Schedule.objects.order_by("name").values_list("name", "next_run", "last_error")
    late = [name for name, next_run, _ in rows if now - next_run > QUEUE_SLOW]
    failed = [name for name, _, error in rows if error]
    if late:
        return Check("horaires", label, Level.WARN, f"en retard : {', '.join(late)}", remedy)
    if failed:
        detail = f"en erreur la dernière fois : {', '.join(failed)}"
        return Check("horaires", label, Level.WARN, detail, "Voyez le journal du serveur.")
    return Check("horaires", label, Level.OK, "à l’heure")


def disk() -> Check:
    label = "Espace disque"
    usage = shutil.disk_usage(Path(settings.KALAN_HOME))
    detail = f"{usage.free / 10**9:.1f} Go libres sur {usage.total / 10**9:.0f}".replace(".", ",")
    remedy = "Libérez de la place : une base qui ne peut plus écrire perd le travail du jour."
    if usage.free < DISK_FULL:
        return Check("disque", label, Level.BAD, detail, remedy)
    if usage.free < DISK_LOW:
        return Check("disque", label, Level.WARN, detail, remedy)
    return Check("disque", label, Level.OK, detail)


def ceiling() -> Check:
    """Whether SQLite still fits. The highest key stands for the number of rows: it costs nothing,
    where counting a million rows does not."""
    label = "Taille de la base"
    if connection.vendor != "sqlite":
        return Check("plafond", label, Level.OK, f"{connection.vendor} : sans plafond proche")
    near = []
    with connection.cursor() as cursor:
        for table, limit in CEILINGS.items():
            cursor.execute(f"SELECT max(id) FROM {table}")  # noqa: S608 - our own constants
            rows = cursor.fetchone()[0] or 0
            if rows >= NEAR * limit:
                near.append(f"{table} : {rows} sur {limit}")
    if near:
        remedy = "Préparez le passage à PostgreSQL : docs/production.md."
        return Check("plafond", label, Level.WARN, "; ".join(near), remedy)
    return Check("plafond", label, Level.OK, "SQLite suffit")
