"""Exams: enrolment and its rules, the code, the start, the room, replacement, the end."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from kalan.assessment.models import Candidate, Exam, Sitting, SittingEvent
from kalan.assessment.selectors.exams import places
from kalan.assessment.selectors.mine import own_tests
from kalan.assessment.services import candidates, exam_room, exams
from kalan.base.errors import Refused
from kalan.people.actor import SYSTEM
from kalan.people.models import Role
from tests.factories import exams as make
from tests.factories import people
from tests.factories.people import NOW, Tree

DAY = NOW.date()
LATER = dt.timedelta(minutes=4)


def minutes(number: float) -> dt.datetime:
    return NOW + dt.timedelta(minutes=number)


@pytest.fixture
def exam(tree: Tree) -> Exam:
    return make.exam(tree.fatick)


@pytest.fixture
def row(exam: Exam, tree: Tree) -> Candidate:
    return make.candidate(exam, tree.centre_sokone)


def kinds(row: Candidate) -> list[str]:
    rows = SittingEvent.objects.filter(sitting__candidate=row)
    return list(rows.order_by("pk").values_list("kind", flat=True))


def test_one_s_page_of_tests_asks_no_more_for_three_exams_than_for_one(
    exam: Exam, row: Candidate, tree: Tree, django_assert_num_queries: Any
) -> None:
    actor = make.actor(row.account)
    make.finished(row)
    for wanted in (1, 3):
        while Candidate.objects.filter(account=row.account).count() < wanted:
            other = make.exam(tree.fatick, test=exam.test)
            make.finished(make.candidate(other, tree.centre_sokone, account=row.account))
        with django_assert_num_queries(3):
            found = own_tests(actor, now=NOW)
        assert [one.withheld[:12] for one in found.taken] == ["Vos réponses"] * wanted


# --- Planned and enrolled ---------------------------------------------------------------------


def test_only_published_certification_tests_become_exams(tree: Tree) -> None:
    from tests.factories import assessment

    with pytest.raises(Refused, match="n’est pas un examen de certification"):
        make.exam(tree.fatick, test=assessment.published(tree.fatick))
    draft = assessment.draft(tree.fatick, "certification", minutes=40)
    with pytest.raises(Refused, match="n’est pas publié"):
        make.exam(tree.fatick, test=draft)
    with pytest.raises(Refused, match="est passé"):
        make.exam(tree.fatick, date=DAY - dt.timedelta(days=1))
    assert Exam.objects.count() == 0


def test_a_region_plans_in_its_own_territory_alone(tree: Tree) -> None:
    manager = make.actor(people.account(Role.REGION, tree.kaolack))
    with pytest.raises(Refused, match="droit"):
        exams.plan(
            actor=manager,
            test=make.certification(tree.country),
            node=tree.fatick,
            title="x",
            date=DAY,
            now=NOW,
        )


def test_pasted_matricules_name_whom_they_do_not_find(exam: Exam, tree: Tree) -> None:
    known = people.account(agent=people.agent(tree.centre_sokone, matricule="100001/A"))
    alone = people.agent(tree.centre_sokone, matricule="100002/B", last_name="Faye")
    people.account(agent=people.agent(tree.centre_guinguineo, matricule="100003/C"))
    said = exams.enrol_matricules(
        actor=make.actor(people.account(Role.REGION, tree.fatick)),
        exam=exam,
        text="100001/a, 100002/B\n100003/C ; 100001/A 999999/Z",
        now=NOW,
    )
    assert [one.account for one in said.added] == [known]
    assert said.without == [str(alone)]
    assert said.unknown == ["100003/C", "999999/Z"]
    again = exams.enrol(actor=SYSTEM, exam=exam, accounts=[known], now=NOW)
    assert (again.added, again.already) == ([], [str(known)])


def test_who_sat_the_test_lately_is_enrolled_only_with_a_reason(tree: Tree) -> None:
    test = make.certification(tree.fatick, retake_days=30)
    first = make.exam(tree.fatick, test=test)
    account = make.finished(make.candidate(first, tree.centre_sokone)).account
    make.closed(first)
    second = make.exam(tree.fatick, test=test, state="planned", date=DAY + dt.timedelta(days=29))
    said = exams.enrol(actor=SYSTEM, exam=second, accounts=[account], now=NOW)
    assert [name for name, _ in said.waiting] == [str(account)]
    assert said.waiting[0][1] == "passé le 20/03/2023, à repasser à partir du 19/04/2023"
    assert second.candidates.count() == 0
    said = exams.enrol(
        actor=SYSTEM, exam=second, accounts=[account], now=NOW, despite="Panne nationale"
    )
    assert len(said.added) == 1
    third = make.exam(tree.fatick, test=test, state="planned", date=DAY + dt.timedelta(days=30))
    assert len(exams.enrol(actor=SYSTEM, exam=third, accounts=[account], now=NOW).added) == 1


def test_enrolling_ten_costs_what_enrolling_one_does(
    exam: Exam, tree: Tree, django_assert_num_queries: object
) -> None:
    for number in (1, 10):
        accounts = [people.account(agent=people.agent(tree.centre_sokone)) for _ in range(number)]
        with django_assert_num_queries(8):  # type: ignore[operator]
            exams.enrol(actor=SYSTEM, exam=exam, accounts=accounts, now=NOW)


def test_accommodations_hold_until_the_start(row: Candidate) -> None:
    given = {"actor": SYSTEM, "candidate": row, "accessible_only": True, "assistive": True}
    with pytest.raises(Refused, match="de 0 à 100"):
        exams.accommodate(**given, extra_percent=150, now=NOW)
    exams.accommodate(**given, extra_percent=50, now=NOW)
    begun = make.begun(row)
    assert begun.sitting is not None
    assert begun.sitting.deadline == minutes(60)
    assert begun.sitting.accessible_only is True
    with pytest.raises(Refused, match="a commencé"):
        exams.accommodate(**given, extra_percent=0, now=NOW)
    with pytest.raises(Refused, match="a commencé"):
        exams.withdraw(actor=SYSTEM, candidate=row, now=NOW)


# --- The code ---------------------------------------------------------------------------------


def test_the_code_is_read_in_any_case_and_with_spaces(row: Candidate) -> None:
    code = row.exam.code
    who = make.actor(row.account)
    kept = candidates.enter(actor=who, code=f" {code[:3].lower()} {code[3:]} ", now=NOW)
    assert kept.entered_at == NOW


def test_a_wrong_code_many_times_is_made_to_wait(row: Candidate) -> None:
    who = make.actor(row.account)
    for _ in range(8):
        with pytest.raises(Refused, match="n’ouvre aucun examen"):
            candidates.enter(actor=who, code="FAUX22", now=NOW)
    with pytest.raises(Refused, match="Réessayez dans 15 minutes") as waits:
        candidates.enter(actor=who, code=row.exam.code, now=NOW)
    assert waits.value.code == "wait"
    kept = candidates.enter(actor=who, code=row.exam.code, now=minutes(15))
    assert kept.pk == row.pk


def test_codes_of_another_day_a_room_not_open_and_a_closed_one(tree: Tree) -> None:
    test = make.certification(tree.fatick)
    tomorrow = make.exam(tree.fatick, test=test, state="planned", date=DAY + dt.timedelta(days=1))
    row = make.candidate(tomorrow, tree.centre_sokone)
    who = make.actor(row.account)
    with pytest.raises(Refused, match="de l’examen du 21/03/2023"):
        candidates.enter(actor=who, code=tomorrow.code, now=NOW)
    with pytest.raises(Refused, match="s’ouvre ce jour-là"):
        exam_room.open_room(actor=SYSTEM, exam=tomorrow, now=NOW)
    planned = make.exam(tree.fatick, test=test, state="planned")
    make.candidate(planned, tree.centre_sokone, account=row.account)
    with pytest.raises(Refused, match="pas encore ouverte"):
        candidates.enter(actor=who, code=planned.code, now=NOW)
    done = make.exam(tree.fatick, test=test)
    make.candidate(done, tree.centre_sokone, account=row.account)
    make.closed(done)
    with pytest.raises(Refused, match="Cet examen est terminé"):
        candidates.enter(actor=who, code=done.code, now=NOW)


def test_who_is_not_enrolled_is_told_so(exam: Exam, tree: Tree) -> None:
    stranger = people.account(agent=people.agent(tree.centre_sokone))
    with pytest.raises(Refused, match="pas inscrit"):
        candidates.enter(actor=make.actor(stranger), code=exam.code, now=NOW)


def test_a_renewed_code_replaces_the_old_one(row: Candidate) -> None:
    old = row.exam.code
    new = exam_room.renew_code(actor=SYSTEM, exam=row.exam, now=NOW).code
    assert new != old
    with pytest.raises(Refused, match="aucun examen"):
        candidates.enter(actor=make.actor(row.account), code=old, now=NOW)
    assert candidates.enter(actor=make.actor(row.account), code=new, now=NOW).pk == row.pk


# --- Start, device ----------------------------------------------------------------------------


def test_the_start_waits_for_the_code_and_the_invigilator(row: Candidate) -> None:
    who = make.actor(row.account)
    given = {"actor": who, "uid": row.uid, "device": make.DEVICE, "now": NOW}
    with pytest.raises(Refused, match="le code"):
        candidates.begin(**given)
    candidates.enter(actor=who, code=row.exam.code, now=NOW)
    with pytest.raises(Refused, match="pas encore autorisé"):
        candidates.begin(**given)
    exam_room.mark_arrived(actor=SYSTEM, candidate=row, arrived=True, now=NOW)
    assert exam_room.allow_all(actor=SYSTEM, exam=row.exam, now=NOW) == 1
    first = candidates.begin(**given)
    again = candidates.begin(**given)
    assert again.sitting_id == first.sitting_id
    assert Sitting.objects.count() == 1


def test_another_device_is_let_in_by_the_invigilator_and_shuts_the_first_out(
    row: Candidate,
) -> None:
    make.begun(row)
    who = make.actor(row.account)
    other = {"actor": who, "uid": row.uid, "device": "another", "now": NOW}
    with pytest.raises(Refused, match="autre appareil"):
        candidates.begin(**other)
    with pytest.raises(Refused, match="pas encore autorisé la reprise"):
        candidates.take_over(**other)
    exam_room.allow_resume(actor=SYSTEM, candidate=row, now=NOW)
    candidates.take_over(**other)
    assert kinds(row) == ["resumed"]
    with pytest.raises(Refused, match="autre appareil"):
        candidates.call(actor=who, uid=row.uid, device=make.DEVICE, number=1, text="", now=NOW)
    with pytest.raises(Refused, match="autorisé la reprise"):
        candidates.take_over(actor=who, uid=row.uid, device=make.DEVICE, now=NOW)


# --- Calls, replacement, focus ----------------------------------------------------------------


def test_a_call_that_nobody_answers_lets_the_candidate_replace_the_question(
    row: Candidate,
) -> None:
    make.begun(row)
    given = {"actor": make.actor(row.account), "uid": row.uid, "device": make.DEVICE, "number": 1}
    with pytest.raises(Refused, match="Appelez d’abord"):
        candidates.replace(**given, now=NOW)
    candidates.call(**given, text="Image absente", now=NOW)
    candidates.call(**given, text="Image absente", now=minutes(1))
    with pytest.raises(Refused, match="3 minutes"):
        candidates.replace(**given, now=minutes(2.9))
    assert [p.late for p in places(row.exam, now=minutes(2.9))] == [False]
    assert [p.late for p in places(row.exam, now=minutes(3))] == [True]
    asked = Sitting.objects.get(candidate=row).asked
    candidates.replace(**given, now=minutes(3))
    sitting = Sitting.objects.get(candidate=row)
    assert sitting.log == f'[["r",{asked}]]'
    assert sitting.asked != asked
    assert kinds(row) == ["alert", "replaced"]
    with pytest.raises(Refused, match="question 1 n’est plus à l’écran"):
        candidates.replace(**given, now=minutes(3))
    replaced = SittingEvent.objects.get(kind="replaced")
    assert (replaced.number, replaced.by) == (1, row.account)


def test_replacements_of_ones_own_are_bounded_those_given_are_not(tree: Tree) -> None:
    row = make.candidate(make.exam(tree.fatick, replacements=1), tree.centre_sokone)
    make.begun(row)
    given = {"actor": make.actor(row.account), "uid": row.uid, "device": make.DEVICE}
    candidates.call(**given, number=1, text="", now=NOW)
    exam_room.replace(actor=SYSTEM, candidate=row, number=1, now=NOW)
    candidates.call(**given, number=2, text="", now=NOW)
    candidates.replace(**given, number=2, now=minutes(3))
    candidates.call(**given, number=3, text="", now=minutes(3))
    with pytest.raises(Refused, match="c’est le maximum"):
        candidates.replace(**given, number=3, now=minutes(9))
    exam_room.replace(actor=SYSTEM, candidate=row, number=3, now=minutes(9))
    assert kinds(row) == [
        "alert", "replaced", "heard", "alert", "replaced", "alert", "replaced", "heard"
    ]  # fmt: skip


def test_the_invigilator_answers_a_call_or_comes_too_late(row: Candidate) -> None:
    make.begun(row)
    given = {"actor": make.actor(row.account), "uid": row.uid, "device": make.DEVICE}
    candidates.call(**given, number=1, text="", now=NOW)
    make.answer(row)
    with pytest.raises(Refused, match="quitté la question 1"):
        exam_room.replace(actor=SYSTEM, candidate=row, number=1, now=NOW)
    exam_room.dismiss_alert(actor=SYSTEM, candidate=row, now=NOW)
    row.refresh_from_db()
    assert row.alert_at is None
    assert kinds(row) == ["alert", "heard"]


# --- Time, incidents, the end -----------------------------------------------------------------


def test_an_answer_after_the_time_is_an_event_and_no_answer(row: Candidate) -> None:
    row = make.begun(row)
    make.answer(row, now=minutes(40))
    from kalan.assessment.services import answering
    from kalan.base.ids import uuid7

    assert row.sitting is not None
    late = answering.answer(
        sitting_uid=row.sitting.uid, answer_uid=uuid7(), number=2, data={"r": "b"},
        now=minutes(40.1),
    )  # fmt: skip
    assert late.outcome == "late"
    assert row.sitting.answers.count() == 1
    assert kinds(row) == ["late"]


def test_an_incident_is_tied_to_the_question_seen(row: Candidate) -> None:
    given = {"actor": SYSTEM, "candidate": row, "now": NOW}
    with pytest.raises(Refused, match="n’a pas commencé"):
        exam_room.incident(**given, category="image", text="")
    make.begun(row)
    make.answer(row)
    with pytest.raises(Refused, match="catégorie"):
        exam_room.incident(**given, category="autre chose", text="")
    with pytest.raises(Refused, match="Décrivez"):
        exam_room.incident(**given, category="other", text=" ")
    with pytest.raises(Refused, match="de 1 à 2"):
        exam_room.incident(**given, category="image", text="", number=3)
    exam_room.incident(**given, category="image", text="Rien ne s’affiche")
    exam_room.incident(**given, category="network", text="", number=1)
    sitting = Sitting.objects.get(candidate=row)
    answered = sitting.answers.get().version_id
    found = SittingEvent.objects.filter(kind="incident").order_by("pk")
    assert [one.number for one in found] == [2, 1]
    assert found[1].version_id == answered
    assert found[0].version_id != answered


def test_ending_the_exam_keeps_answers_and_blocks_nobody(exam: Exam, tree: Tree) -> None:
    going = make.begun(make.candidate(exam, tree.centre_sokone))
    make.answer(going)
    candidates.call(
        actor=make.actor(going.account), uid=going.uid, device=make.DEVICE, number=2, text="",
        now=NOW,
    )  # fmt: skip
    late = make.begun(make.candidate(exam, tree.centre_sokone))
    done = make.finished(make.candidate(exam, tree.centre_sokone))
    absent = make.candidate(exam, tree.centre_sokone)
    ended = exam_room.end_exam(actor=SYSTEM, exam=exam, now=minutes(30))
    assert (ended.state, ended.closed_at) == ("closed", minutes(30))
    found = dict(Candidate.objects.values_list("pk", "sitting__state"))
    assert found == {
        going.pk: "stopped", late.pk: "stopped", done.pk: "finished", absent.pk: None
    }  # fmt: skip
    assert not Candidate.objects.filter(alert_at__isnull=False).exists()
    again = exam_room.end_exam(actor=SYSTEM, exam=exam, now=minutes(40))
    assert again.closed_at == minutes(30)


def test_a_stop_asks_why(row: Candidate) -> None:
    make.begun(row)
    with pytest.raises(Refused, match="pourquoi"):
        exam_room.stop(actor=SYSTEM, candidate=row, reason=" ", now=NOW)
    exam_room.stop(actor=SYSTEM, candidate=row, reason="Malaise", now=NOW)
    assert Sitting.objects.get(candidate=row).state == "stopped"
    with pytest.raises(Refused, match="pas de question à l’écran"):
        exam_room.stop(actor=SYSTEM, candidate=row, reason="Encore", now=NOW)


def test_only_those_of_the_room_keep_it(exam: Exam, row: Candidate, tree: Tree) -> None:
    elsewhere = make.actor(people.account(Role.TRAINER, tree.kaolack))
    with pytest.raises(Refused, match="droit"):
        exam_room.allow_start(actor=elsewhere, candidate=row, now=NOW)
    Exam.objects.filter(pk=exam.pk).update(invigilator=elsewhere.account)
    exam_room.allow_start(actor=elsewhere, candidate=row, now=NOW)
    row.refresh_from_db()
    assert row.allowed_at == NOW
