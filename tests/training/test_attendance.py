"""Marks, retractions and whole sheets: one answer per record, nothing lost, nothing doubled."""

from __future__ import annotations

import datetime as dt

import pytest

from kalan.base.errors import Refused
from kalan.base.ids import uuid7
from kalan.people.actor import Actor
from kalan.training.models import (
    AttendanceMark,
    AttendanceRetraction,
    Correction,
    DirtySession,
    HalfDay,
    Presence,
    Registration,
    Session,
)
from kalan.training.selectors import attendance as selectors
from kalan.training.services.attendance import (
    MarkData,
    Outcome,
    RetractionData,
    record_marks,
    retract_marks,
    set_presences,
)
from kalan.training.services.attendance_sync import receive
from tests.factories import attendance, people, training
from tests.factories.people import NOW


@pytest.fixture
def room(tree: people.Tree) -> attendance.Room:
    return attendance.room(tree)


def send(room: attendance.Room, *marks: MarkData, actor: Actor | None = None, **more: object):
    return record_marks(
        actor=actor or room.actor,
        now=NOW,
        session=room.session,
        marks=marks,
        source="phone",
        **more,
    )


def take_back(room: attendance.Room, mark: MarkData, *names: str, **more: object) -> list[Outcome]:
    data = RetractionData(
        client_id=more.pop("client_id", None) or uuid7(),
        registration=mark.registration,
        half_day=mark.half_day,
        marks=names or (str(mark.client_id),),
    )
    return retract_marks(
        actor=room.actor, now=NOW, session=room.session, retractions=[data], **more
    )


def test_a_mark_is_stored_once_and_the_session_is_to_be_recounted(room: attendance.Room) -> None:
    mark = room.mark(1, 2)
    first, again = send(room, mark), send(room, mark)
    assert [o.verdict for o in first + again] == ["stored", "already"]
    assert room.present() == {(1, "2023-03-14-am")}
    assert AttendanceMark.objects.count() == 1
    assert list(DirtySession.objects.values_list("session_id", "since")) == [(room.session.pk, NOW)]
    row = AttendanceMark.objects.get()
    assert (row.source, row.by, row.received_at) == ("phone", room.account, NOW)


def test_the_same_mark_twice_in_one_batch(room: attendance.Room) -> None:
    mark = room.mark()
    assert [o.verdict for o in send(room, mark, mark)] == ["stored", "already"]


def test_a_bad_record_never_fails_the_batch(room: attendance.Room) -> None:
    stranger = MarkData(uuid7(), uuid7(), room.codes[0])
    no_such_day = MarkData(uuid7(), room.persons[0].uid, "2023-03-20-am")
    good = room.mark(2, 3)
    outcomes = send(room, stranger, no_such_day, good)
    assert [(o.verdict, o.code) for o in outcomes] == [
        ("refused", "person"),
        ("refused", "half_day"),
        ("stored", ""),
    ]
    assert all(o.message and o.remedy for o in outcomes[:2])
    assert room.present() == {(2, "2023-03-14-pm")}


def test_a_half_day_to_come_is_refused_the_day_itself_is_not(tree: people.Tree) -> None:
    room = attendance.room(tree, days=2, start=NOW.date())
    outcomes = send(room, room.mark(0, 1), room.mark(0, 2))
    assert [(o.verdict, o.code) for o in outcomes] == [("stored", ""), ("refused", "future")]
    assert outcomes[1].message == "La demi-journée du 21/03/2023 n’a pas encore eu lieu."


def test_an_id_used_for_something_else_keeps_both_and_says_so(room: attendance.Room) -> None:
    first = room.mark(0, 0)
    other = room.mark(1, 1, client_id=first.client_id)
    send(room, first)
    once, again = send(room, other), send(room, other)
    assert [(o.verdict, o.code) for o in once + again] == [("conflict", "same_id")] * 2
    assert room.present() == {(0, "2023-03-13-am"), (1, "2023-03-13-pm")}
    assert AttendanceMark.objects.count() == 2


def test_a_mark_taken_back_does_not_take_back_that_of_another_phone(
    room: attendance.Room,
) -> None:
    mine, theirs = room.mark(0, 0), room.mark(0, 0)
    send(room, mine)
    send(room, theirs)
    assert [o.verdict for o in take_back(room, mine)] == ["stored"]
    assert room.present() == {(0, "2023-03-13-am")}
    take_back(room, theirs)
    assert room.present() == set()


