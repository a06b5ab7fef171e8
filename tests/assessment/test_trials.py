"""Trials and publications in the background: the simulator is asked, presses count once."""

from __future__ import annotations

from typing import Any

import pytest

from kalan.assessment.models import FrozenTest, Test
from kalan.assessment.selectors.frozen import frozen_of
from kalan.assessment.services import publishing, tests, trials
from kalan.base import clock, jobs
from kalan.base.errors import Refused
from kalan.base.models import Job
from kalan.people.actor import SYSTEM
from tests.assessment.test_publishing import calibrate
from tests.factories import assessment, people
from tests.factories.jobs import run_jobs
from tests.factories.people import NOW

pytestmark = pytest.mark.django_db


def test_a_trial_keeps_the_verdict_and_publishes_nothing(tree: people.Tree) -> None:
    test = assessment.draft(tree.country)
    job = trials.start_trial(actor=SYSTEM, test=test, now=NOW)
    assert trials.start_trial(actor=SYSTEM, test=test, now=NOW) == job  # pressed twice
    run_jobs()
    test.refresh_from_db()
    assert (test.state, test.job) == ("draft", Job.objects.get(state="done"))
    assert (test.verdict["persons"], test.verdict["items"]) == (2000, 24)
    levels = test.verdict["by_level"]
    assert [level["code"] for level in levels] == ["debut", "sur"]
    assert sum(level["persons"] for level in levels) == 2000
    assert sum(count for _, count in test.verdict["length"]["counts"]) == 2000
    assert sum(test.verdict["exposure"]["tenths"]) == 24
    frozen = FrozenTest.objects.get(test=test)
    assert frozen.current is False
    # What was tried is what is published, and a change of the plan forgets it.
    plan = {**test.plan, "r_max": 0.9}
    edited = tests.edit(actor=SYSTEM, test=test, now=NOW, plan=plan)
    assert (edited.verdict, FrozenTest.objects.count()) == ({}, 0)


def test_a_bank_that_carries_no_adaptive_test_gives_parallel_forms(tree: people.Tree) -> None:
    test = assessment.draft(tree.country)
    trials.start_publication(actor=SYSTEM, test=test, now=NOW)
    run_jobs()
    test.refresh_from_db()
    # Six guessed questions do not tell a level: forms remain, with what speaks against the rest.
    assert (test.state, test.verdict["use"]) == ("published", "fixed")
    assert test.verdict["instead"][0].startswith("fidélité simulée de 0,")
    frozen = FrozenTest.objects.get(test=test)
    stage = frozen_of(frozen.pk).stages[0]
    assert (frozen.current, stage.mode, len(stage.forms)) == (True, "fixed", 2)


def test_what_neither_way_measures_is_refused_with_its_reasons(tree: people.Tree) -> None:
    bank = assessment.bank(tree.country, each=3)  # enough for one form, not for two
    test = assessment.draft(tree.country, bank=bank)
    trials.start_publication(actor=SYSTEM, test=test, now=NOW)
    run_jobs()
    test.refresh_from_db()
    job = Job.objects.get()
    assert test.job == job
    assert (test.state, job.state, FrozenTest.objects.count()) == ("draft", "failed", 0)
    assert job.error.startswith(
        "Ce test ne mesurerait pas assez bien\u00a0: fidélité simulée de 0,"
    )


def test_a_trial_says_what_would_keep_the_test_back(tree: people.Tree) -> None:
    test = assessment.draft(tree.country, bank=assessment.bank(tree.country, each=3))
    trials.start_trial(actor=SYSTEM, test=test, now=NOW)
    run_jobs()
    test.refresh_from_db()
    assert test.verdict["refused"] == test.verdict["reasons"] != []


def test_a_lack_is_told_before_any_work(tree: people.Tree) -> None:
    test = assessment.draft(tree.country, bank=assessment.bank(tree.country, each=2))
    with pytest.raises(Refused, match="il manque 1 question du domaine"):
        trials.start_publication(actor=SYSTEM, test=test, now=NOW)
    assert Job.objects.count() == 0


def test_one_work_at_a_time(tree: people.Tree) -> None:
    test = assessment.draft(tree.country)
    trials.start_trial(actor=SYSTEM, test=test, now=NOW)
    with pytest.raises(Refused, match="Un autre travail est en cours"):
        trials.start_publication(actor=SYSTEM, test=test, now=NOW)


def test_a_draft_changed_during_its_trial_keeps_no_verdict(
    tree: people.Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = assessment.draft(tree.country)
    trials.start_trial(actor=SYSTEM, test=test, now=NOW)
    make = publishing.make

    def slow(row: Test, **more: Any) -> publishing.Made:
        made = make(row, persons=20)
        tests.edit(actor=SYSTEM, test=row, now=NOW, plan={**row.plan, "seed": 7})
        return made

    monkeypatch.setattr(publishing, "make", slow)
    run_jobs()
    test.refresh_from_db()
    assert (test.verdict, FrozenTest.objects.count()) == ({}, 0)
    assert "a changé pendant son essai" in Job.objects.get().error


def test_a_killed_publication_starts_over_and_publishes_once(tree: people.Tree) -> None:
    test = assessment.draft(tree.country)
    job = trials.start_publication(actor=SYSTEM, test=test, now=NOW)
    # Killed once after it had written, before it said so.
    publishing.publish(actor=SYSTEM, test=test, now=NOW, persons=100)
    Job.objects.filter(pk=job.pk).update(state="running", worker="gone:1", heartbeat_at=NOW)
    assert jobs.reclaim(clock.now()) == 1
    run_jobs()
    assert Job.objects.get().state == "done"
    assert FrozenTest.objects.filter(test=test, current=True).count() == 1


def test_freezing_again_says_whether_anything_changed(tree: people.Tree) -> None:
    plan = tests.default_plan("fixed", bank := assessment.bank(tree.country))
    test = assessment.published(tree.country, "fixed", bank=bank, plan=plan)
    trials.start_refreeze(actor=SYSTEM, test=test, now=NOW)
    run_jobs()
    assert Job.objects.latest("pk").result["changed"] is False
    calibrate(test)
    trials.start_refreeze(actor=SYSTEM, test=test, now=NOW)
    run_jobs()
    assert Job.objects.latest("pk").result["changed"] is True
    assert FrozenTest.objects.filter(test=test).count() == 2


def test_an_exam_in_the_demonstration_may_rest_on_guesses_and_says_so(
    tree: people.Tree, settings: Any
) -> None:
    test = assessment.draft(tree.country, "certification")
    assert publishing.missing(test)[0].startswith("il manque 3 questions du domaine")
    settings.KALAN_DEMO = True
    assert publishing.missing(test) == []
    assert publishing.publish(actor=SYSTEM, test=test, now=NOW, persons=0).simulated is True


def test_who_may_try_and_publish(tree: people.Tree) -> None:
    test = assessment.draft(tree.country)
    author = people.actor("author", tree.country)
    with pytest.raises(Refused, match="pas le droit"):
        trials.start_publication(actor=author, test=test, now=NOW)
    with pytest.raises(Refused, match="pas le droit"):
        trials.start_trial(actor=people.actor("author", tree.fatick), test=test, now=NOW)
    assert trials.start_trial(actor=author, test=test, now=NOW).kind == "tests.try"
