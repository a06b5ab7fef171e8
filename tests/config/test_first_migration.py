"""The short way to the tables of an empty database leads to the same tables as the long one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support import postgres
from tests.support.server import python

# Everything the database itself knows of its tables, in a stable order.
DESCRIBE = {
    "sqlite": ["SELECT type, name, tbl_name, sql FROM sqlite_master"],
    "postgresql": [
        "SELECT table_name, column_name, data_type, is_nullable, column_default,"
        " character_maximum_length, is_identity FROM information_schema.columns"
        " WHERE table_schema = 'public'",
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint",
        "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    ],
}
CODE = """
import json
import django; django.setup()
from django.core.management import call_command
from django.db import connection
from kalan.config import supervise
if {short}:
    supervise.migrate()
else:
    call_command("migrate", interactive=False, verbosity=0)
rows = []
with connection.cursor() as cursor:
    for query in [*{queries!r}, "SELECT app, name FROM django_migrations"]:
        cursor.execute(query)
        rows += sorted(map(str, cursor.fetchall()))
print(json.dumps(rows))
"""


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("vendor", sorted(DESCRIBE))
def test_both_ways_make_the_same_tables(
    vendor: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    found = {}
    for short in (True, False):
        home, more = tmp_path / str(short), {}
        home.mkdir()
        if vendor == "postgresql":
            cluster = request.getfixturevalue("postgresql")
            more["KALAN_DATABASE_URL"] = postgres.new_database(cluster, f"made_{short}".lower())
        code = CODE.format(short=short, queries=DESCRIBE[vendor])
        found[short] = json.loads(python(home, "-c", code, **more))
    assert found[True] == found[False]
    assert len(found[True]) > 500
