"""Hidden groups, and those that would give them back."""

from __future__ import annotations

import pytest

from kalan.base.small_groups import masked, subtractable

LEAST = 10


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        ({"a": 15, "b": 11}, set()),
        ({"a": 15, "b": 11, "c": 4}, {"b", "c"}),
        ({"a": 15, "b": 6, "c": 4}, {"b", "c"}),  # ten together: they may be subtracted
        ({"a": 15, "b": 5, "c": 4}, {"a", "b", "c"}),
        ({"a": 15, "b": 0}, set()),
        ({"a": 9}, {"a"}),
    ],
)
def test_the_smallest_others_are_hidden_with_the_small(
    counts: dict[str, int], hidden: set[str]
) -> None:
    assert masked(counts, LEAST) == hidden


def test_a_group_is_set_against_every_wider_one_and_those_beside() -> None:
    cells = {("s", "ide", "F"): 20, ("s", "ide", "M"): 4, ("s", "sfe", "F"): 13}
    assert subtractable(cells, (None, "ide", "F"), LEAST) is True  # leaves four men
    assert subtractable(cells, (None, "ide", None), LEAST) is False
    assert subtractable(cells, (None, None, None), LEAST) is False
    assert subtractable({("s", "ide", "F"): 20}, ("s", "ide", "F"), LEAST) is False
