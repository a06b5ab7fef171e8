"""The little that differs between SQLite and PostgreSQL when a merge reads staged JSON in SQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from django.db import connection

_CASTS = {"text": "", "int": "::bigint", "date": "::date"}


def json_at(column: str, path: str, kind: Literal["text", "int", "date"] = "text") -> str:
    """SQL for the scalar at ``path`` ("agent.sex") of a JSON ``column``; NULL when absent.

    ``path`` and ``column`` come from code, never from a file or a person.
    """
    if connection.vendor == "postgresql":
        return f"({column}#>>'{{{path.replace('.', ',')}}}'){_CASTS[kind]}"
    return f"json_extract({column}, '$.{path}')"


def json_object(column: str, path: str) -> str:
    """SQL for the object at ``path`` as a value for a JSON column."""
    if connection.vendor == "postgresql":
        return f"({column}#>'{{{path.replace('.', ',')}}}')"
    return f"json_extract({column}, '$.{path}')"


def same(left: str, right: str) -> str:
    """SQL for "equal, or both NULL"."""
    if connection.vendor == "postgresql":
        return f"{left} IS NOT DISTINCT FROM {right}"
    return f"{left} IS {right}"


@contextmanager
def small_footprint() -> Iterator[None]:
    """Read SQLite's file through its own cache only, while an import walks over much of it.

    With memory mapping every page walked over counts as memory of the process (up to 256 MB).
    """
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        before = cursor.execute("PRAGMA mmap_size").fetchone()
        cursor.execute("PRAGMA mmap_size=0")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA mmap_size={int(before[0]) if before else 0}")
