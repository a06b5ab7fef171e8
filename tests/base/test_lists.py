"""Keyset pages: each row once, whatever its name; a cursor that was tampered with does no harm."""

from __future__ import annotations

import base64
import json

import pytest
from django.test import RequestFactory
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from kalan.base.lists import Page, paginate
from kalan.people.models import Cadre

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=8)


def page(query: str = "", *, order: tuple[str, ...], size: int) -> Page[Cadre]:
    return paginate(
        Cadre.objects.all(), RequestFactory().get("/liste/" + query), order=order, size=size
    )


def walk(order: tuple[str, ...], size: int) -> list[int]:
    """The keys of all pages, in the order in which a person sees them."""
    seen: list[int] = []
    found = page(order=order, size=size)
    while True:
        assert len(found.rows) <= size
        seen += [row.pk for row in found.rows]
        if found.next_query is None:
            return seen
        found = page(found.next_query, order=order, size=size)


class Walking(TestCase):
    @settings(max_examples=40)
    @given(
        st.lists(st.tuples(WORDS, st.integers(0, 3)), max_size=25),
        st.integers(1, 7),
        st.sampled_from([("title", "pk"), ("-rank", "title", "-pk"), ("rank", "-title", "pk")]),
    )
    def test_every_row_once(
        self, rows: list[tuple[str, int]], size: int, order: tuple[str, ...]
    ) -> None:
        Cadre.objects.bulk_create(
            Cadre(country="sn", code=str(number), title=title, rank=rank)
            for number, (title, rank) in enumerate(rows)
        )
        expected = list(Cadre.objects.order_by(*order).values_list("pk", flat=True))
        assert walk(order, size) == expected


@pytest.fixture
def three(db: None) -> None:
    for number in range(3):
        Cadre.objects.create(country="sn", code=str(number), title="sage-femme", rank=number)


@pytest.mark.usefixtures("three")
def test_filters_stay_in_the_addresses() -> None:
    first = page("?q=a%20b&page=x", order=("rank", "pk"), size=2)
    assert first.first_query is None
    assert first.next_query is not None
    assert first.next_query.startswith("?q=a+b&page=x&apres=")
    second = page(first.next_query, order=("rank", "pk"), size=2)
    assert (second.first_query, second.next_query) == ("?q=a+b&page=x", None)
    assert [row.rank for row in second.rows] == [2]


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    "values",
    [["x", "y"], [1], None, [1, None], [{"a": 1}, 2], ["\x00", 1], [10**40, 1], "\ud800", [[], 1]],
)
def test_a_made_up_cursor_gives_a_page(values: object) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(values).encode()).decode()
    assert page(f"?apres={cursor}", order=("rank", "pk"), size=2).rows is not None


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("cursor", ["%%%", "a", "é", "e30", "=" * 9, "W" * 5000])
def test_an_unreadable_cursor_gives_the_first_page(cursor: str) -> None:
    found = page(f"?apres={cursor}", order=("rank", "pk"), size=2)
    assert [row.rank for row in found.rows] == [0, 1]
    assert found.first_query is None


@pytest.mark.usefixtures("three")
def test_a_page_costs_one_query(django_assert_num_queries: object) -> None:
    for size in (1, 3):
        with django_assert_num_queries(1):  # type: ignore[operator]
            page(order=("rank", "pk"), size=size)
