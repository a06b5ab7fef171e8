"""What must not be missing from the data of an act, how long each text may be, what prints.

Paths are dotted (``holder.name``); problems name the place and the remedy, in French.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kalan.credentials.documents.contract import (
    ATTENDANCE,
    COMPETENCE,
    CONVOCATION,
    DECISION,
    FREE,
    MISSION,
    REPORT,
    SHEET,
    TRAINER,
    TRAINING,
)
from kalan.credentials.documents.errors import Problem
from kalan.credentials.documents.glyphs import name_of, unprintable
from kalan.credentials.documents.unfit import unfit

# Kind → paths that must hold something. Words for people stand in LABELS.
_TRAINING = ("training.title", "training.starts_on", "training.ends_on", "training.place")
REQUIRED: dict[str, tuple[str, ...]] = {
    ATTENDANCE: ("holder.name", *_TRAINING, "attended.half_days", "attended.of", "attended.hours"),
    TRAINING: ("holder.name", *_TRAINING, "training.hours", "rule", "themes"),
    COMPETENCE: (
        "holder.name",
        "exam.title",
        "exam.held_on",
        "exam.place",
        "exam.framework",
        "exam.supervised",
        "levels",
    ),
    TRAINER: ("holder.name", "led.half_days", "led.hours", "led.sessions"),
    SHEET: (*_TRAINING, "columns", "lines", "trainers", "closed_on"),
    REPORT: (*_TRAINING, "facts", "sections"),
    CONVOCATION: ("holder.name", *_TRAINING, "meeting.starts", "meeting.place"),
    MISSION: (
        "holder.name",
        "mission.purpose",
        "mission.destination",
        "mission.departs_on",
        "mission.returns_on",
    ),
    DECISION: (*_TRAINING, "people"),
    FREE: (),
}
ENVELOPE_REQUIRED = (
    "number",
    "code",
    "address",
    "issued_on",
    "place",
    "ministry",
    "signatory.name",
    "signatory.title",
    "signatory.capacity",
    "mode",
)
# Country → kind → more paths: what the country's administration expects beside.
COUNTRY_REQUIRED: dict[str, dict[str, tuple[str, ...]]] = {
    "fr": {
        # Modèle de certificat de réalisation, in use since 1 June 2020.
        ATTENDANCE: ("training.nature",),
        # Labour Code, L6353-1 as amended in 2009: aims, nature, duration.
        TRAINING: ("training.objectives", "training.nature"),
    }
}
LABELS = {
    "holder.name": "nom de la personne",
    "holder.cadre": "cadre",
    "holder.structure": "structure",
    "holder.employer": "employeur",
    "holder.matricule": "matricule",
    "training.title": "intitulé de la formation",
    "training.programme": "programme",
    "training.starts_on": "premier jour de la formation",
    "training.ends_on": "dernier jour de la formation",
    "training.place": "lieu de la formation",
    "training.hours": "durée en heures",
    "training.nature": "nature de l’action de formation",
    "training.objectives": "objectifs de la formation",
    "attended.half_days": "demi-journées suivies",
    "attended.of": "demi-journées tenues",
    "attended.hours": "heures suivies",
    "rule": "règle de réussite du programme",
    "themes": "thèmes suivis",
    "exam.title": "intitulé de l’examen",
    "exam.held_on": "date de l’examen",
    "exam.place": "lieu de l’examen",
    "exam.framework": "référentiel de l’examen",
    "exam.supervised": "examen surveillé",
    "levels": "niveaux par domaine",
    "led.half_days": "demi-journées animées",
    "led.hours": "heures animées",
    "led.sessions": "sessions animées",
    "columns": "demi-journées de la feuille",
    "lines": "personnes de la feuille",
    "trainers": "formateurs",
    "closed_on": "date de clôture de la feuille",
    "facts": "identité de la session",
    "sections": "contenu du rapport",
    "meeting.starts": "jour et heure du rendez-vous",
    "meeting.place": "lieu du rendez-vous",
    "mission.purpose": "objet de la mission",
    "mission.destination": "destination",
    "mission.departs_on": "date de départ",
    "mission.returns_on": "date de retour",
    "people": "liste des agents",
    "number": "numéro de l’acte",
    "code": "code de vérification",
    "address": "adresse de vérification",
    "issued_on": "date de l’acte",
    "place": "lieu de signature",
    "ministry": "ministère",
    "signatory.name": "nom du signataire",
    "signatory.title": "qualité du signataire",
    "signatory.capacity": "à quel titre il signe",
    "mode": "mode de signature",
}
# Path → most characters of the whole text, and of one word in it: a word has no place to break.
# The widest letters (W) of the smallest size of each place were laid out to find them.
LIMITS: dict[str, tuple[int, int]] = {
    "holder.name": (160, 40),
    "holder.cadre": (160, 60),
    "holder.structure": (200, 60),
    "holder.employer": (200, 60),
    "training.title": (300, 60),
    "training.programme": (250, 60),
    "training.place": (200, 60),
    "training.objectives": (4000, 60),
    "rule": (300, 60),
    "result": (300, 60),
    "exam.title": (250, 60),
    "exam.place": (200, 60),
    "exam.framework": (200, 60),
    "signatory.name": (120, 32),
    "signatory.title": (160, 32),
    "signatory.office": (160, 32),
    "ministry": (160, 60),
    "body": (200, 60),
    "number": (30, 30),
}
_LIST_LIMITS = {"themes": (200, 50), "people.name": (160, 28), "lines.name": (160, 24)}


def value_at(data: Mapping[str, Any], path: str) -> Any:
    """What lies at a dotted path; None when a step of it is missing."""
    found: Any = data
    for step in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(step)
    return found


def _empty(value: Any) -> bool:
    return value is None or value is False or (isinstance(value, str | list) and not value)


def required(kind: str, *, country: str = "") -> tuple[str, ...]:
    """Paths that the record of an act of ``kind`` must fill in ``country``."""
    return REQUIRED[kind] + COUNTRY_REQUIRED.get(country, {}).get(kind, ())


def missing(kind: str, data: Mapping[str, Any], *, country: str = "") -> list[str]:
    """Paths of a record (``Act.data``) that are empty and must not be: ``["holder.name"]``."""
    return [path for path in required(kind, country=country) if _empty(value_at(data, path))]


def missing_envelope(envelope: Mapping[str, Any]) -> list[str]:
    """Paths that the click must fill and has not."""
    return [path for path in ENVELOPE_REQUIRED if _empty(value_at(envelope, path))]


def envelope_problems(envelope: Mapping[str, Any]) -> list[Problem]:
    """The same as problems: an office or a pack says too little for any act to be printed."""
    return [
        Problem(
            "missing",
            path,
            f"Il manque\u00a0: {label(path)}.",
            "Complétez la fonction qui signe, puis reprenez.",
        )
        for path in missing_envelope(envelope)
    ]


def label(path: str) -> str:
    """The French name of a path; the path itself when it has none."""
    return LABELS.get(path, path)


def too_long(kind: str, data: Mapping[str, Any]) -> list[Problem]:
    """Texts of a record or an envelope that would leave the page, by place."""
    found = []
    for path, (most, word) in LIMITS.items():
        value = value_at(data, path)
        if isinstance(value, str):
            found += _long(path, label(path), value, most, word)
    for path, (most, word) in _LIST_LIMITS.items():
        head, _, field = path.partition(".")
        for rank, entry in enumerate(data.get(head) or [], start=1):
            text = entry.get(field, "") if field else entry
            found += _long(path, f"{label(head)}, ligne {rank}", text, most, word)
    return found


def _long(path: str, name: str, text: str, most: int, word: int) -> list[Problem]:
    if len(text) > most:
        said = f"{name}\u00a0: {len(text)} caractères, la page en tient {most}."
        return [Problem("too_long", path, said, "Abrégez ce texte.")]
    longest = max(map(len, text.split()), default=0)
    if longest > word:
        said = f"{name}\u00a0: un mot de {longest} caractères, la page en tient {word}."
        return [
            Problem("too_long", path, said, "Coupez ce mot par une espace ou un trait d’union.")
        ]
    return []


def texts(data: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of ``data`` with its path: ``("holder.name", "Fatou NDIAYE")``."""
    if isinstance(data, str):
        yield path, data
    elif isinstance(data, Mapping):
        for key, value in data.items():
            yield from texts(value, f"{path}.{key}" if path else str(key))
    elif isinstance(data, list | tuple):
        for rank, value in enumerate(data, start=1):
            yield from texts(value, f"{path}.{rank}")


