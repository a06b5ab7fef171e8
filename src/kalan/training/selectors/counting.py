"""Presence and completion by the counting rules, as database expressions."""

from __future__ import annotations

from typing import Any, cast

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

from kalan.people.models import Agent
from kalan.training import policy
from kalan.training.models import HalfDay, Presence, Registration

DEFAULT_COMPLETION_PERCENT = 80


def _count(queryset: QuerySet[Any], by: str) -> Coalesce:
    counted = queryset.order_by().values(by).annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), Value(0))


def with_presence(registrations: QuerySet[Registration]) -> QuerySet[Registration]:
    """Annotate ``present`` and ``held`` (numbers of half-days) and ``percent_needed``."""
    return registrations.annotate(
        present=_count(Presence.objects.filter(registration=OuterRef("pk")), "registration"),
        held=_count(HalfDay.objects.filter(session=OuterRef("session")), "session"),
        percent_needed=Coalesce(
            F("session__programme__completion_percent"),
            Value(DEFAULT_COMPLETION_PERCENT),
            output_field=IntegerField(),
        ),
    )


def completed(registrations: QuerySet[Registration]) -> QuerySet[Registration]:
    """Registrations of closed sessions that met the completion rule of their programme.

    In whole numbers (100 × present ≥ percent × held): no rounding decides who is counted.
    """
    counted = registrations.filter(
        session__state__in=policy.COUNTABLE_STATES, state__in=Registration.COUNTED
    )
    # Annotations are unknown to the model's type.
    measured: QuerySet[Any] = with_presence(counted).alias(
        reached=F("present") * 100, needed=F("held") * F("percent_needed")
    )
    return cast("QuerySet[Registration]", measured.filter(reached__gt=0, reached__gte=F("needed")))


def with_times_trained(agents: QuerySet[Agent]) -> QuerySet[Agent]:
    """Annotate ``times_trained``: how many closed sessions each agent completed."""
    done = completed(Registration.objects.filter(agent=OuterRef("pk")))
    return cast("QuerySet[Agent]", agents.annotate(times_trained=_count(done, "agent")))


def never_trained() -> Q:
    """The condition "completed no session" on a queryset of agents."""
    return Q(~Exists(completed(Registration.objects.filter(agent=OuterRef("pk")))))
