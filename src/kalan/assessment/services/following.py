"""After an adoption: published tests frozen anew, old sittings scored again, both when asked.

Neither happens by itself: a test keeps what it froze and a sitting its result until then.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Protocol

from kalan.assessment.models import CalibrationRun, FrozenTest, Result, Sitting, Test
from kalan.assessment.selectors.calibration import REFREEZE, RESCORE
from kalan.assessment.services import publishing, results
from kalan.assessment.services.writing import act, require
from kalan.base import clock, jobs
from kalan.base.errors import Refused
from kalan.base.models import Job
from kalan.people.actor import SYSTEM, Actor
from kalan.people.selectors.core import actor_for
from kalan.people.services import history


class Start(Protocol):
    def __call__(
        self, *, actor: Actor, run: CalibrationRun, test: Test, now: dt.datetime
    ) -> Job: ...


@act
def start_refreeze(*, actor: Actor, run: CalibrationRun, test: Test, now: dt.datetime) -> Job:
    """Freeze ``test`` anew in the background; the job that does it already, if there is one."""
    require(actor, "tests.publish", test.node)
    label = f"Test « {test.title} » figé de nouveau"
    return _once(actor, run, test, REFREEZE, label, refreeze_test, now)


@act
def start_rescore(*, actor: Actor, run: CalibrationRun, test: Test, now: dt.datetime) -> Job:
    """Score the ended sittings of ``test`` by what it froze last, in the background.

    Earlier results stay, marked as no longer current. Raises Refused before the test is frozen
    anew: nothing would change.
    """
    require(actor, "calibration.adopt", test.node)
    frozen = FrozenTest.objects.filter(test=test, current=True, form="").defer("body").first()
    if frozen is None or run.adopted_at is None or frozen.created_at < run.adopted_at:
        raise Refused(
            "Ce test n’est pas encore figé de nouveau : rien ne changerait.",
            remedy="Figez-le d’abord.",
        )
    label = f"Passations de « {test.title} » notées de nouveau"
    return _once(actor, run, test, RESCORE, label, rescore_test, now)


def _once(
    actor: Actor,
    run: CalibrationRun,
    test: Test,
    kind: str,
    label: str,
    task: Any,
    now: dt.datetime,
) -> Job:
    Test.objects.select_for_update().get(pk=test.pk)
    arguments = {"run_uid": str(run.uid), "test_uid": str(test.uid)}
    going = Job.objects.filter(
        kind=kind,
        arguments__test_uid=str(test.uid),
        state__in=[Job.State.QUEUED, Job.State.RUNNING],
    ).first()
    return going or jobs.start_job(
        kind=kind, label=label, task=task, actor_account=actor.account, now=now, arguments=arguments
    )


def _actor(job: Job) -> Actor:
    return actor_for(job.created_by, today=clock.today()) if job.created_by else SYSTEM


@jobs.job()
def refreeze_test(*, job: Job, run_uid: str, test_uid: str) -> dict[str, Any]:
    test = Test.objects.select_related("node", "bank__framework").get(uid=test_uid)
    frozen = publishing.refreeze(actor=_actor(job), test=test, now=clock.now())
    return {"version": frozen.version}


@jobs.job()
def rescore_test(*, job: Job, run_uid: str, test_uid: str) -> dict[str, Any]:
    """One transaction a sitting, so that people who answer meanwhile never wait; run again after
    a crash, it goes on where results are still old. What a published exam decided stays."""
    test = Test.objects.select_related("node").get(uid=test_uid)
    actor = _actor(job)
    frozen = FrozenTest.objects.defer("body").get(test=test, current=True, form="")
    waiting = list(
        Sitting.objects.filter(test=test, state__in=Sitting.OVER)
        .exclude(
            pk__in=Result.objects.filter(current=True, frozen_version=frozen.version).values(
                "sitting"
            )
        )
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    done, left = 0, {"lacking": 0, "published": 0}
    for number, pk in enumerate(waiting, start=1):
        try:
            results.rescore(actor=actor, sitting=Sitting(pk=pk), frozen=frozen, now=clock.now())
            done += 1
        except Refused as refused:
            if refused.code not in left:
                raise
            left[refused.code] += 1
        if number % 20 == 0 or number == len(waiting):
            jobs.progress(job.pk, number, len(waiting))
    text = (
        f"{done} passations notées de nouveau ; {left['lacking']} laissées : une de leurs "
        f"questions n’est plus dans le test ; {left['published']} laissées : résultats d’examen "
        "publiés."
    )
    history.note(actor=actor, subject=test, text=text, data={"run": run_uid})
    return {"done": done, "left": left["lacking"], "published": left["published"]}
