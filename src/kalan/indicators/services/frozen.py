"""Freezing figures, declaring those of old reports, and outside denominators."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from kalan.base import files
from kalan.base.errors import Refused
from kalan.indicators import policy
from kalan.indicators.definitions import BY_CODE
from kalan.indicators.models import DeclaredFigure, Denominator, FrozenFigures
from kalan.indicators.selectors import frozen as reads
from kalan.indicators.selectors import public
from kalan.indicators.selectors.board import board
from kalan.indicators.selectors.scope import Filters, reach_of
from kalan.indicators.selectors.values import values
from kalan.indicators.services.refresh import ensure_fresh
from kalan.people.actor import Actor
from kalan.people.models import Cadre, OrgNode
from kalan.people.services.history import note
from kalan.training.models import Programme

MAX_DOCUMENT = 20 * 1024 * 1024


def freeze(
    *,
    actor: Actor,
    now: dt.datetime,
    label: str,
    programme: Programme | None,
    start: dt.date | None = None,
    end: dt.date | None = None,
    publish: bool = False,
) -> FrozenFigures:
    """Keep the figures of a programme (None: of all) and a period, with the list behind them.

    ``publish`` shows them on /chiffres/ instead of the live ones; only for a whole programme that
    is public. Raises Refused when the actor does not cover the programme, when sessions are still
    being recounted, or when the dates are in the wrong order.
    """
    _may(actor, "indicators.freeze", programme.node if programme else None)
    if not label.strip():
        raise Refused("Le titre manque.", field="label", remedy="Nommez l’arrêté.")
    if start and end and start > end:
        raise Refused("La fin est avant le début.", field="end", remedy="Inversez les deux dates.")
    if publish and (programme is None or not programme.public or start or end):
        raise Refused(
            "Seul un programme public, sur toute sa durée, peut être publié.",
            field="publish",
            remedy="Retirez les dates ou décochez la publication.",
        )
    if ensure_fresh(now=now).stale:
        raise Refused(
            "Des sessions sont en cours de recalcul.", remedy="Réessayez dans quelques minutes."
        )
    with transaction.atomic():
        reach = reads.reach_of_freeze(programme, start, end)
        exact = values(board(reach, day=end or now.date()))
        row = FrozenFigures.objects.create(
            label=label.strip(),
            programme=programme,
            start=start,
            end=end,
            figures={code: None if v is None else str(v) for code, v in exact.items()},
            basis=reads.basis(reach),
            public=publish,
            published=public.snapshot(programme) if publish and programme else {},
            frozen_at=now,
            frozen_by=actor.account,
        )
        if publish:
            _only_this_one(row)
        note(actor=actor, subject=row, text=f"chiffres arrêtés : {row.label}")
        return row


def set_public(
    *, actor: Actor, now: dt.datetime, frozen: FrozenFigures, shown: bool
) -> FrozenFigures:
    """Show a freeze on /chiffres/, or return to the live figures."""
    visible = reads.freezes_visible_to(actor, "indicators.freeze")
    with transaction.atomic():
        row = FrozenFigures.objects.select_for_update().get(pk=visible.get(pk=frozen.pk).pk)
        if shown and not row.published:
            raise Refused(
                "Cet arrêté n’a pas été préparé pour la publication.",
                remedy="Faites un nouvel arrêté en cochant la publication.",
            )
        row.public = shown
        row.save(update_fields=["public"])
        if shown:
            _only_this_one(row)
        note(actor=actor, subject=row, text="publié" if shown else "retiré de la publication")
        return row


def _only_this_one(row: FrozenFigures) -> None:
    FrozenFigures.objects.filter(programme=row.programme, public=True).exclude(pk=row.pk).update(
        public=False
    )


def declare(
    *,
    actor: Actor,
    now: dt.datetime,
    indicator: str,
    value: Decimal,
    period: str,
    source: str,
    programme: Programme | None,
    node: OrgNode | None,
    document: UploadedFile[bytes] | None,
) -> DeclaredFigure:
    """Note a total of an old report with its document; it is never added to computed figures."""
    _may(actor, "indicators.declare", node or (programme.node if programme else None))
    definition = BY_CODE.get(indicator)
    if definition is None:
        raise Refused("Cet indicateur n’existe pas.", field="indicator", remedy="Choisissez-en un.")
    if value < 0:
        raise Refused(
            "Un chiffre déclaré n’est pas négatif.", field="value", remedy="Corrigez la valeur."
        )
    if document is None:
        raise Refused(
            "Le document manque.",
            field="document",
            remedy="Joignez le rapport d’où vient le chiffre (PDF, image ou tableur).",
        )
    if (document.size or 0) > MAX_DOCUMENT:
        raise Refused(
            "Le document dépasse 20 Mo.", field="document", remedy="Joignez les pages utiles."
        )
    with transaction.atomic():
        row = DeclaredFigure.objects.create(
            label=definition.label,
            indicator=indicator,
            value=value,
            period=period.strip(),
            source=source.strip(),
            programme=programme,
            node=node,
            document=files.store(
                content=document,
                name=document.name or "document",
                kind="report",
                by=actor.account,
                now=now,
                content_type=document.content_type or "application/octet-stream",
            ),
            declared_at=now,
            declared_by=actor.account,
        )
        note(actor=actor, subject=row, text=f"chiffre déclaré : {row.label} {row.value}")
        return row


def withdraw(*, actor: Actor, now: dt.datetime, declared: DeclaredFigure, reason: str) -> None:
    """Take a declared figure away; the history keeps what it said, and why it left."""
    if len(reason.strip()) < 5:
        raise Refused("Le motif manque.", field="reason", remedy="Écrivez pourquoi.")
    row = reads.declared_visible_to(actor, "indicators.declare").get(pk=declared.pk)
    with transaction.atomic():
        note(
            actor=actor,
            subject=row,
            text=f"chiffre déclaré retiré : {row.label} {row.value}",
            reason=reason,
        )
        row.delete()


def set_denominator(
    *,
    actor: Actor,
    now: dt.datetime,
    node: OrgNode,
    cadre: Cadre | None,
    value: int,
    source: str,
    as_of: dt.date,
    includes: str,
) -> Denominator:
    """Note how many staff an outside source counts in a territory on a date (or correct it)."""
    _may(actor, "indicators.denominators", node)
    if as_of > now.date():
        raise Refused("La date est à venir.", field="as_of", remedy="Donnez la date de la source.")
    if not includes.strip():
        raise Refused(
            "Dites quels statuts la source compte.",
            field="includes",
            remedy="Par exemple : fonctionnaires et contractuels, sans agents communautaires.",
        )
    with transaction.atomic():
        row, _ = Denominator.objects.update_or_create(
            node=node,
            cadre=cadre,
            as_of=as_of,
            defaults={"value": value, "source": source.strip(), "includes": includes.strip()},
        )
        note(actor=actor, subject=row, text=f"effectif de référence : {row.value}")
        return row


def _may(actor: Actor, capability: str, node: OrgNode | None) -> None:
    """Without a node (every programme), a role on the whole tree is needed."""
    roles = policy.CAPABILITIES[capability]
    if node is not None:
        allowed = actor.covers(roles, node.path)
    else:
        allowed = actor.can(roles) and reach_of(actor, Filters()).everything
    if not allowed:
        raise Refused(
            "Vous n’avez pas le droit de faire cela ici.",
            remedy="Demandez-le au responsable du programme.",
            code="forbidden",
        )
