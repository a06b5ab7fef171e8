"""Reading XLSX and CSV that people send: any separator, usual encodings, and hostile files.

A file is looked at (``inspect``), then read row by row (``read_rows``). Whatever cannot be read
raises ``Refused`` with a remedy.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from django.conf import settings

from kalan.base.errors import Refused
from kalan.base.imports.refusals import SAVE_AS, check_rows, not_a_table
from kalan.base.imports.separated import SAMPLE, csv_rows, delimiter_of, encoding_of, open_text
from kalan.base.imports.values import Cell, Numbered, text_of
from kalan.base.imports.workbooks import open_workbook, sheet_rows

_HEADER_ROWS = 20


@dataclass(frozen=True)
class Source:
    """How to read a file: kept with the run so that every reading is the same."""

    format: str  # "xlsx", "csv"
    sheet: str = ""
    header_row: int = 1  # number of the row in the file, from 1
    encoding: str = ""
    delimiter: str = ""


@dataclass(frozen=True)
class Inspection:
    source: Source
    sheets: list[str]
    headers: list[str]
    sample: list[list[str]]  # a few rows under the header


Score = Callable[[list[str]], float]  # how much a row looks like a header


def inspect(
    path: Path,
    *,
    score: Score,
    sheet: str | None = None,
    header_row: int | None = None,
    name: str = "",
) -> Inspection:
    """Look at the file: format, sheets, header row. ``score`` recognises a header.

    ``sheet`` and ``header_row`` are a person's choice and win over what is found. ``name`` is what
    the person calls the file: text under the name of a workbook is refused.
    """
    check_size(path.stat().st_size)
    if _kind_of(path) == "xlsx":
        return _inspect_xlsx(path, score, sheet, header_row)
    if name.lower().endswith((".xlsx", ".xlsm", ".xls", ".ods")):
        raise not_a_table(
            f"Ce fichier porte un nom en {name[name.rindex('.') :].lower()}, mais ce n’est pas un "
            "classeur : c’est un fichier texte.",
            "Ouvrez-le dans un tableur et enregistrez-le en .xlsx ; si c’est un CSV, renommez-le "
            "en .csv.",
        )
    return _inspect_csv(path, score, header_row)


def check_size(size: int) -> None:
    """Refuse a file that is too large or empty. ``size`` in bytes."""
    limit = settings.KALAN_UPLOAD_MAX_BYTES
    if size > limit:
        raise Refused(
            f"Le fichier pèse {size // 1_000_000} Mo ; la limite est de {limit // 1_048_576} Mo.",
            remedy="Retirez les images et les feuilles inutiles, ou découpez-le en plusieurs.",
            field="file",
            code="too_large",
        )
    if size == 0:
        raise not_a_table("Le fichier est vide.", "Choisissez un fichier qui contient des lignes.")


def _kind_of(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(b"PK\x03\x04"):
        return "xlsx"
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise not_a_table(
            "Ce fichier est un ancien classeur (.xls), ou un classeur protégé par mot de passe.",
            "Retirez le mot de passe et enregistrez-le en .xlsx.",
        )
    for magic, name in (
        (b"%PDF", "un document PDF"),
        (b"\x89PNG", "une image"),
        (b"\xff\xd8\xff", "une image"),
        (b"GIF8", "une image"),
        (b"{\\rtf", "un document texte"),
        (b"\x1f\x8b", "une archive"),
        (b"7z\xbc\xaf", "une archive"),
        (b"Rar!", "une archive"),
    ):
        if head.startswith(magic):
            raise not_a_table(f"Ce fichier est {name}, pas un tableau.", SAVE_AS)
    return "csv"


def _inspect_xlsx(
    path: Path, score: Score, sheet: str | None, header_row: int | None
) -> Inspection:
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    workbook = open_workbook(path)
    sheets = [
        meta.name
        for meta in workbook.sheets_metadata
        if meta.typ == SheetTypeEnum.WorkSheet and meta.visible == SheetVisibleEnum.Visible
    ]
    if not sheets:
        raise not_a_table("Ce classeur n’a pas de feuille visible.", SAVE_AS)
    wanted = [sheet] if sheet in sheets else sheets[:10]
    best: tuple[float, str, int, list[list[Cell]], list[int]] | None = None
    for name in wanted:
        numbered = list(sheet_rows(workbook, name, _HEADER_ROWS + 5)[1])
        rows, numbers = [row for _, row in numbered], [number for number, _ in numbered]
        found = _find_header(rows, numbers, score, header_row)
        if found is not None and (best is None or found[0] > best[0]):
            best = (found[0], name, found[1], rows, numbers)
    if best is None:
        raise not_a_table("Le classeur est vide.", "Choisissez un fichier qui contient des lignes.")
    _, name, at, rows, numbers = best
    source = Source(format="xlsx", sheet=name, header_row=numbers[at])
    return _inspection(source, sheets, rows[at:])


def _inspection(source: Source, sheets: list[str], rows: list[list[Cell]]) -> Inspection:
    headers = [text_of(cell)[:120] for cell in rows[0]]
    while headers and not headers[-1]:
        headers.pop()
    sample = [[text_of(cell)[:120] for cell in row] for row in rows[1:4]]
    return Inspection(source=source, sheets=sheets, headers=headers, sample=sample)


def _find_header(
    rows: list[list[Cell]], numbers: list[int], score: Score, chosen: int | None
) -> tuple[float, int] | None:
    """Return (score, index) of the header: the row with most known titles among the first ones,
    else the first with two cells of text; None when there is no text at all."""
    if chosen is not None and chosen in numbers:
        at = numbers.index(chosen)
        return score([text_of(cell) for cell in rows[at]]), at
    best: tuple[float, int] | None = None
    for at, row in enumerate(rows[:_HEADER_ROWS]):
        texts = [text_of(cell) for cell in row]
        filled = sum(bool(text) for text in texts)
        points = score(texts) * 10 + min(filled, 2) / 2
        if filled and (best is None or points > best[0]):
            best = (points, at)
    return best


def _inspect_csv(path: Path, score: Score, header_row: int | None) -> Inspection:
    encoding = encoding_of(path)
    try:
        with open_text(path, encoding) as file:
            sample = file.read(SAMPLE // 4)
    except UnicodeError as error:
        raise not_a_table("Ce fichier n’est pas un tableau.", SAVE_AS) from error
    strange = sum(1 for c in sample if c < " " and c not in "\t\r\n\x0b\x0c")
    if strange > len(sample) // 200:
        raise not_a_table("Ce fichier n’est pas un tableau.", SAVE_AS)
    if sample.lstrip()[:9].lower().startswith(("<!doctype", "<html", "<?xml")):
        raise not_a_table("Ce fichier est une page web, pas un tableau.", SAVE_AS)
    delimiter = delimiter_of(sample)
    beginning = islice(csv_rows(path, encoding=encoding, delimiter=delimiter), _HEADER_ROWS + 5)
    numbered = list(beginning)
    rows, numbers = [row for _, row in numbered], [number for number, _ in numbered]
    found = _find_header(rows, numbers, score, header_row)
    if found is None:
        raise not_a_table("Le fichier est vide.", "Choisissez un fichier qui contient des lignes.")
    at = found[1]
    source = Source(format="csv", header_row=numbers[at], encoding=encoding, delimiter=delimiter)
    return _inspection(source, [], rows[at:])


def read_rows(path: Path, source: Source) -> tuple[int, Iterator[Numbered]]:
    """Return (about how many rows, iterator over those under the header that are not empty).

    Each comes with its number in the file, from 1.
    """
    if source.format == "csv":
        rows = csv_rows(path, encoding=source.encoding, delimiter=source.delimiter)
        return _about(path), _under_header(rows, source)
    total, rows = _spooled(path, source.sheet)
    return total - source.header_row, _under_header(rows, source)


def _spooled(path: Path, sheet: str) -> tuple[int, Iterator[Numbered]]:
    """Copy the sheet's rows to a file of our own, so that the workbook (140 MB for 100 000 rows)
    is gone from memory before the slow part begins."""
    spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed once the rows are read
    workbook = open_workbook(path)
    total, rows = sheet_rows(workbook, sheet)
    while batch := list(islice(rows, 1000)):
        pickle.dump(batch, spool, protocol=pickle.HIGHEST_PROTOCOL)
    workbook.close()
    del workbook, rows
    spool.seek(0)

    def read() -> Iterator[Numbered]:
        with spool:
            while True:
                try:
                    yield from pickle.load(spool)  # noqa: S301 - written just above, by us
                except EOFError:
                    return

    return total, read()


def _under_header(rows: Iterator[Numbered], source: Source) -> Iterator[Numbered]:
    for number, cells in rows:
        check_rows(number, above=source.header_row)
        if number > source.header_row and any(cell not in ("", None) for cell in cells):
            yield number, cells


def _about(path: Path) -> int:
    """The number of lines of a text file, guessed from its beginning."""
    with path.open("rb") as file:
        sample = file.read(SAMPLE)
    return int(path.stat().st_size / max(1, len(sample)) * max(1, sample.count(b"\n")))
