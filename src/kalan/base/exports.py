"""Tables as XLSX or CSV, with cells that could be read as formulas neutralised.

OWASP, "CSV Injection": a cell that begins with = + - @, tab, carriage return or line feed could
be run. In CSV it is prefixed with an apostrophe. In XLSX it is a text cell with the quote-prefix
style: nothing is added to what people read (+221 77…), and editing the cell keeps it text.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header

from kalan.base.errors import Refused

Cell = str | int | float | Decimal | bool | dt.date | dt.datetime | None
Format = Literal["xlsx", "csv"]

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_UNFIT = re.compile(r'[\x00-\x1f\x7f"\\/:*?<>|]+')
_CELL_MAX = 32_767  # characters; more, and Excel calls the file damaged
_ROWS_MAX = 1_048_570
DEMO_NOTICE = "Données de démonstration : personnes et présences fictives"
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
    name_file(response, f"{name}.{known}")
    return response


def name_file(response: HttpResponse, name: str, *, attachment: bool = True) -> None:
    """Say under which name to save ``response``. Codes of sessions are free text: what a file
    system or a header cannot hold becomes a hyphen (quotes, slashes, line ends)."""
    plain = _UNFIT.sub("-", name).strip(". ") or "fichier"
    header = content_disposition_header(attachment, plain)
    response["Content-Disposition"] = header or ""


def _csv(headers: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow([_text(neutral(header)) for header in headers])
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
        return str(cell).replace(".", ",") if math.isfinite(cell) else ""
    if isinstance(cell, dt.datetime):
        return _local(cell).strftime("%d/%m/%Y %H:%M")
    if isinstance(cell, dt.date):
        return cell.strftime("%d/%m/%Y")
    return str(cell)


def _xlsx(headers: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    import xlsxwriter  # only here: a tenth of what a start of the program imports

    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out,
        {"constant_memory": True, "remove_timezone": True, "default_date_format": "dd/mm/yyyy"},
    )
    sheet = book.add_worksheet("Données")
    styles = _Styles(
        header=book.add_format({"bold": True, "bg_color": "#E8EEF1"}),
        quoted=book.add_format({"quote_prefix": True}),
        moment=book.add_format({"num_format": "dd/mm/yyyy hh:mm"}),
    )
    sheet.freeze_panes(1, 0)
    for column, header in enumerate(headers):
        sheet.write_string(0, column, header, styles.header)
        sheet.set_column(column, column, max(12, min(40, len(header) + 4)))
    number = 0
    for number, row in enumerate(rows, start=1):
        if number > _ROWS_MAX:
            raise Refused(
                "Cette liste dépasse ce qu’un classeur peut contenir.",
                remedy="Filtrez la liste, ou exportez-la en CSV.",
            )
        for column, cell in enumerate(row):
            _write(sheet, number, column, cell, styles)
    if settings.KALAN_DEMO:
        sheet.write_string(number + 2, 0, DEMO_NOTICE)
    book.close()
    return out.getvalue()


@dataclass(frozen=True)
class _Styles:
    header: Any
    quoted: Any
    moment: Any


def _local(moment: dt.datetime) -> dt.datetime:
    return timezone.localtime(moment) if timezone.is_aware(moment) else moment


def _write(sheet: Any, row: int, column: int, cell: Cell, styles: _Styles) -> None:
    if cell is None:
        return
    if isinstance(cell, str):
        text = cell if len(cell) <= _CELL_MAX else cell[: _CELL_MAX - 1] + "…"
        style = styles.quoted if neutral(text) != text else None
        sheet.write_string(row, column, text, style)
    elif isinstance(cell, bool):
        sheet.write_string(row, column, "oui" if cell else "non")
    elif isinstance(cell, dt.datetime):
        sheet.write_datetime(row, column, _local(cell), styles.moment)
    elif isinstance(cell, dt.date):
        sheet.write_datetime(row, column, cell)
    elif math.isfinite(cell):
        sheet.write_number(row, column, float(cell))