def unprintables(data: Mapping[str, Any]) -> list[Problem]:
    """Texts with a character that our fonts cannot draw, the person named when there is one."""
    person = value_at(data, "holder.name") or ""
    found = []
    for path, text in texts(data):
        if text.isascii() and text.isprintable():
            continue
        sign = unprintable(text)
        if sign is not None:
            whose = f" de {person}" if person and not unprintable(person) else ""
            said = f"{label(path)}{whose}\u00a0: le caractère {name_of(sign)} ne s’imprime pas"
            remedy = "Corrigez ce texte sur la fiche, puis préparez l’acte de nouveau."
            found.append(
                Problem("unprintable", path, f"{said} («\u00a0{_safe(text)}\u00a0»).", remedy)
            )
    return found


def _safe(text: str) -> str:
    return "".join(sign if unprintable(sign) is None else "?" for sign in text[:80])


def problems(kind: str, data: Mapping[str, Any], *, country: str = "") -> list[Problem]:
    """All that the record of an act lacks or holds too much of; empty: it can be printed."""
    found = [
        Problem(
            "missing",
            path,
            f"Il manque\u00a0: {label(path)}.",
            "Complétez la fiche, puis reprenez.",
        )
        for path in missing(kind, data, country=country)
    ]
    return found + too_long(kind, data) + unprintables(data) + unfit(texts(data), data)
