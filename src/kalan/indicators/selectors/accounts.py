"""Accounts on learning platforms: created, activated, active. Not people, not Kalan sign-ins."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from kalan.base import clock
from kalan.indicators.selectors.scope import Filters, Reach
from kalan.people.models import Post
from kalan.training.models import PlatformAccount


@dataclass(frozen=True)
class AccountCounts:
    platforms: int = 0
    created: int = 0
    activated: int = 0
    active: int = 0
    matched: int = 0  # created, and matched to an agent of the register


def platform_accounts(reach: Reach) -> QuerySet[PlatformAccount]:
    """Accounts within reach, whatever the period; demonstration accounts are not among them.

    In a territory: accounts of agents whose main post was there on the day of creation (today
    when that day is unknown). An account without an agent belongs to no territory.
    """
    rows = PlatformAccount.objects.filter(is_demo=False)
    if reach.filters.programme:
        rows = rows.filter(platform__programme=reach.filters.programme)
    if reach.everything:
        return rows
    day = Coalesce(OuterRef("created_on"), clock.today())
    posts = Post.objects.filter(
        reach.inside("structure__"),
        Q(end__isnull=True) | Q(end__gte=day),
        agent=OuterRef("agent"),
        is_main=True,
        start__lte=day,
    )
    return rows.filter(Exists(posts))


def created(filters: Filters) -> Q:
    return _within("created_on", filters)


def activated(filters: Filters) -> Q:
    return Q(activated_on__isnull=False) & _within("activated_on", filters)


def active(filters: Filters) -> Q:
    """Used since the period began, by an account that existed before its end."""
    query = Q(last_used_on__isnull=False)
    if filters.start:
        query &= Q(last_used_on__gte=filters.start)
    if filters.end:
        query &= Q(created_on__isnull=True) | Q(created_on__lte=filters.end)
    return query


def _within(field: str, filters: Filters) -> Q:
    query = Q()
    if filters.start:
        query &= Q(**{f"{field}__gte": filters.start})
    if filters.end:
        query &= Q(**{f"{field}__lte": filters.end})
    return query


BY_CODE = {
    "plateformes": created,
    "comptes": created,
    "comptes_actives": activated,
    "comptes_actifs": active,
}


def account_counts(reach: Reach) -> AccountCounts:
    """The counts within reach (one query)."""
    made = created(reach.filters)
    row = platform_accounts(reach).aggregate(
        platforms_n=Count(F("platform"), distinct=True, filter=made),
        created_n=Count("pk", filter=made),
        activated_n=Count("pk", filter=activated(reach.filters)),
        active_n=Count("pk", filter=active(reach.filters)),
        matched_n=Count("pk", filter=made & Q(agent__isnull=False)),
    )
    return AccountCounts(**{name.removesuffix("_n"): value for name, value in row.items()})
