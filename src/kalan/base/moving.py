"""From SQLite to PostgreSQL: every row copied, counted and compared, in one transaction.

Foreign keys are deferrable in PostgreSQL (Django makes them so), hence any order will do and the
commit checks them all. Task results of the queue are left behind: waiting jobs are put on the new
queue by the worker.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.db import connection, connections, models, transaction
from django.db.migrations.recorder import MigrationRecorder

from kalan.base.errors import Refused

SOURCE = "source"
BATCH = 2000
LEFT_BEHIND = {"django_tasks_db"}


def bring(path: Path, *, say: Callable[[str], None]) -> dict[str, int]:
    """Copy the SQLite file at ``path`` into the (empty, migrated) database in use.

    Returns {table: rows}. Raises Refused, and copies nothing, when the target is not an empty
    PostgreSQL, when the two are not at the same migrations, or when a table differs afterwards.
    """
    if connection.vendor != "postgresql":
        raise Refused(
            "La base en service n’est pas PostgreSQL.",
            remedy="Réglez KALAN_DATABASE_URL vers la nouvelle base, vide.",
        )
    if not path.is_file():
        raise Refused(f"Il n’y a pas de base SQLite ici : {path}.")
    with _source(path):
        _same_migrations()
        with transaction.atomic():
            _empty_target()
            counts = {}
            for model in _models():
                counts[model._meta.db_table] = _copy(model)
                say(f"{model._meta.db_table} : {counts[model._meta.db_table]}")
            _reset_sequences()
            _compare()
    return counts


@contextmanager
def _source(path: Path) -> Iterator[None]:
    """Open the file read-only under the alias SOURCE."""
    connections.settings[SOURCE] = {
        **connections.settings["default"],
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": f"file:{path.resolve()}?mode=ro",
        "OPTIONS": {"uri": True},
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": False,
    }
    try:
        yield
    finally:
        connections[SOURCE].close()
        del connections[SOURCE]
        del connections.settings[SOURCE]


def _same_migrations() -> None:
    ours = set(MigrationRecorder(connection).applied_migrations())
    theirs = set(MigrationRecorder(connections[SOURCE]).applied_migrations())
    if ours != theirs:
        raise Refused(
            "Les deux bases ne sont pas au même point de migration.",
            remedy="Lancez « script/manage migrate » sur chacune, avec la même version de Kalan.",
        )


def _models() -> list[type[models.Model]]:
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed
        and not model._meta.proxy
        and model._meta.app_label not in LEFT_BEHIND
    ]


def _empty_target() -> None:
    """Refuse a target that holds anything but what migrations put there; clear that."""
    seeded = {"django_content_type", "auth_permission"}
    for model in _models():
        table = model._meta.db_table
        if table not in seeded and model._base_manager.exists():
            raise Refused(
                f"La base d’arrivée contient déjà des données ({table}).",
                remedy="Donnez une base PostgreSQL neuve, où seul « migrate » est passé.",
            )
    for table in ("auth_permission", "django_content_type"):
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")  # noqa: S608 - two names above
    ContentType.objects.clear_cache()


def _rows(model: type[models.Model], alias: str) -> Iterator[models.Model]:
    yield from model._base_manager.using(alias).order_by("pk").iterator(chunk_size=BATCH)


def _copy(model: type[models.Model]) -> int:
    """Copy one table as it is: dates that fields would renew on save are kept."""
    renewing = [
        field
        for field in model._meta.local_concrete_fields
        if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    ]
    was = [(field, field.auto_now, field.auto_now_add) for field in renewing]  # type: ignore[attr-defined]
    number, batch = 0, []
    try:
        for field in renewing:
            field.auto_now = field.auto_now_add = False  # type: ignore[attr-defined]
        for row in _rows(model, SOURCE):
            batch.append(row)
            if len(batch) == BATCH:
                number += len(model._base_manager.using("default").bulk_create(batch))
                batch = []
        return number + len(model._base_manager.using("default").bulk_create(batch))
    finally:
        for field, now, add in was:
            field.auto_now, field.auto_now_add = now, add  # type: ignore[attr-defined]


def _reset_sequences() -> None:
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), _models()):
            cursor.execute(statement)


def _compare() -> None:
    for model in _models():
        if _digest(model, SOURCE) != _digest(model, "default"):
            raise Refused(
                f"La table {model._meta.db_table} diffère après la copie ; rien n’est gardé.",
                remedy="Gardez SQLite en service et signalez cette table.",
            )


def _digest(model: type[models.Model], alias: str) -> str:
    """SHA-256 of the rows by key order, values as Python sees them."""
    digest = hashlib.sha256()
    names = [field.attname for field in model._meta.local_concrete_fields]
    for row in sorted(_rows(model, alias), key=lambda one: str(one.pk)):
        values: list[Any] = [getattr(row, name) for name in names]
        digest.update(json.dumps(values, default=str, sort_keys=True).encode())
    return digest.hexdigest()