def test_taking_back_before_the_mark_arrives_holds(room: attendance.Room) -> None:
    mark = room.mark()
    assert [o.verdict for o in take_back(room, mark)] == ["stored"]
    assert [o.verdict for o in send(room, mark)] == ["stored"]
    assert room.present() == set()


def test_a_page_names_marks_by_a_handle(room: attendance.Room) -> None:
    mark = room.mark()
    send(room, mark)
    act = uuid7()
    for verdict in ("stored", "already"):
        outcomes = take_back(room, mark, selectors.handle(mark.client_id), client_id=act)
        assert [o.verdict for o in outcomes] == [verdict]
    assert room.present() == set()
    assert AttendanceRetraction.objects.count() == 1


def test_a_handle_reaches_only_its_own_box(room: attendance.Room) -> None:
    mark, other = room.mark(0, 0), room.mark(1, 0)
    send(room, mark)
    outcomes = take_back(room, other, selectors.handle(mark.client_id))
    assert [o.verdict for o in outcomes] == ["already"]
    assert room.present() == {(0, "2023-03-13-am")}


def test_a_retraction_of_one_session_does_not_reach_another(tree: people.Tree) -> None:
    here, there = attendance.room(tree), attendance.room(tree)
    mark = there.mark()
    send(there, mark)
    take_back(here, here.mark(), str(mark.client_id))
    assert there.present() == {(0, "2023-03-13-am")}


@pytest.mark.parametrize(
    ("state", "code"), [("validated", "validated"), ("cancelled", "cancelled")]
)
def test_a_session_validated_or_cancelled_takes_no_mark(
    room: attendance.Room, state: str, code: str
) -> None:
    before = room.mark(1)
    send(room, before)
    Session.objects.filter(pk=room.session.pk).update(state=state, validated_at=NOW)
    outcomes = send(room, room.mark(), before)
    assert [(o.verdict, o.code) for o in outcomes] == [("refused", code), ("already", "")]
    assert [(o.verdict, o.code) for o in take_back(room, before)] == [("refused", code)]
    with pytest.raises(Refused):
        set_presences(actor=room.actor, now=NOW, session=room.session, grid={}, source="paper")
    assert room.present() == {(1, "2023-03-13-am")}


def test_a_correction_needs_a_reason_a_right_and_leaves_a_row(room: attendance.Room) -> None:
    Session.objects.filter(pk=room.session.pk).update(state="validated", validated_at=NOW)
    with pytest.raises(Refused, match="validée"):
        send(room, room.mark(), reason="oubli")
    assert room.present() == set()
    manager = people.actor("region", room.tree.fatick)
    outcomes = send(room, room.mark(), actor=manager, reason="oubli sur la feuille")
    assert [o.verdict for o in outcomes] == ["stored"]
    row = Correction.objects.get()
    assert (row.reason, row.by, row.at) == ("oubli sur la feuille", manager.account, NOW)
    assert row.change == {
        "what": "attendance",
        "present": [[str(room.persons[0].uid), "2023-03-13-am"]],
        "absent": [],
    }


def test_out_of_scope_does_not_exist(room: attendance.Room) -> None:
    for role, node in (
        ("region", room.tree.kaolack),
        ("structure", room.tree.centre_sokone),
        ("auditor", room.tree.country),
    ):
        with pytest.raises(Session.DoesNotExist):
            send(room, room.mark(), actor=people.actor(role, node))
    other = attendance.room(room.tree)
    with pytest.raises(Session.DoesNotExist):
        send(room, room.mark(), actor=other.actor)
    assert room.present() == set()


@pytest.mark.parametrize("state", ["waiting", "refused", "withdrawn"])
def test_whoever_came_is_on_the_list(room: attendance.Room, state: str) -> None:
    Registration.objects.filter(pk=room.persons[0].pk).update(state=state)
    assert [o.verdict for o in send(room, room.mark())] == ["stored"]
    assert Registration.objects.get(pk=room.persons[0].pk).state == "approved"


def test_somebody_replaced_but_present_is_shown_as_a_conflict(room: attendance.Room) -> None:
    Registration.objects.filter(pk=room.persons[0].pk).update(state="replaced")
    outcome = send(room, room.mark())[0]
    assert (outcome.verdict, outcome.code) == ("conflict", "replaced")
    assert room.present() == {(0, "2023-03-13-am")}
    assert Registration.objects.get(pk=room.persons[0].pk).state == "replaced"


