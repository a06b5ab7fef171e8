"""Filters, and what of the facts a reader may see: one rule for figures, lists and exports.

Facts carry the territory as on the session's date; a reader of Fatick sees what then belonged to
Fatick. People are placed by their post, sessions and trainers by where the session was held.
"""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

from kalan.indicators import policy
from kalan.indicators.models import Cell, Participation, SessionFact, TrainerFact
from kalan.people.actor import Actor, path_range
from kalan.people.models import OrgNode
from kalan.training.models import Programme
from kalan.training.selectors.programmes import programmes_visible_to

M = TypeVar("M", bound=Model)

_COLUMNS = {
    OrgNode.Kind.COUNTRY: "country_id",
    OrgNode.Kind.REGION: "region_id",
    OrgNode.Kind.DISTRICT: "district_id",
    OrgNode.Kind.STRUCTURE: "structure_id",
}


@dataclass(frozen=True)
class Filters:
    """What a reader asked for. None or "": no restriction. Days are included at both ends.

    ``sex`` "U" means unknown. ``cadre``, ``sex`` and ``age`` narrow people only.
    """

    programme: Programme | None = None
    start: dt.date | None = None
    end: dt.date | None = None
    node: OrgNode | None = None
    theme: int | None = None
    cadre: int | None = None
    sex: str = ""
    age: str = ""

    @property
    def period(self) -> str | None:
        """The roll-up's period when the dates are one whole: "all", "2023", "2023-03"."""
        if self.start is None and self.end is None:
            return "all"
        if self.start is None or self.end is None or self.start.year != self.end.year:
            return None
        year, first, last = self.start.year, self.start, self.end
        if (first.month, first.day, last.month, last.day) == (1, 1, 12, 31):
            return str(year)
        whole = first.day == 1 and last.day == calendar.monthrange(year, last.month)[1]
        return f"{year}-{first.month:02d}" if whole and first.month == last.month else None

    @property
    def narrows_people(self) -> bool:
        return bool(self.theme or self.cadre or self.sex or self.age)


@dataclass(frozen=True)
class Reach:
    """What a reader sees: everything, or some nodes of the tree (the filter's node, if any)."""

    filters: Filters
    nodes: tuple[OrgNode, ...] = ()
    everything: bool = False

    @property
    def node(self) -> OrgNode | None:
        """The one node looked at; None for everything or for several."""
        return self.nodes[0] if len(self.nodes) == 1 else None

    def where(self) -> Q:
        if self.everything:
            return Q()
        query = Q(pk__in=[])
        for node in self.nodes:
            query |= Q(**{_COLUMNS[OrgNode.Kind(node.kind)]: node.pk})
        return query

    def _narrow(self, rows: QuerySet[M]) -> QuerySet[M]:
        asked: dict[str, Any] = {}
        if self.filters.programme:
            asked["programme_id"] = self.filters.programme.pk
        if self.filters.start:
            asked["day__gte"] = self.filters.start
        if self.filters.end:
            asked["day__lte"] = self.filters.end
        if self.filters.theme:
            asked["theme_id"] = self.filters.theme
        return rows.filter(self.where(), **asked)

    def participations(self) -> QuerySet[Participation]:
        rows = self._narrow(Participation.objects.all())
        if self.filters.cadre:
            rows = rows.filter(cadre_id=self.filters.cadre)
        if self.filters.sex:
            rows = rows.filter(sex="" if self.filters.sex == "U" else self.filters.sex)
        if self.filters.age:
            rows = rows.filter(age_band="" if self.filters.age == "U" else self.filters.age)
        return rows

    def trained(self) -> QuerySet[Participation]:
        """Facts of agents who met the rule (one agent may have several)."""
        return self.participations().filter(completed=True, agent_id__isnull=False)

    def sessions(self) -> QuerySet[SessionFact]:
        return self._narrow(SessionFact.objects.all())

    def trainers(self) -> QuerySet[TrainerFact]:
        return self._narrow(TrainerFact.objects.all())

    def inside(self, prefix: str) -> Q:
        """Rows whose node of today (lookup ``prefix``, e.g. "structure__") is within reach."""
        if self.everything:
            return Q()
        query = Q(pk__in=[])
        for node in self.nodes:
            low, high = path_range(node.path)
            query |= Q(**{f"{prefix}path__gte": low, f"{prefix}path__lt": high})
        return query


def reach_of(actor: Actor, filters: Filters) -> Reach:
    """What ``actor`` sees of ``filters`` (one query). A node out of scope: OrgNode.DoesNotExist."""
    roles = policy.CAPABILITIES["indicators.view"]
    if filters.node is not None:
        if not actor.covers(roles, filters.node.path):
            raise OrgNode.DoesNotExist
        if filters.node.depth > 1:
            return Reach(filters, (filters.node,))
    if actor.system:
        return Reach(filters, everything=True)
    roots = list(
        OrgNode.objects.filter(Q(path__in=actor.paths(roles)) | Q(depth=1)).order_by("path")
    )
    countries = {node.path for node in roots if node.depth == 1}
    held = set(actor.paths(roles))
    if filters.node is not None:
        held &= {filters.node.path}
    if countries and countries <= held:
        return Reach(filters, everything=True)
    return Reach(filters, tuple(node for node in roots if node.path in held))


def programmes_for(actor: Actor) -> QuerySet[Programme]:
    """Programmes whose figures ``actor`` may read: visible ones, and those that trained theirs."""
    mine = reach_of(actor, Filters())
    if mine.everything:
        return Programme.objects.all()
    ids = [node.pk for node in mine.nodes]
    wide = Cell.objects.filter(node_id__in=ids, period="all", part="", dimension="")
    near = Participation.objects.filter(structure_id__in=ids)
    return Programme.objects.filter(
        Q(pk__in=programmes_visible_to(actor).values("pk"))
        | Q(pk__in=wide.order_by().values("programme_id"))
        | Q(pk__in=near.order_by().values("programme_id"))
    )


def nodes_for(actor: Actor) -> QuerySet[OrgNode]:
    """Territories that ``actor`` may choose."""
    nodes: QuerySet[OrgNode] = OrgNode.objects.filter(
        actor.scope(policy.CAPABILITIES["indicators.view"])
    )
    return nodes
