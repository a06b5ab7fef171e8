"""Grades an answer: an exact fraction of the mark, and a category for the item response model.

One rule makes the category everywhere: the fraction folded down into ``top`` steps,
``floor(fraction * top)``, so that the highest category means « all right » and nothing else. The
dichotomous kinds have ``top`` 1; the others as many steps as parts, at most 3: above that, hardly
anyone falls in the middle categories and their steps cannot be estimated.

- multiple: weights of what is ticked, never below 0. A wrong choice takes away at least its share
  of the wrong ones, so that ticking everything brings nothing (parts: the right choices).
- matching: left sides with their right side (parts: left sides).
- ordering: steps that come right after the step they should follow, out of n - 1: Moodle's
  default, RELATIVE_NEXT_EXCLUDE_LAST (qtype_ordering, « grading types »), so that both grade
  alike. By chance it is worth 1/n. Pairs in the right order (Kendall 1938) would be worth 1/2 by
  chance, which the partial credit model does not allow for; the longest ordered subset never
  falls below 1 step. Steps given the same rank, or none, follow nothing.
- cloze: gaps, by their weights (parts: gaps).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from kalan.skills.play import markup
from kalan.skills.play.given import Given
from kalan.skills.play.match import best, number_rank
from kalan.skills.play.shape import FALSE, TRUE, GapKey, Parts, Stored

TOP = 3
_NEAR = 1e-9


@dataclass(frozen=True, slots=True)
class Grade:
    """``category`` 0 … ``top``; ``fraction`` 0 … 1 of the mark; ``right``: all of it."""

    category: int
    top: int
    fraction: float
    right: bool


def top(stored: Stored) -> int:
    """The highest category of a question: 1 to 3."""
    match stored.kind:
        case "multiple":
            parts = sum(1 for weight in stored.key["weights"].values() if weight > 0)
        case "matching":
            parts = len(stored.content["lefts"])
        case "ordering":
            parts = len(stored.content["steps"]) - 1
        case "cloze":
            parts = len(stored.content["gaps"])
        case _:
            parts = 1
    return max(1, min(TOP, parts))


def grade(stored: Stored, given: Given) -> Grade:
    """The grade of an answer that ``given.read`` gave for this version; blank is 0."""
    share = _fraction(stored, given) if given else 0.0
    share = 1.0 if share > 1 - _NEAR else 0.0 if share < _NEAR else share
    highest = top(stored)
    category = math.floor(share * highest + _NEAR)
    return Grade(category, highest, share, share == 1.0)


def _fraction(stored: Stored, given: Given) -> float:
    content, key = stored.content, stored.key
    match stored.kind:
        case "single":
            return max(0.0, key["weights"].get(given["choice"], 0.0) / 100)
        case "multiple":
            return _ticked(key["weights"], given["choices"])
        case "truefalse":
            return float(given["choice"] == (TRUE if key["answer"] else FALSE))
        case "numeric" | "short":
            rank = typed_rank(stored, given["text"])
            return 0.0 if rank is None else max(0.0, key["answers"][rank]["weight"] / 100)
        case "matching":
            wanted = {pair["left"]: pair["right"] for pair in key["pairs"] if pair["left"]}
            found = sum(given["pairs"].get(left) == right for left, right in wanted.items())
            return found / max(len(wanted), 1)
        case "ordering":
            return _followed(key["steps"], given["ranks"])
        case "cloze":
            marks = sum(gap["mark"] for gap in key["gaps"])
            found_marks = sum(
                gap["mark"] * gap_fraction(gap, given["gaps"].get(str(rank)), content["text"])
                for rank, gap in enumerate(key["gaps"], start=1)
            )
            return found_marks / max(marks, 1)


def _ticked(weights: dict[str, float], ticked: Iterable[str]) -> float:
    """Right choices share the mark; each wrong one takes away its share of the wrong ones."""
    full = sum(weight for weight in weights.values() if weight > 0)
    wrong = sum(1 for weight in weights.values() if weight <= 0)
    if not full:
        return 0.0
    share = 0.0
    for one in ticked:
        weight = weights.get(one, 0.0)
        share += weight / full if weight > 0 else min(weight / 100, -1 / wrong)
    return max(0.0, share)


def _followed(order: list[str], ranks: dict[str, int]) -> float:
    taken = list(ranks.values())
    alone = {step: rank for step, rank in ranks.items() if taken.count(rank) == 1}
    pairs = list(pairwise(order))
    found = sum(
        one in alone and two in alone and alone[two] == alone[one] + 1 for one, two in pairs
    )
    return found / max(len(pairs), 1)


def typed_rank(stored: Stored, typed: str) -> int | None:
    """Rank of the accepted answer that a typed one gives (numeric, short)."""
    if stored.kind == "short":
        return best(stored.key["answers"], typed, stored.key)
    context = markup.plain(stored.content["text"])
    return number_rank(stored.key["answers"], typed, stored.key.get("units", []), context)


def gap_rank(gap: GapKey, typed: str, text: str) -> int | None:
    if gap["type"] == "NUMERICAL":
        return number_rank(gap["answers"], typed, [], markup.plain(text))
    return best(gap["answers"], typed, gap)


def gap_fraction(gap: GapKey, value: str | list[str] | None, text: str) -> float:
    """0 … 1 for one gap; ``text``: that of the question, whose words may follow a number."""
    if not value:
        return 0.0
    if isinstance(value, list):
        return min(1.0, _ticked(gap["weights"], value))
    if "weights" in gap:
        return max(0.0, gap["weights"].get(value, 0.0) / 100)
    rank = gap_rank(gap, value, text)
    return 0.0 if rank is None else max(0.0, gap["answers"][rank]["weight"] / 100)


# --- the right answer ------------------------------------------------------------------------


def ideal(stored: Stored) -> Given:
    """An answer that is all right, as ``given.read`` would give it."""
    content, key = stored.content, stored.key
    match stored.kind:
        case "single":
            return {"choice": _heaviest(key)}
        case "multiple":
            return {"choices": sorted(name for name, one in key["weights"].items() if one > 0)}
        case "truefalse":
            return {"choice": TRUE if key["answer"] else FALSE}
        case "numeric":
            return {"text": _model(key)}
        case "short":
            return {"text": _model(key)}
        case "matching":
            return {"pairs": {one["left"]: one["right"] for one in key["pairs"] if one["left"]}}
        case "ordering":
            return {"ranks": {name: rank for rank, name in enumerate(key["steps"], start=1)}}
        case "cloze":
            gaps: dict[str, str | list[str]] = {}
            both = zip(content["gaps"], key["gaps"], strict=True)
            for rank, (shown, gap) in enumerate(both, start=1):
                if shown["kind"] == "several":
                    gaps[str(rank)] = sorted(n for n, one in gap["weights"].items() if one > 0)
                else:
                    gaps[str(rank)] = _heaviest(gap) if "weights" in gap else _model(gap)
            return {"gaps": gaps}


def _heaviest(parts: Parts) -> str:
    return max(parts["order"], key=lambda name: parts["weights"][name])


def _model(parts: Parts) -> str:
    """The accepted answer to show: the first of full weight, its ``*`` left out."""
    words = max(parts["answers"], key=lambda one: one["weight"])["text"]
    kept = words.replace("\\*", "\0").replace("*", "").replace("\0", "*")
    return " ".join(kept.split())
