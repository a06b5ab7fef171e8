"""Words: folding for tolerant matching and search (accents, case, spaces), French plurals."""

from __future__ import annotations

import re
import unicodedata

# What NFKD leaves whole and a keyboard without these keys writes in two letters.
_LIGATURES = str.maketrans({"œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae"})
_SPACES = re.compile(r"[\s'’ʼ`\-_.,;:/()«»\"]+")


def fold(value: str) -> str:
    """Return ``value`` without accents, case or punctuation, words joined by one space.

    Letters of other scripts (N'Ko, Arabic) are kept as they are.
    """
    if value.isascii():  # the short way: nothing to decompose
        return _SPACES.sub(" ", value).strip().casefold()
    # Case first: U+0345 is an accent in lower case and a letter in upper case.
    decomposed = unicodedata.normalize("NFKD", value.casefold()).translate(_LIGATURES)
    bare = "".join(c for c in decomposed if not unicodedata.combining(c) or ord(c) > 0x36F)
    return _SPACES.sub(" ", bare).strip().casefold()


def some(number: int, one: str, many: str) -> str:
    """« 0 personne », « 1 personne », « 2 personnes »: the French plural begins at two."""
    return f"{number} {many if number >= 2 else one}"


def whole(text: str, *, digits: int = 5) -> int | None:
    """The number that ``text`` writes in at most ``digits`` of 0-9, or None.

    ``str.isdigit`` is also true of « ² », which ``int`` does not read, and of thousands of digits,
    which it refuses.
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None
