"""The objects of a PDF that Typst has just made: taken apart, and written again.

Not a reader of PDFs: it knows the one plain form in which Typst writes (no object streams, one
table of places, lengths said in place) and raises ValueError at anything else.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

_TABLE = re.compile(rb"xref\n0 (\d+)\n")
_PLACE = re.compile(rb"(\d{10}) 00000 n\r\n")
_LENGTH = re.compile(rb"/Length (\d+)")
# Texts are passed over: what a title says is not a reference, whatever it looks like.
_REFERENCE = re.compile(
    rb"\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*\)|(?<![\d.])(\d+) 0 R\b", re.DOTALL
)
_TRAILER = re.compile(rb"trailer\n<</Size \d+/Root (\d+) 0 R/Info (\d+) 0 R/ID\[")
_HEAD = b"%PDF-1.7\n%\x80\x80\x80\x80\n\n"
_STREAM, _END = b"stream\n", b"\nendstream"


@dataclass(frozen=True)
class Part:
    """An object: its text up to ``stream``, and the bytes of its stream if it has one."""

    text: bytes
    stream: bytes | None = None

    def plain(self) -> bytes:
        """The stream, inflated. ValueError without one, or coded in another way."""
        if self.stream is None:
            raise ValueError("an object without a stream")
        if b"/Filter" not in self.text:
            return self.stream
        if b"/Filter/FlateDecode" not in self.text:
            raise ValueError("a stream that is not deflated")
        try:
            return zlib.decompress(self.stream)
        except zlib.error as error:
            raise ValueError("a stream that does not inflate") from error

    def holding(self, stream: bytes) -> Part:
        """The same object with another stream, coded as before."""
        return Part(once(_LENGTH, b"/Length %d" % len(stream), self.text), stream)

    def to(self, name: bytes) -> int:
        """The number of the object that ``name`` refers to."""
        found = re.findall(re.escape(name) + rb" (\d+) 0 R", self.text)
        if len(found) != 1:
            raise ValueError(f"{len(found)} references {name!r}")
        return int(found[0])

    def refers(self) -> list[int]:
        """The objects that this one refers to, in order."""
        return [int(number) for number in _REFERENCE.findall(self.text) if number]

    def renumbered(self, numbers: dict[int, int]) -> Part:
        """The same with other numbers for what it refers to; KeyError for one without."""

        def anew(found: re.Match[bytes]) -> bytes:
            return b"%d 0 R" % numbers[int(found[1])] if found[1] else found[0]

        return Part(_REFERENCE.sub(anew, self.text), self.stream)

    def written(self, number: int) -> bytes:
        """As it stands in a file."""
        if self.stream is None:
            return b"%d 0 obj\n%s\nendobj\n" % (number, self.text)
        return b"%d 0 obj\n%s%s%s%s\nendobj\n" % (number, self.text, _STREAM, self.stream, _END)


@dataclass(frozen=True)
class Parts:
    """A file: its objects by number, and which two its trailer names."""

    objects: dict[int, Part]
    root: int
    info: int

    def pages(self) -> list[int]:
        """The numbers of the pages, in order."""
        tree = self.objects[self.objects[self.root].to(b"/Pages")]
        found = re.fullmatch(rb"<</Type/Pages/Count (\d+)/Kids\[(.*)\]>>", tree.text)
        kids = [int(number) for number in _REFERENCE.findall(found[2])] if found else []
        if not found or len(kids) != int(found[1]):
            raise ValueError("a page tree of another form")
        return kids

    def resources(self, page: int) -> bytes:
        """The text of the dictionary of a page's resources."""
        return self.objects[self.objects[page].to(b"/Resources")].text


def once(pattern: re.Pattern[bytes], new: bytes, text: bytes) -> bytes:
    """``text`` with the one place that ``pattern`` finds replaced; ValueError for none or two."""
    made, count = pattern.subn(lambda _: new, text)
    if count != 1:
        raise ValueError(f"{pattern.pattern!r}: {count} places")
    return made


def taken_apart(pdf: bytes) -> Parts:
    """The objects of ``pdf``; ValueError when it is not as Typst writes."""
    start = int(pdf[pdf.rindex(b"startxref\n") + 10 :].split(b"\n")[0])
    table, trailer = _TABLE.match(pdf, start), _TRAILER.search(pdf, start)
    if table is None or trailer is None or not pdf.startswith(_HEAD):
        raise ValueError("a file of another form")
    places = [int(place) for place in _PLACE.findall(pdf, table.end(), trailer.start())]
    if len(places) + 1 != int(table[1]):
        raise ValueError("objects that are not in use")
    objects = {number: _read(pdf, number, at) for number, at in enumerate(places, 1)}
    return Parts(objects, int(trailer[1]), int(trailer[2]))


def _read(pdf: bytes, number: int, at: int) -> Part:
    head = b"%d 0 obj\n" % number
    if not pdf.startswith(head, at):
        raise ValueError("an object out of place")
    start = at + len(head)
    end, stream = pdf.index(b"\nendobj\n", start), pdf.find(_STREAM, start)
    if not start <= stream < end:
        return Part(pdf[start:end])
    said = _LENGTH.search(pdf, start, stream)
    if said is None:
        raise ValueError("a stream without a length")
    first = stream + len(_STREAM)
    last = first + int(said[1])
    if not pdf.startswith(_END + b"\nendobj\n", last):
        raise ValueError("a stream of another length")
    return Part(pdf[start:stream], pdf[first:last])


def put_together(objects: dict[int, bytes], root: int, info: int, mark: bytes) -> bytes:
    """A file of objects as they are ``written``, numbered from 1 on, with ``mark`` as its ID."""
    places, at = [], len(_HEAD)
    for raw in objects.values():
        places.append(b"%010d 00000 n\r\n" % at)
        at += len(raw)
    size = len(places) + 1
    return b"".join(
        [
            _HEAD,
            *objects.values(),
            b"xref\n0 %d\n0000000000 65535 f\r\n" % size,
            *places,
            b"trailer\n<</Size %d/Root %d 0 R/Info %d 0 R" % (size, root, info),
            b"/ID[(%s)(%s)]>>\nstartxref\n%d\n%%%%EOF" % (mark, mark, at),
        ]
    )
