"""Counting the statistics of a bank now, and not only at night."""

from __future__ import annotations

import datetime as dt
from typing import Any

from kalan.assessment.services.statistics import count_statistics
from kalan.assessment.services.writing import act, require
from kalan.base import clock, jobs
from kalan.base.models import Job
from kalan.people.actor import Actor
from kalan.skills.models import ItemBank

KIND = "statistics"


@act
def start_count(*, actor: Actor, bank: ItemBank, now: dt.datetime) -> Job:
    """Count in the background; the job that does it already, if there is one."""
    require(actor, "calibration.run", bank.node)
    return queue_count(bank=bank, actor=actor, now=now)


def queue_count(*, bank: ItemBank, actor: Actor, now: dt.datetime) -> Job:
    """The same for services that have checked the right to."""
    going = Job.objects.filter(
        kind=KIND,
        arguments__bank_uid=str(bank.uid),
        state__in=[Job.State.QUEUED, Job.State.RUNNING],
    ).first()
    return going or jobs.start_job(
        kind=KIND,
        label=f"Comptage de « {bank.name} »",
        task=count,
        actor_account=actor.account,
        now=now,
        arguments={"bank_uid": str(bank.uid)},
    )


@jobs.job()
def count(*, job: Job, bank_uid: str) -> dict[str, Any]:
    bank = ItemBank.objects.get(uid=bank_uid)
    return {"versions": count_statistics(bank=bank, now=clock.now())}
