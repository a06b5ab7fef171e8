"""Folding: what people write differently folds to the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalan.base.text import fold, whole

ANY = st.text(st.characters(codec="utf-8"))


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Kédougou", "kedougou"),
        ("  N’DIAYE  -  Aïssatou ", "n diaye aissatou"),
        ("Guinguinéo (centre)", "guinguineo centre"),
        ("CSRéf « Ségou »", "csref segou"),
        ("ߒߞߏ", "ߒߞߏ"),
        ("Cœur", "coeur"),
        ("ᾳ\u0345", "αιι"),
        ("", ""),
    ],
)
def test_examples(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(ANY)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(ANY)
def test_case_does_not_matter(text: str) -> None:
    assert fold(text.casefold()) == fold(text)


@given(ANY, ANY)
def test_spaces_and_hyphens_are_alike(one: str, two: str) -> None:
    assert fold(f"{one} {two}") == fold(f"{one} - {two} ") == fold(f"{one}\t’{two}")


@given(ANY)
def test_no_space_is_doubled_or_left_at_the_ends(text: str) -> None:
    assert fold(text) == " ".join(fold(text).split())


@pytest.mark.parametrize(
    ("text", "number"),
    [("12", 12), ("007", 7), ("", None), ("²", None), ("٣", None), ("-1", None), ("9" * 6, None),
     ("9" * 5000, None)],
)  # fmt: skip
def test_a_number_is_read_from_its_ascii_digits(text: str, number: int | None) -> None:
    assert whole(text) == number
