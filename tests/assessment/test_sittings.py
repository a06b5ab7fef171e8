"""Sittings: each question once, whatever tabs, presses, clocks and lost replies do."""

from __future__ import annotations

import datetime as dt
import json
import uuid

import pytest
from django.db.models import F

from kalan.assessment.models import Answer, DomainResult, Result, Sitting, SittingEvent
from kalan.assessment.selectors.frozen import frozen_of
from kalan.assessment.selectors.screens import Over, Pause, Question, Start, current
from kalan.assessment.selectors.sittings import playable, readable, retake, seen_items
from kalan.assessment.services import answering, endings, publishing, results, sittings, tests
from kalan.base.errors import Refused
from kalan.base.ids import uuid7
from kalan.engine.testing.walk import Walk
from kalan.people.actor import ANONYMOUS, SYSTEM
from tests.factories import assessment, people
from tests.factories.people import NOW

pytestmark = pytest.mark.django_db


def fresh(sitting: Sitting) -> Sitting:
    return Sitting.objects.get(pk=sitting.pk)


def test_a_sitting_begins_is_answered_and_gives_a_result(tree: people.Tree) -> None:
    test = assessment.published(tree.country)
    agent = people.agent(tree.centre_sokone)
    account = people.account(agent=agent)
    sitting = sittings.start(actor=assessment.actor(account), test=test, now=NOW)
    assert (sitting.state, sitting.agent, sitting.structure) == ("ready", agent, tree.centre_sokone)
    assert (sitting.cadre_id, sitting.sex) == (agent.cadre_id, "F")
    assert current(sitting=sitting, now=NOW) == Start()
    sitting = sittings.begin(sitting=sitting, now=NOW)
    screen = current(sitting=sitting, now=NOW)
    assert isinstance(screen, Question)
    assert (screen.number, screen.shown, screen.of, screen.about) == (1, 1, 6, False)
    for number in range(1, 7):
        said = assessment.reply(sitting, number=number, now=NOW + dt.timedelta(seconds=10 * number))
        assert said.outcome == "stored"
        assert said.feedback is not None
        assert said.feedback.fraction == 1.0
    assert said.screen == Over()
    sitting = fresh(sitting)
    assert (sitting.state, sitting.step, sitting.asked) == ("finished", 6, None)
    assert sitting.finished_at == NOW + dt.timedelta(seconds=60)
    rows = Answer.objects.order_by("number").values_list(
        "number", "category", "fraction", "seconds"
    )
    assert list(rows) == [(number, 1, 1.0, 10) for number in range(1, 7)]
    result = Result.objects.get()
    assert (result.answers, result.percent, result.current, result.number) == (6, 100.0, True, 1)
    assert result.provisional_share == 1.0
    domains = DomainResult.objects.order_by("pk").values_list("domain", "answers", "to_confirm")
    assert list(domains) == [("d1", 3, True), ("d2", 3, True)]


def test_the_log_is_the_path_of_the_engine(tree: people.Tree) -> None:
    """The walk of the page trusts the log; here it is held to the path step by step."""
    sitting = assessment.finished(assessment.published(tree.country), people.account())
    walk = Walk(frozen_of(sitting.frozen_id), sitting.seed, json.loads(sitting.log), check=True)
    assert len(walk.answers) == 6


def test_the_same_answer_twice_is_stored_once_and_shows_the_same(tree: people.Tree) -> None:
    sitting = assessment.begun(assessment.published(tree.country), people.account())
    uid = uuid7()
    first = assessment.reply(sitting, number=1, answer_uid=uid)
    again = assessment.reply(sitting, number=1, answer_uid=uid)
    assert (first.outcome, again.outcome, again.message) == ("stored", "already", "")
    assert (again.screen, again.feedback) == (first.screen, first.feedback)
    assert Answer.objects.count() == 1


def test_a_page_gone_back_to_and_changed_is_told_that_the_first_answer_stays(
    tree: people.Tree,
) -> None:
    sitting = assessment.begun(assessment.published(tree.country), people.account())
    uid = uuid7()
    assessment.reply(sitting, assessment.WRONG, number=1, answer_uid=uid)
    again = assessment.reply(sitting, assessment.RIGHT, number=1, answer_uid=uid)
    assert (again.outcome, again.message) == ("already", answering.KEPT)
    assert list(Answer.objects.values_list("given", flat=True)) == [{"choice": "a"}]


