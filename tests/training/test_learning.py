"""Tests before and after a session: chosen, opened, taken by phone or paper, and what they show."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from kalan.assessment.models import Sitting, Test
from kalan.assessment.services import sittings
from kalan.base.errors import Refused
from kalan.people.models import AttemptWindow
from kalan.people.selectors.core import actor_for
from kalan.training.models import (
    Registration,
    Session,
    SessionGain,
    SessionSitting,
    SessionTest,
)
from kalan.training.selectors import learning as reads
from kalan.training.selectors import learning_gain as gains
from kalan.training.services import learning as services
from kalan.training.services.learning_gain import compute_gain, compute_stale
from kalan.training.services.learning_sittings import (
    MAX_MISSES,
    MAX_MISSES_PER_ADDRESS,
    find_person,
    key_papers,
    start_by_code,
    start_mine,
)
from tests.factories import assessment, attendance, learning, people, training
from tests.factories.people import NOW
from tests.support.signin import sign_in

DAY = dt.date(2023, 3, 13)
SIX = ["B"] * 6
HERE = "192.0.2.7"


@pytest.fixture
def room(tree: people.Tree) -> attendance.Room:
    return attendance.room(tree)


@pytest.fixture
def test_(tree: people.Tree) -> Test:
    """A published test with two parallel forms of six questions, of the country."""
    return assessment.published(tree.country, "fixed")


def choose(room: attendance.Room, test: Test, **more: Any) -> None:
    values: dict[str, Any] = {"actor": room.actor, "now": NOW, "session": room.session, **more}
    services.choose_tests(test=test, **values)


def switch(room: attendance.Room, act: str, moment: str = "before", **more: Any) -> SessionTest:
    values: dict[str, Any] = {"actor": room.actor, "now": NOW, "session": room.session, **more}
    done = {"open": services.open_test, "close": services.close_test}[act]
    return done(moment=moment, **values)


def test_the_two_forms_are_given_one_before_one_after(room: attendance.Room, test_: Test) -> None:
    choose(room, test_)
    choose(room, test_, first="B")
    rows = SessionTest.objects.order_by("moment").values_list("moment", "form")
    assert list(rows) == [("after", "A"), ("before", "B")]
    with pytest.raises(IntegrityError), transaction.atomic():
        learning.pair(room.session, test_)


def test_the_programmes_test_is_proposed_with_the_forms_in_turn(
    room: attendance.Room, test_: Test, tree: people.Tree
) -> None:
    programme = training.programme(tree.country)
    firsts = []
    for _ in range(4):
        one = attendance.room(tree, count=1, programme=programme)
        found = services.proposal(one.actor, one.session)
        firsts.append((found.test, found.first))
        learning_choice = {"test": test_, "first": found.first}
        services.choose_tests(actor=one.actor, now=NOW, session=one.session, **learning_choice)
    assert firsts == [(test_, "A"), (test_, "B"), (test_, "A"), (test_, "B")]


def test_what_cannot_be_chosen_is_refused(
    room: attendance.Room, test_: Test, tree: people.Tree
) -> None:
    other = assessment.published(tree.country, "positioning_short")
    draft = assessment.draft(tree.country, "fixed")
    elsewhere = assessment.published(tree.kaolack, "fixed")
    codes, region = [], people.actor("region", tree.fatick)
    for wrong, first in ((other, "A"), (draft, "A"), (elsewhere, "A"), (test_, "C")):
        with pytest.raises(Refused) as refused:
            choose(room, wrong, first=first, actor=region)
        codes.append(refused.value.code)
    assert (codes, SessionTest.objects.count()) == (["test", "test", "test", "form"], 0)
    choose(room, test_)
    learning.sat(room.persons[0], "before", 3)
    with pytest.raises(Refused, match="déjà commencé"):
        choose(room, test_, first="B")


def test_only_who_runs_the_session_opens_and_closes(
    room: attendance.Room, test_: Test, tree: people.Tree
) -> None:
    learning.pair(room.session, test_)
    for role, node in (
        ("auditor", tree.country), ("structure", tree.centre_sokone), ("region", tree.kaolack),
    ):  # fmt: skip
        with pytest.raises(Session.DoesNotExist):
            switch(room, "open", actor=people.actor(role, node))
    assert switch(room, "open").is_open
    assert switch(room, "open").opened_at == NOW
    with pytest.raises(Refused, match="pas été ouvert"):
        switch(room, "close", "after")
    assert not switch(room, "close").is_open
    assert switch(room, "open", now=NOW + dt.timedelta(hours=1)).is_open


def test_after_waits_for_the_session_and_a_cancelled_one_has_no_tests(
    room: attendance.Room, test_: Test
) -> None:
    learning.pair(room.session, test_)
    with pytest.raises(Refused, match="avant la formation"):
        switch(room, "open", "after", now=dt.datetime(2023, 3, 1, tzinfo=dt.UTC))
    Session.objects.filter(pk=room.session.pk).update(state="cancelled")
    with pytest.raises(Refused, match="annulée"):
        switch(room, "open")


# --- Phones -----------------------------------------------------------------------------------


@pytest.fixture
def opened(room: attendance.Room, test_: Test) -> attendance.Room:
    learning.pair(room.session, test_, opened="before")
    return room


def participant(room: attendance.Room, number: int = 0) -> Any:
    agent = room.persons[number].agent
    return actor_for(people.account(agent=agent), today=NOW.date())


def test_two_presses_give_one_sitting_on_the_form_of_the_moment(opened: attendance.Room) -> None:
    actor = participant(opened)
    values: dict[str, Any] = {"actor": actor, "session": opened.session, "moment": "before"}
    one, two = start_mine(now=NOW, **values), start_mine(now=NOW, **values)
    assert (one.pk, SessionSitting.objects.count()) == (two.pk, 1)
    assert (one.context, one.form, one.by_link, one.account) == ("session", 0, False, actor.account)


def test_a_closed_moment_and_a_stranger_get_nothing(opened: attendance.Room) -> None:
    actor, stranger = participant(opened), people.actor("structure", opened.tree.country)
    values: dict[str, Any] = {"now": NOW, "session": opened.session}
    with pytest.raises(Refused, match="test après de cette session n’est pas ouvert"):
        start_mine(actor=actor, moment="after", **values)
    with pytest.raises(Registration.DoesNotExist):
        start_mine(actor=stranger, moment="before", **values)
    code = reads.code_of(opened.persons[0])
    with pytest.raises(Refused, match="pas ouvert"):
        start_by_code(typed=code, moment="after", address=HERE, **values)
    assert Sitting.objects.count() == 0


def test_after_is_a_sitting_of_its_own_though_before_was_left_open(
    opened: attendance.Room,
) -> None:
    actor = participant(opened)
    values: dict[str, Any] = {"actor": actor, "now": NOW, "session": opened.session}
    before = start_mine(moment="before", **values)
    switch(opened, "open", "after")
    after = start_mine(moment="after", **values)
    assert (before.pk != after.pk, before.form, after.form) == (True, 0, 1)


def test_a_personal_code_opens_the_sitting_of_its_holder(opened: attendance.Room) -> None:
    codes = [reads.code_of(line) for line in opened.persons]
    assert (len(set(codes)), {len(code) for code in codes}) == (3, {5})
    typed = f" {codes[1][:2].lower()} {codes[1][2:]}"
    values: dict[str, Any] = {
        "now": NOW, "session": opened.session, "moment": "before", "address": HERE,
    }  # fmt: skip
    one, two = start_by_code(typed=typed, **values), start_by_code(typed=codes[1], **values)
    assert (one.pk, one.agent, one.by_link, one.account) == (
        two.pk, opened.persons[1].agent, True, None,
    )  # fmt: skip


def test_codes_cannot_be_tried_one_after_the_other(opened: attendance.Room) -> None:
    """From one address; another one gets in all the same, until too many have tried."""
    typed = reads.code_of(opened.persons[0])
    values: dict[str, Any] = {"session": opened.session, "now": NOW}
    for _ in range(MAX_MISSES_PER_ADDRESS):
        with pytest.raises(Refused) as refused:
            find_person(typed="AAAAA", address=HERE, **values)
        assert refused.value.code == "code"
    with pytest.raises(Refused, match="code faux"):
        find_person(typed=typed, address=HERE, **values)
    assert find_person(typed=typed, address="192.0.2.8", **values) == opened.persons[0]
    AttemptWindow.objects.filter(count=MAX_MISSES_PER_ADDRESS).update(count=MAX_MISSES)
    with pytest.raises(Refused, match="code faux"):
        find_person(typed=typed, address="192.0.2.9", **values)


def test_closing_ends_what_is_under_way_with_the_answers_given(opened: attendance.Room) -> None:
    actor = participant(opened)
    sitting = start_mine(actor=actor, now=NOW, session=opened.session, moment="before")
    sittings.begin(sitting=sitting, now=NOW)
    assessment.reply(sitting)
    switch(opened, "close")
    sitting.refresh_from_db()
    assert (sitting.state, sitting.answers.count()) == ("finished", 1)


# --- Paper ------------------------------------------------------------------------------------


def key(room: attendance.Room, rows: dict[int, list[str]], **more: Any) -> Any:
    values: dict[str, Any] = {
        "actor": room.actor,
        "now": NOW,
        "session": room.session,
        "moment": "before",
        "taken_on": DAY,
        **more,
    }
    return key_papers(rows=rows, **values)


def test_papers_are_keyed_once(opened: attendance.Room) -> None:
    one, two, three = opened.persons
    rows = {one.pk: SIX, two.pk: ["A", "", "B", "", "", ""], three.pk: [""] * 6}
    first, again = key(opened, rows), key(opened, rows)
    assert (first.stored, first.already) == (2, [])
    assert (again.stored, sorted(again.already)) == (0, sorted([one.person, two.person]))
    stored = {
        row.registration_id: (row.sitting.source, row.sitting.answers.count())
        for row in SessionSitting.objects.all()
    }
    assert stored == {one.pk: ("paper", 6), two.pk: ("paper", 6)}
    assert Sitting.objects.filter(agent=one.agent).get().results.get().percent == 100


def test_a_wrong_letter_names_person_and_question_and_nothing_is_stored(
    opened: attendance.Room,
) -> None:
    one, two, _ = opened.persons
    with pytest.raises(Refused) as refused:
        key(opened, {one.pk: SIX, two.pk: ["A", "Z", "B", "BB", "", ""]})
    text = str(refused.value).replace("\u00a0", " ")
    first, second = text.split("\n")  # an error a line
    assert first.startswith(f"{two.person}, question 2 : « Z » ne se lit pas.")
    assert second.startswith(f"{two.person}, question 4 : « BB » ne se lit pas.")
    assert (Sitting.objects.count(), SessionSitting.objects.count()) == (0, 0)


def test_other_bad_papers(opened: attendance.Room) -> None:
    one = opened.persons[0]
    elsewhere = training.session(opened.tree.centre_guinguineo)
    stranger = training.registration(elsewhere, people.agent(opened.tree.centre_guinguineo))
    with pytest.raises(Registration.DoesNotExist):
        key(opened, {one.pk: SIX, stranger.pk: SIX})
    with pytest.raises(Session.DoesNotExist):
        key(opened, {one.pk: SIX}, actor=people.actor("region", opened.tree.kaolack))
    codes = []
    for more in ({"taken_on": dt.date(2023, 3, 21)}, {"taken_on": dt.date(2022, 12, 1)}):
        with pytest.raises(Refused) as refused:
            key(opened, {one.pk: SIX}, **more)
        codes.append(refused.value.code)
    with pytest.raises(Refused, match="7 réponses pour 6"):
        key(opened, {one.pk: ["B"] * 7})
    assert (codes, Sitting.objects.count()) == (["future", "early"], 0)


def test_a_paper_takes_the_place_of_a_test_only_opened_on_a_phone(opened: attendance.Room) -> None:
    actor = participant(opened)
    values: dict[str, Any] = {"actor": actor, "now": NOW, "session": opened.session}
    start_mine(moment="before", **values)
    assert key(opened, {opened.persons[0].pk: SIX}).stored == 1
    link = SessionSitting.objects.get()
    assert link.sitting.source == "paper"


# --- Gains ------------------------------------------------------------------------------------


def full(room: attendance.Room, test: Test, before: list[int], after: list[int]) -> None:
    learning.pair(room.session, test)
    for line, right in zip(room.persons, before, strict=False):
        learning.sat(line, "before", right)
    for line, right in zip(room.persons, after, strict=False):
        learning.sat(line, "after", right)


def test_below_ten_pairs_nothing_is_said_of_the_group(room: attendance.Room, test_: Test) -> None:
    full(room, test_, [2, 3, 1], [5, 6])
    compute_gain(session=room.session, now=NOW)
    found = gains.gain_page(room.session, people=True)
    assert (found.pairs, found.group, found.taken) == (2, None, {"before": 3, "after": 2})
    assert "Trop peu de paires" in found.sentence
    verdicts = {line.person: line.verdict for line in found.lines}
    assert verdicts[room.persons[2].person] == "un seul test"


def test_a_group_gains_with_its_interval_and_says_what_it_rests_on(
    tree: people.Tree, test_: Test
) -> None:
    room = attendance.room(tree, count=12)
    full(room, test_, [0, 1, 2, 2, 1, 3, 2, 1, 0, 2, 3, 1], [5, 4, 6, 5, 4, 6, 5, 5, 3, 5, 6, 4])
    compute_gain(session=room.session, now=NOW)
    found = gains.gain_page(room.session, people=True)
    assert found.group is not None
    group = found.group
    assert (group["n"], found.pairs, group["clusters"]) == (12, 12, 0)
    assert (group["percent_before"], group["percent_after"]) == (25.0, 80.6)
    assert 0 < group["low"] < group["gain"] < group["high"]
    assert (
        group["gain"] == group["after"] - group["before"]
        or abs(group["gain"] - (group["after"] - group["before"])) == 1
    )  # each is rounded
    assert found.certain
    assert found.sentence.startswith("Le groupe a progressé de ")
    assert (found.provisional, found.items) == (12, 12)
    assert any("provisoires" in caution for caution in found.cautions)
    drawn = gains.chart(found)
    assert drawn is not None
    assert (len(drawn.rows), drawn.svg.count("<circle")) == (12, 24)
    assert len(gains.export_rows(found)) == 12


def test_a_gain_that_cannot_be_estimated_is_not_called_too_few_pairs(
    room: attendance.Room, test_: Test
) -> None:
    full(room, test_, [2], [5])
    row = compute_gain(session=room.session, now=NOW)
    row.body |= {"pairs": 12, "group": None}
    row.save()
    found = gains.gain_page(room.session, people=True)
    assert (found.pairs, found.group, found.certain) == (12, None, False)
    assert found.sentence == (
        "Le gain du groupe ne peut être estimé : à l’un des deux tests, presque toutes les "
        "réponses sont justes, ou presque toutes fausses."
    )


def test_one_persons_change_is_the_engines(tree: people.Tree, test_: Test) -> None:
    room = attendance.room(tree, count=1)
    full(room, test_, [1], [6])
    body = compute_gain(session=room.session, now=NOW).body["people"][str(room.persons[0].pk)]
    from kalan.assessment.selectors.frozen import frozen_of
    from kalan.engine.testing.change import change

    one, two = (SessionSitting.objects.get(moment=moment).sitting for moment in ("before", "after"))
    frozen = frozen_of(one.frozen_id)
    wanted = change(frozen, json.loads(one.log), frozen, json.loads(two.log))
    assert wanted is not None
    assert (body["change"], body["real"]) == (wanted.score, wanted.real)
    assert (body["low"], body["high"]) == (round(100 * wanted.low), round(100 * wanted.high))


def test_the_stored_gain_is_renewed_when_a_result_comes(room: attendance.Room, test_: Test) -> None:
    learning.pair(room.session, test_)
    assert compute_stale(now=NOW) == 0
    learning.sat(room.persons[0], "before", 3)
    assert gains.gain_page(room.session, people=False).waiting == 1
    assert [compute_stale(now=NOW), compute_stale(now=NOW)] == [1, 0]
    learning.sat(room.persons[1], "before", 3)
    assert gains.gain_page(room.session, people=False).waiting == 1
    assert compute_stale(now=NOW) == 1
    assert SessionGain.objects.get().body["taken"] == {"before": 2, "after": 0}


# --- Screens ----------------------------------------------------------------------------------


def test_a_trainer_goes_from_choice_to_gain(
    room: attendance.Room, test_: Test, client: Client
) -> None:
    sign_in(client, room.account)
    page = reverse("session-tests", args=[room.session.uid])
    with time_machine.travel(NOW, tick=False):
        assert "Choisir le test" in client.get(page).content.decode()
        chosen = client.post(
            reverse("session-tests-choose", args=[room.session.uid]),
            {"test": test_.pk, "first": "A"},
        )
        assert (chosen.status_code, chosen["Location"]) == (302, page)
        for word, act in (("avant", "ouvrir"), ("avant", "fermer"), ("apres", "ouvrir")):
            client.post(reverse("session-test-switch", args=[room.session.uid, word, act]))
        states = SessionTest.objects.order_by("moment").values_list("moment", "closed_at")
        assert list(states) == [("after", None), ("before", NOW)]
        line = room.persons[0]
        address = reverse("session-test-key", args=[room.session.uid, "avant"])
        sent = {"taken_on": "2023-03-13"} | {f"r-{line.pk}-{n}": "B" for n in range(1, 7)}
        wrong = client.post(address, {**sent, f"r-{line.pk}-2": "9"})
        assert wrong.status_code == 422
        assert f'name="r-{line.pk}-2" value="9"' in wrong.content.decode()
        assert client.post(address, sent).status_code == 302
        assert client.post(address, sent).status_code == 302
        assert Sitting.objects.count() == 1
        text = client.get(reverse("session-gain", args=[room.session.uid])).content.decode()
        assert "Recalculer maintenant" in text
        reader = Client()  # an auditor reads what is counted, and counts nothing
        sign_in(reader, people.account("auditor", room.tree.country))
        read = reader.get(reverse("session-gain", args=[room.session.uid])).content.decode()
        assert ("1 résultat" in read, "Recalculer" in read) == (True, False)
        client.post(reverse("session-gain-recount", args=[room.session.uid]))
        text = client.get(reverse("session-gain", args=[room.session.uid])).content.decode()
        assert "Trop peu de paires" in text
        for name in ("session-test-slips",):
            assert client.get(reverse(name, args=[room.session.uid])).content[:5] == b"%PDF-"
        made = client.get(reverse("session-test-paper", args=[room.session.uid, "apres"]))
        assert made.content[:5] == b"%PDF-"


def test_the_spreadsheet_comes_back_with_its_answers(
    opened: attendance.Room, client: Client, tmp_path: Any
) -> None:
    import openpyxl
    from django.core.files.uploadedfile import SimpleUploadedFile

    sign_in(client, opened.account)
    with time_machine.travel(NOW, tick=False):
        out = client.get(reverse("session-test-xlsx", args=[opened.session.uid, "avant"]))
        path = tmp_path / "test.xlsx"
        path.write_bytes(out.content)
        book = openpyxl.load_workbook(path)
        sheet = book.active
        for column in range(5, 11):
            sheet.cell(2, column).value = "b"
        book.save(path)
        file = SimpleUploadedFile("test.xlsx", path.read_bytes())
        address = reverse("session-test-upload", args=[opened.session.uid, "avant"])
        done = client.post(address, {"taken_on": "2023-03-13", "file": file})
        assert done.status_code == 302
        rubbish = SimpleUploadedFile("test.xlsx", b"pas un classeur")
        wrong = client.post(address, {"taken_on": "2023-03-13", "file": rubbish})
        assert wrong.status_code == 422
    assert Sitting.objects.get().results.get().percent == 100


@time_machine.travel(NOW, tick=False)
def test_somebody_without_account_confirms_and_begins(
    opened: attendance.Room, client: Client
) -> None:
    address = reverse("session-test-join", args=[opened.session.link_code])
    text = client.get(address).content.decode()
    assert not any(line.person in text for line in opened.persons)
    line = opened.persons[0]
    code = reads.code_of(line)
    asked = client.post(address, {"code": code})
    assert f"Vous êtes <strong>{line.person}</strong>" in asked.content.decode()
    begun = client.post(address, {"code": code, "moment": "avant", "oui": "1"})
    sitting = SessionSitting.objects.get().sitting
    assert (begun.status_code, begun["Location"]) == (302, f"/test/{sitting.uid}/")
    assert client.post(address, {"code": "XXXXX"}).status_code == 422
    assert client.get(reverse("session-test-join", args=["AUCUNE2"])).status_code == 404


@time_machine.travel(NOW, tick=False)
def test_a_participant_begins_and_reads_their_own(opened: attendance.Room, client: Client) -> None:
    line = opened.persons[0]
    account = people.account(agent=line.agent)
    sign_in(client, account)
    begin = reverse("my-test-start", args=[opened.session.uid, "avant"])
    assert client.post(begin)["Location"].startswith("/test/")
    closed = client.post(reverse("my-test-start", args=[opened.session.uid, "apres"]))
    assert closed["Location"] == reverse("my-learning", args=[opened.session.uid])
    learning.grid()
    learning.observation(line)
    page = client.get(closed["Location"])
    assert "3 gestes tenus sur 3 observés" in page.content.decode()
    other = training.session(opened.tree.centre_guinguineo)
    assert client.get(reverse("my-learning", args=[other.uid])).status_code == 404


@pytest.mark.parametrize("number", [1, 3])
def test_pages_cost_the_same_however_many(
    tree: people.Tree,
    test_: Test,
    client: Client,
    django_assert_num_queries: Any,
    number: int,
) -> None:
    room = attendance.room(tree, count=number)
    full(room, test_, [1] * number, [5] * number)
    compute_gain(session=room.session, now=NOW)
    sign_in(client, room.account)
    with django_assert_num_queries(10):
        client.get(reverse("session-tests", args=[room.session.uid]))
    with django_assert_num_queries(11):
        client.get(reverse("session-gain", args=[room.session.uid]))


def test_an_auditor_reads_the_group_and_no_names(
    room: attendance.Room, test_: Test, client: Client
) -> None:
    full(room, test_, [1, 2, 3], [5, 5, 5])
    compute_gain(session=room.session, now=NOW)
    sign_in(client, people.account("auditor", room.tree.country))
    for name in ("session-tests", "session-gain", "session-gestures"):
        text = client.get(reverse(name, args=[room.session.uid])).content.decode()
        assert [line.person for line in room.persons if line.person in text] == []
    refused = client.get(reverse("session-gain", args=[room.session.uid]) + "?format=csv")
    assert refused.status_code == 404


def test_the_report_says_what_was_gained_with_its_interval_or_why_not(
    tree: people.Tree, test_: Test
) -> None:
    from kalan.training.documents.report import report_pdf
    from tests.training.test_documents import text_of

    room = attendance.room(tree, count=11)
    full(room, test_, [0, 1, 2, 2, 1, 3, 2, 1, 0], [5, 4, 6, 5, 4, 6, 5, 5, 3])
    compute_gain(session=room.session, now=NOW)

    def said(**more: Any) -> str:
        values: dict[str, Any] = {"with_costs": False, "with_satisfaction": False, "now": NOW}
        text = text_of(report_pdf(room.session, **values, **more))
        return " ".join(text.split()).replace("\u00a0", " ")

    assert "Trop peu de paires : 9, il en faut 10" in said(with_learning=True)
    assert "paires" not in said()
    for line in room.persons[9:]:
        for moment, right in (("before", 2), ("after", 5)):
            learning.sat(line, moment, right)
    compute_gain(session=room.session, now=NOW)
    text = said(with_learning=True)
    assert "Le groupe a progressé de " in text
    assert "sur 11 personnes qui ont passé les deux tests" in text
    assert "12 questions sur 12 sont provisoires" in text


def test_a_small_group_is_not_given_a_precision_it_does_not_have(
    tree: people.Tree, test_: Test
) -> None:
    """Everybody gains alike: the two moments correlate wholly, the interval stays an interval."""
    room = attendance.room(tree, count=10)
    before = [0, 1, 2, 3, 3, 2, 1, 0, 2, 3]
    full(room, test_, before, [right + 2 for right in before])
    group = compute_gain(session=room.session, now=NOW).body["group"]
    body = SessionGain.objects.get().body["people"].values()
    changes = [one["change"] for one in body]
    mean = sum(changes) / 10
    own = (sum((c - mean) ** 2 for c in changes) / 9 / 10) ** 0.5
    assert group["high"] - group["gain"] >= 2.26 * own - 2  # Student, 9 degrees; scores are rounded
