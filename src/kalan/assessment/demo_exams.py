"""The exams of the demonstration: one judged and published, one planned for today.

Candidates are invented, their answers simulated and flagged: every page and paper of these exams
says « calibrage simulé », and nothing of them enters a real calibration or a public figure.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from kalan.assessment.demo import ability
from kalan.assessment.models import Candidate, Exam, Sitting, SittingEvent, Test
from kalan.assessment.selectors.exams import number_asked
from kalan.assessment.selectors.jury import lines
from kalan.assessment.selectors.panels import sheet
from kalan.assessment.services import events, exam_room, exams, jury, panels, publishing, tests
from kalan.assessment.services.simulated import Taker, record
from kalan.base.errors import Refused
from kalan.people.actor import SYSTEM
from kalan.people.models import Account, Agent, OrgNode
from kalan.people.selectors.core import posts_on
from kalan.skills.models import ItemBank

SEED = 20270315
CANDIDATES = 30
SHEET = 20
JUDGES = {
    "Dr Aminata Kane": -0.04,
    "Mme Coumba Sy": 0.0,
    "M. Ousmane Diallo": 0.05,
    "Mme Ndèye Sarr": 0.02,
    "M. Cheikh Gaye": -0.03,
}


@dataclass(frozen=True)
class DemoExams:
    test: Test
    published: Exam
    today: Exam


def build(
    *,
    bank: ItemBank,
    country: OrgNode,
    learner: Account | None,
    invigilator: Account | None,
    now: dt.datetime,
) -> DemoExams | None:
    """Both exams, when the bank's (simulated) calibration carries a certification test; else the
    test stays a draft that says what it lacks, and None is returned."""
    test = certification(bank, country, now=now)
    if test is None:
        return None
    return build_exam(test=test, node=country, now=now, learner=learner, invigilator=invigilator)


def certification(bank: ItemBank, node: OrgNode, *, now: dt.datetime) -> Test | None:
    """A certification test on what the bank's calibration carries; None when it carries none."""
    plan = tests.default_plan(Test.Purpose.CERTIFICATION, bank)
    plan["r_max"] = None  # tuned exposure takes long, and these answers are invented
    test = tests.create(
        actor=SYSTEM,
        code="certification",
        title="Certification en santé numérique",
        purpose=Test.Purpose.CERTIFICATION,
        bank=bank,
        node=node,
        plan=plan,
        now=now,
        introduction="L’examen de certification, dans une salle, sous surveillance.",
        watch_focus=True,
        retake_days=60,
    )
    try:
        publishing.publish(actor=SYSTEM, test=test, now=now)
    except Refused:
        return None  # the draft stays, with what it lacks
    test.refresh_from_db()
    return test


def accounts_for(agents: Sequence[Agent], *, now: dt.datetime) -> list[Account]:
    """The accounts of ``agents``; those who had none get a demonstration one, without password."""
    kept = {a.agent_id: a for a in Account.objects.filter(agent__in=agents).order_by("pk")}
    made = []
    for agent in agents:
        if agent.pk not in kept:
            account = Account(
                display_name=agent.full_name, agent=agent, is_demo=True, created_at=now
            )
            account.set_unusable_password()
            made.append(account)
    for account in Account.objects.bulk_create(made):
        kept[account.agent_id] = account
    return [kept[agent.pk] for agent in agents]


def build_exam(
    *,
    test: Test,
    node: OrgNode,
    now: dt.datetime,
    learner: Account | None = None,
    invigilator: Account | None = None,
    count: int = CANDIDATES,
) -> DemoExams:
    """A cut by a panel, an exam of three weeks ago with ``count`` candidates, judged and
    published, and one planned for today, in which ``learner`` is enrolled."""
    draw = random.Random(SEED)  # noqa: S311 - invented data
    adopt_cut(test, draw, now=now)
    day = timezone.localdate(now) - dt.timedelta(days=21)
    agents = _agents(node, day, count)
    accounts = accounts_for(agents, now=now)
    past = exams.plan(
        actor=SYSTEM,
        test=test,
        node=node,
        title=f"Examen de santé numérique, {day:%m/%Y}",
        place="Salle de formation",
        date=day,
        now=now,
        invigilator=invigilator,
        simulated=True,
    )
    _sit(past, accounts, draw)
    _judge(past, now=now)
    coming = exams.plan(
        actor=SYSTEM,
        test=test,
        node=node,
        title="Examen de santé numérique, aujourd’hui",
        place="Salle informatique",
        date=timezone.localdate(now),
        now=now,
        invigilator=invigilator,
        simulated=True,
    )
    wanted = [*accounts_for(_agents(node, day, count + 7)[count:], now=now)]
    if learner is not None:
        wanted.append(learner)
    exams.enrol(actor=SYSTEM, exam=coming, accounts=wanted, now=now, despite="Démonstration")
    past.refresh_from_db()
    return DemoExams(test, past, coming)


