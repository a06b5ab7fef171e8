"""A prepared query gives what Django's own gives, whatever the values."""

from __future__ import annotations

import datetime as dt

import pytest

from kalan.base.prepared import Prepared
from kalan.people.models import RoleGrant
from tests.factories import people

pytestmark = pytest.mark.django_db


def made(account: int, today: dt.date):  # type: ignore[no-untyped-def]
    return (
        RoleGrant.objects.filter(account=account, start__lte=today)
        .order_by("pk")
        .values_list("role", "node__path")
    )


def test_the_rows_are_those_of_the_query(tree: people.Tree, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    first = people.account("region", tree.fatick)
    second = people.account("trainer", tree.country)
    prepared = Prepared(made, int, dt.date)
    assert prepared.rows(first.pk, people.NOW.date()) == [("region", tree.fatick.path)]
    with django_assert_num_queries(1):
        assert prepared.rows(second.pk, people.NOW.date()) == [("trainer", tree.country.path)]
    assert prepared.rows(first.pk, people.LONG_AGO - dt.timedelta(days=1)) == []
    assert prepared.rows(first.pk, people.LONG_AGO) == [("region", tree.fatick.path)]
    assert prepared.rows(0, people.NOW.date()) == []


def test_a_value_that_the_query_drops_is_refused(tree: people.Tree) -> None:
    prepared = Prepared(lambda account, today: made(account, people.LONG_AGO), int, dt.date)
    with pytest.raises(ValueError, match="does not reach"):
        prepared.rows(1, people.LONG_AGO)
