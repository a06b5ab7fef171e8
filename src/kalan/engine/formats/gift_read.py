"""GIFT, read as Moodle reads it (docs.moodle.org, « GIFT format »).

Blank lines part the questions, ``//`` begins a comment line, a backslash takes its meaning from
``~ = # { } :`` and ``\\n`` is a line end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from kalan.engine.formats.checks import number
from kalan.engine.formats.question import (
    BLANKS,
    EMPTY,
    FORMATS,
    Answer,
    BrokenQuestionError,
    Format,
    Found,
    Pair,
    Question,
    Refusal,
    Text,
    default_name,
    few,
    made,
)

# Escaped characters wait as noncharacters (U+FDD0…): no text can hold these.
_ESCAPED = "~=#{}:\n"
_AWAY = {sign: chr(0xFDD0 + rank) for rank, sign in enumerate(_ESCAPED)}
_BACK = {ord(away): sign for sign, away in _AWAY.items()}
_BACKSLASH = re.compile(r"\\([\\~=#{}:n])")
_ID = re.compile(r"\[id:([^\]\[\\<>`\x00-\x1f]+)\]")
_TAG = re.compile(r"\[tag:([^\]\[\\<>`\x00-\x1f]+)\]")
_WEIGHT = re.compile(r"%(-*[0-9]{1,2}\.?[0-9]*)%")
_ORDER = re.compile(r"\A>[ \t]*(?:[0-9]+(?![0-9A-Za-z]))?(?P<words>[^\n]{0,200})(?:\n|\Z)")
_ORDER_WORDS = re.compile(
    r"ALL|EXACT|REL|RANDOM|CONTIG|CONTIGUOUS|HORIZONTAL|HORI|H|VERTICAL|VERT|V|0|1|ABSOLUTE|ABS"
    r"|ABSOLUTE_POSITION|ALL_OR_NOTHING|RELATIVE|RELATIVE_(?:NEXT_(?:EX|IN)CLUDE_LAST|TO_CORRECT)"
    r"|RELATIVE_(?:ONE|ALL)_PREVIOUS_AND_NEXT|LONGEST_(?:ORDERED|CONTIGUOUS)_SUBSET"
    r"|SHOW|HIDE|TRUE|FALSE|YES|NO|NONE|123|ABC|ABCD|III|IIII"
)


def read_gift(text: str) -> Found:
    """Every question of a GIFT text, with a reason for each it cannot read."""
    found = Found()
    for line, block, comments in _blocks(text):
        whole = _hide(block)
        if whole.startswith("$CATEGORY:"):
            category, _, rest = whole[10:].partition("\n")
            found.category(_show(category))
            if rest := rest.strip(BLANKS):
                reason = (
                    "Laissez une ligne vide après $CATEGORY\u00a0: Moodle ignore cette question."
                )
                found.add(Refusal(line + 1, _name(rest)[0], reason))
            continue
        try:
            question = _question(whole, found.current, line)
            found.add(replace(question, **_labels(comments)))
        except BrokenQuestionError as broken:
            found.add(Refusal(line, _name(whole)[0], str(broken)))
    return found


def _blocks(text: str) -> Iterator[tuple[int, str, str]]:
    """(line of the first word, text, comments) of what stands between blank lines."""
    kept: list[str] = []
    comments: list[str] = []
    start = 0
    for rank, line in enumerate([*text.split("\n"), ""], start=1):
        bare = line.strip(BLANKS)
        if bare and not bare.startswith("//"):
            start = start or rank
            kept.append(bare)
        elif bare:
            comments.append(bare)
        else:
            if kept:
                yield start, "\n".join(kept), "\n".join(comments)
            kept, comments, start = [], [], 0


def _labels(comments: str) -> dict[str, Any]:
    """Number and tags, which Moodle writes in comments: ``// [id:a] [tag:b]``."""
    number = _ID.search(comments)
    return {"id_number": number[1] if number else "", "tags": tuple(_TAG.findall(comments))}


def _hide(text: str) -> str:
    def away(found: re.Match[str]) -> str:
        sign = found.group(1)
        return "\\" if sign == "\\" else _AWAY["\n" if sign == "n" else sign]

    return _BACKSLASH.sub(away, text)


def _show(text: str) -> str:
    return text.strip(BLANKS).translate(_BACK).strip(BLANKS)


def _name(whole: str) -> tuple[str, str]:
    """(name, the rest); a question without a name has the beginning of its text."""
    if whole.startswith("::") and (end := whole.find("::", 2)) > 0:
        return " ".join(_show(whole[2:end]).split()), whole[end + 2 :].strip(BLANKS)
    words = _text(whole.split("{")[0] if "{" in whole else whole, "moodle").text
    return default_name(words), whole


def _text(text: str, default: Format) -> Text:
    text = text.strip(BLANKS)
    if text.startswith("["):
        for name in FORMATS:
            if text.startswith(f"[{name}]"):
                return made(_show(text[len(name) + 2 :]), name)
    return made(_show(text), default)


def _braces(whole: str) -> tuple[int, int]:
    start, end = whole.find("{"), whole.find("}")
    if start < 0 <= end:
        raise BrokenQuestionError("Une accolade fermante } n’a pas d’ouvrante {.")
    if end < 0 <= start:
        raise BrokenQuestionError(
            "L’accolade { n’est pas refermée\u00a0: écrivez \\{ pour le signe, et ne laissez pas "
            "de ligne vide dans une question."
        )
    if end < start:
        raise BrokenQuestionError("L’accolade fermante } vient avant l’ouvrante {.")
    return start, end


