"""Who comes: designated by the structure, approved by the programme, or on the waiting list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.people.models import Agent, OrgNode, Post
from kalan.people.selectors.core import agents_visible_to
from kalan.training import policy
from kalan.training.models import (
    Registration,
    Session,
    SessionTrainer,
)
from kalan.training.selectors.registrations import (
    posts_in_scope,
    registrations_visible_to,
)
from kalan.training.services.corrections import require_changeable
from kalan.training.services.dirty import mark_dirty
from kalan.training.services.history import act, note
from kalan.training.services.locking import locked
from kalan.training.services.room import Room

_State = Registration.State


@dataclass(frozen=True)
class Designated:
    """What became of a designation: who has a place, who waits for one."""

    placed: list[Registration]
    waiting: list[Registration]


@act
def designate(
    *,
    actor: Actor,
    now: dt.datetime,
    session: Session,
    agents: Sequence[Agent],
    reason: str = "",
) -> Designated:
    """Put own staff on the session's list: within the places kept, then on the waiting list.

    Refuses whoever is not staff of the actor's structures on the session's first day, is on the
    list already, or leads the session. All or nothing.
    """
    row = locked(actor, "sessions.designate", session)
    if not agents:
        raise Refused("Aucune personne n’est cochée.", field="agents")
    require_changeable(
        actor=actor,
        now=now,
        session=row,
        reason=reason,
        change={"what": "designate", "agents": [str(agent) for agent in agents]},
    )
    if row.state != Session.State.VALIDATED:
        _require_open(row)
    where = _structures(actor, row, agents, now)
    known = _known(row, agents)
    room = Room(row)
    made: list[Registration] = []
    for agent in agents:
        registration = known.get(agent.pk) or Registration(
            session=row, agent=agent, created_at=now, created_by=actor.account
        )
        registration.structure = where[agent.pk]
        registration.state, registration.position = room.place(registration.structure)
        made.append(registration)
    _write(made, row)
    note(row, actor=actor, changes={"désignés": ["", ", ".join(str(a) for a in agents)]})
    mark_dirty([row.pk], now)
    return Designated(
        placed=[r for r in made if r.state != _State.WAITING],
        waiting=[r for r in made if r.state == _State.WAITING],
    )


@act
def approve(
    *, actor: Actor, now: dt.datetime, session: Session, registrations: Iterable[Registration]
) -> int:
    """Approve designated people (the programme's decision); returns how many."""
    return _decide(actor, now, session, registrations, "approve", "sessions.approve")


@act
def refuse(
    *, actor: Actor, now: dt.datetime, session: Session, registrations: Iterable[Registration]
) -> int:
    """Do not retain designated people; returns how many."""
    return _decide(actor, now, session, registrations, "refuse", "sessions.approve")


@act
def put_on_waiting_list(
    *, actor: Actor, now: dt.datetime, session: Session, registrations: Iterable[Registration]
) -> int:
    """Move designated people to the end of the waiting list; returns how many."""
    return _decide(actor, now, session, registrations, "wait", "sessions.approve")


@act
def withdraw(
    *, actor: Actor, now: dt.datetime, session: Session, registrations: Iterable[Registration]
) -> int:
    """Take people off the list (they cannot come); nobody is erased. Returns how many."""
    return _decide(actor, now, session, registrations, "withdraw", "sessions.designate")


@act
def promote(
    *, actor: Actor, now: dt.datetime, session: Session, registration: Registration | None = None
) -> Registration:
    """Give a free place to ``registration``, or to the first of the waiting list.

    Refused when no place is free for that person's structure.
    """
    row = locked(actor, "sessions.approve", session)
    _require_open(row)
    waiting = list(
        Registration.objects.filter(session=row, state=_State.WAITING)
        .select_related("structure", "agent")
        .order_by("position", "pk")
    )
    if registration is not None:
        waiting = [r for r in waiting if r.pk == registration.pk]
    if not waiting:
        raise Refused("La liste d’attente est vide.")
    room = Room(row)
    for candidate in waiting:
        if room.has_place(candidate.structure):
            candidate.state, candidate.position = _State.DESIGNATED, 0
            candidate.save()
            mark_dirty([row.pk], now)
            return candidate
    raise Refused(
        "Aucune place n’est libre pour les personnes en attente.",
        remedy="Augmentez les places de leur structure ou la capacité de la session.",
    )


def _require_open(session: Session) -> None:
    if session.state not in policy.OPEN_STATES:
        raise Refused(
            f"Cette session est {session.get_state_display()} : sa liste est arrêtée.",
            remedy="Pour une personne venue sans être inscrite, corrigez les présences.",
            code="transition",
        )


def _structures(
    actor: Actor, session: Session, agents: Sequence[Agent], now: dt.datetime
) -> dict[int, OrgNode]:
    """The structure each agent comes from, on the session's first day."""
    ids = [agent.pk for agent in agents]
    roles = policy.CAPABILITIES["sessions.designate"]
    posts: list[Post] = list(
        posts_in_scope(actor, roles, session.start)
        .filter(agent__in=ids)
        .select_related("structure")
        .order_by("is_main", "-pk")
    )
    where = {post.agent_id: post.structure for post in posts}
    for agent in agents:
        if agent.pk not in where:
            # Whose name the actor may not read is not told to who sends a number.
            seen = agents_visible_to(actor, today=timezone.localdate(now)).filter(pk=agent.pk)
            who = agent.full_name if seen.exists() else "Une des personnes cochées"
            raise Refused(
                f"{who} n’est pas en poste dans vos structures à la date de la session.",
                field="agents",
                remedy="Vérifiez son poste, ou demandez à sa structure de désigner cette personne.",
            )
        if agent.status != Agent.Status.ACTIVE:
            raise Refused(f"{agent} n’est plus en activité.", field="agents")
    return where


def _known(session: Session, agents: Sequence[Agent]) -> dict[int, Registration]:
    """Earlier lines that may be taken up again; refuses people on the list, or who lead."""
    ids = [agent.pk for agent in agents]
    names = {agent.pk: str(agent) for agent in agents}
    if len(names) < len(ids):
        double = next(pk for pk in ids if ids.count(pk) > 1)
        raise Refused(f"{names[double]} est donné deux fois.", field="agents")
    leads = SessionTrainer.objects.filter(session=session, agent__in=ids).order_by("pk").first()
    if leads is not None and leads.agent_id is not None:
        raise Refused(
            f"{names[leads.agent_id]} est formateur de cette session et ne peut pas en être "
            "aussi participant.",
            field="agents",
        )
    known = {r.agent_id: r for r in Registration.objects.filter(session=session, agent__in=ids)}
    for pk, row in known.items():
        assert pk is not None
        again = policy.next_state(policy.REGISTRATION_TRANSITIONS, "designate", row.state)
        if again is None:
            raise Refused(
                f"{names[pk]} est déjà sur la liste de cette session ({row.get_state_display()}).",
                field="agents",
                remedy="Décochez cette personne.",
                code="twice",
            )
    return {pk: row for pk, row in known.items() if pk is not None}


def _write(rows: Sequence[Registration], session: Session) -> None:
    fresh = [row for row in rows if row.pk is None]
    for row in rows:
        if row.pk is not None:
            row.save()
    try:
        with transaction.atomic():
            Registration.objects.bulk_create(fresh)
    except IntegrityError as error:
        raise Refused(
            "Une de ces personnes vient d’être inscrite par quelqu’un d’autre.",
            remedy="Rechargez la liste et recommencez.",
            code="twice",
        ) from error


def _decide(
    actor: Actor,
    now: dt.datetime,
    session: Session,
    registrations: Iterable[Registration],
    action: str,
    capability: str,
) -> int:
    """Take ``registrations`` of ``session`` from their state to the one ``action`` leads to."""
    row = locked(actor, capability, session)
    _require_open(row)
    wanted = {registration.pk for registration in registrations}
    found = list(
        registrations_visible_to(actor, capability)
        .filter(session=row, pk__in=wanted)
        .select_related("agent", "outsider", "structure")
        .order_by("position", "pk")
    )
    if not found or len(found) < len(wanted):
        raise Refused("Choisissez des personnes de la liste.", field="registrations")
    room = Room(row) if action == "approve" else None
    for registration in found:
        if room is not None and registration.state in (_State.WAITING, _State.REFUSED):
            _require_place(room, registration)
        _step(row, registration, action)
    Registration.objects.bulk_update(found, ["state", "position"])
    names = ", ".join(str(r.agent or r.outsider) for r in found)
    note(row, actor=actor, changes={found[0].get_state_display(): ["", names]})
    mark_dirty([row.pk], now)
    return len(found)


def _require_place(room: Room, registration: Registration) -> None:
    state, _ = room.place(registration.structure)
    if state == _State.WAITING:
        raise Refused(
            f"Il n’y a plus de place pour {registration.agent or registration.outsider}.",
            field="registrations",
            remedy="Augmentez les places de sa structure ou la capacité de la session.",
            code="full",
        )


def _step(session: Session, registration: Registration, action: str) -> None:
    after = policy.next_state(policy.REGISTRATION_TRANSITIONS, action, registration.state)
    if after is None:
        raise Refused(
            f"{registration.agent or registration.outsider} est "
            f"« {registration.get_state_display()} » : cette action n’est pas possible.",
            field="registrations",
            code="transition",
        )
    registration.state = after
    if after == _State.WAITING:
        last = Registration.objects.filter(session=session).aggregate(n=Max("position"))["n"]
        registration.position = (last or 0) + 1
    else:
        registration.position = 0
