"""Copies of the database, by engine: VACUUM INTO for SQLite, pg_dump for PostgreSQL."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder

from kalan.base.errors import Refused
from kalan.config.supervise import die_with_parent

logger = logging.getLogger(__name__)

SQLITE_NAME, POSTGRESQL_NAME = "database.sqlite3", "database.dump"
# Where a restoration sets aside what it replaces, until the new is in its place.
BEFORE = "kalan_before_restore"


def copy_name() -> str:
    return SQLITE_NAME if connection.vendor == "sqlite" else POSTGRESQL_NAME


def copy_to(target: Path) -> dict[str, int]:
    """Write a consistent copy while people go on working; return its rows per table."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(target)])
        return check_sqlite(target)
    return _dump(target)


def check_sqlite(path: Path) -> dict[str, int]:
    """Return rows per table of a SQLite file found whole; Refused otherwise."""
    with sqlite3.connect(path) as copy:
        verdict = copy.execute("PRAGMA integrity_check").fetchone()[0]
        if verdict != "ok":
            raise Refused(
                f"La copie de la base est abîmée : {verdict}", remedy="Vérifiez le disque."
            )
        names = [
            name
            for (name,) in copy.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
        ]
        counts = {
            name: int(copy.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0])  # noqa: S608 - names from the schema itself
            for name in sorted(names)
        }
    copy.close()
    return counts


def _dump(target: Path) -> dict[str, int]:
    """pg_dump of one exported snapshot, in which the rows are counted too."""
    with connection.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            cursor.execute("SELECT pg_export_snapshot()")
            (snapshot,) = cursor.fetchone()
            counts = _count(cursor)
            options = ["--format=custom", "--no-owner", "--no-privileges"]
            options.append(f"--exclude-schema={BEFORE}")
            _run("pg_dump", *options, f"--snapshot={snapshot}", f"--file={target}")
        finally:
            cursor.execute("ROLLBACK")
    _run("pg_restore", "--list", str(target), database=False)
    return counts


def _count(cursor: Any) -> dict[str, int]:
    counts = {}
    for name in sorted(connection.introspection.table_names(cursor)):
        cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(name)}")  # noqa: S608 - names from the schema itself
        counts[name] = cursor.fetchone()[0]
    return counts


def put_back(copy: Path, rows: dict[str, int]) -> None:
    """Replace the database in use by ``copy``, in one instant, if it has these rows per table.

    Refused: nothing has changed. DatabaseError: whether anything has cannot be told.
    """
    if connection.vendor == "sqlite":
        _put_back_sqlite(copy, rows)
    else:
        _put_back_dump(copy, rows)


def _put_back_sqlite(copy: Path, rows: dict[str, int]) -> None:
    found = check_sqlite(copy)
    for table, number in rows.items():
        if found.get(table) != number:
            raise _short(table, number)
    target = Path(connection.settings_dict["NAME"])
    fresh = target.with_name(target.name + ".new")
    try:
        shutil.copyfile(copy, fresh)
        with fresh.open("rb") as stream:
            os.fsync(stream.fileno())
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise Refused(
            f"La base n’a pas pu être écrite ({error.strerror}).",
            remedy="Libérez de la place sur le disque ; la base est restée telle qu’elle était.",
        ) from error
    connection.close()  # the last to close brings the log into the file
    for suffix in ("-wal", "-shm"):
        target.with_name(target.name + suffix).unlink(missing_ok=True)
    fresh.replace(target)


def _short(table: str, number: int) -> Refused:
    return Refused(
        f"Dans l’archive, {table} n’a pas les {number} lignes annoncées.",
        remedy="Prenez une autre sauvegarde ; la base est restée telle qu’elle était.",
    )


def _put_back_dump(copy: Path, rows: dict[str, int]) -> None:
    """In one transaction, the count included.

    A server holds a lock for each table, index and constraint that a transaction touches, 6 400 in
    all as PostgreSQL comes. Dropping takes three times as many as making: so what was there is
    renamed, which takes one, and dropped table by table once the new is committed.
    """
    _drop(BEFORE)  # left over where a restoration was killed at its very end
    connection.close()
    script, counts = copy.with_suffix(".sql"), copy.with_suffix(".counts.sql")
    _run(
        "pg_restore", "--no-owner", "--no-privileges", f"--file={script}", str(copy), database=False
    )
    counts.write_text("".join(_counting(table, number) for table, number in rows.items()))
    try:
        _run(
            "psql",
            *("--quiet", "--no-psqlrc", "--single-transaction", "--set=ON_ERROR_STOP=1"),
            *("-c", f"ALTER SCHEMA public RENAME TO {BEFORE}", "-c", "CREATE SCHEMA public"),
            *("-f", str(script), "-f", str(counts)),
        )
    except Refused:
        if not _is_there(BEFORE):  # else only the answer to COMMIT was lost
            raise
    try:
        _drop(BEFORE)
    except DatabaseError:
        logger.warning("The tables replaced stay in schema %s until the next restore", BEFORE)


def _counting(table: str, number: int) -> str:
    """A statement that fails unless ``table`` has that many rows."""
    name, said = connection.ops.quote_name(table), str(_short(table, number)).replace("'", "’")
    return (
        f"DO $kalan$ BEGIN ASSERT (SELECT count(*) FROM public.{name}) = {number}, "  # noqa: S608 - names from the manifest, quoted
        f"'{said}'; END $kalan$;\n"
    )


def _is_there(schema: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema])
        return cursor.fetchone() is not None


def _drop(schema: str) -> None:
    """Drop ``schema``, if it is there, in as many transactions as it has tables."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
        for (name,) in cursor.fetchall():
            table = connection.ops.quote_name(name)
            cursor.execute(f"DROP TABLE {schema}.{table} CASCADE")
        cursor.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def migrations() -> list[str]:
    """Applied migrations, "app.name"."""
    recorder = MigrationRecorder(connection)
    return sorted(f"{app}.{name}" for app, name in recorder.applied_migrations())


def _run(program: str, *arguments: str, database: bool = True) -> None:
    path = _find(program)
    where = connection.settings_dict
    words = [path, *arguments]
    if database:
        for option, key in (("--host", "HOST"), ("--port", "PORT"), ("--username", "USER")):
            if where[key]:
                words.append(f"{option}={where[key]}")
        words.append(f"--dbname={where['NAME']}")
    done = subprocess.run(  # noqa: S603 - a program of PostgreSQL, arguments of our own
        words,
        env={**os.environ, "PGPASSWORD": str(where["PASSWORD"])},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=die_with_parent,  # what goes on by itself would commit behind a second try
    )
    if done.returncode:
        raise Refused(
            f"{program} a échoué : {done.stderr.strip()}",
            remedy="La base est restée telle qu’elle était.",
        )


def _find(program: str) -> str:
    """On the PATH, else where Debian keeps it; the newest, which reads older servers."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    for folder in reversed(folders):
        if (folder / program).exists():
            return str(folder / program)
    found = shutil.which(program)
    if found is None:
        raise Refused(
            f"Le programme {program} est introuvable.",
            remedy="Installez postgresql-client, de la version du serveur ou plus récent.",
        )
    return found
