"""Lists of past sessions: one line per participant, the session repeated on each line.

Here the columns and what their cells may hold; ``past_sessions_check`` judges the lines and
``past_sessions_merge`` stores them. Sessions come in as closed by their trainer: validating stays
an act on the screen.
"""

from __future__ import annotations

import datetime as dt
import re

from kalan.base.imports.registry import Field, Kind, Option, as_text
from kalan.base.imports.values import BadValue, Cell, parse_date_range, text_of
from kalan.base.models import ImportRun
from kalan.base.text import fold, whole
from kalan.people.selectors.import_columns import (
    FIRST_NAMES,
    FULL_NAME,
    LAST_NAME,
    MATRICULE,
    PHONE,
    SEX,
    STRUCTURE,
    STRUCTURE_CODE,
    as_date,
)
from kalan.training import policy
from kalan.training.imports import past_sessions_merge
from kalan.training.imports.past_sessions_check import MAX_DAYS, PastSessionsChecker
from kalan.training.imports.platform_accounts import within
from kalan.training.models import Programme

_ALL = {"oui", "tous", "toutes", "x", "present", "presente", "p"}
_NONE = {"non", "0", "absent", "absente", "a"}


def as_range(cell: Cell, country: str) -> list[str]:
    return [day.isoformat() for day in parse_date_range(cell)]


def as_count(cell: Cell, country: str) -> int:
    text = text_of(cell)
    count = whole(text)
    if count is None or not 0 < count <= 2 * MAX_DAYS:
        raise BadValue(f"« {text[:20]} » n’est pas un nombre de demi-journées.",
                       f"Écrivez un nombre de 1 à {2 * MAX_DAYS}.")  # fmt: skip
    return count


def as_presence(cell: Cell, country: str) -> str:
    """How much of the session: "all", "none", a count, or the numbers "1;2;4"."""
    text = fold(text_of(cell))
    if text in _ALL:
        return "all"
    if text in _NONE:
        return "none"
    if re.fullmatch(r"\d{1,2}( \d{1,2})*", text):
        return text
    raise BadValue(
        f"« {text_of(cell)[:30]} » ne dit pas quelles demi-journées.",
        "Écrivez leur nombre (4), leurs numéros (1;2;4), « oui » ou « non ».",
    )


def programmes(scope: list[str]) -> list[tuple[str, str]]:
    found = Programme.objects.filter(within(scope, "node__")).order_by("name", "pk")
    return [(str(p.pk), p.name) for p in found]


class PastSessionsKind(Kind):
    code = "past-sessions"
    label = "sessions passées"
    description = (
        "Les listes de sessions déjà tenues : une ligne par participant, avec le code, les dates "
        "et le thème de sa session."
    )
    roles = policy.CAPABILITIES["sessions.plan"]
    create_label = "Une autre personne : créer une fiche à rapprocher"
    use_label = "C’est :"
    person_fields = ("matricule", "last_name", "first_names")
    fields = (
        Field("code", "Code de la session", as_text(40),
              ("code session", "session", "n° session", "numéro de session"), required=True,
              example="DIR-FK-01"),
        Field("title", "Intitulé", as_text(200), ("titre", "intitulé de la session", "formation")),
        Field("theme", "Thème", as_text(200), ("theme", "module", "sujet"), required=True,
              example="Outils numériques"),
        Field("start", "Date de début", as_date, ("début", "du", "date début", "commence le"),
              example="14/11/2022"),
        Field("end", "Date de fin", as_date, ("fin", "au", "date fin", "se termine le"),
              example="16/11/2022"),
        Field("dates", "Dates", as_range, ("période", "date", "dates de la session"),
              help="À défaut de deux colonnes : « du 16 au 18 novembre 2022 »."),
        Field("half_days", "Nombre de demi-journées", as_count,
              ("demi-journées", "durée en demi-journées"),
              help="Par défaut : deux par jour."),
        Field("territory", "District ou région de la session", as_text(200),
              ("région", "district", "territoire", "région de la session"), required=True,
              example="Fatick"),
        Field("place", "Lieu", as_text(200), ("salle", "lieu de la session"),
              example="Hôtel de ville"),
        MATRICULE,
        LAST_NAME,
        FIRST_NAMES,
        FULL_NAME,
        SEX,
        PHONE,
        STRUCTURE,
        STRUCTURE_CODE,
        Field("body", "Organisme", as_text(200), ("organisation", "institution"),
              help="Pour une personne extérieure (média, partenaire), sans structure."),
        Field("present", "Présence", as_presence,
              ("demi-journées présentes", "présent", "présences", "émargement"),
              help="« oui », « non », un nombre (les premières demi-journées sont marquées : le "
              "fichier ne dit pas lesquelles), ou leurs numéros « 1;2;4 ». Vide : présent à tout.",
              example="oui"),
    )  # fmt: skip
    options = (
        Option("programme", "Programme", "choice", choices=programmes,
               help="Celui de toutes les sessions du fichier ; aucun par défaut."),
    )  # fmt: skip

    def columns_needed(self, mapped: set[str]) -> str:
        if "dates" not in mapped and "start" not in mapped:
            return "Indiquez la colonne des dates, ou celle du début."
        if "full_name" not in mapped and not {"last_name", "first_names"} <= mapped:
            return "Indiquez la colonne du nom et celle des prénoms (ou « Prénoms et nom »)."
        return ""

    def checker(self, run: ImportRun) -> PastSessionsChecker:
        return PastSessionsChecker(run)

    def merge(self, run: ImportRun, *, now: dt.datetime) -> None:
        past_sessions_merge.merge(run, now)
