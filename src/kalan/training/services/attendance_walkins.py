"""What happens in every training room: somebody comes unannounced, or in another's place.

Never refused for what is typed: the person is there. They are noted "à rapprocher", and a manager
decides later whether the register already knows them.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from django.db import transaction

from kalan.base.errors import Refused
from kalan.base.ids import uuid7
from kalan.base.text import fold
from kalan.people.actor import Actor, path_range
from kalan.people.models import Agent, OrgNode
from kalan.people.services.field import add_field_agent
from kalan.training.models import Outsider, Registration, Session
from kalan.training.services.attendance_batch import locked
from kalan.training.services.corrections import require_changeable
from kalan.training.services.dirty import mark_dirty

_REGION_DEPTH = 2


@dataclass(frozen=True)
class WalkIn:
    """What a trainer types. ``outsider``: not of the health workforce (media, partner…)."""

    last_name: str
    first_names: str = ""
    sex: str = ""
    structure: str = ""
    phone: str = ""
    outsider: bool = False


@dataclass(frozen=True)
class Added:
    """The registration; ``same``: people of the register who may be this person."""

    registration: Registration
    same: list[Agent]
    already: bool = False


def add_walk_in(
    *,
    actor: Actor,
    now: dt.datetime,
    session: Session,
    data: WalkIn,
    client_uid: uuid.UUID | None = None,
    reason: str = "",
) -> Added:
    """Put an unplanned participant on the list. Repeating it with the same id changes nothing.

    Raises Refused without any name, when the id is already used in another session, and (as every
    change) on a session that is cancelled, or validated without a ``reason``.
    """
    with transaction.atomic():
        fresh = locked(actor, session)
        known = _known(fresh, client_uid)
        return known or _register(actor, now, fresh, data, client_uid or uuid7(), None, reason)


def replace_participant(
    *,
    actor: Actor,
    now: dt.datetime,
    registration: Registration,
    by: WalkIn | Agent,
    client_uid: uuid.UUID | None = None,
    reason: str = "",
) -> Added:
    """Put ``by`` in the place of ``registration``, which stays on record as replaced.

    Somebody already replaced by another (two trainers at once) is replaced once; the second
    newcomer is then a walk-in. Repeating it with the same id changes nothing.
    """
    with transaction.atomic():
        fresh = locked(actor, registration.session)
        known = _known(fresh, client_uid)
        if known:
            return known
        leaving = Registration.objects.get(pk=registration.pk)
        free = not Registration.objects.filter(replaces=leaving).exists()
        if free:
            leaving.state = Registration.State.REPLACED
            leaving.save(update_fields=["state"])
        uid, place = client_uid or uuid7(), leaving if free else None
        if isinstance(by, WalkIn):
            return _register(actor, now, fresh, by, uid, place, reason)
        return _register_agent(actor, now, fresh, by, uid, place, reason)


def _known(session: Session, client_uid: uuid.UUID | None) -> Added | None:
    row = Registration.objects.filter(uid=client_uid).first() if client_uid else None
    if row is None:
        return None
    if row.session_id != session.pk:
        raise Refused(
            "Ce numéro d’inscription est déjà pris par une autre session.",
            remedy="Ajoutez la personne de nouveau.",
            code="same_id",
        )
    return Added(registration=row, same=[], already=True)


def _register(
    actor: Actor,
    now: dt.datetime,
    session: Session,
    data: WalkIn,
    uid: uuid.UUID,
    replaces: Registration | None,
    reason: str,
) -> Added:
    if not f"{data.last_name}{data.first_names}".strip():
        raise Refused(
            "Le nom manque.", field="last_name", remedy="Écrivez au moins un nom.", code="name"
        )
    structure = find_structure(data.structure, session)
    row = Registration(
        uid=uid,
        session=session,
        state=Registration.State.APPROVED,
        walk_in=True,
        structure=structure,
        structure_text="" if structure else data.structure.strip()[:200],
        replaces=replaces,
        created_at=now,
        created_by=actor.account,
    )
    same: list[Agent] = []
    if data.outsider:
        row.outsider = Outsider.objects.create(
            last_name=data.last_name.strip()[:100],
            first_names=data.first_names.strip()[:100],
            sex=data.sex if data.sex in ("F", "M") else "",
            body=data.structure.strip()[:200],
            phone=data.phone.strip()[:20],
            created_at=now,
        )
    else:
        made = add_field_agent(
            actor=actor,
            now=now,
            country=session.node.country,
            last_name=data.last_name,
            first_names=data.first_names,
            sex=data.sex,
            phone=data.phone,
            structure=structure,
            day=session.start,
        )
        row.agent, same = made.agent, made.same
    _save(actor, now, row, reason)
    return Added(registration=row, same=same)


def _register_agent(
    actor: Actor,
    now: dt.datetime,
    session: Session,
    agent: Agent,
    uid: uuid.UUID,
    replaces: Registration | None,
    reason: str,
) -> Added:
    if Registration.objects.filter(session=session, agent=agent).exists():
        raise Refused(
            f"{agent.full_name} est déjà sur la liste de la session.",
            remedy="Choisissez une autre personne.",
            code="twice",
        )
    row = Registration(
        uid=uid,
        session=session,
        agent=agent,
        state=Registration.State.APPROVED,
        walk_in=True,
        replaces=replaces,
        created_at=now,
        created_by=actor.account,
    )
    _save(actor, now, row, reason)
    return Added(registration=row, same=[])


def _save(actor: Actor, now: dt.datetime, row: Registration, reason: str) -> None:
    require_changeable(
        actor=actor,
        now=now,
        session=row.session,
        change={"what": "participant", "added": str(row.uid)},
        reason=reason,
    )
    row.save()
    mark_dirty([row.session_id], now)


def find_structure(name: str, session: Session) -> OrgNode | None:
    """The one structure of that name: in the session's region if there are several. Else None."""
    key = fold(name)
    if not key:
        return None
    alike = OrgNode.objects.filter(
        country=session.node.country,
        kind=OrgNode.Kind.STRUCTURE,
        search=key,
        merged_into__isnull=True,
    )
    found = list(alike.order_by("pk")[:2])
    if len(found) > 1:
        low, high = path_range(session.node.path[: OrgNode.steplen * _REGION_DEPTH])
        found = list(alike.filter(path__gte=low, path__lt=high).order_by("pk")[:2])
    return found[0] if len(found) == 1 else None
