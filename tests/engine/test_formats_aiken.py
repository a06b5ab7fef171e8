"""Aiken is read as Moodle reads it."""

from __future__ import annotations

import pytest

from kalan.engine.formats.aiken import read_aiken, write_aiken
from kalan.engine.formats.files import judged
from kalan.engine.formats.question import Answer, File, Question, Refusal, Text, made


def test_letters_with_dots_and_brackets() -> None:
    text = "Is 1 < 2 & 3?\nA. yes\nB. no\nANSWER: B\n\nOther\nA) a\nB)\tb\nC)c\nANSWER: C\n"
    found = judged(read_aiken(text))
    assert found.refused == []
    assert [q.text.text for q in found.questions] == ["Is 1 &lt; 2 &amp; 3?", "Other"]
    assert [[a.fraction for a in q.answers] for q in found.questions] == [[0, 100], [0, 0, 100]]
    assert found.questions[1].answers[2].text.text == "c"
    again = judged(read_aiken("".join(write_aiken(found.questions, pytest.fail))))
    assert again.questions == found.questions


def test_broken_questions_between_good_ones() -> None:
    text = (
        "Good\nA. a\nB. b\nANSWER: A\n\n"
        "Two lines\nof text\nA. a\nB. b\nANSWER: A\n\n"
        "One choice\nA. a\nANSWER: A\n\n"
        "No such letter\nA. a\nB. b\nANSWER: D\n\n"
        "Small letter\nA. a\nB. b\nANSWER: b\n\n"
        "A. before any question\nANSWER: A\n\n"
        "No answer\nA. a\nB. b\n"
    )
    found = judged(read_aiken(text))
    assert [q.name for q in found.questions] == ["Good", "of text"]
    assert [(r.line, r.name) for r in found.refused] == [
        (6, "Two lines"),
        (12, "One choice"),
        (16, "No such letter"),
        (21, "Small letter"),
        (26, "A. before any question"),
        (27, "ANSWER: A"),
        (29, "No answer"),
    ]


def test_what_aiken_cannot_hold_is_left_out() -> None:
    yes, no = Answer(made("a"), 100), Answer(made("b"), 0)
    picture = Text('<img src="x">', "html", (File("x", ""),))
    questions = [
        Question("essay", "essay", made("q q")),
        Question("multichoice", "two right", made("q q"), answers=(yes, yes)),
        Question("multichoice", "half", made("q q"), answers=(yes, Answer(made("b"), 50))),
        Question("multichoice", "looks", made("A. b"), answers=(yes, no)),
        Question("multichoice", "picture", picture, answers=(yes, no)),
        Question("multichoice", "fine", made("<p>q</p>\n<p>q &amp; r</p>"), answers=(yes, no)),
    ]
    left: list[Refusal] = []
    written = "".join(write_aiken(questions, left.append))
    assert [r.name for r in left] == ["essay", "two right", "half", "looks", "picture"]
    assert written == "q q & r\nA) a\nB) b\nANSWER: A\n\n"
