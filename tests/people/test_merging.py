"""Merging agents and structures: everything follows, can be undone, figures are recounted."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from kalan.base.errors import Refused
from kalan.base.ids import uuid7
from kalan.people.models import Agent, DuplicatePair, OrgNode, OrgNodeCode, Post
from kalan.people.services import duplicates, merging
from kalan.training.models import (
    AttendanceMark,
    DirtySession,
    Presence,
    Registration,
    SessionPlaces,
    SessionTrainer,
)
from tests.factories import people, training

REASON = "même personne, deux orthographes"


def _mark(registration: Registration, half_day: object) -> None:
    AttendanceMark.objects.create(
        client_id=uuid7(),
        registration=registration,
        half_day=half_day,
        source="screen",
        received_at=people.NOW,
    )
    Presence.objects.get_or_create(registration=registration, half_day=half_day)


def _merge(tree: people.Tree, kept: Agent, absorbed: Agent, take: set[str] | None = None) -> object:
    return merging.merge_agents(
        actor=people.actor("admin", tree.country),
        now=people.NOW,
        kept=kept,
        absorbed=absorbed,
        reason=REASON,
        take=frozenset(take or ()),
    )


def test_registrations_posts_account_and_values_follow(tree: people.Tree) -> None:
    kept = people.agent(tree.centre_sokone, phone="")
    absorbed = people.agent(tree.centre_guinguineo, matricule="612345A", phone="+221771234567")
    login = people.account(agent=absorbed)
    session = training.session(tree.centre_sokone)
    registration = training.registration(session, absorbed)

    _merge(tree, kept, absorbed, {"matricule", "phone"})

    kept.refresh_from_db()
    absorbed.refresh_from_db()
    login.refresh_from_db()
    registration.refresh_from_db()
    assert (kept.matricule, kept.phone) == ("612345A", "+221771234567")
    assert (absorbed.status, absorbed.merged_into_id, absorbed.matricule) == (
        "merged",
        kept.pk,
        None,
    )
    assert login.agent_id == kept.pk
    assert registration.agent_id == kept.pk
    assert sorted(Post.objects.filter(agent=kept).values_list("is_main", flat=True)) == [
        False,
        True,
    ]
    assert list(DirtySession.objects.values_list("session_id", flat=True)) == [session.pk]


def test_one_session_twice_becomes_one_registration_with_the_union(tree: people.Tree) -> None:
    kept, absorbed = people.agent(tree.centre_sokone), people.agent(tree.centre_sokone)
    session = training.session(tree.centre_sokone)
    one, two = training.registration(session, kept), training.registration(session, absorbed)
    halves = list(session.half_days.order_by("date", "part"))
    _mark(one, halves[0])
    _mark(two, halves[0])
    _mark(two, halves[1])

    merge = _merge(tree, kept, absorbed)

    counted = Registration.objects.filter(session=session, state__in=Registration.COUNTED)
    assert list(counted.values_list("agent_id", flat=True)) == [kept.pk]
    assert Presence.objects.filter(registration=one).count() == 2

    merging.undo(actor=people.actor("admin", tree.country), now=people.NOW, merge=merge)

    absorbed.refresh_from_db()
    assert (absorbed.status, absorbed.merged_into_id) == ("active", None)
    assert Presence.objects.filter(registration=one).count() == 1
    assert Presence.objects.filter(registration=two).count() == 2
    two.refresh_from_db()
    assert two.state == "convoked"


def test_undo_gives_back_values_and_rows(tree: people.Tree) -> None:
    kept = people.agent(tree.centre_sokone, last_name="Ndiaye", birth_year=1980)
    absorbed = people.agent(tree.centre_guinguineo, last_name="N’Diaye", matricule="77B")
    registration = training.registration(training.session(tree.centre_sokone), absorbed)

    merge = _merge(tree, kept, absorbed, {"last_name", "matricule"})
    kept.refresh_from_db()
    assert (kept.last_name, kept.matricule) == ("N’Diaye", "77B")

    merging.undo(actor=people.actor("admin", tree.country), now=people.NOW, merge=merge)
    for row in (kept, absorbed, registration):
        row.refresh_from_db()
    assert (kept.last_name, kept.matricule, kept.birth_year) == ("Ndiaye", None, 1980)
    assert (absorbed.last_name, absorbed.matricule) == ("N’Diaye", "77B")
    assert registration.agent_id == absorbed.pk
    assert Post.objects.get(agent=absorbed).is_main


def test_trainer_and_trainee_of_one_session_are_two_people(tree: people.Tree) -> None:
    one, other = people.agent(tree.centre_sokone), people.agent(tree.centre_sokone)
    session = training.session(tree.centre_sokone, code="FK-07")
    SessionTrainer.objects.create(session=session, agent=one)
    training.registration(session, other)
    with pytest.raises(Refused, match="FK-07"):
        _merge(tree, one, other)
    other.refresh_from_db()
    assert other.status == "active"


def test_two_trainers_of_one_session_become_one(tree: people.Tree) -> None:
    one, other = people.agent(tree.centre_sokone), people.agent(tree.centre_sokone)
    session = training.session(tree.centre_sokone)
    halves = list(session.half_days.order_by("date", "part"))
    SessionTrainer.objects.create(session=session, agent=one).half_days.set(halves[:1])
    SessionTrainer.objects.create(session=session, agent=other, hours=4).half_days.set(halves[1:2])

    merge = _merge(tree, one, other)
    assert SessionTrainer.objects.get().half_days.count() == 2
    merging.undo(actor=people.actor("admin", tree.country), now=people.NOW, merge=merge)
    counts = {t.agent_id: t.half_days.count() for t in SessionTrainer.objects.all()}
    assert counts == {one.pk: 1, other.pk: 1}


def test_a_merge_needs_a_reason_two_rows_and_the_territory(tree: people.Tree) -> None:
    here, there = people.agent(tree.centre_sokone), people.agent(tree.centre_guinguineo)
    admin = people.actor("admin", tree.country)
    with pytest.raises(Refused, match="motif"):
        merging.merge_agents(actor=admin, now=people.NOW, kept=here, absorbed=there, reason=" ")
    with pytest.raises(Refused, match="deux fiches différentes"):
        merging.merge_agents(actor=admin, now=people.NOW, kept=here, absorbed=here, reason=REASON)
    regional = people.actor("region", tree.fatick)
    with pytest.raises(Refused, match="territoire"):
        merging.merge_agents(
            actor=regional, now=people.NOW, kept=here, absorbed=there, reason=REASON
        )


def test_structures_merge_with_codes_posts_and_places(tree: people.Tree) -> None:
    twin = people.node(tree.sokone, "structure", "C.S. Sokone")
    OrgNodeCode.objects.create(node=twin, system="dhis2", value="abc")
    member = people.agent(twin)
    session = training.session(tree.centre_sokone)
    SessionPlaces.objects.create(session=session, structure=tree.centre_sokone, places=3)
    SessionPlaces.objects.create(session=session, structure=twin, places=2)
    training.registration(session, member)
    admin = people.actor("admin", tree.country)

    merge = merging.merge_structures(
        actor=admin, now=people.NOW, kept=tree.centre_sokone, absorbed=twin, reason=REASON
    )
    assert OrgNodeCode.objects.get(value="abc").node_id == tree.centre_sokone.pk
    assert Post.objects.get(agent=member).structure_id == tree.centre_sokone.pk
    assert SessionPlaces.objects.count() == 1
    assert DirtySession.objects.filter(session=session).exists()

    merging.undo(actor=admin, now=people.NOW, merge=merge)
    assert OrgNodeCode.objects.get(value="abc").node_id == twin.pk
    assert Post.objects.get(agent=member).structure_id == twin.pk
    assert sorted(SessionPlaces.objects.values_list("places", flat=True)) == [2, 3]
    assert OrgNode.objects.get(pk=twin.pk).merged_into_id is None


def test_likely_duplicates_are_proposed_with_reasons_and_decided_once(tree: people.Tree) -> None:
    one = people.agent(tree.centre_sokone, last_name="Diouf", first_names="Aïssatou")
    two = people.agent(tree.poste_toubacouta, last_name="Diouf", first_names="Aissatou")
    people.agent(tree.centre_sokone, last_name="Diouf", first_names="Aïssatou", sex="M")
    found = duplicates.find_agents(node=tree.country, now=people.NOW)
    pair = DuplicatePair.objects.get()
    assert (found, pair.first_id, pair.second_id) == (1, one.pk, two.pk)
    assert pair.reasons == ["même nom"]
    merging.set_distinct(actor=people.actor("region", tree.fatick), now=people.NOW, pair=pair)
    assert duplicates.find_agents(node=tree.country, now=people.NOW) == 0


def test_two_matricules_are_two_people() -> None:
    one = duplicates.Person(1, "diouf awa", "F", "", 1, "1A", None)
    other = duplicates.Person(2, "diouf awa", "F", "", 1, "2B", None)
    assert duplicates.compare(one, other) == (0.0, [])


def test_structures_alike_or_at_one_place(tree: people.Tree) -> None:
    people.node(tree.sokone, "structure", "Centre de santé de Sokonne")
    assert duplicates.find_structures(node=tree.country, now=people.NOW) == 1


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_of_duplicates_costs_the_same_for_any_length(
    tree: people.Tree, client: Client, django_assert_num_queries: object, rows: int
) -> None:
    for number in range(rows):
        for _ in range(2):
            people.agent(tree.centre_sokone, last_name="Sarr", first_names=f"Fatou{number * 111}")
    duplicates.find_agents(node=tree.country, now=people.NOW)
    client.force_login(people.account("admin", tree.country))
    with django_assert_num_queries(6):  # type: ignore[operator]
        response = client.get("/gestion/doublons/agents/")
    assert response.status_code == 200


def test_the_side_by_side_page_merges_and_the_list_undoes(
    tree: people.Tree, client: Client
) -> None:
    one = people.agent(tree.centre_sokone, birth_year=1990)
    two = people.agent(tree.centre_sokone, matricule="9Z")
    client.force_login(people.account("region", tree.fatick))
    address = f"/gestion/fusion/agents/?a={one.uid}&b={two.uid}"
    assert client.get(address).status_code == 200
    data = {"keep": "left", "reason": REASON, "last_name": "left"}
    data |= {"matricule": "right", "birth_year": "left"}
    assert client.post(address, data).status_code == 302
    one.refresh_from_db()
    assert (one.matricule, one.birth_year) == ("9Z", 1990)
    page = client.get("/gestion/fusions/").content.decode()
    assert REASON in page


def test_a_structure_manager_and_another_region_find_nothing(
    tree: people.Tree, client: Client
) -> None:
    one, two = people.agent(tree.centre_sokone), people.agent(tree.centre_sokone)
    address = f"/gestion/fusion/agents/?a={one.uid}&b={two.uid}"
    for role, node in (("structure", tree.centre_sokone), ("region", tree.kaolack)):
        client.force_login(people.account(role, node))
        assert client.get(address).status_code == 404
    assert client.get("/gestion/fusion/agents/?a=zz&b=1").status_code == 404


def test_dates_of_overlap(tree: people.Tree) -> None:
    kept, absorbed = people.agent(tree.centre_sokone), people.agent()
    Post.objects.create(
        agent=absorbed,
        structure=tree.poste_toubacouta,
        start=dt.date(2010, 1, 1),
        end=dt.date(2012, 12, 31),
    )
    _merge(tree, kept, absorbed)
    assert Post.objects.get(agent=kept, end__isnull=False).is_main
