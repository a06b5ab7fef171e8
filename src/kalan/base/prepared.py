"""A query whose SQL is written once per process: Django writes it for longer than it runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.db.models import QuerySet

# Stand for the values while the SQL is written; no real query asks for them.
_MARKS: dict[type, Any] = {int: -1_987_654_321, dt.date: dt.date(1, 2, 3)}


class Prepared:
    """``make(*values)`` returns a ``values_list`` queryset in which values are only compared with.

    One value of each type, whole numbers and dates; None is not one (its SQL differs). Rows come
    as the driver gives them: text and numbers are themselves, a truth may be 0 or 1.
    """

    def __init__(self, make: Callable[..., QuerySet[Any, Any]], *types: type) -> None:
        self.make, self.types = make, types
        self._written: dict[str, tuple[str, list[tuple[type | None, Any]]]] = {}

    def rows(self, *values: int | dt.date) -> list[tuple[Any, ...]]:
        """Run the query (one) with ``values`` in the order of ``types``."""
        vendor = connection.vendor
        if vendor not in self._written:
            self._written[vendor] = self._write()
        sql, places = self._written[vendor]
        given = dict(zip(self.types, map(_adapted, values), strict=True))
        with connection.cursor() as cursor:
            cursor.execute(sql, [given[kind] if kind else fixed for kind, fixed in places])
            return list(cursor.fetchall())

    def _write(self) -> tuple[str, list[tuple[type | None, Any]]]:
        query = self.make(*(_MARKS[kind] for kind in self.types)).query
        sql, params = query.get_compiler(connection=connection).as_sql()
        marks = {kind: _adapted(_MARKS[kind]) for kind in self.types}
        places = [(_kind(value, marks), value) for value in params]
        if {kind for kind, _ in places if kind} != set(self.types):
            raise ValueError("a value of the query does not reach its SQL")
        return sql, places


def _adapted(value: int | dt.date) -> Any:
    return connection.ops.adapt_datefield_value(value) if isinstance(value, dt.date) else value


def _kind(value: Any, marks: dict[type, Any]) -> type | None:
    return next((kind for kind, mark in marks.items() if value == mark), None)
