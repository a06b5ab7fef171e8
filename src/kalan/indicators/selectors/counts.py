"""Counts of people for a reach: from the roll-ups when they hold the answer, else from the facts
by index. Raw attendance is never read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import ExtractMonth, ExtractYear

from kalan.indicators.models import Cell, Participation
from kalan.indicators.ratios import WomenShare, average, percent
from kalan.indicators.selectors.scope import Reach
from kalan.people.models import OrgNode

DIMENSIONS = {"sex": "sex", "age": "age_band", "cadre": "cadre_id", "theme": "theme_id"}
CHILD = {
    OrgNode.Kind.COUNTRY: "region_id",
    OrgNode.Kind.REGION: "district_id",
    OrgNode.Kind.DISTRICT: "structure_id",
}


@dataclass(frozen=True)
class Counts:
    """Distinct people are counted within these very filters: never add two of these up."""

    registrations: int = 0
    attended: int = 0
    completions: int = 0
    half_days: int = 0
    trained: int = 0
    women: int = 0
    men: int = 0
    unknown: int = 0
    others: int = 0
    structures: int = 0

    @property
    def share(self) -> WomenShare:
        return WomenShare(self.women, self.women + self.men, self.unknown)

    @property
    def completion(self) -> Decimal | None:
        return percent(self.completions, self.registrations)

    @property
    def trainee_days(self) -> Decimal:
        return average(self.half_days, 2, "0.1") or Decimal(0)


_NAMES = tuple(field.name for field in fields(Counts))


@dataclass(frozen=True)
class People:
    """Everything the dashboard shows about people. Keys: "F", "25-34", a cadre's or a theme's
    key as text, a territory's key, "2023-03"."""

    total: Counts
    sex: dict[str, Counts]
    age: dict[str, Counts]
    cadre: dict[str, Counts]
    theme: dict[str, Counts]
    territory: dict[int, Counts]
    month: dict[str, Counts]
    rolled_up: bool


def people(reach: Reach) -> People:
    """Count people for ``reach`` (two queries from roll-ups, eight from facts)."""
    if _rolled_up(reach):
        return _from_cells(reach)
    rows = reach.participations()
    return People(
        total=_counts(rows.aggregate(**_MEASURES)),
        sex=by_dimension(rows, "sex"),
        age=by_dimension(rows, "age"),
        cadre=by_dimension(rows, "cadre"),
        theme=by_dimension(rows, "theme"),
        territory=by_territory(reach),
        month=_by_month(rows),
        rolled_up=False,
    )


def total(reach: Reach) -> Counts:
    """The total alone (one query)."""
    if not _rolled_up(reach):
        return _counts(reach.participations().aggregate(**_MEASURES))
    cell = _cells(reach).filter(period=reach.filters.period, dimension="").first()
    return _of(cell) if cell else Counts()


def _rolled_up(reach: Reach) -> bool:
    if reach.filters.narrows_people or reach.filters.period is None:
        return False
    kinds = (OrgNode.Kind.REGION, OrgNode.Kind.DISTRICT)
    return reach.everything or (reach.node is not None and reach.node.kind in kinds)


def _cells(reach: Reach) -> QuerySet[Cell]:
    programme = reach.filters.programme
    return Cell.objects.filter(
        programme_id=programme.pk if programme else 0, node_id=reach.node.pk if reach.node else 0
    )


