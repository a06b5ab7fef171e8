"""Calibration runs: started, worked in the background, given up (``adoption`` takes them over).

The job writes once, at its end and under the run's lock, so a worker that dies leaves nothing
behind and the next one starts over. See decision 0015.
"""

from __future__ import annotations

import datetime as dt
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction

from kalan.assessment.models import CalibrationLine, CalibrationRun
from kalan.assessment.selectors.answers import Table, Which, load, rows_of
from kalan.assessment.selectors.bank_items import as_measured, by_the_expert, fits
from kalan.assessment.services.writing import act, require
from kalan.base import jobs
from kalan.base.errors import Refused
from kalan.base.models import Job
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.testing.calibration import study
from kalan.engine.testing.calibration_records import Answers, Line, Study, Subject
from kalan.people.actor import Actor
from kalan.people.services import history
from kalan.skills.models import Item as ItemRow
from kalan.skills.models import ItemBank
from kalan.skills.selectors.items import TestItem, for_tests

State = CalibrationRun.State
GOING = (State.QUEUED, State.RUNNING)
READ, STUDIED = 30, 95  # per cents of the work done when answers are read, when all is computed


class _StoppedError(Exception):
    """Somebody gave the run up while it worked."""


# --- Starting ---------------------------------------------------------------------------------


@act
def start(
    *,
    actor: Actor,
    bank: ItemBank,
    now: dt.datetime,
    simulated: bool = False,
    finished: bool = True,
    first_only: bool = True,
    since: dt.date | None = None,
    until: dt.date | None = None,
    guessing: bool = False,
) -> CalibrationRun:
    """Put a run of ``bank`` on the queue; the one already going when it asks for the same.

    Real answers and simulated ones are never calibrated together, and simulated ones only in
    the demonstration. Raises Refused for that, for another run that is going, for no answer.
    """
    require(actor, "calibration.run", bank.node)
    _refuse_odd(simulated, since, until)
    ItemBank.objects.select_for_update().get(pk=bank.pk)  # two presses: one run
    options = {
        "finished": finished,
        "first_only": first_only,
        "since": since.isoformat() if since else None,
        "until": until.isoformat() if until else None,
        "guessing": guessing,
    }
    going = _going(bank, simulated, options)
    if going is not None:
        return going
    if not rows_of(bank, which_of(simulated, options)).exists():
        raise Refused(
            "Aucune réponse ne correspond à ces choix.",
            remedy="Élargissez les dates, ou attendez des passations.",
        )
    run = CalibrationRun.objects.create(
        bank=bank, simulated=simulated, options=options, created_at=now, created_by=actor.account
    )
    run.job = jobs.start_job(
        kind="calibration",
        label=f"Calibrage de « {bank.name} »",
        task=work,
        actor_account=actor.account,
        now=now,
        arguments={"run_uid": str(run.uid)},
    )
    run.save(update_fields=["job"])
    return run


def _refuse_odd(simulated: bool, since: dt.date | None, until: dt.date | None) -> None:
    if simulated and not settings.KALAN_DEMO:
        raise Refused(
            "Les réponses simulées ne se calibrent que dans la démonstration.",
            field="answers",
            remedy="Choisissez les réponses réelles.",
            code="mixed",
        )
    if since and until and until < since:
        raise Refused("La date de fin précède la date de début.", field="until")


def _going(bank: ItemBank, simulated: bool, options: dict[str, Any]) -> CalibrationRun | None:
    """The run of ``bank`` that is going, when it was asked for the same; Refused for another."""
    going = CalibrationRun.objects.filter(bank=bank, state__in=GOING).order_by("-pk").first()
    if going is None:
        return None
    if going.simulated == simulated and going.options == options:
        return going
    raise Refused(
        "Un calibrage de cette banque est en cours.",
        remedy="Attendez sa fin, ou abandonnez-le.",
    )


def which_of(simulated: bool, options: dict[str, Any]) -> Which:
    """The answers that the options of a run name."""
    since, until = options.get("since"), options.get("until")
    return Which(
        simulated=simulated,
        finished=options.get("finished", True),
        first_only=options.get("first_only", True),
        since=dt.date.fromisoformat(since) if since else None,
        until=dt.date.fromisoformat(until) if until else None,
    )


@act
def discard(*, actor: Actor, run: CalibrationRun, now: dt.datetime) -> CalibrationRun:
    """Give a run up, going or ready: nothing of it is taken over. Twice changes nothing."""
    row = CalibrationRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    require(actor, "calibration.run", row.bank.node)
    if row.state == State.ADOPTED:
        raise Refused("Ce calibrage est adopté.", remedy="Adoptez-en un autre pour le remplacer.")
    if row.state != State.DISCARDED:
        row.state = State.DISCARDED
        row.save(update_fields=["state"])
        history.note(actor=actor, subject=row.bank, text="Calibrage écarté.",
                     data={"run": str(row.uid)})  # fmt: skip
    return row


# --- Working ----------------------------------------------------------------------------------


def _failed(*, job: Job, run_uid: str) -> None:
    CalibrationRun.objects.filter(uid=run_uid, state__in=GOING).update(
        state=State.FAILED, error=job.error or Job.objects.get(pk=job.pk).error
    )


