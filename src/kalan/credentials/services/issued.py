"""What happens to an act after issue is a row that is only added (ActEvent), an entry of the
register, and a status that the check page reads: what revoking and replacing have in common."""

from __future__ import annotations

import datetime as dt
import uuid

from kalan.base.errors import Refused
from kalan.credentials import policy
from kalan.credentials.models import Act, ActEvent, Batch
from kalan.credentials.services import register
from kalan.people.actor import Actor


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


def used_form() -> Refused:
    return Refused(
        "Cette page a déjà servi pour un autre acte.",
        remedy="Rouvrez-la depuis l’acte et recommencez.",
        code="used_form",
    )


def must_be_signed(act: Act) -> None:
    if act.state != Act.State.SIGNED:
        raise Refused("Cet acte n’est pas signé.", code="state")


def must_be_alone(act: Act) -> None:
    """Refuse when, since ``act`` was revoked, another act about the same thing was signed or is on
    its way: two would be valid. Its own replacement, which will end it, is not another."""
    others = (
        Act.objects.filter(record=act.record, status=Act.Status.VALID)
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


def about(action: str, act: Act, uid: uuid.UUID) -> str:
    """What a passkey confirms: "revoke", "reinstate" or "replace" that act, from that page."""
    return f"{action}:{act.uid}:{uid}"


def add_event(
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


def enter(kind: str, act: Act, *, actor: Actor, now: dt.datetime, **body: str) -> None:
    register.append(
        kind=kind,
        by=actor.account,
        now=now,
        body={"act": act.number, "sha256": act.sha256, **body},
        act=act,
    )
