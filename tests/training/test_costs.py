"""Money: cost lines and their totals, and the payment list from attendance."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from kalan.base.errors import Refused
from kalan.people.actor import SYSTEM
from kalan.people.models import Agent
from kalan.training.models import CostLine, DirtySession, HalfDay, Presence, Registration, Session
from kalan.training.selectors.costs import Total, costs_visible_to, payment_list, totals
from kalan.training.services.costs import CostData, add_cost, remove_cost, update_cost
from kalan.training.services.programmes import set_transport_rates
from tests.factories import people, training

NOW = people.NOW
pytestmark = pytest.mark.django_db


@pytest.fixture
def session(tree: people.Tree) -> Session:
    programme = training.programme(tree.country, per_diem=10000)
    return training.session(tree.sokone, programme=programme, state="validated", validated_at=NOW)


def attend(session: Session, agent: Agent, *slots: tuple[int, str], **fields: object) -> None:
    """``slots``: (day of March 2023, part)."""
    line = training.registration(session, agent, **fields)
    for day, part in slots:
        half_day = HalfDay.objects.get(session=session, date=dt.date(2023, 3, day), part=part)
        Presence.objects.create(registration=line, half_day=half_day)


def test_costs_belong_to_programme_and_auditor(tree: people.Tree, session: Session) -> None:
    programme = people.actor("programme", tree.country)
    data = CostData(category="room", planned=Decimal(50000), spent=Decimal(45000))
    line = add_cost(actor=programme, now=NOW, session=session, data=data)
    assert list(costs_visible_to(programme)) == [line]
    assert list(costs_visible_to(people.actor("auditor", tree.country))) == [line]
    for role in ("region", "structure", "trainer"):
        actor = people.actor(role, tree.fatick)
        assert list(costs_visible_to(actor)) == []
        with pytest.raises(Session.DoesNotExist):
            add_cost(actor=actor, now=NOW, session=session, data=data)
    with pytest.raises(Session.DoesNotExist):
        remove_cost(actor=people.actor("auditor", tree.country), now=NOW, line=line)
    update_cost(actor=programme, now=NOW, line=line, data=CostData("fuel", spent=Decimal(1)))
    assert CostLine.objects.values_list("category", "planned", "spent").get() == ("fuel", 0, 1)
    remove_cost(actor=programme, now=NOW, line=line)
    assert (CostLine.objects.count(), DirtySession.objects.count()) == (0, 1)


@pytest.mark.parametrize(
    ("data", "field", "message"),
    [
        (
            CostData("room", planned=Decimal("10.50")),
            "planned",
            "Le franc CFA n’a pas de centimes.",
        ),
        (CostData("room", spent=Decimal(-1)), "spent", "Un montant ne peut pas être négatif."),
        (CostData("room"), "planned", "Écrivez un montant prévu ou dépensé."),
        (CostData("gift", planned=Decimal(1)), "category", "Choisissez une catégorie de dépense."),
    ],
)
def test_bad_costs_are_refused(session: Session, data: CostData, field: str, message: str) -> None:
    with pytest.raises(Refused) as caught:
        add_cost(actor=SYSTEM, now=NOW, session=session, data=data)
    assert (caught.value.field, caught.value.message) == (field, message)
    assert CostLine.objects.count() == 0


def test_totals_by_category_and_currency(session: Session) -> None:
    for category, planned, spent, currency in (
        ("room", 100, 90, "XOF"),
        ("room", 50, 50, "XOF"),
        ("per_diem", 10, 0, "XOF"),
        ("room", 5, 5, "EUR"),
    ):
        CostLine.objects.create(
            session=session, category=category, planned=planned, spent=spent, currency=currency
        )
    assert totals(costs_visible_to(SYSTEM).order_by("pk")) == [
        Total("per diem", "XOF", Decimal(10), Decimal(0)),
        Total("salle", "EUR", Decimal(5), Decimal(5)),
        Total("salle", "XOF", Decimal(150), Decimal(140)),
        Total("Total", "EUR", Decimal(5), Decimal(5)),
        Total("Total", "XOF", Decimal(160), Decimal(140)),
    ]


def test_days_times_rate_and_transport_by_origin(tree: people.Tree, session: Session) -> None:
    assert session.programme is not None
    set_transport_rates(
        actor=SYSTEM,
        now=NOW,
        programme=session.programme,
        rates=[(tree.fatick, Decimal(3000)), (tree.poste_toubacouta, Decimal(5000))],
    )
    near, far, absent = (
        people.agent(tree.centre_sokone, last_name="A"),
        people.agent(tree.poste_toubacouta, last_name="B"),
        people.agent(tree.centre_sokone, last_name="C"),
    )
    attend(session, near, (13, "am"), (13, "pm"), (14, "am"), structure=tree.centre_sokone)
    attend(session, far, (13, "am"), structure=tree.poste_toubacouta)
    attend(session, absent, structure=tree.centre_sokone)
    found = payment_list(session)
    assert [(r.name, r.days, r.per_diem, r.transport, r.transport_from) for r in found.rows] == [
        ("Awa A", Decimal("1.50"), Decimal(15000), Decimal(3000), "Fatick"),
        ("Awa B", Decimal("0.50"), Decimal(5000), Decimal(5000), "Poste de santé de Toubacouta"),
    ]
    assert (found.per_diem, found.transport, found.total, found.warnings) == (
        Decimal(20000),
        Decimal(8000),
        Decimal(28000),
        [],
    )


def test_a_day_paid_twice_is_said(tree: people.Tree, session: Session) -> None:
    other = training.session(
        tree.kaolack, code="AUTRE", programme=session.programme, state="closed"
    )
    free = training.session(tree.kaolack, code="SANS", state="closed")
    twice, once = people.agent(tree.centre_sokone), people.agent(tree.centre_sokone)
    attend(session, twice, (13, "am"))
    attend(other, twice, (13, "pm"))
    attend(session, once, (13, "am"))
    attend(other, once, (14, "am"))
    attend(free, once, (13, "pm"))
    assert [(r.name, r.twice) for r in payment_list(session).warnings] == [
        (str(twice), "AUTRE, le 13/03/2023")
    ]


def test_a_rate_cannot_be_negative(tree: people.Tree, session: Session) -> None:
    assert session.programme is not None
    with pytest.raises(Refused, match="ne peut pas être négatif"):
        set_transport_rates(
            actor=SYSTEM,
            now=NOW,
            programme=session.programme,
            rates=[(tree.fatick, Decimal(-1))],
        )


@pytest.mark.parametrize("number", [1, 3])
def test_the_payment_list_costs_the_same_however_long(
    tree: people.Tree,
    session: Session,
    number: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(number):
        attend(session, people.agent(tree.centre_sokone), (13, "am"))
    assert Registration.objects.count() == number
    fresh = Session.objects.select_related("programme").get(pk=session.pk)
    with django_assert_num_queries(6):
        assert len(payment_list(fresh).rows) == number
