"""Who holds which office on a day, and for whom they sign."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q, QuerySet

from kalan.credentials import policy
from kalan.credentials.models import Office, OfficeHolder
from kalan.people.actor import Actor

_C = OfficeHolder.Capacity

# Whoever holds an office twice on the same day signs in the fuller capacity.
_RANK: dict[str, int] = {_C.TITLE: 0, _C.INTERIM: 1, _C.DELEGATE: 2}


def offices_visible_to(actor: Actor, capability: str = "offices.view") -> QuerySet[Office]:
    """Offices of nodes where ``actor`` has ``capability``."""
    return Office.objects.filter(actor.scope(policy.CAPABILITIES[capability], "node__"))


def holders_on(day: dt.date) -> QuerySet[OfficeHolder]:
    """Everyone who holds an open office on ``day``."""
    return OfficeHolder.objects.filter(
        Q(end__isnull=True) | Q(end__gte=day), start__lte=day, office__retired_at__isnull=True
    )


def offices_of(actor: Actor, *, today: dt.date) -> QuerySet[Office]:
    """Open offices for which ``actor`` signs today."""
    if actor.account is None:
        return Office.objects.none()
    held = holders_on(today).filter(account=actor.account).values("office")
    scope = actor.scope(policy.CAPABILITIES["acts.sign"], "node__")
    return Office.objects.filter(scope, pk__in=held).select_related("node", "key")


def holder_today(*, office: Office, actor: Actor, today: dt.date) -> OfficeHolder | None:
    """In which capacity ``actor`` signs for ``office`` today; None when they may not."""
    if actor.account is None or actor.system:
        return None
    if not actor.covers(policy.CAPABILITIES["acts.sign"], office.node.path):
        return None
    mine = holders_on(today).filter(office=office, account=actor.account).order_by("pk")
    return min(mine, key=lambda one: _RANK[one.capacity], default=None)


def current_holder(office: Office, *, today: dt.date) -> OfficeHolder | None:
    """Who signs today in title, else by interim, else by delegation: whom a preview names."""
    rows = holders_on(today).filter(office=office).order_by("pk")
    return min(rows, key=lambda one: _RANK[one.capacity], default=None)
