"""Where a node stood in the tree on a given day: its district, region and country then."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kalan.people.models import OrgNode, OrgNodePeriod


def batched(ids: Iterable[int], size: int = 5000) -> Iterator[list[int]]:
    """Cut ``ids`` into lists that a query can carry as parameters (SQLite takes 32 766)."""
    ordered = sorted(ids)
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]


class Place(NamedTuple):
    """Keys of the nodes around a node on a day; None where there is none."""

    country: int | None = None
    region: int | None = None
    district: int | None = None
    structure: int | None = None
    sector: str = ""


NOWHERE = Place()


class _Node(NamedTuple):
    path: str
    kind: str
    sector: str
    merged_into: int | None


class _Period(NamedTuple):
    start: dt.date
    end: dt.date | None
    parent: int | None
    sector: str


class Places:
    """The part of the tree that some nodes need, loaded in a fixed number of queries."""

    def __init__(self) -> None:
        self._nodes: dict[int, _Node] = {}
        self._by_path: dict[str, int] = {}
        self._periods: dict[int, list[_Period]] = defaultdict(list)
        self._known: dict[tuple[int, dt.date], Place] = {}

    def prime(self, node_ids: Iterable[int]) -> None:
        """Load ``node_ids``, what they were merged into, and all that ever stood above them."""
        wanted = {pk for pk in node_ids if pk not in self._nodes}
        while wanted:
            self._load(OrgNode.objects.filter(pk__in=wanted))
            above = {
                path[:length]
                for path in (self._nodes[pk].path for pk in wanted if pk in self._nodes)
                for length in range(OrgNode.steplen, len(path), OrgNode.steplen)
            }
            missing = above - self._by_path.keys()
            fresh = set(wanted)
            if missing:
                fresh |= self._load(OrgNode.objects.filter(path__in=missing))
            parents = self._load_periods(fresh)
            merged = {
                node.merged_into
                for pk in fresh
                if (node := self._nodes.get(pk)) and node.merged_into is not None
            }
            wanted = {pk for pk in parents | merged if pk not in self._nodes}

    def _load(self, nodes: Iterable[OrgNode]) -> set[int]:
        loaded = set()
        for pk, path, kind, sector, merged in nodes.values_list(  # type: ignore[attr-defined]
            "pk", "path", "kind", "sector", "merged_into_id"
        ):
            self._nodes[pk] = _Node(path, kind, sector, merged)
            self._by_path[path] = pk
            loaded.add(pk)
        return loaded

    def _load_periods(self, node_ids: set[int]) -> set[int]:
        rows = OrgNodePeriod.objects.filter(node_id__in=node_ids).order_by("node_id", "start")
        parents = set()
        for node, start, end, parent, sector in rows.values_list(
            "node_id", "start", "end", "parent_id", "sector"
        ):
            self._periods[node].append(_Period(start, end, parent, sector))
            if parent is not None:
                parents.add(parent)
        return parents

    def kept(self, node_id: int | None) -> int | None:
        """The node that ``node_id`` was merged into, at the end of the chain; else itself."""
        seen: set[int] = set()
        while node_id is not None and node_id not in seen:
            seen.add(node_id)
            node = self._nodes.get(node_id)
            if node is None or node.merged_into is None:
                return node_id
            node_id = node.merged_into
        return node_id

    def on(self, node_id: int | None, day: dt.date) -> Place:
        """Where ``node_id`` stood on ``day``; a day no period covers takes the tree of today."""
        start = self.kept(node_id)
        if start is None:
            return NOWHERE
        found = self._known.get((start, day))
        if found is None:
            found = self._known[start, day] = self._climb(start, day)
        return found

    def _climb(self, start: int, day: dt.date) -> Place:
        by_kind: dict[str, int] = {}
        sector = ""
        node_id: int | None = start
        while node_id is not None and node_id in self._nodes:
            node = self._nodes[node_id]
            by_kind.setdefault(node.kind, node_id)  # structure in a structure: the lower counts
            period = next(
                (
                    p
                    for p in self._periods.get(node_id, ())
                    if p.start <= day and (p.end is None or day < p.end)
                ),
                None,
            )
            if node_id == start:
                sector = (period.sector if period else "") or node.sector
            above = self._by_path.get(node.path[: -OrgNode.steplen])
            node_id = period.parent if period and period.parent is not None else above
            if node_id in by_kind.values():  # periods that name each other: stop
                break
        return Place(
            country=by_kind.get("country"),
            region=by_kind.get("region"),
            district=by_kind.get("district"),
            structure=by_kind.get("structure"),
            sector=sector,
        )
