"""From the data of an act to what its page says: every text final, nothing left to the layout.

``document(record, envelope, version)`` gives ``{"act": …, "page": …}``: the first is attached to
the PDF as it is, the second is printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kalan.credentials.documents import french, wording
from kalan.credentials.documents.content import content, density, pages_allowed
from kalan.credentials.documents.contract import Envelope, Record, Signatory
from kalan.credentials.documents.merge_fields import fields
from kalan.credentials.documents.statements import (
    DEMO_NOTICE,
    HAND_STATEMENT,
    LIMITS,
    STATEMENTS,
    TITLES,
)

SCHEMA = "kalan-act-1"
LISTS = ("visas",)  # blocks of which each line is a paragraph


@dataclass(frozen=True)
class Version:
    """A version of a template, as the renderer needs it."""

    kind: str
    country: str
    file: str  # under packs/: "actes/formation.typ"
    title: str = ""
    wording: dict[str, str] = field(default_factory=dict)
    legal: dict[str, str] | None = None  # number, date (ISO 8601), authority
    arms: dict[str, str] | None = None  # file (a key of the assets), alt
    logos: tuple[dict[str, str], ...] = ()


def document(record: Record, envelope: Envelope, version: Version) -> dict[str, Any]:
    """``{"act", "page"}`` of one act. Texts are final; the layout only places them."""
    title = TITLES.get(version.kind) or version.title
    values = fields(record, envelope) | {"base_legale": legal_line(version.legal)}
    act = {
        "schema": SCHEMA,
        "kind": version.kind,
        "country": version.country,
        "title": title,
        "record": record,
        "issue": envelope,
        "legal": version.legal,
    }
    name = values["nom"] or values["titre"]
    page: dict[str, Any] = {
        "title": title,
        "text": {
            block: wording.expand(wording.listed(text) if block in LISTS else text, values)
            for block, text in version.wording.items()
        },
        "limits": LIMITS[version.kind],
        "legal": values["base_legale"],
        "arms": version.arms,
        "logos": list(version.logos),
        "meta": {
            "title": " — ".join(text for text in (title, name, envelope["number"]) if text),
            "author": envelope["ministry"],
            "keywords": [title, envelope["number"]],
        },
        **_issue(envelope, values),
        **content(version.kind, record, values),
    }
    page |= {"pages": pages_allowed(version.kind, page), "dense": density(page)}
    return {"act": act, "page": page}


def legal_line(legal: Mapping[str, str] | None) -> str:
    """« Arrêté n° 123 du 3 mars 2026, Ministre de la Santé »; "" without a legal reference."""
    if not legal:
        return ""
    day = french.long_date(french.read(legal["date"]))
    return f"{legal['number']} du {day}, {legal['authority']}"


def _issue(envelope: Envelope, values: Mapping[str, str]) -> dict[str, Any]:
    signatory = envelope["signatory"]
    hand = envelope["mode"] == "hand"
    code = envelope["code"]
    day = french.read(envelope["issued_on"])
    return {
        "number": f"N°\u00a0{envelope['number']}",
        "ministry": envelope["ministry"],
        "body": envelope.get("body", ""),
        "place_date": f"Fait à {envelope['place']}, le {french.long_date(day)}",
        "day": [day.year, day.month, day.day],
        "sign": {
            "lines": _capacity(signatory),
            "name": signatory["name"],
            "statement": HAND_STATEMENT if hand else STATEMENTS[envelope["level"]],
            "hand": hand,
        },
        "code": " ".join(code[at : at + 4] for at in range(0, len(code), 4)),
        "check": _typed(envelope["address"], code),
        "valid": f"Valable jusqu’au {values['valable_jusqu']}" if values["valable_jusqu"] else "",
        "demo": DEMO_NOTICE if envelope.get("demo") else "",
    }


def _typed(address: str, code: str) -> str:
    """What a person types in a browser: « kalan.sante.gouv.sn/verifier »."""
    return address.partition("#")[0].rpartition(code)[0].rstrip("/").removeprefix("https://")


def _capacity(signatory: Signatory) -> list[str]:
    office, title = signatory.get("office", ""), signatory["title"]
    if signatory["capacity"] == "delegate":
        return [f"P.O. — pour {french.lowered(office)}" if office else "P.O.", title]
    if signatory["capacity"] == "interim":
        return [f"{office or title}, par intérim", *([title] if office and title != office else [])]
    return [title]
