"""The screens of calibration: start, follow, look, filter, adopt, and what follows."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from kalan.assessment.models import CalibrationRun, Exam, FrozenTest, Result, Test
from kalan.assessment.services import adoption, following, results
from kalan.base.errors import Refused
from kalan.base.models import Job
from kalan.people.actor import SYSTEM
from kalan.skills.models import ItemBank, ItemCalibration, ItemStatistics
from tests.factories import assessment, exams, people
from tests.factories import calibration as made
from tests.factories.jobs import run_jobs
from tests.factories.people import NOW


@pytest.fixture
def bank(tree: people.Tree) -> ItemBank:
    return assessment.bank(tree.country, domains=1, each=6)


@pytest.fixture
def programme(client: Client, tree: people.Tree) -> Client:
    client.force_login(people.account("programme", tree.country))
    return client


def page(client: Client, name: str, **kwargs: Any) -> str:
    response = client.get(reverse(name, kwargs=kwargs))
    assert response.status_code == 200
    return response.content.decode()


def test_a_run_goes_from_the_form_to_its_adoption(
    programme: Client, bank: ItemBank, settings: Any
) -> None:
    settings.KALAN_DEMO = False
    made.answered(made.frozen_test(bank), made.truth(bank), 90)
    sent = {"bank": str(bank.uid), "sittings": "finished", "first_only": "on"}
    response = programme.post(reverse("calibration-new"), sent)
    run = CalibrationRun.objects.get()
    there = reverse("calibration-detail", kwargs={"uid": run.uid})
    assert (response.status_code, response["Location"]) == (302, there)
    assert 'http-equiv="refresh"' in page(programme, "calibration-detail", uid=run.uid)
    run_jobs()
    html = page(programme, "calibration-detail", uid=run.uid)
    assert ("Adopter tout (6)" in html, "sans réserve</a>" in html) == (True, False)
    asked = programme.get(reverse("calibration-adopt", kwargs={"uid": run.uid}), {"choix": "all"})
    assert "<strong>6 questions</strong>" in asked.content.decode()
    assert ItemCalibration.objects.count() == 0
    programme.post(
        reverse("calibration-adopt", kwargs={"uid": run.uid}), {"choix": "all", "confirme": "1"}
    )
    assert ItemCalibration.objects.filter(current=True).count() == 6
    run_jobs()  # what was seen of the questions is counted again
    assert ItemStatistics.objects.filter(answers=90).count() == 6


def test_what_cannot_start_is_said_on_the_form(programme: Client, bank: ItemBank) -> None:
    sent = {"bank": str(bank.uid), "sittings": "finished", "answers": "real"}
    response = programme.post(reverse("calibration-new"), sent)
    assert response.status_code == 422
    assert "Aucune réponse ne correspond à ces choix." in response.content.decode()
    wrong = programme.post(reverse("calibration-new"), {**sent, "since": "hier"})
    assert "Écrivez une date" in wrong.content.decode()


def test_lines_are_filtered_and_exported(programme: Client, bank: ItemBank) -> None:
    run = made.ready(bank, "Sokone")
    there = reverse("calibration-detail", kwargs={"uid": run.uid})

    def codes(**query: str) -> list[str]:
        body = programme.get(there, {**query, "format": "csv"}).content.decode("utf-8-sig")
        lines = itertools.takewhile(lambda line: "démonstration" not in line, body.splitlines()[1:])
        return [line.split(";")[0] for line in lines]

    assert codes() == [f"d1-{number:02}" for number in range(6)]
    assert codes(flag="gate") == ["d1-00", "d1-04"]
    assert codes(flag="dif") == ["d1-03"]
    assert codes(q="05") == ["d1-05"]
    assert "Aucune question ne répond" in programme.get(there, {"q": "rien"}).content.decode()


def test_chosen_lines_are_named_in_the_confirmation(programme: Client, bank: ItemBank) -> None:
    run = made.ready(bank, "Sokone")
    one = run.lines.order_by("version__item__code").select_related("version")[1]
    there = reverse("calibration-adopt", kwargs={"uid": run.uid})
    sent = {"choix": "chosen", "question": [str(one.version.uid), "pas-un-uuid"]}
    assert "<strong>1 question</strong>" in programme.get(there, sent).content.decode()
    programme.post(there, {**sent, "confirme": "1"})
    assert ItemCalibration.objects.get().version_id == one.version_id


def test_pages_ask_a_constant_number_of_queries(
    programme: Client, bank: ItemBank, tree: people.Tree, django_assert_num_queries: Any
) -> None:
    run = made.ready(bank, "Sokone")
    large = made.ready(assessment.bank(tree.country, domains=1, each=40), "Fatick")
    lists, details = reverse("calibration-list"), "calibration-detail"
    programme.get(lists)
    CalibrationRun.objects.filter(pk=large.pk).update(bank=bank)
    for uid in (run.uid, large.uid):
        with django_assert_num_queries(7):
            programme.get(reverse(details, kwargs={"uid": uid}))
    with django_assert_num_queries(5):
        programme.get(lists)
    made.ready(bank, "Kaolack")
    with django_assert_num_queries(5):
        programme.get(lists)


def test_after_an_adoption_a_test_is_frozen_anew_and_its_sittings_scored_again(
    programme: Client, tree: people.Tree
) -> None:
    test = assessment.published(tree.country)
    sitting = assessment.finished(test, people.account())
    before = Result.objects.get(sitting=sitting)
    run = made.ready(test.bank, "Sokone")
    adoption.adopt(actor=SYSTEM, run=run, now=NOW + dt.timedelta(days=1), choice="all")
    old = FrozenTest.objects.defer("body").get(test=test, current=True)
    html = page(programme, "calibration-detail", uid=run.uid)
    assert ("Figer de nouveau" in html, "Noter de nouveau" in html) == (True, False)
    with pytest.raises(Refused, match="pas encore figé de nouveau"):
        following.start_rescore(actor=SYSTEM, run=CalibrationRun.objects.get(), test=test, now=NOW)
    about = {"uid": run.uid, "test": test.uid}
    for _ in range(2):  # two presses: one job
        programme.post(reverse("calibration-refreeze", kwargs=about))
    assert Job.objects.filter(kind="calibration.refreeze").count() == 1
    run_jobs()
    new = FrozenTest.objects.defer("body").get(test=test, current=True)
    assert new.version != old.version
    FrozenTest.objects.filter(pk=new.pk).update(created_at=NOW + dt.timedelta(days=2))
    assert Result.objects.get(sitting=sitting) == before  # an old sitting is left alone
    assert "Noter de nouveau" in page(programme, "calibration-detail", uid=run.uid)
    programme.post(reverse("calibration-rescore", kwargs=about))
    run_jobs()
    found = list(Result.objects.filter(sitting=sitting).order_by("number"))
    assert [(one.frozen_version, one.current) for one in found] == [
        (old.version, False),
        (new.version, True),
    ]
    assert Job.objects.get(kind="calibration.rescore").result == {
        "done": 1,
        "left": 0,
        "published": 0,
    }
    assert "1 notée de nouveau" in page(programme, "calibration-detail", uid=run.uid)
    again = Job.objects.create(
        kind="calibration.rescore", task="-", created_at=NOW, enqueued_at=NOW, state="running"
    )
    assert following.rescore_test(job=again, run_uid=str(run.uid), test_uid=str(test.uid)) == {
        "done": 0,
        "left": 0,
        "published": 0,
    }
    assert Test.objects.get(pk=test.pk).state == "published"


def test_what_a_published_exam_decided_is_not_scored_again(
    programme: Client, tree: people.Tree
) -> None:
    exam = exams.exam(tree.fatick)
    row = exams.finished(exams.candidate(exam, tree.centre_sokone))
    exams.closed(exam)
    Exam.objects.filter(pk=exam.pk).update(state="published", published_at=NOW)
    before = list(Result.objects.filter(sitting=row.sitting))
    test = exam.test
    FrozenTest.objects.filter(test=test).update(version="later")
    run = CalibrationRun.objects.create(
        bank=test.bank, created_at=NOW, state="adopted", adopted_at=NOW
    )
    job = Job.objects.create(
        kind="calibration.rescore",
        task="-",
        created_at=NOW,
        enqueued_at=NOW,
        arguments={"run_uid": str(run.uid), "test_uid": str(test.uid)},
    )
    done = following.rescore_test(job=job, **job.arguments)
    assert done == {"done": 0, "left": 0, "published": 1}
    assert list(Result.objects.filter(sitting=row.sitting)) == before
    frozen = FrozenTest.objects.get(test=test, current=True, form="")
    with pytest.raises(Refused, match="sont publiés"):
        results.rescore(actor=SYSTEM, sitting=row.sitting, frozen=frozen, now=NOW)
