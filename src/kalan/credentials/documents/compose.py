"""From the data of an act to what its page says: every text final, nothing left to the layout.

``document(record, envelope, version)`` gives ``{"act": …, "page": …}``: the first is attached to
the PDF as it is, the second is printed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from unicodedata import bidirectional

from kalan.base.text import fold
from kalan.credentials.documents import contract, french, wording
from kalan.credentials.documents.contract import Envelope, Record, Signatory

SCHEMA = "kalan-act-1"
DEMO_NOTICE = "Données de démonstration\u00a0: personnes et présences fictives"

# Titles of proofs are fixed; those of other acts are the version's own.
TITLES = {
    contract.ATTENDANCE: "Attestation de présence",
    contract.TRAINING: "Attestation de formation",
    contract.COMPETENCE: "Certificat de compétences",
    contract.TRAINER: "Attestation de formateur",
}

# What each kind does not prove. Printed always, editable by nobody.
LIMITS = {
    contract.ATTENDANCE: (
        "Cette attestation prouve une présence. Elle ne prouve ni des compétences, ni la réussite "
        "à une évaluation."
    ),
    contract.TRAINING: (
        "Cette attestation prouve que la règle du programme a été remplie. Elle ne prouve aucun "
        "niveau de compétence."
    ),
    contract.COMPETENCE: (
        "Ce certificat prouve les niveaux mesurés lors d’un examen surveillé, avec leur marge "
        "d’incertitude. Il n’est ni un diplôme, ni un titre, ni une autorisation d’exercer."
    ),
    contract.TRAINER: (
        "Cette attestation prouve des heures d’animation. Elle ne prouve ni une habilitation de "
        "formateur, ni la réussite des personnes formées."
    ),
    contract.SHEET: (
        "Cette feuille rapporte les présences notées. Un seul cachet la scelle tout entière\u00a0; "
        "elle ne prouve pas de compétences."
    ),
    contract.REPORT: (
        "Ce rapport rend compte de la session d’après les données enregistrées à sa date. Il ne "
        "prouve pas les compétences des personnes."
    ),
    contract.CONVOCATION: "Cette convocation ne prouve pas une présence.",
    contract.MISSION: (
        "Cet ordre de mission autorise le déplacement. Il ne prouve pas que la mission a eu lieu."
    ),
    contract.DECISION: (
        "Cette décision met en formation les agents nommés. Elle ne prouve ni leur présence, ni "
        "leur réussite."
    ),
    contract.FREE: (
        "Cet acte prouve que son signataire l’a émis tel quel. Kalan ne garantit pas ce qu’il "
        "déclare."
    ),
}

STATEMENTS = {
    "trial": ("Signé électroniquement — autorité interne du ministère (essai ou usage interne)"),
    "ministry": "Signé électroniquement — autorité interne du ministère",
    "accredited": "Signé électroniquement — prestataire accrédité",
}
_SESSIONS = 10  # of a trainer, on one page
HAND_STATEMENT = "Inscrit au registre\u00a0; signature manuscrite"


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


# Names that a wording may use, by kind; what they hold is in ``fields``.
_COMMON = (
    "numero date ville signataire fonction service ministere reference base_legale valable_jusqu"
)
_HOLDER = "nom cadre structure employeur matricule naissance"
_TRAINING = (
    "titre programme code_session nature modalite dates lieu heures demi_journees objectifs "
    "organisateur"
)
FIELDS: dict[str, tuple[str, ...]] = {
    kind: tuple(f"{_COMMON} {names}".split())
    for kind, names in {
        contract.ATTENDANCE: f"{_HOLDER} {_TRAINING} demi_journees_suivies heures_suivies",
        contract.TRAINING: f"{_HOLDER} {_TRAINING} regle resultat",
        contract.COMPETENCE: f"{_HOLDER} examen date_examen lieu_examen referentiel",
        contract.TRAINER: f"{_HOLDER} programme demi_journees_animees heures_animees",
        contract.SHEET: f"{_TRAINING} date_cloture",
        contract.REPORT: _TRAINING,
        contract.CONVOCATION: f"{_HOLDER} {_TRAINING} rendez_vous lieu_rendez_vous contact",
        contract.MISSION: f"{_HOLDER} objet destination depart retour transport prise_en_charge",
        contract.DECISION: f"{_TRAINING} nombre_agents",
        contract.FREE: "nom",
    }.items()
}


def slug(heading: str) -> str:
    """The field of a column of a spreadsheet: « N° de téléphone » → ``n_de_telephone``."""
    return re.sub(r"[^\w]+", "_", fold(heading)).strip("_")


def fields(record: Mapping[str, Any], envelope: Mapping[str, Any]) -> dict[str, str]:
    """What each field of a wording holds for one act; "" where the record says nothing."""
    holder, training = record.get("holder", {}), record.get("training", {})
    attended, led = record.get("attended", {}), record.get("led", {})
    exam, mission = record.get("exam", {}), record.get("mission", {})
    meeting, signatory = record.get("meeting", {}), envelope.get("signatory", {})
    made = {
        "numero": envelope.get("number", ""),
        "date": _date(envelope.get("issued_on")),
        "ville": envelope.get("place", ""),
        "signataire": signatory.get("name", ""),
        "fonction": signatory.get("title", ""),
        "reference": signatory.get("reference", ""),
        "service": envelope.get("body", ""),
        "ministere": envelope.get("ministry", ""),
        "valable_jusqu": _date(envelope.get("valid_until")),
        "nom": holder.get("name", ""),
        "cadre": holder.get("cadre", ""),
        "structure": holder.get("structure", ""),
        "employeur": holder.get("employer", ""),
        "matricule": holder.get("matricule", ""),
        "naissance": _date(holder.get("born_on")),
        "titre": training.get("title", ""),
        "programme": training.get("programme", ""),
        "code_session": training.get("code", ""),
        "nature": training.get("nature", ""),
        "modalite": training.get("mode", ""),
        "dates": _period(training.get("starts_on"), training.get("ends_on")),
        "lieu": training.get("place", ""),
        "heures": _hours(training.get("hours")),
        "demi_journees": _half_days(training.get("half_days")),
        "objectifs": training.get("objectives", ""),
        "organisateur": training.get("organiser", ""),
        "demi_journees_suivies": _of(attended),
        "heures_suivies": _hours(attended.get("hours")),
        "regle": record.get("rule", ""),
        "resultat": record.get("result", ""),
        "examen": exam.get("title", ""),
        "date_examen": _date(exam.get("held_on")),
        "lieu_examen": exam.get("place", ""),
        "referentiel": exam.get("framework", ""),
        "demi_journees_animees": _half_days(led.get("half_days")),
        "heures_animees": _hours(led.get("hours")),
        "date_cloture": _date(record.get("closed_on")),
        "rendez_vous": meeting.get("starts", ""),
        "lieu_rendez_vous": meeting.get("place", ""),
        "contact": meeting.get("contact", ""),
        "objet": mission.get("purpose", ""),
        "destination": mission.get("destination", ""),
        "depart": _date(mission.get("departs_on")),
        "retour": _date(mission.get("returns_on")),
        "transport": mission.get("transport", ""),
        "prise_en_charge": mission.get("funding", ""),
        "nombre_agents": str(len(record.get("people", []))),
    }
    return made | {slug(name): value for name, value in record.get("fields", {}).items()}


def known_fields(kind: str, columns: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Names that a wording of ``kind`` may use; ``columns``: headings of a free act's sheet."""
    return FIELDS[kind] + tuple(slug(column) for column in columns)


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
        "text": {block: wording.expand(text, values) for block, text in version.wording.items()},
        "limits": LIMITS[version.kind],
        "legal": values["base_legale"],
        "arms": version.arms,
        "logos": list(version.logos),
        "meta": {
            "title": f"{title} — {name} — {envelope['number']}"
            if name
            else f"{title} — {envelope['number']}",
            "author": envelope["ministry"],
            "keywords": [title, envelope["number"]],
        },
        **_issue(envelope, values),
        **_content(record, version, values),
    }
    page |= {"pages": _pages(version.kind, page), "dense": _dense(page)}
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
        return [f"P.O. — pour {_small(office)}" if office else "P.O.", title]
    if signatory["capacity"] == "interim":
        return [f"{office or title}, par intérim", *([title] if office and title != office else [])]
    return [title]


