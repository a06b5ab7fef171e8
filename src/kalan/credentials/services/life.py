"""After issue: an act is revoked, the revocation undone within a day, or the act replaced.

Each is a row that is only added (ActEvent), an entry of the register, and a status that the check
page reads; the event's uid comes from the page, so that what is sent twice is done once.
"""

from __future__ import annotations

import copy
import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from kalan.base.errors import Refused
from kalan.credentials import policy
from kalan.credentials.models import Act, ActEvent, Batch, RegisterEntry
from kalan.credentials.selectors.batches import acts_visible_to
from kalan.credentials.selectors.offices import offices_of
from kalan.credentials.services import delivery, publishing, register, second_factor
from kalan.credentials.services.second_factor import Factor, Given
from kalan.credentials.services.sources.common import initials
from kalan.people.actor import Actor
from kalan.people.services.history import act as transactional
from kalan.people.services.history import note

_E, _S = ActEvent.Kind, Act.Status
UNDO_WITHIN = dt.timedelta(hours=24)
# What of the frozen data may be set right in a replacement; the rest comes from the records.
CORRECTABLE = {
    "name": "nom et prénoms",
    "born_on": "date de naissance",
    "cadre": "cadre",
    "structure": "structure",
    "employer": "employeur",
}


def find(actor: Actor, act: Act, capability: str) -> Act:
    """The act, locked, once ``actor`` has ``capability`` on its batch's territory.

    Structure managers see acts of their people (``acts_visible_to``); what changes an act goes
    by its batch. Raises Act.DoesNotExist, as for an address of another territory.
    """
    rows = Act.objects.filter(actor.scope(policy.CAPABILITIES[capability], "batch__node__"))
    return (
        rows.select_for_update(of=("self",))
        .select_related("batch__office", "batch__version__template", "batch__run__key", "agent")
        .get(pk=act.pk)
    )


def _known(uid: uuid.UUID, act: Act) -> ActEvent | None:
    """What this very page has already led to; Refused when it was about another act."""
    known = ActEvent.objects.filter(uid=uid).first()
    if known is not None and known.act_id != act.pk:
        raise _used_form()
    return known


def _used_form() -> Refused:
    return Refused(
        "Cette page a déjà servi pour un autre acte.",
        remedy="Rouvrez-la depuis l’acte et recommencez.",
        code="used_form",
    )


def _must_be_signed(act: Act) -> None:
    if act.state != Act.State.SIGNED:
        raise Refused("Cet acte n’est pas signé.", code="state")


def _must_be_alone(act: Act) -> None:
    """Refuse when, since ``act`` was revoked, another act about the same thing was signed or is on
    its way: two would be valid. Its own replacement, which will end it, is not another."""
    others = (
        Act.objects.filter(record=act.record, status=_S.VALID)
        .exclude(pk=act.pk)
        .exclude(state__in=[Act.State.EXCLUDED, Act.State.VOID])
        .exclude(batch__state=Batch.State.CANCELLED)
        .select_related("batch")
        .defer("data")
        .order_by("-pk")
    )
    mine = str(act.uid)
    newer = next((one for one in others if one.batch.options.get("replaces") != mine), None)
    if newer is None:
        return
    if newer.state == Act.State.SIGNED:
        raise Refused(
            f"L’acte {newer.number} a été signé depuis pour la même chose : deux seraient "
            "valables.",
            remedy=f"Si {act.number} est le bon, révoquez d’abord {newer.number}.",
            code="newer",
        )
    raise Refused(
        f"Un nouvel acte est en préparation dans « {newer.batch.title} » pour la même chose.",
        remedy="Écartez-le de ce lot, ou abandonnez le lot, puis recommencez.",
        code="newer",
    )


def confirm_number(act: Act, typed: str) -> None:
    """Refuse unless the number of the act was typed: nobody ends an act by a slip of the hand."""
    if typed.strip().upper() != act.number:
        raise Refused(
            "Ce n’est pas le numéro de cet acte.",
            field="number",
            remedy=f"Recopiez : {act.number}.",
        )


