"""Roll-ups of the facts: counted whole, or moved by the difference that some sessions make.

A person counts once in each cell. When a few sessions change, only the people and the structures
they name can move a cell; so their facts are tallied before and after, and the difference is
applied. It is exact, and costs what those people's facts cost, not what the table costs.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby
from typing import Any, NamedTuple

from django.db.models import QuerySet

from kalan.indicators import bulk
from kalan.indicators.models import Cell, Participation
from kalan.indicators.places import batched

MEASURES = (
    "registrations",
    "attended",
    "completions",
    "half_days",
    "trained",
    "women",
    "men",
    "unknown",
    "others",
    "structures",
)
_DIMENSIONS = 5
_SEX_MEASURE = {"F": "women", "M": "men", "": "unknown"}


class Key(NamedTuple):
    programme: int
    period: str
    node: int
    dimension: str
    value: str


class _Row(NamedTuple):
    agent_id: int | None
    outsider_id: int | None
    programme_id: int | None
    day: dt.date
    region_id: int | None
    district_id: int | None
    sex: str
    age_band: str
    cadre_id: int | None
    theme_id: int
    present: int
    completed: bool


_COLUMNS = ("programme_id", "period", "node_id", "dimension", "value")  # in the order of Key

Tally = dict[str, Counter[int]]  # measure → {key number: amount}


class Keys:
    """Numbers the keys, and remembers which ones each kind of fact falls into."""

    def __init__(self) -> None:
        self.keys: list[Key] = []
        self._numbers: dict[Key, int] = {}
        self._of: dict[tuple[object, ...], tuple[int, ...]] = {}

    def _number(self, key: Key) -> int:
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.keys)
            self.keys.append(key)
        return found

    def of(
        self,
        programme: int | None,
        day: dt.date,
        region: int | None,
        district: int | None,
        dimension: str,
        value: str,
    ) -> tuple[int, ...]:
        """The cells of one fact for one dimension (months only without a dimension)."""
        place = (programme, day.year, day.month, region, district, dimension, value)
        found = self._of.get(place)
        if found is None:
            periods = ["all", str(day.year)]
            if not dimension:
                periods.append(f"{day.year}-{day.month:02d}")
            found = self._of[place] = tuple(
                self._number(Key(one, period, node, dimension, value))
                for one in {programme or 0, 0}
                for period in periods
                for node in {0, region or 0, district or 0}
            )
        return found


def _dimensions(row: _Row) -> tuple[tuple[str, str], ...]:
    return (
        ("", ""),
        ("sex", row.sex),
        ("age", row.age_band),
        ("cadre", str(row.cadre_id or "")),
        ("theme", str(row.theme_id)),
    )


def _rows(facts: QuerySet[Participation]) -> Iterator[_Row]:
    for raw in facts.values_list(*_Row._fields).iterator(chunk_size=5000):
        yield _Row(*raw)


def _by_person(row: _Row) -> tuple[int, int]:
    return row.agent_id or 0, row.outsider_id or 0


def tally(rows: Iterable[_Row], keys: Keys) -> Tally:
    """Count ``rows``, which come ordered by person, into cells: each person once a cell.

    One pass; memory follows the number of cells, not of facts.
    """
    counts: Tally = defaultdict(Counter)
    # What falls into the same cells is counted together and spread over them at the end.
    together: dict[str, Counter[tuple[int, ...]]] = defaultdict(Counter)
    for (agent, _), facts in groupby(rows, key=_by_person):
        trained: list[tuple[int, ...]] = []
        sex = ""
        for row in facts:
            sex = row.sex
            cells = [
                keys.of(row.programme_id, row.day, row.region_id, row.district_id, name, value)
                for name, value in _dimensions(row)
            ]
            together["registrations"].update(cells)
            if row.present:
                together["attended"].update(cells)
                for cell in cells:
                    together["half_days"][cell] += row.present
            if row.completed:
                together["completions"].update(cells)
                trained.extend(cells)
        measures = ("trained", _SEX_MEASURE[sex]) if agent else ("others",)
        if len(trained) <= _DIMENSIONS:  # trained once: no cell comes twice
            for measure in measures:
                together[measure].update(trained)
        else:
            once = set().union(*trained)
            for measure in measures:
                counts[measure].update(once)
    for measure, found in together.items():
        for numbers, amount in found.items():
            for number in numbers:
                counts[measure][number] += amount
    return counts


def _structures(facts: QuerySet[Participation]) -> set[tuple[Any, ...]]:
    """Where and when agents of each structure were trained."""
    return set(
        facts.filter(completed=True, structure_id__isnull=False, agent_id__isnull=False)
        .order_by()
        .values_list(
            "structure_id", "programme_id", "day__year", "day__month", "region_id", "district_id"
        )
        .distinct()
    )


def tally_structures(found: Iterable[tuple[Any, ...]], keys: Keys) -> Counter[int]:
    """Distinct structures with at least one agent trained, by cell without a dimension."""
    seen: dict[int, set[int]] = defaultdict(set)
    for structure, programme, year, month, region, district in found:
        first = dt.date(year, month, 1)
        for cell in keys.of(programme, first, region, district, "", ""):
            seen[structure].add(cell)
    counts: Counter[int] = Counter()
    for numbers in seen.values():
        counts.update(numbers)
    return counts


def count_all() -> dict[Key, dict[str, int]]:
    """Count every cell from the facts (read only: the write lock is not held meanwhile)."""
    keys = Keys()
    facts = Participation.objects.order_by("agent_id", "outsider_id")
    counts = tally(_rows(facts), keys)
    counts["structures"] = tally_structures(_structures(Participation.objects.all()), keys)
    return {
        key: {measure: counts[measure][number] for measure in MEASURES}
        for number, key in enumerate(keys.keys)
    }


def replace_all(cells: dict[Key, dict[str, int]]) -> None:
    """Replace the table. To be called inside a transaction."""
    Cell.objects.all().delete()
    bulk.insert(
        Cell,
        (*_COLUMNS, *MEASURES),
        ((*key, *(amounts[m] for m in MEASURES)) for key, amounts in cells.items()),
    )


def apply_difference(session_ids: Sequence[int], change: Callable[[], None]) -> None:
    """Run ``change``, which rewrites the facts of ``session_ids``, and move the cells by what it
    changed. To be called inside a transaction, by one refresher at a time."""
    mine = Participation.objects.filter(session_id__in=session_ids)
    old, old_structures = list(_rows(mine)), _structures(mine)
    change()
    new, new_structures = list(_rows(mine)), _structures(mine)
    others = Participation.objects.exclude(session_id__in=session_ids)
    # Who stands the same before and after moves nothing.
    was, now = Counter(old), Counter(new)
    touched = {_by_person(row) for row in chain(was - now, now - was)}
    rest: list[_Row] = []
    for name, people in (
        ("agent_id", {agent for agent, _ in touched if agent}),
        ("outsider_id", {outsider for _, outsider in touched if outsider}),
    ):
        for part in batched(people):
            rest.extend(_rows(others.filter(**{f"{name}__in": part})))
    moved = {found[0] for found in old_structures ^ new_structures}
    rest_structures: set[tuple[Any, ...]] = set()
    for part in batched(moved):
        rest_structures |= _structures(others.filter(structure_id__in=part))

    def count(rows: list[_Row], structures: set[tuple[Any, ...]]) -> Tally:
        kept = [row for row in rows if _by_person(row) in touched]
        counts = tally(sorted(rest + kept, key=_by_person), keys)
        here = {found for found in structures if found[0] in moved}
        counts["structures"] = tally_structures(rest_structures | here, keys)
        return counts

    keys = Keys()
    _move(keys, count(old, old_structures), count(new, new_structures))


def _move(keys: Keys, before: Tally, after: Tally) -> None:
    moves: dict[Key, dict[str, int]] = {}
    for number, key in enumerate(keys.keys):
        move = {m: after[m][number] - before[m][number] for m in MEASURES}
        if any(move.values()):
            moves[key] = move
    standing: dict[Key, Cell] = {}
    for part in batched({key.node for key in moves}):
        rows = Cell.objects.filter(
            node_id__in=part,
            programme_id__in={key.programme for key in moves},
            period__in={key.period for key in moves},
        )
        for cell in rows:
            standing[key_of(cell)] = cell
    changed: list[Cell] = []
    emptied: list[int] = []
    for key, move in moves.items():
        cell = standing.get(key) or _cell(key, dict.fromkeys(MEASURES, 0))
        for measure, amount in move.items():
            setattr(cell, measure, getattr(cell, measure) + amount)
        if cell.registrations:
            changed.append(cell)
        elif cell.pk is not None:
            emptied.append(cell.pk)
    Cell.objects.filter(pk__in=emptied).delete()
    Cell.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=list(_KEY_FIELDS),
        update_fields=list(MEASURES),
        batch_size=2000,
    )


_KEY_FIELDS = ("programme_id", "node_id", "period", "dimension", "value")


def key_of(cell: Cell) -> Key:
    return Key(cell.programme_id, cell.period, cell.node_id, cell.dimension, cell.value)


def _cell(key: Key, amounts: dict[str, int]) -> Cell:
    return Cell(
        programme_id=key.programme,
        period=key.period,
        node_id=key.node,
        dimension=key.dimension,
        value=key.value,
        **amounts,
    )
