"""How many parts an SMS takes: 3GPP TS 23.038 (alphabets) and TS 23.040 (concatenation).

A part holds 160 septets or 70 UCS-2 units; in a message of several parts each gives up room for
its header and holds 153 or 67.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("^{}\\[~]|€\f")  # an escape and a letter: two septets
_PLAIN = str.maketrans(
    {
        "’": "'",
        "‘": "'",
        "“": '"',
        "”": '"',
        "«": '"',
        "»": '"',
        "–": "-",
        "—": "-",
        "…": "...",
        "\u00a0": " ",
        "\u202f": " ",
        "œ": "oe",
        "Œ": "OE",
        "·": "-",
    }
)


@dataclass(frozen=True)
class Size:
    """``units`` are septets (GSM-7) or UTF-16 code units (UCS-2)."""

    parts: int
    units: int
    ucs2: bool


def cheap(text: str) -> str:
    """Return ``text`` with typography and rare accents made plain, so that GSM-7 can carry it.

    One "ê" or "’" would more than halve what a part holds. Other scripts are kept: a text that
    needs them goes as UCS-2, whole.
    """
    plain = text.translate(_PLAIN)
    letters = []
    for letter in plain:
        if letter in _BASIC or letter in _EXTENDED:
            letters.append(letter)
            continue
        base = unicodedata.normalize("NFD", letter)[0]
        letters.append(base if base in _BASIC else letter)
    return "".join(letters)


def size(text: str) -> Size:
    """Count the parts of ``text``; an empty text takes one."""
    ucs2 = any(letter not in _BASIC and letter not in _EXTENDED for letter in text)
    if ucs2:
        costs = [len(letter.encode("utf-16-be")) // 2 for letter in text]
        single, several = 70, 67
    else:
        costs = [2 if letter in _EXTENDED else 1 for letter in text]
        single, several = 160, 153
    total = sum(costs)
    if total <= single:
        return Size(parts=1, units=total, ucs2=ucs2)
    parts, room = 1, several
    for cost in costs:  # neither an escape nor a surrogate pair is cut in two
        if cost > room:
            parts, room = parts + 1, several
        room -= cost
    return Size(parts=parts, units=total, ucs2=ucs2)
