"""The end of a PDF as Typst writes it: classic cross-reference table, plain objects, one revision.

Read as little as an incremental update needs, and refuse the rest: whatever this module does not
recognise is not ours. Other people's files go through pyHanko (`foreign.py`).
ISO 32000-1, 7.3 (objects), 7.5.4 to 7.5.6 (cross-reference table, trailer, incremental updates).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

Entries = dict[bytes, tuple[int, int]]

_END = re.compile(rb"startxref\s+(\d{1,10})\s+%%EOF\s*\Z")
_TABLE = re.compile(rb"xref\r?\n0 (\d{1,7})\r?\n")
_TRAILER = re.compile(rb"\s*trailer\s*(?=<<)")
_REFERENCE = re.compile(rb"(\d{1,7}) 0 R\Z")
_TOKEN = re.compile(
    rb"\s*(<<|>>|\[|\]|\d{1,10} \d{1,5} R\b|/[^\s()<>\[\]{}/%]*"
    rb"|\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*\)|<[0-9A-Fa-f\s]*>|[^\s()<>\[\]{}/%]+)",
    re.DOTALL,
)
_ROW = 20  # bytes of a row of the table


class NotOursError(Exception):
    """The file is not built as ours are; ``str`` says in English what was found."""


@dataclass(frozen=True)
class Tail:
    """Where things are in one file. ``size``: the next free object number."""

    pdf: bytes
    start: int  # of the cross-reference table
    rows: int  # where its first row begins
    size: int
    trailer: bytes

    def reference(self, raw: bytes, name: bytes) -> int:
        """Return the object number that ``name`` of a dictionary refers to."""
        found = _REFERENCE.match(value(raw, name) or b"")
        if not found:
            raise NotOursError(f"{name!r} is no reference")
        return int(found[1])

    def body(self, number: int) -> bytes:
        """Return what stands between ``n 0 obj`` and ``endobj``."""
        if not 0 < number < self.size:
            raise NotOursError(f"object {number} outside the table")
        row = self.pdf[self.rows + _ROW * number : self.rows + _ROW * number + _ROW]
        if row[10:18] != b" 00000 n" or not row[:10].isdigit():
            raise NotOursError(f"row {number} of the table")
        at = int(row[:10])
        opening = b"%d 0 obj" % number
        if not self.pdf.startswith(opening, at):
            raise NotOursError(f"object {number} is not where the table says")
        end = self.pdf.find(b"endobj", at)
        if end < 0:
            raise NotOursError(f"object {number} does not end")
        return self.pdf[at + len(opening) : end].strip()


def read(pdf: bytes) -> Tail:
    """Read the end of a file; NotOursError when it is not that of a file made by Typst."""
    end = _END.search(pdf, max(0, len(pdf) - 64))
    if not pdf.startswith(b"%PDF-1.") or not end:
        raise NotOursError("header or end")
    start = int(end[1])
    table = _TABLE.match(pdf, start)
    if not table:
        raise NotOursError("no classic table")
    size, rows = int(table[1]), table.end()
    trailer = _TRAILER.match(pdf, rows + _ROW * size)
    if not trailer:
        raise NotOursError("trailer")
    found = Tail(pdf, start, rows, size, pdf[trailer.end() : end.start()].strip())
    names = entries(found.trailer)
    if {b"/Prev", b"/Encrypt", b"/XRefStm"} & names.keys():
        raise NotOursError("several revisions, or encrypted")
    if value(found.trailer, b"/Size") != b"%d" % size:
        raise NotOursError("size")
    return found


@lru_cache(maxsize=64)
def entries(raw: bytes) -> Entries:
    """Return where the value of each key of a dictionary stands in ``raw``."""
    found: Entries = {}
    token = _next(raw, 0)
    if token[1] != b"<<":
        raise NotOursError("no dictionary")
    at = token.end()
    while True:
        token = _next(raw, at)
        name = token[1]
        if name == b">>":
            break
        if not name.startswith(b"/") or name in found:
            raise NotOursError(f"key {name[:20]!r}")
        start, at = _value(raw, token.end())
        found[name] = (start, at)
    if raw[token.end() :].strip():
        raise NotOursError("more than a dictionary")
    return found


def _next(raw: bytes, at: int) -> re.Match[bytes]:
    token = _TOKEN.match(raw, at)
    if not token:
        raise NotOursError("token")
    return token


def _value(raw: bytes, at: int) -> tuple[int, int]:
    """Return the span of the value that follows."""
    token = _next(raw, at)
    start, depth = token.start(1), 0
    while True:
        if token[1] in (b"<<", b"["):
            depth += 1
        elif token[1] in (b">>", b"]"):
            depth -= 1
        if depth < 0:
            raise NotOursError("key without value")
        if not depth:
            return start, token.end()
        token = _next(raw, token.end())


def value(raw: bytes, name: bytes) -> bytes | None:
    """Return the value of a key of a dictionary as it is written, or None."""
    span = entries(raw).get(name)
    return raw[span[0] : span[1]] if span else None


def edit(raw: bytes, **changed: bytes) -> bytes:
    """Return the dictionary with values replaced or added; ``Annots=b"[…]"``."""
    spans = entries(raw)
    named = {b"/" + key.encode(): new for key, new in changed.items()}
    known = sorted((*spans[name], new) for name, new in named.items() if name in spans)
    parts, at = [], 0
    for start, end, new in known:
        before = raw[at:start]
        # "/Tabs /S" may lose its space, "/F 4" may not.
        parts += [before, b"" if new[:1] in b"/[(<" or before[-1:].isspace() else b" ", new]
        at = end
    last = raw.rindex(b">>")
    parts.append(raw[at:last])
    for name, new in named.items():
        if name not in spans:
            parts += [name, b"" if new[:1] in b"/[(<" else b" ", new]
    return b"".join([*parts, b">>"])


def append(array: bytes, item: bytes) -> bytes:
    """Return an array with one element more."""
    if array[:1] != b"[" or array[-1:] != b"]":
        raise NotOursError("no array")
    return array[:-1] + (b" " if array[-2:-1] not in b"[ " else b"") + item + b"]"


def first_string(array: bytes) -> bytes:
    """Return the first string of an array as it is written."""
    opening = _next(array, 0)
    found = _next(array, opening.end())
    if opening[1] != b"[" or found[1][:1] not in (b"(", b"<") or found[1] == b"<<":
        raise NotOursError("identifier")
    return found[1]