def test_a_second_answer_to_a_question_changes_nothing(tree: people.Tree) -> None:
    sitting = assessment.begun(assessment.published(tree.country), people.account())
    assessment.reply(sitting, assessment.WRONG, number=1)
    again = assessment.reply(sitting, assessment.RIGHT, number=1)
    assert again.outcome == "already"
    assert again.message == (
        "Vous aviez déjà répondu à cette question : la première réponse est gardée."
    )
    assert list(Answer.objects.values_list("given", "fraction")) == [({"choice": "a"}, 0.0)]
    assert SittingEvent.objects.count() == 0


@pytest.mark.parametrize("number", [0, 2, 99999999])
def test_an_answer_to_a_question_not_asked_is_refused(number: int, tree: people.Tree) -> None:
    sitting = assessment.begun(assessment.published(tree.country), people.account())
    said = assessment.reply(sitting, number=number)
    assert said.outcome == "refused"
    assert said.message == (
        "Cette réponse n’est pas celle de la question posée : elle n’est pas gardée."
    )
    assert isinstance(said.screen, Question)
    assert Answer.objects.count() == 0
    assert list(SittingEvent.objects.values_list("kind", flat=True)) == ["refused"]


def test_an_answer_before_the_start_is_refused(tree: people.Tree) -> None:
    test = assessment.published(tree.country)
    sitting = sittings.start(actor=assessment.actor(people.account()), test=test, now=NOW)
    said = assessment.reply(sitting, number=1)
    assert (said.outcome, said.screen, Answer.objects.count()) == ("refused", Start(), 0)


def test_an_id_that_was_never_offered_is_refused(tree: people.Tree) -> None:
    sitting = assessment.begun(assessment.published(tree.country), people.account())
    said = assessment.reply(sitting, "zz", number=1)
    assert (said.outcome, Answer.objects.count()) == ("refused", 0)
    assert said.message.startswith("Cette réponse ne correspond pas à la question affichée")


def test_the_uid_of_somebody_else_s_answer_is_refused(tree: people.Tree) -> None:
    test = assessment.published(tree.country)
    first = assessment.begun(test, people.account())
    second = assessment.begun(test, people.account())
    uid = uuid7()
    assessment.reply(first, number=1, answer_uid=uid)
    said = assessment.reply(second, number=1, answer_uid=uid)
    assert said.outcome == "refused"
    assert Answer.objects.count() == 1
    assert (fresh(second).step, fresh(second).log) == (0, "[]")


def test_a_blank_answer_counts_as_one_that_is_not_known(tree: people.Tree) -> None:
    sitting = assessment.begun(assessment.published(tree.country), people.account())
    assert assessment.reply(sitting, "", number=1, remind=True).outcome == "unfinished"
    assert assessment.reply(sitting, "", number=1).outcome == "stored"
    assert list(Answer.objects.values_list("given", "category")) == [(None, 0)]


def test_an_answer_after_the_time_limit_is_noted_and_does_not_count(tree: people.Tree) -> None:
    test = assessment.published(tree.country, minutes=10)
    sitting = assessment.begun(test, people.account())
    assert sitting.deadline == NOW + dt.timedelta(minutes=10)
    uid = uuid7()
    just_in_time = NOW + dt.timedelta(minutes=10)
    assert assessment.reply(sitting, number=1, now=just_in_time, answer_uid=uid).outcome == "stored"
    late = NOW + dt.timedelta(minutes=10, seconds=1)
    said = assessment.reply(sitting, number=2, now=late)
    assert (said.outcome, said.screen) == ("late", Over())
    assert said.message.startswith("Le temps est écoulé")
    sitting = fresh(sitting)
    assert (sitting.state, sitting.finished_at) == ("expired", sitting.deadline)
    assert list(SittingEvent.objects.values_list("kind", "number")) == [("late", 2)]
    assert (Answer.objects.count(), Result.objects.get().answers) == (1, 1)
    # A lost reply: the answer stored in time is known as such, however late it comes again.
    assert assessment.reply(sitting, number=1, now=late, answer_uid=uid).outcome == "already"


def test_more_time_where_it_was_granted(tree: people.Tree) -> None:
    test = assessment.published(tree.country, minutes=30)
    sitting = assessment.begun(test, people.account(), extra_percent=33)
    assert sitting.deadline == NOW + dt.timedelta(minutes=39, seconds=54)


