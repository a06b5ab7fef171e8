"""An act replaced by one set right: a batch of one act, signed the ordinary way; the old act stands
until it is signed."""

from __future__ import annotations

import copy
import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from kalan.base.errors import Refused
from kalan.credentials.models import Act, ActEvent, Batch, RegisterEntry
from kalan.credentials.services import second_factor
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
from kalan.credentials.services.sources.common import initials
from kalan.people.actor import Actor
from kalan.people.services.history import act as transactional
from kalan.people.services.history import note

_S = Act.Status
# What of the frozen data may be set right in a replacement; the rest comes from the records.
CORRECTABLE = {
    "name": "nom et prénoms",
    "born_on": "date de naissance",
    "cadre": "cadre",
    "structure": "structure",
    "employer": "employeur",
}


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
            raise used_form()
        return known
    must_be_signed(held)
    if held.status == _S.REPLACED:
        raise Refused("Cet acte est déjà remplacé.", code="state")
    if held.status == _S.REVOKED:
        must_be_alone(held)
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


def hold_replaced(batch: Batch) -> None:
    """Lock the act that ``batch`` replaces. To be called before the register is written to, which
    is also the order of who revokes an act: else each could wait for the other for ever."""
    if batch.source == Batch.Source.REPLACEMENT:
        rows = Act.objects.select_for_update().filter(uid=batch.options.get("replaces"))
        rows.values_list("pk").first()


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
        add_event(
            old,
            ActEvent.Kind.REPLACED,
            uid=uuid.uuid5(batch.uid, "replaced"),
            actor=actor,
            now=now,
            text=text,
            other=new,
        )
        enter(RegisterEntry.Kind.REPLACED, old, actor=actor, now=now, new=new.number or "")
