"""Sessions, scoped to who asks: the one rule for every list and every detail."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from kalan.people.actor import Actor
from kalan.people.models import Role
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
    return Session.objects.filter(scope)


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
