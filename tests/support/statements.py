"""Which tests run on PostgreSQL too, and the proof that this loses nothing.

A test runs there too unless every *telling* statement that it sends is sent there by another one.
Telling is all whose outcome can depend on the database: whatever counts, groups, joins a second
query, compares text, reads JSON, orders, locks, writes, or is refused; not a plain reading of rows.
``SPARED`` lists the tests that add none; who is not on the list runs on both.

    script/test postgresql --full                          runs them all, and holds the rule
    KALAN_TEST_STATEMENTS=$PWD/folder script/test postgresql --full
    .venv/bin/python -m tests.support.statements folder    writes the list anew from such a run
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection

TESTS = Path(__file__).resolve().parents[1]
SPARED = TESTS / "spared_on_postgresql.txt"
HEAD = (
    "# Tests that add no statement of their own: on PostgreSQL only with --full. Written by\n"
    "# tests/support/statements.py, which says how.\n"
)
# Never spared, whatever they send: files about what is written in SQL or differs by database, and
# tests that speak of its errors.
ALWAYS = re.compile(
    r"^(base|smoke)/|/test_(import_(?!screens)|demo|export|merging|nul|health|facts|double|prepared)"
)
SAYS_DATABASE = re.compile(
    r"IntegrityError|DataError|OperationalError|connection\.vendor|cursor\(\)|transaction=True"
)


@cache
def spared() -> frozenset[str]:
    """The list: ``people/test_merging.py::test_it`` for each."""
    if not SPARED.exists():
        return frozenset()
    lines = SPARED.read_text().splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def name_of(item: pytest.Item) -> str:
    """A test's name on the list: all its parameters go together."""
    path = item.path.relative_to(TESTS).as_posix()
    return f"{path}::{getattr(item, 'originalname', None) or item.name}"


def never_spared(name: str) -> bool:
    """Whether the test is about the database itself, by its file or by its own words."""
    file, function = name.split("::", 1)
    return bool(ALWAYS.search(file) or SAYS_DATABASE.search(_functions(file).get(function, "")))


def stands(name: str) -> bool:
    """Whether there is a test of that name."""
    file, function = name.split("::", 1)
    return (TESTS / file).exists() and function in _functions(file)


@cache
def _functions(file: str) -> dict[str, str]:
    """The text of each test of a file."""
    text = (TESTS / file).read_text()
    found = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    return {node.name: ast.get_source_segment(text, node) or "" for node in found}


# --- what a statement has that another has not -------------------------------------------------

PLAIN_WORDS = {"COUNT", "IN", "AND", "OR", "NOT", "WHERE", "ON", "AS", "VALUES"}
TELLING = re.compile(
    r"\b(GROUP BY|DISTINCT|CASE|EXISTS|UNION|INTERSECT|EXCEPT|OVER|I?LIKE|COLLATE|FOR UPDATE|HAVING"
    r"|NULLS|WITH|INTERVAL|AT TIME ZONE|RETURNING|CONFLICT)\b|->|#>|::|\|\||@>|~| [*+/-] "
)
ORDERED = re.compile(r' FROM ("\w+").* ORDER BY (.*?)(?: LIMIT .*)?$')
SCHEMA = (
    "CREATE",
    "ALTER",
    "DROP",
    "SAVEPOINT",
    "RELEASE",
    "ROLLBACK",
    "BEGIN",
    "SET ",
    "TRUNCATE",
)


def shape(sql: str) -> str:
    """The statement without its values and how many they were."""
    sql = re.sub(r"%s(?:, ?%s)+", "%s+", sql)
    if sql.startswith("INSERT"):
        one = r"\([^()]*%s[^()]*\)"
        return re.sub(rf"VALUES {one}(?:, {one})*", "VALUES (%s+)", sql)
    sql = re.sub(r"\(%s\+?\)(?:, ?\(%s\+?\))+", "(%s)+", sql)
    return re.sub(r"\b[TUVW]\d+\b", "T", sql)


