"""Columns that several kinds of file share: people, places, choices written in many ways."""

from __future__ import annotations

import datetime as dt

from kalan.base.imports import values
from kalan.base.imports.registry import Field, Parser, Row, as_text
from kalan.base.imports.values import BadValue, Cell, text_of
from kalan.base.text import fold
from kalan.people.models import Employer, EmploymentStatus, Sector


def as_date(cell: Cell, country: str) -> dt.date:
    return values.parse_date(cell)


def as_sex(cell: Cell, country: str) -> str:
    return values.parse_sex(cell)


def as_phone(cell: Cell, country: str) -> str:
    return values.parse_phone(cell, country)


def as_email(cell: Cell, country: str) -> str:
    return values.parse_email(cell)


def as_year(cell: Cell, country: str) -> int:
    return values.parse_year(cell)


def as_choice(words: dict[str, str], what: str) -> Parser:
    """A parser of a closed list. ``words``: {folded word: code}."""
    usual = ", ".join(sorted(set(words)))

    def parse(cell: Cell, country: str) -> str:
        found = words.get(fold(text_of(cell)))
        if found is None:
            raise BadValue(
                f"« {text_of(cell)[:40]} » n’est pas {what} que Kalan connaît.",
                f"Écrivez l’un de : {usual}.",
            )
        return found

    return parse


def _words(labels: dict[str, str], more: dict[str, str]) -> dict[str, str]:
    return {fold(label): code for code, label in labels.items()} | more


EMPLOYERS = _words(
    dict(Employer.choices),
    {
        "etat": "state",
        "ministere": "state",
        "msas": "state",
        "collectivite": "local",
        "commune": "local",
        "mairie": "local",
        "departement": "local",
        "asaco": "asaco",
        "comite de sante": "asaco",
        "comite de developpement sanitaire": "asaco",
        "cds": "asaco",
        "hopital": "hospital",
        "etablissement": "hospital",
        "eps": "hospital",
        "projet": "project",
        "ong": "project",
        "partenaire": "project",
        "prive": "private",
        "aucun": "none",
    },
)
STATUSES = _words(
    dict(EmploymentStatus.choices),
    {
        "titulaire": "civil",
        "agent de l etat": "civil",
        "contrat": "contract",
        "contractuelle": "contract",
        "cdd": "contract",
        "cdi": "contract",
        "communautaire": "community",
        "asc": "community",
        "relais": "community",
        "benevole": "volunteer",
        "volontaire": "volunteer",
        "stagiaire": "student",
        "etudiant": "student",
        "liberal": "independent",
    },
)
SECTORS = _words(
    dict(Sector.choices),
    {
        "publique": "public",
        "privee": "private",
        "confessionnelle": "confessional",
        "communautaire": "community",
        "collectivite": "local",
        "commune": "local",
    },
)


def as_matricule(cell: Cell, country: str) -> str:
    """A matricule without spaces, in capitals."""
    text = "".join(text_of(cell).split()).upper()
    if len(text) > 40:
        raise BadValue("Le matricule est trop long.", "Un matricule a 40 caractères au plus.")
    return text


LAST_NAME = Field(
    "last_name",
    "Nom",
    as_text(100),
    ("nom de famille", "noms", "last name", "lastname", "surname", "patronyme"),
    example="Diouf",
)
FIRST_NAMES = Field(
    "first_names",
    "Prénoms",
    as_text(100),
    ("prénom", "prenom(s)", "first name", "firstname", "first names", "given name"),
    example="Awa Marie",
)
FULL_NAME = Field(
    "full_name",
    "Prénoms et nom",
    as_text(200),
    ("prénom et nom", "nom et prénom", "nom et prénoms", "noms et prénoms", "nom complet",
     "nom prénom", "prénom nom", "full name", "participant"),
    help="À défaut de deux colonnes : le nom de famille en CAPITALES, « Awa Marie DIOUF ».",
)  # fmt: skip
SEX = Field(
    "sex", "Sexe", as_sex, ("genre", "sex", "gender", "h/f", "f/m", "f/h", "m/f"), example="F"
)
PHONE = Field(
    "phone",
    "Téléphone",
    as_phone,
    ("tél", "tel.", "telephone portable", "portable", "mobile", "contact", "numéro de téléphone",
     "n° de téléphone", "phone", "gsm"),
    example="77 123 45 67",
)  # fmt: skip
EMAIL = Field(
    "email",
    "E-mail",
    as_email,
    ("mail", "courriel", "adresse e-mail", "adresse électronique", "adresse mail", "email address"),
    example="awa.diouf@exemple.sn",
)
MATRICULE = Field(
    "matricule",
    "Matricule",
    as_matricule,
    ("numéro matricule", "n° matricule", "mle", "matricule de solde", "matricule solde", "im",
     "numéro d’immatriculation", "rpps"),
    example="612345A",
)  # fmt: skip
REGION = Field(
    "region", "Région", as_text(200), ("région médicale", "drs", "region"), example="Fatick"
)
DISTRICT = Field(
    "district", "District", as_text(200), ("district sanitaire", "cercle", "ds"), example="Sokone"
)
STRUCTURE = Field(
    "structure",
    "Structure",
    as_text(200),
    ("structure sanitaire", "structure de santé", "établissement", "lieu de travail", "affectation",
     "lieu d’affectation", "poste d’affectation", "formation sanitaire", "service", "facility"),
    example="Centre de santé de Sokone",
)  # fmt: skip
STRUCTURE_CODE = Field(
    "structure_code",
    "Code de la structure",
    as_text(100),
    ("code structure", "code établissement", "code dhis2", "code finess", "uid dhis2"),
)


def split_name(full: str) -> tuple[str, str] | None:
    """Return (last name, first names) when capitals tell them apart, else None: never guessed."""
    words = full.split()
    capitals = [word for word in words if word.isupper() and len(word) > 1]
    others = [word for word in words if word not in capitals]
    if not capitals or not others:
        return None
    return " ".join(capitals), " ".join(others)


def name_in_two(row: Row) -> None:
    """Tell last name and first names of ``row`` apart, or refuse it where the file does not."""
    cells = row.values
    if "full_name" in cells and not ("last_name" in cells and "first_names" in cells):
        halves = split_name(cells["full_name"])
        if halves is None:
            row.refuse("full_name", "On ne voit pas où finit le prénom et où commence le nom.",
                       "Écrivez le nom en CAPITALES : « Awa Marie DIOUF ».")  # fmt: skip
        else:
            cells["last_name"], cells["first_names"] = halves
    for name in ("last_name", "first_names"):
        if name not in cells and not row.problems:
            row.refuse(name, "La case est vide.", "Remplissez-la.")
