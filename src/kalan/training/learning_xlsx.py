"""The papers of a test as a spreadsheet: out with the names, back in with the answers."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from kalan.base.exports import DEMO_NOTICE, neutral
from kalan.base.imports import reader
from kalan.base.imports.refusals import not_a_table
from kalan.base.imports.values import text_of
from kalan.base.text import fold
from kalan.training.models import Registration

_FIXED = ("Identifiant", "N°", "Nom", "Structure")
_QUESTION = re.compile(r"^question (\d+)$")


def workbook(people: list[Registration], questions: int) -> bytes:
    """An XLSX with one row a person and one column a question."""
    import xlsxwriter  # only here: a tenth of what a start of the program imports

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    page = book.add_worksheet("Réponses")
    bold = book.add_format({"bold": True, "bg_color": "#E8EEF1", "text_wrap": True})
    plain = book.add_format({"num_format": "@"})  # text: « 1B 2A » and « 12,5 » stay as typed
    titles = [*_FIXED, *(f"Question {number}" for number in range(1, questions + 1))]
    for number, title in enumerate(titles):
        page.write_string(0, number, title, bold)
    page.freeze_panes(1, 3)
    page.set_column(0, 0, None, None, {"hidden": True})
    page.set_column(1, 1, 5)
    page.set_column(2, 3, 32)
    page.set_column(4, max(4, len(titles) - 1), 12, plain)
    for row, person in enumerate(people, start=1):
        page.write_string(row, 0, str(person.uid))
        page.write_number(row, 1, row)
        page.write_string(row, 2, str(neutral(person.person)))
        page.write_string(row, 3, str(neutral(person.came_from)))
    if settings.KALAN_DEMO:
        page.write_string(len(people) + 2, 2, DEMO_NOTICE)
    book.close()
    return out.getvalue()


@dataclass
class Reading:
    """Answers by registration, and rows that are nobody's of the session."""

    rows: dict[int, list[str]] = field(default_factory=dict)
    strangers: list[str] = field(default_factory=list)


def read_workbook(path: Path, people: list[Registration], questions: int) -> Reading:
    """Read the sheet that was filled in; changes nothing.

    Raises Refused for what is not a table or not this sheet. A row of somebody who is not on the
    list is named and left aside.
    """
    inspection = reader.inspect(path, score=_score)
    columns = _columns(inspection.headers, questions)
    by_uid = {str(person.uid): person for person in people}
    reading = Reading()
    for number, cells in reader.read_rows(path, inspection.source)[1]:
        texts = [text_of(cell).strip() for cell in cells]
        uid = texts[0].lower() if texts else ""
        answers = [_cell(texts, columns.get(n)) for n in range(1, questions + 1)]
        if not uid or not any(answers):
            continue
        if uid not in by_uid:
            name = texts[2] if len(texts) > 2 else ""
            reading.strangers.append(f"ligne {number} ({name or 'sans nom'})")
            continue
        reading.rows[by_uid[uid].pk] = answers
    return reading


def _cell(texts: list[str], position: int | None) -> str:
    return texts[position] if position is not None and position < len(texts) else ""


def _score(titles: list[str]) -> float:
    known = {fold(title) for title in _FIXED}
    return float(sum(fold(title) in known for title in titles))


def _columns(headers: list[str], questions: int) -> dict[int, int]:
    """Position of each question's column."""
    if not headers or fold(headers[0]) != fold(_FIXED[0]):
        raise not_a_table(
            "La première colonne n’est pas « Identifiant ».",
            "Téléchargez le tableur de ce test et remplissez celui-là, sans retirer de colonne.",
        )
    found = {}
    for position, title in enumerate(headers):
        match = _QUESTION.match(fold(title))
        if match and 1 <= int(match[1]) <= questions:
            found[int(match[1])] = position
    if not found:
        raise not_a_table(
            "Aucune colonne ne porte une question de ce test.",
            "Gardez les titres de colonnes du tableur téléchargé, comme « Question 1 ».",
        )
    return found
