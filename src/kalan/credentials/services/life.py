"""After issue: an act is revoked, or the revocation undone within a day.

Each is a row that is only added (ActEvent), an entry of the register, and a status that the check
page reads; the event's uid comes from the page, so that what is sent twice is done once.
"""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import IntegrityError, transaction
from django.utils import timezone

from kalan.base.errors import Refused
from kalan.credentials import policy
from kalan.credentials.models import Act, ActEvent, RegisterEntry
from kalan.credentials.selectors.batches import acts_visible_to
from kalan.credentials.selectors.offices import offices_of
from kalan.credentials.services import delivery, second_factor
from kalan.credentials.services.issued import (
    about,
    add_event,
    enter,
    find,
    must_be_alone,
    must_be_signed,
    used_form,
)
from kalan.credentials.services.second_factor import Factor, Given
from kalan.people.actor import Actor
from kalan.people.services.history import act as transactional
from kalan.people.services.history import note

_E, _S = ActEvent.Kind, Act.Status
UNDO_WITHIN = dt.timedelta(hours=24)


def _opened(actor: Actor, act: Act, uid: uuid.UUID) -> tuple[Act, ActEvent | None]:
    """The act, locked, and what this very page has already led to; Refused when that was about
    another act."""
    held = find(actor, act, "acts.revoke")
    known = ActEvent.objects.filter(uid=uid).first()
    if known is not None and known.act_id != held.pk:
        raise used_form()
    return held, known


def confirm_number(act: Act, typed: str) -> None:
    """Refuse unless the number of the act was typed: nobody ends an act by a slip of the hand."""
    if typed.strip().upper() != act.number:
        raise Refused(
            "Ce n’est pas le numéro de cet acte.",
            field="number",
            remedy=f"Recopiez : {act.number}.",
        )


def revoke(
    *,
    actor: Actor,
    now: dt.datetime,
    act: Act,
    uid: uuid.UUID,
    reason: str,
    text: str,
    number: str,
    given: Given | None = None,
) -> ActEvent:
    """End an act for good. ``reason`` is shown to whoever checks it, ``text`` to staff only.

    ``number``: that of the act, typed again. ``given``: the second factor of who signs or
    administers. Refused when the act no longer stands.
    """

    def work(factor: Factor | None) -> ActEvent:
        return _revoke(
            actor=actor, now=now, act=act, uid=uid, reason=reason, text=text, number=number,
            factor=factor,
        )  # fmt: skip

    return second_factor.when_asked(
        actor, given, about=about("revoke", act, uid), now=now, work=work,
        done=lambda: _done(actor, act, uid),
    )  # fmt: skip


def _done(actor: Actor, act: Act, uid: uuid.UUID) -> ActEvent | None:
    return ActEvent.objects.filter(uid=uid, act=act, by=actor.account).first()


@transactional
def _revoke(
    *,
    actor: Actor,
    now: dt.datetime,
    act: Act,
    uid: uuid.UUID,
    reason: str,
    text: str,
    number: str,
    factor: Factor | None,
) -> ActEvent:
    held, known = _opened(actor, act, uid)
    if known is not None:
        return known
    must_be_signed(held)
    confirm_number(held, number)
    if reason not in ActEvent.Reason.values:
        raise Refused("Choisissez un motif.", field="reason")
    if len(text.strip()) < 5:
        raise Refused(
            "Dites en une phrase pourquoi.", field="text", remedy="Elle reste dans le dossier."
        )
    if not Act.objects.filter(pk=held.pk, status=_S.VALID).update(status=_S.REVOKED):
        raise Refused(f"Cet acte est déjà {held.get_status_display()}.", code="state")
    event = add_event(held, _E.REVOKED, uid=uid, actor=actor, now=now, reason=reason, text=text)
    enter(RegisterEntry.Kind.REVOKED, held, actor=actor, now=now, reason=reason)
    note(
        actor=actor,
        subject=held.batch,
        text=f"Acte {held.number} révoqué",
        reason=text,
        data=second_factor.noted(factor),
    )
    delivery.tell_revoked(act=held, reason=reason, now=now)
    return event


def may_undo(actor: Actor, act: Act, *, now: dt.datetime) -> bool:
    """Whether ``actor`` may undo the revocation: an administrator, or who signs for the office,
    within a day."""
    last = _last(act, _E.REVOKED)
    if act.status != _S.REVOKED or last is None or now > last.at + UNDO_WITHIN:
        return False
    if actor.covers(policy.CAPABILITIES["acts.reinstate"], act.batch.node.path):
        return True
    mine = offices_of(actor, today=timezone.localdate(now))
    return mine.filter(pk=act.batch.office_id).exists()


def reinstate(
    *,
    actor: Actor,
    now: dt.datetime,
    act: Act,
    uid: uuid.UUID,
    text: str,
    given: Given | None = None,
) -> ActEvent:
    """Undo a mistaken revocation, within a day: both stay in the register. ``given``: the second
    factor of who signs or administers."""

    def work(factor: Factor | None) -> ActEvent:
        return _reinstate(actor=actor, now=now, act=act, uid=uid, text=text, factor=factor)

    return second_factor.when_asked(
        actor, given, about=about("reinstate", act, uid), now=now, work=work,
        done=lambda: _done(actor, act, uid),
    )  # fmt: skip


@transactional
def _reinstate(
    *,
    actor: Actor,
    now: dt.datetime,
    act: Act,
    uid: uuid.UUID,
    text: str,
    factor: Factor | None,
) -> ActEvent:
    held, known = _opened(actor, act, uid)
    if known is not None:
        return known
    if held.status != _S.REVOKED:
        raise Refused("Cet acte n’est pas révoqué.", code="state")
    if not may_undo(actor, held, now=now):
        raise Refused(
            "Cette révocation ne s’annule plus.",
            remedy="Elle s’annule dans les 24 heures, par un administrateur ou par qui signe pour "
            "cette fonction. Ensuite, préparez un nouvel acte.",
            code="late",
        )
    if len(text.strip()) < 5:
        raise Refused("Dites en une phrase pourquoi.", field="text")
    must_be_alone(held)
    try:
        with transaction.atomic():
            Act.objects.filter(pk=held.pk, status=_S.REVOKED).update(status=_S.VALID)
    except IntegrityError:  # prepared anew since the look above
        must_be_alone(held)
        raise
    event = add_event(held, _E.REINSTATED, uid=uid, actor=actor, now=now, text=text)
    enter(RegisterEntry.Kind.REINSTATED, held, actor=actor, now=now)
    note(
        actor=actor,
        subject=held.batch,
        text=f"Révocation de l’acte {held.number} annulée",
        reason=text,
        data=second_factor.noted(factor),
    )
    return event


def _last(act: Act, kind: str) -> ActEvent | None:
    return ActEvent.objects.filter(act=act, kind=kind).order_by("-at", "-pk").first()


def one(actor: Actor, uid: uuid.UUID) -> Act:
    """The act of a staff page; Act.DoesNotExist out of scope."""
    return (
        acts_visible_to(actor)
        .filter(state__in=[Act.State.SIGNED, Act.State.VOID, Act.State.FAILED, Act.State.PLANNED])
        .select_related(
            "agent",
            "outsider",
            "structure",
            "renews",
            "pack__file",
            "batch__office__node",
            "batch__node",
            "batch__version__template",
            "batch__run__key",
        )
        .get(uid=uid)
    )
