"""Reading XLSX and CSV that people send: any separator, usual encodings, and hostile files.

A file is looked at (``inspect``), then read row by row (``read_rows``). Whatever cannot be read
raises ``Refused`` with a remedy; nothing is loaded before the zip of an XLSX has been checked.
"""

from __future__ import annotations

import codecs
import csv
import pickle
import re
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING

import charset_normalizer
from django.conf import settings

from kalan.base.errors import Refused
from kalan.base.imports.extent import Extent
from kalan.base.imports.values import Cell, text_of

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

_Numbered = tuple[int, list[Cell]]

MAX_ROWS = 300_000
MAX_COLUMNS = 200
MAX_ENTRIES = 2_000
MAX_UNPACKED = 600 * 1024 * 1024
MAX_RATIO = 200  # real workbooks: 5 to 20, very repetitive ones up to 100
_RATIO_FROM = 10 * 1024 * 1024  # small files may be very repetitive
MAX_CELLS = 12_000_000  # a workbook's cells are held at once, 32 bytes each and their text
_CHUNK = 1024 * 1024
_SAMPLE = 256 * 1024
_HEADER_ROWS = 20

csv.field_size_limit(1_000_000)


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


def not_a_table(what: str, remedy: str) -> Refused:
    return Refused(what, remedy=remedy, field="file", code="not_a_table")


_SAVE_AS = "Ouvrez-le dans un tableur et enregistrez-le en .xlsx ou en .csv."


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
            raise not_a_table(f"Ce fichier est {name}, pas un tableau.", _SAVE_AS)
    return "csv"


# --- XLSX ------------------------------------------------------------------------------------

# Memory is reserved for as many.
_COUNT = re.compile(rb"(?:count|uniqueCount)\s*=\s*[\"']\s*\d{8}")
_LONGEST_TAG = 4 * _CHUNK  # more between two tags, and it is not looked at
_MOST_UNUSUAL = 3_000_000  # a second and a half for each million
_OTHER_BOOKS = {"xl/workbook.bin", "content.xml"}  # XLSB and ODS: read in another way


def check_workbook(path: Path) -> None:
    """Refuse an archive that is not a workbook or that would not fit in memory.

    Every entry is unpacked once in small pieces and thrown away: declared sizes may lie. The
    last row and column are read on the way, since readers allocate the whole rectangle, and room
    for as many texts as a part says it holds: one cell at XFD1048576 would ask for gigabytes.
    """
    bomb = Refused(
        "Ce classeur se décompresse en un volume anormal : il ne sera pas ouvert.",
        remedy="Recopiez les lignes utiles dans un nouveau classeur et envoyez celui-là.",
        field="file",
        code="zip_bomb",
    )
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_ENTRIES or sum(e.file_size for e in entries) > MAX_UNPACKED:
                raise bomb
            names = {entry.filename for entry in entries}
            if "xl/workbook.xml" not in names or names & _OTHER_BOOKS:
                raise not_a_table("Ce fichier n’est pas un classeur.", _SAVE_AS)
            total = 0
            for entry in entries:
                total += _unpack(archive, entry, bomb)
                if total > MAX_UNPACKED:
                    raise bomb
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError):
        raise not_a_table(
            "Ce fichier est abîmé ou n’est pas un classeur.",
            "Ouvrez-le dans un tableur, enregistrez-le de nouveau en .xlsx et renvoyez-le.",
        ) from None


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, bomb: Refused) -> int:
    size, extent, waiting = 0, Extent(), b""
    with archive.open(entry) as file:
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            if size > max(_RATIO_FROM, MAX_RATIO * max(entry.compress_size, 1)):
                raise bomb
            waiting += chunk
            end = waiting.rfind(b">") + 1
            piece, waiting = waiting[:end], waiting[end:]
            if _COUNT.search(piece) or len(waiting) > _LONGEST_TAG:
                raise bomb
            extent.take(piece)
            if extent.unusual > _MOST_UNUSUAL:
                raise bomb
    extent.take(waiting)
    rows, columns = extent.reach
    if rows > MAX_ROWS:
        raise _too_many_rows(rows)
    if columns > MAX_COLUMNS or rows * columns > MAX_CELLS:
        raise Refused(
            f"Une feuille du classeur s’étend sur {rows} lignes et {columns} colonnes ; c’est trop "
            "grand pour être lu.",
            remedy="Supprimez les lignes et les colonnes vides au bout de la feuille.",
            field="file",
            code="too_wide",
        )
    return size


