"""Staff lists: the columns of agents and their posts, and what their cells may hold.

``staff_check`` judges the lines, ``staff_merge`` stores them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from kalan.base.imports.registry import Field, Kind, Option, as_text
from kalan.base.models import ImportRun
from kalan.people import policy
from kalan.people.imports import staff_merge
from kalan.people.imports.staff_check import StaffChecker
from kalan.people.selectors import import_columns as columns
from kalan.people.selectors.import_columns import as_choice, as_date, as_year


class StaffKind(Kind):
    code = "staff"
    label = "agents et postes"
    description = (
        "La liste du personnel : une ligne par agent, avec sa structure. Le matricule, quand il "
        "existe, dit qui est qui."
    )
    roles = policy.CAPABILITIES["imports.people"]
    create_label = "Une autre personne : créer une fiche"
    use_label = "C’est la même personne :"
    person_fields = ("matricule", "last_name", "first_names")
    fields = (
        columns.MATRICULE,
        columns.LAST_NAME,
        columns.FIRST_NAMES,
        columns.FULL_NAME,
        columns.SEX,
        Field("birth_year", "Année de naissance", as_year,
              ("date de naissance", "né(e) le", "naissance", "birth date", "ddn"), example="1988"),
        columns.PHONE,
        columns.EMAIL,
        Field("cadre", "Cadre", as_text(120),
              ("corps", "profession", "qualification", "catégorie professionnelle", "titre",
               "corps professionnel", "cadre professionnel"), example="infirmier d’État"),
        columns.STRUCTURE,
        columns.STRUCTURE_CODE,
        columns.DISTRICT,
        columns.REGION,
        Field("employer", "Employeur", as_choice(columns.EMPLOYERS, "un employeur"),
              ("source de financement", "prise en charge", "payeur"), example="État"),
        Field("status", "Statut", as_choice(columns.STATUSES, "un statut"),
              ("statut de l’agent", "type de contrat", "situation administrative"),
              example="fonctionnaire"),
        Field("title", "Fonction", as_text(120), ("poste occupé", "poste", "emploi", "job title"),
              example="infirmière chef de poste"),
        Field("start", "Date de prise de service", as_date,
              ("prise de service", "date d’affectation", "date d’entrée", "en poste depuis",
               "date de début", "date prise de service", "depuis le"), example="01/10/2021",
              help="Début du poste dans cette structure."),
    )  # fmt: skip
    options = (
        Option(
            "effective_on",
            "Date d’effet",
            "date",
            help="À donner si le fichier n’a pas de date de prise de service : début des "
            "nouveaux postes, et jour des changements de structure.",
        ),
    )

    def columns_needed(self, mapped: set[str]) -> str:
        if "full_name" not in mapped and not {"last_name", "first_names"} <= mapped:
            return "Indiquez la colonne du nom et celle des prénoms (ou « Prénoms et nom »)."
        if not mapped & {"structure", "structure_code"}:
            return "Indiquez la colonne de la structure, par son nom ou son code."
        return ""

    def option_needed(self, mapped: set[str], options: Mapping[str, str]) -> tuple[str, str]:
        if "start" in mapped or options.get("effective_on"):
            return "", ""
        return "effective_on", (
            "Aucune colonne ne donne la date de prise de service : choisissez-la, ou donnez ici "
            "la date d’effet pour tout le fichier."
        )

    def checker(self, run: ImportRun) -> StaffChecker:
        return StaffChecker(run)

    def merge(self, run: ImportRun, *, now: dt.datetime) -> None:
        staff_merge.merge(run, now=now)
