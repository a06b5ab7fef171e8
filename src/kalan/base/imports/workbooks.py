"""Opening an XLSX that people send: nothing is loaded before its zip has been checked."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from kalan.base.errors import Refused
from kalan.base.imports.extent import Extent
from kalan.base.imports.refusals import SAVE_AS, check_rows, not_a_table
from kalan.base.imports.values import Numbered

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

_CHUNK = 1024 * 1024
MAX_COLUMNS = 200
MAX_ENTRIES = 2_000
MAX_UNPACKED = 600 * 1024 * 1024
MAX_RATIO = 200  # real workbooks: 5 to 20, very repetitive ones up to 100
_RATIO_FROM = 10 * 1024 * 1024  # small files may be very repetitive
MAX_CELLS = 12_000_000  # a workbook's cells are held at once, 32 bytes each and their text
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
                raise not_a_table("Ce fichier n’est pas un classeur.", SAVE_AS)
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
    check_rows(rows)
    if columns > MAX_COLUMNS or rows * columns > MAX_CELLS:
        raise Refused(
            f"Une feuille du classeur s’étend sur {rows} lignes et {columns} colonnes ; c’est trop "
            "grand pour être lu.",
            remedy="Supprimez les lignes et les colonnes vides au bout de la feuille.",
            field="file",
            code="too_wide",
        )
    return size


def open_workbook(path: Path) -> CalamineWorkbook:
    """The workbook, once it is found harmless; Refused otherwise."""
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


def sheet_rows(
    workbook: CalamineWorkbook, name: str, limit: int | None = None
) -> tuple[int, Iterator[Numbered]]:
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
