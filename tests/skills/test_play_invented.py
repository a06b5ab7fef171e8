"""Invented answers reach the category they are filed under, for every question of the pack."""

from __future__ import annotations

import random
import tomllib

import pytest
from django.conf import settings

from kalan.skills.play.grade import grade, top
from kalan.skills.play.invented import answers
from kalan.skills.play.own import from_own

FILES = sorted((settings.PACKS_DIR / "questions" / "fr").glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_category_of_every_question_can_be_reached(path: object) -> None:
    with path.open("rb") as file:  # type: ignore[attr-defined]
        questions = tomllib.load(file)["question"]
    assert questions
    for question in questions:
        stored = from_own(question)
        found = answers(stored, random.Random(7))
        graded = [{grade(stored, given).category for given in kept} for kept in found]
        assert graded == [{category} for category in range(top(stored) + 1)], question["code"]
