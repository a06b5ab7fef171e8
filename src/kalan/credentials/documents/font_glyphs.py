"""What each glyph of an embedded font is: its outline, its width, the letters that it stands for.

TrueType subsets as Typst embeds them (ISO/IEC 14496-22: ``glyf`` 5.3.4, ``loca`` 5.3.5), by the
codes of a page: two bytes each, which are the numbers of the glyphs (``Identity-H``).
"""

from __future__ import annotations

import hashlib
import re
import struct

from kalan.credentials.documents.pdf_parts import Parts

_PLAIN = rb"[^()\\]|\\."
_NESTED = rb"\((?:" + _PLAIN + rb"|\((?:" + _PLAIN + rb"|\((?:" + _PLAIN + rb")*\))*\))*\)"
STRING = _NESTED + rb"|(?<!<)<[0-9A-F]+>"  # in either writing (ISO 32000-1, 7.3.4)
_STRINGS = re.compile(STRING, re.DOTALL)
_WIDTHS = re.compile(rb"/DW 0/CIDToGIDMap/Identity/W\[((?:\d+ \d+ [\d.]+ ?)+)\]")
_LETTERS = re.compile(rb"<([0-9A-F]{4})> <([0-9A-F]+)>\n")
_ESCAPED = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_NAMED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
# Flags of a glyph made of others: wide arguments, one scale, two scales, a matrix, more to come.
_WIDE, _SCALE, _SCALES, _MATRIX, _MORE = 0x1, 0x8, 0x40, 0x80, 0x20


class Font:
    """A font of a page. ``numbered``: the objects whose bytes follow the order of its glyphs."""

    def __init__(self, parts: Parts, number: int) -> None:
        font = parts.objects[number]
        if b"/Encoding/Identity-H/" not in font.text:
            raise ValueError("a font coded in another way")
        letters = font.to(b"/ToUnicode")
        below = parts.objects[_only(font.text, rb"/DescendantFonts\[(\d+) 0 R\]")]
        descriptor = parts.objects[below.to(b"/FontDescriptor")]
        file, held = descriptor.to(b"/FontFile2"), descriptor.to(b"/CIDSet")
        self.numbered = {letters, file, held}
        self._letters = _letters(parts.objects[letters].plain())
        self._widths = _widths(below.text)
        self._outlines = _Outlines(parts.objects[file].plain())
        self._told: dict[int, bytes] = {}

    def told(self, string: bytes) -> bytes:
        """What the glyphs of a string of a page are; ``string``: with its brackets."""
        return b"(%s)" % b"".join([self._glyph(code) for code in _codes(string)])

    def words(self, drawing: bytes) -> str:
        """The letters for which the glyphs of all strings of ``drawing`` stand; "" when it says in
        another way than by them what it says."""
        if b"/" in _STRINGS.sub(b"", drawing):
            return ""
        codes = [code for string in _STRINGS.findall(drawing) for code in _codes(string)]
        letters = b"".join([self._letters[code] for code in codes]).decode()
        return bytes.fromhex(letters).decode("utf-16-be")

    def _glyph(self, code: int) -> bytes:
        known = self._told.get(code)
        if known is None:
            outline = hashlib.sha256(self._outlines.of(code)).hexdigest()[:32].encode()
            letters = self._letters[code]
            known = self._told[code] = b"<%s %s %s>" % (letters, self._widths[code], outline)
        return known


class _Outlines:
    """The tables of a font that say how its glyphs are drawn."""

    def __init__(self, font: bytes) -> None:
        count = int.from_bytes(font[4:6])
        rows = [struct.unpack_from(">4sIII", font, 12 + 16 * n) for n in range(count)]
        tables = {tag: font[start : start + size] for tag, _, start, size in rows}
        wide = int.from_bytes(tables[b"head"][50:52])
        places = tables[b"loca"]
        one = ">I" if wide else ">H"
        self._places = [(1 if wide else 2) * at for (at,) in struct.iter_unpack(one, places)]
        self._glyf = tables[b"glyf"]

    def of(self, glyph: int, depth: int = 0) -> bytes:
        """The outline of a glyph; what it is made of stands in it whole, not by number."""
        raw = self._glyf[self._places[glyph] : self._places[glyph + 1]]
        if not raw or int.from_bytes(raw[:2], signed=True) >= 0:
            return raw
        if depth > 4:
            raise ValueError("a glyph made of itself")
        said, at, flags = [raw[:10]], 10, _MORE
        while flags & _MORE:
            flags, part = struct.unpack_from(">HH", raw, at)
            size = 4 if flags & _WIDE else 2
            size += 2 * bool(flags & _SCALE) + 4 * bool(flags & _SCALES) + 8 * bool(flags & _MATRIX)
            said += [raw[at : at + 2], raw[at + 4 : at + 4 + size], b"{", self.of(part, depth + 1)]
            said.append(b"}")
            at += 4 + size
        return b"".join([*said, raw[at:]])


def _only(text: bytes, pattern: bytes) -> int:
    (found,) = re.findall(pattern, text)
    return int(found)


def _letters(text: bytes) -> dict[int, bytes]:
    if b"beginbfrange" in text:
        raise ValueError("letters said by ranges")
    return {int(code, 16): said for code, said in _LETTERS.findall(text)}


def _widths(text: bytes) -> dict[int, bytes]:
    found = _WIDTHS.search(text)
    if found is None:
        raise ValueError("widths said in another way")
    words = found[1].split()
    return {
        code: words[n + 2]
        for n in range(0, len(words), 3)
        for code in range(int(words[n]), int(words[n + 1]) + 1)
    }


def _codes(string: bytes) -> list[int]:
    literal = string.startswith(b"(")
    raw = _bytes_of(string[1:-1]) if literal else bytes.fromhex(string[1:-1].decode())
    if len(raw) % 2:
        raise ValueError("half a glyph")
    return [code for (code,) in struct.iter_unpack(">H", raw)]


def _bytes_of(literal: bytes) -> bytes:
    """Without its escapes (ISO 32000-1, 7.3.4.2). Zeros, half of all, at once; between two escaped
    backslashes no other stands alone."""
    parts = literal.split(rb"\\")
    return b"\\".join(_ESCAPED.sub(_unescaped, part.replace(rb"\000", b"\0")) for part in parts)


def _unescaped(found: re.Match[bytes]) -> bytes:
    said = found[1]
    return bytes([int(said, 8)]) if said.isdigit() else _NAMED.get(said, said)
