"""Kalan's own questions (``docs/decisions/0012-questions.md``) in the neutral model."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from html import escape
from typing import Any

from kalan.engine.formats.gift_read import written
from kalan.engine.formats.question import (
    Answer,
    BrokenQuestionError,
    Found,
    Gap,
    Pair,
    Question,
    Refusal,
    Text,
    Unit,
    made,
)

_HEAD = re.compile(r"^\s*\[\[question\]\]", re.M)


def read_own(text: str) -> Found:
    """Every question of a TOML file, in a category of the name of its domain."""
    found = Found()
    try:
        file = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        line = re.search(r"line (\d+)", str(wrong))
        reason = f"Le fichier n’est pas du TOML\u00a0: {wrong}."
        return Found(refused=[Refusal(int(line[1]) if line else 1, "", reason)])
    lines = [text.count("\n", 0, head.end()) + 1 for head in _HEAD.finditer(text)]
    found.category("/".join(("Kalan", str(file.get("domain", "")))).rstrip("/"))
    questions = file.get("question", [])
    for rank, one in enumerate(questions if isinstance(questions, list) else []):
        start = lines[rank] if rank < len(lines) else 1
        try:
            found.add(question_of(one, found.current, start))
        except BrokenQuestionError as broken:
            found.add(Refusal(start, str(one.get("code", "")), str(broken)))
        except (KeyError, TypeError, ValueError, AttributeError) as wrong:
            reason = f"La question ne suit pas le format de Kalan\u00a0: {wrong}."
            found.add(Refusal(start, str(one.get("code", "")), reason))
    return found


class Html(str):
    """Words that are HTML already: a form hands them over, a TOML file never does."""

    __slots__ = ()


def _html(words: str) -> Text:
    if isinstance(words, Html):
        return made(str(words), "html")
    return made(escape(words, quote=False).replace("\n", "<br>"), "html")


def question_of(one: dict[str, Any], category: str = "", line: int = 0) -> Question:
    """One question of a TOML file. Raises ``BrokenQuestionError`` on an unknown type, and what
    Python raises for a key that is missing or holds something else."""
    base = Question(
        "description",
        one["code"],
        _html(one["text"]),
        general=_html(one.get("explanation", "")),
        category=category,
        tags=(one["competency"],),
        id_number=one["code"],
        line=line,
    )
    if one["type"] not in _TYPES:
        raise BrokenQuestionError(f"Le type «\u00a0{one['type']}\u00a0» n’existe pas.")
    return _TYPES[one["type"]](one, base)


def _choice(one: dict[str, Any], right: float, wrong: float) -> Answer:
    fraction = right if one["right"] else wrong
    return Answer(_html(one["text"]), fraction, _html(one.get("feedback", "")))


def _single(one: dict[str, Any], base: Question) -> Question:
    answers = tuple(_choice(choice, 100.0, 0.0) for choice in one["choices"])
    return replace(base, kind="multichoice", answers=answers)


def _multiple(one: dict[str, Any], base: Question) -> Question:
    """Right choices share the mark; ticking everything brings nothing."""
    right = sum(1 for choice in one["choices"] if choice["right"])
    wrong = len(one["choices"]) - right
    shares = round(100 / max(right, 1), 5), -round(100 / max(wrong, 1), 5)
    answers = tuple(_choice(choice, *shares) for choice in one["choices"])
    return replace(base, kind="multichoice", single=False, answers=answers)


def _truefalse(one: dict[str, Any], base: Question) -> Question:
    true = 100.0 if one["answer"] else 0.0
    answers = (Answer(made("true", "plain"), true), Answer(made("false", "plain"), 100.0 - true))
    return replace(base, kind="truefalse", answers=answers)


def _numeric(one: dict[str, Any], base: Question) -> Question:
    value = made(written(one["answer"]), "plain")
    answer = Answer(value, 100.0, tolerance=float(one.get("tolerance", 0)))
    units = (Unit(one["unit"]),) if one.get("unit") else ()
    return replace(base, kind="numerical", answers=(answer,), units=units)


def _short(one: dict[str, Any], base: Question) -> Question:
    answers = tuple(Answer(made(words, "plain"), 100.0) for words in one["answers"])
    return replace(base, kind="shortanswer", answers=answers)


def _matching(one: dict[str, Any], base: Question) -> Question:
    pairs = [Pair(_html(pair["left"]), pair["right"]) for pair in one["pairs"]]
    pairs += [Pair(made(""), words) for words in one.get("extra", [])]
    return replace(base, kind="matching", pairs=tuple(pairs))


def _ordering(one: dict[str, Any], base: Question) -> Question:
    return replace(base, kind="ordering", steps=tuple(_html(step) for step in one["steps"]))


def _cloze(one: dict[str, Any], base: Question) -> Question:
    words = re.sub(r"\{\{([0-9]+)\}\}", r"{#\1}", base.text.text)
    gaps = tuple(_gap(gap) for gap in one["gaps"])
    text = replace(base.text, text=words)
    return replace(base, kind="multianswer", text=text, gaps=gaps, mark=float(len(gaps)))


def _gap(gap: dict[str, Any]) -> Gap:
    if "choices" in gap:  # in the files the right one may always come first
        return Gap("MULTICHOICE_S", tuple(_choice(one, 100.0, 0.0) for one in gap["choices"]))
    return Gap("SHORTANSWER", tuple(Answer(made(one, "plain"), 100.0) for one in gap["answers"]))


_TYPES: dict[str, Callable[[dict[str, Any], Question], Question]] = {
    "single": _single,
    "multiple": _multiple,
    "truefalse": _truefalse,
    "numeric": _numeric,
    "short": _short,
    "matching": _matching,
    "ordering": _ordering,
    "cloze": _cloze,
}
