"""Cells as numbers, each refusal with its row and column."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.csvfiles.table import Cells
from kalan.engine.psychometrics.errors import DataError

HIGHEST = 99  # a category beyond is a score or an identifier that strayed into an item's column
ZERO, NINE, POINT = ord("0"), ord("9"), ord(".")


def categories(
    cells: Cells, columns: NDArray[np.int64], names: tuple[str, ...]
) -> NDArray[np.int8]:
    """(R, columns) category of each cell, −1 where it is empty."""
    low, high = cells.low[:, columns], cells.high[:, columns]
    length = high - low
    found = np.full(low.shape, -1, np.int8)
    last = max(cells.buffer.size - 1, 0)
    if cells.buffer.size == 0:
        return found
    byte = cells.buffer[np.minimum(low, last)]
    digit = (byte >= ZERO) & (byte <= NINE)
    whole = digit & (length == 1)
    if not np.all(whole | (length == 0)):  # 1.0: how a table with gaps is written elsewhere
        point = cells.buffer[np.minimum(low + 1, last)] == POINT
        nought = cells.buffer[np.minimum(low + 2, last)] == ZERO
        whole |= digit & (length == 3) & point & nought
    found[whole] = byte[whole] - ZERO
    odd = np.argwhere(~whole & (length > 0))
    for row, column in odd.tolist():
        found[row, column] = _category(cells, row, int(columns[column]), names[column])
    return found


def _category(cells: Cells, row: int, column: int, name: str) -> int:
    text = cells.cell(row, column)
    if not text:
        return -1
    where = f"Ligne {cells.lines[row]}, colonne « {name} » : « {text} »"
    try:
        value = _float(text)
    except ValueError:
        raise DataError(
            f"{where} n’est pas un nombre. Écrivez la catégorie (0, 1, 2…), ou laissez la case "
            "vide si la réponse manque. Si la colonne n’est pas une question : "
            f"--ignore « {name} »."
        ) from None
    if not 0 <= value <= HIGHEST or value != int(value):
        raise DataError(
            f"{where} n’est pas une catégorie : un entier de 0 à {HIGHEST} est attendu."
        )
    return int(value)


def _float(text: str) -> float:
    """Python would read 1_0 as ten: in a file it is a slip of the hand."""
    if "_" in text:
        raise ValueError(text)
    return float(text.replace(",", "."))


def weights(cells: Cells, column: int, name: str) -> NDArray[np.float64]:
    """(R) frequencies: numbers ≥ 0, a decimal comma allowed."""
    found = np.empty(cells.lines.size)
    for row, text in enumerate(cells.column(column)):
        value = number(text, f"Ligne {cells.lines[row]}, colonne « {name} »")
        if value < 0:
            raise DataError(
                f"Ligne {cells.lines[row]}, colonne « {name} » : « {text} » est négatif. "
                "Un effectif est positif ou nul."
            )
        found[row] = value
    return found


def number(text: str, where: str) -> float:
    """A finite number, a decimal comma allowed."""
    if not text:
        raise DataError(f"{where} : case vide. Un nombre est attendu.")
    try:
        value = _float(text)
    except ValueError:
        raise DataError(f"{where} : « {text} » n’est pas un nombre. Corrigez la case.") from None
    if not np.isfinite(value):
        raise DataError(f"{where} : « {text} » n’est pas un nombre fini.")
    return value