@jobs.job(failed=_failed)
def work(*, job: Job, run_uid: str) -> dict[str, Any]:
    """Read, calibrate, look, write. Starts over when a worker died; stops when given up."""
    started = CalibrationRun.objects.filter(uid=run_uid, state__in=GOING)
    if not started.update(state=State.RUNNING):
        return {}  # given up, or done by another worker
    run = CalibrationRun.objects.select_related("bank").get(uid=run_uid)
    began = time.monotonic()

    def told(percent: int) -> None:
        jobs.progress(job.pk, percent, 100)
        if CalibrationRun.objects.filter(pk=run.pk, state=State.RUNNING).count() == 0:
            raise _StoppedError

    try:
        subjects, rows = subjects_of(run.bank, simulated=run.simulated)
        table = _read(run, told)
        answers, versions = _arrays(table, rows)
        told(READ)
        found = study(
            subjects,
            answers,
            guessing=bool(run.options.get("guessing")),
            progress=lambda share: told(READ + share * (STUDIED - READ) // 100),
        )
        told(STUDIED)
    except _StoppedError:
        return {}
    except DataError as error:
        raise Refused(str(error)) from error
    report = _report(found, versions, time.monotonic() - began)
    persons = int(np.unique(table["person"]).size)
    return _write(run, found, subjects, rows, report, persons=persons)


def _read(run: CalibrationRun, told: Callable[[int], None]) -> Table:
    which = which_of(run.simulated, run.options)
    total = max(rows_of(run.bank, which).count(), 1)
    return load(run.bank, which, told=lambda done: told(READ * min(done, total) // total))


def subjects_of(bank: ItemBank, *, simulated: bool) -> tuple[list[Subject], list[TestItem]]:
    """The bank's current versions, with what stands of them today, and the rows they come from.

    A simulated calibration is nothing to a real run, and the other way round.
    """
    rows = for_tests(bank, states=ItemRow.State.values)
    return [_subject(row, simulated) for row in rows], rows


def _subject(row: TestItem, simulated: bool) -> Subject:
    expert = by_the_expert(row)
    found = row.calibration
    if found is None or found.simulated != simulated or not fits(found, row):
        return Subject(expert)
    return Subject(expert, as_measured(row, found))


def _arrays(table: Table, rows: list[TestItem]) -> tuple[Answers, int]:
    """The answers to current versions, and how many were to versions since replaced."""
    known = np.array(sorted((row.version_id, place) for place, row in enumerate(rows)), np.int64)
    known = known.reshape(-1, 2)
    if not known.size:
        raise Refused("Cette banque n’a aucune question.")
    at = np.minimum(np.searchsorted(known[:, 0], table["version"]), len(known) - 1)
    there = known[at, 0] == table["version"]
    kept = table[there]
    _, first, sitting = np.unique(kept["sitting"], return_index=True, return_inverse=True)
    answers = Answers(
        sitting.astype(np.int64),
        known[at[there], 1],
        kept["category"].astype(np.int64),
        kept["sex"][first],
    )
    return answers, int(table.size - kept.size)


def _report(found: Study, replaced: int, seconds: float) -> dict[str, Any]:
    warnings = list(found.warnings)
    if replaced:
        warnings.append(
            f"{replaced} réponses à des versions remplacées depuis n’ont pas été comptées."
        )
    return {
        "scale": {
            "by": found.scale.by,
            "slope": found.scale.slope,
            "origin": found.scale.origin,
            "anchors": len(found.scale.anchors),
            "drifted": list(found.scale.drifted),
        },
        "warnings": warnings,
        "left_out": [
            {"code": one.code, "answers": one.answers, "reason": one.reason}
            for one in found.left_out
        ],
        "sittings": found.sittings,
        "seconds": round(seconds, 1),
        # The most that this worker ever held, in megabytes (Linux counts in kilobytes).
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


@transaction.atomic
def _write(
    run: CalibrationRun,
    found: Study,
    subjects: list[Subject],
    rows: list[TestItem],
    report: dict[str, Any],
    *,
    persons: int,
) -> dict[str, Any]:
    row = CalibrationRun.objects.select_for_update().get(pk=run.pk)
    if row.state != State.RUNNING:
        return {}
    version = {str(one.version_uid): one.version_id for one in rows}
    before = {one.uid: one for one in subjects}
    CalibrationLine.objects.filter(run=row).delete()
    CalibrationLine.objects.bulk_create(
        (
            CalibrationLine(
                run=row,
                version_id=version[line.item.uid],
                answers=line.item.n,
                before=_before(before[line.item.uid]),
                after=_after(line),
                flags=list(line.flags),
            )
            for line in found.lines
        ),
        batch_size=500,
    )
    row.state, row.report, row.persons, row.answers = State.READY, report, persons, found.answers
    row.error = ""
    row.save(update_fields=["state", "report", "persons", "answers", "error"])
    return {"run": str(row.uid)}


def _before(one: Subject) -> dict[str, Any]:
    item = one.adopted or one.expert
    found = {"a": item.a, "b": list(item.b), "c": item.c, "answers": item.n,
             "se_a": item.se_a, "se_b": item.se_b}  # fmt: skip
    return found if one.adopted else {"expert": True, **found}


def _after(line: Line) -> dict[str, Any]:
    item = line.item
    return {
        "model": line.model,
        "a": item.a,
        "b": list(item.b),
        "c": item.c,
        "se_a": item.se_a,
        "se_b": item.se_b,
        "rmsd": line.rmsd,
        "dif": dict(line.dif),
        "mapping": {str(old): new for old, new in line.mapping.items()},
    }
