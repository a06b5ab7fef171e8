"""A campaign as it goes: how many are invited, have begun, have finished, share; where; by day."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDate

from kalan.campaigns.models import Campaign, Participant
from kalan.campaigns.selectors.campaigns import participants_visible_to
from kalan.people.actor import Actor

_S = Participant.State
MOST_STRUCTURES = 100


@dataclass(frozen=True)
class Counts:
    """People of the list who are not withdrawn; ``finished`` are among ``started``."""

    invited: int
    started: int
    finished: int
    shared: int
    withdrawn: int = 0

    @property
    def waiting(self) -> int:
        return self.invited - self.started

    @property
    def under_way(self) -> int:
        return self.started - self.finished

    @property
    def percent(self) -> float | None:
        """Share that has finished, in per cent; None for nobody."""
        return 100 * self.finished / self.invited if self.invited else None


@dataclass(frozen=True)
class StructureCounts:
    name: str
    uid: str
    counts: Counts


@dataclass(frozen=True)
class Day:
    day: dt.date
    started: int
    finished: int


@dataclass(frozen=True)
class FollowUp:
    counts: Counts
    structures: list[StructureCounts]
    more_structures: int
    days: list[Day]


def _numbers() -> dict[str, Count]:
    here = ~Q(state=_S.WITHDRAWN)
    return {
        "invited": Count("pk", filter=here),
        "started": Count("pk", filter=here & Q(started_at__isnull=False)),
        "finished": Count("pk", filter=Q(state=_S.FINISHED)),
        "shared": Count("pk", filter=Q(state=_S.FINISHED, shared_at__isnull=False)),
    }


def follow_up(actor: Actor, campaign: Campaign) -> FollowUp:
    """What the actor may see of a campaign's progress (four queries, whatever its size)."""
    rows = participants_visible_to(actor, campaign)
    whole = rows.aggregate(**_numbers(), withdrawn=Count("pk", filter=Q(state=_S.WITHDRAWN)))
    places: Any = rows.order_by()  # the columns that Count adds are beyond the stubs
    by_place = list(
        places.values("structure__name", "structure__uid", "structure__search")
        .annotate(**_numbers())
        .filter(invited__gt=0)
        .order_by("structure__search", "structure__uid")
    )
    structures = [
        StructureCounts(
            row["structure__name"] or "Sans structure",
            str(row["structure__uid"] or ""),
            Counts(row["invited"], row["started"], row["finished"], row["shared"]),
        )
        for row in by_place
    ]
    return FollowUp(
        counts=Counts(**whole),
        structures=structures[:MOST_STRUCTURES],
        more_structures=max(0, len(structures) - MOST_STRUCTURES),
        days=_days(rows),
    )


def _days(rows: QuerySet[Participant]) -> list[Day]:
    """Beginnings and endings by day, without holes between the first and the last."""
    here = rows.exclude(state=_S.WITHDRAWN).order_by()
    begun = _by_day(here, "started_at")
    done = _by_day(here.filter(state=_S.FINISHED), "finished_at")
    known = sorted(begun.keys() | done.keys())
    if not known:
        return []
    length = (known[-1] - known[0]).days + 1
    every = [known[0] + dt.timedelta(days=number) for number in range(length)]
    return [Day(day, begun[day], done[day]) for day in every]


def _by_day(rows: QuerySet[Participant], name: str) -> Counter[dt.date]:
    found = (
        rows.filter(**{f"{name}__isnull": False})
        .annotate(day=TruncDate(name))
        .values_list("day")
        .annotate(n=Count("pk"))
    )
    return Counter({day: number for day, number in found if day is not None})
