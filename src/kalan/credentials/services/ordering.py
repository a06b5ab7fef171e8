"""The click: one signatory, a fresh second factor, every batch that they ticked; all or nothing."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from kalan.base.errors import Refused
from kalan.base.ids import uuid7
from kalan.base.jobs import start_job
from kalan.credentials import keystore
from kalan.credentials.models import Act, Batch, Office, OfficeHolder, SigningKey, SigningRun
from kalan.credentials.models.offices import Mode
from kalan.credentials.selectors import keys
from kalan.credentials.selectors.offices import holder_today
from kalan.credentials.services import signing
from kalan.credentials.services.numbering import next_numbers, status_places
from kalan.credentials.services.second_factor import Factor, Given, confirmed
from kalan.engine.signing.code import new_code
from kalan.people.actor import Actor
from kalan.people.services.history import act, note

_CHUNK = 2000


def confirm(
    *,
    actor: Actor,
    batches: Sequence[Batch],
    given: Given,
    form_uid: uuid.UUID,
    now: dt.datetime,
    passphrase: str | None = None,
) -> SigningRun:
    """What the page's button does: check the second factor, then order. Sent twice (double click,
    a reply lost on the way), the same ``form_uid`` gives the same run."""
    account = actor.account
    if account is None:
        raise Refused("Connectez-vous pour signer.", code="forbidden")
    found = _sent_before(account.pk, form_uid)
    if found is not None:
        return found

    def ready() -> Callable[[Factor], SigningRun]:
        opened = _opened(actor=actor, batches=batches, now=now, passphrase=passphrase)
        return lambda factor: _order(
            actor=actor, batches=batches, factor=factor, now=now, opened=opened, uid=form_uid
        )

    return confirmed(
        account=account,
        given=given,
        about=about(batches, form_uid),
        now=now,
        ready=ready,
        done=lambda: _sent_before(account.pk, form_uid),
    )


def about(batches: Sequence[Batch], form_uid: uuid.UUID) -> str:
    """What a passkey confirms at this click: these batches, as this very page showed them."""
    return f"sign:{form_uid}:{mark_of(batches)}"


def mark_of(batches: Sequence[Batch]) -> str:
    """What tells these batches, as approved now, from the same ones approved anew (hexadecimal)."""
    said = sorted((str(row.uid), str(row.approved_at)) for row in batches)
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _sent_before(account_id: int, uid: uuid.UUID) -> SigningRun | None:
    return SigningRun.objects.filter(uid=uid, account=account_id).first()


def order(
    *,
    actor: Actor,
    batches: Sequence[Batch],
    factor: Factor,
    now: dt.datetime,
    passphrase: str | None = None,
    uid: uuid.UUID | None = None,
) -> SigningRun:
    """Order the signature of ``batches``, all of one office, in one transaction.

    Each act gets its number, its code and its place in the status list; the job that renders and
    signs starts when the transaction commits. Raises Refused when a batch was taken by somebody
    else meanwhile, when the actor does not hold the office today, when the factor is not fresh,
    when the key cannot be opened (wrong passphrase, token absent): nothing is numbered then.
    """
    _refuse_stale(factor, actor, now)
    opened = _opened(actor=actor, batches=batches, now=now, passphrase=passphrase)
    return _order(actor=actor, batches=batches, factor=factor, now=now, opened=opened, uid=uid)


@dataclass(frozen=True)
class _Opened:
    """A key that could be opened just now (None: the office signs by hand), and its passphrase
    when the job must be given it, sealed."""

    key: SigningKey | None
    sealed: str


def _opened(
    *, actor: Actor, batches: Sequence[Batch], now: dt.datetime, passphrase: str | None
) -> _Opened:
    """Look at the key before the transaction: a token may take seconds, and every other writer
    would wait for them."""
    office = _one_office(batches)
    _holder(office, actor, now)
    key = _key_of(office)
    if key is None:
        return _Opened(None, "")
    signing.try_key(key, passphrase=passphrase, now=now)
    asked = bool(passphrase) and keys.wants_passphrase(key, now=now)
    return _Opened(key, keystore.seal(passphrase or "") if asked else "")


@act
def _order(
    *,
    actor: Actor,
    batches: Sequence[Batch],
    factor: Factor,
    now: dt.datetime,
    opened: _Opened,
    uid: uuid.UUID | None,
) -> SigningRun:
    _refuse_stale(factor, actor, now)
    office = _held(_one_office(batches), actor)
    holder = _holder(office, actor, now)
    key = _key_of(office)
    if key != opened.key:  # another key, or none, was given to the office meanwhile
        raise Refused(
            f"La clé de « {office.title} » vient de changer.",
            remedy="Revenez à la liste et confirmez de nouveau.",
            code="state",
        )
    run = _run(uid, holder, office, key, factor, now)
    run.sealed = opened.sealed
    _insert(run)
    _take(run, batches)
    _refuse_own_work(run)
    run.total = _number(run, office, now)
    if run.total == 0:
        raise Refused("Ces lots n’ont aucun acte à signer.", remedy="Renvoyez-les à préparer.")
    run.job = start_job(
        kind="acts.sign",
        label=f"Signature de {run.total} actes",
        task=signing.sign_run,
        actor_account=actor.account,
        now=now,
        arguments={"run_uid": str(run.uid)},
    )
    run.save(update_fields=["total", "job"])
    for batch in batches:
        batch.refresh_from_db()
        note(
            actor=actor,
            subject=batch,
            text=f"Signature ordonnée par {run.name}, {run.title}",
            data={"run": str(run.uid), "factor": run.factor, "capacity": run.capacity},
        )
    return run


def _held(office: Office, actor: Actor) -> Office:
    """The office as it stands, and what ``actor`` holds of it, locked until all is ordered: nobody
    closes it, nor ends a delegation, in between."""
    # Its key is read afterwards: joined, it would be that of before the wait for the lock.
    held = Office.objects.select_for_update(no_key=True).get(pk=office.pk)
    mine = OfficeHolder.objects.select_for_update(no_key=True)
    list(mine.filter(office=held, account=actor.account).order_by("pk").values_list("pk"))
    return held


def _one_office(batches: Sequence[Batch]) -> Office:
    offices = {batch.office_id: batch.office for batch in batches}
    if len(offices) != 1:
        raise Refused(
            "Cochez au moins un lot, et des lots d’une seule fonction à la fois.",
            code="one_office",
        )
    return next(iter(offices.values()))


def _refuse_stale(factor: Factor, actor: Actor, now: dt.datetime) -> None:
    if not factor.holds_for(actor.account, now):
        raise Refused(
            "La confirmation par le second facteur n’est plus valable.",
            remedy="Donnez un nouveau code.",
            field="code",
            code="stale_factor",
        )


def _holder(office: Office, actor: Actor, now: dt.datetime) -> OfficeHolder:
    holder = holder_today(office=office, actor=actor, today=timezone.localdate(now))
    if holder is None:
        raise Refused(
            f"Vous ne tenez pas aujourd’hui la fonction « {office.title} ».",
            remedy="Un administrateur inscrit qui signe, et de quelle date à quelle date.",
            code="forbidden",
        )
    return holder


def _key_of(office: Office) -> SigningKey | None:
    """The office's key in service; None when it signs by hand."""
    if office.mode == Mode.HAND:
        return None
    key = office.key
    if key is None or key.state != SigningKey.State.ACTIVE:
        raise Refused(
            f"{office.title} n’a pas de clé en service.",
            remedy="Un administrateur lui en donne une.",
            code="no_key",
        )
    return key


