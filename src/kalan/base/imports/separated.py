"""Text with separators, as people send it: in any usual encoding, with any usual separator."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO

import charset_normalizer

from kalan.base.imports.refusals import SAVE_AS, not_a_table
from kalan.base.imports.values import Cell, Numbered

SAMPLE = 256 * 1024  # bytes looked at to know a file
_CHUNK = 1024 * 1024

csv.field_size_limit(1_000_000)


def encoding_of(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(SAMPLE)
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\x00" in head:
        even, odd = head[::2].count(0), head[1::2].count(0)
        if max(even, odd) < len(head) // 8:
            raise not_a_table("Ce fichier n’est pas un tableau.", SAVE_AS)
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


def delimiter_of(sample: str) -> str:
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


def open_text(path: Path, encoding: str) -> IO[str]:
    return path.open(encoding=encoding, newline="", errors="strict")


def csv_rows(path: Path, *, encoding: str, delimiter: str) -> Iterator[Numbered]:
    """The rows of a text, empty ones too; Refused where the csv module gives up."""
    with open_text(path, encoding) as file:
        try:
            for number, row in enumerate(csv.reader(file, delimiter=delimiter), start=1):
                cells: list[Cell] = list(row)
                yield number, cells
        except (csv.Error, UnicodeError) as error:
            raise not_a_table(
                "Ce fichier n’est pas un tableau que Kalan sait lire.", SAVE_AS
            ) from error
