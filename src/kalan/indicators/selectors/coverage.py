"""Coverage: of the agents in post on a day, how many were trained. Leavers stand apart.

Both numbers come from one query over the same posts, so coverage never passes 100 %. An outside
denominator (a ministry's list) is shown beside it, never mixed in.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.core.cache import cache
from django.db.models import (
    Count,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce

from kalan.indicators.models import Denominator, FiguresState, Participation
from kalan.indicators.ratios import percent
from kalan.indicators.selectors.scope import Filters, Reach
from kalan.people.models import Agent, EmploymentStatus, Post


@dataclass(frozen=True)
class Coverage:
    """``statuses``: which employment statuses the posts counted have ("" is unknown)."""

    day: dt.date
    trained: int
    in_post: int
    leavers: int
    statuses: dict[str, int]

    @property
    def share(self) -> Decimal | None:
        return percent(self.trained, self.in_post)

    @property
    def source(self) -> str:
        return f"registre Kalan au {self.day:%d/%m/%Y}"

    @property
    def includes(self) -> str:
        """Which statuses the denominator counts, and which it has none of."""
        labels = dict(EmploymentStatus.choices)
        held = [labels[code] for code in labels if self.statuses.get(code)]
        if self.statuses.get(""):
            held.append("statut non renseigné")
        missing = [
            labels[code]
            for code in (EmploymentStatus.COMMUNITY, EmploymentStatus.CONTRACT)
            if not self.statuses.get(code)
        ]
        text = "statuts comptés : " + (", ".join(held) or "aucun")
        return text + (f" ; sans {' ni '.join(missing)}" if missing else "")


# Few: one small list to look into, where a join would read every agent.
_GONE = Agent.objects.filter(status__in=[Agent.Status.MERGED, Agent.Status.ERASED]).values("pk")


def in_post(reach: Reach, day: dt.date) -> QuerySet[Post]:
    """Main posts held on ``day`` within reach, one an agent; merged and erased agents aside."""
    rows = Post.objects.filter(
        reach.inside("structure__"),
        Q(end__isnull=True) | Q(end__gte=day),
        is_main=True,
        start__lte=day,
    ).exclude(agent_id__in=_GONE)
    if reach.filters.cadre:
        cadre = reach.filters.cadre
        rows = rows.filter(Q(cadre=cadre) | Q(cadre__isnull=True, agent__cadre=cadre))
    if reach.filters.sex:
        rows = rows.filter(agent__sex="" if reach.filters.sex == "U" else reach.filters.sex)
    return rows


def trained_by(reach: Reach, day: dt.date) -> QuerySet[Participation]:
    """Facts, wherever they happened, of agents who met the rule by ``day``."""
    rows = Participation.objects.filter(completed=True, agent_id__isnull=False, day__lte=day)
    if reach.filters.programme:
        rows = rows.filter(programme_id=reach.filters.programme.pk)
    if reach.filters.theme:
        rows = rows.filter(theme_id=reach.filters.theme)
    if reach.filters.start:
        rows = rows.filter(day__gte=reach.filters.start)
    return rows


def coverage(reach: Reach, day: dt.date) -> Coverage:
    """Coverage within reach on ``day``: kept until a fact or the register changes.

    Where tens of thousands are in post the count takes seconds; the key holds the version of the
    facts and of the register (services.follow), so what is kept is never out of date.
    """
    state = FiguresState.objects.filter(pk=1).first()
    if state is None:
        return count_coverage(reach, day)
    filters = reach.filters
    parts = (
        state.epoch,
        state.facts_version,
        state.register_version,
        *sorted(node.pk for node in reach.nodes),
        reach.everything,
        filters.programme.pk if filters.programme else 0,
        *(filters.start, filters.end, filters.theme, filters.cadre, filters.sex, day),
    )
    key = "indicators.coverage." + hashlib.sha256(repr(parts).encode()).hexdigest()
    found: Coverage | None = cache.get(key)
    if found is None:
        found = count_coverage(reach, day)
        cache.set(key, found, timeout=24 * 3600)
    return found


def count_coverage(reach: Reach, day: dt.date) -> Coverage:
    """Coverage counted anew (two queries, which ask of each post whether its agent was trained)."""
    posts = in_post(reach, day)
    trained = trained_by(reach, day)
    rows = (
        posts.order_by()
        .values("status")
        .annotate(
            people=Count("agent", distinct=True),
            done=Count(
                "agent",
                distinct=True,
                filter=Exists(trained.filter(agent_id=OuterRef("agent_id"))),
            ),
        )
    )
    statuses = {row["status"]: (row["people"], row["done"]) for row in rows}
    covered = sum(done for _, done in statuses.values())
    return Coverage(
        day=day,
        trained=covered,
        in_post=sum(people for people, _ in statuses.values()),
        leavers=_leavers(reach, day, covered),
        statuses={status: people for status, (people, _) in statuses.items()},
    )


def _leavers(reach: Reach, day: dt.date, covered: int) -> int:
    """People trained within reach who hold no post there, whatever their cadre has become."""
    filters = reach.filters
    facts = trained_by(reach, day).filter(reach.where())
    if filters.cadre:
        facts = facts.filter(cadre_id=filters.cadre)
    if filters.sex:
        facts = facts.filter(sex="" if filters.sex == "U" else filters.sex)
    people = facts.order_by().values("agent_id").distinct()
    if reach.everything and not filters.cadre and not filters.sex:
        return people.count() - covered  # whoever is covered is among them
    any_post = in_post(replace(reach, filters=Filters()), day)
    return people.filter(~Exists(any_post.filter(agent_id=OuterRef("agent_id")))).count()


def agents_in_post(reach: Reach, day: dt.date) -> QuerySet[Any]:
    """Agents of the denominator, each with ``times``: sessions completed by ``day``."""
    done = trained_by(reach, day).filter(agent_id=OuterRef("pk")).order_by()
    counted = done.values("agent_id").annotate(n=Count("session_id", distinct=True)).values("n")

    return Agent.objects.filter(Exists(in_post(reach, day).filter(agent=OuterRef("pk")))).annotate(
        times=Coalesce(Subquery(counted, output_field=IntegerField()), Value(0))
    )


def outside_denominators(reach: Reach) -> QuerySet[Denominator]:
    """Denominators from named outside sources for what is looked at, the latest first."""
    rows = Denominator.objects.filter(node__in=[node.pk for node in reach.nodes])
    if reach.everything:
        rows = Denominator.objects.filter(node__depth=1)
    cadre = reach.filters.cadre
    rows = rows.filter(cadre=cadre) if cadre else rows.filter(cadre__isnull=True)
    return rows.select_related("node").order_by(F("as_of").desc(), "pk")
