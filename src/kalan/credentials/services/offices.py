"""Offices, who holds them from when to when, and who may sign for them today."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q
from django.utils import timezone

from kalan.base.errors import Refused
from kalan.credentials import policy
from kalan.credentials.models import Office, OfficeHolder, SigningKey
from kalan.credentials.models.offices import Mode
from kalan.people.actor import Actor
from kalan.people.models import Account, OrgNode, Role
from kalan.people.selectors.core import grants_in_force
from kalan.people.services.history import act

_C = OfficeHolder.Capacity


@act
def open_office(
    *,
    actor: Actor,
    node: OrgNode,
    title: str,
    place: str,
    now: dt.datetime,
    body: str = "",
    mode: str = Mode.ELECTRONIC,
    key: SigningKey | None = None,
) -> Office:
    """Create an office that signs the acts of ``node`` and of what lies below it."""
    _require(actor, node.path)
    _check_words(title, place)
    _check_key(mode, key)
    return Office.objects.create(
        node=node,
        title=title.strip(),
        body=body.strip(),
        place=place.strip(),
        mode=mode,
        key=key,
        created_at=now,
    )


@act
def change_office(
    *,
    actor: Actor,
    office: Office,
    title: str,
    place: str,
    now: dt.datetime,
    body: str = "",
    mode: str = Mode.ELECTRONIC,
    key: SigningKey | None = None,
) -> Office:
    """Change what the next acts will print; signed ones keep what they said."""
    _require(actor, office.node.path)
    _check_words(title, place)
    _check_key(mode, key)
    office.title, office.body, office.place = title.strip(), body.strip(), place.strip()
    office.mode, office.key = mode, key
    office.save(update_fields=["title", "body", "place", "mode", "key"])
    return office


@act
def retire_office(*, actor: Actor, office: Office, now: dt.datetime, reason: str = "") -> Office:
    """Close an office: nothing more is prepared for it, nobody signs for it."""
    _require(actor, office.node.path)
    if office.retired_at is None:
        office.retired_at = now
        office.save(update_fields=["retired_at"])
    return office


@act
def appoint(
    *,
    actor: Actor,
    office: Office,
    account: Account,
    capacity: str,
    name: str,
    title: str,
    start: dt.date,
    now: dt.datetime,
    end: dt.date | None = None,
    reference: str = "",
) -> OfficeHolder:
    """Let ``account`` sign for ``office`` from ``start`` to ``end`` (both included)."""
    _require(actor, office.node.path)
    # One at a time for an office: two appointments that cross would each find the title free.
    office = Office.objects.select_for_update(of=("self",)).select_related("node").get(pk=office.pk)
    if office.retired_at is not None:
        raise Refused("Cette fonction est fermée.", remedy="Ouvrez-en une autre.")
    _check_printed(capacity, name, title)
    if end is not None and end < start:
        raise Refused("La fin précède le début.", remedy="Corrigez les dates.", field="end")
    _check_signatory(account, office, max(start, timezone.localdate(now)))
    if capacity == _C.TITLE:
        _check_title_free(office, start, end)
    holder, made = OfficeHolder.objects.get_or_create(
        office=office,
        account=account,
        capacity=capacity,
        start=start,
        defaults={
            "name": name.strip(),
            "title": title.strip(),
            "reference": reference.strip(),
            "end": end,
            "created_at": now,
            "created_by": actor.account,
        },
    )
    if not made:
        raise Refused("Cette période est déjà inscrite.", field="start")
    return holder


@act
def end_holder(
    *, actor: Actor, holder: OfficeHolder, end: dt.date, now: dt.datetime, reason: str = ""
) -> OfficeHolder:
    """Say the last day on which ``holder`` signs. What was signed before keeps its value."""
    _require(actor, holder.office.node.path)
    if end < holder.start:
        raise Refused("La fin précède le début.", remedy="Corrigez la date.", field="end")
    # Locked as a click locks it: either it is seen here, or it sees this end.
    OfficeHolder.objects.select_for_update(no_key=True).get(pk=holder.pk)
    last = holder.runs.order_by("-confirmed_at").values_list("confirmed_at", flat=True).first()
    if last is not None and timezone.localdate(last) > end:
        raise Refused(
            f"{holder.name} a encore signé le {timezone.localdate(last):%d/%m/%Y}.",
            remedy="Choisissez ce jour ou un jour plus tard.",
            field="end",
        )
    holder.end = end
    holder.save(update_fields=["end"])
    return holder


def _check_printed(capacity: str, name: str, title: str) -> None:
    if capacity not in _C.values:
        raise Refused("La qualité du signataire est inconnue.", field="capacity")
    if not name.strip() or not title.strip():
        raise Refused(
            "Le nom et le titre du signataire sont imprimés sur les actes.",
            remedy="Écrivez-les tels qu’ils doivent paraître.",
            field="name" if not name.strip() else "title",
        )


def _check_signatory(account: Account, office: Office, day: dt.date) -> None:
    grants = grants_in_force(day).filter(account=account, role=Role.SIGNATORY)
    paths = grants.values_list("node__path", flat=True)
    if not any(office.node.path.startswith(path) for path in paths):
        raise Refused(
            f"{account.display_name} n’a pas le rôle « signataire » sur ce territoire.",
            remedy="Donnez-lui d’abord ce rôle, sur ce territoire ou au-dessus.",
            field="account",
            code="not_signatory",
        )


def _check_title_free(office: Office, start: dt.date, end: dt.date | None) -> None:
    """Refuse a second holder in title on any day from ``start`` to ``end`` (None: no end)."""
    rows = OfficeHolder.objects.filter(office=office, capacity=_C.TITLE)
    rows = rows.filter(Q(end__isnull=True) | Q(end__gte=start))
    if end is not None:
        rows = rows.filter(start__lte=end)
    other = rows.order_by("start", "pk").first()
    if other is not None:
        raise Refused(
            f"{other.name} tient déjà cette fonction en titre à ces dates.",
            remedy="Mettez d’abord fin à sa période, ou choisissez « par intérim ».",
            field="start",
        )


def _require(actor: Actor, path: str) -> None:
    if not actor.covers(policy.CAPABILITIES["offices.edit"], path):
        raise Refused(
            "Seul un administrateur du territoire règle les fonctions qui signent.",
            code="forbidden",
        )


def _check_words(title: str, place: str) -> None:
    if not title.strip():
        raise Refused("Le titre de la fonction manque.", field="title")
    if not place.strip():
        raise Refused("Le lieu manque.", remedy="Il est imprimé après « Fait à ».", field="place")


def _check_key(mode: str, key: SigningKey | None) -> None:
    if mode not in Mode.values:
        raise Refused("La manière de signer est inconnue.", field="mode")
    if key is None:
        return
    if key.purpose != SigningKey.Purpose.DOCUMENT or key.state != SigningKey.State.ACTIVE:
        raise Refused(
            f"La clé « {key.name} » ne sert pas, ou plus, à signer des actes.",
            remedy="Choisissez une clé en service.",
            field="key",
        )
