"""Tables as XLSX or CSV, with cells that could be read as formulas neutralised.

OWASP, "CSV Injection": a cell that begins with = + - @, tab or carriage return is prefixed with
an apostrophe, so that a spreadsheet shows it as text.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Literal

import xlsxwriter
from django.conf import settings
from django.http import HttpResponse

Cell = str | int | float | Decimal | bool | dt.date | dt.datetime | None
Format = Literal["xlsx", "csv"]

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
DEMO_NOTICE = "Données de démonstration : personnes et présences fictives"
_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}


def neutral(value: Cell) -> Cell:
    """Return ``value`` so that no spreadsheet takes it for a formula."""
    if isinstance(value, str) and value.startswith(_DANGEROUS):
        return "'" + value
    return value


def table_bytes(headers: Sequence[str], rows: Iterable[Sequence[Cell]], fmt: Format) -> bytes:
    """Return the table as a file's bytes; CSV is UTF-8 with BOM, separated by semicolons
    (what French spreadsheets open)."""
    return _xlsx(headers, rows) if fmt == "xlsx" else _csv(headers, rows)


def table_response(
    name: str, headers: Sequence[str], rows: Iterable[Sequence[Cell]], fmt: str
) -> HttpResponse:
    """Return the table as a download named ``name.fmt``; any other ``fmt`` gives XLSX."""
    known: Format = "csv" if fmt == "csv" else "xlsx"
    response = HttpResponse(table_bytes(headers, rows, known), content_type=_TYPES[known])
    response["Content-Disposition"] = f'attachment; filename="{name}.{known}"'
    return response


def _csv(headers: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow(headers)
    for row in rows:
        writer.writerow([_text(neutral(cell)) for cell in row])
    if settings.KALAN_DEMO:
        writer.writerow([DEMO_NOTICE])
    return out.getvalue().encode("utf-8-sig")


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "oui" if cell else "non"
    if isinstance(cell, float | Decimal):
        return str(cell).replace(".", ",")
    if isinstance(cell, dt.date):
        return cell.strftime("%d/%m/%Y")
    return str(cell)


def _xlsx(headers: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out,
        {"constant_memory": True, "remove_timezone": True, "default_date_format": "dd/mm/yyyy"},
    )
    sheet = book.add_worksheet("Données")
    bold = book.add_format({"bold": True, "bg_color": "#E8EEF1"})
    sheet.freeze_panes(1, 0)
    for column, header in enumerate(headers):
        sheet.write_string(0, column, header, bold)
        sheet.set_column(column, column, max(12, min(40, len(header) + 4)))
    number = 0
    for number, row in enumerate(rows, start=1):
        for column, cell in enumerate(row):
            _write(sheet, number, column, neutral(cell))
    if settings.KALAN_DEMO:
        sheet.write_string(number + 2, 0, DEMO_NOTICE)
    book.close()
    return out.getvalue()


def _write(sheet: Any, row: int, column: int, cell: Cell) -> None:
    if cell is None:
        return
    if isinstance(cell, str):
        sheet.write_string(row, column, cell)
    elif isinstance(cell, bool):
        sheet.write_string(row, column, "oui" if cell else "non")
    elif isinstance(cell, dt.date):
        sheet.write_datetime(row, column, cell)
    else:
        sheet.write_number(row, column, float(cell))
