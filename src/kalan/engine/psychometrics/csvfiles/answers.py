"""FILE.csv: one row a person, one column an item, categories 0 … m, empty = missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.csvfiles import numbers
from kalan.engine.psychometrics.csvfiles.table import Header, read_cells, read_header
from kalan.engine.psychometrics.data import Responses
from kalan.engine.psychometrics.errors import DataError

ID = "id"


@dataclass(frozen=True, eq=False)
class Answers:
    """``responses`` with the persons' ids (the rank of the row where the file has no ``id``),
    ``lines`` (P) of the file, and the ``labels`` asked for: column → one text a person."""

    responses: Responses
    lines: NDArray[np.int64]
    labels: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class _Columns:
    items: tuple[str, ...]
    places: NDArray[np.int64]
    id: int | None
    weights: int | None
    labels: dict[str, int]


def iter_answers(
    path: str | Path,
    *,
    weights: str | None = None,
    labels: Sequence[str] = (),
    ignore: Sequence[str] = (),
) -> Iterator[Answers]:
    """The file block by block, so that memory does not grow with it.

    ``weights`` names the column of pattern frequencies, ``labels`` columns of text to keep
    (a group), ``ignore`` columns to leave. Two rows with one id are refused after the last block.
    """
    path = Path(path)
    header = read_header(path)
    columns = _columns(path, header, weights, labels, ignore)
    seen, rank = _Seen(path, header, columns.id), 0
    for cells in read_cells(path, header):
        matrix = numbers.categories(cells, columns.places, columns.items)
        rows = matrix.shape[0]
        if columns.id is None:
            ids = tuple(map(str, range(rank + 1, rank + rows + 1)))
        else:
            ids = tuple(cells.column(columns.id))
            seen.add(ids, cells.lines)
        rank += rows
        weight = None
        if columns.weights is not None and weights is not None:
            weight = numbers.weights(cells, columns.weights, weights)
        yield Answers(
            Responses.from_dense(matrix, items=columns.items, ids=ids, weight=weight),
            cells.lines,
            {name: tuple(cells.column(place)) for name, place in columns.labels.items()},
        )
    if rank == 0:
        raise DataError(f"{path.name} : aucune personne. Une ligne par personne est attendue.")
    seen.check()


def read_answers(
    path: str | Path,
    *,
    weights: str | None = None,
    labels: Sequence[str] = (),
    ignore: Sequence[str] = (),
) -> Answers:
    """The whole file at once; see ``iter_answers``."""
    return joined(list(iter_answers(path, weights=weights, labels=labels, ignore=ignore)))


def joined(parts: Sequence[Answers]) -> Answers:
    """Blocks of one file, put end to end."""
    if len(parts) == 1:
        return parts[0]
    pieces = [part.responses for part in parts]
    shift = np.cumsum([0, *(piece.start[-1] for piece in pieces)])
    starts = [piece.start[:-1] + low for piece, low in zip(pieces, shift[:-1], strict=True)]
    whole = Responses(
        items=pieces[0].items,
        start=np.concatenate([*starts, shift[-1:]]).astype(np.int64),
        item=np.concatenate([piece.item for piece in pieces]),
        category=np.concatenate([piece.category for piece in pieces]),
        weight=np.concatenate([piece.weight for piece in pieces]),
        ids=tuple(name for piece in pieces for name in piece.ids),
    )
    labels = {
        name: tuple(text for part in parts for text in part.labels[name])
        for name in parts[0].labels
    }
    return Answers(whole, np.concatenate([part.lines for part in parts]), labels)


def _columns(
    path: Path,
    header: Header,
    weights: str | None,
    labels: Sequence[str],
    ignore: Sequence[str],
) -> _Columns:
    place = {name: number for number, name in enumerate(header.columns)}
    special = [*labels, *ignore, *([weights] if weights is not None else [])]
    for name in special:
        if name not in place:
            raise DataError(
                f"{path.name} : pas de colonne « {name} ». "
                f"Colonnes présentes : {', '.join(header.columns[:12])}"
                + ("…" if len(header.columns) > 12 else ".")
            )
    items = tuple(name for name in header.columns if name != ID and name not in special)
    if not items:
        raise DataError(f"{path.name} : aucune colonne de question à côté de {', '.join(place)}.")
    return _Columns(
        items,
        np.array([place[name] for name in items], np.int64),
        place.get(ID),
        place[weights] if weights is not None else None,
        {name: place[name] for name in labels},
    )


class _Seen:
    """Finds an id given twice, on eight bytes a person: hashes first, the texts if two agree."""

    def __init__(self, path: Path, header: Header, column: int | None) -> None:
        self.path, self.header, self.column = path, header, column
        self.hashes: list[NDArray[np.int64]] = []

    def add(self, ids: tuple[str, ...], lines: NDArray[np.int64]) -> None:
        if "" in ids:
            line = lines[ids.index("")]
            raise DataError(f"Ligne {line}, colonne « {ID} » : case vide. Donnez un identifiant.")
        self.hashes.append(np.fromiter(map(hash, ids), np.int64, len(ids)))

    def check(self) -> None:
        if not self.hashes:
            return
        every = np.sort(np.concatenate(self.hashes))
        twice = set(every[1:][every[1:] == every[:-1]].tolist())
        if not twice:
            return
        first: dict[str, int] = {}
        for cells in read_cells(self.path, self.header):
            for name, line in zip(cells.column(self.column or 0), cells.lines, strict=True):
                if hash(name) in twice and first.setdefault(name, int(line)) != line:
                    raise DataError(
                        f"Ligne {line}, colonne « {ID} » : « {name} » est déjà à la ligne "
                        f"{first[name]}. Gardez une seule ligne par personne."
                    )
