"""Plain words of a question, for search and for the warning that two questions are alike."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TypeVar

from kalan.base.text import fold
from kalan.skills.play import markup
from kalan.skills.play.shape import Stored

GRAM = 4
ALIKE = 0.4  # see tests/skills/test_play_words.py: rewordings above, different questions below

Named = TypeVar("Named")


def words(stored: Stored) -> str:
    """Text, choices, sides, steps, gaps and accepted answers on one line, without markup."""
    content, key = stored.content, stored.key
    found = [markup.plain(markup.GAP.sub(" ", content["text"]))]
    for listed in (content.get("choices"), content.get("lefts"), content.get("steps")):
        found += [markup.plain(one["text"]) for one in listed or []]
    found += [one["text"] for one in content.get("rights", [])]
    for gap in content.get("gaps", []):
        found += [one["text"] for one in gap.get("choices", [])]
    for parts in (key, *key.get("gaps", [])):
        found += [one["text"] for one in parts.get("answers", [])]
    return " ".join(part for part in found if part)


@lru_cache(maxsize=8192)
def _grams(text: str) -> frozenset[str]:
    folded = fold(text)
    return frozenset(folded[at : at + GRAM] for at in range(max(1, len(folded) - GRAM + 1)))


def similar(a_words: str, b_words: str) -> float:
    """How alike two questions are: share of common runs of 4 letters (Jaccard), 0 … 1.

    Accents, case and punctuation aside; order of choices hardly counts. From ``ALIKE`` on, warn.
    """
    one, two = _grams(a_words), _grams(b_words)
    common = len(one & two)
    return common / (len(one) + len(two) - common)


def nearest(
    text: str, others: Iterable[tuple[Named, str]], *, least: float = ALIKE, most: int = 5
) -> list[tuple[float, Named]]:
    """The ``most`` texts most like ``text``, the nearest first, none below ``least``."""
    found = [(similar(text, other), name) for name, other in others]
    kept = sorted((one for one in found if one[0] >= least), key=lambda one: -one[0])
    return kept[:most]
