"""The one shape that an act signed by Kalan has, read byte by byte and without a PDF library.

A rendered file with one classic cross-reference table, then one incremental update that holds one
signature over the whole file. Nothing before, between or after; no third section; no second
signature. A general reader forgives; this one does not, and takes a tenth of a millisecond.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from kalan.engine.signing.verify import asn1
from kalan.engine.signing.verify.revisions import HOLE, OBJECT
from kalan.engine.signing.verify.verdict import Doubt, Reason

LAST = re.compile(rb"startxref\s+(\d{1,10})\s+%%EOF(?:\r\n|\n|\r)?\Z")
RUN = re.compile(rb"(\d{1,7}) (\d{1,7})(?: ?\r\n| ?\n)")
ROW = re.compile(rb"(\d{10}) (\d{5}) ([fn])(?: \n| \r|\r\n)")
TRAILER = re.compile(rb"\s*trailer\s*(<<.*>>)\s*", re.DOTALL)
PREVIOUS = re.compile(rb"/Prev\s+(\d{1,10})\b")
RANGE = re.compile(rb"/ByteRange\s*\[\s*0\s+(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s*\]")
KIND = re.compile(rb"/Type\s*/Sig\b(?!\s*Ref)")
SUBFILTER = re.compile(rb"/SubFilter\s*/ETSI\.CAdES\.detached\b")
OTHERS = (b"/XRefStm", b"/Encrypt", b"/ObjStm")
MOST_ROWS = 200  # objects of the update; ours writes eight


class Shape(NamedTuple):
    """Where the parts of a signed act are. ``cms``: the signature, without its padding."""

    base_end: int
    hole_start: int
    hole_end: int
    cms: bytes


def own_shape(pdf: bytes) -> Shape:
    """Return the shape of an act of ours; raises Doubt on any other file."""
    end = LAST.search(pdf, max(0, len(pdf) - 64))
    if not pdf.startswith(b"%PDF-1.") or end is None:
        raise _bad("not a PDF from its first byte to its last")
    if b"/ByteRange" not in pdf:
        raise Doubt(Reason.NOT_SIGNED, "no signature")
    table = int(end[1])
    places, after = _table(pdf, table)
    previous = _trailer(pdf[after : end.start()])
    if previous is None or not 0 < previous < table:
        raise _bad("no incremental update")
    base_end = _base(pdf, previous, table)
    signature = _objects(pdf, base_end, places, table)
    return _signature(pdf, base_end, signature)


def _bad(why: str) -> Doubt:
    return Doubt(Reason.MALFORMED, why)


def _table(pdf: bytes, at: int) -> tuple[dict[int, int], int]:
    """Read a classic table; return the places of its objects and where the table ends."""
    if not pdf.startswith(b"xref\n", at) and not pdf.startswith(b"xref\r\n", at):
        raise _bad("no classic cross-reference table")
    at = pdf.index(b"\n", at) + 1
    places: dict[int, int] = {}
    while run := RUN.match(pdf, at):
        at = run.end()
        first, count = int(run[1]), int(run[2])
        if count > MOST_ROWS:
            raise _bad("too many objects in the update")
        for number in range(first, first + count):
            row = ROW.match(pdf, at)
            if not row or number in places or (row[3] == b"f") != (number == 0):
                raise _bad("a row of the table")
            if number:
                if int(row[2]):
                    raise _bad("a generation")
                places[number] = int(row[1])
            at = row.end()
    return places, at


def _trailer(text: bytes) -> int | None:
    """Check a trailer; return the place of the table before it, if there is one."""
    found = TRAILER.fullmatch(text)
    if not found or any(name in text for name in (*OTHERS, b"obj", b"#", b"%", b"startxref")):
        raise _bad("a trailer")
    previous = PREVIOUS.findall(text)
    if len(previous) != text.count(b"/Prev") or len(previous) > 1:
        raise _bad("a trailer")
    return int(previous[0]) if previous else None


def _base(pdf: bytes, table: int, update: int) -> int:
    """Check that the rendered file has one table and one end; return where it ends."""
    mark = pdf.find(b"%%EOF", table, update)
    end = LAST.search(pdf, max(table, mark - 64), mark + 5) if mark >= 0 else None
    trailer = pdf.rfind(b"trailer", table, mark)
    if end is None or int(end[1]) != table or trailer < 0 or not pdf.startswith(b"xref", table):
        raise _bad("the rendered file does not end as it should")
    if _trailer(pdf[trailer : end.start()]) is not None:
        raise _bad("more than two sections")
    return mark + 5


def _objects(pdf: bytes, start: int, places: dict[int, int], end: int) -> tuple[int, int, int]:
    """Check that the update holds the objects of its table and nothing else; return number and
    span of the one that holds the signature."""
    order = sorted((place, number) for number, place in places.items())
    if not order or pdf[start : order[0][0]].strip(b"\r\n"):
        raise _bad("bytes before the update")
    found = []
    for (place, number), (after, _) in zip(order, [*order[1:], (end, 0)], strict=True):
        if not start <= place < after <= end or pdf.find(b"endobj", place, after) < 0:
            raise _bad("objects that overlap")
        close = pdf.index(b"endobj", place, after) + 6
        head = OBJECT.match(pdf, place)
        if not head or int(head[1]) != number or int(head[2]) or pdf[close:after].strip(b"\r\n"):
            raise _bad("bytes between objects")
        if pdf.find(b"/ByteRange", place, close) >= 0:
            found.append((number, place, close))
    if len(found) != 1 or pdf.find(b"/ByteRange") < start:
        raise _bad("not exactly one signature")
    return found[0]


def _signature(pdf: bytes, base_end: int, where: tuple[int, int, int]) -> Shape:
    number, place, close = where
    ranges = RANGE.search(pdf, place, close)
    if not ranges or pdf.count(b"/ByteRange", place, close) != 1:
        raise _bad("/ByteRange")
    start, end, rest = (int(one) for one in ranges.groups())
    if not place < start < end < close or end + rest != len(pdf):
        raise _bad("/ByteRange does not cover the whole file")
    text = pdf[start + 1 : end - 1]
    before, after = pdf[place:start], pdf[end:close]
    if (pdf[start : start + 1], pdf[end - 1 : end]) != (b"<", b">") or not HOLE.fullmatch(text):
        raise _bad("the hole is not the signature")
    if not before.rstrip().endswith(b"/Contents") or b"/Contents" in after:
        raise _bad("the signature lies outside its dictionary")
    said = before + after
    if not KIND.search(said) or not SUBFILTER.search(said) or said.count(b"/SubFilter") != 1:
        raise _bad("not a PAdES signature")
    if not re.search(rb"/V\s+%d\s+0\s+R\b" % number, pdf[base_end:]):
        raise _bad("no field holds the signature")
    contents = bytes.fromhex(text.decode())
    try:
        length = asn1.length(contents)
    except ValueError as error:
        raise _bad(f"/Contents: {error}") from error
    if contents[length:].strip(b"\0"):
        raise _bad("/Contents: something after the signature")
    return Shape(base_end, start, end, contents[:length])