def _agents(node: OrgNode, day: dt.date, count: int) -> list[Agent]:
    """Agents in post below ``node``, spread over its structures, without a role of the demo."""
    posts = posts_on(day).filter(structure__path__startswith=node.path)
    found = Agent.objects.filter(pk__in=posts.values("agent"), status=Agent.Status.ACTIVE)
    found = found.exclude(account__grants__isnull=False).exclude(account__email__isnull=False)
    kept = list(found.order_by("pk").select_related("cadre"))
    random.Random(SEED).shuffle(kept)  # noqa: S311 - invented data
    return kept[:count]


def adopt_cut(test: Test, draw: random.Random, *, now: dt.datetime) -> None:
    """A panel whose judges differ a little, and its cut adopted."""
    panel = panels.create(
        actor=SYSTEM, test=test, name="Panel national", judges=list(JUDGES), count=SHEET, now=now
    )
    found = sheet(panel)
    ratings = {}
    for row in found.rows:
        easy = draw.gauss(0.6, 0.12)
        for judge, lean in enumerate(JUDGES.values(), start=1):
            value = min(0.95, max(0.1, easy + lean + draw.gauss(0, 0.07)))
            ratings[judge, row.rank] = round(20 * value) / 20
    panels.rate(actor=SYSTEM, panel=panel, ratings=ratings, now=now)
    panels.adopt(actor=SYSTEM, panel=panel, now=now)


def _sit(exam: Exam, accounts: Sequence[Account], draw: random.Random) -> None:
    start = timezone.make_aware(dt.datetime.combine(exam.date, dt.time(9, 0)))
    present = accounts[:-2]  # two stay away
    takers = [_taker(account, start, draw) for account in present]
    sat = record(test=exam.test, takers=takers, context="exam", seed=SEED)
    rows = [
        Candidate(
            exam=exam,
            account=account,
            sitting=sitting,
            entered_at=start,
            arrived_at=start,
            allowed_at=start,
            extra_percent=33 if number == 4 else 0,
            assistive=number == 4,
        )
        for number, (account, sitting) in enumerate(zip(present, sat, strict=True))
    ]
    rows += [Candidate(exam=exam, account=account) for account in accounts[-2:]]
    Candidate.objects.bulk_create(rows)
    _happenings(sat, draw)
    end = start + dt.timedelta(hours=2)
    Exam.objects.filter(pk=exam.pk).update(
        state=Exam.State.CLOSED, opened_at=start - dt.timedelta(minutes=30), closed_at=end
    )
    exam.refresh_from_db()


def _taker(account: Account, start: dt.datetime, draw: random.Random) -> Taker:
    agent = account.agent
    cadre = agent.cadre if agent else None
    post = posts_on(timezone.localdate(start)).filter(agent=agent).order_by("-pk").first()
    return Taker(
        ability=ability(draw, cadre=cadre.code if cadre else "", shift=0.5),
        at=start + dt.timedelta(minutes=draw.randrange(5)),
        agent=agent,
        account=account,
        structure_id=post.structure_id if post else None,
        cadre_id=cadre.pk if cadre else None,
        sex=agent.sex if agent else "",
    )


def _happenings(sat: Sequence[Sitting], draw: random.Random) -> None:
    """A few pages left, a cut of the network, a picture that did not come."""
    for number, sitting in enumerate(sat):
        at = (sitting.started_at or sitting.created_at) + dt.timedelta(minutes=4)
        asked = min(7, number_asked(sitting) - 1)
        for n in range((0, 0, 0, 1, 0, 0, 2, 0, 0, 0)[number % 10]):
            events.note(
                sitting=sitting,
                kind=SittingEvent.Kind.FOCUS,
                now=at + dt.timedelta(minutes=n),
                number=asked,
            )
        if number in (2, 11):
            events.note(
                sitting=sitting,
                kind=SittingEvent.Kind.INCIDENT,
                now=at,
                number=asked,
                version=exam_room.asked_versions(sitting).get(asked),
                category="network" if number == 2 else "image",
                text="Coupure de courant de deux minutes." if number == 2 else "",
            )


def _judge(exam: Exam, *, now: dt.datetime) -> None:
    found = lines(exam, now=now)
    wanted = {str(line.candidate.uid): "proposal" for line in found if line.proposal}
    seen = {str(line.candidate.uid): jury.stamp(line.candidate) for line in found}
    jury.decide(actor=SYSTEM, exam=exam, wanted=wanted, seen=seen, now=now)
    jury.publish(actor=SYSTEM, exam=exam, now=now)
