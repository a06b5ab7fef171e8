"""What the dashboard shows, read in a number of queries that does not follow the data."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from kalan.indicators import policy
from kalan.indicators.models import DeclaredFigure, Denominator, TrainerFact
from kalan.indicators.ratios import average
from kalan.indicators.selectors.accounts import AccountCounts, account_counts
from kalan.indicators.selectors.counts import People, people
from kalan.indicators.selectors.coverage import Coverage, coverage, outside_denominators
from kalan.indicators.selectors.scope import Reach
from kalan.people.actor import Actor
from kalan.people.models import DuplicatePair
from kalan.training.models import Target, TargetStructure

# Results of an anonymous form are shown from this many answers on.
MINIMUM_ANSWERS = 5


@dataclass(frozen=True)
class Sessions:
    """What sessions held within reach add up to. Amounts are in ``currency``."""

    held: int = 0
    validated: int = 0
    with_sheet: int = 0
    half_days: int = 0
    anonymous: int = 0
    approximate: bool = False
    planned: Decimal = Decimal(0)
    spent: Decimal = Decimal(0)
    currencies: tuple[str, ...] = ()
    other_currency: bool = False
    answers: int = 0
    satisfaction: Decimal | None = None


@dataclass(frozen=True)
class Board:
    reach: Reach
    people: People
    sessions: Sessions
    trainers: dict[str, int]  # by employer code; a person with two employers stands on two lines
    trainer_total: int
    accounts: AccountCounts
    coverage: Coverage
    duplicates: int
    targeted: int
    targets: dict[str, Decimal]
    declared: list[DeclaredFigure]
    outside: list[Denominator]  # staff as counted by others, beside the register's own

    @property
    def cost_per_person(self) -> Decimal | None:
        """Spent / people trained, named outsiders included; None across currencies."""
        if len(self.sessions.currencies) != 1 or not self.sessions.spent:
            return None
        trained = self.people.total.trained + self.people.total.others
        places = "1" if self.sessions.currencies[0] == "XOF" else "0.01"
        return average(self.sessions.spent, trained, places)


def board(reach: Reach, *, day: dt.date) -> Board:
    """Read the dashboard. ``day`` is the day of coverage."""
    return Board(
        reach=reach,
        people=people(reach),
        sessions=session_totals(reach),
        trainers=_trainers(reach.trainers()),
        trainer_total=reach.trainers().aggregate(n=Count("person", distinct=True))["n"],
        accounts=account_counts(reach),
        coverage=coverage(reach, day),
        duplicates=duplicate_pairs(reach).count(),
        targeted=target_structures(reach).aggregate(n=Count("structure", distinct=True))["n"],
        targets=_targets(reach),
        declared=list(declared(reach)[:50]),
        outside=list(outside_denominators(reach)[:3]),
    )


def session_totals(reach: Reach) -> Sessions:
    """Sum sessions by currency of their programme (one query)."""
    rows: list[Any] = list(
        reach.sessions()
        .order_by()
        .values("currency")
        .annotate(
            held=Count("pk"),
            validated_n=Count("pk", filter=Q(validated=True)),
            sheets=Count("pk", filter=Q(has_sheet=True)),
            half_days_n=Sum("half_days"),
            anonymous=Sum("anonymous_women") + Sum("anonymous_men") + Sum("anonymous_unknown"),
            rounded=Count("pk", filter=Q(anonymous_approximate=True)),
            planned_n=Sum("planned"),
            spent_n=Sum("spent"),
            others=Count("pk", filter=Q(other_currency=True)),
            answers=Sum("satisfaction_answers"),
            scores=Sum("satisfaction_total"),
        )
    )

    def add(name: str) -> Any:
        return sum((row[name] or 0 for row in rows), 0)

    answers = add("answers")
    paid = [row for row in rows if row["spent_n"] or row["planned_n"]]
    scores = average(Decimal(add("scores")) / 100, answers)
    return Sessions(
        held=add("held"),
        validated=add("validated_n"),
        with_sheet=add("sheets"),
        half_days=add("half_days_n"),
        anonymous=add("anonymous"),
        approximate=bool(add("rounded")),
        planned=Decimal(paid[0]["planned_n"]) if len(paid) == 1 else Decimal(0),
        spent=Decimal(paid[0]["spent_n"]) if len(paid) == 1 else Decimal(0),
        currencies=tuple(sorted(row["currency"] for row in paid)),
        other_currency=bool(add("others")),
        answers=answers,
        satisfaction=scores if answers >= MINIMUM_ANSWERS else None,
    )


def _trainers(rows: QuerySet[TrainerFact]) -> dict[str, int]:
    found = rows.order_by().values("employer").annotate(n=Count("person", distinct=True))
    return {row["employer"]: row["n"] for row in found}


def duplicate_pairs(reach: Reach) -> QuerySet[DuplicatePair]:
    """Unresolved possible duplicates of which both agents are counted as trained."""
    trained = reach.trained()
    return DuplicatePair.objects.filter(
        Exists(trained.filter(agent_id=OuterRef("first_id"))),
        Exists(trained.filter(agent_id=OuterRef("second_id"))),
        kind="agent",
        state=DuplicatePair.State.OPEN,
    )


def target_structures(reach: Reach) -> QuerySet[TargetStructure]:
    """Target lists within reach (of one programme, when one is asked for)."""
    rows = TargetStructure.objects.filter(reach.inside("structure__"))
    if reach.filters.programme:
        rows = rows.filter(programme=reach.filters.programme)
    return rows


def _targets(reach: Reach) -> dict[str, Decimal]:
    """Targets of the programme for exactly what is looked at: all of it, or one territory.

    None when people are narrowed by theme, cadre, sex or age, or when a period is asked for: a
    target set for the whole would be compared with a part.
    """
    filters = reach.filters
    if filters.programme is None or filters.narrows_people or filters.period != "all":
        return {}
    rows = Target.objects.filter(programme=filters.programme)
    if reach.everything:
        rows = rows.filter(Q(node__isnull=True) | Q(node__depth=1))
    elif reach.node is not None:
        rows = rows.filter(node=reach.node)
    else:
        return {}
    return {row.indicator: row.value for row in rows.order_by("node_id")}


def declared(reach: Reach) -> QuerySet[DeclaredFigure]:
    """Declared figures of what is looked at; never added to computed ones."""
    rows = DeclaredFigure.objects.select_related("programme", "node", "document")
    if reach.filters.programme:
        rows = rows.filter(programme=reach.filters.programme)
    if not reach.everything:
        rows = rows.filter(reach.inside("node__"))
    return rows.order_by("-declared_at", "-pk")


def may_see_money(actor: Actor) -> bool:
    return actor.can(policy.CAPABILITIES["indicators.money"])