def _run(
    uid: uuid.UUID | None,
    holder: OfficeHolder,
    office: Office,
    key: SigningKey | None,
    factor: Factor,
    now: dt.datetime,
) -> SigningRun:
    return SigningRun(
        uid=uid or uuid7(),
        holder=holder,
        account=holder.account,
        capacity=holder.capacity,
        name=holder.name,
        title=holder.title,
        mode=office.mode,
        key=key,
        level=key.level if key else "",
        factor=factor.kind,
        # Signatures say whole seconds.
        confirmed_at=now.replace(microsecond=0),
        total=0,
    )


def _take(run: SigningRun, batches: Sequence[Batch]) -> None:
    """Of two signatories who click at once one gets the batches, the other is told who did."""
    wanted = sorted({batch.pk for batch in batches})
    # Locked in one order, so that two who tick the same batches differently do not wait for each
    # other for ever.
    locked = Batch.objects.select_for_update().filter(pk__in=wanted).order_by("pk")
    now = dict(locked.values_list("pk", "approved_at"))
    taken = Batch.objects.filter(
        pk__in=wanted, state=Batch.State.APPROVED, office=run.holder.office_id, mode=run.mode
    ).update(state=Batch.State.ORDERED, run=run)
    # Approved anew since it was read: sent back meanwhile, perhaps changed.
    same = all(now.get(batch.pk) == batch.approved_at for batch in batches)
    if taken == len(wanted) and same:
        return
    lost = Batch.objects.filter(pk__in=wanted).exclude(run=run).select_related("run")
    other = lost.order_by("pk").first()
    if other is not None and other.run is not None:
        raise Refused(
            f"« {other.title} » vient d’être signé par {other.run.name}.",
            remedy="Revenez à la liste : il n’y attend plus.",
            code="taken",
        )
    title = other.title if other is not None else "Ce lot"
    raise Refused(
        f"« {title} » n’attend plus de signature.",
        remedy="Revenez à la liste et relisez ce qui attend.",
        code="state",
    )


