"""Answers and item banks: the two shapes of data that the whole engine works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kalan.engine.psychometrics.errors import DataError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LOGISTIC, GRADED, PARTIAL_CREDIT = 0, 1, 2  # families of Bank.family
ABSURD_SLOPE = 25.0  # logistic metric; published slopes stay below 6


def _names(prefix: str, number: int) -> tuple[str, ...]:
    return tuple(f"{prefix}{position}" for position in range(1, number + 1))


@dataclass(frozen=True, eq=False)
class Responses:
    """Answers by person, as sparse rows.

    ``start`` (P + 1): the answers of person p stand at ``start[p]:start[p + 1]`` of ``item`` (A,
    column of the answer) and ``category`` (A, 0 … m). ``weight`` (P): how often the pattern was
    seen. An answer that is missing is not there: it adds nothing to the likelihood.
    """

    items: tuple[str, ...]
    start: Ints
    item: NDArray[np.int32]
    category: NDArray[np.int16]
    weight: Floats
    ids: tuple[str, ...] = field(default=())

    @classmethod
    def from_dense(
        cls,
        matrix: ArrayLike,
        *,
        items: Sequence[str] = (),
        ids: Sequence[str] = (),
        weight: ArrayLike | None = None,
    ) -> Self:
        """From persons × items; NaN or a negative number is a missing answer."""
        table = np.asarray(matrix)
        if table.ndim != 2:
            raise ValueError("persons × items")
        there = table >= 0  # NaN compares false
        person, item = np.nonzero(there)
        start = np.concatenate(([0], np.cumsum(there.sum(axis=1))))
        return cls(
            items=tuple(items) or _names("q", table.shape[1]),
            start=start.astype(np.int64),
            item=item.astype(np.int32),
            category=table[person, item].astype(np.int16),
            weight=_weights(weight, table.shape[0]),
            ids=tuple(ids),
        )

    @classmethod
    def from_triples(
        cls,
        person: ArrayLike,
        item: ArrayLike,
        category: ArrayLike,
        *,
        items: Sequence[str],
        persons: int | None = None,
        ids: Sequence[str] = (),
        weight: ArrayLike | None = None,
    ) -> Self:
        """From one (person, item, category) an answer, numbered from 0, in any order."""
        who, what = np.asarray(person, np.int64), np.asarray(item, np.int64)
        value = np.asarray(category, np.int64)
        number = int(who.max()) + 1 if persons is None and who.size else (persons or 0)
        if who.size and (who.min() < 0 or who.max() >= number):
            raise DataError(f"Personne hors de 0 … {number - 1} : vérifiez la numérotation.")
        if what.size and (what.min() < 0 or what.max() >= len(items)):
            raise DataError(f"Question hors de 0 … {len(items) - 1} : vérifiez la numérotation.")
        order = np.lexsort((what, who))
        who, what, value = who[order], what[order], value[order]
        twice = np.flatnonzero((np.diff(who) == 0) & (np.diff(what) == 0))
        if twice.size:
            place = twice[0]
            raise DataError(
                f"Personne {who[place]}, question « {items[what[place]]} » : deux réponses. "
                "Gardez-en une."
            )
        start = np.concatenate(([0], np.cumsum(np.bincount(who, minlength=number))))
        return cls(
            items=tuple(items),
            start=start.astype(np.int64),
            item=what.astype(np.int32),
            category=value.astype(np.int16),
            weight=_weights(weight, number),
            ids=tuple(ids),
        )

    @property
    def n_persons(self) -> int:
        return int(self.start.size - 1)

    @property
    def n_items(self) -> int:
        return len(self.items)

    @property
    def person(self) -> Ints:
        """(A) the person of each answer."""
        return np.repeat(np.arange(self.n_persons), np.diff(self.start))

    def dense(self) -> NDArray[np.int16]:
        """Persons × items; -1 where there is no answer."""
        table = np.full((self.n_persons, self.n_items), -1, dtype=np.int16)
        table[self.person, self.item] = self.category
        return table

    def counts(self) -> Floats:
        """(n, m + 1) weighted number of answers by item and category."""
        top = int(self.category.max(initial=0))
        code = self.item.astype(np.int64) * (top + 1) + self.category
        weight = np.repeat(self.weight, np.diff(self.start))
        found = np.bincount(code, weights=weight, minlength=self.n_items * (top + 1))
        return found.astype(np.float64).reshape(self.n_items, top + 1)

    def keep(self, persons: NDArray[Any]) -> Responses:
        """The rows chosen by a mask or by numbers, in the order given."""
        chosen = np.arange(self.n_persons)[persons]
        length = np.diff(self.start)[chosen]
        start = np.concatenate(([0], np.cumsum(length))).astype(np.int64)
        place = np.arange(start[-1]) - np.repeat(start[:-1] - self.start[chosen], length)
        ids = tuple(self.ids[p] for p in chosen) if self.ids else ()
        return Responses(
            self.items, start, self.item[place], self.category[place], self.weight[chosen], ids
        )


def _weights(weight: ArrayLike | None, number: int) -> Floats:
    if weight is None:
        return np.ones(number)
    found = np.asarray(weight, dtype=np.float64)
    if found.shape != (number,) or not np.all(np.isfinite(found)) or np.any(found < 0):
        raise DataError("Les poids sont des nombres positifs ou nuls, un par ligne.")
    return found


@dataclass(frozen=True, eq=False)
class Parameters:
    """Item parameters in the logistic metric (D = 1), one row an item.

    ``family`` (n) LOGISTIC (1 to 4PL), GRADED or PARTIAL_CREDIT; ``a`` (n) > 0; ``b`` (n, m)
    padded with NaN; ``c``, ``d`` (n) lower and upper asymptote; ``top`` (n) highest category.
    """

    family: NDArray[np.int8]
    a: Floats
    b: Floats
    c: Floats
    d: Floats
    top: Ints

    @property
    def n_items(self) -> int:
        return int(self.a.size)

    @property
    def n_categories(self) -> int:
        """The largest number of categories of an item."""
        return int(self.b.shape[1]) + 1

    def at(self, rows: NDArray[Any]) -> Parameters:
        """The parameters of these rows, as often as they are named: one row an answer."""
        return Parameters(
            self.family[rows],
            self.a[rows],
            self.b[rows],
            self.c[rows],
            self.d[rows],
            self.top[rows],
        )


@dataclass(frozen=True, eq=False)
class Bank(Parameters):
    """Named items with known parameters; ``area`` (n) content area, "" when none."""

    items: tuple[str, ...]
    area: tuple[str, ...]

    def __post_init__(self) -> None:
        number = len(self.items)
        arrays = (self.family, self.a, self.b, self.c, self.d, self.top)
        if {array.shape[0] for array in arrays} != {number} or len(self.area) != number:
            raise ValueError("one row an item everywhere")
        _check_bank(self)

    @classmethod
    def logistic(
        cls,
        a: ArrayLike,
        b: ArrayLike,
        c: ArrayLike = 0.0,
        d: ArrayLike = 1.0,
        *,
        items: Sequence[str] = (),
        area: Sequence[str] = (),
    ) -> Self:
        """1PL to 4PL: P(1) = c + (d − c)·σ(a(θ − b)). Scalars are repeated."""
        place = np.atleast_1d(np.asarray(b, np.float64))
        number = place.size
        return cls(
            items=tuple(items) or _names("q", number),
            family=np.full(number, LOGISTIC, np.int8),
            a=np.array(np.broadcast_to(np.asarray(a, np.float64), number)),
            b=place[:, None],
            c=np.array(np.broadcast_to(np.asarray(c, np.float64), number)),
            d=np.array(np.broadcast_to(np.asarray(d, np.float64), number)),
            top=np.ones(number, np.int64),
            area=tuple(area) or ("",) * number,
        )

    @classmethod
    def polytomous(
        cls,
        family: int,
        a: ArrayLike,
        b: ArrayLike,
        *,
        items: Sequence[str] = (),
        area: Sequence[str] = (),
    ) -> Self:
        """GRM (ordered thresholds) or GPCM (steps); ``b`` (n, m), NaN beyond an item's last."""
        place = np.atleast_2d(np.asarray(b, np.float64))
        number = place.shape[0]
        return cls(
            items=tuple(items) or _names("q", number),
            family=np.full(number, family, np.int8),
            a=np.array(np.broadcast_to(np.asarray(a, np.float64), number)),
            b=place,
            c=np.zeros(number),
            d=np.ones(number),
            top=np.isfinite(place).sum(axis=1).astype(np.int64),
            area=tuple(area) or ("",) * number,
        )

    def take(self, chosen: Sequence[int] | NDArray[Any]) -> Bank:
        """The items of these numbers (or this mask), in this order."""
        rows = np.arange(self.n_items)[np.asarray(chosen)]
        part = self.at(rows)
        return Bank(
            part.family,
            part.a,
            part.b,
            part.c,
            part.d,
            part.top,
            items=tuple(self.items[i] for i in rows),
            area=tuple(self.area[i] for i in rows),
        )

    def aligned(self, items: Sequence[str]) -> Bank:
        """The bank in the order of ``items``; an item that it lacks is named."""
        place = {name: number for number, name in enumerate(self.items)}
        lacking = [name for name in items if name not in place]
        if lacking:
            raise DataError(
                f"Question « {lacking[0]} » : absente de la banque"
                + (f", comme {len(lacking) - 1} autre(s)" if len(lacking) > 1 else "")
                + ". Ajoutez-la à la banque ou retirez sa colonne."
            )
        return self.take(np.array([place[name] for name in items], dtype=np.int64))


