"""Which column holds which field: proposed from titles, remembered by the header's hash."""

from __future__ import annotations

import datetime as dt
import hashlib

from rapidfuzz import fuzz

from kalan.base.imports.registry import Kind
from kalan.base.models import ColumnMapping
from kalan.base.text import fold

_NEAR = 88.0  # per cent, on folded titles


def header_key(headers: list[str]) -> str:
    """SHA-256 of the folded titles in order."""
    return hashlib.sha256("\x1f".join(fold(title) for title in headers).encode()).hexdigest()


def score(kind: Kind, titles: list[str]) -> float:
    """How many fields of ``kind`` the titles name: tells the header row and the right sheet."""
    known = {fold(word) for field in kind.fields for word in (field.label, *field.synonyms)}
    return len({fold(title) for title in titles if title} & known)


def propose(kind: Kind, headers: list[str]) -> dict[str, int]:
    """Return {field: column index}: exact titles first, then near ones; a column serves once."""
    folded = [fold(title) for title in headers]
    found: dict[str, int] = {}
    free = {column for column, title in enumerate(folded) if title}
    names = {f.name: [fold(word) for word in (f.label, f.name, *f.synonyms)] for f in kind.fields}
    for name, words in names.items():
        for word in words:
            match = next((c for c in sorted(free) if folded[c] == word), None)
            if match is not None:
                found[name] = match
                free.discard(match)
                break
    near = sorted(
        (
            (fuzz.ratio(word, folded[column]), name, column)
            for name, words in names.items()
            if name not in found
            for word in words
            for column in free
        ),
        key=lambda item: (-item[0], item[2]),
    )
    for points, name, column in near:
        if points >= _NEAR and name not in found and column in free:
            found[name] = column
            free.discard(column)
    return found


def remembered(kind: Kind, headers: list[str]) -> dict[str, int] | None:
    """The mapping last used for these titles, without fields that no longer exist."""
    row = ColumnMapping.objects.filter(kind=kind.code, header_key=header_key(headers)).first()
    if row is None:
        return None
    names = {field.name for field in kind.fields}
    return {
        name: column
        for name, column in row.mapping.items()
        if name in names and isinstance(column, int) and column < len(headers)
    }


def remember(kind: Kind, headers: list[str], mapping: dict[str, int], now: dt.datetime) -> None:
    ColumnMapping.objects.update_or_create(
        kind=kind.code,
        header_key=header_key(headers),
        defaults={"mapping": mapping, "used_at": now},
    )