def _insert(run: SigningRun) -> None:
    """``uid`` comes from the page: one that somebody else has used names no click of ours."""
    try:
        with transaction.atomic():
            run.save(force_insert=True)
    except IntegrityError:
        raise Refused(
            "Cette page a déjà servi à une autre signature.",
            remedy="Revenez à la liste, cochez de nouveau et donnez un nouveau code.",
            code="used_form",
        ) from None


def _refuse_own_work(run: SigningRun) -> None:
    """Who signs has neither prepared nor approved: one person alone never makes an act."""
    mine = Q(prepared_by=run.account) | Q(checked_by=run.account) | Q(approved_by=run.account)
    own = run.batches.filter(mine).order_by("pk").first()
    if own is not None:
        raise Refused(
            f"Vous avez préparé, remis ou visé « {own.title} » : une autre personne le signe.",
            remedy="Renvoyez-le pour qu’un collègue s’en charge, ou faites-le signer par un autre "
            "titulaire de la fonction.",
            code="same_person",
        )


def _number(run: SigningRun, office: Office, now: dt.datetime) -> int:
    """Number every act of the run, batches in the order of their visa, acts by rank."""
    keys = list(
        Act.objects.filter(batch__run=run, state=Act.State.DRAFT)
        .order_by("batch__approved_at", "batch", "rank")
        .values_list("pk", flat=True)
    )
    year = timezone.localdate(now).year
    numbers = next_numbers(country=office.node.country, year=year, count=len(keys))
    places = status_places(len(keys))
    # One statement for many rows: a model's bulk_update writes a CASE of thousands of branches.
    sql = (
        "UPDATE credentials_act SET number = %s, code = %s, status_index = %s, state = 'planned', "
        "problem = '' WHERE id = %s AND state = 'draft'"
    )
    with connection.cursor() as cursor:
        for start in range(0, len(keys), _CHUNK):
            part = slice(start, start + _CHUNK)
            cursor.executemany(
                sql,
                [
                    (number, new_code(), place, key)
                    for number, place, key in zip(
                        numbers[part], places[part], keys[part], strict=True
                    )
                ],
            )
    return len(keys)
