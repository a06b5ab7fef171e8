"""Questions as files follow docs/decisions/0012-questions.md."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

QUESTIONS = Path(__file__).parents[2] / "packs" / "questions"
FILES = sorted(QUESTIONS.glob("*/*.toml"))
NAMES = [f"{path.parent.name}/{path.name}" for path in FILES]

DOMAINS = {"donnees", "cyber", "communication", "outils", "telesante"}
COUNTRIES = {"sn", "ml", "fr"}
AUDIENCES = {"infirmier", "sage-femme", "medecin", "gestionnaire", "asc"}
COMMON = {"code", "type", "competency", "audience", "countries", "difficulty", "text"}
COMMON |= {"explanation", "source", "reviewed"}
OWN = {
    "single": {"choices"},
    "multiple": {"choices"},
    "truefalse": {"answer"},
    "numeric": {"answer", "tolerance", "unit"},
    "short": {"answers", "typos"},
    "matching": {"pairs", "extra"},
    "ordering": {"steps"},
    "cloze": {"gaps"},
}
MAY_LACK = {"extra"}
FULL = 30  # questions from which a file must hold every type

Question = dict[str, Any]


def read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def texts(value: Any) -> Iterator[str]:
    """Every string that ``value`` holds."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


def distinct(values: list[str]) -> bool:
    return len({value.strip().casefold() for value in values}) == len(values)


# --- faults: one function a rule, each says what is wrong ------------------------------------


def key_faults(question: Question) -> Iterator[str]:
    kind = question.get("type")
    if kind not in OWN:
        yield f"type {kind!r}"
        return
    wanted = COMMON | OWN[kind]
    if missing := wanted - MAY_LACK - question.keys():
        yield f"lacks {sorted(missing)}"
    if strange := question.keys() - wanted:
        yield f"strange keys {sorted(strange)}"


def common_faults(question: Question) -> Iterator[str]:
    for key in ("competency", "text", "explanation"):
        if not question[key].strip():
            yield f"empty {key}"
    if not isinstance(question["source"], str) or not isinstance(question["reviewed"], bool):
        yield "source is a string, reviewed true or false"
    if not -2.5 <= question["difficulty"] <= 2.5:
        yield f"difficulty {question['difficulty']}"
    for key, known in (("countries", COUNTRIES), ("audience", AUDIENCES)):
        if not question[key] or not distinct(question[key]) or set(question[key]) - known:
            yield f"{key} {question[key]}"


def choice_faults(choices: list[dict[str, Any]], *, one: bool, keys: set[str]) -> Iterator[str]:
    if any(choice.keys() != keys for choice in choices):
        yield f"a choice has exactly the keys {sorted(keys)}"
        return
    if not all(isinstance(choice["right"], bool) for choice in choices):
        yield "right is true or false"
    right = sum(choice["right"] for choice in choices)
    if right < 1 or (one and right != 1):
        yield f"{right} right choices"
    if right == len(choices):
        yield "every choice is right"
    if not distinct([choice["text"] for choice in choices]):
        yield "two choices alike"


def type_faults(question: Question) -> Iterator[str]:
    match question["type"]:
        case "single" | "multiple" as kind:
            if not 3 <= len(question["choices"]) <= 6:
                yield f"{len(question['choices'])} choices"
            keys = {"text", "right", "feedback"}
            yield from choice_faults(question["choices"], one=kind == "single", keys=keys)
        case "truefalse":
            if not isinstance(question["answer"], bool):
                yield "answer is true or false"
        case "numeric":
            numbers = (question["answer"], question["tolerance"])
            if any(isinstance(n, bool) or not isinstance(n, int | float) for n in numbers):
                yield "answer and tolerance are numbers"
            elif question["tolerance"] < 0:
                yield "tolerance below 0"
        case "short":
            if not question["answers"] or not distinct(question["answers"]):
                yield "answers: at least one, no two alike"
            if not isinstance(question["typos"], bool):
                yield "typos is true or false"
        case "matching":
            pairs, extra = question["pairs"], question.get("extra", [])
            if not 3 <= len(pairs) <= 6:
                yield f"{len(pairs)} pairs"
            if any(pair.keys() != {"left", "right"} for pair in pairs):
                yield "a pair has left and right"
            elif not distinct([pair["left"] for pair in pairs]) or not distinct(
                [pair["right"] for pair in pairs] + extra
            ):
                yield "two sides alike"
        case "ordering":
            if not 3 <= len(question["steps"]) <= 6 or not distinct(question["steps"]):
                yield "steps: 3 to 6, no two alike"
        case "cloze":
            marks = re.findall(r"\{\{(\d+)\}\}", question["text"])
            if marks != [str(number + 1) for number in range(len(question["gaps"]))] or not marks:
                yield f"gaps {marks} in the text, {len(question['gaps'])} given"
            for gap in question["gaps"]:
                if gap.keys() == {"choices"}:
                    yield from choice_faults(gap["choices"], one=True, keys={"text", "right"})
                elif gap.keys() != {"answers"} or not gap["answers"]:
                    yield "a gap has choices or answers"


