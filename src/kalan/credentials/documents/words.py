"""Words that only a legal text allows: "reconnu par l’État" and "certification".

An act that says them without one would lie about what it is worth. The check reads what will be
printed, not what a form let through.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

from kalan.credentials.documents.completeness import texts

# Letters of other scripts that print like Latin ones.
_LOOKALIKES = str.maketrans("аеорсухкмтніѕјԁαεικορτυνı", "aeopcyxkmthisjdaeikoptuvi")
_NOT_LETTERS = re.compile(r"[\W\d_]+")
_PATTERNS = (
    (re.compile("certification"), "certification"),
    (re.compile(r"reconnu(?:e|s|es)?(?:\w{0,60}?parletat|deletat)"), "reconnu par l’État"),
    (re.compile(r"reconnaissance(?:\w{0,60}?parletat|deletat)"), "reconnaissance par l’État"),
)


@lru_cache(maxsize=2048)  # most texts of an act are those of the act before
def _letters(text: str) -> str:
    """The bare letters of ``text``: no accent, capital, space, hyphen or invisible sign."""
    wide = unicodedata.normalize("NFKD", text).casefold().translate(_LOOKALIKES)
    return _NOT_LETTERS.sub("", wide)


def reserved(text: str) -> str | None:
    """The reserved words that ``text`` holds, however they are written; None when it has none."""
    return _among(_letters(text))


def _among(bare: str) -> str | None:
    for pattern, words in _PATTERNS:
        if pattern.search(bare):
            return words
    return None


def reserved_in(page: Any) -> tuple[str, str] | None:
    """The place and the words of the first reserved words on a page, or None.

    All texts are read in a row too: half a word in bold and half in another field is that word.
    """
    found = list(texts(page))
    said = _among("".join(_letters(text) for _, text in found))
    if said is None:
        return None
    for place, text in found:
        if reserved(text) is not None:
            return place, said
    return "page", said
