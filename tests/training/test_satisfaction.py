"""Anonymous opinions: easy to give, harmless twice, and never about one person."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from kalan.base.errors import Refused
from kalan.people.selectors.core import actor_for
from kalan.training.models import DirtySession, SatisfactionAnswer, Session
from kalan.training.selectors.satisfaction import QUESTIONS, results_of, session_of_code
from kalan.training.services.satisfaction import record_satisfaction
from tests.factories import attendance, people, training
from tests.factories.people import NOW
from tests.support.signin import sign_in

# One day after NOW the questionnaire of a session of March 2023 is open.
ALL = dict.fromkeys(QUESTIONS, 4)


@pytest.fixture
def room(tree: people.Tree) -> attendance.Room:
    return attendance.room(tree, count=8)


def answer(room: attendance.Room, **more: Any) -> bool:
    values = {
        "now": NOW,
        "session": room.session,
        "client_id": uuid.uuid4(),
        "scores": ALL,
        **more,
    }
    return record_satisfaction(**values)


def test_the_same_answer_twice_counts_once(room: attendance.Room) -> None:
    key = uuid.uuid4()
    assert [answer(room, client_id=key), answer(room, client_id=key)] == [True, False]
    row = SatisfactionAnswer.objects.get()
    assert (row.scores, row.received_on, row.source) == (ALL, dt.date(2023, 3, 20), "phone")
    assert list(DirtySession.objects.values_list("session_id", flat=True)) == [room.session.pk]


def test_nothing_stored_says_who_or_when() -> None:
    fields = {field.name for field in SatisfactionAnswer._meta.get_fields()}
    assert fields == {"id", "client_id", "session", "scores", "comment", "source", "received_on"}


@pytest.mark.parametrize(
    ("scores", "comment", "code"),
    [({}, " ", "empty"), ({"useful": 6}, "", "score"), ({"inconnue": 3}, "", "empty")],
)
def test_bad_answers_are_refused(
    room: attendance.Room, scores: dict[str, int], comment: str, code: str
) -> None:
    with pytest.raises(Refused) as refused:
        answer(room, scores=scores, comment=comment)
    assert refused.value.code == code
    assert SatisfactionAnswer.objects.count() == 0


@pytest.mark.parametrize("days", [-8, 75])
def test_before_the_first_day_and_long_after_it_is_closed(room: attendance.Room, days: int) -> None:
    with pytest.raises(Refused, match="pas ouvert"):
        answer(room, now=NOW + dt.timedelta(days=days))


def test_paper_may_be_keyed_later_by_who_may_mark(room: attendance.Room) -> None:
    late = NOW + dt.timedelta(days=200)
    assert answer(room, now=late, source="paper", actor=room.actor)
    for actor in (None, people.actor("auditor", room.tree.country)):
        with pytest.raises(Session.DoesNotExist):
            answer(room, source="paper", actor=actor)


def test_a_prankster_cannot_answer_for_a_hundred(room: attendance.Room) -> None:
    for _ in range(16):
        answer(room)
    with pytest.raises(Refused, match="déjà arrivées"):
        answer(room)


def test_nothing_is_shown_below_five(room: attendance.Room) -> None:
    for _ in range(4):
        answer(room, comment="seul")
    results = results_of(room.session)
    assert (results.received, results.used, results.mean) == (4, 0, None)
    assert (results.questions, results.comments) == ([], [])


def test_until_the_session_is_closed_answers_show_by_fives(room: attendance.Room) -> None:
    for score in (1, 2, 3, 4, 5, 5, 5):
        answer(room, scores={"useful": score}, comment=f"avis {score}")
    results = results_of(room.session)
    assert (results.received, results.used, results.mean) == (7, 5, Decimal("3.00"))
    room.session.state = "closed"
    results = results_of(room.session)
    assert (results.received, results.used, results.mean) == (7, 7, Decimal("3.57"))
    first = results.questions[0]
    assert first.spread == [(1, 1), (2, 1), (3, 1), (4, 1), (5, 3)]
    assert [(q.answers, q.mean) for q in results.questions[1:]] == [(0, None)] * 5
    assert results.comments == sorted(results.comments)


def test_a_code_is_typed_as_people_type(room: attendance.Room) -> None:
    code = room.session.link_code
    assert len(code) == 7
    assert session_of_code(f" {code[:3].lower()} {code[3:]} ") == room.session
    assert session_of_code("NIMPORTE") is None


@pytest.fixture
def now_open(room: attendance.Room) -> str:
    """The address of a questionnaire open today."""
    today = dt.datetime.now(dt.UTC).date()
    Session.objects.filter(pk=room.session.pk).update(start=today, end=today)
    return reverse("satisfaction", kwargs={"code": room.session.link_code})


def test_on_a_phone_without_signing_in(
    client: Client, room: attendance.Room, now_open: str
) -> None:
    page = client.get(reverse("satisfaction-code"), {"code": room.session.link_code.lower()})
    assert page["Location"] == now_open
    page = client.get(now_open)
    key = page.context["form"]["client_id"].value()
    assert uuid.UUID(str(key)).version == 4  # random: a UUIDv7 would tell the minute
    posted = {"client_id": str(key), "useful": "5", "comment": "Très utile"}
    for _ in range(2):
        assert client.post(now_open, posted).status_code == 302
    assert SatisfactionAnswer.objects.count() == 1
    assert "Votre avis est enregistré" in client.get(now_open).content.decode()
    assert "form" in client.get(now_open, {"autre": "1"}).content.decode()
    assert client.post(now_open, {"client_id": str(uuid.uuid4())}).status_code == 422
    assert client.post(now_open, {**posted, "useful": "9"}).status_code == 422
    assert client.get("/avis/NIMPORTE/").status_code == 404
    assert client.get("/avis/", {"code": "NIMPORTE"}).status_code == 404


def test_results_page_and_keying(client: Client, room: attendance.Room) -> None:
    sign_in(client, room.account)
    url = reverse("satisfaction-results", kwargs={"uid": room.session.uid})
    key = reverse("satisfaction-key", kwargs={"uid": room.session.uid})
    assert "à partir de 5" in client.get(url).content.decode()
    for number in range(5):
        posted = {"client_id": str(uuid.uuid4()), "clear": "3", "comment": f"<b>avis</b> {number}"}
        assert client.post(key, posted).status_code == 302
    text = client.get(url).content.decode()
    assert "&lt;b&gt;avis&lt;/b&gt; 0" in text
    assert "3,00" in text
    assert actor_for(room.account, today=NOW.date()).agent_id is not None


@pytest.mark.parametrize(
    ("days", "state", "said"),
    [
        (-10, "convoked", "n’est pas encore ouvert. Il s’ouvre le premier jour"),
        (90, "closed", "est fermé\u00a0: il l’est 60 jours après la formation."),
        (0, "cancelled", "Cette session est annulée\u00a0: il n’y a pas de questionnaire."),
    ],
)
def test_a_closed_questionnaire_says_why(
    tree: people.Tree, client: Client, days: int, state: str, said: str
) -> None:
    session = training.session(
        tree.sokone, start=people.NOW.date() - dt.timedelta(days=days), state=state
    )
    with time_machine.travel(people.NOW, tick=False):
        page = client.get(f"/avis/{session.link_code}/").content.decode()
    assert said in page
