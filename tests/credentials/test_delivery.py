"""Sending links: cost first, nobody twice, a job when they are many; notices before the end."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.models import Job, Message
from kalan.credentials.models import Act, ActEvent, Batch
from kalan.credentials.services import delivery, sharing
from kalan.people.actor import Actor
from tests.factories import acts, people
from tests.factories.people import NOW
from tests.support.signin import sign_in

pytestmark = pytest.mark.django_db

BOTH = list(delivery.CHANNELS)


@pytest.fixture(autouse=True)
def _at_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def region(tree: people.Tree) -> Actor:
    return people.actor("region", tree.fatick)


@pytest.fixture
def batch(tree: people.Tree, settings: Any) -> Batch:
    """Three acts: somebody with an e-mail, somebody with a phone, somebody with neither."""
    settings.KALAN_SMS_PART_COST = 20
    settings.KALAN_SMS_MONTHLY_CEILING = 1000
    made = acts.batch(tree.fatick)
    for contact in ({"email": "awa@exemple.sn"}, {"phone": "+221771234567"}, {}):
        acts.act(made, people.agent(tree.centre_sokone, **contact))
    return made


def told() -> list[tuple[str, str]]:
    rows = ActEvent.objects.filter(kind="delivered").order_by("act__rank")
    return list(rows.values_list("text", "act__agent__email"))


def test_the_cost_is_known_before(batch: Batch) -> None:
    plan = delivery.preview(batch=batch, channels=BOTH, now=NOW)
    assert (plan.emails, plan.sms.number, plan.unreachable, plan.already) == (1, 1, 1, 0)
    assert plan.sms.cost == plan.sms.parts * 20
    assert Message.objects.count() == 0
    assert "/document/" in plan.sample


def test_each_gets_one_link_and_no_name_stands_in_it(batch: Batch, region: Actor) -> None:
    delivery.deliver(actor=region, now=NOW, batch=batch, channels=BOTH)
    delivery.deliver(actor=region, now=NOW, batch=batch, channels=BOTH)
    assert told() == [("email", "awa@exemple.sn"), ("sms", "")]
    first = batch.acts.order_by("rank")[0]
    mail = Message.objects.get(channel="email")
    assert sharing.link_url(first) in mail.body
    assert Message.objects.count() == 2
    assert delivery.preview(batch=batch, channels=BOTH, now=NOW).already == 2


def test_the_ceiling_holds(batch: Batch, region: Actor, settings: Any) -> None:
    settings.KALAN_SMS_MONTHLY_CEILING = 10
    with pytest.raises(Refused, match="plafond du mois"):
        delivery.start(actor=region, now=NOW, batch=batch, channels=BOTH)
    assert (told(), Message.objects.count()) == ([], 0)


def test_bad_requests_are_named(batch: Batch, region: Actor, tree: people.Tree) -> None:
    with pytest.raises(Refused, match="au moins un moyen"):
        delivery.deliver(actor=region, now=NOW, batch=batch, channels=["pigeon"])
    with pytest.raises(Batch.DoesNotExist):
        delivery.deliver(
            actor=people.actor("region", tree.kaolack), now=NOW, batch=batch, channels=BOTH
        )
    Batch.objects.filter(pk=batch.pk).update(state="ordered")
    with pytest.raises(Refused, match="pas encore signé"):
        delivery.deliver(actor=region, now=NOW, batch=batch, channels=BOTH)


def test_many_go_by_a_job(batch: Batch, region: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "MANY", 1)
    job = delivery.start(actor=region, now=NOW, batch=batch, channels=BOTH)
    assert isinstance(job, Job)
    assert told() == []
    for _ in range(2):  # taken up again after a crash
        delivery.deliver_job(job=job, **job.arguments)
    assert len(told()) == 2


def test_what_was_revoked_is_not_sent(batch: Batch) -> None:
    Act.objects.filter(batch=batch).update(status="revoked")
    assert delivery.preview(batch=batch, channels=BOTH, now=NOW).drafts == []


def test_the_page_shows_the_cost_then_sends(
    batch: Batch, tree: people.Tree, client: Client
) -> None:
    sign_in(client, people.account("region", tree.fatick))
    address = f"/gestion/actes/{batch.uid}/envoi/"
    page = client.get(address, {"channels": BOTH, "voir": "1"}).content.decode()
    assert "SMS" in page
    assert client.post(address, {"channels": BOTH}).status_code == 302
    assert len(told()) == 2


def _days(batch: Batch, number: int) -> dict[str, int]:
    Act.objects.filter(batch=batch).update(valid_until=NOW.date() + dt.timedelta(days=90))
    seen = {}
    for day in range(0, number, 5):
        today = NOW.date() + dt.timedelta(days=day)
        sent = delivery.tell_expiring(now=NOW + dt.timedelta(days=day), today=today)
        if sent:
            seen[str(90 - day)] = sent
    return seen


def test_holders_are_told_sixty_and_fifteen_days_before(batch: Batch) -> None:
    assert _days(batch, 100) == {"60": 1, "15": 1}
    kinds = ActEvent.objects.filter(kind="notice").order_by("pk").values_list("text", flat=True)
    assert list(kinds) == ["60"] * 3 + ["15"] * 3  # noted for those whom no e-mail reaches, too


def test_a_day_missed_is_made_up_and_an_ended_act_says_nothing(batch: Batch) -> None:
    Act.objects.filter(batch=batch).update(valid_until=NOW.date() + dt.timedelta(days=9))
    one = batch.acts.order_by("rank")[0]
    Act.objects.exclude(pk=one.pk).update(status="revoked")
    assert delivery.tell_expiring(now=NOW, today=NOW.date()) == 1
    assert delivery.tell_expiring(now=NOW, today=NOW.date()) == 0