def about(action: str, act: Act, uid: uuid.UUID) -> str:
    """What a passkey confirms: "revoke", "reinstate" or "replace" that act, from that page."""
    return f"{action}:{act.uid}:{uid}"


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
    held = find(actor, act, "acts.revoke")
    known = _known(uid, held)
    if known is not None:
        return known
    _must_be_signed(held)
    confirm_number(held, number)
    if reason not in ActEvent.Reason.values:
        raise Refused("Choisissez un motif.", field="reason")
    if len(text.strip()) < 5:
        raise Refused(
            "Dites en une phrase pourquoi.", field="text", remedy="Elle reste dans le dossier."
        )
    if not Act.objects.filter(pk=held.pk, status=_S.VALID).update(status=_S.REVOKED):
        raise Refused(f"Cet acte est déjà {held.get_status_display()}.", code="state")
    event = _event(held, _E.REVOKED, uid=uid, actor=actor, now=now, reason=reason, text=text)
    _enter(RegisterEntry.Kind.REVOKED, held, actor=actor, now=now, reason=reason)
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
    held = find(actor, act, "acts.revoke")
    known = _known(uid, held)
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
    _must_be_alone(held)
    try:
        with transaction.atomic():
            Act.objects.filter(pk=held.pk, status=_S.REVOKED).update(status=_S.VALID)
    except IntegrityError:  # prepared anew since the look above
        _must_be_alone(held)
        raise
    event = _event(held, _E.REINSTATED, uid=uid, actor=actor, now=now, text=text)
    _enter(RegisterEntry.Kind.REINSTATED, held, actor=actor, now=now)
    note(
        actor=actor,
        subject=held.batch,
        text=f"Révocation de l’acte {held.number} annulée",
        reason=text,
        data=second_factor.noted(factor),
    )
    return event


def replace(
    *,
    actor: Actor,
    now: dt.datetime,
    act: Act,
    uid: uuid.UUID,
    changes: Mapping[str, str],
    reason: str,
    given: Given | None = None,
) -> Batch:
    """Prepare the act that will replace ``act``: a draft of one, with ``changes`` (CORRECTABLE).

    It goes the way of every batch (visa, signature); the old act stands until it is signed.
    ``uid`` becomes that of the batch: sent twice, one draft. ``given``: the second factor of who
    signs or administers.
    """

    def work(factor: Factor | None) -> Batch:
        return _replace(
            actor=actor, now=now, act=act, uid=uid, changes=changes, reason=reason, factor=factor
        )

    def done() -> Batch | None:
        rows = Batch.objects.filter(uid=uid, options__replaces=str(act.uid))
        return rows.filter(prepared_by=actor.account).first()

    return second_factor.when_asked(
        actor, given, about=about("replace", act, uid), now=now, work=work, done=done
    )


@transactional
def _replace(
    *,
    actor: Actor,
    now: dt.datetime,
    act: Act,
    uid: uuid.UUID,
    changes: Mapping[str, str],
    reason: str,
    factor: Factor | None,
) -> Batch:
    held = find(actor, act, "acts.prepare")
    known = Batch.objects.filter(uid=uid).first()
    if known is not None:
        if known.options.get("replaces") != str(held.uid):
            raise _used_form()
        return known
    _must_be_signed(held)
    if held.status == _S.REPLACED:
        raise Refused("Cet acte est déjà remplacé.", code="state")
    if held.status == _S.REVOKED:
        _must_be_alone(held)
    if len(reason.strip()) < 5:
        raise Refused("Dites en une phrase ce qui est corrigé.", field="reason")
    waiting = replacement_of(held)
    if waiting is not None:
        raise Refused(
            "Un remplacement de cet acte est déjà en préparation.",
            remedy=f"Ouvrez le lot « {waiting.title} ».",
            code="waiting",
        )
    batch = _replacing_batch(actor, now, held, uid, reason)
    _replacing_act(batch, held, changes)
    note(
        actor=actor,
        subject=batch,
        text=f"Remplacement de l’acte {held.number}",
        reason=reason,
        data=second_factor.noted(factor),
    )
    return batch


