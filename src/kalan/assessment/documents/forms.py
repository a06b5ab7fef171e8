"""A fixed form on paper: its questions with an answer sheet, and the key apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typst

from kalan.assessment.models import Test
from kalan.assessment.services.paper import EXAMPLES, HOW, Line, lettered, written
from kalan.base.documents import compiler
from kalan.base.packs import read_pack
from kalan.skills.models import ItemMedia
from kalan.skills.play import markup
from kalan.skills.play.grade import ideal, top
from kalan.skills.play.shape import Content

HERE = Path(__file__).parent


def form_pdf(test: Test, form: str, lines: Sequence[Line], *, large: bool = False) -> bytes:
    """The questions, then a sheet with one line for each answer; ``large``: 18 points."""
    data = {
        **_head(test, form),
        "introduction": test.introduction,
        "minutes": test.minutes or 0,
        "size": 18 if large else 11,
    }
    try:
        return _form(data, lines, _pictures(lines))
    except typst.TypstError as error:
        if "decode image" not in str(error):
            raise
        # One picture is broken: its words stand for it, and the form is printed all the same.
        return _form(data, lines, {})


def _form(data: dict[str, Any], lines: Sequence[Line], pictures: dict[str, list[int]]) -> bytes:
    questions = [_question(line, pictures) for line in lines]
    return compiler.pdf(HERE / "test_form.typ", {**data, "questions": questions})


def key_pdf(test: Test, form: str, lines: Sequence[Line]) -> bytes:
    """Right answers as one writes them on the sheet, with their points and explanation."""
    rows = [
        {
            "number": str(line.number),
            "text": _words(line.stored.content, line.stored.content["text"]),
            "right": written(line.stored, ideal(line.stored)),
            "points": str(top(line.stored)),
            "why": _words(line.stored.key, line.stored.key.get("explanation", "")),
        }
        for line in lines
    ]
    return compiler.pdf(HERE / "test_key.typ", {**_head(test, form), "rows": rows})


def _head(test: Test, form: str) -> dict[str, Any]:
    ministry = read_pack(test.node.country).ministry
    return {"ministry": ministry, "title": test.title, "form": form, "code": test.code}


def _words(holder: Any, html: str) -> str:
    return markup.plain(markup.GAP.sub(r" …(\1)… ", html), holder.get("images", []))


def _pictures(lines: Sequence[Line]) -> dict[str, list[int]]:
    """{uid: bytes, as numbers} of the pictures of these questions (one query)."""
    uids = [one["uid"] for line in lines for one in line.stored.content.get("images", [])]
    found = {}
    for media in ItemMedia.objects.filter(uid__in=uids).select_related("file"):
        with media.file.file.open("rb") as source:
            found[str(media.uid)] = list(source.read())
    return found


def _question(line: Line, pictures: dict[str, list[int]]) -> dict[str, Any]:
    content = line.stored.content
    shown = all(one["uid"] in pictures for one in content.get("images", []))
    return {
        "number": str(line.number),
        # A picture printed below needs no words in its place.
        "text": _words({} if shown else content, content["text"]),
        "how": HOW[content["kind"]],
        "example": EXAMPLES[content["kind"]],
        "pictures": [
            {"bytes": pictures[one["uid"]], "alt": one["alt"]}
            for one in content.get("images", [])
            if one["uid"] in pictures
        ],
        "left": [
            [f"{number}.", _words(content, one["text"])]
            for number, one in enumerate(content.get("lefts", []), start=1)
        ],
        "options": _options(content),
    }


def _options(content: Content) -> list[list[str]]:
    """[letter, words] as an answer sheet is read back."""
    for name in ("choices", "rights", "steps"):
        if content.get(name):
            return [
                [letter, _words(content, one["text"])] for letter, one in lettered(content[name])
            ]
    found = []
    for number, gap in enumerate(content.get("gaps", []), start=1):
        words = [f"{letter} {one['text']}" for letter, one in lettered(gap.get("choices", []))]
        if words:
            found.append([f"({number})", " ; ".join(words)])
    return found
