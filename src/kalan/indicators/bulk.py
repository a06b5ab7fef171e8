"""Many plain rows into a table of this room at once: COPY on PostgreSQL, executemany on SQLite.

Facts and roll-ups come by the hundred thousand and hold only numbers, short texts and days; one
model instance and one escaped statement for each costs ten times as much.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from django.db import connection
from django.db.models import Model

_AT_ONCE = 5000

Value = int | str | bool | dt.date | None


def insert(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
    """Insert ``rows`` (in the order of ``columns``), inside the caller's transaction."""
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    names = ", ".join(quote(column) for column in columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # The names are the model's own.
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        marks = ", ".join(["%s"] * len(columns))
        statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
        waiting = iter(rows)
        while part := [_plain(row) for row in islice(waiting, _AT_ONCE)]:
            cursor.executemany(statement, part)


def _plain(row: Sequence[Value]) -> list[Any]:
    return [value.isoformat() if isinstance(value, dt.date) else value for value in row]
