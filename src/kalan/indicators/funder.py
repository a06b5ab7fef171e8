"""A funder's own spreadsheet, filled: their layout, our figures.

The layout is any XLSX with one line an indicator. Its columns are recognised by their headers (in
French or English) and its lines by their labels; a person confirms both. Only cells of the columns
chosen are written, so that formulas, formats and the rest of the workbook stay.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kalan.base.errors import Refused
from kalan.base.imports.workbooks import check_workbook
from kalan.base.text import fold
from kalan.indicators.definitions import DEFINITIONS

MAX_BYTES = 2 * 1024 * 1024
MAX_LINES = 500
_HEADER_ROWS = 30

# What a column can hold, with the words that name it in a header.
COLUMNS: dict[str, tuple[str, tuple[str, ...]]] = {
    "indicator": ("Indicateur", ("indicateur", "indicator", "resultat", "result", "libelle")),
    "target": ("Cible", ("cible", "target", "objectif", "prevu", "planned")),
    "achieved": ("Réalisé", ("realise", "achieved", "atteint", "actual", "valeur", "value")),
    "women": ("Femmes", ("femme", "women", "female")),
    "men": ("Hommes", ("homme", "men", "male")),
    "unknown": ("Sexe non renseigné", ("inconnu", "unknown", "non renseigne")),
    "source": ("Source", ("source", "verification")),
    "date": ("Date", ("date",)),
}
# Words that name an indicator in a funder's line; the longest match wins.
_WORDS: dict[str, tuple[str, ...]] = {
    "agents_formes": (
        "agents formes",
        "personnes formees",
        "people trained",
        "staff trained",
        "health workers trained",
        "agents de sante formes",
    ),
    "femmes": ("femmes formees", "women trained"),
    "part_femmes": ("part des femmes", "pourcentage de femmes", "share of women", "% women"),
    "sessions": ("sessions", "seances", "training sessions", "trainings held"),
    "structures": ("structures", "facilities", "formations sanitaires"),
    "formateurs": ("formateurs", "trainers"),
    "comptes": ("comptes", "accounts"),
    "comptes_actifs": ("comptes actifs", "active accounts"),
    "inscriptions": ("inscriptions", "registrations", "participants"),
    "journees_stagiaires": ("journees", "trainee days", "person days"),
    "achevement": ("achevement", "completion"),
    "couverture": ("couverture", "coverage"),
    "satisfaction": ("satisfaction",),
    "cout_par_personne": ("cout", "cost"),
}


@dataclass(frozen=True)
class Layout:
    """What was found in a workbook. Rows and columns are numbered from 1, as openpyxl does."""

    sheet: str
    header_row: int
    headers: dict[int, str]
    columns: dict[str, int]  # role → column, as recognised
    lines: dict[int, str]  # row → label in the indicator column
    indicators: dict[int, str]  # row → code, as recognised


@dataclass(frozen=True)
class Achieved:
    """What is written on one line."""

    achieved: Any
    target: Any
    women: int | None
    men: int | None
    unknown: int | None
    source: str
    date: Any


def _open(path: Path) -> Any:
    import openpyxl  # heavy, and used on this screen only

    if path.stat().st_size > MAX_BYTES:
        raise Refused(
            "Le modèle dépasse 2 Mo.",
            field="file",
            remedy="Gardez la feuille du tableau, retirez images et autres feuilles.",
        )
    check_workbook(path)
    try:
        return openpyxl.load_workbook(path)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Refused(
            "Ce classeur ne peut pas être lu.",
            field="file",
            remedy="Ouvrez-le dans un tableur, enregistrez-le de nouveau en .xlsx.",
        ) from None


def look(path: Path, *, indicator_column: int | None = None) -> Layout:
    """Find the table in the workbook at ``path``. Raises Refused when there is none."""
    sheet = _open(path).active
    best: tuple[int, int, dict[str, int]] = (0, 0, {})
    for number in range(1, min(sheet.max_row, _HEADER_ROWS) + 1):
        found = _roles({cell.column: str(cell.value or "") for cell in sheet[number]})
        best = max(best, (len(found), -number, found), key=lambda one: one[:2])
    count, negative, columns = best
    if count < 2 or "indicator" not in columns:
        raise Refused(
            "Aucune ligne d’en-têtes n’a été reconnue.",
            field="file",
            remedy="Le tableau doit avoir au moins les colonnes « Indicateur » et « Réalisé ».",
        )
    row = -negative
    if indicator_column:
        columns = {**columns, "indicator": indicator_column}
    lines = {
        number: str(value).strip()
        for number in range(row + 1, min(sheet.max_row, row + MAX_LINES) + 1)
        if (value := sheet.cell(number, columns["indicator"]).value) not in (None, "")
    }
    return Layout(
        sheet=sheet.title,
        header_row=row,
        headers={
            cell.column: str(cell.value) for cell in sheet[row] if cell.value not in (None, "")
        },
        columns=columns,
        lines=lines,
        indicators={number: code for number, text in lines.items() if (code := recognise(text))},
    )


def _roles(headers: Mapping[int, str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for column, header in headers.items():
        folded = f" {fold(header)}"
        for role, (_, words) in COLUMNS.items():
            if role not in found and any(f" {word}" in folded for word in words):
                found[role] = column
                break
    return found


def recognise(label: str) -> str:
    """The code of the indicator that ``label`` speaks of; "" when none is clear."""
    folded = fold(label)
    best = ("", "")
    words = {d.code: (fold(d.label), *_WORDS.get(d.code, ())) for d in DEFINITIONS}
    for code, names in words.items():
        for name in names:
            if name in folded and len(name) > len(best[1]):
                best = (code, name)
    return best[0]


def fill(
    path: Path, columns: Mapping[str, int], lines: Mapping[int, str], values: Mapping[str, Achieved]
) -> bytes:
    """Write ``values`` of the chosen ``lines`` (row → code) and return the workbook's bytes."""
    book = _open(path)
    sheet = book.active
    for row, code in lines.items():
        one = values.get(code)
        if one is None:
            continue
        for role in ("achieved", "target", "women", "men", "unknown", "source", "date"):
            column, value = columns.get(role), getattr(one, role)
            if not column or value is None:
                continue
            cell = sheet.cell(row, column)
            if type(cell).__name__ != "MergedCell":  # the hidden part of a merged cell
                cell.value = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def choices(headers: Mapping[int, str]) -> Sequence[tuple[str, str]]:
    """Columns to choose from, for a form."""
    return [("", "aucune"), *((str(column), text) for column, text in headers.items())]
