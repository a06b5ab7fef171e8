"""Participants who are not of the workforce register: named ones, and those known by number."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.training.models import AnonymousCount, Mode, Outsider, Registration, Session
from kalan.training.services.corrections import require_changeable
from kalan.training.services.dirty import mark_dirty
from kalan.training.services.history import act
from kalan.training.services.locking import locked


@dataclass(frozen=True)
class OutsiderData:
    """A named participant who is not of the workforce register."""

    last_name: str
    first_names: str
    sex: str = ""
    body: str = ""
    phone: str = ""
    level: str = ""
    sector: str = ""
    mode: str = Mode.ROOM


@dataclass(frozen=True)
class AnonymousCountData:
    """Participants known only by number; ``label`` keeps the words of the source."""

    label: str
    women: int = 0
    men: int = 0
    unknown: int = 0
    approximate: bool = False
    level: str = ""
    sector: str = ""


@act
def add_outsider(
    *,
    actor: Actor,
    now: dt.datetime,
    session: Session,
    data: OutsiderData,
    reason: str = "",
) -> Registration:
    """Add a named participant from outside the register (media, partner…)."""
    row = locked(actor, "sessions.participants", session)
    if not data.last_name.strip():
        raise Refused("Écrivez le nom de la personne.", field="last_name")
    require_changeable(
        actor=actor,
        now=now,
        session=row,
        reason=reason,
        change={"what": "outsider", "name": f"{data.first_names} {data.last_name}"},
    )
    _refuse_twice(row, data)
    outsider = Outsider.objects.create(
        last_name=data.last_name.strip(),
        first_names=data.first_names.strip(),
        sex=data.sex,
        body=data.body.strip(),
        phone=data.phone,
        created_at=now,
    )
    made = Registration.objects.create(
        session=row,
        outsider=outsider,
        state=Registration.State.APPROVED,
        level=data.level,
        sector=data.sector,
        mode=data.mode,
        created_at=now,
        created_by=actor.account,
    )
    mark_dirty([row.pk], now)
    return made


def _refuse_twice(session: Session, data: OutsiderData) -> None:
    same = Registration.objects.filter(
        session=session,
        outsider__last_name__iexact=data.last_name.strip(),
        outsider__first_names__iexact=data.first_names.strip(),
        outsider__body__iexact=data.body.strip(),
    )
    if same.exists():
        raise Refused(
            f"{data.first_names} {data.last_name} est déjà sur la liste de cette session.",
            field="last_name",
            remedy="S’il s’agit d’un homonyme, précisez son organisme.",
        )


@act
def set_anonymous_count(
    *,
    actor: Actor,
    now: dt.datetime,
    session: Session,
    data: AnonymousCountData,
    count: AnonymousCount | None = None,
    reason: str = "",
) -> AnonymousCount:
    """Add participants known only by number, or change ``count``."""
    row = locked(actor, "sessions.participants", session)
    if not data.label.strip():
        raise Refused(
            "Écrivez qui sont ces personnes.",
            field="label",
            remedy="Par exemple « une vingtaine de relais ».",
        )
    if data.women + data.men + data.unknown == 0:
        raise Refused("Écrivez au moins un nombre de personnes.", field="unknown")
    require_changeable(
        actor=actor,
        now=now,
        session=row,
        reason=reason,
        change={"what": "anonymous", "label": data.label, "total": _total(data)},
    )
    line = (
        AnonymousCount.objects.get(pk=count.pk, session=row)
        if count
        else AnonymousCount(session=row)
    )
    for name in ("label", "women", "men", "unknown", "approximate", "level", "sector"):
        setattr(line, name, getattr(data, name))
    line.save()
    mark_dirty([row.pk], now)
    return line


@act
def remove_anonymous_count(
    *,
    actor: Actor,
    now: dt.datetime,
    session: Session,
    count: AnonymousCount,
    reason: str = "",
) -> None:
    """Take an anonymous count away."""
    row = locked(actor, "sessions.participants", session)
    line = AnonymousCount.objects.get(pk=count.pk, session=row)
    change = {"what": "anonymous", "label": line.label, "total": 0}
    require_changeable(actor=actor, now=now, session=row, reason=reason, change=change)
    line.delete()
    mark_dirty([row.pk], now)


def _total(data: AnonymousCountData) -> int:
    return data.women + data.men + data.unknown