def _small(office: str) -> str:
    """« Le Directeur » in the middle of a sentence: « le Directeur »."""
    for article in ("Le ", "La ", "L’", "L'"):
        if office.startswith(article):
            return article.lower() + office[len(article) :]
    return office


def _content(record: Record, version: Version, values: Mapping[str, str]) -> dict[str, Any]:
    holder = record.get("holder", {})
    qualities = [holder.get("cadre", ""), holder.get("structure", "")]
    common: dict[str, Any] = {
        "name": holder.get("name", ""),
        "name_turned": _turned(holder.get("name", "")),
        "name_size": name_size(holder.get("name", "")),
        "qualities": " · ".join(text for text in qualities if text),
        "facts": [pair for pair in _facts(version.kind, values) if pair[1]],
    }
    if version.kind in (contract.REPORT, contract.CONVOCATION, contract.MISSION):
        common["facts"] = common["facts"] + list(record.get("facts", []))
    if version.kind == contract.TRAINING:
        common["themes"] = _columns(record["themes"])
    elif version.kind == contract.COMPETENCE:
        common["levels"] = [_level(level) for level in record["levels"]]
    elif version.kind == contract.TRAINER:
        common["sessions"] = [
            [s.get(key, "") for key in ("title", "dates", "place", "half_days", "hours")]
            for s in record["led"]["sessions"]
        ]
    elif version.kind == contract.SHEET:
        common |= _sheet(record)
    elif version.kind == contract.REPORT:
        common["sections"] = list(record["sections"])
    elif version.kind == contract.DECISION:
        common["considering"] = list(record.get("considering", []))
        common["people"] = [
            [
                str(rank),
                *(person.get(key, "") for key in ("name", "matricule", "cadre", "structure")),
            ]
            for rank, person in enumerate(record["people"], start=1)
        ]
    return common


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