def test_sittings_whose_time_is_up_are_ended_by_the_schedule(tree: people.Tree) -> None:
    test = assessment.published(tree.country, minutes=10)
    sitting = assessment.begun(test, people.account())
    assert endings.expire_due(now=NOW + dt.timedelta(minutes=10)) == 0
    assert current(sitting=sitting, now=NOW + dt.timedelta(minutes=11)) == Over(expired=True)
    assert endings.expire_due(now=NOW + dt.timedelta(minutes=11)) == 1
    assert fresh(sitting).state == "expired"
    result = Result.objects.get()
    assert (result.answers, result.theta, result.level) == (0, None, "")


def test_starting_twice_gives_the_same_sitting(tree: people.Tree) -> None:
    test = assessment.published(tree.country)
    actor = assessment.actor(people.account())
    first = sittings.start(actor=actor, test=test, now=NOW)
    assert sittings.start(actor=actor, test=test, now=NOW) == first
    begun = sittings.begin(sitting=first, now=NOW)
    later = NOW + dt.timedelta(hours=1)
    assert sittings.begin(sitting=begun, now=later).started_at == NOW
    assert sittings.start(actor=actor, test=test, now=later) == first


def test_a_closed_test_takes_no_new_sitting_and_lets_others_end(tree: people.Tree) -> None:
    test = assessment.published(tree.country)
    going = assessment.begun(test, people.account())
    waiting_actor = assessment.actor(people.account())
    waiting = sittings.start(actor=waiting_actor, test=test, now=NOW)
    tests.close(actor=SYSTEM, test=test, now=NOW)
    test.refresh_from_db()
    with pytest.raises(Refused, match="Ce test est fermé"):
        sittings.start(actor=assessment.actor(people.account()), test=test, now=NOW)
    with pytest.raises(Refused, match="Ce test est fermé"):
        sittings.begin(sitting=waiting, now=NOW)
    assert assessment.reply(going, number=1).outcome == "stored"


def test_a_test_that_is_not_open_needs_an_invitation(tree: people.Tree) -> None:
    test = assessment.published(tree.country, open=False)
    actor = assessment.actor(people.account())
    with pytest.raises(Refused, match="pas en libre accès"):
        sittings.start(actor=actor, test=test, now=NOW)
    invited = sittings.start(
        actor=actor, test=test, now=NOW, context="campaign", account=actor.account
    )
    assert invited.context == "campaign"


def test_the_retake_rules(tree: people.Tree) -> None:
    test = assessment.published(tree.country, retake_days=7, attempts=2)
    account = people.account()
    actor = assessment.actor(account)
    assessment.finished(test, account)
    with pytest.raises(Refused, match="à partir du 27/03/2023"):
        sittings.start(actor=actor, test=test, now=NOW + dt.timedelta(days=6))
    assessment.finished(test, account, now=NOW + dt.timedelta(days=7))
    rule = retake(test, sittings.person(account, None), now=NOW + dt.timedelta(days=60))
    assert (rule.allowed, rule.on, rule.why) == (False, None, "Ce test se passe 2 fois au plus.")


def test_without_history_other_questions_come(tree: people.Tree) -> None:
    test = assessment.published(tree.country)
    account = people.account()
    assessment.finished(test, account)
    seen = seen_items(sittings.person(account, None), test)
    assert len(seen) == 6
    assessment.finished(test, account, without=seen)
    assert len(seen_items(sittings.person(account, None), test)) == 12


def test_only_the_person_answers(tree: people.Tree) -> None:
    test = assessment.published(tree.country)
    account = people.account()
    sitting = assessment.begun(test, account)
    other = assessment.actor(people.account("admin", tree.country))
    for actor in (other, ANONYMOUS):
        with pytest.raises(Sitting.DoesNotExist):
            assessment.reply(sitting, number=1, among=playable(actor))
        with pytest.raises(Sitting.DoesNotExist):
            readable(actor, sitting.uid)
    own = assessment.actor(account)
    assert assessment.reply(sitting, number=1, among=playable(own)).outcome == "stored"
    assert readable(own, sitting.uid) == sitting
    with pytest.raises(Sitting.DoesNotExist):
        readable(own, uuid.uuid4())


