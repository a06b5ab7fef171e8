"""``kalan export``: everything as CSV, with a French data dictionary.

For whoever wants the data without Kalan: UTF-8 with BOM, semicolons, ISO 8601 dates, decimal
points, "oui"/"non"; cells that a spreadsheet could take for a formula are neutralised.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.models import Field, Model

from kalan.base.errors import Refused
from kalan.base.exports import DEMO_NOTICE, neutral

# Secrets, and what only the machinery needs.
LEFT_OUT = frozenset(
    {
        "auth_group",
        "auth_group_permissions",
        "auth_permission",
        "account_emailconfirmation",
        "base_columnmapping",
        "base_importrow",
        "django_session",
        "django_tasks_database_dbtaskresult",
        "mfa_authenticator",
        "people_attemptwindow",
        "socialaccount_socialapp",
        "socialaccount_socialtoken",
    }
)
# Keys of questions leave through the bank's own export, which asks for its capability; ``words``
# holds accepted answers.
SECRET_COLUMNS = frozenset(
    {
        "assessment_candidate.device",
        "assessment_exam.code",
        "credentials_signingrun.sealed",
        "people_account.password",
        "people_activationslip.code_hash",
        "people_device.session_key",
        "skills_itemversion.key",
        "skills_itemversion.words",
    }
)
DICTIONARY = "dictionnaire.csv"
_HEADERS = ["fichier", "colonne", "sens", "type", "obligatoire", "valeurs", "renvoie à"]


def tables() -> list[type[Model]]:
    """The models that are exported, by table name."""
    models = apps.get_models(include_auto_created=True)
    kept = [model for model in models if model._meta.db_table not in LEFT_OUT]
    return sorted(kept, key=lambda model: model._meta.db_table)


def columns(model: type[Model]) -> list[Field[Any, Any]]:
    table = model._meta.db_table
    fields = model._meta.concrete_fields
    return [field for field in fields if f"{table}.{field.column}" not in SECRET_COLUMNS]


def export(*, folder: Path, now: dt.datetime) -> dict[str, int]:
    """Write one file per table into an empty ``folder``; return rows per file.

    All files show one instant, and nobody is kept from writing meanwhile.
    """
    folder = folder.resolve()
    if folder.exists() and any(folder.iterdir()):
        raise Refused(f"Le dossier {folder} n’est pas vide.", remedy="Donnez un dossier nouveau.")
    folder.mkdir(parents=True, exist_ok=True)
    counts = {}
    with _one_instant():
        for model in tables():
            name = f"{model._meta.db_table}.csv"
            counts[name] = _write_table(folder / name, model)
    _write_dictionary(folder / DICTIONARY, now)
    return counts


@contextmanager
def _one_instant() -> Iterator[None]:
    """A read transaction by hand: Django's own would take SQLite's write lock (IMMEDIATE)."""
    if connection.in_atomic_block:
        yield
        return
    begin = "BEGIN DEFERRED"
    if connection.vendor == "postgresql":
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    with connection.cursor() as cursor:
        cursor.execute(begin)
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


def _write_table(path: Path, model: type[Model]) -> int:
    fields = columns(model)
    written = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow([field.column for field in fields])
        manager = model._base_manager
        names = [field.attname for field in fields]
        rows = manager.order_by("pk").values_list(*names)
        for row in rows.iterator(chunk_size=5000):
            writer.writerow([_cell(value) for value in row])
            written += 1
    return written


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(timespec="milliseconds")
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    if isinstance(value, int | float):
        return str(value)  # a negative number is not a formula
    return str(neutral(str(value)))


def _write_dictionary(path: Path, now: dt.datetime) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(_HEADERS)
        for model in tables():
            table = model._meta.db_table
            writer.writerow([f"{table}.csv", "", meaning(table) or "", "", "", "", ""])
            for field in columns(model):
                writer.writerow(_describe(table, field))
        writer.writerow(["", "", f"Export du {now.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"])
        if settings.KALAN_DEMO:
            writer.writerow(["", "", DEMO_NOTICE])


def _describe(table: str, field: Field[Any, Any]) -> list[str]:
    target = field.related_model
    values = ", ".join(f"{code} = {label}" for code, label in field.flatchoices)
    return [
        f"{table}.csv",
        field.column or "",
        meaning(table, field.column) or "",
        field.get_internal_type(),
        "non" if field.null or field.blank else "oui",
        values,
        f"{target._meta.db_table}.csv" if isinstance(target, type) else "",
    ]


def meaning(table: str, column: str | None = None) -> str | None:
    """What a table or a column is, in French; None when the dictionary does not say."""
    words = _words()
    if column is None:
        return words.get(table)
    return (
        words.get(f"{table}.{column}")
        or words.get(column)
        or (words["*_id"] if column.endswith("_id") else None)
    )


@cache
def _words() -> dict[str, str]:
    source = Path(__file__).with_name("dictionary.csv")
    with source.open(encoding="utf-8", newline="") as file:
        return {row["nom"]: row["sens"] for row in csv.DictReader(file, delimiter=";")}
