"""What the page of each kind of act shows under its title, and how tightly it is set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from unicodedata import bidirectional

from kalan.credentials.documents import contract
from kalan.credentials.documents.contract import Record

_SESSIONS = 10  # of a trainer, on one page

# Kind → the facts printed beside the text: a label, and the fields whose values follow it.
_TRAINING = (
    ("Formation", "titre"),
    ("Programme", "programme"),
    ("Dates", "dates"),
    ("Lieu", "lieu"),
)
_FACTS: dict[str, tuple[tuple[str, str], ...]] = {
    contract.ATTENDANCE: (
        ("Dates", "dates"),
        ("Lieu", "lieu"),
        ("Présence", "demi_journees_suivies"),
        ("Durée suivie", "heures_suivies"),
    ),
    contract.TRAINING: (
        ("Dates", "dates"),
        ("Lieu", "lieu"),
        ("Durée", "heures"),
        ("Règle remplie", "regle"),
    ),
    contract.COMPETENCE: (
        ("Examen surveillé", "examen"),
        ("Date et lieu", "date_examen lieu_examen"),
        ("Référentiel", "referentiel"),
    ),
    contract.TRAINER: (("Animation", "demi_journees_animees"), ("Durée", "heures_animees")),
    contract.SHEET: _TRAINING,
    contract.REPORT: _TRAINING,
    contract.DECISION: _TRAINING,
    contract.CONVOCATION: (
        ("Formation", "titre"),
        ("Dates", "dates"),
        ("Rendez-vous", "rendez_vous"),
        ("Lieu", "lieu_rendez_vous"),
        ("Contact", "contact"),
    ),
    contract.MISSION: (
        ("Nom", "nom"),
        ("Qualité", "cadre structure"),
        ("Matricule", "matricule"),
        ("Objet de la mission", "objet"),
        ("Destination", "destination"),
        ("Départ", "depart"),
        ("Retour", "retour"),
        ("Moyen de transport", "transport"),
        ("Prise en charge", "prise_en_charge"),
    ),
    contract.FREE: (),
}


def content(kind: str, record: Record, values: Mapping[str, str]) -> dict[str, Any]:
    """Name, facts and body of the page; ``values``: what each field holds (``merge_fields``)."""
    holder = record.get("holder", {})
    name = holder.get("name", "")
    qualities = [holder.get("cadre", ""), holder.get("structure", "")]
    return {
        "name": name,
        "name_turned": _turned(name),
        "name_size": name_size(name),
        "qualities": _capital(" · ".join(text for text in qualities if text)),
        "facts": _facts(kind, record, values),
        **_body(kind, record),
    }


def _facts(kind: str, record: Record, values: Mapping[str, str]) -> list[list[str]]:
    joined = [
        [label, ", ".join(values[name] for name in names.split() if values[name])]
        for label, names in _FACTS[kind]
    ]
    told = [pair for pair in joined if pair[1]]
    if kind in (contract.REPORT, contract.CONVOCATION, contract.MISSION):
        told += [fact for fact in record.get("facts", []) if fact[1]]
    return told


def _body(kind: str, record: Record) -> dict[str, Any]:
    """Lists and tables that belong to one kind."""
    if kind == contract.TRAINING:
        return {"themes": _columns(record["themes"])}
    if kind == contract.COMPETENCE:
        return {"levels": [_level(level) for level in record["levels"]]}
    if kind == contract.TRAINER:
        columns = ("title", "dates", "place", "half_days", "hours")
        sessions = record["led"]["sessions"]
        return {"sessions": [[led.get(key, "") for key in columns] for led in sessions]}
    if kind == contract.SHEET:
        return _sheet(record)
    if kind == contract.REPORT:
        return {"sections": list(record["sections"])}
    if kind == contract.DECISION:
        return {"people": _annex(record)}
    return {}


def _annex(record: Record) -> list[list[str]]:
    columns = ("name", "matricule", "cadre", "structure")
    return [
        [str(rank), *(str(person.get(key, "")) for key in columns)]
        for rank, person in enumerate(record["people"], start=1)
    ]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _turned(name: str) -> bool:
    """Whether some of it is written from right to left."""
    return not name.isascii() and any(bidirectional(sign) in ("R", "AL") for sign in name)


def name_size(name: str) -> int:
    """Points in which a certificate sets a name: 80 letters and more still take two lines."""
    return 26 if len(name) <= 34 else 21 if len(name) <= 60 else 16


def _columns(themes: list[str]) -> list[list[str]]:
    """Themes in one, two or three columns, filled downwards."""
    count = 1 if len(themes) < 4 else 2 if len(themes) < 10 else 3
    height = -(-len(themes) // count)
    return [themes[at : at + height] for at in range(0, len(themes), height)]


def pages_allowed(kind: str, page: Mapping[str, Any]) -> int | None:
    """Most pages of an act; None: as many as it takes.

    A proof is one page, but for a trainer who led more sessions than one holds.
    """
    if kind not in contract.PROOFS or len(page.get("sessions", [])) > _SESSIONS:
        return None
    return 1


def density(page: Mapping[str, Any]) -> int:
    """0, 1 or 2: how tightly a certificate is set, by an estimate of its lines of text.

    The renderer sets it tighter still when the page is exceeded: the estimate spares a second try.
    """
    lines = sum(
        -(-sum(len(text) for text, _ in paragraph) // 115)
        for paragraphs in page["text"].values()
        for paragraph in paragraphs
    )
    lines += -(-len(page["qualities"]) // 110) + len(page["name"]) // 60
    lines += max((len(value) for _, value in page["facts"]), default=0) // 34
    lines += max(map(len, page.get("themes", [[]])))
    lines += len(page.get("levels", [])) + len(page.get("sessions", []))
    return 0 if lines <= 11 else 1 if lines <= 15 else 2


def _level(level: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "domain": level["domain"],
        "text": f"{level['level']} sur {level['of']}"
        + (f" — {level['label']}" if level.get("label") else ""),
        "confidence": level.get("confidence", ""),
        "share": round(100 * level["level"] / level["of"]),
    }


def _sheet(record: Record) -> dict[str, Any]:
    marks = {"P": "présent", "A": "absent", "E": "excusé", "": "non noté"}
    return {
        "columns": [[c["day"], c["part"]] for c in record["columns"]],
        "lines": [
            [line["name"], line.get("cadre", ""), line.get("structure", "")]
            + [marks[mark] for mark in line["marks"]]
            for line in record["lines"]
        ],
        "trainers": [[t["name"], t.get("half_days", "")] for t in record["trainers"]],
    }
