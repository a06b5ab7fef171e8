"""On the spot: somebody comes unannounced or in another's place, and is never turned away."""

from __future__ import annotations

import pytest

from kalan.base.errors import Refused
from kalan.base.ids import uuid7
from kalan.people.models import Agent, DuplicatePair, Post
from kalan.training.models import Outsider, Registration, Session
from kalan.training.services.attendance import record_marks
from kalan.training.services.attendance_walkins import (
    WalkIn,
    add_walk_in,
    find_structure,
    replace_participant,
)
from tests.factories import attendance, people
from tests.factories.people import NOW

AWA = WalkIn(
    last_name="N’Diaye",
    first_names="Awa",
    sex="F",
    structure="centre de sante de SOKONE",
    phone="77 123 45 67",
)


@pytest.fixture
def room(tree: people.Tree) -> attendance.Room:
    return attendance.room(tree)


def add(room: attendance.Room, data: WalkIn = AWA, **more: object):
    return add_walk_in(actor=room.actor, now=NOW, session=room.session, data=data, **more)


def test_a_walk_in_is_an_agent_to_reconcile_with_a_post(room: attendance.Room) -> None:
    row = add(room).registration
    agent = row.agent
    assert (agent.last_name, agent.first_names, agent.sex) == ("N’Diaye", "Awa", "F")
    assert (agent.phone, agent.origin, agent.to_reconcile) == ("+221771234567", "terrain", True)
    assert agent.search == "n diaye awa"
    assert (row.walk_in, row.state, row.structure) == (True, "approved", room.tree.centre_sokone)
    assert list(Post.objects.filter(agent=agent).values_list("structure", "start")) == [
        (room.tree.centre_sokone.pk, room.session.start)
    ]


def test_the_phone_that_made_the_id_may_send_twice(room: attendance.Room) -> None:
    uid = uuid7()
    first, again = add(room, client_uid=uid), add(room, client_uid=uid)
    assert (first.already, again.already) == (False, True)
    assert first.registration == again.registration
    assert Agent.objects.filter(to_reconcile=True).count() == 1
    other = attendance.room(room.tree)
    with pytest.raises(Refused, match="autre session"):
        add(other, client_uid=uid)


def test_what_cannot_be_read_is_kept_as_typed(room: attendance.Room) -> None:
    data = WalkIn(last_name="Sow", structure="Poste de Nulle Part", phone="voir Moussa", sex="?")
    row = add(room, data).registration
    assert (row.structure, row.structure_text) == (None, "Poste de Nulle Part")
    assert (row.agent.phone, row.agent.sex) == ("voir Moussa", "")
    assert not Post.objects.filter(agent=row.agent).exists()


def test_a_name_is_the_one_thing_needed(room: attendance.Room) -> None:
    with pytest.raises(Refused, match="Le nom manque"):
        add(room, WalkIn(last_name=" ", phone="77 123 45 67"))
    assert Registration.objects.filter(walk_in=True).count() == 0


def test_likely_duplicates_are_proposed_not_blocked(room: attendance.Room) -> None:
    known = people.agent(room.tree.centre_sokone, last_name="Ndiaye", first_names="Awa")
    Agent.objects.filter(pk=known.pk).update(search="n diaye awa")
    people.agent(room.tree.centre_guinguineo, last_name="N’Diaye", first_names="Awa")
    added = add(room)
    assert added.same == [known]
    pair = DuplicatePair.objects.get()
    assert (pair.kind, pair.first_id, pair.second_id, pair.state) == (
        "agent",
        known.pk,
        added.registration.agent.pk,
        "open",
    )


def test_an_outsider_is_not_of_the_register(room: attendance.Room) -> None:
    row = add(
        room, WalkIn(last_name="Fall", first_names="Ibra", structure="Radio Sud", outsider=True)
    ).registration
    assert (row.agent, row.outsider) == (None, Outsider.objects.get())
    assert row.outsider.body == "Radio Sud"


def test_a_walk_in_can_be_marked_at_once(room: attendance.Room) -> None:
    room.persons.append(add(room).registration)
    outcomes = record_marks(
        actor=room.actor, now=NOW, session=room.session, marks=[room.mark(3)], source="phone"
    )
    assert [o.verdict for o in outcomes] == ["stored"]


def test_replacing_keeps_the_first_on_record(room: attendance.Room) -> None:
    uid = uuid7()
    for _ in range(2):
        added = replace_participant(
            actor=room.actor, now=NOW, registration=room.persons[0], by=AWA, client_uid=uid
        )
    room.persons[0].refresh_from_db()
    assert room.persons[0].state == "replaced"
    assert added.registration.replaces == room.persons[0]
    assert Registration.objects.filter(session=room.session).count() == 4


def test_two_trainers_replace_the_same_person(room: attendance.Room) -> None:
    first = replace_participant(actor=room.actor, now=NOW, registration=room.persons[0], by=AWA)
    second = replace_participant(
        actor=room.actor, now=NOW, registration=room.persons[0], by=WalkIn(last_name="Sow")
    )
    assert first.registration.replaces == room.persons[0]
    assert second.registration.replaces is None
    assert second.registration.walk_in


def test_replacing_by_a_known_agent_once(room: attendance.Room) -> None:
    agent = people.agent(room.tree.poste_toubacouta)
    row = replace_participant(
        actor=room.actor, now=NOW, registration=room.persons[0], by=agent
    ).registration
    assert (row.agent, row.replaces) == (agent, room.persons[0])
    with pytest.raises(Refused, match="déjà sur la liste"):
        replace_participant(actor=room.actor, now=NOW, registration=room.persons[1], by=agent)
    assert Registration.objects.get(pk=room.persons[1].pk).state == "convoked"


def test_no_walk_in_on_a_validated_or_foreign_session(room: attendance.Room) -> None:
    with pytest.raises(Session.DoesNotExist):
        add_walk_in(
            actor=people.actor("region", room.tree.kaolack),
            now=NOW,
            session=room.session,
            data=AWA,
        )
    Session.objects.filter(pk=room.session.pk).update(state="validated", validated_at=NOW)
    with pytest.raises(Refused, match="validée"):
        add(room)
    assert Agent.objects.filter(to_reconcile=True).count() == 0


def test_of_several_structures_of_one_name_that_of_the_region(room: attendance.Room) -> None:
    tree = room.tree
    there = people.node(tree.guinguineo, "structure", "Poste de santé de Ndiago")
    assert find_structure("Poste de sante de ndiago", room.session) == there
    here = people.node(tree.sokone, "structure", "Poste de santé de Ndiago")
    assert find_structure("Poste de santé de Ndiago", room.session) == here
    people.node(tree.sokone, "structure", "Poste de santé de Ndiago")
    assert find_structure("Poste de santé de Ndiago", room.session) is None
