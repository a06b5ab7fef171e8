"""The fields of a wording: ``{nom}``, ``{dates}``… and what each holds for one act."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kalan.base.text import fold
from kalan.credentials.documents import contract, french

# Names that a wording may use, by kind; what they hold is in ``fields``.
_COMMON = "numero date ville signataire fonction service ministere reference base_legale"
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
        contract.COMPETENCE: f"{_HOLDER} examen date_examen lieu_examen referentiel valable_jusqu",
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


def known_fields(kind: str, columns: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Names that a wording of ``kind`` may use; ``columns``: headings of a free act's sheet."""
    return FIELDS[kind] + tuple(slug(column) for column in columns)


def fields(record: Mapping[str, Any], envelope: Mapping[str, Any]) -> dict[str, str]:
    """What each field of a wording holds for one act; "" where the record says nothing."""
    return {
        **_issue(envelope),
        **_holder(record.get("holder", {})),
        **_training(record.get("training", {})),
        **_proved(record),
        **_errand(record.get("mission", {}), record.get("meeting", {})),
        "date_cloture": _date(record.get("closed_on")),
        "nombre_agents": str(len(record.get("people", []))),
        **{slug(heading): value for heading, value in record.get("fields", {}).items()},
    }


def _issue(envelope: Mapping[str, Any]) -> dict[str, str]:
    signatory = envelope.get("signatory", {})
    return {
        "numero": envelope.get("number", ""),
        "date": _date(envelope.get("issued_on")),
        "ville": envelope.get("place", ""),
        "signataire": signatory.get("name", ""),
        "fonction": signatory.get("title", ""),
        "reference": signatory.get("reference", ""),
        "service": envelope.get("body", ""),
        "ministere": envelope.get("ministry", ""),
        "valable_jusqu": _date(envelope.get("valid_until")),
    }


def _holder(holder: Mapping[str, Any]) -> dict[str, str]:
    return {
        "nom": holder.get("name", ""),
        "cadre": holder.get("cadre", ""),
        "structure": holder.get("structure", ""),
        "employeur": holder.get("employer", ""),
        "matricule": holder.get("matricule", ""),
        "naissance": _date(holder.get("born_on")),
    }


def _training(training: Mapping[str, Any]) -> dict[str, str]:
    return {
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
    }


def _proved(record: Mapping[str, Any]) -> dict[str, str]:
    """What a proof rests upon: presence, the programme's rule, an exam, half-days led."""
    attended, exam, led = (record.get(key, {}) for key in ("attended", "exam", "led"))
    return {
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
    }


def _errand(mission: Mapping[str, Any], meeting: Mapping[str, Any]) -> dict[str, str]:
    """Where a convocation or an order sends a person."""
    return {
        "rendez_vous": meeting.get("starts", ""),
        "lieu_rendez_vous": meeting.get("place", ""),
        "contact": meeting.get("contact", ""),
        "objet": mission.get("purpose", ""),
        "destination": mission.get("destination", ""),
        "depart": _date(mission.get("departs_on")),
        "retour": _date(mission.get("returns_on")),
        "transport": mission.get("transport", ""),
        "prise_en_charge": mission.get("funding", ""),
    }


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
