"""The job that renders, signs and stores the acts of a click, each exactly once.

Killed anywhere, what is still planned is done again: a row says "signed" only in the transaction
that also names the pack that holds its bytes, and the pack is on the disk before.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from kalan.base import clock, jobs
from kalan.base.errors import Refused
from kalan.base.jobs import job as background
from kalan.base.models import Job, StoredFile
from kalan.credentials import keystore, policy
from kalan.credentials.models import Act, ActPack, Batch, RegisterEntry, SigningKey, SigningRun
from kalan.credentials.models.offices import Mode
from kalan.credentials.selectors import keys
from kalan.credentials.services import orphans, register, replacing, sections, telling
from kalan.credentials.services.children import Children, processes_for
from kalan.credentials.worker_child import Raising, Setup, Stop, Stored
from kalan.engine.signing.errors import SigningError
from kalan.people.actor import Actor
from kalan.people.services.history import act, note

_S = Act.State


def _left_behind(*, job: Job, run_uid: str) -> None:
    """After three interruptions a job is given up; one that was getting on is started anew. What
    stops is told."""
    run = _run(run_uid)
    if run.job_id != job.pk:
        return
    done, reason = Job.objects.filter(pk=job.pk).values_list("done", "error").get()
    again = done and job.attempts >= jobs.MAX_ATTEMPTS
    if again and _acts(run).filter(state=_S.PLANNED).exists():
        _start(run, job.created_by, clock.now())
    else:
        telling.run_stopped(run=run, job=job, reason=reason, now=clock.now())


def _run(uid: str) -> SigningRun:
    related = ("key", "account__agent", "holder__office__node")
    return SigningRun.objects.select_related(*related).get(uid=uid)


@background(failed=_left_behind)
def sign_run(*, job: Job, run_uid: str) -> dict[str, Any]:
    """Sign what is still planned in the run. Raises Refused when the key, the token or the disk
    stops all of it: acts stay planned, and ``retry`` takes them up again."""
    run = _run(run_uid)
    orphans.sweep_run(run, job)
    total = _acts(run).filter(state=_S.PLANNED).count()
    cpu, plated = 0.0, 0
    if total:
        jobs.progress(job.pk, 0, total)
        try:
            cpu, plated = _make(job, run, total)
        finally:
            orphans.sweep_run(run, job)
    for batch in run.batches.order_by("pk"):
        finish(batch=batch, now=clock.now())
    failed = _acts(run).filter(state=_S.FAILED).count()
    if failed:  # whoever tries again gives the passphrase again
        SigningRun.objects.filter(pk=run.pk).update(sealed="")
        telling.run_incomplete(run=run, job=job, failed=failed, now=clock.now())
    else:
        telling.run_ended(run=run, job=job, now=clock.now())
    return {"planned": total, "failed": failed, "cpu_ms": round(cpu * 1000), "plated": plated}


def _make(job: Job, run: SigningRun, total: int) -> tuple[float, int]:
    """Make and store every planned act; returns the CPU seconds of the children, and how many of
    the documents a plate made."""
    plated = 0
    with Children(_setup(run), processes_for(total)) as children:
        for answer in children.run(sections.waiting(job, run)):
            if isinstance(answer, Stop):
                raise Refused(answer.message, remedy=answer.remedy, code=answer.code)
            _keep(job, run, answer)
            plated += answer.plated
        return children.cpu, plated


def _acts(run: SigningRun) -> Any:
    return Act.objects.filter(batch__run=run)


def _refuse_ended(run: SigningRun, now: dt.datetime | None = None) -> None:
    """Between the click and the file a key may have been revoked (stolen): what waits is not signed
    with it, whatever passphrase the click left. Taken up again at ``now``, nor is it once it has
    run out."""
    if run.key_id is None:
        return
    key = SigningKey.objects.get(pk=run.key_id)
    ended = now is not None and key.not_after is not None and now > key.not_after
    if ended or key.state == SigningKey.State.REVOKED:
        raise Refused(
            f"La clé « {key.name} » {'a expiré' if ended else 'a été révoquée'} depuis le clic.",
            remedy="Déclarez non émis les actes qui restent, puis préparez-les avec une autre clé.",
            code="key_ended",
        )


def _setup(run: SigningRun) -> Setup:
    _refuse_ended(run)
    try:
        passphrase = keystore.unseal(run.sealed) if run.sealed else None
        place = keys.place_of(run.key, passphrase) if run.key is not None else None
        qr = keys.active(SigningKey.Purpose.QR)
        qr_place = keys.place_of(qr) if qr is not None else None
    except SigningError as error:
        raise Refused(error.message, remedy=error.remedy, code=error.code) from error
    return Setup(
        key=place,
        qr=qr_place,
        at=run.confirmed_at.astimezone(dt.UTC),
        base_url=settings.KALAN_BASE_URL,
        media=str(settings.MEDIA_ROOT),
        packs=str(settings.PACKS_DIR),
        place=run.holder.office.place,
        raising=_raising() if place is not None else None,
        plates=settings.KALAN_SIGNING_PLATES,
    )


def _raising() -> Raising | None:
    level = settings.KALAN_SIGNATURE_LEVEL
    if level == "b-b":
        return None
    return Raising(
        level=level,
        tsa=settings.KALAN_TSA_URL,
        trust=(*keys.trusted(), *keystore.stamping_roots()),
        crls=(*keys.crls(), *keystore.stamping_lists()),
        at=clock.now(),
        timeout=settings.KALAN_TSA_TIMEOUT,
    )


def _keep(job: Job, run: SigningRun, stored: Stored) -> None:
    """Note a pack and its acts in one transaction, as long as this very attempt owns the job."""
    signed = (
        "UPDATE credentials_act SET state = 'signed', problem = '', pack_id = %s, start = %s, "
        "size = %s, sha256 = %s, signed_at = %s, pades = %s, stamped_by = %s, stamped_at = %s "
        "WHERE id = %s AND state = 'planned'"
    )
    with transaction.atomic():
        mine = Job.objects.select_for_update().filter(
            pk=job.pk, state=Job.State.RUNNING, worker=job.worker, attempts=job.attempts
        )
        done = mine.values_list("done", flat=True).first()
        if done is None:
            raise Refused("Un autre processus a repris cette signature.", code="taken")
        if stored.rows:
            _refuse_ended(run)
            pack = _pack(run, stored)
            moment = connection.ops.adapt_datetimefield_value
            at = moment(run.confirmed_at)
            rows = [
                (
                    pack.pk, row.start, row.size, row.sha256, at,
                    row.level, row.stamped_by, moment(row.stamped_at), row.act,
                )
                for row in stored.rows
            ]  # fmt: skip
            with connection.cursor() as cursor:
                cursor.executemany(signed, rows)
        for key, problem in stored.failed:
            Act.objects.filter(pk=key, state=_S.PLANNED).update(
                state=_S.FAILED, problem=problem[:500]
            )
        mine.update(done=done + len(stored.rows) + len(stored.failed))


def _pack(run: SigningRun, stored: Stored) -> ActPack:
    now = clock.now()
    file = StoredFile.objects.create(
        kind="acts",
        name=stored.path.rpartition("/")[2],
        content_type="application/zip",
        size=stored.size,
        sha256=stored.sha256,
        file=stored.path,
        created_at=now,
        created_by_id=run.account_id,
    )
    return ActPack.objects.create(batch_id=stored.batch, file=file, made_at=now)


def finish(*, batch: Batch, now: dt.datetime) -> bool:
    """Close a batch of which every act is signed or given up: its root, and its register entry.

    The last transaction of a batch. Returns whether it did so; once only, whoever calls.
    """
    with transaction.atomic():
        found = Batch.objects.select_for_update(of=("self",)).select_related(
            "version__template", "run__key", "prepared_by", "checked_by", "approved_by"
        )
        batch = found.get(pk=batch.pk)
        waiting = Act.objects.filter(batch=batch, state__in=[_S.PLANNED, _S.FAILED])
        if batch.state != Batch.State.ORDERED or batch.run is None or waiting.exists():
            return False
        replacing.hold_replaced(batch)
        root, number = register.root_of(batch)
        batch.merkle_root = root
        if batch.mode == Mode.HAND:
            batch.state = Batch.State.PRINTED
        else:
            batch.state, batch.signed_at = Batch.State.SIGNED, batch.run.confirmed_at
            register.append(
                kind=RegisterEntry.Kind.SIGNED,
                by=batch.run.account,
                now=now,
                body=register.body_of(batch, root, number),
                batch=batch,
            )
        batch.save(update_fields=["state", "signed_at", "merkle_root"])
        replacing.complete_replacement(batch=batch, now=now)
        if not batch.run.batches.filter(state=Batch.State.ORDERED).exists():
            SigningRun.objects.filter(pk=batch.run.pk).update(finished_at=now, sealed="")
    return True


# --- what did not go through -----------------------------------------------------------------


def retry(
    *, actor: Actor, run: SigningRun, now: dt.datetime, passphrase: str | None = None
) -> SigningRun:
    """Try again what failed or is still planned in a run that has stopped.

    By who clicked, or whoever gives the visa there. Asked twice, it starts once.
    """
    run = SigningRun.objects.select_related("key", "job", "holder__office__node").get(pk=run.pk)
    _may_mend(actor, run)
    if run.finished_at is None:
        _refuse_ended(run, now)
    sealed = ""
    waits = run.finished_at is None and not _under_way(run)
    if waits and run.key is not None and keys.wants_passphrase(run.key, now=now):
        # Opened before the transaction, which holds up every other writer.
        try_key(run.key, passphrase=passphrase, now=now)
        sealed = keystore.seal(passphrase or "")
    return _taken_up(actor=actor, run=run, sealed=sealed, now=now)


def _under_way(run: SigningRun) -> bool:
    return run.job is not None and run.job.state in (Job.State.QUEUED, Job.State.RUNNING)


@act
def _taken_up(*, actor: Actor, run: SigningRun, sealed: str, now: dt.datetime) -> SigningRun:
    # Its job is read afterwards: joined, it would be that of before the wait for the lock.
    run = SigningRun.objects.select_for_update().get(pk=run.pk)
    if _under_way(run):
        return run
    if run.finished_at is not None:
        raise Refused("Cette signature est terminée : il n’y a rien à reprendre.", code="state")
    run.sealed = sealed or run.sealed
    _acts(run).filter(state=_S.FAILED).update(state=_S.PLANNED, problem="")
    _start(run, actor.account, now)
    return run


def _start(run: SigningRun, account: Any, now: dt.datetime) -> None:
    left = _acts(run).filter(state=_S.PLANNED).count()
    run.job = jobs.start_job(
        kind="acts.sign",
        label=f"Signature de {left} actes",
        task=sign_run,
        actor_account=account,
        now=now,
        arguments={"run_uid": str(run.uid)},
    )
    run.save(update_fields=["job", "sealed"])


@act
def give_up(*, actor: Actor, act: Act, reason: str, now: dt.datetime) -> Act:
    """Declare that an act which could not be made will not be issued.

    Its number stays taken, and the register says so.
    """
    run = SigningRun.objects.filter(batches=act.batch_id).first()
    if run is None:
        raise Refused("Cet acte n’a pas encore de numéro : écartez-le du lot.", code="state")
    _may_mend(actor, run)
    if not reason.strip():
        raise Refused("Le motif manque.", field="reason", remedy="Dites-le en une phrase.")
    # The click first, as who tries it again does: else each could wait for the other for ever.
    if _under_way(SigningRun.objects.select_for_update().get(pk=run.pk)):
        raise Refused("La signature est en cours.", remedy="Attendez qu’elle se termine.")
    batch = Batch.objects.select_for_update().get(pk=act.batch_id)
    moved = Act.objects.filter(pk=act.pk, state__in=[_S.PLANNED, _S.FAILED]).update(
        state=_S.VOID, problem=reason.strip()[:500]
    )
    act.refresh_from_db()
    if moved:
        register.append(
            kind=RegisterEntry.Kind.VOID,
            by=actor.account,
            now=now,
            body={"number": act.number, "batch": str(batch.uid), "reason": reason.strip()},
            batch=batch,
            act=act,
        )
        note(actor=actor, subject=batch, text=f"Acte non émis : {act.number}", reason=reason)
        finish(batch=batch, now=now)
    return act


@act
def enter_hand_signature(
    *, actor: Actor, batch: Batch, on: dt.date, by: str, now: dt.datetime
) -> Batch:
    """Note that a printed batch was signed by hand: its acts are valid from then on."""
    if not actor.covers(policy.CAPABILITIES["acts.hand"], batch.node.path):
        raise Refused("Vous n’inscrivez pas les signatures de ce territoire.", code="forbidden")
    if not by.strip():
        raise Refused("Le nom du signataire manque.", field="by")
    printed = timezone.localdate(batch.run.confirmed_at) if batch.run else None
    if printed is None or not printed <= on <= timezone.localdate(now):
        raise Refused(
            "Cette date précède l’impression, ou est à venir.",
            remedy="Écrivez la date portée sur le papier.",
            field="on",
        )
    moved = Batch.objects.filter(pk=batch.pk, state=Batch.State.PRINTED).update(
        state=Batch.State.SIGNED,
        signed_at=now,
        hand_signed_on=on,
        hand_signed_by=by.strip()[:200],
    )
    if not moved:
        raise Refused("Ce lot n’attend pas de signature à la main.", code="state")
    batch.refresh_from_db()
    replacing.hold_replaced(batch)
    root, number = register.root_of(batch)
    register.append(
        kind=RegisterEntry.Kind.HAND_SIGNED,
        by=actor.account,
        now=now,
        body=register.body_of(batch, root, number),
        batch=batch,
    )
    replacing.complete_replacement(batch=batch, now=now)
    note(actor=actor, subject=batch, text=f"Signé à la main le {on:%d/%m/%Y} par {by.strip()}")
    return batch


def try_key(key: SigningKey, *, passphrase: str | None, now: dt.datetime) -> None:
    """Raise Refused when ``key`` cannot sign now: out of date (its certificate or one above it),
    wrong passphrase, no token.

    The key of QR codes signs along with it, so it is looked at too. Not in a transaction: a token
    takes its time.
    """
    from kalan.engine.signing.keys import refuse_unfit, refuse_unfit_above

    try:
        identity = keys.open_identity(key, passphrase)
        try:
            refuse_unfit(identity.certificate, at=now)
            refuse_unfit_above(identity.chain, at=now)
        finally:
            identity.close()
        qr = keys.active(SigningKey.Purpose.QR)
        if qr is not None:
            keys.place_of(qr)
    except SigningError as error:
        wants = error.code in ("wrong_passphrase", "passphrase_needed")
        raise Refused(
            error.message,
            remedy=error.remedy,
            field="passphrase" if wants else None,
            code=error.code,
        ) from error


def _may_mend(actor: Actor, run: SigningRun) -> None:
    mine = actor.account is not None and actor.account.pk == run.account_id
    path = run.holder.office.node.path
    if not mine and not actor.covers(policy.CAPABILITIES["acts.approve"], path):
        raise Refused("Cette signature n’est pas la vôtre.", code="forbidden")