def _pages(kind: str, page: Mapping[str, Any]) -> int | None:
    """Most pages of an act; None: as many as it takes.

    A proof is one page, but for a trainer who led more sessions than one holds.
    """
    if kind not in contract.PROOFS or len(page.get("sessions", [])) > _SESSIONS:
        return None
    return 1


def _dense(page: Mapping[str, Any]) -> int:
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


def _facts(kind: str, v: Mapping[str, str]) -> list[list[str]]:
    if kind == contract.ATTENDANCE:
        return [
            ["Dates", v["dates"]],
            ["Lieu", v["lieu"]],
            ["Présence", v["demi_journees_suivies"]],
            ["Durée suivie", v["heures_suivies"]],
        ]
    if kind == contract.TRAINING:
        return [
            ["Dates", v["dates"]],
            ["Lieu", v["lieu"]],
            ["Durée", v["heures"]],
            ["Règle remplie", v["regle"]],
        ]
    if kind == contract.COMPETENCE:
        return [
            ["Examen surveillé", v["examen"]],
            ["Date et lieu", ", ".join(t for t in (v["date_examen"], v["lieu_examen"]) if t)],
            ["Référentiel", v["referentiel"]],
        ]
    if kind == contract.TRAINER:
        return [["Animation", v["demi_journees_animees"]], ["Durée", v["heures_animees"]]]
    training = [
        ["Formation", v["titre"]],
        ["Programme", v["programme"]],
        ["Dates", v["dates"]],
        ["Lieu", v["lieu"]],
    ]
    if kind == contract.CONVOCATION:
        return [
            ["Formation", v["titre"]],
            ["Dates", v["dates"]],
            ["Rendez-vous", v["rendez_vous"]],
            ["Lieu", v["lieu_rendez_vous"]],
            ["Contact", v["contact"]],
        ]
    if kind == contract.MISSION:
        return [
            ["Nom", v["nom"]],
            ["Qualité", ", ".join(t for t in (v["cadre"], v["structure"]) if t)],
            ["Matricule", v["matricule"]],
            ["Objet de la mission", v["objet"]],
            ["Destination", v["destination"]],
            ["Départ", v["depart"]],
            ["Retour", v["retour"]],
            ["Moyen de transport", v["transport"]],
            ["Prise en charge", v["prise_en_charge"]],
        ]
    if kind in (contract.SHEET, contract.REPORT, contract.DECISION):
        return training
    return []


def _date(day: str | None) -> str:
    return french.long_date(french.read(day)) if day else ""


def _period(start: str | None, end: str | None) -> str:
    return french.period(french.read(start), french.read(end)) if start and end else ""


def _hours(value: float | None) -> str:
    return french.hours(value) if value is not None else ""


def _half_days(count: int | None) -> str:
    return french.half_days(count) if count is not None else ""


def _of(attended: Mapping[str, Any]) -> str:
    return f"{french.half_days(attended['half_days'])} sur {attended['of']}" if attended else ""
