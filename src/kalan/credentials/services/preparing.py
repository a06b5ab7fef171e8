"""Batches: made from the records, set right, brought up to the records of the day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from kalan.base.errors import Refused
from kalan.base.models import StoredFile
from kalan.credentials import policy
from kalan.credentials.models import Act, Batch, Office, TemplateVersion
from kalan.credentials.selectors.renewals import previous
from kalan.credentials.services.sources import exams, files, programmes, sessions, tables
from kalan.credentials.services.sources.common import Found, Planned, Request, initials
from kalan.people.actor import Actor
from kalan.people.services.history import act, note

_S = Batch.Source

_FINDERS = {
    _S.PROGRAMME: programmes.find,
    _S.SESSION: sessions.find,
    _S.EXAM: exams.find,
    _S.SPREADSHEET: tables.find,
    _S.FILES: files.find,
}
_CHUNK = 500
_TRIES = 5
_FACTS = ("data", "name", "initials", "email", "phone", "valid_until")


@dataclass(frozen=True)
class Differences:
    """What the records say today beside what the batch holds: names, one for each act."""

    added: list[str]
    removed: list[str]
    changed: list[str]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def prepare(
    *,
    actor: Actor,
    version: TemplateVersion,
    office: Office,
    source: str,
    now: dt.datetime,
    ref: Any = None,
    file: StoredFile | None = None,
    title: str = "",
    options: Mapping[str, Any] | None = None,
) -> Batch:
    """Make a draft of one act for each record that ``source`` gives.

    ``ref``: the programme, session or exam; ``file``: the spreadsheet or archive. Raises Refused
    when the source gives nothing, when a row is bad (nothing is made then) or out of territory.
    An act whose record already has a valid one is there, set aside, with the number of that one.
    """
    _check_choice(version, office, source)
    request = Request(actor, version, office, ref, file, now, dict(options or {}))
    found = _FINDERS[Batch.Source(source)](request)
    _check_territory(actor, office, found)
    title = title.strip() or f"{version.title} · {ref or office.body or office.title}"
    return _kept(actor=actor, request=request, found=found, source=source, title=title[:200])


@act
def _kept(*, actor: Actor, request: Request, found: Found, source: str, title: str) -> Batch:
    """The draft in the database: by now every file was read and every record looked up."""
    ref = request.ref
    batch = Batch.objects.create(
        version=request.version,
        office=request.office,
        node=found.node,
        source=source,
        programme=ref if source == _S.PROGRAMME else None,
        session=ref if source == _S.SESSION else None,
        exam=ref if source == _S.EXAM else None,
        file=request.file,
        title=title,
        mode=request.office.mode,
        options=request.options,
        simulated=found.simulated,
        prepared_at=request.now,
        prepared_by=actor.account,
    )
    _add(batch, found.acts, first=1)
    return batch


def _check_choice(version: TemplateVersion, office: Office, source: str) -> None:
    if version.template.kind not in policy.SOURCE_KINDS.get(source, frozenset()):
        raise Refused(
            f"Le modèle « {version.template.name} » ne se remplit pas depuis cette source.",
            remedy="Choisissez une autre source ou un autre modèle.",
            field="version",
        )
    if version.template.retired_at is not None:
        raise Refused("Ce modèle n’est plus en service.", field="version")
    if office.retired_at is not None:
        raise Refused("Cette fonction ne signe plus.", field="office")


def _check_territory(actor: Actor, office: Office, found: Found) -> None:
    if not actor.covers(policy.CAPABILITIES["acts.prepare"], found.node.path):
        raise Refused(
            f"Vous ne préparez pas d’actes pour {found.node.name}.",
            remedy="Demandez-le à qui gère ce territoire.",
            code="forbidden",
        )
    if not found.node.path.startswith(office.node.path):
        raise Refused(
            f"{office.title} ne signe pas pour {found.node.name}.",
            remedy="Choisissez une fonction de ce territoire ou d’un territoire plus large.",
            field="office",
        )


def _add(batch: Batch, planned: list[Planned], *, first: int) -> None:
    """Add the acts. One that somebody else prepares at the same moment stands in one batch only:
    the database refuses the second, which is then set aside like any other that exists already."""
    known = [one.agent_id for one in planned if one.agent_id]
    before = previous(batch.exam, known) if batch.exam else {}
    for _ in range(_TRIES):
        rows = _rows(batch, planned, before, first=first)
        # In one order for all, so that two who prepare overlapping lists do not wait for each
        # other for ever.
        rows.sort(key=lambda row: row.record)
        try:
            with transaction.atomic():
                Act.objects.bulk_create(rows, batch_size=_CHUNK)
                return
        except IntegrityError:
            continue
    raise Refused(
        "D’autres personnes préparent les mêmes actes en ce moment.",
        remedy="Attendez une minute, puis recommencez.",
        code="twice",
    )


def _rows(
    batch: Batch, planned: list[Planned], before: Mapping[int, int], *, first: int
) -> list[Act]:
    already = _already(batch, [one.record for one in planned])
    rows = []
    for rank, one in enumerate(planned, start=first):
        problem = one.problem or already.get(one.record, "")
        rows.append(
            Act(
                batch=batch,
                rank=rank,
                record=one.record,
                agent_id=one.agent_id,
                outsider_id=one.outsider_id,
                structure_id=one.structure_id,
                renews_id=before.get(one.agent_id or 0),
                state=Act.State.EXCLUDED if problem else Act.State.DRAFT,
                problem=problem[:500],
                **_facts(one),
            )
        )
    return rows


def _facts(one: Planned) -> dict[str, Any]:
    return {
        "data": one.data,
        "name": one.name[:250],
        "initials": initials(one.name),
        "email": one.email,
        "phone": one.phone,
        "valid_until": one.valid_until,
    }


def _already(batch: Batch, records: list[str]) -> dict[str, str]:
    """Records that another batch has already certified, or is about to: what to say of them."""
    said: dict[str, str] = {}
    for start in range(0, len(records), _CHUNK):
        rows = (
            Act.objects.filter(record__in=records[start : start + _CHUNK])
            .exclude(batch=batch)
            .exclude(batch__state=Batch.State.CANCELLED)
            .exclude(state__in=[Act.State.VOID, Act.State.EXCLUDED])
            .filter(status=Act.Status.VALID)
            .order_by("pk")
            .values_list("record", "number", "batch__title")
        )
        for record, number, title in rows:
            said[record] = (
                f"Un acte existe déjà : n° {number}."
                if number
                else f"Un acte est déjà en préparation dans « {title} »."
            )
    return said


# --- the acts of a draft ---------------------------------------------------------------------


@act
def exclude(*, actor: Actor, act: Act, reason: str, now: dt.datetime) -> Act:
    """Set one act of a draft aside, with the reason that the visa will read."""
    require_preparer(actor, act.batch)
    _must_be_draft(act.batch)
    if not reason.strip():
        raise Refused("Le motif manque.", field="reason", remedy="Dites-le en une phrase.")
    moved = Act.objects.filter(pk=act.pk, state=Act.State.DRAFT).update(
        state=Act.State.EXCLUDED, problem=reason.strip()[:500]
    )
    if moved:
        note(
            actor=actor,
            subject=act.batch,
            text=f"Acte écarté : ligne {act.rank}",
            reason=reason,
        )
    act.refresh_from_db()
    return act


@act
def include(*, actor: Actor, act: Act, now: dt.datetime, reason: str = "") -> Act:
    """Take an act back that was set aside. One that would certify the same thing twice asks why."""
    require_preparer(actor, act.batch)
    _must_be_draft(act.batch)
    twice = _already(act.batch, [act.record]).get(act.record)
    if twice and not reason.strip():
        raise Refused(
            twice,
            remedy="Dites pourquoi il en faut un second, ou révoquez d’abord le premier.",
            field="reason",
            code="twice",
        )
    rows = Act.objects.filter(pk=act.pk, state=Act.State.EXCLUDED)
    try:
        with transaction.atomic():
            moved = rows.update(state=Act.State.DRAFT, problem="", holds_record=not twice)
    except IntegrityError:
        raise Refused(
            "Quelqu’un vient de préparer cet acte dans un autre lot.",
            remedy="Rechargez la page : elle dit lequel.",
            code="twice",
        ) from None
    if moved:
        note(
            actor=actor,
            subject=act.batch,
            text=f"Acte repris\u00a0: ligne {act.rank}",
            reason=reason,
        )
    act.refresh_from_db()
    return act


def differences(*, actor: Actor, batch: Batch, now: dt.datetime) -> Differences:
    """What ``refresh`` would change."""
    return _compare(batch, _again(actor, batch, now))


def refresh(*, actor: Actor, batch: Batch, now: dt.datetime) -> Differences:
    """Bring a draft up to what the records say now. What was set aside stays so.

    Files and records are read before the transaction, which holds up every other writer.
    """
    require_preparer(actor, batch)
    return _brought_up(actor=actor, batch=batch, found=_again(actor, batch, now))


@act
def _brought_up(*, actor: Actor, batch: Batch, found: list[Planned]) -> Differences:
    _must_be_draft(batch)
    seen = _compare(batch, found)
    fresh = {one.record: one for one in found}
    held = {row.record: row for row in Act.objects.filter(batch=batch)}
    gone = [row.pk for record, row in held.items() if record not in fresh]
    Act.objects.filter(batch=batch, pk__in=gone).delete()
    changed = []
    for record, row in held.items():
        if record in fresh and _differs(row, fresh[record]):
            for name, value in _facts(fresh[record]).items():
                setattr(row, name, value)
            changed.append(row)
    Act.objects.bulk_update(changed, _FACTS, batch_size=100)
    last = Act.objects.filter(batch=batch).aggregate(last=Max("rank"))["last"] or 0
    _add(batch, [one for one in found if one.record not in held], first=last + 1)
    if seen:
        text = (
            f"Repris des données : {len(seen.added)} de plus, {len(seen.removed)} de moins, "
            f"{len(seen.changed)} changés"
        )
        note(actor=actor, subject=batch, text=text)
    return seen


def _again(actor: Actor, batch: Batch, now: dt.datetime) -> list[Planned]:
    ref = batch.programme or batch.session or batch.exam
    request = Request(actor, batch.version, batch.office, ref, batch.file, now, batch.options)
    if batch.source not in _FINDERS:
        raise Refused("Ce lot remplace un acte : il ne se reprend pas des données.")
    return _FINDERS[Batch.Source(batch.source)](request).acts


def _differs(row: Act, one: Planned) -> bool:
    return any(getattr(row, name) != value for name, value in _facts(one).items())


def _compare(batch: Batch, found: list[Planned]) -> Differences:
    held = {row.record: row for row in Act.objects.filter(batch=batch).order_by("rank")}
    fresh = {one.record: one for one in found}
    return Differences(
        added=[one.name or one.record for key, one in fresh.items() if key not in held],
        removed=[row.name or key for key, row in held.items() if key not in fresh],
        changed=[
            one.name or key
            for key, one in fresh.items()
            if key in held and _differs(held[key], one)
        ],
    )


def _must_be_draft(batch: Batch) -> None:
    held = Batch.objects.select_for_update().filter(pk=batch.pk, state=Batch.State.DRAFT)
    if not held.exists():
        raise Refused(
            "Ce lot n’est plus en préparation.",
            remedy="Faites-le renvoyer pour le corriger.",
            code="state",
        )


def require_preparer(actor: Actor, batch: Batch) -> None:
    """Refuse (``forbidden``) unless ``actor`` prepares the acts of the batch's territory."""
    require(actor, batch, "acts.prepare", "Vous ne préparez pas les actes de ce territoire.")


def require(actor: Actor, batch: Batch, capability: str, message: str) -> None:
    """Refuse with ``message`` (``forbidden``) unless ``actor`` has ``capability`` there."""
    if not actor.covers(policy.CAPABILITIES[capability], batch.node.path):
        raise Refused(message, code="forbidden")
