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
_SEX_MEASURE = {"F": "women", "M": "men", "": "unknown"}


class Key(NamedTuple):
    programme: int
    period: str
    node: int
    part: str
    dimension: str
    value: str


class _Row(NamedTuple):
    agent_id: int | None
    outsider_id: int | None
    programme_id: int | None
    day: dt.date
    region_id: int | None
    district_id: int | None
    structure_id: int | None
    sex: str
    age_band: str
    cadre_id: int | None
    theme_id: int
    present: int
    completed: bool


class _Reached(NamedTuple):
    """That agents of a structure were trained, and where and when (a day of the month)."""

    structure_id: int
    programme_id: int | None
    day: dt.date
    region_id: int | None
    district_id: int | None
    theme_id: int
    sex: str


# In the order of Key.
_COLUMNS = ("programme_id", "period", "node_id", "part", "dimension", "value")

Tally = dict[str, Counter[int]]  # measure → {key number: amount}


class Keys:
    """Numbers the keys, and remembers which ones each kind of fact falls into.

    ``groups[n]`` are the keys of one kind: facts are counted by kind, which is one small number,
    and spread over the keys at the end.
    """

    def __init__(self) -> None:
        self.keys: list[Key] = []
        self.groups: list[tuple[int, ...]] = []
        self._numbers: dict[Key, int] = {}
        self._of: dict[tuple[object, ...], int] = {}
        self._places: dict[tuple[object, ...], tuple[int, ...]] = {}

    def _number(self, key: Key) -> int:
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.keys)
            self.keys.append(key)
        return found

    def of_row(self, row: _Row) -> list[int]:
        """The kinds of one fact: one for each of its dimensions, whole and in each part."""
        programme, year, month = row.programme_id, row.day.year, row.day.month
        region, district, structure = row.region_id, row.district_id, row.structure_id
        known = self._of
        found = []
        for part in ("", f"theme:{row.theme_id}", f"sex:{row.sex or 'U'}"):
            near = None if part else district  # parts are not counted by district
            for kind in (
                (programme, year, region, near, part, "", month),
                (programme, year, region, near, part, "sex", row.sex),
                (programme, year, region, near, part, "age", row.age_band),
                (programme, year, region, near, part, "cadre", row.cadre_id),
                (programme, year, region, near, part, "theme", row.theme_id),
                (programme, year, region, district, part, "place", None if part else structure),
            ):
                number = known.get(kind)
                if number is None:
                    number = known[kind] = len(self.groups)
                    self.groups.append(self._keys(row, part, kind[5], kind[6]))
                found.append(number)
        return found

    def _keys(self, row: _Row, part: str, dimension: str, value: object) -> tuple[int, ...]:
        """The keys of a kind of fact: by programme, period and node."""
        inside: dict[int, object] = dict.fromkeys(_nodes(row, part), "" if not dimension else value)
        if dimension == "place":
            below = {row.district_id: row.structure_id, row.region_id: row.district_id}
            inside = {node: below.get(node) if node else row.region_id for node in inside}
        return self._numbers_of(row, part, dimension, inside)

    def of_place(self, one: _Reached) -> list[int]:
        """The cells without a dimension in which a structure counts."""
        found: list[int] = []
        for part in ("", f"theme:{one.theme_id}", f"sex:{one.sex or 'U'}"):
            district = None if part else one.district_id
            place = (one.programme_id, one.day, one.region_id, district, part)
            numbers = self._places.get(place)
            if numbers is None:
                inside: dict[int, object] = dict.fromkeys(_nodes(one, part), "")
                numbers = self._places[place] = self._numbers_of(one, part, "", inside)
            found.extend(numbers)
        return found

    def _numbers_of(
        self, fact: _Row | _Reached, part: str, dimension: str, values: dict[int, object]
    ) -> tuple[int, ...]:
        """Months only without a dimension; ``values`` by node."""
        day = fact.day
        periods = ["all", str(day.year)]
        if not dimension:
            periods.append(f"{day.year}-{day.month:02d}")
        return tuple(
            self._number(Key(one, period, node, part, dimension, str(value or "")))
            for one in {fact.programme_id or 0, 0}
            for period in periods
            for node, value in values.items()
        )


def _nodes(fact: _Row | _Reached, part: str) -> set[int]:
    """Everywhere, the region, the district: where a fact counts."""
    wide = {0, fact.region_id or 0}
    return wide if part else wide | {fact.district_id or 0}


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
    together: dict[str, Counter[int]] = defaultdict(Counter)  # by kind of fact
    for (agent, _), facts in groupby(rows, key=_by_person):
        trained: list[list[int]] = []
        sex = ""
        for row in facts:
            sex = row.sex
            kinds = keys.of_row(row)
            together["registrations"].update(kinds)
            if row.present:
                together["attended"].update(kinds)
                half_days = together["half_days"]
                for kind in kinds:
                    half_days[kind] += row.present
            if row.completed:
                together["completions"].update(kinds)
                trained.append(kinds)
        measure = _SEX_MEASURE[sex] if agent else "others"
        if len(trained) == 1:  # trained once: no cell comes twice
            together[measure].update(trained[0])
        elif trained:
            kinds_once = set().union(*trained)
            counts[measure].update(set().union(*(keys.groups[kind] for kind in kinds_once)))
    for measure, found in together.items():
        for kind, amount in found.items():
            for number in keys.groups[kind]:
                counts[measure][number] += amount
    for measure in _SEX_MEASURE.values():  # a person has one sex in all their facts
        counts["trained"].update(counts[measure])
    return counts


def _structures(facts: QuerySet[Participation]) -> set[_Reached]:
    known = facts.filter(completed=True, structure_id__isnull=False, agent_id__isnull=False)
    rows: QuerySet[Any, Any] = known.order_by().values_list(*_Reached._fields)
    return {
        _Reached(*row)._replace(day=row[2].replace(day=1)) for row in rows.iterator(chunk_size=5000)
    }


def tally_structures(found: Iterable[_Reached], keys: Keys) -> Counter[int]:
    """Distinct structures with at least one agent trained, by cell without a dimension."""
    seen: dict[int, set[int]] = defaultdict(set)
    for one in found:
        seen[one.structure_id].update(keys.of_place(one))
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
    moved = {found.structure_id for found in old_structures ^ new_structures}
    rest_structures: set[_Reached] = set()
    for part in batched(moved):
        rest_structures |= _structures(others.filter(structure_id__in=part))

    def count(rows: list[_Row], structures: set[_Reached]) -> Tally:
        kept = [row for row in rows if _by_person(row) in touched]
        counts = tally(sorted(rest + kept, key=_by_person), keys)
        here = {found for found in structures if found.structure_id in moved}
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
            part__in={key.part for key in moves},
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
        unique_fields=list(_COLUMNS),
        update_fields=list(MEASURES),
        batch_size=2000,
    )


def key_of(cell: Cell) -> Key:
    return Key(cell.programme_id, cell.period, cell.node_id, cell.part, cell.dimension, cell.value)


def _cell(key: Key, amounts: dict[str, int]) -> Cell:
    return Cell(
        programme_id=key.programme,
        period=key.period,
        node_id=key.node,
        part=key.part,
        dimension=key.dimension,
        value=key.value,
        **amounts,
    )
