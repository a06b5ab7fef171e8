"""The code of an act: 120 random bits as 24 characters of Crockford's base32, printed in fours.

Crockford's alphabet (https://www.crockford.com/base32.html) leaves out I, L, O and U, so that
what people read aloud or copy by hand comes back: O is read as 0, I and L as 1.
"""

from __future__ import annotations

import re
import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 24
BYTES = 15  # 24 x 5 bits = 15 x 8 bits: no bit is left over
_VALUE = {letter: value for value, letter in enumerate(ALPHABET)}
# What printers, chats and word processors put between the fours.
_BETWEEN = re.compile("[\\s\u00a0\u202f\u200b\u00ad._\\-\u2010-\u2015\u2212]+")
_MISREAD = str.maketrans("OIL", "011")


def new_code() -> str:
    """A fresh code from the system's secure generator."""
    return from_bytes(secrets.token_bytes(BYTES))


def from_bytes(raw: bytes) -> str:
    """The 24 characters of 15 bytes; ValueError for any other length."""
    if len(raw) != BYTES:
        raise ValueError("a code is 15 bytes")
    number = int.from_bytes(raw)
    return "".join(ALPHABET[number >> shift & 31] for shift in range(115, -1, -5))


def to_bytes(code: str) -> bytes:
    """The 15 bytes of a code in its plain form; ValueError when it is not one."""
    if len(code) != LENGTH:
        raise ValueError("a code has 24 characters")
    number = 0
    for letter in code:
        try:
            number = number << 5 | _VALUE[letter]
        except KeyError:
            raise ValueError(f"no such character in a code: {letter!r}") from None
    return number.to_bytes(BYTES)


def normalise(typed: str) -> str | None:
    """The plain form of what a person typed, or None when it cannot be a code.

    Spaces, dashes and lower case do not matter; O reads as 0, I and L as 1.
    """
    if len(typed) > 4 * LENGTH:
        return None
    text = _BETWEEN.sub("", typed).upper().translate(_MISREAD)
    return text if len(text) == LENGTH and _VALUE.keys() >= set(text) else None


def in_fours(code: str, between: str = " ") -> str:
    """The code as it is printed: « 3K7Q 9XZA … »."""
    return between.join(code[start : start + 4] for start in range(0, len(code), 4))
