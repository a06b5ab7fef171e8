"""Documents that differ by four lines, their code and their data, made from one plate.

Typst lays out one page with an invented person and, in the same go, the lines of every person
(``certificate-sheet`` in packs/actes/base.typ): glyphs are numbered once for all. A person's
document is that page with their lines, as Typst set them, in the place of the invented one's.
Nothing that a record says is ever written into a page by anything but Typst.

``documents.section`` says who may go this way; ``documents.likeness`` proves each plate.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from dataclasses import replace
from typing import Any

from kalan.credentials.documents.font_glyphs import Font
from kalan.credentials.documents.pdf_parts import Part, Parts, once, put_together, taken_apart
from kalan.credentials.documents.plate_lines import (
    FIELDS,
    Line,
    cut,
    fonts_of,
    of_people,
    of_sheets,
    words,
)
from kalan.credentials.documents.render import Renderer, attached, code_of

_TREE = re.compile(rb"/Count \d+/Kids\[.*\]")
_SIDES, _SIZE = re.compile(rb"/Width \d+/Height \d+"), re.compile(rb"/Size \d+")
_PAGES = re.compile(rb"<xmpTPg:NPages>\d+<")
_IDENTIFIER = re.compile(rb"<xmpMM:(?:DocumentID|InstanceID)>([^<]+)<")
# An invented person: nobody's words can stay behind in the document of another.
_PATTERN = {
    "number": "N°\u00a0KALAN-0000-000000",
    "name": "Kalan MODÈLE",
    "qualities": "Modèle · Kalan",
    "code": " ".join(["0000"] * 6),
}
_TITLE, _NUMBER = "Modèle — 7C1E", "KALAN-0000-000000"
_ADDRESS = "https://kalan.invalid/0000/"
_FILLED = "Modèle " * 40  # long enough for Typst to deflate it, as it does the data of an act


class Plate:
    """Makes documents whose pages are ``page`` but for the lines of ``rows``, the code, the data.

    Raises ValueError, KeyError or StopIteration when Typst's file is not of the form that it knows.
    """

    def __init__(self, renderer: Renderer, page: dict[str, Any], country: str, rows: list[Any]):
        keyword = page["meta"]["keywords"][0]
        meta = {**page["meta"], "title": _TITLE, "keywords": [keyword, _NUMBER]}
        own = {field: _PATTERN[field] if page[field] else "" for field in FIELDS}
        pattern = {**page, **own, "meta": meta, "plate": True}
        act = {"country": country, "issue": {"address": _ADDRESS}, "filled": _FILLED}
        parts = taken_apart(renderer.sheet(act, pattern, [own, *rows]))
        first, *sheets = parts.pages()
        legend, people = of_people(of_sheets(parts, sheets, first))
        if len(people) != len(rows):
            raise ValueError(f"{len(people)} persons on the sheets, of {len(rows)}")
        self._keep(_one_page(parts, first), act, pattern)
        self._lines(legend)
        shape, fonts = [line.shape for line in self._places], fonts_of(parts, first)
        self._people = [
            lines if [line.shape for line in lines] == shape and _says(lines, fonts, row) else None
            for lines, row in zip(people, rows, strict=True)
        ]

    def takes(self, at: int) -> bool:
        """Whether the lines of the person of rank ``at`` stand as the pattern's: each of them
        whole on one line, in its font, and its glyphs saying what the row says."""
        return self._people[at] is not None

    def _keep(self, parts: Parts, act: dict[str, Any], pattern: dict[str, Any]) -> None:
        """What stays the same for everyone, and where the rest stands."""
        self._parts, carried = parts, attached(act).encode()
        pixels = code_of(act)[1]
        self._content = parts.objects[parts.pages()[0]].to(b"/Contents")
        self._code = _holding(parts, b"/Subtype/Image", pixels)
        self._data = _holding(parts, b"/Type/EmbeddedFile", carried)
        self._metadata = parts.objects[parts.root].to(b"/Metadata")
        self._keyword = pattern["meta"]["keywords"][0]
        self._written = {number: part.written(number) for number, part in parts.objects.items()}
        text = once(_PAGES, b"<xmpTPg:NPages>1<", parts.objects[self._metadata].plain())
        for identifier in set(_IDENTIFIER.findall(text)):  # its history names them too
            text = text.replace(identifier, b"\0")
        self._described = text

    def _lines(self, legend: list[Line]) -> None:
        """Cut the page where its marked lines stand; the legend tells their true inks."""
        marked, rest = cut(self._parts.objects[self._content].plain())
        inks = [(line.font, line.size, line.glyphs) for line in legend]
        if not marked or inks != [(line.font, line.size, line.glyphs) for line in marked]:
            raise ValueError("the page and the sheet set the same lines otherwise")
        self._places = marked
        self._inks = [line.ink for line in legend]
        self._rest = [(plain, _deflated(plain)) for plain in rest]

    def pdf(self, at: int, data: dict[str, Any]) -> bytes:
        """The document of ``data``, who is of rank ``at`` among the rows and whom it ``takes``."""
        carried = attached(data["act"]).encode()
        mark = base64.b64encode(hashlib.sha256(carried).digest()[:16])
        side, pixels = code_of(data["act"])
        self._change(self._content, self._drawn(at))
        self._change(
            self._code, zlib.compress(pixels, 2), _SIDES, b"/Width %d/Height %d" % (side, side)
        )
        self._change(self._data, zlib.compress(carried), _SIZE, b"/Size %d" % len(carried))
        self._describe(data["page"]["meta"], mark)
        return put_together(self._written, self._parts.root, self._parts.info, mark)

    def _change(
        self, number: int, stream: bytes, said: re.Pattern[bytes] | None = None, new: bytes = b""
    ) -> None:
        part = self._parts.objects[number]
        if said is not None:
            part = Part(once(said, new, part.text), part.stream)
        self._written[number] = part.holding(stream).written(number)

    def _drawn(self, at: int) -> bytes:
        """The content of a page, deflated: what is the same for everyone was deflated once."""
        person = self._people[at]
        if person is None:
            raise ValueError("a person whom this plate does not take")
        out, check = [b"\x78\x9c"], 1
        for line, place, ink, (plain, packed) in zip(
            person, self._places, self._inks, self._rest, strict=False
        ):
            own = replace(line, height=place.height, space=place.space, ink=ink).drawn()
            out += [packed, _stored(own)]
            check = zlib.adler32(own, zlib.adler32(plain, check))
        plain, packed = self._rest[-1]
        return b"".join([*out, packed, b"\x03\x00", zlib.adler32(plain, check).to_bytes(4)])

    def _describe(self, meta: dict[str, Any], mark: bytes) -> None:
        """Title, number and identifiers, in the metadata and in what stood there before them."""
        title, number = meta["title"], f"{self._keyword}, {meta['keywords'][1]}"
        swaps = ((b"/Title", _TITLE, title), (b"/Keywords", f"{self._keyword}, {_NUMBER}", number))
        text = self._described.replace(b"\0", mark)
        info = self._parts.objects[self._parts.info].text
        for name, old, new in swaps:
            text = _swapped(text, _xml(old), _xml(new))
            info = _swapped(info, name + _text(old), name + _text(new))
        self._change(self._metadata, text)
        self._written[self._parts.info] = Part(info).written(self._parts.info)


def _says(lines: list[Line], fonts: dict[bytes, Font], row: dict[str, str]) -> bool:
    return words(lines, fonts) == {field: "".join(row[field].split()) for field in FIELDS}


def _one_page(parts: Parts, first: int) -> Parts:
    """The same without its other pages and what only they refer to, numbered anew."""
    tree = parts.objects[parts.root].to(b"/Pages")
    single = once(_TREE, b"/Count 1/Kids[%d 0 R]" % first, parts.objects[tree].text)
    objects = {**parts.objects, tree: Part(single)}
    reached, waiting = set[int](), [parts.root, parts.info]
    while waiting:
        number = waiting.pop()
        if number not in reached:
            reached.add(number)
            waiting += objects[number].refers()
    kept = {old: new for new, old in enumerate(sorted(reached), 1)}
    return Parts(
        {new: objects[old].renumbered(kept) for old, new in kept.items()},
        kept[parts.root],
        kept[parts.info],
    )


def _holding(parts: Parts, name: bytes, plain: bytes) -> int:
    """The one object of this kind whose stream is ``plain``."""
    found = [
        number
        for number, part in parts.objects.items()
        if name in part.text and b"/FlateDecode" in part.text and part.plain() == plain
    ]
    if len(found) != 1:
        raise ValueError(f"{len(found)} objects {name!r}")
    return found[0]


def _swapped(text: bytes, old: bytes, new: bytes) -> bytes:
    if text.count(old) != 1:
        raise ValueError(f"{text.count(old)} times {old!r}")
    return text.replace(old, new)


def _text(said: str) -> bytes:
    """A text as Typst writes it in a dictionary (ISO 32000-1, 7.9.2.2)."""
    if said.isascii():
        if not said.isprintable() or {*said} & {*"()\\"}:
            raise ValueError("a text that must be escaped")
        return b"(%s)" % said.encode()
    return b"<FEFF%s>" % said.encode("utf-16-be").hex().upper().encode()


def _xml(said: str) -> bytes:
    """A text as Typst writes it in metadata. Whatever else it would escape is refused."""
    if {*said} & {*'&<>"'}:
        raise ValueError("a text that must be escaped")
    return b">%s<" % said.replace("'", "&apos;").encode()


def _deflated(plain: bytes) -> bytes:
    """Blocks of deflate that end on a byte, and to which others may be added (RFC 1951, 3.2)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(plain) + packer.flush(zlib.Z_FULL_FLUSH)


def _stored(plain: bytes) -> bytes:
    """A block of deflate without compression (RFC 1951, 3.2.4)."""
    size = len(plain)
    return b"\x00" + size.to_bytes(2, "little") + (0xFFFF - size).to_bytes(2, "little") + plain
