"""What waits for a signatory's click, and how far a click has come."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from kalan.base.models import Job
from kalan.credentials import policy
from kalan.credentials.models import Act, Batch, SigningRun
from kalan.credentials.selectors.offices import offices_of
from kalan.people.actor import Actor


def awaiting_signature(actor: Actor, *, today: dt.date) -> QuerySet[Batch]:
    """Approved batches that ``actor`` may sign today, the oldest visa first."""
    offices = offices_of(actor, today=today).values("pk")
    return Batch.objects.filter(state=Batch.State.APPROVED, office__in=offices).order_by(
        "approved_at", "pk"
    )


def awaiting_visa(actor: Actor) -> QuerySet[Batch]:
    """Batches handed over that ``actor`` may approve: not those they prepared or handed
    over themselves."""
    scope = actor.scope(policy.CAPABILITIES["acts.approve"], "node__")
    rows = Batch.objects.filter(scope, state=Batch.State.CHECKED)
    if actor.account is None:
        return rows
    return rows.exclude(prepared_by=actor.account).exclude(checked_by=actor.account)


def runs_visible_to(actor: Actor) -> QuerySet[SigningRun]:
    """Runs of which ``actor`` sees every batch: the page of a run tells of all of them."""
    seen = Batch.objects.filter(actor.scope(policy.CAPABILITIES["acts.view"], "node__"))
    others = Batch.objects.exclude(run=None).exclude(pk__in=seen.values("pk"))
    runs = SigningRun.objects.filter(pk__in=seen.exclude(run=None).values("run"))
    return runs.exclude(pk__in=others.values("run"))


def runs_of(actor: Actor) -> QuerySet[SigningRun]:
    """The clicks of ``actor``, the latest first."""
    if actor.account is None:
        return SigningRun.objects.none()
    return (
        SigningRun.objects.filter(account=actor.account)
        .select_related("job", "holder__office")
        .order_by("-confirmed_at", "-pk")
    )


@dataclass(frozen=True)
class Progress:
    """How far a run is. ``seconds_left``: None before the first acts are stored. ``stopped``: why
    the whole run has stopped (it can be tried again), or ""."""

    total: int
    signed: int
    failed: int
    void: int
    planned: int
    running: bool
    finished: bool
    stopped: str
    seconds_left: int | None

    @property
    def done(self) -> int:
        return self.signed + self.failed + self.void

    @property
    def percent(self) -> int:
        return 100 * self.done // self.total if self.total else 100


def progress(run: SigningRun, *, now: dt.datetime) -> Progress:
    """Counts of the run's acts, and the time left at the pace so far (two queries)."""
    S = Act.State  # noqa: N806 - an enumeration
    counts = Act.objects.filter(batch__run=run).aggregate(
        signed=Count("pk", filter=Q(state=S.SIGNED)),
        failed=Count("pk", filter=Q(state=S.FAILED)),
        void=Count("pk", filter=Q(state=S.VOID)),
        planned=Count("pk", filter=Q(state=S.PLANNED)),
    )
    job = Job.objects.filter(pk=run.job_id or 0).first()
    running = job is not None and job.state in (Job.State.QUEUED, Job.State.RUNNING)
    left = None
    if running and job is not None and job.done and job.started_at and job.total > job.done:
        pace = (now - job.started_at).total_seconds() / job.done
        left = max(1, round(pace * (job.total - job.done)))
    return Progress(
        total=run.total,
        running=running,
        finished=run.finished_at is not None,
        stopped=stopped_by(run, job),
        seconds_left=left,
        **counts,
    )


def stopped_by(run: SigningRun, job: Job | None) -> str:
    """Why a run has stopped before its end, with the remedy; "" when it has not. ``job``: the
    run's last one."""
    if job is None or job.state != Job.State.FAILED or run.finished_at is not None:
        return ""
    return job.error


def failures(run: SigningRun) -> QuerySet[Act]:
    """Acts that could not be made, with why; in order."""
    return (
        Act.objects.filter(batch__run=run, state=Act.State.FAILED)
        .select_related("batch")
        .defer("data")
        .order_by("batch", "rank")
    )