def test_one_person_in_two_places_is_stored_and_shown_on_both(tree: people.Tree) -> None:
    here, there = attendance.room(tree), attendance.room(tree)
    person = training.registration(there.session, here.persons[0].agent)
    there.persons.append(person)
    assert [o.verdict for o in send(here, here.mark(0, 0))] == ["stored"]
    outcomes = send(there, there.mark(3, 0), there.mark(3, 1), there.mark(0, 0))
    assert [(o.verdict, o.code) for o in outcomes] == [
        ("conflict", "double"),
        ("stored", ""),
        ("stored", ""),
    ]
    assert outcomes[0].message == (
        f"{here.persons[0].agent.full_name} est aussi noté(e) présent(e) dans la session "
        f"{here.session.code} cette demi-journée."
    )
    for room, other in ((here, there), (there, here)):
        found = selectors.double_presences(room.session)
        assert [(d.person, d.other_code) for d in found] == [
            (here.persons[0].agent.full_name, other.session.code)
        ]
    Session.objects.filter(pk=there.session.pk).update(state="cancelled")
    assert selectors.double_presences(here.session) == []


def test_double_presences_cost_the_same_for_one_and_three(
    tree: people.Tree, django_assert_num_queries: object
) -> None:
    here, there = attendance.room(tree), attendance.room(tree)
    there.persons = [training.registration(there.session, p.agent) for p in here.persons]
    send(here, here.mark(0), here.mark(1), here.mark(2))
    for number in range(3):
        send(there, there.mark(number))
        with django_assert_num_queries(2):  # type: ignore[operator]
            assert len(selectors.double_presences(here.session)) == number + 1


def test_a_whole_sheet_at_once(room: attendance.Room) -> None:
    first, second, third = (p.pk for p in room.persons)
    days = [h.pk for h in room.half_days]
    changed = set_presences(
        actor=room.actor,
        now=NOW,
        session=room.session,
        grid={first: days, second: days[:1], third: []},
        source="paper",
    )
    assert (changed.added, changed.removed) == (5, 0)
    changed = set_presences(
        actor=room.actor,
        now=NOW,
        session=room.session,
        grid={first: days[1:], second: days[:2]},
        source="paper",
    )
    assert (changed.added, changed.removed) == (1, 1)
    assert room.present() == {(0, code) for code in room.codes[1:]} | {
        (1, code) for code in room.codes[:2]
    }


def test_a_sheet_leaves_what_its_keyer_did_not_see(room: attendance.Room) -> None:
    seen, unseen = room.mark(0, 0), room.mark(1, 0)
    send(room, seen)
    send(room, unseen)  # marked by somebody else after the page was shown
    changed = set_presences(
        actor=room.actor,
        now=NOW,
        session=room.session,
        grid={p.pk: [] for p in room.persons},
        source="paper",
        seen=[selectors.handle(seen.client_id)],
    )
    assert (changed.added, changed.removed) == (0, 1)
    assert room.present() == {(1, "2023-03-13-am")}


def test_a_sheet_does_not_tick_anew_what_another_took_back(room: attendance.Room) -> None:
    mark = room.mark(0, 0)
    send(room, mark)
    take_back(room, mark)
    set_presences(
        actor=room.actor,
        now=NOW,
        session=room.session,
        grid={room.persons[0].pk: [room.half_days[0].pk]},
        source="paper",
        seen=[selectors.handle(mark.client_id)],
    )
    assert room.present() == set()


def test_a_sheet_with_a_half_day_to_come_or_a_stranger_stores_nothing(tree: people.Tree) -> None:
    room = attendance.room(tree, start=NOW.date())
    other = attendance.room(tree)
    days = [h.pk for h in room.half_days]
    for grid, text in (
        ({room.persons[0].pk: [days[0], days[2]]}, "n’a pas encore eu lieu"),
        ({room.persons[0].pk: [days[0]], other.persons[0].pk: []}, "pas sur la liste"),
        ({room.persons[0].pk: [days[0], other.half_days[0].pk]}, "demi-journée"),
    ):
        with pytest.raises(Refused, match=text):
            set_presences(
                actor=room.actor, now=NOW, session=room.session, grid=grid, source="paper"
            )
    assert Presence.objects.count() == 0


def test_a_sheet_takes_the_same_queries_for_3_and_12_people(
    tree: people.Tree, django_assert_num_queries: object
) -> None:
    for count in (3, 12):
        room = attendance.room(tree, count=count, days=5)
        days = [h.pk for h in room.half_days]
        with django_assert_num_queries(QUERIES_OF_A_SHEET):  # type: ignore[operator]
            set_presences(
                actor=room.actor,
                now=NOW,
                session=room.session,
                grid={p.pk: days for p in room.persons},
                source="paper",
            )
        assert Presence.objects.filter(registration__session=room.session).count() == count * 10


