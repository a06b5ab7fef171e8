"""Where people and structures were on a day: set-based, for breakdowns "as on that date".

No actor here: these answer for ids that the caller has already scoped.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Q

from kalan.people.models import Agent, OrgNode, OrgNodePeriod, Post

_CHUNK = 10_000  # below SQLite's limit of variables in one query
_DEEPEST = 12  # levels above a structure; more would be a loop


class Territory(NamedTuple):
    """What a node was on a day; None where the tree has no such level."""

    district_id: int | None
    region_id: int | None
    type_id: int | None
    sector: str


NOWHERE = Territory(None, None, None, "")


class _Period(NamedTuple):
    start: dt.date
    parent_id: int | None
    type_id: int | None
    sector: str


@dataclass(frozen=True)
class TerritoryIndex:
    """Periods and kinds of some nodes and of all that stood above them, in memory."""

    periods: dict[int, list[_Period]]
    kinds: dict[int, str]

    def on(self, node_id: int, day: dt.date) -> Territory:
        """Return the territory of ``node_id`` on ``day``.

        Before a node's first period, its first period holds: nothing earlier is known.
        """
        own = self._period(node_id, day)
        if own is None:
            return NOWHERE
        district = region = None
        current: int | None = node_id
        for _ in range(_DEEPEST):
            if current is None:
                break
            kind = self.kinds.get(current)
            if kind == OrgNode.Kind.DISTRICT and district is None:
                district = current
            elif kind == OrgNode.Kind.REGION:
                region = current
                break
            period = self._period(current, day)
            current = period.parent_id if period else None
        return Territory(district, region, own.type_id, own.sector)

    def _period(self, node_id: int, day: dt.date) -> _Period | None:
        known = self.periods.get(node_id)
        if not known:
            return None
        return known[max(0, bisect_right(known, day, key=lambda p: p.start) - 1)]


def territory_index(node_ids: Iterable[int]) -> TerritoryIndex:
    """Load what ``TerritoryIndex.on`` needs for ``node_ids``: two queries a level of the tree."""
    periods: dict[int, list[_Period]] = {}
    kinds: dict[int, str] = {}
    wanted = set(node_ids)
    for _ in range(_DEEPEST):
        wanted -= kinds.keys()
        if not wanted:
            break
        parents: set[int] = set()
        for chunk in _chunks(wanted):
            kinds.update(OrgNode.objects.filter(pk__in=chunk).values_list("pk", "kind"))
            rows = OrgNodePeriod.objects.filter(node__in=chunk).order_by("node_id", "start")
            for node_id, start, parent_id, type_id, sector in rows.values_list(
                "node_id", "start", "parent_id", "type_id", "sector"
            ):
                found = _Period(start, parent_id, type_id, sector)
                periods.setdefault(node_id, []).append(found)
                if parent_id is not None:
                    parents.add(parent_id)
        wanted = parents
    return TerritoryIndex(periods, kinds)


def territory_on(node_ids: Iterable[int], day: dt.date) -> dict[int, Territory]:
    """Return ``{node_id: (district_id, region_id, type_id, sector)}`` as on ``day``."""
    ids = set(node_ids)
    index = territory_index(ids)
    return {node_id: index.on(node_id, day) for node_id in ids}


def structures_on(agent_ids: Iterable[int], day: dt.date) -> dict[int, int]:
    """Return ``{agent_id: structure_id}`` on ``day``: the main post, else a secondary one.

    Agents without a post that day are absent.
    """
    return {agent_id: post[0] for agent_id, post in posts_on_day(agent_ids, day).items()}


def posts_on_day(agent_ids: Iterable[int], day: dt.date) -> dict[int, tuple[int, int | None, int]]:
    """Return ``{agent_id: (structure_id, cadre_id, post_id)}`` on ``day``, main post first."""
    found: dict[int, tuple[int, int | None, int]] = {}
    for chunk in _chunks(set(agent_ids)):
        held = Post.objects.filter(agent__in=chunk, start__lte=day)
        held = held.filter(Q(end__isnull=True) | Q(end__gte=day))
        rows = held.order_by("-is_main", "start", "pk")
        for agent_id, *post in rows.values_list("agent_id", "structure_id", "cadre_id", "pk"):
            found.setdefault(agent_id, (post[0], post[1], post[2]))
    return found


def structure_of(agent: Agent, day: dt.date) -> OrgNode | None:
    """Where ``agent`` worked on ``day`` (main post first), or None."""
    found = structures_on([agent.pk], day)
    return OrgNode.objects.get(pk=found[agent.pk]) if found else None


def _chunks(ids: set[int]) -> Iterator[list[int]]:
    ordered = sorted(ids)
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]