def replacement_of(act: Act) -> Batch | None:
    """The batch under way that will replace ``act``, if there is one."""
    return (
        Batch.objects.filter(source=Batch.Source.REPLACEMENT, options__replaces=str(act.uid))
        .exclude(state__in=[Batch.State.CANCELLED, Batch.State.SIGNED])
        .order_by("-pk")
        .first()
    )


def _replacing_batch(
    actor: Actor, now: dt.datetime, old: Act, uid: uuid.UUID, reason: str
) -> Batch:
    before = old.batch
    current = before.version.template.versions.filter(current=True).order_by("-number").first()
    if before.office.retired_at is not None:
        raise Refused(
            f"« {before.office.title} » ne signe plus d’actes.",
            remedy="Préparez un nouvel acte depuis la session, puis révoquez celui-ci.",
        )
    return Batch.objects.create(
        uid=uid,
        version=current or before.version,
        office=before.office,
        node=before.node,
        source=Batch.Source.REPLACEMENT,
        programme=before.programme,
        session=before.session,
        exam=before.exam,
        title=f"Remplacement de {old.number}",
        mode=before.office.mode,
        options={"replaces": str(old.uid), "number": old.number, "reason": reason.strip()[:300]},
        simulated=before.simulated,
        prepared_at=now,
        prepared_by=actor.account,
    )


def _replacing_act(batch: Batch, old: Act, changes: Mapping[str, str]) -> Act:
    data: dict[str, Any] = copy.deepcopy(old.data)
    holder = dict(data.get("holder") or {})
    for field, value in changes.items():
        if field not in CORRECTABLE:
            raise Refused("Ce champ ne se corrige pas ici.", field=field)
        if value.strip():
            holder[field] = " ".join(value.split())
        else:
            holder.pop(field, None)
    name = holder.get("name") or old.name
    holder["name"] = name
    data["holder"] = holder
    return Act.objects.create(
        batch=batch,
        rank=1,
        record=old.record,
        holds_record=False,  # the old one does, until this one is signed
        agent=old.agent,
        outsider=old.outsider,
        structure=old.structure,
        name=name[:250],
        initials=initials(name),
        email=old.email,
        phone=old.phone,
        data=data,
        valid_until=old.valid_until,
        renews=old.renews,
    )


def complete_replacement(*, batch: Batch, now: dt.datetime) -> None:
    """The replacing act is signed: the old one no longer holds and leads to the new one.

    To be called in the transaction that signs ``batch``; of other batches it does nothing, and a
    second call changes nothing.
    """
    if batch.source != Batch.Source.REPLACEMENT or batch.state != Batch.State.SIGNED:
        return
    new = Act.objects.filter(batch=batch, state=Act.State.SIGNED).order_by("rank").first()
    old = Act.objects.filter(uid=batch.options.get("replaces")).select_related("batch").first()
    if new is None or old is None:
        return
    with transaction.atomic():
        if not Act.objects.filter(pk=old.pk).exclude(status=_S.REPLACED).update(status=_S.REPLACED):
            return
        by = batch.run.account if batch.run else None
        actor = Actor(account=by)
        text = batch.options.get("reason", "")
        _event(
            old,
            _E.REPLACED,
            uid=uuid.uuid5(batch.uid, "replaced"),
            actor=actor,
            now=now,
            text=text,
            other=new,
        )
        _enter(RegisterEntry.Kind.REPLACED, old, actor=actor, now=now, new=new.number or "")


def _event(
    act: Act,
    kind: str,
    *,
    uid: uuid.UUID,
    actor: Actor,
    now: dt.datetime,
    reason: str = "",
    text: str = "",
    other: Act | None = None,
) -> ActEvent:
    return ActEvent.objects.create(
        uid=uid,
        act=act,
        kind=kind,
        reason=reason,
        text=text.strip()[:300],
        other=other,
        at=now,
        by=actor.account,
    )


def _enter(kind: str, act: Act, *, actor: Actor, now: dt.datetime, **body: str) -> None:
    register.append(
        kind=kind,
        by=actor.account,
        now=now,
        body={"act": act.number, "sha256": act.sha256, **body},
        act=act,
    )
    transaction.on_commit(publishing.renew, robust=True)


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
