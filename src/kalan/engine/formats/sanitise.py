"""Nothing that could run leaves a reader: scripts, event handlers, ``javascript:`` addresses.

Tags are judged by nh3 (the rules of a browser's parser), never by patterns. Plain text is data,
shown escaped, so it stays as it is; names and right sides of pairs are plain and lose their tags,
as in Moodle.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from html import unescape

import nh3

from kalan.engine.formats.question import (
    BLANKS,
    EMPTY,
    Answer,
    Gap,
    Pair,
    Question,
    Text,
    Unit,
    made,
)

_TAG = re.compile(r"<[a-zA-Z/!?]")
_WHOLE_TAG = re.compile(
    r"<(script|style)\b.{0,2000}?</\1\s*>|<[a-zA-Z/!?][^>]{0,2000}>", re.S | re.I
)
# Bounded, like every pattern here: a hostile text must not cost the square of its length.
_MATH = re.compile(r"\\\(.{0,300}?\\\)|\\\[.{0,300}?\\\]|\$\$.{0,300}?\$\$", re.S)
_ADDRESS = re.compile(
    r"(\]\s*\(\s*<?|\]:\s*<?|<)[\s\x00-\x1f]*(?:javascript|vbscript|data)\s*:", re.I
)
_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*")
# Neither XML nor our own markers can hold these: controls, lone surrogates, noncharacters.
_UNHOLDABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_MEDIA = {"audio": {"src", "controls"}, "video": {"src", "controls"}, "source": {"src", "type"}}


def _attributes() -> dict[str, set[str]]:
    known = deepcopy(nh3.ALLOWED_ATTRIBUTES)
    for tag, names in _MEDIA.items():
        known.setdefault(tag, set()).update(names)
    return known


_ATTRIBUTES = _attributes()
_TAGS = nh3.ALLOWED_TAGS | set(_MEDIA)
_SCHEMES = {"http", "https", "mailto", "tel", "data"}


def _keep(tag: str, attribute: str, value: str) -> str | None:
    if value.lstrip().lower().startswith("data:"):
        fine = (tag, attribute) == ("img", "src") and _PICTURE.fullmatch(value)
        return value if fine else None
    return value


def legal(text: str) -> str:
    """``text`` with ``\\n`` as its only line end and without characters no file can hold."""
    return _UNHOLDABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _math(found: re.Match[str]) -> str:
    """A formula keeps its « < »: a parser would take x<y for a tag and drop the rest."""
    whole = found.group(0)
    return whole if ">" in whole else re.sub(r"<(?=[a-zA-Z/!?])", "&lt;", whole)


def clean_html(text: str) -> str:
    """``text`` with only tags and attributes that cannot run; formulas stay."""
    for _ in range(5):  # what the parser repairs it may repair again
        before = text
        text = nh3.clean(
            _MATH.sub(_math, text),
            tags=_TAGS,
            attributes=_ATTRIBUTES,
            attribute_filter=_keep,
            url_schemes=_SCHEMES,
            link_rel=None,
        ).replace("&nbsp;", "\u00a0")
        if text == before:
            break
    return text


def clean_text(text: Text) -> Text:
    words = legal(text.text)
    if text.format == "html":
        words = clean_html(words) if _TAG.search(words) or re.search(r"[<>&]", words) else words
    elif text.format != "plain":
        if _ADDRESS.search(unescape(words)):
            words = _ADDRESS.sub(r"\1#", unescape(words))
        words = clean_html(words) if _TAG.search(words) else words
    return made(words, text.format, text.files)


def plain_words(text: str) -> str:
    """A line of plain words: no tag, single spaces."""
    text = legal(text[:5000])
    while (shorter := _WHOLE_TAG.sub("", text)) != text:
        text = shorter
    return " ".join(text.strip(BLANKS).split())


def cleaned(question: Question) -> Question:
    """``question`` with every text made safe; doing it twice changes nothing more."""
    return replace(
        question,
        name=plain_words(question.name)[:255],
        text=clean_text(question.text),
        general=clean_text(question.general),
        category=legal(question.category).strip(BLANKS),
        answers=_answers(question.answers, _kept_text(question.kind)),
        pairs=tuple(Pair(clean_text(one.left), plain_words(one.right)) for one in question.pairs),
        steps=tuple(step for one in question.steps if (step := clean_text(one)) != EMPTY),
        gaps=tuple(_gap(one) for one in question.gaps),
        units=tuple(Unit(plain_words(one.name), one.multiplier) for one in question.units),
        tags=tuple(word for one in question.tags if (word := plain_words(one))),
        id_number=plain_words(question.id_number),
    )


def _plain(text: Text) -> Text:
    return made(legal(text.text), "plain")


def _kept_text(kind: str) -> Callable[[Text], Text]:
    return clean_text if kind == "multichoice" else _plain


def _answers(answers: tuple[Answer, ...], text: Callable[[Text], Text]) -> tuple[Answer, ...]:
    return tuple(
        replace(one, text=text(one.text), feedback=clean_text(one.feedback)) for one in answers
    )


def _gap(gap: Gap) -> Gap:
    rich = gap.type.startswith("MULTI")
    return replace(gap, answers=_answers(gap.answers, clean_text if rich else _plain))