def _from_cells(reach: Reach) -> People:
    period = reach.filters.period or "all"
    found: dict[str, dict[str, Counts]] = {name: {} for name in ("", *DIMENSIONS, "month")}
    months = "" if period == "all" else period[:4]
    for cell in _cells(reach).filter(
        Q(period=period) | Q(period__startswith=f"{months}", period__contains="-", dimension="")
    ):
        if cell.period == period:
            found[cell.dimension][cell.value] = _of(cell)
        if "-" in cell.period and not cell.dimension:
            found["month"][cell.period] = _of(cell)
    if len(period) == len("2023-03"):
        # A month has no roll-up by cadre or age: few facts, read by index.
        rows = reach.participations()
        for name in DIMENSIONS:
            found[name] = by_dimension(rows, name)
        found["month"] = {key: one for key, one in found["month"].items() if key == period}
    return People(
        total=found[""].get("", Counts()),
        sex=found["sex"],
        age=found["age"],
        cadre=found["cadre"],
        theme=found["theme"],
        territory=_regions_from_cells(reach) if reach.everything else by_territory(reach),
        month=found["month"],
        rolled_up=True,
    )


def _regions_from_cells(reach: Reach) -> dict[int, Counts]:
    programme = reach.filters.programme
    regions = OrgNode.objects.filter(kind=OrgNode.Kind.REGION).values("pk")
    cells = Cell.objects.filter(
        programme_id=programme.pk if programme else 0,
        period=reach.filters.period,
        node_id__in=regions,
        dimension="",
    )
    return {cell.node_id: _of(cell) for cell in cells}


def _of(cell: Cell) -> Counts:
    return Counts(**{name: getattr(cell, name) for name in _NAMES})


_TRAINED = Q(completed=True, agent_id__isnull=False)
_MEASURES: dict[str, Any] = {
    "registrations_n": Count("pk"),
    "attended_n": Count("pk", filter=Q(present__gt=0)),
    "completions_n": Count("pk", filter=Q(completed=True)),
    "half_days_n": Sum("present", default=0),
    "trained_n": Count("agent_id", distinct=True, filter=_TRAINED),
    "women_n": Count("agent_id", distinct=True, filter=_TRAINED & Q(sex="F")),
    "men_n": Count("agent_id", distinct=True, filter=_TRAINED & Q(sex="M")),
    "unknown_n": Count("agent_id", distinct=True, filter=_TRAINED & Q(sex="")),
    "others_n": Count("outsider_id", distinct=True, filter=Q(completed=True)),
    "structures_n": Count("structure_id", distinct=True, filter=_TRAINED),
}


def _counts(row: Any) -> Counts:
    return Counts(**{name: row[f"{name}_n"] or 0 for name in _NAMES})


def by_dimension(rows: QuerySet[Participation], name: str) -> dict[str, Counts]:
    """Counts by sex, age, cadre or theme; "" is unknown."""
    found = rows.order_by().values(key=F(DIMENSIONS[name])).annotate(**_MEASURES)
    return {"" if row["key"] is None else str(row["key"]): _counts(row) for row in found}


def by_territory(reach: Reach) -> dict[int, Counts]:
    """Counts by the territories just below what is looked at (0: none known)."""
    kinds = {node.kind for node in reach.nodes}
    column = CHILD.get(OrgNode.Kind(kinds.pop())) if len(kinds) == 1 else None
    if reach.everything:
        column = "region_id"
    if column is None:
        column = "structure_id"
    rows = reach.participations().order_by().values(key=F(column)).annotate(**_MEASURES)
    return {row["key"] or 0: _counts(row) for row in rows}


def _by_month(rows: QuerySet[Participation]) -> dict[str, Counts]:
    found = (
        rows.order_by()
        .values(year=ExtractYear("day"), month=ExtractMonth("day"))
        .annotate(**_MEASURES)
    )
    return {f"{row['year']}-{row['month']:02d}": _counts(row) for row in found}


def months_between(keys: Iterable[str]) -> list[str]:
    """All months from the first to the last of ``keys``, so that a chart shows the gaps."""
    known = sorted(keys)
    if not known:
        return []
    first, last = (dt.date(int(key[:4]), int(key[5:]), 1) for key in (known[0], known[-1]))
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    months = (divmod(first.month - 1 + step, 12) for step in range(count))
    return [f"{first.year + years}-{month + 1:02d}" for years, month in months]
