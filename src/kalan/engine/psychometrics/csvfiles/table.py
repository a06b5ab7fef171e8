"""A CSV file as blocks of cells: split with numpy where the text is plain, by csv elsewhere.

A file of ten million rows is never whole in memory: one block of about ``BLOCK`` bytes is.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.errors import DataError, unreadable

BLOCK = 1 << 23
BOM = b"\xef\xbb\xbf"
NEWLINE, QUOTE = 10, b'"'


@dataclass(frozen=True)
class Header:
    """``columns`` in the order of the file, ``separator``, and ``size`` of the line in bytes."""

    columns: tuple[str, ...]
    separator: str
    size: int


@dataclass(frozen=True, eq=False)
class Cells:
    """Rows of text cells. ``lines`` (R) is where each row stands in the file (the header is 1).

    The text of cell (r, c) is ``buffer[low[r, c] : high[r, c]]``, in UTF-8.
    """

    lines: NDArray[np.int64]
    buffer: NDArray[np.uint8]
    low: NDArray[np.int64]
    high: NDArray[np.int64]

    def column(self, number: int) -> list[str]:
        """The texts of a column, stripped."""
        text = self.buffer.tobytes()
        edges = zip(self.low[:, number].tolist(), self.high[:, number].tolist(), strict=True)
        return [text[low:high].decode().strip() for low, high in edges]

    def cell(self, row: int, column: int) -> str:
        piece = self.buffer[self.low[row, column] : self.high[row, column]]
        return piece.tobytes().decode().strip()


def read_header(path: Path) -> Header:
    """The first line; refuse an empty file, a nameless or a double column."""
    try:
        with path.open("rb") as file:
            line = file.readline(1 << 26)
    except OSError as error:
        raise DataError(f"{path} : {unreadable(error)}") from None
    text = _decode(line.removeprefix(BOM), path, 1).rstrip("\r\n")
    if not text.strip():
        raise DataError(f"{path.name} : fichier vide. La première ligne nomme les colonnes.")
    separator = max(",;\t", key=text.count)
    names = _names(text, path, separator)
    for number, name in enumerate(names, start=1):
        if not name:
            raise DataError(f"{path.name}, colonne {number} : sans nom. Donnez-lui un nom.")
        if name in names[: number - 1]:
            raise DataError(f"{path.name}, colonne « {name} » : présente deux fois. Gardez-en une.")
    return Header(names, separator, len(line))


def _names(text: str, path: Path, separator: str) -> tuple[str, ...]:
    if "\0" in text:
        raise DataError(
            f"{path.name}, ligne 1 : ce n’est pas du texte. "
            "Enregistrez le fichier au format « CSV UTF-8 »."
        )
    try:
        return tuple(name.strip() for name in next(csv.reader([text], delimiter=separator)))
    except csv.Error:  # a lone carriage return: the whole file is one line
        raise DataError(
            f"{path.name}, ligne 1 : les fins de ligne ne se lisent pas. "
            "Enregistrez le fichier au format « CSV UTF-8 »."
        ) from None


def read_cells(path: Path, header: Header) -> Iterator[Cells]:
    """Blocks of rows, in order; empty lines are skipped, rows of another length refused."""
    line = 2
    with path.open("rb") as file:
        file.seek(header.size)
        while block := _whole_lines(file):
            if QUOTE in block:  # a quoted cell may hold a line break: the rest goes by csv
                file.seek(-len(block), io.SEEK_CUR)
                yield from _quoted(file, path, header, line)
                return
            cells = _split(block, path, header, line)
            line += block.count(b"\n")
            if cells.lines.size:
                yield cells


def _whole_lines(file: BinaryIO) -> bytes:
    block = file.read(BLOCK)
    if block and not block.endswith(b"\n"):
        block += file.readline()
    return block


def _decode(data: bytes, path: Path, line: int) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        at = line + data[: error.start].count(b"\n")
        raise DataError(
            f"{path.name}, ligne {at} : ce n’est pas de l’UTF-8. "
            "Enregistrez le fichier au format « CSV UTF-8 »."
        ) from None


def _split(block: bytes, path: Path, header: Header, line: int) -> Cells:
    if not block.isascii():
        _decode(block, path, line)
    if not block.endswith(b"\n"):
        block += b"\n"
    buffer = np.frombuffer(block, np.uint8)
    mark = np.flatnonzero((buffer == NEWLINE) | (buffer == ord(header.separator)))
    ends = np.flatnonzero(buffer[mark] == NEWLINE)
    width = len(header.columns)
    first = np.concatenate(([0], ends[:-1] + 1))
    count = ends - first + 1
    if not np.all(count == width):
        return _uneven(block, path, header, line)
    high = mark.reshape(-1, width)
    low = np.concatenate(([0], mark[:-1] + 1)).reshape(-1, width)
    high = high - _carriage(buffer, low, high)
    lines = line + np.arange(high.shape[0])
    if width == 1:  # one column: an empty line and an empty cell look alike
        kept = high[:, 0] > low[:, 0]
        lines, low, high = lines[kept], low[kept], high[kept]
    return Cells(lines, buffer, low, high)


def _carriage(
    buffer: NDArray[np.uint8], low: NDArray[np.int64], high: NDArray[np.int64]
) -> NDArray[np.int64]:
    """1 in the last column where a line ends with a carriage return, 0 elsewhere."""
    cut = np.zeros(high.shape, np.int64)
    before = buffer[np.maximum(high[:, -1] - 1, 0)]
    cut[:, -1] = (before == ord("\r")) & (high[:, -1] > low[:, -1])
    return cut


def _uneven(block: bytes, path: Path, header: Header, line: int) -> Cells:
    """A block with empty lines, or with a row that is too short or too long."""
    rows, lines = [], []
    for number, text in enumerate(block.decode().splitlines(), start=line):
        if not text.strip():
            continue
        rows.append(_checked(text.split(header.separator), path, header, number))
        lines.append(number)
    return _packed(rows, lines, len(header.columns))


def _quoted(file: BinaryIO, path: Path, header: Header, line: int) -> Iterator[Cells]:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    reader = csv.reader(text, delimiter=header.separator)
    rows, lines, size = [], [], 0
    try:
        for row in reader:
            if not any(cell.strip() for cell in row) and len(row) <= 1:
                continue
            number = line + reader.line_num - 1
            rows.append(_checked(row, path, header, number))
            lines.append(number)
            size += sum(map(len, row))
            if size > BLOCK // 4:
                yield _packed(rows, lines, len(header.columns))
                rows, lines, size = [], [], 0
    except UnicodeDecodeError:
        at = line + reader.line_num
        raise DataError(f"{path.name}, après la ligne {at} : ce n’est pas de l’UTF-8.") from None
    except csv.Error as error:
        raise DataError(f"{path.name}, ligne {line + reader.line_num} : {error}.") from None
    finally:
        text.detach()
    if rows:
        yield _packed(rows, lines, len(header.columns))


def _checked(row: list[str], path: Path, header: Header, line: int) -> list[str]:
    if len(row) != len(header.columns):
        raise DataError(
            f"{path.name}, ligne {line} : {len(row)} cases au lieu de {len(header.columns)}. "
            "Complétez la ligne, ou retirez les séparateurs de trop."
        )
    return row


def _packed(rows: Sequence[Sequence[str]], lines: Sequence[int], width: int) -> Cells:
    pieces = [cell.encode() for row in rows for cell in row]
    high = np.cumsum([len(piece) for piece in pieces], dtype=np.int64).reshape(-1, width)
    low = np.concatenate(([0], high.ravel()[:-1])).astype(np.int64).reshape(-1, width)[: len(rows)]
    buffer = np.frombuffer(b"".join(pieces), np.uint8)
    return Cells(np.array(lines, np.int64), buffer, low, high)
