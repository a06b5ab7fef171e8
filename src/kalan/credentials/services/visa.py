"""A batch from one desk to the next: handed over for visa, approved, sent back, given up."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction

from kalan.base.errors import Refused
from kalan.credentials import policy
from kalan.credentials.models import Act, Batch
from kalan.credentials.services import checking
from kalan.credentials.services.preparing import require, require_preparer
from kalan.people.actor import Actor
from kalan.people.services.history import act, note


def hand_over(*, actor: Actor, batch: Batch, now: dt.datetime) -> Batch:
    """Hand a draft over for visa, once nothing in it keeps it from being printed and signed.

    Documents are laid out before the transaction, which holds up every other writer.
    """
    require_preparer(actor, batch)
    found = [one for one in checking.check(batch) if one.blocking]
    if found:
        more = f" (et {len(found) - 3} autres)" if len(found) > 3 else ""
        raise Refused(
            " ; ".join(str(one) for one in found[:3]) + more + ".",
            remedy="Corrigez les données puis reprenez-les ici, ou écartez ces actes.",
            code="problems",
        )
    with transaction.atomic():
        return _move(
            actor,
            batch,
            "check",
            text="Remis pour visa",
            checked_at=now,
            checked_by=actor.account,
            return_reason="",
        )


@act
def approve(*, actor: Actor, batch: Batch, now: dt.datetime) -> Batch:
    """Give the visa: a second person has looked, the batch may be signed.

    Neither who made the draft nor who handed it over, perhaps after changing it: read under a
    lock, for a batch may go back and be handed over again while this page is open. ``batch`` as it
    was read: handed over anew since, it is not what was looked at.
    """
    require(actor, batch, "acts.approve", "Vous ne visez pas les actes de ce territoire.")
    held = Batch.objects.select_for_update().filter(pk=batch.pk)
    *desks, checked_at = held.values_list("prepared_by", "checked_by", "checked_at").get()
    if batch.state == Batch.State.CHECKED and checked_at != batch.checked_at:
        raise changed_since()
    if actor.account is not None and actor.account.pk in desks:
        raise Refused(
            "Vous avez préparé ou remis ce lot : une autre personne le vise.",
            remedy="Demandez le visa à un collègue habilité.",
            code="same_person",
        )
    return _move(actor, batch, "approve", text="Visé", approved_at=now, approved_by=actor.account)


def changed_since() -> Refused:
    return Refused(
        "Ce lot a été renvoyé puis remis depuis que vous l’avez lu.",
        remedy="Relisez-le, puis donnez votre visa.",
        code="changed",
    )


@act
def send_back(*, actor: Actor, batch: Batch, reason: str, now: dt.datetime) -> Batch:
    """Return a batch to who prepared it: by the visa, or by the signatory."""
    roles = policy.CAPABILITIES["acts.approve"] | policy.CAPABILITIES["acts.sign"]
    if not actor.covers(roles, batch.node.path):
        raise Refused("Vous ne visez ni ne signez les actes de ce territoire.", code="forbidden")
    if not reason.strip():
        raise Refused("Le motif manque.", field="reason", remedy="Dites ce qu’il faut corriger.")
    return _move(
        actor,
        batch,
        "return",
        text="Renvoyé à la préparation",
        returned_at=now,
        return_reason=reason.strip()[:300],
        checked_at=None,
        checked_by=None,
        approved_at=None,
        approved_by=None,
    )


@act
def cancel(*, actor: Actor, batch: Batch, now: dt.datetime, reason: str = "") -> Batch:
    """Give up a batch that nobody has signed."""
    require_preparer(actor, batch)
    moved = _move(actor, batch, "cancel", text="Abandonné")
    Act.objects.filter(batch=batch).update(holds_record=False)
    return moved


def _move(actor: Actor, batch: Batch, action: str, *, text: str, **fields: Any) -> Batch:
    """Change the state by a conditional update: of two people one moves it, the other is told."""
    for before, after in policy.BATCH_TRANSITIONS[action].items():
        if Batch.objects.filter(pk=batch.pk, state=before).update(state=after, **fields):
            batch.refresh_from_db()
            note(actor=actor, subject=batch, text=text, reason=fields.get("return_reason", ""))
            return batch
    batch.refresh_from_db()
    raise Refused(
        f"Ce lot est maintenant « {batch.get_state_display()} ».",
        remedy="Relisez la page : quelqu’un d’autre l’a fait avancer.",
        code="state",
    )
