"""How far the cells of a workbook's part reach, however they are written.

Readers take cells from any part that the workbook names as a sheet, whatever its folder, place a
cell without reference after the one before, and allocate the whole rectangle.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_CELL = re.compile(rb"<(?:[^\s<>/:]+:)?c[\s/>]")
_USUAL_CELL = re.compile(rb'<c r="([A-Z]{1,3})\d{1,7}"')
_USUAL_ROW = re.compile(rb'<c r="[A-Z]{1,3}(\d{1,7})"')
_LAST_ROW = re.compile(rb'<row\s[^<>]*?r="(\d+)"')
_TAG = re.compile(rb"<(?:[^\s<>/:]+:)?(row|c)(?=[\s/>])([^<>]*)")
_REFERENCE = re.compile(rb"(?<![\w:.-])r\s*=\s*[\"']([^\"']*)[\"']")
_PLACE = re.compile(rb"([A-Za-z]*)(\d*)")


def column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


@dataclass
class Extent:
    """How far the cells of a part reach at most. ``row``, ``cell``: those without a reference;
    ``unusual``: tags that had to be looked at one by one."""

    rows: int = 0
    columns: int = 0
    row: int = 0
    cell: int = 0
    cells: int = 0
    unusual: int = 0

    def take(self, piece: bytes) -> None:
        """Look at what ends with a tag, or at the last piece."""
        last = [int(number[:9]) for number in _LAST_ROW.findall(piece)]
        self.rows = max([self.rows, *last])
        number = len(_CELL.findall(piece))
        usual = _USUAL_CELL.findall(piece)
        if number == len(usual):
            names, rows = set(usual), set(_USUAL_ROW.findall(piece))
            self.columns = max([self.columns, *map(column_number, names)])
            self.rows = max([self.rows, *map(int, rows)])
        else:
            self._unusual(piece)

    def _unusual(self, piece: bytes) -> None:
        for said in _REFERENCE.findall(piece):
            place = _PLACE.fullmatch(said)
            if place is not None:
                self.columns = max(self.columns, column_number(place[1][:9].upper()))
                self.rows = max(self.rows, int(place[2].lstrip(b"0")[:9] or 0))
        tags = _TAG.findall(piece)
        self.unusual += len(tags)
        for name, attributes in tags:
            if name == b"row":
                self.cells = 0
            if not _REFERENCE.search(attributes):
                self.row += name == b"row"
                self.cells += name == b"c"
                self.cell = max(self.cell, self.cells)

    @property
    def reach(self) -> tuple[int, int]:
        return self.rows + self.row, self.columns + self.cell
