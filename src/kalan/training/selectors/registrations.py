"""Participants of a session, candidates for it, and one person's own sessions."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from typing import Any, cast

from django.db.models import (
    Case,
    CharField,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
)

from kalan.people.actor import Actor
from kalan.people.models import Agent, OrgNode, Post, Role, RoleGrant
from kalan.people.selectors.core import agents_visible_to
from kalan.training import policy
from kalan.training.models import Registration, Session, SessionPlaces, SessionTrainer
from kalan.training.selectors.counting import never_trained, with_presence, with_times_trained
from kalan.training.selectors.sessions import sessions_visible_to


@dataclass(frozen=True)
class Places:
    """Places kept for one structure or territory: ``left`` is never below zero."""

    node: OrgNode
    places: int
    taken: int

    @property
    def left(self) -> int:
        return max(0, self.places - self.taken)


def participants_of(session: Session) -> QuerySet[Registration]:
    """The one list of participants, with ``present`` and ``held``, by name."""
    rows = Registration.objects.filter(session=session).select_related(
        "agent__cadre", "outsider", "structure", "replaces__agent", "replaces__outsider"
    )
    return with_presence(rows)


def by_name(rows: QuerySet[Registration]) -> QuerySet[Registration]:
    """Agents by name, then people from outside by name, on any database."""
    first: Any = F("agent__search").asc(nulls_last=True)
    return rows.order_by(first, "outsider__last_name", "outsider__first_names", "pk")


def waiting_by_rank(rows: QuerySet[Registration]) -> QuerySet[Registration]:
    """By name, then those who wait, in the order in which a free place comes to them."""
    waits = Q(state=Registration.State.WAITING)
    rank = Case(When(waits, then=F("position")), default=0, output_field=IntegerField())
    group = Case(When(waits, then=1), default=0, output_field=IntegerField())
    named = by_name(rows)
    return named.order_by(group, rank, *named.query.order_by)


def places_of(session: Session) -> list[Places]:
    """The session's places and how many are taken, in two queries.

    A place is taken by a counted registration from that structure, or from below that territory.
    """
    kept = list(
        SessionPlaces.objects.filter(session=session)
        .select_related("structure")
        .order_by("structure__search", "pk")
    )
    taken = Counter(
        Registration.objects.filter(
            session=session, state__in=Registration.COUNTED, structure__isnull=False
        ).values_list("structure__path", flat=True)
    )
    return [
        Places(
            node=row.structure,
            places=row.places,
            taken=sum(n for path, n in taken.items() if path.startswith(row.structure.path)),
        )
        for row in kept
    ]


def candidates(
    actor: Actor,
    session: Session,
    *,
    search: str = "",
    cadre: str = "",
    never: bool = False,
) -> QuerySet[Agent]:
    """Agents whom ``actor`` may designate: in post on the session's first day, on no list of it.

    Annotated with ``times_trained``, ``post_structure`` (primary key) and ``busy_code``, the code
    of another session that they follow in the same days ("" if none).
    """
    roles = policy.CAPABILITIES["sessions.designate"]
    posts = posts_in_scope(actor, roles, session.start).filter(agent=OuterRef("pk"))
    on_list = Registration.objects.filter(session=session, agent=OuterRef("pk")).exclude(
        state__in=[Registration.State.WITHDRAWN, Registration.State.REFUSED]
    )
    leads = SessionTrainer.objects.filter(session=session, agent=OuterRef("pk"))
    busy = (
        Registration.objects.filter(
            agent=OuterRef("pk"),
            state__in=Registration.COUNTED,
            session__start__lte=session.end,
            session__end__gte=session.start,
        )
        .exclude(session__state=Session.State.CANCELLED)
        .exclude(session=session)
        .order_by("session__start", "pk")
    )
    rows = Agent.objects.filter(
        Q(Exists(posts)), ~Q(Exists(on_list)), ~Q(Exists(leads)), status=Agent.Status.ACTIVE
    )
    for word in search.split():
        rows = rows.filter(search__contains=word)
    if cadre:
        rows = rows.filter(cadre__code=cadre)
    if never:
        rows = rows.filter(never_trained())
    best = posts.order_by("-is_main", "pk")
    return (
        with_times_trained(rows)
        .annotate(
            post_structure=Subquery(best.values("structure")[:1]),
            post_name=Subquery(best.values("structure__name")[:1]),
            busy_code=Subquery(busy.values("session__code")[:1], output_field=CharField()),
        )
        .select_related("cadre")
    )


def posts_in_scope(actor: Actor, roles: frozenset[str], day: dt.date) -> QuerySet[Post]:
    """Posts held on ``day`` in the actor's territory."""
    return Post.objects.filter(actor.scope(roles, "structure__"), start__lte=day).filter(
        Q(end__isnull=True) | Q(end__gte=day)
    )


def registrations_visible_to(actor: Actor, capability: str) -> QuerySet[Registration]:
    """Registrations of the sessions in scope; for structure managers, of their own staff only."""
    rows = Registration.objects.filter(
        session__in=sessions_visible_to(actor, capability).values("pk")
    )
    if actor.system or capability != "sessions.designate":
        return rows
    wide = sessions_visible_to(actor, "sessions.plan")
    mine = actor.scope(policy.CAPABILITIES[capability], "structure__")
    return rows.filter(Q(session__in=wide.values("pk")) | mine)


def my_registrations(actor: Actor) -> QuerySet[Registration]:
    """The sessions of the signed-in agent, latest first, with ``present`` and ``held``.

    What the agent may know: designations still to be decided are shown as such, refused ones not.
    """
    if actor.agent_id is None:
        return Registration.objects.none()
    rows = (
        Registration.objects.filter(agent_id=actor.agent_id)
        .exclude(state=Registration.State.REFUSED)
        .select_related("session__theme", "session__programme", "session__node")
    )
    ordered = with_presence(rows).order_by("-session__start", "-pk")
    return cast("QuerySet[Registration]", ordered.annotate(session_uid=F("session__uid")))


def trainer_candidates(actor: Actor, session: Session, *, today: dt.date) -> QuerySet[Agent]:
    """Agents who may be named trainers: those in the actor's sight, and known trainers anywhere.

    The ministry sends its trainers to every region, so a regional manager names people from
    outside their territory: those who hold the role, or who led a session before.
    """
    role = RoleGrant.objects.filter(role=Role.TRAINER, account__agent=OuterRef("pk"))
    led = SessionTrainer.objects.filter(agent=OuterRef("pk"))
    taken = SessionTrainer.objects.filter(session=session, agent__isnull=False).values("agent")
    mine = agents_visible_to(actor, today=today).values("pk")
    return Agent.objects.filter(
        Q(pk__in=mine) | Q(Exists(role)) | Q(Exists(led)), status=Agent.Status.ACTIVE
    ).exclude(pk__in=taken)
