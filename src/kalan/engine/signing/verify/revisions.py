"""A signed PDF as bytes: where the signature lies, what it covers, what comes after.

A PDF reader resolves references; it does not ask whether every byte is accounted for. The attacks
of « 1 Trillion Dollar Refund » (Mladenov et al., CCS 2019) live in that gap: ranges that skip more
than the signature, signatures moved elsewhere, bytes that only a forgiving reader sees.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import NamedTuple

from kalan.engine.signing.verify import asn1
from kalan.engine.signing.verify.verdict import Doubt, Reason

OBJECT = re.compile(rb"(?<!\d)(\d{1,10})[\x00\t\n\x0c\r ]+(\d{1,5})[\x00\t\n\x0c\r ]+obj(?![a-z])")
END = re.compile(rb"startxref[\t\r\n ]+(\d{1,12})[\t ]*(?:\r\n|\r|\n)%%EOF")
HOLE = re.compile(rb"(?:[0-9a-f]{2})+|(?:[0-9A-F]{2})+")  # one case throughout: one way to write it
RANGES = re.compile(rb"/ByteRange\s*\[\s*(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s*\]")
CONTENTS = re.compile(rb"/Contents\s*<([0-9A-Fa-f]{64,})>")
IN_PLACE = re.compile(rb"<([0-9A-Fa-f]{64,})>")
PIECE = re.compile(rb"\\.|[()%]|stream\r?\n", re.DOTALL)
MESSAGE_DIGEST = bytes.fromhex("06092a864886f70d010904")  # 1.2.840.113549.1.9.4
TIME_STAMP = bytes.fromhex("060b2a864886f70d0109100104")  # id-ct-TSTInfo
DIGESTS = {32: hashlib.sha256, 48: hashlib.sha384, 64: hashlib.sha512}


class Hole(NamedTuple):
    """Where the hexadecimal signature lies, < and > included, and where what it covers ends."""

    start: int
    end: int
    covered: int


def hole(pdf: bytes, byte_range: Sequence[object], contents: bytes, at: int) -> Hole:
    """Check the byte range of the signature dictionary written at ``at``: exactly two ranges, from
    the first byte on, leaving out nothing but the text of /Contents."""
    if len(byte_range) != 4 or not all(isinstance(n, int) and n >= 0 for n in byte_range):
        raise Doubt(Reason.MALFORMED, "/ByteRange: not two ranges")
    first, start, end, rest = (int(str(n)) for n in byte_range)
    covered = end + rest
    if first != 0 or not 0 < start < end < covered <= len(pdf):
        raise Doubt(Reason.MALFORMED, "/ByteRange: not from the first byte, or out of the file")
    text = pdf[start + 1 : end - 1]
    if pdf[start : start + 1] != b"<" or pdf[end - 1 : end] != b">" or not HOLE.fullmatch(text):
        raise Doubt(Reason.MALFORMED, "/ByteRange leaves out something else than the signature")
    if bytes.fromhex(text.decode()) != contents:
        raise Doubt(Reason.MALFORMED, "/Contents is not what /ByteRange leaves out")
    before = pdf[at:start]
    opened = OBJECT.match(before)
    if not opened or not before.rstrip().endswith(b"/Contents") or b"endobj" in before:
        raise Doubt(Reason.MALFORMED, "the signature lies outside its dictionary")
    return Hole(start, end, covered)


def unpadded(contents: bytes) -> bytes:
    """Return the CMS without the zeros that fill the hole."""
    try:
        end = asn1.length(contents)
        asn1.walk(contents[:end])
    except ValueError as error:
        raise Doubt(Reason.MALFORMED, f"/Contents: {error}") from error
    if contents[end:].strip(b"\0"):
        raise Doubt(Reason.MALFORMED, "/Contents: something after the signature")
    return contents[:end]


def end_of(pdf: bytes, xref_end: int, startxref: int) -> int:
    """Return where the revision ends whose cross-references end at ``xref_end``: after %%EOF."""
    mark = pdf.find(b"%%EOF", xref_end)
    found = END.search(pdf, xref_end, mark + 5) if mark >= 0 else None
    if not found or found.end() != mark + 5 or int(found[1]) != startxref:
        raise Doubt(Reason.MALFORMED, "a revision does not end with its own startxref")
    return mark + 5


def after_end(pdf: bytes, end: int) -> set[int]:
    """Where a revision may be held to end: at %%EOF, or after one end of line."""
    for line in (b"\r\n", b"\n", b"\r"):
        if pdf.startswith(line, end):
            return {end, end + len(line)}
    return {end}


def account_for(
    pdf: bytes, start: int, offsets: dict[int, tuple[int, int]], xref: int, xref_end: int, end: int
) -> None:
    """Check that a later revision holds its objects, its cross-references, and not a byte more.

    ``offsets``: object number and generation by place. Objects that no table names are what a
    reader that repairs files would find.
    """
    places = sorted({*offsets, xref})
    if places[0] < start or pdf[start : places[0]].strip():
        raise Doubt(Reason.MODIFIED, "a revision that does not begin with its own objects")
    if xref != places[-1]:
        raise Doubt(Reason.MODIFIED, "objects after the cross-references of a revision")
    for place, after in zip(places, [*places[1:], xref_end], strict=True):
        named = offsets.get(place)
        if named is None and pdf.startswith(b"xref", place):
            _no_comment(pdf[place:xref_end])  # the reader has read the classic table line by line
            continue
        chunk = pdf[place:after]
        head = OBJECT.match(chunk)
        if not head or named not in (None, (int(head[1]), int(head[2]))):
            raise Doubt(Reason.MODIFIED, "an object is not where the cross-references say")
        opened, closed = chunk.find(b"stream"), chunk.rfind(b"endstream")
        plain = chunk if opened < 0 or closed < 0 else chunk[:opened] + chunk[closed + 9 :]
        closings = 0 if place == xref else 1  # that of the cross-reference stream is in ``rest``
        if (
            plain.count(b"endobj") != closings
            or (closings and not plain.rstrip().endswith(b"endobj"))
            or len(OBJECT.findall(plain)) != 1
        ):
            raise Doubt(Reason.MODIFIED, "bytes between the objects of a revision")
        _no_comment(chunk)
    rest = pdf[xref_end:end].lstrip().removeprefix(b"endobj")  # of a cross-reference stream
    if b"endobj" in rest or OBJECT.search(rest):
        raise Doubt(Reason.MODIFIED, "an object in a trailer")


def _no_comment(chunk: bytes) -> None:
    """Refuse a comment in an object that is added: no program writes one there, and readers need
    not agree on where it ends (ISO 32000-1, 7.2.3: a form feed or a zero is no end of line)."""
    depth = 0
    for piece in PIECE.finditer(chunk):
        sign = piece[0][:1]
        if depth == 0 and sign == b"s":
            chunk = chunk[max(chunk.rfind(b"endstream"), piece.end()) :]
            if b"%" not in chunk:
                return
        elif sign == b"(":
            depth += 1
        elif sign == b")":
            depth -= 1
        if depth == 0 and sign in b"\\%s":
            raise Doubt(Reason.MODIFIED, "a comment in an object of a revision")


def suspicion(pdf: bytes) -> Reason:
    """Say what a file is that no reader accepts: altered or added to when the signature that its
    bytes show says so, else malformed. It never makes a file valid, and never raises."""
    try:
        return _suspicion(pdf)
    except Exception:  # it looks at bytes that are already known to be bad
        return Reason.MALFORMED


def _suspicion(pdf: bytes) -> Reason:
    found = Reason.MALFORMED
    for match in list(RANGES.finditer(pdf))[:8]:
        first, start, end, rest = map(int, match.groups())
        around = pdf[max(0, match.start() - 200_000) : match.end() + 200_000]
        contents = IN_PLACE.fullmatch(pdf, start, end) or CONTENTS.search(around)
        if first or not 0 < start < end or not contents or len(contents[1]) % 2:
            continue
        digest = _digest_said(bytes.fromhex(contents[1].decode()))
        if digest is None:
            continue
        if end + rest > len(pdf):  # cut short; or a forged range beside one that holds
            found = Reason.ALTERED if found is Reason.MALFORMED else found
            continue
        covered = DIGESTS[len(digest)](pdf[:start] + pdf[end : end + rest]).digest()
        if covered != digest:
            return Reason.ALTERED
        if end + rest < len(pdf):
            found = Reason.MODIFIED
    return found


def _digest_said(cms: bytes) -> bytes | None:
    """The message digest that a CMS says it signs, found by its identifier."""
    at = cms.find(MESSAGE_DIGEST)
    if at < 0 or 0 <= cms.find(TIME_STAMP) < at:  # a document time-stamp digests itself
        return None
    after = cms[at + len(MESSAGE_DIGEST) :]
    size = after[3] if len(after) > 4 and after[0] == 0x31 and after[2] == 0x04 else 0
    return after[4 : 4 + size] if size in DIGESTS and len(after) >= 4 + size else None
