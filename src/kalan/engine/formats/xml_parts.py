"""A safe, small XML reader: one question at a time, with its line.

No document type, no entity of its own, no reference outside: such a file is refused before
anything in it is expanded, so no small file can grow in memory or read another file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from kalan.engine.formats.question import BLANKS

DEPTH = 40
ELEMENTS = 20_000  # in one question
_CHUNK = 1 << 16
_START = re.compile(r"<question(?=[\s>])")
_END = re.compile(r"</question\s*>|</quiz\s*>\s*\Z")
_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")


class UnsafeXmlError(ValueError):
    """The file declares a document type or entities; the message is the reason, in French."""


class BrokenXmlError(ValueError):
    """The file, or this part of it, is not well formed; the message says why, in French."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.line = line


@dataclass(slots=True)
class Node:
    tag: str
    attributes: dict[str, str]
    line: int
    children: list[Node] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def first(self, tag: str) -> Node | None:
        return next((one for one in self.children if one.tag == tag), None)

    def every(self, tag: str) -> list[Node]:
        return [one for one in self.children if one.tag == tag]

    def value(self, tag: str, default: str = "") -> str:
        """Trimmed text of the child ``tag``."""
        found = self.first(tag)
        return found.text.strip(BLANKS) if found else default


class _Reader:
    def __init__(self) -> None:
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._words
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.EntityDeclHandler = self._refuse
        self.parser.ExternalEntityRefHandler = self._refuse
        self.stack: list[Node] = []
        self.ready: list[Node] = []
        self.root = ""
        self.count = 0

    def _refuse(self, *_: object) -> int:
        raise UnsafeXmlError(
            "Le fichier déclare un type de document ou des entités (<!DOCTYPE, <!ENTITY)\u00a0: "
            "Kalan les refuse, retirez cette déclaration."
        )

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self.root = self.root or tag
        self.count = self.count + 1 if self.stack else 0
        if len(self.stack) >= DEPTH or self.count > ELEMENTS:
            raise BrokenXmlError(
                "Trop de balises dans une question.", self.parser.CurrentLineNumber
            )
        node = Node(tag, attributes, self.parser.CurrentLineNumber)
        if self.stack:
            self.stack[-1].children.append(node)
        if self.stack or tag == "question":
            self.stack.append(node)

    def _end(self, tag: str) -> None:
        if self.stack and (node := self.stack.pop()) and not self.stack:
            self.ready.append(node)

    def _words(self, words: str) -> None:
        if self.stack:
            self.stack[-1].pieces.append(words)

    def feed(self, words: str, last: bool) -> list[Node]:
        try:
            self.parser.Parse(words.encode("utf-8"), last)
        except expat.ExpatError as wrong:
            said = expat.errors.messages.get(wrong.code, "")
            raise BrokenXmlError(
                _REASONS.get(said, f"XML mal formé ({said})."), wrong.lineno
            ) from None
        found, self.ready = self.ready, []
        return found


_REASONS = {
    "mismatched tag": "XML mal formé\u00a0: une balise n’est pas refermée à sa place.",
    "undefined entity": "XML mal formé\u00a0: une entité comme &nbsp; hors de CDATA.",
    "not well-formed (invalid token)": "XML mal formé\u00a0: un signe < ou & hors de CDATA.",
    "no element found": "XML mal formé\u00a0: le fichier s’arrête avant la fin.",
    "unclosed token": "XML mal formé\u00a0: une balise ou un CDATA n’est pas fermé.",
    "unclosed CDATA section": "XML mal formé\u00a0: un CDATA n’est pas fermé.",
}


def elements(text: str) -> Iterator[Node]:
    """Every ``question`` element of a well-formed ``text``.

    Raises ``UnsafeXmlError``, or ``BrokenXmlError`` where the text stops being XML.
    """
    text = _DECLARATION.sub(lambda found: "\n" * found.group(0).count("\n"), text, count=1)
    reader = _Reader()
    for start in range(0, len(text), _CHUNK):
        yield from reader.feed(text[start : start + _CHUNK], last=False)
    yield from reader.feed("", last=True)
    if reader.root not in ("quiz", "question"):
        raise BrokenXmlError("Ce n’est pas du XML de Moodle\u00a0: la racine doit être <quiz>.", 1)


def pieces(text: str) -> Iterator[tuple[int, str]]:
    """(line, text) of each question of a broken file, to be read one by one."""
    starts = [found.start() for found in _START.finditer(text)]
    line, counted = 1, 0
    for rank, start in enumerate(starts):
        line += text.count("\n", counted, start)
        counted = start
        piece = text[start : starts[rank + 1] if rank + 1 < len(starts) else len(text)]
        ends = [found for found in _END.finditer(piece) if found.group(0).startswith("</question")]
        yield line, piece[: ends[-1].end()] if ends else piece
