"""The exams of the demonstration: judged and published, planned for today, marked as simulated."""

from __future__ import annotations

import datetime as dt

import pytest

from kalan.assessment import demo_exams
from kalan.assessment.models import Answer, Candidate, Exam, Result
from kalan.assessment.selectors.jury import simulated
from kalan.people.models import Account
from tests.factories import exams as make
from tests.factories import people
from tests.factories.people import NOW, Tree


@pytest.fixture
def built(tree: Tree, settings: object, monkeypatch: pytest.MonkeyPatch) -> demo_exams.DemoExams:
    settings.KALAN_DEMO = True  # type: ignore[attr-defined]
    even = dict.fromkeys(("d1", "d2"), 0.3)
    monkeypatch.setattr(demo_exams, "ability", lambda *_, **__: even)
    for _ in range(20):
        people.agent(tree.centre_sokone)
    return demo_exams.build_exam(
        test=make.certification(tree.country, simulated=True, cut=None),
        node=tree.country,
        now=NOW,
        learner=people.account(agent=people.agent(tree.centre_guinguineo), display_name="Agent"),
        count=12,
    )


def test_one_exam_is_published_with_simulated_answers(built: demo_exams.DemoExams) -> None:
    exam = built.published
    assert (exam.state, exam.simulated, simulated(exam)) == ("published", True, True)
    assert exam.date == NOW.date() - dt.timedelta(days=21)
    rows = Candidate.objects.filter(exam=exam)
    assert (rows.count(), rows.filter(sitting__isnull=False).count()) == (12, 10)
    assert not rows.filter(sitting__isnull=False, decision="").exists()
    assert set(Answer.objects.values_list("simulated", flat=True)) == {True}
    assert set(Result.objects.values_list("simulated", flat=True)) == {True}
    assert exam.cut is not None
    assert exam.cut == built.test.panels.get().theta


def test_the_other_waits_for_today_with_the_demonstration_account(
    built: demo_exams.DemoExams,
) -> None:
    exam = built.today
    assert (exam.state, exam.date) == (Exam.State.PLANNED, NOW.date())
    assert exam.candidates.filter(account__display_name="Agent").count() == 1
    made = Account.objects.filter(is_demo=True)
    assert made.count() == 12 + 7
    assert not any(account.has_usable_password() for account in made)