def test_who_holds_the_link_answers(tree: people.Tree) -> None:
    test = assessment.published(tree.country)
    made = sittings.start(actor=SYSTEM, test=test, now=NOW, context="session", by_link=True)
    sittings.begin(sitting=made, now=NOW)
    assert assessment.reply(made, number=1, among=playable(ANONYMOUS)).outcome == "stored"


def test_the_full_form_pauses_between_domains(tree: people.Tree) -> None:
    test = assessment.published(tree.country, "positioning_full")
    sitting = assessment.begun(test, people.account())
    said = assessment.reply(sitting, number=1)
    while isinstance(said.screen, Question):
        assert said.screen.stage == "Élément d1"
        said = assessment.reply(sitting, number=said.screen.number)
    pause = said.screen
    assert isinstance(pause, Pause)
    assert (pause.done, pause.next, pause.stage, pause.stages) == ("Élément d1", "Élément d2", 1, 2)
    assert current(sitting=fresh(sitting), now=NOW) == pause
    # A reload of the last question does not pass the pause.
    assert assessment.reply(sitting, number=pause.step + 1).outcome == "refused"
    on = answering.proceed(sitting_uid=sitting.uid, step=pause.step, now=NOW)
    assert on.outcome == "stored"
    assert isinstance(on.screen, Question)
    again = answering.proceed(sitting_uid=sitting.uid, step=pause.step, now=NOW)
    assert (again.outcome, again.screen) == ("already", on.screen)


def test_a_question_replaced_counts_for_nothing(tree: people.Tree) -> None:
    test = assessment.published(tree.country)
    sitting = assessment.begun(test, people.account())
    first = current(sitting=sitting, now=NOW)
    assert isinstance(first, Question)
    screen = answering.replace(sitting=sitting, now=NOW)
    assert isinstance(screen, Question)
    assert (screen.number, screen.shown, screen.item != first.item) == (2, 1, True)
    # The page of the question that was taken away.
    assert assessment.reply(sitting, number=1).outcome == "refused"
    assert assessment.reply(sitting, number=2).outcome == "stored"
    kinds = SittingEvent.objects.order_by("pk").values_list("kind", "number")
    assert list(kinds) == [("replaced", 1), ("refused", 1)]


def test_a_fixed_test_gives_the_form_that_is_asked(tree: people.Tree) -> None:
    test = assessment.published(tree.country, "fixed")
    account = people.account()
    before = assessment.begun(test, account, form="A")
    assessment.reply(before, number=1)
    after = assessment.begun(test, account, form="B")
    assert (before.form, after.form, fresh(before).state) == (0, 1, "stopped")
    with pytest.raises(Refused, match="forme C"):
        assessment.begun(test, people.account(), form="C")
    with pytest.raises(Refused, match="une lettre"):
        assessment.begun(test, people.account(), form="deux")


def test_an_old_sitting_is_scored_again_by_other_parameters(tree: people.Tree) -> None:
    test = assessment.published(tree.country)
    sitting = assessment.finished(test, people.account())
    item = test.bank.items.filter(code="d1-00")
    item.update(difficulty=F("difficulty") + 1)
    again = publishing.refreeze(actor=SYSTEM, test=test, now=NOW, persons=0)
    assert again.pk != sitting.frozen_id
    first = Result.objects.get()
    second = results.rescore(actor=SYSTEM, sitting=sitting, frozen=again, now=NOW)
    assert (second.number, second.current, second.frozen_version) == (2, True, again.version)
    first.refresh_from_db()
    assert (first.current, first.frozen_version) == (False, frozen_of(sitting.frozen_id).version)
    # Scoring once more by the same parameters adds nothing.
    assert results.rescore(actor=SYSTEM, sitting=sitting, frozen=again, now=NOW) == second
    assert fresh(sitting).frozen_id == sitting.frozen_id


def test_ending_early_keeps_what_was_answered(tree: people.Tree) -> None:
    sitting = assessment.begun(assessment.published(tree.country), people.account())
    assessment.reply(sitting, number=1)
    result = endings.finish(sitting=sitting, now=NOW)
    assert (result.answers, fresh(sitting).state) == (1, "finished")
    assert endings.finish(sitting=sitting, now=NOW) == result
    assert assessment.reply(sitting, number=2).outcome == "refused"
