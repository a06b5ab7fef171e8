"""Moodle XML, read as Moodle reads it (docs.moodle.org, « Moodle XML format »)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import replace
from html import escape

from kalan.engine.formats.checks import number
from kalan.engine.formats.cloze import take_gaps
from kalan.engine.formats.gift_read import written
from kalan.engine.formats.question import (
    EMPTY,
    Answer,
    BrokenQuestionError,
    File,
    Format,
    Found,
    Pair,
    Question,
    Refusal,
    Text,
    Unit,
    default_name,
    made,
)
from kalan.engine.formats.xml_parts import BrokenXmlError, Node, UnsafeXmlError, elements, pieces

_FORMATS: dict[str, Format] = {
    "html": "html",
    "plain_text": "plain",
    "markdown": "markdown",
    "moodle_auto_format": "moodle",
    "wiki_like": "moodle",
}


def read_xml(text: str) -> Found:
    """Every question of a Moodle XML text, with a reason for each it cannot read.

    A file that is not well formed is read question by question: the good ones are found.
    """
    found = Found()
    try:
        for node in elements(text):
            _take(node, found)
    except UnsafeXmlError as unsafe:
        return Found(refused=[Refusal(1, "", str(unsafe))])
    except BrokenXmlError as broken:
        return _mended(text, broken)
    return found


def _mended(text: str, broken: BrokenXmlError) -> Found:
    found = Found()
    for line, piece in pieces(text):
        try:
            for node in elements(piece):
                node.line = line
                _take(node, found)
        except (BrokenXmlError, UnsafeXmlError) as wrong:
            found.add(Refusal(line, _piece_name(piece), str(wrong)))
    if not found.refused:  # broken between the questions
        found.add(Refusal(broken.line, "", str(broken)))
    return found


def _piece_name(piece: str) -> str:
    name = re.search(r"<name>\s*<text>\s*(?:<!\[CDATA\[)?([^<\]]{0,200})", piece)
    return " ".join(name[1].split()) if name else ""


def _take(node: Node, found: Found) -> None:
    kind = node.attributes.get("type", "").strip()
    if kind == "category":
        holder = node.first("category")
        found.category(holder.value("text") if holder else "")
        return
    name = _named(node)
    try:
        if kind not in _READERS:
            raise BrokenQuestionError(
                f"Le type de question «\u00a0{kind[:40]}\u00a0» n’est pas lu."
            )
        found.add(_READERS[kind](node, _common(node, name, found.current)))
    except BrokenQuestionError as broken:
        found.add(Refusal(node.line, name, str(broken)))


def _named(node: Node) -> str:
    holder = node.first("name")
    return " ".join(holder.value("text").split()) if holder else ""


def _common(node: Node, name: str, category: str) -> Question:
    text = _text(node.first("questiontext"), "html")
    text = _old_picture(node, text)
    if node.first("name") is None and node.attributes.get("type") not in ("cloze", "multianswer"):
        raise BrokenQuestionError("La question n’a pas de nom (<name>).")
    tags = node.first("tags")
    penalty = node.value("penalty")
    return Question(
        "description",
        name or default_name(text.text),
        text,
        general=_text(node.first("generalfeedback"), text.format),
        category=category,
        mark=number(node.value("defaultgrade") or "1"),
        penalty=number(penalty) if penalty else None,
        hidden=_true(node.value("hidden")),
        tags=tuple(one.value("text") for one in tags.every("tag")) if tags else (),
        id_number=node.value("idnumber"),
        line=node.line,
    )


def _true(word: str) -> bool:
    return word.lower() not in ("", "0", "false")


def _text(node: Node | None, default: Format) -> Text:
    if node is None:
        return EMPTY
    inner = node.first("text")
    if inner is not None and inner.children:
        tag = inner.children[0].tag
        raise BrokenQuestionError(f"La balise <{tag}> d’un texte est hors de CDATA.")
    words = inner.text if inner is not None else ""
    form = _FORMATS.get(node.attributes.get("format", "").strip(), "html")
    form = form if "format" in node.attributes else default
    return made(words, form, tuple(_file(one) for one in node.every("file")))


def _file(node: Node) -> File:
    name = node.attributes.get("name", "").strip()
    if node.attributes.get("encoding", "base64") != "base64":
        raise BrokenQuestionError(f"Le fichier «\u00a0{name}\u00a0» n’est pas en base64.")
    return File(name, _base64(node.text, name), node.attributes.get("path", "/").strip() or "/")


def _base64(words: str, name: str) -> str:
    data = "".join(words.split())
    try:
        base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise BrokenQuestionError(
            f"Le fichier «\u00a0{name}\u00a0» n’est pas du base64 valide."
        ) from None
    return data


def _old_picture(node: Node, text: Text) -> Text:
    """Files of Moodle 1.9 keep one picture beside the text."""
    data, name = node.value("image_base64"), node.value("image").replace("/", "_")
    if not data or not name:
        return text
    words = f'{text.text} <img src="@@PLUGINFILE@@/{escape(name)}" alt="">'
    return replace(text, text=words, files=(*text.files, File(name, _base64(data, name))))


def _fraction(node: Node) -> float:
    return number(node.attributes.get("fraction", "0") or "0")


def _answer(node: Node, form: Format, rich: bool = False) -> Answer:
    inner = _text(node, form)
    text = inner if rich else made(inner.text, "plain")
    return Answer(text, _fraction(node), _text(node.first("feedback"), form))


def _form(question: Question) -> Format:
    return question.text.format


def _multichoice(node: Node, base: Question) -> Question:
    answers = tuple(_answer(one, _form(base), rich=True) for one in node.every("answer"))
    return replace(
        base,
        kind="multichoice",
        answers=answers,
        single=_true(node.value("single", "true")),
        shuffle=_true(node.value("shuffleanswers", "false")),
        numbering=node.value("answernumbering") or "abc",
    )


def _truefalse(node: Node, base: Question) -> Question:
    answers: dict[str, Answer] = {}
    for rank, one in enumerate(node.every("answer")):
        found = _answer(one, _form(base))
        word = found.text.text.lower()
        if word not in ("true", "false"):  # old files hold the words of their language
            word = "false" if rank else "true"
        answers[word] = replace(found, text=made(word, "plain"))
    if len(answers) < 2:
        raise BrokenQuestionError("Il faut les deux réponses, true et false.")
    return replace(base, kind="truefalse", answers=(answers["true"], answers["false"]))


def _shortanswer(node: Node, base: Question) -> Question:
    answers = tuple(_answer(one, _form(base)) for one in node.every("answer"))
    return replace(base, kind="shortanswer", answers=answers, case=_true(node.value("usecase")))


def _numerical(node: Node, base: Question) -> Question:
    answers = []
    for one in node.every("answer"):
        found = _answer(one, _form(base))
        words = found.text.text or "".join(one.text.split())  # before Moodle 1.7: no <text>
        if one.first("fraction") is not None:
            found = replace(found, fraction=100 * number(one.value("fraction")))
        if words != "*":
            words = written(number(words))
        tolerance = number(one.value("tolerance") or "0")
        answers.append(replace(found, text=made(words, "plain"), tolerance=tolerance))
    units = node.first("units")
    return replace(
        base,
        kind="numerical",
        answers=tuple(answers),
        units=tuple(
            Unit(one.value("unit_name"), number(one.value("multiplier") or "1"))
            for one in (units.every("unit") if units else [])
        ),
    )


def _matching(node: Node, base: Question) -> Question:
    pairs = []
    for one in node.every("subquestion"):
        answer = one.first("answer")
        pair = Pair(_text(one, _form(base)), answer.value("text") if answer else "")
        if pair != Pair(EMPTY, ""):
            pairs.append(pair)
    shuffle = _true(node.value("shuffleanswers", "1"))
    return replace(base, kind="matching", pairs=tuple(pairs), shuffle=shuffle)


def _cloze(node: Node, base: Question) -> Question:
    words, gaps = take_gaps(base.text.text)
    mark = float(sum(gap.weight for gap in gaps))  # Moodle adds it up: the file does not say it
    return replace(
        base, kind="multianswer", text=replace(base.text, text=words), gaps=gaps, mark=mark
    )


def _ordering(node: Node, base: Question) -> Question:
    steps = (_text(one, _form(base)) for one in node.every("answer"))
    return replace(base, kind="ordering", steps=tuple(one for one in steps if one != EMPTY))


_READERS: dict[str, Callable[[Node, Question], Question]] = {
    "multichoice": _multichoice,
    "truefalse": _truefalse,
    "shortanswer": _shortanswer,
    "numerical": _numerical,
    "matching": _matching,
    "match": _matching,
    "cloze": _cloze,
    "multianswer": _cloze,
    "ordering": _ordering,
    "essay": lambda node, base: replace(base, kind="essay"),
    "description": lambda node, base: base,
}
