"""Every question of the packs is fine, answers to its own key, and is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.http import QueryDict

from kalan.engine.formats.own import question_of
from kalan.skills.play.content import from_own, problems, to_own, to_question
from kalan.skills.play.given import Given, describe, read
from kalan.skills.play.grade import Grade, grade, ideal, top
from kalan.skills.play.show import question, review
from tests.skills.play_questions import pack, stored

CODES = sorted(pack())


def posted(given: Given) -> QueryDict:
    """``given`` as a browser posts it."""
    data = QueryDict(mutable=True)
    for one in [*given.get("choices", []), given.get("choice", ""), given.get("text", "")]:
        data.appendlist("r", one)
    for left, right in given.get("pairs", {}).items():
        data[f"r{left}"] = right
    for step, rank in given.get("ranks", {}).items():
        data[f"r{step}"] = str(rank)
    for number, value in given.get("gaps", {}).items():
        data.setlist(f"r{number}", value if isinstance(value, list) else [value])
    return data


def test_the_packs_hold_every_kind() -> None:
    assert len(CODES) >= 234
    assert {one["type"] for one in pack().values()} == {
        *("single", "multiple", "truefalse", "numeric"),
        *("short", "matching", "ordering", "cloze"),
    }


@pytest.mark.parametrize("code", CODES)
def test_question_of_the_packs(code: str) -> None:
    one = stored(code)
    assert problems(one) == []
    right = ideal(one)
    assert grade(one, right) == Grade(top(one), top(one), 1.0, True)
    assert grade(one, {}) == Grade(0, top(one), 0.0, False)
    assert read(one.kind, one.content, posted(right)) == right
    assert describe(one.content, right) != "Sans réponse"
    assert question(one.content, seed=1)
    assert "Bonne réponse" in review(one, right)


@pytest.mark.parametrize("code", CODES)
def test_question_of_the_packs_goes_and_comes_back(code: str) -> None:
    one = stored(code)
    neutral = question_of(pack()[code], "Kalan/cyber")
    assert to_question(one, code, "Kalan/cyber") == neutral
    edited = {**to_own(one), "code": code, "competency": pack()[code]["competency"]}
    assert from_own(edited) == replace(one)