def _too_many_rows(rows: int) -> Refused:
    return Refused(
        f"Le fichier a {rows} lignes ; la limite est de {MAX_ROWS}.",
        remedy="Découpez-le en plusieurs fichiers.",
        field="file",
        code="too_many_rows",
    )


def _open_workbook(path: Path) -> CalamineWorkbook:
    # Here and below imported late: native code that only imports of files need.
    from python_calamine import CalamineError, CalamineWorkbook

    check_workbook(path)
    try:
        return CalamineWorkbook.from_path(path)
    except (CalamineError, OSError, ValueError) as error:
        raise not_a_table(
            "Ce classeur ne se laisse pas lire.",
            "Ouvrez-le dans un tableur, enregistrez-le de nouveau en .xlsx et renvoyez-le.",
        ) from error


def _sheet(
    workbook: CalamineWorkbook, name: str, limit: int | None = None
) -> tuple[int, Iterator[_Numbered]]:
    """Return (number of the last row, numbered rows) of a sheet."""
    from python_calamine import CalamineError

    try:
        table = workbook.get_sheet_by_name(name)
    except (CalamineError, ValueError) as error:
        raise not_a_table(
            f"La feuille « {name} » ne se laisse pas lire.", "Recopiez-la dans un nouveau classeur."
        ) from error
    rows = islice(table.iter_rows(), limit)  # from the sheet's first row, even when it is empty
    return table.total_height, ((n, list(row)) for n, row in enumerate(rows, start=1))


def _inspect_xlsx(
    path: Path, score: Score, sheet: str | None, header_row: int | None
) -> Inspection:
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    workbook = _open_workbook(path)
    sheets = [
        meta.name
        for meta in workbook.sheets_metadata
        if meta.typ == SheetTypeEnum.WorkSheet and meta.visible == SheetVisibleEnum.Visible
    ]
    if not sheets:
        raise not_a_table("Ce classeur n’a pas de feuille visible.", _SAVE_AS)
    wanted = [sheet] if sheet in sheets else sheets[:10]
    best: tuple[float, str, int, list[list[Cell]], list[int]] | None = None
    for name in wanted:
        numbered = list(_sheet(workbook, name, _HEADER_ROWS + 5)[1])
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


# --- CSV -------------------------------------------------------------------------------------


