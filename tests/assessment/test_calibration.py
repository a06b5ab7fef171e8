"""A run from its start to its adoption, and what it refuses."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from kalan.assessment.models import Answer, CalibrationLine, CalibrationRun, Sitting
from kalan.assessment.services import adoption, calibration
from kalan.base import jobs
from kalan.base.errors import Refused
from kalan.base.models import Job
from kalan.people.actor import SYSTEM
from kalan.skills.models import ItemBank, ItemCalibration, ItemVersion
from tests.factories import assessment, people
from tests.factories import calibration as made
from tests.factories.jobs import run_jobs
from tests.factories.people import NOW


@pytest.fixture
def bank(tree: people.Tree) -> ItemBank:
    return assessment.bank(tree.country, domains=1, each=12)


def start(bank: ItemBank, **options: Any) -> CalibrationRun:
    return calibration.start(actor=SYSTEM, bank=bank, now=NOW, **options)


def ready(bank: ItemBank, **options: Any) -> CalibrationRun:
    run = start(bank, **options)
    run_jobs()
    run.refresh_from_db()
    assert run.error == ""
    return run


def adopt(run: CalibrationRun, choice: Any = "all") -> int:
    return adoption.adopt(actor=SYSTEM, run=run, now=NOW, choice=choice)


def test_known_parameters_come_back_and_serve_once_adopted(bank: ItemBank) -> None:
    true = made.truth(bank)
    made.answered(made.frozen_test(bank), true, 700)
    run = ready(bank)
    assert (run.state, run.answers, run.persons) == ("ready", 8400, 700)
    assert (run.report["scale"]["by"], run.report["left_out"]) == ("expert", [])
    assert Job.objects.values_list("state", "done", "total").get() == ("done", 95, 100)
    lines = list(run.lines.order_by("version__item__code"))
    # The authors count on luck, which these people have not: all lie higher by the same step.
    gaps = [line.after["b"][0] - item.b[0] for line, item in zip(lines, true, strict=True)]
    middle = sum(gaps) / len(gaps)
    assert max(abs(gap - middle) for gap in gaps) < 0.4
    assert {line.before["expert"] for line in lines} == {True}
    assert adopt(run) == 12
    kept = ItemCalibration.objects.filter(current=True)
    assert set(kept.values_list("answers", "simulated", "model")) == {(700, False, "2PL")}
    assert run.lines.filter(adopted=True).count() == 12


@pytest.mark.one_database
def test_the_second_run_stands_on_the_scale_of_the_first(bank: ItemBank) -> None:
    true = made.truth(bank)
    frozen = made.frozen_test(bank)
    made.answered(frozen, true, 600)
    adopt(ready(bank))
    made.answered(frozen, true, 600, seed=2)
    run = ready(bank)
    assert (run.report["scale"]["by"], run.report["scale"]["anchors"]) == ("anchors", 12)
    assert abs(run.report["scale"]["slope"] - 1) < 0.1
    assert run.lines.filter(before__answers=600).count() == 12


@pytest.mark.one_database
def test_flags_say_what_is_wrong_and_the_gate_keeps_it_out(bank: ItemBank) -> None:
    frozen, true = made.frozen_test(bank), made.truth(bank)
    made.answered(frozen, true, 1000, harder={true[4].code: 1.6})
    wrong = Answer.objects.filter(version_id=int(true[6].uid))
    right = list(wrong.filter(category=1).values_list("pk", flat=True))
    wrong.update(category=1)
    Answer.objects.filter(pk__in=right).update(category=0)
    late = Answer.objects.filter(version_id=int(true[8].uid)).order_by("pk")[:600]
    Answer.objects.filter(pk__in=list(late.values_list("pk", flat=True))).delete()
    run = ready(bank)
    flags = {line.version.item.code: line.flags for line in run.lines.all()}
    assert flags[true[4].code] == ["dif"]
    assert "low_slope" in flags[true[6].code]
    assert flags[true[8].code] == ["few"]
    assert adopt(run, "gate") == 9
    run.refresh_from_db()
    assert (run.state, run.lines.filter(adopted=True).count()) == ("adopted", 9)


def test_chosen_questions_alone_are_adopted(bank: ItemBank) -> None:
    made.answered(made.frozen_test(bank), made.truth(bank), 300)
    run = ready(bank)
    with pytest.raises(Refused, match="Aucune question de ce choix"):
        adopt(run, "gate")
    two = [line.version.uid for line in run.lines.select_related("version")[:2]]
    assert adopt(run, two) == 2
    assert ItemCalibration.objects.filter(current=True).count() == 2


def test_real_and_simulated_answers_are_never_mixed(bank: ItemBank, settings: Any) -> None:
    frozen, true = made.frozen_test(bank), made.truth(bank)
    made.answered(frozen, true, 200)
    made.answered(frozen, true, 100, simulated=True)
    settings.KALAN_DEMO = False
    with pytest.raises(Refused, match="que dans la démonstration"):
        start(bank, simulated=True)
    assert ready(bank).persons == 200
    settings.KALAN_DEMO = True
    run = ready(bank, simulated=True)
    assert (run.persons, run.simulated) == (100, True)
    # A sitting whose flag is not that of its answers: nobody knows what it is.
    Sitting.objects.filter(pk=Sitting.objects.filter(simulated=True)[0].pk).update(simulated=False)
    calibration.discard(actor=SYSTEM, run=run, now=NOW)
    broken = start(bank, simulated=True)
    run_jobs()
    broken.refresh_from_db()
    assert (broken.state, broken.error.startswith("Des réponses simulées et")) == ("failed", True)


def test_a_simulated_calibration_is_nothing_to_a_real_run(bank: ItemBank, settings: Any) -> None:
    settings.KALAN_DEMO = True
    frozen, true = made.frozen_test(bank), made.truth(bank)
    made.answered(frozen, true, 600, simulated=True)
    adopt(ready(bank, simulated=True))
    made.answered(frozen, true, 200)
    run = ready(bank)
    assert run.report["scale"]["by"] == "expert"
    assert {line.before.get("expert") for line in run.lines.all()} == {True}


def test_only_the_first_answer_of_a_person_counts_and_only_what_was_asked_for(
    bank: ItemBank, tree: people.Tree
) -> None:
    frozen, true = made.frozen_test(bank), made.truth(bank)
    agents = [people.agent(tree.poste_toubacouta) for _ in range(40)]
    made.answered(frozen, true, 40, agents=agents)
    made.answered(frozen, true, 40, agents=agents, seed=2, at=NOW + dt.timedelta(days=1))
    made.answered(frozen, true, 20, seed=3, state="running")
    assert ready(bank).answers == 40 * 12
    assert ready(bank, first_only=False).answers == 80 * 12
    assert ready(bank, finished=False).answers == 60 * 12
    later = NOW.date() + dt.timedelta(days=1)
    assert ready(bank, since=later, first_only=False).answers == 40 * 12
    with pytest.raises(Refused, match="Aucune réponse ne correspond"):
        start(bank, since=later + dt.timedelta(days=1))


def test_one_run_of_a_bank_goes_at_a_time(bank: ItemBank) -> None:
    made.answered(made.frozen_test(bank), made.truth(bank), 60)
    first = start(bank)
    assert start(bank) == first
    with pytest.raises(Refused, match="en cours"):
        start(bank, guessing=True)


def test_of_two_adoptions_one_wins(bank: ItemBank) -> None:
    made.answered(made.frozen_test(bank), made.truth(bank), 200)
    one, two = ready(bank), ready(bank, guessing=True)
    adoption.adopt(actor=SYSTEM, run=one, now=NOW + dt.timedelta(hours=1), choice="all")
    with pytest.raises(Refused, match="déjà adopté"):
        adopt(one)
    with pytest.raises(Refused, match="a été adopté depuis"):
        adopt(two)
    assert ItemCalibration.objects.filter(run_uid=two.uid).count() == 0


def test_a_run_given_up_while_it_works_writes_nothing(bank: ItemBank) -> None:
    made.answered(made.frozen_test(bank), made.truth(bank), 60)
    run = start(bank)
    calibration.discard(actor=SYSTEM, run=run, now=NOW)
    run_jobs()
    run.refresh_from_db()
    assert (run.state, run.lines.count()) == ("discarded", 0)
    with pytest.raises(Refused, match="n’est pas prêt"):
        adopt(run)


def test_a_killed_worker_leaves_nothing_and_the_next_one_ends_the_run(bank: ItemBank) -> None:
    made.answered(made.frozen_test(bank), made.truth(bank), 60)
    run = start(bank)
    # What a worker killed in the middle leaves: claimed, running, no sign of life.
    Job.objects.update(
        state="running", attempts=1, worker="mort:1", heartbeat_at=NOW - dt.timedelta(hours=1)
    )
    CalibrationRun.objects.update(state="running")
    version = ItemVersion.objects.filter(item__bank=bank)[0]
    CalibrationLine.objects.create(run=run, version=version, answers=1)
    assert jobs.reclaim(NOW) == 1
    run_jobs()
    run.refresh_from_db()
    assert (run.state, run.lines.count()) == ("ready", 12)


def test_a_run_that_can_measure_nothing_says_so(bank: ItemBank) -> None:
    made.answered(made.frozen_test(bank), made.truth(bank), 10)
    run = start(bank)
    run_jobs()
    run.refresh_from_db()
    assert (run.state, "rien ne peut être calibré" in run.error) == ("failed", True)


def test_running_and_adopting_ask_for_their_rights(bank: ItemBank, tree: people.Tree) -> None:
    made.answered(made.frozen_test(bank), made.truth(bank), 60)
    actor = people.actor("author", tree.country)
    run = calibration.start(actor=actor, bank=bank, now=NOW)
    run_jobs()
    with pytest.raises(Refused, match="pas le droit"):
        adoption.adopt(actor=actor, run=run, now=NOW, choice="all")
    stranger = people.actor()
    with pytest.raises(Refused, match="pas le droit"):
        calibration.start(actor=stranger, bank=bank, now=NOW)
