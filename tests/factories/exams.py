"""Certification tests on calibrated items, exams in a room, candidates on their way."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from kalan.assessment.models import Candidate, Exam, Sitting, Test
from kalan.assessment.selectors.screens import Question, current
from kalan.assessment.services import answering, candidates, exam_room, exams
from kalan.base.ids import uuid7
from kalan.people.actor import SYSTEM, Actor
from kalan.people.models import Account, OrgNode
from kalan.people.selectors.core import actor_for
from kalan.skills.models import ItemBank, ItemCalibration, ItemVersion
from tests.factories import assessment, people
from tests.factories.people import NOW

DEVICE = "the browser of the candidate"


def calibrate(bank: ItemBank, *, answers: int = 600, simulated: bool = False) -> ItemBank:
    """Give every item a calibration on ``answers`` answers."""
    versions = ItemVersion.objects.filter(item__bank=bank).select_related("item")
    ItemCalibration.objects.bulk_create(
        ItemCalibration(
            version=version,
            run_uid=uuid.uuid4(),
            model="2PL",
            a=1.2,
            b=[version.item.difficulty],
            c=0.0,
            se_a=0.1,
            se_b=0.1,
            answers=answers,
            simulated=simulated,
            adopted_at=NOW,
        )
        for version in versions
    )
    return bank


def certification(node: OrgNode, *, simulated: bool = False, **fields: Any) -> Test:
    """A published certification test of 6 questions in 40 minutes, with a cut at 0."""
    values: dict[str, Any] = {
        "bank": calibrate(assessment.bank(node), simulated=simulated),
        "minutes": 40,
        "open": False,
        "watch_focus": True,
        **fields,
    }
    cut = values.pop("cut", 0.0)
    made = assessment.published(node, "certification", **values)
    if cut is not None:
        Test.objects.filter(pk=made.pk).update(cut=cut, cut_se=0.1)
    return Test.objects.get(pk=made.pk)


def actor(account: Account) -> Actor:
    return actor_for(account, today=NOW.date())


def exam(node: OrgNode, *, state: str = "open", **fields: Any) -> Exam:
    """An exam of the day of NOW, its room open."""
    values: dict[str, Any] = {"title": "Certification", "date": NOW.date(), "now": NOW, **fields}
    values["test"] = values.get("test") or certification(node)
    made = exams.plan(actor=SYSTEM, node=node, **values)
    if state == "open":
        made = exam_room.open_room(actor=SYSTEM, exam=made, now=NOW)
    return made


def candidate(exam: Exam, structure: OrgNode, **fields: Any) -> Candidate:
    """Somebody enrolled, with an account."""
    account = fields.pop("account", None) or people.account(agent=people.agent(structure))
    return Candidate.objects.create(exam=exam, account=account, **fields)


def begun(row: Candidate, *, now: dt.datetime = NOW) -> Candidate:
    """Code entered, start allowed, first question on screen."""
    who = actor(row.account)
    candidates.enter(actor=who, code=row.exam.code, now=now)
    exam_room.allow_start(actor=SYSTEM, candidate=row, now=now)
    return candidates.begin(actor=who, uid=row.uid, device=DEVICE, now=now)


def answer(row: Candidate, choice: str = assessment.RIGHT, *, now: dt.datetime = NOW) -> None:
    """Answer the question on screen."""
    sitting = Sitting.objects.get(candidate=row)
    screen = current(sitting=sitting, now=now)
    assert isinstance(screen, Question), screen
    answering.answer(
        sitting_uid=sitting.uid,
        answer_uid=uuid7(),
        number=screen.number,
        data={"r": choice},
        now=now,
    )


def finished(row: Candidate, choice: str = assessment.RIGHT, *, minutes: int = 20) -> Candidate:
    """Every question answered alike."""
    row = begun(row)
    later = NOW + dt.timedelta(minutes=minutes)
    while Sitting.objects.get(candidate=row).state == Sitting.State.RUNNING:
        answer(row, choice, now=later)
    return Candidate.objects.get(pk=row.pk)


def closed(exam: Exam) -> Exam:
    return exam_room.end_exam(actor=SYSTEM, exam=exam, now=NOW + dt.timedelta(hours=1))