def _encoding_of(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(_SAMPLE)
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\x00" in head:
        even, odd = head[::2].count(0), head[1::2].count(0)
        if max(even, odd) < len(head) // 8:
            raise not_a_table("Ce fichier n’est pas un tableau.", _SAVE_AS)
        return "utf-16-le" if odd > even else "utf-16-be"
    if _decodes(path, "utf-8"):
        return "utf-8"
    guess = charset_normalizer.from_bytes(head, cp_isolation=["cp1252", "mac_roman"]).best()
    name = guess.encoding if guess else "cp1252"
    return name if _decodes(path, name) else "latin-1"


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        try:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _delimiter_of(sample: str) -> str:
    """Return the separator that cuts the first rows into the most, and most equal, columns."""
    best = (0.0, ";")
    for delimiter in (";", ",", "\t", "|"):
        try:
            rows = list(
                islice(csv.reader(sample.splitlines(keepends=True), delimiter=delimiter), 50)
            )
        except csv.Error:
            continue
        widths = [len(row) for row in rows[:-1] or rows if row]
        if not widths:
            continue
        usual = max(set(widths), key=widths.count)
        points = (usual - 1) * widths.count(usual) / len(widths)
        if points > best[0]:
            best = (points, delimiter)
    return best[1]


def _open_text(path: Path, encoding: str) -> IO[str]:
    return path.open(encoding=encoding, newline="", errors="strict")


def _csv_rows(path: Path, source: Source) -> Iterator[_Numbered]:
    with _open_text(path, source.encoding) as file:
        try:
            for number, row in enumerate(csv.reader(file, delimiter=source.delimiter), start=1):
                cells: list[Cell] = list(row)
                yield number, cells
        except (csv.Error, UnicodeError) as error:
            raise not_a_table(
                "Ce fichier n’est pas un tableau que Kalan sait lire.", _SAVE_AS
            ) from error


def _inspect_csv(path: Path, score: Score, header_row: int | None) -> Inspection:
    encoding = _encoding_of(path)
    try:
        with _open_text(path, encoding) as file:
            sample = file.read(_SAMPLE // 4)
    except UnicodeError as error:
        raise not_a_table("Ce fichier n’est pas un tableau.", _SAVE_AS) from error
    strange = sum(1 for c in sample if c < " " and c not in "\t\r\n\x0b\x0c")
    if strange > len(sample) // 200:
        raise not_a_table("Ce fichier n’est pas un tableau.", _SAVE_AS)
    if sample.lstrip()[:9].lower().startswith(("<!doctype", "<html", "<?xml")):
        raise not_a_table("Ce fichier est une page web, pas un tableau.", _SAVE_AS)
    source = Source(format="csv", encoding=encoding, delimiter=_delimiter_of(sample))
    numbered = list(islice(_csv_rows(path, source), _HEADER_ROWS + 5))
    rows, numbers = [row for _, row in numbered], [number for number, _ in numbered]
    found = _find_header(rows, numbers, score, header_row)
    if found is None:
        raise not_a_table("Le fichier est vide.", "Choisissez un fichier qui contient des lignes.")
    at = found[1]
    source = Source(
        format="csv", header_row=numbers[at], encoding=encoding, delimiter=source.delimiter
    )
    return _inspection(source, [], rows[at:])


# --- both ------------------------------------------------------------------------------------


def read_rows(path: Path, source: Source) -> tuple[int, Iterator[_Numbered]]:
    """Return (about how many rows, iterator over those under the header that are not empty).

    Each comes with its number in the file, from 1.
    """
    if source.format == "csv":
        return _about(path), _under_header(_csv_rows(path, source), source)
    total, rows = _spooled(path, source.sheet)
    return total - source.header_row, _under_header(rows, source)


def _spooled(path: Path, sheet: str) -> tuple[int, Iterator[_Numbered]]:
    """Copy the sheet's rows to a file of our own, so that the workbook (140 MB for 100 000 rows)
    is gone from memory before the slow part begins."""
    spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed once the rows are read
    workbook = _open_workbook(path)
    total, rows = _sheet(workbook, sheet)
    while batch := list(islice(rows, 1000)):
        pickle.dump(batch, spool, protocol=pickle.HIGHEST_PROTOCOL)
    workbook.close()
    del workbook, rows
    spool.seek(0)

    def read() -> Iterator[_Numbered]:
        with spool:
            while True:
                try:
                    yield from pickle.load(spool)  # noqa: S301 - written just above, by us
                except EOFError:
                    return

    return total, read()


def _under_header(rows: Iterator[_Numbered], source: Source) -> Iterator[_Numbered]:
    for number, cells in rows:
        if number > MAX_ROWS + source.header_row:
            raise _too_many_rows(number)
        if number > source.header_row and any(cell not in ("", None) for cell in cells):
            yield number, cells


def _about(path: Path) -> int:
    """The number of lines of a text file, guessed from its beginning."""
    with path.open("rb") as file:
        sample = file.read(_SAMPLE)
    return int(path.stat().st_size / max(1, len(sample)) * max(1, sample.count(b"\n")))
