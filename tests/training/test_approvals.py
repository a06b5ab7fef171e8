"""Deciding on a list: ticking everyone, ticks kept after a refusal, the waiting list by rank."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from kalan.training.models import Registration, Session, SessionPlaces
from tests.factories import people, training
from tests.training.test_planning_screens import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(tree: people.Tree) -> Client:
    return client_of(people.account("programme", tree.country))


@pytest.fixture
def session(tree: people.Tree) -> Session:
    return training.session(
        tree.centre_sokone, programme=training.programme(tree.country), capacity=1
    )


def line(session: Session, name: str, **fields: object) -> Registration:
    agent = people.agent(session.node, last_name=name, first_names="Awa")
    return training.registration(session, agent, **fields)


def address(session: Session) -> str:
    return reverse("session-participants", kwargs={"uid": session.uid})


def ticks(page: str) -> list[str]:
    return re.findall(r'name="lignes" value="([^"]+)" checked', page)


def test_everyone_or_only_the_designated_can_be_ticked(manager: Client, session: Session) -> None:
    one = line(session, "Ba", state="designated")
    two = line(session, "Cissé", state="approved")
    plain = manager.get(address(session)).content.decode()
    assert ticks(plain) == []
    assert 'href="?cocher=tous">Tout cocher</a>' in plain
    everyone = manager.get(address(session) + "?cocher=tous").content.decode()
    assert ticks(everyone) == [str(one.uid), str(two.uid)]
    some = manager.get(address(session) + "?cocher=designated").content.decode()
    assert ticks(some) == [str(one.uid)]


def test_a_refused_approval_keeps_the_ticks(manager: Client, session: Session) -> None:
    SessionPlaces.objects.create(session=session, structure=session.node, places=1)
    line(session, "Fall", state="approved", structure=session.node)
    chosen = [
        line(session, name, state="waiting", position=rank, structure=session.node)
        for rank, name in enumerate(("Ba", "Diop"), start=1)
    ]
    uids = [str(row.uid) for row in chosen]
    answer = manager.post(address(session), {"action": "retenir", "lignes": uids})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert ticks(page) == uids
    assert '<li class="notice notice-bad"' in page
    assert [row.state for row in Registration.objects.order_by("pk")] == [
        "approved",
        "waiting",
        "waiting",
    ]


def test_those_who_wait_come_last_and_by_rank(manager: Client, session: Session) -> None:
    line(session, "Ba", state="waiting", position=2)
    line(session, "Cissé", state="approved")
    line(session, "Diop", state="waiting", position=1)
    line(session, "Fall", state="designated")
    page = manager.get(address(session))
    assert [row.person for row, _ in page.context["people"]] == [
        "Awa CISSÉ",
        "Awa FALL",
        "Awa DIOP",
        "Awa BA",
    ]
    file = manager.get(address(session) + "?format=csv").content.decode("utf-8-sig")
    assert [row.split(";")[0] for row in file.splitlines()[1:]] == [
        "Awa CISSÉ",
        "Awa FALL",
        "Awa DIOP",
        "Awa BA",
    ]


def test_the_state_stands_under_the_name_on_a_phone(manager: Client, session: Session) -> None:
    line(session, "Ba", state="waiting", position=7)
    page = manager.get(address(session)).content.decode()
    under = page.partition('<span class="slim">')[2].partition("</th>")[0]
    assert "badge-warn" in under
    assert "rang 7" in under
    sessions = manager.get(reverse("session-list")).content.decode()
    under = sessions.partition('<span class="slim">')[2].partition("</th>")[0]
    assert "prévue" in under


def test_the_convocation_names_people_and_shows_the_text_that_goes_out(
    manager: Client, session: Session, settings: object
) -> None:
    agent = people.agent(
        session.node, last_name="Faye", first_names="Fatou", phone="+221771234567", email=""
    )
    training.registration(session, agent, state="approved")
    Session.objects.filter(pk=session.pk).update(title="Être prêt")
    convoke = reverse("session-convoke", kwargs={"uid": session.uid})
    page = manager.get(convoke).content.decode()
    row = page.partition("<tbody>")[2].partition("</tbody>")[0]
    assert '<th scope="row">Fatou FAYE<br><span class="muted">+221771234567</span></th>' in row
    assert "Etre pret" in row
    assert "1 partie" in row or "2 parties" in row
    assert "Aucun prix de SMS n’est réglé" in page
    assert "0 FCFA" not in page.replace("\u00a0", " ").partition("notice notice-warn")[0]
    settings.KALAN_SMS_PART_COST = 25  # type: ignore[attr-defined]
    page = manager.get(convoke).content.decode()
    assert "Aucun prix de SMS" not in page