def _check_bank(bank: Bank) -> None:
    def refuse(rows: NDArray[np.bool_], what: str) -> None:
        if rows.any():
            raise DataError(f"Banque, question « {bank.items[int(np.argmax(rows))]} » : {what}")

    if len(set(bank.items)) != len(bank.items):
        seen: set[str] = set()
        name = next(item for item in bank.items if item in seen or seen.add(item))  # type: ignore[func-returns-value]
        raise DataError(f"Banque, question « {name} » : présente deux fois. Gardez une ligne.")
    refuse(~np.isfinite(bank.a), "pente (a) absente ou non numérique.")
    refuse(bank.a <= 0, "pente (a) nulle ou négative ; vérifiez la clé de correction.")
    refuse(
        bank.a > ABSURD_SLOPE,
        f"pente (a) au-delà de {ABSURD_SLOPE:g}, impossible en métrique logistique (D = 1).",
    )
    given = np.isfinite(bank.b)
    refuse(given.sum(axis=1) < np.maximum(bank.top, 1), "difficulté (b) absente ou non numérique.")
    refuse(
        ~((bank.c >= 0) & (bank.c < bank.d) & (bank.d <= 1)),
        "il faut 0 ≤ c < d ≤ 1 (asymptotes basse et haute).",
    )
    steps = np.diff(bank.b, axis=1)
    falling = (steps <= 0).any(axis=1) if steps.shape[1] else np.zeros(bank.n_items, bool)
    refuse((bank.family == GRADED) & falling, "seuils b1 < b2 < … attendus dans le modèle gradué.")