QUERIES_OF_A_SHEET = 12


def test_completion_is_counted_in_whole_numbers(tree: people.Tree) -> None:
    programme = training.programme(tree.country, completion_percent=67)
    room = attendance.room(tree, count=3, programme=programme)
    HalfDay.objects.filter(pk=room.half_days[3].pk).delete()
    send(room, *[room.mark(0, n) for n in range(3)], *[room.mark(1, n) for n in range(2)])
    done = selectors.completion(room.session)
    assert [
        (done[p.pk].present, done[p.pk].half_days, done[p.pk].completed) for p in room.persons
    ] == [(3, 3, True), (2, 3, False), (0, 3, False)]  # 66,67 % is below 67 %


def test_completion_is_80_percent_without_a_programme(tree: people.Tree) -> None:
    room = attendance.room(tree, count=2, days=5)
    send(room, *[room.mark(0, n) for n in range(8)], *[room.mark(1, n) for n in range(7)])
    done = selectors.completion(room.session)
    assert [done[p.pk].completed for p in room.persons] == [True, False]


def test_nobody_completes_a_session_without_half_days(tree: people.Tree) -> None:
    room = attendance.room(tree, count=1)
    HalfDay.objects.filter(session=room.session).delete()
    assert [c.completed for c in selectors.completion(room.session).values()] == [False]


def test_the_sheet_is_read_in_a_fixed_number_of_queries(
    tree: people.Tree, django_assert_num_queries: object
) -> None:
    for count in (1, 3):
        room = attendance.room(tree, count=count)
        send(room, *[room.mark(n, 0) for n in range(count)])
        with django_assert_num_queries(6):  # type: ignore[operator]
            sheet = selectors.sheet_of(room.session)
            rows = [(p.agent.full_name, [b.present for b in boxes]) for p, boxes in sheet.rows]
        assert [boxes for _, boxes in rows] == [[True, False, False, False]] * count
        assert [column.present for column in sheet.columns] == [count, 0, 0, 0]


def test_sheets_attached_are_counted(tree: people.Tree) -> None:
    from kalan.base.files import store

    room = attendance.room(tree)
    attendance.room(tree)
    file = store(content=b"%PDF-1.7", name="f.pdf", kind="scan", by=None, now=NOW)
    Session.objects.filter(pk=room.session.pk).update(sheet=file)
    count = selectors.sheet_count(Session.objects.all())
    assert (count.sessions, count.with_sheet) == (2, 1)


def test_device_time_is_kept_as_declared(room: attendance.Room) -> None:
    wrong = dt.datetime(1999, 1, 1, tzinfo=dt.UTC)
    mark = MarkData(uuid7(), room.persons[0].uid, room.codes[0], device_at=wrong)
    send(room, mark)
    row = AttendanceMark.objects.get()
    assert (row.device_at, row.received_at) == (wrong, NOW)


def test_what_cannot_be_stored_does_not_hold_back_the_batch(room: attendance.Room) -> None:
    """A name cut in the middle of an emoji, a clock of year 1: stored, and sent only once."""
    name = {"id": str(uuid7()), "k": "w", "t": -62135596800000, "d": {"last_name": "Sow\ud83d"}}
    mark = {"id": str(uuid7()), "k": "m", "t": -62135596800000}
    mark |= {"r": str(room.persons[0].uid), "h": room.codes[0]}
    answers = receive(actor=room.actor, now=NOW, session=room.session, records=[name, mark])
    assert [answer.outcome.verdict for answer in answers] == ["stored", "stored"]
    assert Registration.objects.get(uid=name["id"]).agent.last_name == "Sow?"
    assert list(AttendanceMark.objects.values_list("device_at", flat=True)) == [None]


def test_the_list_comes_in_the_order_of_the_printed_sheet(room: attendance.Room) -> None:
    """« MANÉ » before « MANGA », accents apart, as on paper."""
    for name in ("Manga", "Mané"):
        folded = name.lower().replace("é", "e")
        one = people.agent(room.session.node, last_name=name, first_names="A", search=f"{folded} a")
        training.registration(room.session, one)
    names = [line.agent.last_name for line in selectors.on_list(room.session) if line.agent]
    assert [name for name in names if name.startswith("Man")] == ["Mané", "Manga"]
