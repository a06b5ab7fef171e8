"""Which characters our fonts can draw, read from the fonts themselves.

PDF/A and PDF/UA forbid a missing glyph (ISO 14289-1, 7.21): a name with one is refused before
anything is signed, rather than printed as a box.
"""

from __future__ import annotations

import struct
import unicodedata
from functools import lru_cache
from pathlib import Path

import kalan.base.documents as base_documents

FONTS = Path(base_documents.__file__).parent / "fonts"
# Marks that turn the direction of what follows: a name could be made to read as another.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Print as nothing, and two names that differ look the same.
_UNSEEN = frozenset("\u00ad\u034f\u200b\u2028\u2029\u2060\ufeff")
# Join letters and set directions in Arabic and N'Ko; elsewhere they only hide or swap.
_JOINING = frozenset("\u200c\u200d\u200e\u200f")


@lru_cache(maxsize=1)
def drawable() -> frozenset[int]:
    """Code points that at least one font has."""
    found: set[int] = set()
    for path in sorted(FONTS.glob("*.ttf")):
        found |= _characters(path.read_bytes())
    return frozenset(found)


def _characters(font: bytes) -> set[int]:
    """OpenType `cmap`, format 4 (ISO/IEC 14496-22, 5.2.1.3.3): the only one in our fonts."""
    tables = struct.unpack(">H", font[4:6])[0]
    for number in range(tables):
        tag, _, start, _ = struct.unpack(">4sIII", font[12 + 16 * number : 28 + 16 * number])
        if tag == b"cmap":
            return _format_4(font, start)
    raise ValueError("a font without cmap")


def _format_4(font: bytes, start: int) -> set[int]:
    count = struct.unpack(">H", font[start + 2 : start + 4])[0]
    for number in range(count):
        at = start + struct.unpack(">I", font[start + 8 + 8 * number : start + 12 + 8 * number])[0]
        if struct.unpack(">H", font[at : at + 2])[0] != 4:
            continue
        segments = struct.unpack(">H", font[at + 6 : at + 8])[0] // 2
        shape = f">{segments}H"
        ends = struct.unpack_from(shape, font, at + 14)
        starts = struct.unpack_from(shape, font, at + 16 + 2 * segments)
        return {
            code
            for first, last in zip(starts, ends, strict=True)
            for code in range(first, last + 1)
            if code != 0xFFFF
        }
    raise ValueError("a font without a cmap of format 4")


def unprintable(text: str) -> str | None:
    """The first character of ``text`` that cannot be printed, or None.

    Line feeds pass; other controls and marks that turn the direction of the text do not, nor
    what prints as nothing.
    """
    known = drawable()
    turned = any(unicodedata.bidirectional(sign) in ("R", "AL") for sign in {*text} - _JOINING)
    bad = _TURNING | _UNSEEN | (frozenset() if turned else _JOINING)
    for sign in unicodedata.normalize("NFC", text):
        if sign != "\n" and (ord(sign) not in known or sign in bad or sign < " "):
            return sign
    return None


def name_of(sign: str) -> str:
    """A character as a message names it: « 😀 (U+1F600, GRINNING FACE) »."""
    hidden = _TURNING | _UNSEEN | _JOINING
    shown = sign if sign.isprintable() and sign not in hidden else ""
    words = unicodedata.name(sign, "sans nom")
    return (
        f"«\u00a0{shown}\u00a0» (U+{ord(sign):04X}, {words})"
        if shown
        else f"U+{ord(sign):04X} ({words})"
    )
