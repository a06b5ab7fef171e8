"""How a list of records is told: its rows, their order, one page of them turned into cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from kalan.base.exports import Cell
from kalan.people.models import Agent, OrgNode
from kalan.training.models import Session

ERASED = "personne anonymisée"


@dataclass(frozen=True)
class Line:
    """One row as shown: ``subject`` names the record it opens, as (kind, uid)."""

    cells: tuple[Cell, ...]
    subject: tuple[str, str] | None = None


@dataclass(frozen=True)
class Records:
    rows: QuerySet[Any]
    order: tuple[str, ...]
    headers: tuple[str, ...]
    lines: Callable[[Sequence[Any]], list[Line]]

    def all_lines(self, size: int = 2000) -> Iterator[Line]:
        """Every row, for exports: read in slices by key, so that memory stays flat."""
        ids = list(self.rows.order_by(*self.order).values_list("pk", flat=True))
        for start in range(0, len(ids), size):
            part = ids[start : start + size]
            found = self.rows.filter(pk__in=part).in_bulk(part)
            yield from self.lines([found[pk] for pk in part if pk in found])


def person_name(agent: Agent | None) -> str:
    if agent is None or agent.status == Agent.Status.ERASED or not agent.last_name:
        return ERASED
    return agent.full_name


def subject(kind: str, row: Agent | Session | OrgNode | None) -> tuple[str, str] | None:
    return (kind, str(row.uid)) if row is not None else None
