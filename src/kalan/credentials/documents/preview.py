"""A wording seen on paper before anyone signs it, with an invented person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kalan.credentials.documents import contract, invented, wording
from kalan.credentials.documents.compose import Version, document
from kalan.credentials.documents.errors import DocumentRefused, Problem
from kalan.credentials.documents.merge_fields import fields, known_fields
from kalan.credentials.documents.render import Renderer

NOTICE = "Aperçu\u00a0: personne inventée, document sans valeur"

# Blocks of a wording that each layout prints, and what they are called on screen.
_TWO, _THREE = ("opening", "closing"), ("opening", "body", "closing")
BLOCKS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(contract.KINDS, _THREE),
    contract.SHEET: _TWO,
    contract.REPORT: _TWO,
    # Where administrations say first which texts they act by: in the order of the page.
    contract.DECISION: ("opening", "visas", "body", "closing"),
    contract.MISSION: ("visas", *_THREE),
    contract.FREE: ("visas", *_THREE),
}
BLOCK_LABELS = {
    "visas": "Visas : les textes de loi, un par ligne",
    "opening": "Début (avant le nom ou le tableau)",
    "body": "Texte",
    "closing": "Formule finale",
}


def preview_data(
    version: Version, *, long: bool = False, columns: Sequence[str] = (), months: int | None = None
) -> dict[str, Any]:
    """What ``Renderer.pdf`` takes, for an invented act of ``version``."""
    record = invented.record(version.kind, version.country, long=long)
    record["fields"] = {column: f"({column})" for column in columns}
    envelope = invented.envelope(version.country, long=long)
    if months:
        envelope["valid_until"] = f"{2026 + months // 12}-11-02"
    data = document(record, envelope, version)
    data["page"]["demo"] = NOTICE
    return data


def examples(kind: str, country: str, columns: Sequence[str] = ()) -> list[tuple[str, str]]:
    """The fields that a wording of ``kind`` may use, each with what it would hold."""
    record = invented.record(kind, country)
    record["fields"] = {column: f"({column})" for column in columns}
    held = fields(record, invented.envelope(country))
    held |= {
        "base_legale": "Arrêté n°\u00a017 du 2 mars 2026",
        "valable_jusqu": held["valable_jusqu"] or "2 novembre 2029",
    }
    return [(name, held.get(name, "")) for name in known_fields(kind, tuple(columns))]


def check(
    version: Version,
    packs: Path,
    assets: dict[str, bytes],
    *,
    columns: Sequence[str] = (),
    renderer: Renderer | None = None,
) -> list[Problem]:
    """What keeps ``version`` from being signed: faults of its words, else of its pages.

    Two invented acts are made, one as long as acts may be: what they refuse, a batch would too.
    """
    known = known_fields(version.kind, tuple(columns))
    found = [
        fault
        for block, text in version.wording.items()
        for fault in wording.faults(text, known, block=block)
    ]
    if found:
        return found
    made = renderer or Renderer(packs / version.file, assets)
    try:
        for long in (False, True):
            made.pdf(preview_data(version, long=long, columns=columns, months=36))
    except DocumentRefused as refused:
        return refused.problems
    return []
