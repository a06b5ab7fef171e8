"""Our own questions (``docs/decisions/0012-questions.md``) to and from what is stored.

Beside the keys of the TOML files a form may give ``html = true`` (texts are HTML, cleaned here),
``name``, ``fixed`` (choices stay in this order), ``weight`` of a choice in per cent, ``case`` and
``accents`` (they count), and ``answers`` as ``{text, weight, feedback}``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kalan.engine.formats.own import Html, question_of
from kalan.engine.formats.question import Answer, Gap, Question, made
from kalan.skills.play import markup
from kalan.skills.play.markup import Keep
from kalan.skills.play.neutral import from_question
from kalan.skills.play.shape import Choice, Parts, Stored

_WORDS = ("text", "explanation", "feedback", "left")


def from_own(one: dict[str, Any], keep: Keep = markup.by_digest) -> Stored:
    """What is stored of a question in the form of our files.

    Raises ``BrokenQuestionError`` (unknown type) and ``KeyError`` (a key is missing).
    """
    plain = _plainer(one)
    question = question_of(_rich(plain) if one.get("html") else plain)
    question = replace(question, name=one.get("name", question.name), **_finer(one, question))
    stored = from_question(question, keep)
    if source := str(one.get("source", "")).strip():
        stored.key["source"] = source
    for flag in ("case", "accents", "typos"):
        if one.get(flag) and stored.kind == "short":
            stored.key[flag] = True
    for gap, kept in zip(one.get("gaps", []), stored.key.get("gaps", []), strict=False):
        for flag in ("case", "accents", "typos"):
            if gap.get(flag) and "answers" in kept:
                kept[flag] = True  # type: ignore[literal-required]
    return stored


def _rich(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _rich(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return [_rich(each, key) for each in value]
    return Html(value) if isinstance(value, str) and key in (*_WORDS, "steps") else value


def _words(answer: Any) -> str:
    return str(answer["text"] if isinstance(answer, dict) else answer)


def _plainer(one: dict[str, Any]) -> dict[str, Any]:
    """As in a TOML file: accepted answers are strings, and nothing is missing that may be."""
    plain = {"code": "", "competency": "", **one}
    if "answers" in one:
        plain["answers"] = [_words(answer) for answer in one["answers"]]
    plain["gaps"] = [
        {**gap, "answers": [_words(answer) for answer in gap["answers"]]}
        if "answers" in gap
        else gap
        for gap in one.get("gaps", [])
    ]
    return plain


def _finer(one: dict[str, Any], question: Question) -> dict[str, Any]:
    """What the TOML files cannot say: weights, feedback of accepted answers, a fixed order."""
    finer: dict[str, Any] = {"shuffle": not one.get("fixed", False)}
    finer["tags"] = tuple(tag for tag in question.tags if tag)
    if "choices" in one:
        finer["answers"] = _weighed(question.answers, one["choices"])
    if "answers" in one and question.kind == "shortanswer":
        finer["answers"] = _weighed(question.answers, one["answers"])
    if question.gaps:
        finer["gaps"] = tuple(
            _gap(gap, kept) for gap, kept in zip(question.gaps, one["gaps"], strict=True)
        )
    return finer


def _gap(gap: Gap, one: dict[str, Any]) -> Gap:
    return replace(gap, answers=_weighed(gap.answers, one.get("choices") or one["answers"]))


def _weighed(answers: tuple[Answer, ...], said: list[Any]) -> tuple[Answer, ...]:
    found = []
    for answer, one in zip(answers, said, strict=True):
        if isinstance(one, dict) and "weight" in one:
            answer = replace(answer, fraction=float(one["weight"]))
        if isinstance(one, dict) and one.get("feedback") and not answer.feedback.text:
            answer = replace(answer, feedback=made(one["feedback"], "html"))
        found.append(answer)
    return tuple(found)


def to_own(stored: Stored) -> dict[str, Any]:
    """The question as a form shows it: ``from_own`` of it asks and grades the same.

    Texts are HTML (``html`` is true). Not in it: pictures, which forms hold beside.
    """
    content, key = stored.content, stored.key
    one: dict[str, Any] = {"type": stored.kind, "html": True, "text": content["text"]}
    one |= {"explanation": key.get("explanation", ""), "source": key.get("source", "")}
    match stored.kind:
        case "single" | "multiple":
            one["choices"] = _own_choices(content["choices"], key, stored.kind)
            one["fixed"] = content.get("fixed", False)
        case "truefalse":
            one["answer"] = key["answer"]
        case "numeric":
            first = key["answers"][0]
            one["answer"] = float(first["text"]) if first["text"] != "*" else 0.0
            one["tolerance"] = first.get("tolerance", 0.0)
            one["unit"] = content.get("unit", "")
        case "short":
            one |= _own_answers(key)
        case "matching":
            lefts = {left["id"]: left["text"] for left in content["lefts"]}
            rights = {right["id"]: right["text"] for right in content["rights"]}
            pairs = [(pair["left"], rights[pair["right"]]) for pair in key["pairs"]]
            one["pairs"] = [
                {"left": lefts[left], "right": right} for left, right in pairs if left is not None
            ]
            one["extra"] = [right for left, right in pairs if left is None]
        case "ordering":
            steps = {step["id"]: step["text"] for step in content["steps"]}
            one["steps"] = [steps[name] for name in key["steps"]]
        case "cloze":
            one["text"] = markup.GAP.sub(r"{{\1}}", content["text"])
            one["gaps"] = [
                {"choices": _own_choices(shown["choices"], kept, "single", plain=True)}
                if "choices" in shown
                else _own_answers(kept)
                for shown, kept in zip(content["gaps"], key["gaps"], strict=True)
            ]
    return one


def _own_choices(
    choices: list[Choice], key: Parts, kind: str, *, plain: bool = False
) -> list[dict[str, Any]]:
    words = {one["id"]: one["text"] for one in choices}
    said, weights = key.get("feedback", {}), key["weights"]
    usual = _usual(weights, kind)
    found = []
    for name in key["order"]:
        text = markup.escaped(words[name]) if plain else words[name]
        one: dict[str, Any] = {"text": text, "right": weights[name] > 0}
        one["feedback"] = said.get(name, "")
        if weights != usual:
            one["weight"] = weights[name]
        found.append(one)
    return found


def _usual(weights: dict[str, float], kind: str) -> dict[str, float]:
    """The weights that ``right`` alone gives."""
    right = sum(1 for weight in weights.values() if weight > 0)
    wrong = len(weights) - right
    up, down = 100.0, 0.0
    if kind == "multiple":
        up, down = round(100 / max(right, 1), 5), -round(100 / max(wrong, 1), 5)
    return {name: up if weight > 0 else down for name, weight in weights.items()}


def _own_answers(key: Parts) -> dict[str, Any]:
    answers: list[Any] = []
    for one in key["answers"]:
        if one["weight"] == 100 and not one.get("feedback"):
            answers.append(one["text"])
        else:
            feedback = one.get("feedback", "")
            answers.append({"text": one["text"], "weight": one["weight"], "feedback": feedback})
    flags = {name: key.get(name, False) for name in ("case", "accents", "typos")}
    return {"answers": answers, **flags}
