"""Sessions, scoped to who asks: the one rule for every list and every detail."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, Left

from kalan.people.actor import Actor
from kalan.people.models import OrgNode, Role
from kalan.training import policy
from kalan.training.models import (
    Correction,
    HalfDay,
    Registration,
    Session,
    SessionPlaces,
    SessionTrainer,
)


def sessions_visible_to(actor: Actor, capability: str = "sessions.view") -> QuerySet[Session]:
    """Sessions for which ``actor`` has ``capability``.

    Territory: the session's node. Programme roles: the programme's node as well. Structure
    managers: also sessions with places for, or people of, their structures. Trainers: the
    sessions that they lead, wherever these are.
    """
    if actor.system:
        return Session.objects.all()
    return Session.objects.filter(_scope(actor, capability))


def _scope(actor: Actor, capability: str) -> Q:
    roles = policy.CAPABILITIES[capability]
    scope = actor.scope(roles - {Role.TRAINER}, "node__")
    scope |= actor.scope(roles & policy.PROGRAMME_ROLES, "programme__node__")
    if Role.STRUCTURE in roles and Role.STRUCTURE in actor.roles:
        mine = actor.scope(frozenset({Role.STRUCTURE}), "structure__")
        places = SessionPlaces.objects.filter(mine, session=OuterRef("pk"))
        people = Registration.objects.filter(mine, session=OuterRef("pk"))
        scope |= Q(Exists(places)) | Q(Exists(people))
    if Role.TRAINER in roles and Role.TRAINER in actor.roles and actor.agent_id is not None:
        led = SessionTrainer.objects.filter(session=OuterRef("pk"), agent_id=actor.agent_id)
        scope |= Q(Exists(led))
    return scope


def abilities(actor: Actor, session: Session) -> frozenset[str]:
    """What ``actor`` may do with this session: the capabilities in whose scope it lies (1 query).

    Agrees with ``sessions_visible_to`` by construction: the same condition, asked of one row.
    """
    if actor.system:
        return frozenset(policy.CAPABILITIES)
    asked = [
        name
        for name, roles in policy.CAPABILITIES.items()
        if not name.startswith("programmes.") and actor.can(roles)
    ]
    if not asked:
        return frozenset()
    flags = {
        f"may_{number}": Case(When(_scope(actor, name), then=Value(True)), default=Value(False))
        for number, name in enumerate(asked)
    }
    row = Session.objects.filter(pk=session.pk).annotate(**flags).values_list(*flags).get()
    return frozenset(name for name, may in zip(asked, row, strict=True) if may)


def countable_sessions() -> QuerySet[Session]:
    """Sessions that count in figures: held and closed (counting rules). Not scoped."""
    return Session.objects.filter(state__in=policy.COUNTABLE_STATES)


def half_days_of(session: Session) -> QuerySet[HalfDay]:
    """The session's half-days in order ("am" sorts before "pm")."""
    return HalfDay.objects.filter(session=session).order_by("date", "part", "pk")


def trainers_of(session: Session) -> QuerySet[SessionTrainer]:
    return (
        SessionTrainer.objects.filter(session=session)
        .select_related("agent")
        .prefetch_related("half_days")
        .order_by("pk")
    )


def corrections_of(session: Session) -> QuerySet[Correction]:
    return session.corrections.select_related("by").order_by("-at", "-pk")


def with_numbers(sessions: QuerySet[Session]) -> QuerySet[Session]:
    """Annotate ``inscriptions`` (counted registrations) and what a list shows, in one query."""
    counted = (
        Registration.objects.filter(session=OuterRef("pk"), state__in=Registration.COUNTED)
        .order_by()
        .values("session")
        .annotate(n=Count("pk"))
        .values("n")
    )
    return sessions.select_related("theme", "programme", "node").annotate(
        inscriptions=Coalesce(Subquery(counted), Value(0))
    )


def regions_of(actor: Actor) -> list[tuple[str, str]]:
    """Regions of the sessions that ``actor`` sees, for a filter: (path, name)."""
    paths = (
        sessions_visible_to(actor)
        .annotate(region=Left("node__path", 2 * OrgNode.steplen))
        .order_by()
        .values("region")
        .distinct()
    )
    regions = OrgNode.objects.filter(path__in=paths, kind=OrgNode.Kind.REGION)
    return list(regions.order_by("search", "pk").values_list("path", "name"))


@dataclass(frozen=True)
class HalfDaySummary:
    """One half-day: who leads it and how many were present."""

    date: dt.date
    part: str
    label: str
    trainers: list[str]
    present: int


def half_day_summaries(session: Session) -> list[HalfDaySummary]:
    """The half-days of a session with trainers and presences (three queries at most)."""
    leading: dict[int, list[str]] = defaultdict(list)
    for trainer in trainers_of(session):
        for half_day in trainer.half_days.all():
            leading[half_day.pk].append(trainer.name)
    rows = half_days_of(session).annotate(present=Count("presences"))
    return [
        HalfDaySummary(
            date=row.date,
            part=row.part,
            label=HalfDay.Part(row.part).label,
            trainers=leading[row.pk],
            present=row.present,
        )
        for row in rows
    ]
