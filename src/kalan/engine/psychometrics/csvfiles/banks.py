"""BANK.csv: ``item,a,b,c,area`` or ``item,a,b1,b2,…``; ``d`` and ``model`` are optional."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kalan.engine.psychometrics.csvfiles import numbers
from kalan.engine.psychometrics.csvfiles.table import read_cells, read_header
from kalan.engine.psychometrics.data import GRADED, LOGISTIC, PARTIAL_CREDIT, Bank
from kalan.engine.psychometrics.errors import DataError

FAMILIES = {
    "1PL": LOGISTIC,
    "2PL": LOGISTIC,
    "3PL": LOGISTIC,
    "4PL": LOGISTIC,
    "GRM": GRADED,
    "GPCM": PARTIAL_CREDIT,
}
STEP = re.compile(r"b([1-9][0-9]?)")


def read_bank(path: str | Path, model: str | None = None) -> Bank:
    """A bank. Each item's model is that of its column ``model``, else ``model``, else GRM where
    several b are given and logistic where one is. Without a column ``a``, a = 1 (Rasch)."""
    path = Path(path)
    rows = list(_rows(path))
    if not rows:
        raise DataError(f"{path.name} : aucune question. Une ligne par question est attendue.")
    reads = [_Row(path, line, row, model) for line, row in rows]
    widest = max(len(read.b) for read in reads)
    b = np.full((len(reads), widest), np.nan)
    for place, read in enumerate(reads):
        b[place, : len(read.b)] = read.b
    return Bank(
        family=np.array([read.family for read in reads], np.int8),
        a=np.array([read.a for read in reads]),
        b=b,
        c=np.array([read.c for read in reads]),
        d=np.array([read.d for read in reads]),
        top=np.array([len(read.b) for read in reads], np.int64),
        items=tuple(read.item for read in reads),
        area=tuple(read.area for read in reads),
    )


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    header = read_header(path)
    names = header.columns
    if "item" not in names:
        raise DataError(f"{path.name} : pas de colonne « item ». Elle nomme chaque question.")
    if "b" not in names and "b1" not in names:
        raise DataError(f"{path.name} : pas de colonne « b » ni « b1 » (difficulté).")
    for cells in read_cells(path, header):
        texts = [cells.column(number) for number in range(len(names))]
        for place, line in enumerate(cells.lines.tolist()):
            yield line, {name: text[place] for name, text in zip(names, texts, strict=True)}


class _Row:
    """One line of the file, each cell checked."""

    def __init__(self, path: Path, line: int, row: dict[str, str], model: str | None) -> None:
        self.row, self.item = row, row["item"]
        if not self.item:
            raise DataError(f"{path.name}, ligne {line}, colonne « item » : case vide.")
        self.where = f"{path.name}, ligne {line}, question « {self.item} »"
        self.a = self._number("a", 1.0)
        self.b = self._difficulties()
        self.family = self._family(row.get("model") or model)
        self.c, self.d = self._number("c", 0.0), self._number("d", 1.0)
        self.area = row.get("area", "")

    def _number(self, column: str, default: float) -> float:
        text = self.row.get(column)
        if text is None or (not text and column in "cd"):
            return default
        return numbers.number(text, f"{self.where}, colonne « {column} »")

    def _difficulties(self) -> list[float]:
        steps = sorted((int(m[1]), name) for name in self.row if (m := STEP.fullmatch(name)))
        given = [name for _, name in steps if self.row[name]]
        if not given:
            return [numbers.number(self.row.get("b", ""), f"{self.where}, colonne « b »")]
        if self.row.get("b"):
            raise DataError(f"{self.where} : « b » et « {given[0]} » sont remplis. Gardez l’un.")
        if given != [name for _, name in steps[: len(given)]]:
            gap = next(name for _, name in steps if not self.row[name])
            raise DataError(f"{self.where}, colonne « {gap} » : case vide avant « {given[-1]} ».")
        return [numbers.number(self.row[x], f"{self.where}, colonne « {x} »") for x in given]

    def _family(self, model: str | None) -> int:
        if model is None:
            return GRADED if len(self.b) > 1 else LOGISTIC
        family = FAMILIES.get(model.upper())
        if family is None:
            raise DataError(
                f"{self.where}, colonne « model » : « {model} » est inconnu. "
                f"Modèles : {', '.join(FAMILIES)}."
            )
        if family == LOGISTIC and len(self.b) > 1:
            raise DataError(f"{self.where} : {model} n’a qu’une difficulté, {len(self.b)} données.")
        return family