_PLAIN = re.compile(r"(?:^|[^\u00a0\u202f])[;!?»](?=[\s)».,…]|$)|(?: |^)[:%](?=[\s)».,;…]|$)")
_OPENED = re.compile(r"«[^\u00a0\u202f]")


def typography_faults(question: Question) -> Iterator[str]:
    for text in texts(question):
        if "'" in text or '"' in text:
            yield f"straight quote: {text}"
        if (_PLAIN.search(text) and text != "%") or _OPENED.search(text):
            yield f"no no-break space: {text}"
        if text != text.strip() or "  " in text or "..." in text:
            yield f"loose spaces or dots: {text}"


RULES = [key_faults, common_faults, type_faults, typography_faults]


def faults(question: Question) -> list[str]:
    """Wrong keys first: the other rules read them."""
    for rule in RULES:
        if found := list(rule(question)):
            return found
    return []


# --- the files -------------------------------------------------------------------------------


def test_there_are_questions() -> None:
    assert FILES


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_head_says_what_the_file_is(path: Path) -> None:
    content = read(path)
    assert content.keys() == {"domain", "language", "licence", "question"}
    assert content["domain"] in DOMAINS
    assert (content["language"], content["domain"]) == (path.parent.name, path.stem)
    assert content["licence"] == "CC BY-SA 4.0"


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_every_question_follows_the_decision(path: Path) -> None:
    found = {
        question.get("code", f"question {number}"): wrong
        for number, question in enumerate(read(path)["question"], start=1)
        if (wrong := faults(question))
    }
    assert found == {}


def test_codes_are_unique_across_files() -> None:
    codes = [question["code"] for path in FILES for question in read(path)["question"]]
    assert [code for code, times in Counter(codes).items() if times > 1] == []
    assert [code for code in codes if not re.fullmatch(r"[A-Z]{3}-\d{3}", code)] == []


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_full_file_holds_every_type(path: Path) -> None:
    kinds = Counter(question["type"] for question in read(path)["question"])
    if kinds.total() >= FULL:
        assert {kind: kinds[kind] for kind in OWN if kinds[kind] < 3} == {}
        assert kinds["single"] == max(kinds.values())
        assert kinds["single"] <= kinds.total() / 2


@pytest.mark.parametrize("path", FILES, ids=NAMES)
@pytest.mark.parametrize("extreme", [max, min])
def test_the_length_of_a_choice_is_no_clue(path: Path, extreme: Any) -> None:
    singles = [question for question in read(path)["question"] if question["type"] == "single"]
    betrayed = [
        question["code"]
        for question in singles
        if extreme(question["choices"], key=lambda choice: len(choice["text"]))["right"]
    ]
    assert len(betrayed) <= len(singles) / 2, betrayed


# --- the rules themselves --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Pourquoi\u00a0? « a »", True),
        ("Pourquoi ?", True),
        ("Pourquoi?", True),
        ("Voici : a", True),
        ("75 %", True),
        ("L'écran", True),
        ("Pourquoi\u00a0? «\u00a0a\u00a0»\u00a0: 75\u00a0%, https://a.example/b?c", False),
        ("%", False),
    ],
)
def test_typography_is_seen(text: str, wrong: bool) -> None:
    assert bool(list(typography_faults({"text": text}))) is wrong


def test_a_gap_without_its_mark_is_seen() -> None:
    gaps = [{"answers": ["a"]}, {"answers": ["b"]}]
    assert list(type_faults({"type": "cloze", "text": "Un {{1}}, deux {{2}}", "gaps": gaps})) == []
    assert list(type_faults({"type": "cloze", "text": "Un {{1}}", "gaps": gaps}))


def test_two_right_choices_are_seen_in_single_only() -> None:
    choices = [{"text": t, "right": t != "c", "feedback": ""} for t in "abc"]
    assert list(type_faults({"type": "single", "choices": choices})) == ["2 right choices"]
    assert list(type_faults({"type": "multiple", "choices": choices})) == []
