"""GIFT, written so that Moodle (and ``gift_read``) reads back the same question."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator

from kalan.engine.formats.question import (
    EMPTY,
    Answer,
    BrokenQuestionError,
    Format,
    Question,
    Refusal,
    Text,
    default_name,
)

_SPECIAL = re.compile(r"[\\#=~{}:]")
_PREFIX = re.compile(r"\[(?:html|markdown|plain|moodle)\]")
_WEIGHT = re.compile(r"%-*[0-9]{1,2}\.?[0-9]*%")


def write_gift(questions: Iterable[Question], left_out: Callable[[Refusal], None]) -> Iterator[str]:
    """Pieces of the file; what GIFT cannot hold goes to ``left_out``."""
    category = ""
    for question in questions:
        try:
            body = _body(question)
        except BrokenQuestionError as broken:
            left_out(Refusal(question.line, question.name, str(broken)))
            continue
        if question.category != category:
            category = question.category
            yield f"$CATEGORY: {_escape(category)}\n\n"
        yield _labels(question)
        yield f"::{_escape(question.name or default_name(question.text.text))}::"
        yield f"{_text(question.text, 'moodle')}{body}\n\n"


def holds(label: str) -> bool:
    """Whether a tag or a number can stand in a comment, where nothing is escaped."""
    return not re.search(r"[\]\[\\<>`\x00-\x1f]", label)


def _labels(question: Question) -> str:
    labels = [f"[id:{question.id_number}]"] if question.id_number else []
    labels += [f"[tag:{tag}]" for tag in question.tags]
    kept = " ".join(one for one in labels if holds(one[1:-1]))
    return f"// {kept}\n" if kept else ""


def _escape(text: str) -> str:
    return _SPECIAL.sub(lambda found: "\\" + found.group(0), text).replace("\n", "\\n")


def _text(text: Text, default: Format) -> str:
    if text.files:
        raise BrokenQuestionError("GIFT ne peut pas contenir de fichier joint.")
    if text == EMPTY:
        return ""
    prefix = f"[{text.format}]" if text.format != default or _PREFIX.match(text.text) else ""
    return prefix + _escape(text.text)


def _body(question: Question) -> str:
    form: Format = "moodle" if question.text == EMPTY else question.text.format
    general = f"\t####{_text(question.general, form)}\n" if question.general != EMPTY else ""
    if question.kind == "description":
        if general:
            raise BrokenQuestionError("GIFT ne garde pas le commentaire général d’une description.")
        return ""
    if question.kind == "multianswer":
        raise BrokenQuestionError(
            "GIFT ne peut pas contenir de texte à trous\u00a0: prenez moodle-xml."
        )
    inside = "".join(_INSIDE[question.kind](question, form))
    return "{" + inside + general + "}"


def _weight(answer: Answer) -> str:
    return f"%{answer.fraction:.7g}%"


def _feedback(answer: Answer, form: Format) -> str:
    return "#" + _text(answer.feedback, form) if answer.feedback != EMPTY else ""


def _choices(question: Question, form: Format) -> Iterator[str]:
    if question.single == all(one.fraction != 100 for one in question.answers):
        raise BrokenQuestionError("GIFT ne peut pas garder ces poids\u00a0: prenez moodle-xml.")
    yield "\n"
    for one in question.answers:
        words = _text(one.text, form)
        if one.fraction == 100 and question.single:
            sign = "="
        elif one.fraction or _WEIGHT.match(words):
            sign = "~" + _weight(one)
        else:
            sign = "~"
        yield f"\t{sign}{words}{_feedback(one, form)}\n"


def _true_false(question: Question, form: Format) -> Iterator[str]:
    true, false = question.answers
    right, wrong = (true, false) if true.fraction else (false, true)
    yield "TRUE" if true.fraction else "FALSE"
    if wrong.feedback != EMPTY or right.feedback != EMPTY:
        yield "#" + _text(wrong.feedback, form)
    if right.feedback != EMPTY:
        yield "#" + _text(right.feedback, form)


def _shorts(question: Question, form: Format) -> Iterator[str]:
    if question.case:
        raise BrokenQuestionError("GIFT ne peut pas exiger la casse\u00a0: prenez moodle-xml.")
    yield "\n"
    for one in question.answers:
        words = _escape(one.text.text)
        line = f"\t={_weight(one)}{'[plain]' if _PREFIX.match(words) else ''}{words}"
        line += _feedback(one, form)
        if "->" in line:  # read back as pairs to match
            raise BrokenQuestionError(
                "GIFT prendrait la flèche -> d’une réponse pour une association."
            )
        yield line + "\n"


def _pairs(question: Question, form: Format) -> Iterator[str]:
    yield "\n"
    for one in question.pairs:
        left = _text(one.left, form)
        if "->" in left:
            raise BrokenQuestionError(
                "GIFT ne peut pas contenir -> dans une proposition à associer."
            )
        yield f"\t={left} -> {_escape(one.right)}\n"


def _numbers(question: Question, form: Format) -> Iterator[str]:
    yield "#\n"
    for rank, one in enumerate(question.answers, start=1):
        if one.text.text != "*":
            value = f"{one.text.text}:{_plain(one.tolerance)}"
            yield f"\t={_weight(one)}{value}{_feedback(one, form)}\n"
        elif one.fraction == 0 and rank == len(question.answers) > 1:
            yield f"\t~{_feedback(one, form) or '#'}\n"
        else:
            yield f"\t={_weight(one)}*{_feedback(one, form)}\n"


def _plain(value: float) -> str:
    return repr(int(value)) if value == int(value) else repr(value)


def _steps(question: Question, form: Format) -> Iterator[str]:
    yield f">{len(question.steps)} ALL VERTICAL RELATIVE_NEXT_EXCLUDE_LAST SHOW none\n"
    for one in question.steps:
        if one.files or one.format == "markdown":
            raise BrokenQuestionError("GIFT ne peut pas garder la mise en forme de ces étapes.")
        words = html.escape(one.text, quote=False) if one.format == "plain" else one.text
        # Moodle takes the steps as they stand: none of its escapes works there.
        if re.search(r"[}\n\\]|####|\A//", words):
            raise BrokenQuestionError("GIFT ne peut pas contenir ces signes dans une étape.")
        yield words + "\n"


_INSIDE: dict[str, Callable[[Question, Format], Iterator[str]]] = {
    "multichoice": _choices,
    "truefalse": _true_false,
    "shortanswer": _shorts,
    "matching": _pairs,
    "numerical": _numbers,
    "ordering": _steps,
    "essay": lambda question, form: iter(()),
}
