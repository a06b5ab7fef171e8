"""Properties of attendance: order, repetition and loss of answers do not change the result."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from kalan.base.ids import uuid7
from kalan.training.models import AttendanceMark, Presence
from kalan.training.selectors.attendance import HANDLE_LENGTH, sheet_of
from kalan.training.services.attendance_sync import receive
from tests.factories import attendance, people
from tests.factories.people import NOW

PEOPLE, HALF_DAYS = 3, 2
Record = dict[str, Any]


def tap(room: attendance.Room, box: tuple[int, int], names: set[str]) -> Record:
    """What the phone writes when a box is tapped; ``names``: the marks it knows behind it."""
    person, half_day = box
    common = {
        "id": str(uuid7()),
        "r": str(room.persons[person].uid),
        "h": room.codes[half_day],
        "t": 1,
    }
    return {**common, "k": "x", "m": sorted(names)} if names else {**common, "k": "m"}


def expected(room: attendance.Room, records: list[Record]) -> set[tuple[int, str]]:
    """The observed-remove set of ``records``, from its definition."""
    gone = {name for record in records if record["k"] == "x" for name in record["m"]}
    uids = {str(person.uid): number for number, person in enumerate(room.persons)}
    return {
        (uids[record["r"]], record["h"])
        for record in records
        if record["k"] == "m" and not {record["id"], record["id"][-HANDLE_LENGTH:]} & gone
    }


def send(room: attendance.Room, records: list[Record]) -> list[str]:
    answers = receive(actor=room.actor, now=NOW, session=room.session, records=records)
    assert [answer.id for answer in answers] == [record["id"] for record in records]
    return [answer.outcome.verdict for answer in answers]


@dataclass
class Phone:
    """Names known behind each box, and what the server has not yet answered."""

    known: dict[tuple[int, int], set[str]] = field(default_factory=dict)
    outbox: list[Record] = field(default_factory=list)


class TwoPhones(RuleBasedStateMachine):
    """Two trainers, lines that break, answers lost, batches in any order, a late retry."""

    tree: people.Tree

    @initialize()
    def begin(self) -> None:
        self.room = attendance.room(self.tree, count=PEOPLE, days=1)
        self.phones = [Phone(), Phone()]
        self.ever: list[Record] = []
        self.delivered: list[Record] = []

    @rule(
        phone=st.integers(0, 1),
        person=st.integers(0, PEOPLE - 1),
        half_day=st.integers(0, HALF_DAYS - 1),
    )
    def tap(self, phone: int, person: int, half_day: int) -> None:
        box, one = (person, half_day), self.phones[phone]
        record = tap(self.room, box, one.known.get(box, set()))
        one.known[box] = {record["id"]} if record["k"] == "m" else set()
        one.outbox.append(record)
        self.ever.append(record)

    @rule(phone=st.integers(0, 1), count=st.integers(1, 5), lost=st.booleans(), back=st.booleans())
    def send(self, phone: int, count: int, lost: bool, back: bool) -> None:
        one = self.phones[phone]
        batch = one.outbox[:count]
        if not batch:
            return
        verdicts = send(self.room, batch[::-1] if back else batch)
        assert set(verdicts) <= {"stored", "already"}
        self.delivered += batch
        if not lost:
            one.outbox = one.outbox[count:]

    @rule(seed=st.integers(0, 1000))
    def retry_a_month_later(self, seed: int) -> None:
        if self.delivered:
            record = random.Random(seed).choice(self.delivered)
            assert send(self.room, [record]) == ["already"]

    @rule(phone=st.integers(0, 1))
    def read_the_page_again(self, phone: int) -> None:
        """The phone learns the marks of others, by their short names, and keeps its own."""
        one = self.phones[phone]
        sheet = sheet_of(self.room.session)
        for half_day, column in enumerate(sheet.columns):
            for box in column.boxes:
                person = self.room.persons.index(box.registration)
                one.known[(person, half_day)] = set(box.handles)
        for record in one.outbox:
            where = (
                [str(p.uid) for p in self.room.persons].index(record["r"]),
                self.room.codes.index(record["h"]),
            )
            if record["k"] == "m":
                one.known[where].add(record["id"])
            else:
                one.known[where] -= set(record["m"])

    @invariant()
    def the_server_has_what_was_delivered(self) -> None:
        if hasattr(self, "room"):
            assert self.room.present() == expected(self.room, self.delivered)
            ids = {record["id"] for record in self.delivered if record["k"] == "m"}
            marks = AttendanceMark.objects.filter(registration__session=self.room.session)
            assert {str(i) for i in marks.values_list("client_id", flat=True)} == ids

    def teardown(self) -> None:
        if not hasattr(self, "room"):
            return
        for one in self.phones:
            if one.outbox:
                send(self.room, one.outbox)
        assert self.room.present() == expected(self.room, self.ever)
        rows = Presence.objects.filter(registration__session=self.room.session)
        assert rows.count() == len(self.room.present())


@pytest.mark.hypothesis
@pytest.mark.one_database
def test_two_phones(tree: people.Tree) -> None:
    TwoPhones.tree = tree
    run_state_machine_as_test(
        TwoPhones,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


taps = st.lists(
    st.tuples(st.integers(0, PEOPLE - 1), st.integers(0, HALF_DAYS - 1)), min_size=1, max_size=12
)


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(taps=taps, order=st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(
    tree: people.Tree, taps: list[tuple[int, int]], order: random.Random
) -> None:
    room = attendance.room(tree, count=PEOPLE, days=1)
    known: dict[tuple[int, int], set[str]] = {}
    records = []
    for box in taps:
        record = tap(room, box, known.get(box, set()))
        known[box] = {record["id"]} if record["k"] == "m" else set()
        records.append(record)
    arriving = records + order.sample(records, len(records) // 2)  # some come twice
    order.shuffle(arriving)
    while arriving:
        count = order.randint(1, 4)
        send(room, arriving[:count])
        del arriving[:count]
    # The last tap of each box decides.
    assert room.present() == {(p, room.codes[h]) for (p, h), names in known.items() if names}
