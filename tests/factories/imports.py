"""Files to import, and runs taken through the services to a given step."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from kalan.base.imports import pipeline, registry
from kalan.base.models import ImportRun
from kalan.people.actor import Actor
from kalan.people.services import imports as services
from tests.factories.people import NOW


def csv_bytes(
    rows: Sequence[Sequence[Any]], delimiter: str = ";", encoding: str = "utf-8"
) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue().encode(encoding)


def xlsx_bytes(*sheets: Sequence[Sequence[Any]], names: Sequence[str] = ()) -> bytes:
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"default_date_format": "dd/mm/yyyy", "strings_to_formulas": 0})
    for number, rows in enumerate(sheets):
        sheet = book.add_worksheet(names[number] if number < len(names) else None)
        for at, row in enumerate(rows):
            sheet.write_row(at, 0, row)
    book.close()
    return out.getvalue()


def deposited(actor: Actor, code: str, content: bytes, name: str = "liste.csv") -> ImportRun:
    kind = registry.get(code)
    assert kind is not None
    return services.deposit(actor=actor, now=NOW, kind=kind, content=content, name=name)


def checked(
    actor: Actor,
    code: str,
    rows: Sequence[Sequence[Any]],
    *,
    check: bool = True,
    **options: str,
) -> ImportRun:
    """A run of these rows (titles first), checked with the columns that were proposed."""
    run = deposited(actor, code, csv_bytes(rows))
    services.start_check(actor=actor, now=NOW, run=run, mapping=run.mapping, options=options)
    if check:
        pipeline.check(run.pk)
    run.refresh_from_db()
    return run


def merged(actor: Actor, run: ImportRun) -> ImportRun:
    services.start_apply(actor=actor, now=NOW, run=run)
    pipeline.apply(run.pk)
    run.refresh_from_db()
    return run


def verdicts(run: ImportRun) -> dict[int, str]:
    return dict(run.rows.order_by("number").values_list("number", "verdict"))
