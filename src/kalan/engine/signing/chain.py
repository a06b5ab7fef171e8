"""The register's chain: each entry's hash covers its body and the hash of the entry before.

Bodies are hashed as canonical JSON (RFC 8785) of what JSON says without doubt: objects, lists,
text, whole numbers to 2^53 - 1, true, false, null. Numbers with a fraction are refused: nothing
in a register needs them, and their text is where canonical forms differ.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

START = bytes(32)  # what the first entry has before it
_DOMAIN = b"kalan register 1\n"  # no other hash of Kalan begins so
_LARGEST = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it is stored."""

    seq: int
    body: Mapping[str, Any]
    previous: bytes
    hash: bytes


def canonical(value: object) -> bytes:
    """``value`` as canonical JSON; ValueError for what it cannot say."""
    return json.dumps(_ordered(value), ensure_ascii=False, separators=(",", ":")).encode()


def entry_hash(previous: bytes, body: Mapping[str, Any]) -> bytes:
    """The hash of an entry with ``body`` after the entry whose hash is ``previous`` (32 bytes)."""
    if len(previous) != 32:
        raise ValueError("the hash before is 32 bytes")
    return sha256(_DOMAIN + previous + canonical(body)).digest()


def verify_chain(
    entries: Iterable[Entry], *, first: int = 1, previous: bytes = START
) -> int | None:
    """The number of the first entry that does not hold, or None when all do.

    Numbers run without a gap from ``first``: of a missing entry its number is given. Entries cut
    off the end are not seen here: compare the last hash with one kept elsewhere.
    """
    for wanted, entry in enumerate(entries, first):
        if entry.seq != wanted or entry.previous != previous:
            return wanted
        try:
            if entry_hash(previous, entry.body) != entry.hash:
                return wanted
        except ValueError:
            return wanted
        previous = entry.hash
    return None


def _ordered(value: object) -> object:
    """``value`` with its names sorted by UTF-16 (RFC 8785 §3.2.3), nothing in it left doubtful."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) > _LARGEST:
            raise ValueError("a whole number beyond 2^53 - 1")
        return int(value)
    if isinstance(value, str):
        value.encode()  # UnicodeEncodeError, a ValueError, for half a surrogate pair
        return str(value)
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) for name in value):
            raise ValueError("a name that is not text")
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return {name: _ordered(value[name]) for name in names}
    if isinstance(value, (list, tuple)):
        return [_ordered(item) for item in value]
    raise ValueError(f"no canonical form for {type(value).__name__}")
