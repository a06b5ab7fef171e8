"""The attendance sheet as a spreadsheet: out, filled in by hand, and back in row by row."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from kalan.base.exports import DEMO_NOTICE, neutral
from kalan.base.imports import reader
from kalan.base.imports.refusals import not_a_table
from kalan.base.imports.values import text_of
from kalan.base.text import fold
from kalan.training.models import HalfDay
from kalan.training.selectors.attendance import Box, Cell, Column, Sheet, name_of

_FIXED = ("Identifiant", "N°", "Nom", "Structure")
_PRESENT = frozenset({"x", "1", "oui", "o", "present", "presente", "p", "vrai", "true", "✓", "✔"})
_ABSENT = frozenset({"0", "non", "n", "absent", "absente", "a", "faux", "false"})


def column_title(half_day: HalfDay) -> str:
    return f"{half_day.date:%d/%m/%Y} {half_day.get_part_display()}"


def workbook(sheet: Sheet) -> bytes:
    """An XLSX with one row per person and one column per half-day; "x" is present."""
    import xlsxwriter  # only here: a tenth of what a start of the program imports

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    page = book.add_worksheet("Présences")
    bold = book.add_format({"bold": True, "bg_color": "#E8EEF1", "text_wrap": True})
    centre = book.add_format({"align": "center"})
    titles = [*_FIXED, *(column_title(column.half_day) for column in sheet.columns)]
    for number, title in enumerate(titles):
        page.write_string(0, number, title, bold)
    page.freeze_panes(1, 3)
    page.set_column(0, 0, None, None, {"hidden": True})
    page.set_column(1, 1, 5)
    page.set_column(2, 3, 32)
    page.set_column(4, max(4, len(titles) - 1), 12, centre)
    for row, (person, boxes) in enumerate(sheet.rows, start=1):
        place = person.structure.name if person.structure else person.structure_text
        page.write_string(row, 0, str(person.uid))
        page.write_number(row, 1, row)
        page.write_string(row, 2, str(neutral(name_of(person))))
        page.write_string(row, 3, str(neutral(place)))
        for number, box in enumerate(boxes, start=len(_FIXED)):
            if box.present:
                page.write_string(row, number, "x", centre)
    if settings.KALAN_DEMO:
        page.write_string(len(sheet.people) + 2, 2, DEMO_NOTICE)
    book.close()
    return out.getvalue()


@dataclass(frozen=True)
class RowVerdict:
    """What one row of the file changes; ``problems`` say column, reason and remedy."""

    number: int
    name: str
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass
class Reading:
    rows: list[RowVerdict] = field(default_factory=list)
    present: set[Cell] = field(default_factory=set)
    absent: set[Cell] = field(default_factory=set)

    @property
    def problems(self) -> int:
        return sum(bool(row.problems) for row in self.rows)

    @property
    def changes(self) -> int:
        return len(self.present) + len(self.absent)


def read_workbook(path: Path, sheet: Sheet) -> Reading:
    """Read a sheet that was filled in. Changes nothing.

    An empty cell changes nothing either: to take a presence back one writes "absent". A row whose
    identifier is not of this session, or a cell that is neither, is a problem of that row alone.
    Raises Refused for what is not a table or not this sheet.
    """
    inspection = reader.inspect(path, score=_score)
    columns = _columns(inspection.headers, sheet)
    people = {str(person.uid): (person, boxes) for person, boxes in sheet.rows}
    reading = Reading()
    for number, cells in reader.read_rows(path, inspection.source)[1]:
        texts = [text_of(cell) for cell in cells]
        uid = texts[0].strip().lower() if texts else ""
        if not uid:
            continue  # a remark under the table
        if uid not in people:
            reading.rows.append(_stranger(number, texts))
            continue
        person, boxes = people[uid]
        reading.rows.append(_row(number, name_of(person), texts, columns, boxes, reading))
    if not reading.rows:
        raise not_a_table(
            "Aucune ligne de cette session n’est dans le fichier.",
            "Téléchargez le tableur de la session, remplissez-le et renvoyez-le.",
        )
    return reading


def _score(titles: list[str]) -> float:
    known = {fold(title) for title in _FIXED}
    return float(sum(fold(title) in known for title in titles))


def _columns(headers: list[str], sheet: Sheet) -> dict[int, Column]:
    """Position of each half-day's column in the file."""
    if not headers or fold(headers[0]) != fold(_FIXED[0]):
        raise not_a_table(
            "La première colonne n’est pas « Identifiant ».",
            "Téléchargez le tableur de la session et remplissez celui-là, sans retirer de colonne.",
        )
    wanted = {fold(column_title(column.half_day)): column for column in sheet.columns}
    found = {n: wanted[fold(title)] for n, title in enumerate(headers) if fold(title) in wanted}
    if not found:
        raise not_a_table(
            "Aucune colonne ne porte une demi-journée de cette session.",
            "Gardez les titres de colonnes du tableur téléchargé, comme « 13/03/2023 matin ».",
        )
    return found


def _stranger(number: int, texts: list[str]) -> RowVerdict:
    return RowVerdict(
        number=number,
        name=texts[2] if len(texts) > 2 else "",
        problems=[
            "Colonne « Identifiant » : cette personne n’est pas sur la liste de la session. "
            "Ajoutez-la d’abord, puis téléchargez de nouveau le tableur."
        ],
    )


def _row(
    number: int,
    name: str,
    texts: list[str],
    columns: dict[int, Column],
    boxes: list[Box],
    reading: Reading,
) -> RowVerdict:
    verdict = RowVerdict(number=number, name=name)
    by_half_day = {box.half_day.pk: box for box in boxes}
    for position, column in columns.items():
        text = texts[position] if position < len(texts) else ""
        value = fold(text) or text.strip()
        box = by_half_day[column.half_day.pk]
        cell = (box.registration.pk, column.half_day.pk)
        title = column_title(column.half_day)
        if value in _PRESENT:
            if not box.present:
                verdict.added.append(title)
                reading.present.add(cell)
        elif value in _ABSENT:
            if box.present:
                verdict.removed.append(title)
                reading.absent.add(cell)
        elif value:
            verdict.problems.append(
                f"Colonne « {title} » : « {text[:30]} » ne dit ni présent ni absent. "
                "Écrivez « x », ou « absent »."
            )
    return verdict
