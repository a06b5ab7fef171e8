"""Structures (and districts) from a national list: its columns and what their cells may hold.

``structures_check`` judges the lines, ``structures_merge`` stores them.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from kalan.base.imports.registry import Field, Kind, Option, as_text
from kalan.base.imports.values import BadValue, Cell, parse_float
from kalan.base.models import ImportRun
from kalan.people import policy
from kalan.people.imports.structures_check import StructuresChecker
from kalan.people.imports.structures_merge import create, update
from kalan.people.models import OrgNodeCode
from kalan.people.selectors import import_columns as columns
from kalan.people.selectors.import_columns import as_choice, as_date

_LEVELS = {"structure": "structure", "district": "district", "region": "region",
           "district sanitaire": "district", "etablissement": "structure"}  # fmt: skip


def as_degrees(limit: int) -> Any:
    def parse(cell: Cell, country: str) -> float:
        value = parse_float(cell)
        if not -limit <= value <= limit:
            raise BadValue(f"{value} n’est pas une coordonnée (de −{limit} à {limit}).",
                           "Écrivez des degrés décimaux, comme 13,8802.")  # fmt: skip
        return round(value, 6)

    return parse


def code_systems(scope: list[str]) -> list[tuple[str, str]]:
    """Sources of codes: those in use, and the usual ones."""
    used = OrgNodeCode.objects.order_by("system").values_list("system", flat=True).distinct()
    usual = {"national": "liste nationale", "dhis2": "DHIS2", "osm": "OpenStreetMap"}
    return [*usual.items(), *((s, s) for s in used if s not in usual)]


class StructuresKind(Kind):
    code = "structures"
    label = "structures"
    description = (
        "La carte sanitaire : une ligne par structure, avec son code, son type, son district et "
        "ses coordonnées. Les régions et districts existent déjà, ou s’importent d’abord."
    )
    roles = policy.CAPABILITIES["structures.edit"]
    create_label = "Une autre structure : la créer"
    use_label = "C’est la même structure :"
    person_fields = ()
    fields = (
        Field("code", "Code", as_text(100),
              ("code structure", "identifiant", "id", "uid", "code établissement", "code dhis2"),
              example="SN-FK-0123"),
        Field("name", "Nom", as_text(200),
              ("structure", "nom de la structure", "établissement", "name", "libellé",
               "formation sanitaire"), required=True, example="Poste de santé de Toubacouta"),
        Field("type", "Type", as_text(120),
              ("type de structure", "catégorie", "type établissement", "niveau de soins"),
              example="poste de santé"),
        Field("level", "Niveau", as_choice(_LEVELS, "un niveau"), (),
              help="structure (par défaut), district ou région.", example="structure"),
        columns.DISTRICT,
        columns.REGION,
        Field("sector", "Secteur", as_choice(columns.SECTORS, "un secteur"),
              ("statut", "statut juridique", "public/privé"), example="public"),
        Field("latitude", "Latitude", as_degrees(90), ("lat", "y"), example="13,7833"),
        Field("longitude", "Longitude", as_degrees(180), ("lon", "long", "lng", "x"),
              example="-16,4833"),
        Field("connectivity", "Connexion", as_text(40), ("internet", "réseau", "connectivité"),
              example="4G"),
        Field("opened_on", "Ouverture", as_date, ("date d’ouverture", "ouverte le"),
              example="01/01/2010"),
    )  # fmt: skip
    options = (
        Option("system", "Source des codes", "choice", choices=code_systems,
               help="D’où viennent les codes du fichier. Par défaut : la liste nationale."),
        Option("effective_on", "Date d’effet", "date",
               help="Jour des changements de type, de secteur ou de rattachement : l’histoire de "
               "la structure est gardée."),
    )  # fmt: skip

    def columns_needed(self, mapped: set[str]) -> str:
        if not mapped & {"district", "region"}:
            return "Indiquez la colonne du district, ou au moins celle de la région."
        return ""

    def checker(self, run: ImportRun) -> StructuresChecker:
        return StructuresChecker(run)

    def merge(self, run: ImportRun, *, now: dt.datetime) -> None:
        create(run, now)
        update(run, now)
