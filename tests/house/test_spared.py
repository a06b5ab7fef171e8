"""The list of tests that PostgreSQL need not see: true to the tests, and never about databases."""

from __future__ import annotations

import pytest

from tests.support import statements


def test_the_list_names_tests_that_stand_and_none_about_the_database() -> None:
    wrong = [
        name
        for name in sorted(statements.spared())
        if not statements.stands(name) or statements.never_spared(name)
    ]
    assert wrong == [], "take these lines off tests/spared_on_postgresql.txt"


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ('SELECT "a"."id", "a"."n" FROM "a" WHERE "a"."id" IN (%s, %s) LIMIT 1', False),
        ('SELECT COUNT(*) AS "__count" FROM "a" INNER JOIN "b" ON ("a"."id" = "b"."a_id")', False),
        ('SELECT "a"."id" FROM "a" ORDER BY "id" ASC', False),
        ('SELECT "a"."id" FROM "a" ORDER BY "a"."name" ASC', True),
        ('SELECT "a"."n", COUNT("a"."id") AS "c" FROM "a" GROUP BY "a"."n"', True),
        ('SELECT "a"."id" FROM "a" WHERE "a"."n" LIKE %s', True),
        ('SELECT "a"."id" FROM "a" WHERE UPPER("a"."n") = %s', True),
        ('SELECT "a"."id" FROM "a" WHERE EXISTS(SELECT 1 FROM "b")', True),
        ('SELECT "a"."id" FROM "a" WHERE "a"."id" = %s FOR UPDATE', True),
        ('SELECT ("a"."data" -> %s) FROM "a"', True),
        ('INSERT INTO "a" ("n") VALUES (%s)', True),
        ('UPDATE "a" SET "n" = %s WHERE "a"."id" = %s', True),
        ('DELETE FROM "a" WHERE "a"."id" IN (%s)', True),
        ("SAVEPOINT s1", False),
    ],
)
def test_what_can_come_out_otherwise_on_another_database(sql: str, found: bool) -> None:
    assert bool(statements.telling(sql)) == found


def test_statements_that_differ_by_their_values_are_one() -> None:
    several = 'INSERT INTO "a" ("n", "m") VALUES (%s, %s), (%s, %s)'
    assert statements.telling(several) == statements.telling(several.replace(", (%s, %s)", ""))
    search = 'SELECT 1 FROM "a" WHERE "n" LIKE %s AND "id" IN (%s, %s, %s)'
    assert statements.telling(search) == statements.telling(search.replace("%s, %s, %s", "%s, %s"))
