"""Gestures at work: stored once, corrected by adding, scoped, counted with an interval."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from kalan.base.errors import Refused
from kalan.base.ids import uuid7
from kalan.base.models import Message
from kalan.people.actor import Actor
from kalan.training.models import Observation, ObservationGrid, Registration
from kalan.training.selectors import learning_observations as reads
from kalan.training.services.learning_observations import record_grid, record_observation
from kalan.training.services.learning_reminders import remind_supervisors
from kalan.training.services.subjects import TrainingPart
from tests.factories import attendance, learning, people, training
from tests.factories.people import NOW
from tests.support.signin import sign_in

END_DAY = dt.date(2023, 3, 14)
LATER = dt.datetime(2023, 7, 3, 9, 0, tzinfo=dt.UTC)  # 111 days after the last day


@pytest.fixture
def room(tree: people.Tree) -> attendance.Room:
    learning.grid()
    return attendance.room(tree)


@pytest.fixture
def supervisor(tree: people.Tree) -> Actor:
    return people.actor("structure", tree.centre_sokone)


def observe(room: attendance.Room, **more: Any) -> bool:
    values: dict[str, Any] = {
        "actor": room.actor,
        "now": NOW,
        "registration": room.persons[0],
        "moment": "end",
        "observation_uid": uuid7(),
        "date": END_DAY,
        "marks": {"lock": "yes", "doubt": "no", "enter": "na"},
        **more,
    }
    with_lines(room, values["registration"])
    return record_observation(**values)


def with_lines(room: attendance.Room, line: Registration) -> None:
    """The structure that people came from, as the trainer noted it."""
    Registration.objects.filter(pk=line.pk, structure=None).update(
        structure=room.tree.centre_sokone
    )


def test_the_same_observation_twice_counts_once(room: attendance.Room) -> None:
    key = uuid7()
    assert [observe(room, observation_uid=key), observe(room, observation_uid=key)] == [True, False]
    row = Observation.objects.get()
    assert (row.held, row.seen, row.current) == (1, 2, True)
    assert row.observer_name == room.account.display_name


def test_a_correction_adds_a_row_and_the_newest_counts(room: attendance.Room) -> None:
    observe(room)
    observe(room, marks={"lock": "no"})
    rows = Observation.objects.order_by("pk").values_list("current", "marks")
    assert list(rows) == [
        (False, {"lock": "yes", "doubt": "no", "enter": "na"}),
        (True, {"lock": "no"}),
    ]


def test_the_database_holds_one_current_and_known_values(room: attendance.Room) -> None:
    learning.observation(room.persons[0])
    for more in ({}, {"moment": "soon"}, {"source": "fax"}, {"observer_name": ""}, {"held": 9}):
        moment = more.pop("moment", "end")
        person = room.persons[0] if not more and moment == "end" else room.persons[1]
        with pytest.raises(IntegrityError), transaction.atomic():
            learning.observation(person, moment, **more)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"date": dt.date(2023, 3, 21)}, "future"),
        ({"date": dt.date(2023, 3, 12)}, "before"),
        ({"marks": {"lock": "maybe"}}, "mark"),
        ({"marks": {"fly": "yes"}}, "gesture"),
        ({"marks": {}}, "empty"),
    ],
)
def test_what_cannot_be_is_refused(room: attendance.Room, more: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as refused:
        observe(room, **more)
    assert refused.value.code == code
    assert (Observation.objects.count(), ObservationGrid.objects.count()) == (0, 1)


def test_at_work_it_waits_for_three_months(room: attendance.Room, supervisor: Actor) -> None:
    later = {"actor": supervisor, "moment": "later"}
    with pytest.raises(Refused, match="trois mois") as refused:
        observe(room, **later, now=LATER, date=dt.date(2023, 5, 2))
    assert "13 juin 2023" in str(refused.value)
    assert observe(room, **later, now=LATER, date=LATER.date())


def test_each_observes_their_own_people_at_their_own_moment(
    room: attendance.Room, supervisor: Actor, tree: people.Tree
) -> None:
    elsewhere = people.actor("structure", tree.centre_guinguineo)
    region = people.actor("region", tree.fatick)
    auditor = people.actor("auditor", tree.country)
    asked = [
        (room.actor, "end"), (room.actor, "later"), (supervisor, "end"), (supervisor, "later"),
        (elsewhere, "later"), (region, "end"), (region, "later"), (auditor, "end"),
        (auditor, "later"),
    ]  # fmt: skip
    answers = []
    for actor, moment in asked:
        try:
            observe(room, actor=actor, moment=moment, now=LATER, date=LATER.date())
        except Registration.DoesNotExist:
            answers.append(False)
        else:
            answers.append(True)
    assert answers == [True, False, False, True, False, True, True, False, False]


def test_a_whole_grid_is_keyed_once(room: attendance.Room) -> None:
    rows = {
        room.persons[0].pk: {"lock": "yes", "doubt": "no"},
        room.persons[1].pk: {"lock": "na"},
        room.persons[2].pk: {},
    }
    values: dict[str, Any] = {
        "actor": room.actor,
        "now": NOW,
        "session": room.session,
        "moment": "end",
        "date": END_DAY,
        "rows": rows,
        "observer_name": "Ndeye Faye",
    }
    first, second = record_grid(**values), record_grid(**values)
    assert [(k.stored, k.unchanged) for k in (first, second)] == [(2, 0), (0, 2)]
    assert sorted(Observation.objects.values_list("observer_name", "source")) == [
        ("Ndeye Faye", "paper"),
        ("Ndeye Faye", "paper"),
    ]


def test_a_grid_with_one_wrong_letter_or_a_stranger_stores_nothing(
    room: attendance.Room, tree: people.Tree
) -> None:
    stranger = training.registration(
        training.session(tree.centre_guinguineo), people.agent(tree.centre_guinguineo)
    )
    good = {room.persons[0].pk: {"lock": "yes"}}
    values: dict[str, Any] = {
        "actor": room.actor, "now": NOW, "session": room.session, "moment": "end", "date": END_DAY,
    }  # fmt: skip
    with pytest.raises(Refused, match=r"x\S?.».n’est pas") as refused:
        record_grid(**values, rows={**good, room.persons[1].pk: {"doubt": "x"}})
    assert str(refused.value).startswith(room.persons[1].person)
    with pytest.raises(Registration.DoesNotExist):
        record_grid(**values, rows={**good, stranger.pk: {"lock": "yes"}})
    assert Observation.objects.count() == 0


def test_a_share_needs_ten_people_and_comes_with_its_interval(room: attendance.Room) -> None:
    assert reads.share_of([], "end") == reads.Share("end", 0, 0, 0)
    rows = [
        Observation(moment="end", held=held, seen=4, registration_id=n)
        for n, held in enumerate([4, 4, 3, 3, 2, 2, 2, 1, 4, 3])
    ]
    nine = reads.share_of(rows[:9], "end")
    assert (nine.people, nine.share) == (9, None)
    ten = reads.share_of(rows, "end")
    assert (ten.people, ten.held, ten.seen, ten.share) == (10, 28, 40, 0.7)
    # Between persons: 10/9 · 9.6 / 40² = 1/150, so 0.21 · 150 = 31.5 gestures; Wilson on these.
    assert reads.effective_number([(r.held, r.seen) for r in rows]) == pytest.approx(31.5)
    assert (ten.low, ten.high) == pytest.approx((0.5256, 0.8309), abs=5e-5)


def test_wilson_agrees_with_the_published_example() -> None:
    # Newcombe 1998, Statistics in Medicine 17, table I: 81 of 263 gives 0.2553 to 0.3662.
    assert reads.wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_due_after_three_months_until_a_year_or_until_done(
    room: attendance.Room, supervisor: Actor
) -> None:
    room.session.state, room.session.validated_at = "validated", NOW
    room.session.save()
    for line in room.persons:
        with_lines(room, line)
    for line in room.persons[:2]:
        learning.observation(line)
    last = room.session.end
    counts = [
        reads.due(supervisor, last + dt.timedelta(days=days)).count() for days in (90, 91, 364, 365)
    ]
    assert counts == [0, 2, 2, 0]
    learning.observation(room.persons[0], "later")
    today = last + dt.timedelta(days=100)
    assert list(reads.due(supervisor, today)) == [room.persons[1]]
    assert list(reads.due_list(supervisor, today)) == [room.persons[1]]


def test_the_pack_of_grids_has_five_to_twelve_gestures() -> None:
    grids = reads.pack_grids()
    assert [5 <= len(grid.gestures) <= 12 for grid in grids] == [True] * len(grids)


def test_supervisors_are_reminded_once_when_due_and_once_when_overdue(
    room: attendance.Room, tree: people.Tree
) -> None:
    room.session.state, room.session.validated_at = "validated", NOW
    room.session.save()
    for line in room.persons[:2]:
        with_lines(room, line)
        learning.observation(line)
    mine = people.account("structure", tree.centre_sokone, email="chef@exemple.sn")
    people.account("structure", tree.centre_sokone, email=None)
    people.account("structure", tree.centre_guinguineo, email="autre@exemple.sn")
    last = dt.datetime(2023, 3, 14, 8, tzinfo=dt.UTC)
    sent = [
        remind_supervisors(now=last + dt.timedelta(days=days)) for days in (90, 91, 92, 184, 185)
    ]
    assert sent == [0, 1, 0, 1, 0]
    first, second = Message.objects.order_by("pk")
    assert (first.recipient, first.template) == ("chef@exemple.sn", "observation")
    assert mine.display_name in first.body
    assert "Personnes à observer : 2" in first.body
    assert second.dedupe_key.endswith(":overdue")


# --- screens


@pytest.fixture
def page(room: attendance.Room, client: Client) -> Client:
    sign_in(client, room.account)
    return client


@time_machine.travel(NOW, tick=False)
def test_a_phone_fills_the_grid_person_after_person(room: attendance.Room, page: Client) -> None:
    first, second = reads.observable_in(room.actor, room.session, "end")[:2]
    address = reverse("observe", args=[room.session.uid, "fin", first.uid])
    assert page.get(address).status_code == 200
    key = str(uuid.uuid4())
    sent = {"uid": key, "lock": "yes", "doubt": "na", "date": "2023-03-14", "suivant": "1"}
    onward = reverse("observe", args=[room.session.uid, "fin", second.uid])
    for _ in range(2):
        answer = page.post(address, sent)
        assert (answer.status_code, answer["Location"]) == (302, onward)
    assert Observation.objects.get().marks == {"lock": "yes", "doubt": "na"}
    wrong = page.post(address, {**sent, "uid": str(uuid.uuid4()), "date": "2023-04-02"})
    assert wrong.status_code == 422
    assert "n’est pas encore passé" in wrong.content.decode()


@time_machine.travel(NOW, tick=False)
def test_the_keyed_grid_keeps_what_was_typed_when_refused(
    room: attendance.Room, page: Client
) -> None:
    address = reverse("observe-grid", args=[room.session.uid, "fin"])
    line = room.persons[0]
    sent = {"date": "2023-03-14", "observer_name": "Ndeye", f"g-{line.pk}-0": "o"}
    wrong = page.post(address, {**sent, f"g-{line.pk}-1": "x"})
    text = wrong.content.decode()
    assert wrong.status_code == 422
    assert f'name="g-{line.pk}-1" value="x"' in text
    assert Observation.objects.count() == 0
    assert page.post(address, sent).status_code == 302
    assert Observation.objects.get().marks == {"lock": "yes"}


@time_machine.travel(LATER, tick=False)
def test_a_manager_sees_own_people_and_nobody_else(
    room: attendance.Room, client: Client, tree: people.Tree
) -> None:
    with_lines(room, room.persons[0])
    Registration.objects.filter(pk=room.persons[1].pk).update(structure=tree.poste_toubacouta)
    sign_in(client, people.account("structure", tree.centre_sokone))
    text = client.get(reverse("session-gestures", args=[room.session.uid])).content.decode()
    assert [str(p.person) in text for p in room.persons] == [True, False, False]
    asked = [(0, "poste"), (1, "poste"), (0, "fin"), (0, "demain")]
    answers = [
        client.get(
            reverse("observe", args=[room.session.uid, word, room.persons[n].uid])
        ).status_code
        for n, word in asked
    ]
    assert answers == [200, 404, 404, 404]
    assert client.get("?".join([reverse("session-gestures", args=[room.session.uid]), "format=csv"])
                      ).status_code == 404  # fmt: skip


@pytest.mark.parametrize("people_on_list", [1, 3])
def test_the_page_costs_the_same_however_many(
    tree: people.Tree, client: Client, django_assert_num_queries: Any, people_on_list: int
) -> None:
    learning.grid()
    room = attendance.room(tree, count=people_on_list)
    for line in room.persons:
        learning.observation(line)
    sign_in(client, room.account)
    with django_assert_num_queries(10):
        client.get(reverse("session-gestures", args=[room.session.uid]))


@pytest.mark.parametrize("number", [1, 3])
@time_machine.travel(LATER, tick=False)
def test_the_list_of_what_is_due_costs_the_same(
    tree: people.Tree, client: Client, django_assert_num_queries: Any, number: int
) -> None:
    learning.grid()
    room = attendance.room(tree, count=number, state="validated", validated_at=NOW)
    for line in room.persons:
        with_lines(room, line)
        learning.observation(line)
    sign_in(client, people.account("structure", tree.centre_sokone))
    with django_assert_num_queries(4):
        answer = client.get(reverse("observation-due"))
    assert answer.content.decode().count("Observer<") == number


@time_machine.travel(NOW, tick=False)
def test_the_paper_grid_prints(room: attendance.Room, page: Client) -> None:
    answer = page.get(reverse("observe-paper", args=[room.session.uid, "fin"]))
    assert answer.content[:5] == b"%PDF-"


def test_merging_two_lines_carries_what_was_observed_and_undoing_brings_it_back(
    room: attendance.Room,
) -> None:
    kept, absorbed = room.persons[0], room.persons[1]
    learning.observation(absorbed)
    part = TrainingPart()
    ids = {"kept_id": kept.agent_id, "absorbed_id": absorbed.agent_id, "now": NOW}
    moved = part.merge_agents(**ids)
    assert Observation.objects.get().registration == kept
    part.undo_merge_agents(**ids, moved=moved)
    assert Observation.objects.get().registration == absorbed


def test_own_data_tells_the_gestures_and_erasing_drops_the_words(room: attendance.Room) -> None:
    line = room.persons[0]
    learning.observation(line, comment="Tient bien son registre.")
    part = TrainingPart()
    told = part.own_data(line.agent_id or 0)["Gestes observés"]
    assert [row["commentaire"] for row in told] == ["Tient bien son registre."]
    part.erase(agent_id=line.agent_id or 0, now=NOW)
    row = Observation.objects.get()
    assert (row.comment, row.held) == ("", 3)