def telling(sql: str) -> set[str]:
    """What of the statement can come out otherwise on another database; empty: nothing."""
    if sql.startswith(SCHEMA) or "pg_class" in sql:  # what makes the test's database
        return set()
    sql = shape(sql)
    bare = re.sub(r"'[^']*'", "%s", re.sub(r'"[^"]*"', "x", sql))
    calls = set(re.findall(r"\b([A-Z_]+)\(", bare)) - PLAIN_WORDS
    if calls or bare.count("SELECT") > 1 or bare.startswith("INSERT") or TELLING.search(bare):
        return {sql}
    if bare.startswith("UPDATE"):
        return {sql.split(" WHERE ")[0]}
    if bare.startswith("DELETE"):
        return {" ".join(sql.split()[:3])}
    ordered = ORDERED.search(sql)
    if ordered and ordered[2] not in ('"id" ASC', '"id" DESC'):
        return {f"ORDER {ordered[1]} {ordered[2]}"}
    return set()


# --- what each test sent -----------------------------------------------------------------------


@dataclass(eq=False)
class Recorder:
    """A plugin of pytest: one line per test in a file of ``folder`` of this process's own."""

    folder: Path
    sent: set[str] = field(default_factory=set)

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        found = telling(sql if isinstance(sql, str) else str(sql))
        self.sent |= found
        try:
            return execute(sql, params, many, context)
        except DatabaseError as error:
            self.sent |= {f"{type(error).__name__} {shape(str(sql))}"}
            raise

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        if self not in connection.execute_wrappers:
            connection.execute_wrappers.append(self)
        self.sent.clear()
        began = time.process_time()
        result = yield
        if item.get_closest_marker("slow") is None:  # it is not there to send it for others
            line = {
                "test": name_of(item),
                "seconds": time.process_time() - began,
                "sent": sorted(self.sent),
            }
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / f"{os.getpid()}.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")
        return result


@dataclass
class Seen:
    seconds: float = 0.0
    sent: set[str] = field(default_factory=set)


def read(folder: Path) -> dict[str, Seen]:
    """What each test sent in a run, by its name."""
    tests: dict[str, Seen] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            test = tests.setdefault(entry["test"], Seen())
            test.seconds += entry["seconds"]
            test.sent |= set(entry["sent"])
    return tests


def lost(folder: Path) -> list[str]:
    """One line for each spared test that should not be: it sends what no other sends."""
    tests = read(folder)
    kept = set[str]().union(*(test.sent for name, test in tests.items() if name not in spared()))
    return [
        f"{name}: {statement[:300]}"
        for name in sorted(spared() & tests.keys())
        for statement in sorted(tests[name].sent - kept)
    ]


def choose(tests: dict[str, Seen]) -> set[str]:
    """The tests to run: those never spared, then what adds most for its time, none in vain."""
    chosen = {name for name in tests if never_spared(name)}
    left = set[str]().union(*(test.sent for test in tests.values()))
    left -= set[str]().union(*(tests[name].sent for name in chosen))
    added: list[str] = []
    while left:
        best = max(
            sorted(tests.keys() - chosen),
            key=lambda name: len(tests[name].sent & left) / (tests[name].seconds + 0.03),
        )
        chosen.add(best)
        added.append(best)
        left -= tests[best].sent
    times = Counter(statement for name in chosen for statement in tests[name].sent)
    for name in sorted(added, key=lambda name: -tests[name].seconds):
        if all(times[statement] > 1 for statement in tests[name].sent):
            chosen.remove(name)
            times.subtract(tests[name].sent)
    return chosen


def main() -> None:
    tests = read(Path(sys.argv[1]))
    chosen = choose(tests)
    SPARED.write_text(HEAD + "\n".join(sorted(tests.keys() - chosen)) + "\n")
    seconds = sum(tests[name].seconds for name in chosen)
    whole = sum(test.seconds for test in tests.values())
    sys.stdout.write(f"{len(chosen)} of {len(tests)} run: {seconds:.0f} s of {whole:.0f}\n")


if __name__ == "__main__":
    main()
