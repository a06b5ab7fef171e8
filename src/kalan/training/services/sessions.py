"""The life of a session: planned, convoked, postponed or cancelled, closed, validated."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Count
from django.utils import timezone

from kalan.base.dates import long_date
from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.people.models import OrgNode
from kalan.training import policy
from kalan.training.models import (
    AnonymousCount,
    HalfDay,
    Mode,
    Partner,
    Presence,
    Programme,
    Session,
    SessionTrainer,
    Theme,
)
from kalan.training.selectors.conflicts import double_presences
from kalan.training.selectors.sessions import trainers_of
from kalan.training.services.convocations import announce
from kalan.training.services.corrections import require_changeable
from kalan.training.services.dirty import mark_dirty
from kalan.training.services.history import act
from kalan.training.services.locking import locked
from kalan.training.services.programmes import ensure_partner, theme_named
from kalan.training.services.schedule import (
    Slot,
    TrainerData,
    check_not_participant,
    check_parent,
    check_trainers,
    checked_slots,
    trainers_as_data,
    write_places,
    write_slots,
    write_trainers,
)


@dataclass(frozen=True)
class SessionData:
    """What is planned. Without ``half_days``, each day from ``start`` to ``end`` has two."""

    title: str
    theme: Theme | None
    node: OrgNode
    start: dt.date | None = None
    end: dt.date | None = None
    half_days: Sequence[Slot] = ()
    code: str = ""
    programme: Programme | None = None
    mode: str = Mode.ROOM
    language: str = "fr"
    place: str = ""
    capacity: int | None = None
    organiser: Partner | None = None
    # Instead of ``organiser`` and ``theme``: made when no such name is known.
    organiser_name: str = ""
    theme_name: str = ""
    president: str = ""
    parent: Session | None = None
    public: bool = False
    trainers: Sequence[TrainerData] = field(default_factory=tuple)
    places: Sequence[tuple[OrgNode, int]] = field(default_factory=tuple)


_PLAIN = (
    "title",
    "theme",
    "node",
    "programme",
    "mode",
    "language",
    "place",
    "capacity",
    "organiser",
    "president",
    "parent",
    "public",
)


@act
def plan_session(*, actor: Actor, now: dt.datetime, data: SessionData) -> Session:
    """Plan a session with its half-days, trainers and places."""
    _check_scope(actor, data)
    slots = checked_slots(start=data.start, end=data.end, half_days=data.half_days, now=now)
    check_trainers(data.trainers, slots, session=None)
    session = Session(code=_free_code(data, current=None), created_at=now, created_by=actor.account)
    _write(session, data, slots)
    write_trainers(session, data.trainers)
    write_places(session, data.places)
    mark_dirty([session.pk], now)
    return session


@act
def update_session(
    *, actor: Actor, now: dt.datetime, session: Session, data: SessionData, reason: str = ""
) -> Session:
    """Change a session. Once validated, only with a reason, and it is logged."""
    row = locked(actor, "sessions.plan", session)
    slots = checked_slots(start=data.start, end=data.end, half_days=data.half_days, now=now)
    require_changeable(
        actor=actor,
        now=now,
        session=row,
        reason=reason,
        change={"what": "session", "fields": _differences(row, data, slots)},
    )
    _check_scope(actor, data)
    check_trainers(data.trainers, slots, session=row)
    row.code = _free_code(data, current=row)
    _write(row, data, slots)
    write_trainers(row, data.trainers)
    write_places(row, data.places)
    mark_dirty([row.pk], now)
    return row


@act
def postpone_session(
    *,
    actor: Actor,
    now: dt.datetime,
    session: Session,
    notice: str,
    start: dt.date | None = None,
    end: dt.date | None = None,
    half_days: Sequence[Slot] = (),
    channels: Sequence[str] = (),
) -> Session:
    """Move a session to new dates, with a notice that its participants read and, if convoked,
    receive by ``channels``.

    Trainers who led all half-days lead all the new ones; the others are to be set anew.
    """
    row = locked(actor, "sessions.plan", session)
    after = _next(row, "postpone", "reportée")
    _require_notice(notice)
    _refuse_marked(row)
    slots = checked_slots(start=start, end=end, half_days=half_days, now=now)
    trainers = trainers_as_data(row)
    check_trainers(trainers, slots, session=row)
    write_slots(row, slots)
    row.start, row.end = slots[0][0], slots[-1][0]
    row.state, row.notice = after, notice.strip()
    row.save()
    write_trainers(row, trainers)
    _announce(row, "postponed", channels, now=now)
    mark_dirty([row.pk], now)
    return row


@act
def cancel_session(
    *,
    actor: Actor,
    now: dt.datetime,
    session: Session,
    notice: str,
    channels: Sequence[str] = (),
) -> Session:
    """Cancel a session, with a notice that its participants read and, if convoked, receive."""
    row = locked(actor, "sessions.plan", session)
    after = _next(row, "cancel", "annulée")
    _require_notice(notice)
    _refuse_marked(row)
    row.state, row.notice = after, notice.strip()
    row.save()
    _announce(row, "cancelled", channels, now=now)
    mark_dirty([row.pk], now)
    return row


@act
def close_session(
    *,
    actor: Actor,
    now: dt.datetime,
    session: Session,
    led: Mapping[int, Sequence[Slot]] | None = None,
) -> Session:
    """Close a session that was held: from now on it counts.

    ``led`` confirms the half-days each trainer led ({SessionTrainer pk: half-days}); None
    confirms what was planned. Refused before the last day, without any presence, and while
    somebody is present at two places at once.
    """
    row = locked(actor, "sessions.close", session)
    after = _next(row, "close", "clôturée")
    if row.end > timezone.localdate(now):
        raise Refused(
            f"La session se termine le {long_date(row.end)}.",
            remedy="Elle se clôture le dernier jour ou après. Si elle s’est terminée plus tôt, "
            "corrigez d’abord ses dates.",
        )
    _require_presence(row)
    _confirm_trainers(row, led)
    row.state, row.closed_at, row.closed_by = after, now, actor.account
    row.save()
    mark_dirty([row.pk], now)
    return row


@act
def reopen_session(*, actor: Actor, now: dt.datetime, session: Session, reason: str) -> Session:
    """Send a closed, not yet validated session back to its trainer, with the reason."""
    row = locked(actor, "sessions.reopen", session)
    after = _next(row, "reopen", "rouverte")
    if not reason.strip():
        raise Refused("Rouvrir une session demande un motif.", field="reason")
    row.state, row.closed_at, row.closed_by = after, None, None
    row.notice = reason.strip()
    row.save()
    mark_dirty([row.pk], now)
    return row


@act
def validate_session(*, actor: Actor, now: dt.datetime, session: Session) -> Session:
    """Validate a closed session: afterwards every correction needs a reason."""
    row = locked(actor, "sessions.validate", session)
    after = _next(row, "validate", "validée")
    _refuse_double_presences(row)
    row.state, row.validated_at, row.validated_by = after, now, actor.account
    row.save()
    mark_dirty([row.pk], now)
    return row


def _next(session: Session, action: str, word: str) -> str:
    after = policy.next_state(policy.SESSION_TRANSITIONS, action, session.state)
    if after is None:
        raise Refused(
            f"Cette session est {session.get_state_display()} : elle ne peut pas être {word}.",
            code="transition",
        )
    return after


def _check_scope(actor: Actor, data: SessionData) -> None:
    roles = policy.CAPABILITIES["sessions.plan"]
    if actor.covers(roles, data.node.path):
        return
    programme = data.programme
    if programme and actor.covers(roles & policy.PROGRAMME_ROLES, programme.node.path):
        return
    raise Refused(
        f"Vous ne planifiez pas de session à {data.node.name}.",
        field="node",
        remedy="Choisissez un lieu de votre territoire.",
    )


def _free_code(data: SessionData, *, current: Session | None) -> str:
    if not data.code and current is not None:
        return current.code
    if data.code:
        taken = Session.objects.filter(code=data.code)
        if current is not None:
            taken = taken.exclude(pk=current.pk)
        if taken.exists():
            raise Refused(
                f"Le code « {data.code} » est déjà pris par une autre session.",
                field="code",
                remedy="Laissez le champ vide pour un code automatique.",
            )
        return data.code
    stem = data.programme.code.upper()[:30] if data.programme else "S"
    number = Session.objects.filter(code__startswith=f"{stem}-").count() + 1
    while Session.objects.filter(code=f"{stem}-{number:03d}").exists():
        number += 1
    return f"{stem}-{number:03d}"


def _write(session: Session, data: SessionData, slots: Sequence[Slot]) -> None:
    if not data.title.strip():
        raise Refused("La session n’a pas de titre.", field="title")
    check_parent(session, data.parent)
    for name in _PLAIN:
        if name != "theme" or data.theme is not None:
            setattr(session, name, getattr(data, name))
    if data.organiser_name.strip():
        session.organiser = ensure_partner(data.organiser_name)
    if data.theme is None:
        session.theme = theme_named(data.theme_name)
    session.start, session.end = slots[0][0], slots[-1][0]
    session.save()
    write_slots(session, slots)


def _differences(
    session: Session, data: SessionData, slots: Sequence[Slot]
) -> dict[str, list[str]]:
    changes: dict[str, list[str]] = {}
    for name in _PLAIN:
        before, after = getattr(session, name), getattr(data, name)
        if name == "theme" and after is None:
            after = data.theme_name
        if before != after:
            changes[name] = [str(before), str(after)]
    old = sorted(HalfDay.objects.filter(session=session).values_list("date", "part"))
    if old != list(slots):
        changes["half_days"] = [f"{len(old)}", f"{len(slots)}"]
    return changes


def _require_notice(notice: str) -> None:
    if not notice.strip():
        raise Refused(
            "Écrivez l’avis aux participants.",
            field="notice",
            remedy="Par exemple le motif, et ce qu’ils doivent faire.",
        )


def _announce(
    session: Session, template: str, channels: Sequence[str], *, now: dt.datetime
) -> None:
    if channels:
        announce(
            now=now, session=session, template=template, channels=channels, notice=session.notice
        )


def _refuse_marked(session: Session) -> None:
    if Presence.objects.filter(registration__session=session).exists():
        raise Refused(
            "Des présences sont déjà notées : la session a commencé.",
            remedy="Clôturez-la, ou retirez d’abord ces présences.",
        )


def _require_presence(session: Session) -> None:
    present = Presence.objects.filter(registration__session=session).exists()
    if not present and not AnonymousCount.objects.filter(session=session).exists():
        raise Refused(
            "Aucune présence n’est notée.",
            remedy="Notez les présences, ou annulez la session si elle n’a pas eu lieu.",
        )
    _refuse_double_presences(session)


def _refuse_double_presences(session: Session) -> None:
    first = next(iter(double_presences(session)), None)
    if first is not None:
        raise Refused(
            f"{first.person} est noté présent aussi à la session {first.other_code} "
            f"le {long_date(first.date)}, {HalfDay.Part(first.part).label}.",
            remedy="Retirez l’une des deux présences avant de clôturer.",
            code="double-presence",
        )


def _confirm_trainers(session: Session, led: Mapping[int, Sequence[Slot]] | None) -> None:
    rows = list(trainers_of(session))
    check_not_participant(session, [row.agent_id for row in rows if row.agent_id])
    if led is not None:
        data = [
            TrainerData(
                agent=row.agent,
                outside_name=row.outside_name,
                employer=row.employer,
                hours=row.hours,
                half_days=list(led.get(row.pk, ())),
            )
            for row in rows
        ]
        slots = list(HalfDay.objects.filter(session=session).values_list("date", "part"))
        check_trainers(data, slots, session=session)
        write_trainers(session, data)
    with_work = SessionTrainer.objects.filter(session=session).annotate(n=Count("half_days"))
    if rows and not with_work.filter(n__gt=0).exists():
        raise Refused(
            "Aucun formateur n’a de demi-journée.",
            field="trainers",
            remedy="Cochez les demi-journées menées par chaque formateur.",
        )