def _question(whole: str, category: str, line: int) -> Question:
    name, whole = _name(whole)
    start, end = _braces(whole)
    if start < 0:
        text = _text(whole, "moodle")
        _said(text)
        return Question(
            "description", name or default_name(text.text), text, category=category, line=line
        )
    inside = whole[start + 1 : end].strip(BLANKS)
    blank = "" if whole.endswith("}") and end == len(whole) - 1 else "_____"
    text = _text(whole[:start] + blank + whole[end + 1 :], "moodle")
    _said(text)
    inside, parted, general = inside.rpartition("####")
    if not parted:
        inside, general = general, ""
    made_of = Question(
        "essay",
        name or default_name(text.text),
        text,
        general=_text(general, text.format),
        category=category,
        line=line,
    )
    return _typed(made_of, inside.strip(BLANKS))


def _said(text: Text) -> None:
    if text == EMPTY:
        raise BrokenQuestionError("La question n’a pas de texte.")


def _typed(question: Question, inside: str) -> Question:
    form = question.text.format
    if not inside:
        return question
    if inside[0] == ">" and (steps := _steps(inside)):
        return replace(question, kind="ordering", steps=steps)
    if inside[0] == "#":
        return replace(question, kind="numerical", answers=_numbers(inside[1:], form))
    if "~" in inside:
        answers = tuple(_choice(one, form) for one in _parts(inside.replace("=", "~="), "~"))
        return replace(question, kind="multichoice", single="=" in inside, answers=answers)
    if "=" in inside and "->" in inside:
        return replace(question, kind="matching", pairs=_pairs(inside, form))
    if inside.split("#")[0].strip(BLANKS) in ("T", "TRUE", "F", "FALSE"):
        return replace(question, kind="truefalse", answers=_true_false(inside, form))
    answers = tuple(_short(one, form) for one in _parts(inside, "="))
    return replace(question, kind="shortanswer", answers=answers)


def _parts(inside: str, sign: str) -> list[str]:
    """What stands between the signs; like Moodle, an empty answer is none."""
    few(inside.count(sign))
    return [part for one in inside.split(sign) if (part := one.strip(BLANKS))]


def _weighed(answer: str, default: float) -> tuple[float, str]:
    if found := _WEIGHT.match(answer):
        sign = -1.0 if found.group(1).startswith("-") else 1.0
        return sign * float(found.group(1).lstrip("-")), answer[found.end() :]
    return default, answer


def _said_of(answer: str, form: Format) -> tuple[str, Text]:
    """(answer, feedback) of ``answer#feedback``."""
    words, _, feedback = answer.partition("#")
    return words, _text(feedback, form)


def _choice(answer: str, form: Format) -> Answer:
    if answer.startswith("="):
        weight, answer = 100.0, answer[1:]
    else:
        weight, answer = _weighed(answer, 0.0)
    words, feedback = _said_of(answer, form)
    return Answer(_text(words, form), weight, feedback)


def _short(answer: str, form: Format) -> Answer:
    weight, answer = _weighed(answer, 100.0)
    words, feedback = _said_of(answer, form)
    return Answer(made(_text(words, form).text, "plain"), weight, feedback)


def _true_false(inside: str, form: Format) -> tuple[Answer, Answer]:
    word, *said = [one.strip(BLANKS) for one in inside.split("#", 2)]
    wrong, right = (_text(one, form) for one in (*said, "", "")[:2])
    true = word in ("T", "TRUE")
    return (
        Answer(made("true", "plain"), 100.0 if true else 0.0, right if true else wrong),
        Answer(made("false", "plain"), 0.0 if true else 100.0, wrong if true else right),
    )


def _pairs(inside: str, form: Format) -> tuple[Pair, ...]:
    pairs = []
    for one in _parts(inside, "="):
        left, arrow, right = one.partition("->")
        if not arrow:
            raise BrokenQuestionError(f"Pas de flèche -> dans «\u00a0{_show(one)[:40]}\u00a0».")
        pairs.append(Pair(_text(left, form), _show(right)))
    return tuple(pairs)


def _numbers(inside: str, form: Format) -> tuple[Answer, ...]:
    inside, wrong, other = inside.partition("~")
    answers = [_number(one, form) for one in _parts(inside, "=")] if inside.strip(BLANKS) else []
    if not answers:
        raise BrokenQuestionError("Aucune réponse numérique après le signe #.")
    if wrong:
        answers.append(Answer(made("*", "plain"), 0.0, _said_of(other, form)[1]))
    return tuple(answers)


def _number(answer: str, form: Format) -> Answer:
    weight, answer = _weighed(answer, 100.0)
    words, feedback = _said_of(answer, form)
    words = _show(words)
    if words == "*":
        return Answer(made("*", "plain"), weight, feedback)
    if words.find("..") > 0:
        low, _, high = words.partition("..")
        middle = (number(low) + number(high)) / 2
        value, tolerance = written(middle), round(number(high) - middle, 12)
    else:
        value, _, margin = words.partition(":")
        value, tolerance = written(number(value)), number(margin) if margin else 0.0
    return Answer(made(value, "plain"), weight, feedback, tolerance)


def written(value: float) -> str:
    """The shortest text of a number that reads back equal."""
    return repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(round(value, 12))


def _steps(inside: str) -> tuple[Text, ...]:
    """Moodle's ordering: ``>`` and options on the first line, then one step a line."""
    head = _ORDER.match(inside)
    if not head:
        return ()
    words = head["words"].upper().split()
    if not all(_ORDER_WORDS.fullmatch(word) for word in words):
        return ()
    few(inside.count("\n"))
    lines = inside[head.end() :].split("\n")
    return tuple(step for one in lines if (step := made(_show(one), "moodle")) != EMPTY)
