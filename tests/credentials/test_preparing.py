"""Batches: made from the records by the counting rules, looked at, handed over, approved."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pytest

from kalan.base.errors import Refused
from kalan.credentials.models import Act, Batch
from kalan.credentials.selectors.batches import acts_visible_to
from kalan.credentials.selectors.listing import readable_batches
from kalan.credentials.selectors.signing import awaiting_visa
from kalan.credentials.services import preparing, visa
from kalan.people.actor import SYSTEM, Actor
from kalan.training.models import HalfDay, Presence, Session
from tests.factories import credentials as make
from tests.factories import people, training
from tests.factories.people import NOW, Tree

pytestmark = pytest.mark.django_db


@dataclass
class World:
    tree: Tree
    session: Session
    region: Actor


def attend(session: Session, half_days: int, **names: Any) -> None:
    """Somebody of the list, present at the first ``half_days``."""
    row = training.registration(session, people.agent(**names))
    for half in HalfDay.objects.filter(session=session).order_by("date", "part")[:half_days]:
        Presence.objects.create(registration=row, half_day=half)


@pytest.fixture
def world(tree: Tree) -> World:
    """A closed session of five half-days (rule: 80 %): 5 of 5, 4 of 5, 3 of 5, none."""
    programme = training.programme(tree.country)
    session = training.session(
        tree.fatick, days=2, programme=programme, state="closed", closed_at=NOW
    )
    HalfDay.objects.create(session=session, date=dt.date(2023, 3, 15), part="am")
    for name, number in (("Ba", 5), ("Diop", 4), ("Fall", 3), ("Sow", 0)):
        attend(session, number, last_name=name, first_names="Awa")
    return World(tree, session, people.actor("region", tree.fatick))


def prepared(world: World, kind: str = "training", **fields: object) -> Batch:
    values = {
        "actor": world.region,
        "version": make.version(world.tree.country, kind),
        "office": make.office(world.tree.country),
        "source": "session",
        "ref": world.session,
        "now": NOW,
        **fields,
    }
    return preparing.prepare(**values)  # type: ignore[arg-type]


def names(batch: Batch, state: str = "draft") -> list[str]:
    return list(batch.acts.filter(state=state).order_by("rank").values_list("name", flat=True))


def test_training_is_for_those_who_met_the_rule(world: World) -> None:
    batch = prepared(world)
    assert names(batch) == ["Awa BA", "Awa DIOP"]
    data = batch.acts.order_by("rank").first().data  # type: ignore[union-attr]
    assert data["rule"] == "présence à au moins 80\u00a0% des demi-journées de chaque session"
    assert data["themes"] == ["Outils numériques"]


def test_attendance_is_for_whoever_came(world: World) -> None:
    batch = prepared(world, "attendance")
    assert names(batch) == ["Awa BA", "Awa DIOP", "Awa FALL"]
    assert [act.data["attended"] for act in batch.acts.order_by("rank")] == [
        {"half_days": 5, "of": 5, "hours": 20},
        {"half_days": 4, "of": 5, "hours": 16},
        {"half_days": 3, "of": 5, "hours": 12},
    ]


def test_nothing_is_prepared_of_a_session_that_is_not_closed(world: World) -> None:
    Session.objects.update(state="convoked", closed_at=None)
    with pytest.raises(Refused, match="ne donne aucun acte"):
        prepared(world)
    assert Batch.objects.count() == 0


def test_a_programme_gives_one_attestation_a_person(world: World) -> None:
    programme = world.session.programme
    assert programme is not None
    other = training.session(
        world.tree.kaolack, days=1, start=dt.date(2023, 2, 1), programme=programme,
        state="validated", validated_at=NOW, title="Bases",
        theme=training.theme("bases", "Bases du numérique"),
    )  # fmt: skip
    both = world.session.registrations.get(agent__last_name="Ba").agent
    assert both is not None
    row = training.registration(other, both)
    for half in other.half_days.all():
        Presence.objects.create(registration=row, half_day=half)
    head = people.actor("programme", world.tree.country)
    batch = prepared(
        world, actor=head, source="programme", ref=programme, options={"per": "person"}
    )
    assert names(batch) == ["Awa BA", "Awa DIOP"]
    first = batch.acts.get(rank=1).data
    assert first["themes"] == ["Bases du numérique", "Outils numériques"]
    assert first["training"]["starts_on"] == "2023-02-01"
    assert first["training"]["half_days"] == 7
    each = prepared(world, actor=head, source="programme", ref=programme)
    assert len(names(each)) == 3


def test_what_is_already_certified_is_set_aside_with_its_number(world: World) -> None:
    first = prepared(world)
    Act.objects.filter(batch=first, rank=1).update(
        state="planned", number="SN-2023-000001", code="0" * 24
    )
    second = prepared(world)
    assert list(second.acts.order_by("rank").values_list("name", "state", "problem")) == [
        ("Awa BA", "excluded", "Un acte existe déjà\u00a0: n° SN-2023-000001."),
        (
            "Awa DIOP",
            "excluded",
            f"Un acte est déjà en préparation dans «\u00a0{first.title}\u00a0».",
        ),
    ]
    twice = second.acts.get(rank=1)
    with pytest.raises(Refused, match="SN-2023-000001"):
        preparing.include(actor=world.region, act=twice, now=NOW)
    preparing.include(actor=world.region, act=twice, now=NOW, reason="duplicata demandé")
    assert names(second) == ["Awa BA"]


def test_a_draft_follows_the_records_and_keeps_what_was_set_aside(world: World) -> None:
    batch = prepared(world, "attendance")
    preparing.exclude(
        actor=world.region, act=batch.acts.get(rank=1), reason="nom à vérifier", now=NOW
    )
    Presence.objects.filter(registration__agent__last_name="Fall").delete()
    diop = Presence.objects.filter(registration__agent__last_name="Diop").first()
    assert diop is not None
    diop.delete()
    attend(world.session, 1, last_name="Gueye", first_names="Awa")
    seen = preparing.refresh(actor=world.region, batch=batch, now=NOW)
    assert seen == preparing.Differences(["Awa GUEYE"], ["Awa FALL"], ["Awa DIOP"])
    assert names(batch) == ["Awa DIOP", "Awa GUEYE"]
    assert names(batch, "excluded") == ["Awa BA"]
    assert batch.acts.get(name="Awa DIOP").data["attended"]["half_days"] == 3
    assert not preparing.refresh(actor=world.region, batch=batch, now=NOW)


def test_another_person_gives_the_visa(world: World) -> None:
    batch = visa.hand_over(actor=world.region, batch=prepared(world), now=NOW)
    assert batch.state == "checked"
    with pytest.raises(Refused, match="une autre personne"):
        visa.approve(actor=world.region, batch=batch, now=NOW)
    head = people.actor("programme", world.tree.country)
    assert visa.approve(actor=head, batch=batch, now=NOW).state == "approved"
    with pytest.raises(Refused, match="maintenant «\u00a0à signer\u00a0»"):
        visa.approve(actor=people.actor("admin", world.tree.country), batch=batch, now=NOW)
    back = visa.send_back(actor=head, batch=batch, reason="titre à revoir", now=NOW)
    assert (back.state, back.return_reason, back.approved_by) == ("draft", "titre à revoir", None)
    assert visa.cancel(actor=world.region, batch=back, now=NOW).state == "cancelled"


def test_who_changes_a_draft_and_hands_it_over_does_not_approve_it(world: World) -> None:
    other = people.actor("programme", world.tree.country)
    batch = prepared(world)
    row = batch.acts.filter(state="draft").order_by("rank").first()
    assert row is not None
    preparing.exclude(actor=other, act=row, reason="absente", now=NOW)
    batch = visa.hand_over(actor=other, batch=batch, now=NOW)
    assert list(awaiting_visa(other)) == []
    for actor in (other, world.region):
        with pytest.raises(Refused, match="préparé ou remis ce lot"):
            visa.approve(actor=actor, batch=batch, now=NOW)
    third = people.actor("admin", world.tree.country)
    assert list(awaiting_visa(third)) == [batch]
    back = visa.send_back(actor=third, batch=batch, reason="à revoir", now=NOW)
    # A page opened before it went back: who handed it over since is read again.
    again = visa.hand_over(actor=third, batch=back, now=NOW)
    assert again.checked_by == third.account
    with pytest.raises(Refused, match="préparé ou remis ce lot"):
        visa.approve(actor=third, batch=batch, now=NOW)
    read = Batch.objects.select_related("node").get(pk=batch.pk)
    later = NOW + dt.timedelta(minutes=1)
    back = visa.send_back(actor=third, batch=again, reason="encore", now=later)
    again = visa.hand_over(actor=third, batch=back, now=later)
    with pytest.raises(Refused, match="renvoyé puis remis depuis que vous l’avez lu"):
        visa.approve(actor=other, batch=read, now=later)
    assert visa.approve(actor=other, batch=again, now=later).state == "approved"


def test_territory_holds_for_who_prepares_and_for_who_signs(world: World) -> None:
    elsewhere = people.actor("region", world.tree.kaolack)
    with pytest.raises(Refused, match="pas d’actes pour Fatick"):
        prepared(world, actor=elsewhere)
    with pytest.raises(Refused, match="ne signe pas pour Fatick"):
        prepared(world, office=make.office(world.tree.kaolack))
    batch = prepared(world)
    assert list(readable_batches(world.region)) == [batch]
    assert list(readable_batches(elsewhere)) == []
    assert acts_visible_to(elsewhere).count() == 0
    # The system sees drafts as the region that prepared them does.
    assert [acts_visible_to(one).count() for one in (world.region, SYSTEM)] == [2, 2]


def test_preparing_costs_the_same_however_many_people(
    world: World, django_assert_num_queries: object
) -> None:
    def count() -> int:
        version, office = make.version(world.tree.country), make.office(world.tree.country)
        with django_assert_num_queries(28, exact=False) as seen:  # type: ignore[operator]
            prepared(world, version=version, office=office)
        return len(seen)

    first = count()
    for number in range(5):
        attend(world.session, 5, last_name=f"Ndao{number}", first_names="Awa")
    assert count() == first
