"""Trials and publications from the screens: in the background, watched, harmless when doubled.

Each job computes for seconds, then writes once under the test's lock: a worker that dies leaves
nothing behind, and the job starts over.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.db import transaction

from kalan.assessment.models import FrozenTest, Test
from kalan.assessment.services import publishing, tests
from kalan.assessment.services.writing import act, require
from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.jobs import JobFunction, job, progress, start_job
from kalan.base.models import Job
from kalan.people.actor import SYSTEM, Actor
from kalan.people.selectors.core import actor_for

GOING = (Job.State.QUEUED, Job.State.RUNNING)
TRY, PUBLISH, REFREEZE = "tests.try", "tests.publish", "tests.refreeze"
LABELS = {TRY: "Essai simulé", PUBLISH: "Publication", REFREEZE: "Nouveau gel"}


def start_trial(*, actor: Actor, test: Test, now: dt.datetime) -> Job:
    """Simulate a draft in the background: its verdict, and what it would freeze, are kept."""
    require(actor, "tests.edit", test.node)
    if test.state != Test.State.DRAFT:
        raise Refused("Ce test est déjà publié.", remedy="Son verdict est sur sa page.")
    return _start(actor=actor, test=test, kind=TRY, task=try_job, now=now)


def start_publication(*, actor: Actor, test: Test, now: dt.datetime) -> Job:
    """Publish a draft in the background; Refused at once when questions lack."""
    require(actor, "tests.publish", test.node)
    if test.state != Test.State.DRAFT:
        raise Refused("Ce test est déjà publié.")
    return _start(actor=actor, test=test, kind=PUBLISH, task=publish_job, now=now)


def start_refreeze(*, actor: Actor, test: Test, now: dt.datetime) -> Job:
    """Freeze a published test anew in the background."""
    require(actor, "tests.publish", test.node)
    if test.state != Test.State.PUBLISHED:
        raise Refused("Seul un test publié se fige de nouveau.")
    return _start(actor=actor, test=test, kind=REFREEZE, task=refreeze_job, now=now)


@act
def _start(*, actor: Actor, test: Test, kind: str, task: JobFunction, now: dt.datetime) -> Job:
    lacks = publishing.missing(test)
    if lacks:
        raise Refused(
            "La banque ne peut pas porter ce test : " + " ; ".join(lacks) + ".",
            remedy="Ajoutez des questions en service, ou demandez-en moins.",
            code="lacking",
        )
    row = Test.objects.select_for_update().get(pk=test.pk)
    going = row.job if row.job is not None and row.job.state in GOING else None
    if going is not None:
        if going.kind == kind:
            return going  # pressed twice
        raise Refused(
            f"Un autre travail est en cours sur ce test : {going.label.lower()}.",
            remedy="Attendez qu’il soit fini.",
        )
    made = start_job(
        kind=kind,
        label=f"{LABELS[kind]} : {row.title}",
        task=task,
        actor_account=actor.account,
        now=now,
        arguments={"test_id": row.pk},
    )
    # Not through save(): which job works on a test is no part of its history.
    Test.objects.filter(pk=row.pk).update(job=made)
    return made


def _told(made: Job) -> Callable[[int, int], None]:
    return lambda done, of: progress(made.pk, done, of)


def _actor(made: Job) -> Actor:
    if made.created_by is None:  # started by the program; who pressed was asked for their right
        return SYSTEM
    return actor_for(made.created_by, today=clock.today())


def _test(test_id: int) -> Test:
    found = Test.objects.select_related("node", "bank__framework").filter(pk=test_id).first()
    if found is None:
        raise Refused("Ce test a été supprimé.")
    return found


@job()
def try_job(*, job: Job, test_id: int) -> dict[str, Any]:
    """Simulate a draft and keep the verdict, unless it changed meanwhile."""
    test = _test(test_id)
    made = publishing.make(test, told=_told(job))
    now = clock.now()
    with transaction.atomic():
        row = Test.objects.select_for_update().get(pk=test_id)
        if row.state != Test.State.DRAFT or (row.plan, row.bank_id) != (test.plan, test.bank_id):
            raise Refused("Ce test a changé pendant son essai.", remedy="Essayez-le de nouveau.")
        tests.drop_trials(row, but=made.frozen.version)
        publishing.store_frozen(row, made, now=now, current=False)
        Test.objects.filter(pk=row.pk).update(verdict=publishing.told_on(made, now))
    return {"refused": made.reasons}


@job()
def publish_job(*, job: Job, test_id: int) -> dict[str, Any]:
    """Publish a draft; published already (a second try after a crash), nothing is done."""
    frozen = publishing.publish(
        actor=_actor(job), test=_test(test_id), now=clock.now(), told=_told(job)
    )
    return {"version": frozen.version}


@job()
def refreeze_job(*, job: Job, test_id: int) -> dict[str, Any]:
    """Freeze anew; ``changed`` says whether anything did."""
    test = _test(test_id)
    before = FrozenTest.objects.filter(test=test, current=True).values_list("version", flat=True)
    was = before.first()
    frozen = publishing.refreeze(actor=_actor(job), test=test, now=clock.now(), told=_told(job))
    return {"version": frozen.version, "changed": frozen.version != was}
