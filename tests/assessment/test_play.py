"""The learner's pages: one address from the start to the result, light, harmless to reload."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import Any

import pytest
import time_machine
from bench.pages import weight
from django.http import HttpResponse
from django.test import Client

from kalan.assessment.models import Answer, Sitting, SittingEvent, Test
from kalan.assessment.services import sittings, tests
from kalan.people.actor import SYSTEM
from kalan.people.models import Account
from kalan.skills.play.given import Given
from kalan.skills.play.grade import ideal
from kalan.skills.play.shape import Stored
from tests.factories import assessment, people
from tests.factories.people import NOW
from tests.skills.play_questions import pack

pytestmark = pytest.mark.django_db

BR = {"accept-encoding": "br"}


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as travel:
        yield travel


def signed_in(account: Account | None = None) -> Client:
    client = Client()
    client.force_login(account or people.account())
    client.get("/hors-ligne/")  # the sheet is in the cache from now on
    return client


def hidden(response: HttpResponse, name: str) -> str:
    found = re.search(rf"name={name} value=\"?([\w-]+)", response.content.decode())
    assert found is not None, response.content.decode()
    return found[1]


def fields(response: HttpResponse, **more: str) -> dict[str, str]:
    """What the form of a question would send."""
    return {"n": hidden(response, "n"), "u": hidden(response, "u"), **more}


def begin(client: Client, test: Test) -> tuple[str, HttpResponse]:
    answer = client.post(f"/test/commencer/{test.code}/")
    assert answer.status_code == 302
    address = answer["Location"]
    assert "Commencer" in client.get(address).content.decode()
    return address, client.post(address, {"commencer": "1"})


def test_a_test_from_the_list_to_the_result(tree: people.Tree) -> None:
    test = assessment.published(tree.country)
    client = signed_in()
    assert test.title in client.get("/test/").content.decode()
    assert test.title in client.get("/mon-espace/").content.decode()
    address, page = begin(client, test)
    for number in range(1, 7):
        text = page.content.decode()
        assert page.status_code == 200
        assert f"Question {number} sur 6" in text
        assert ("Bonne réponse" in text) == (number > 1)
        page = client.post(address, fields(page, r="b"))
    text = page.content.decode()
    assert "votre résultat" in text
    assert "Le service informatique peut agir pour tous." in text
    assert "<svg" in text
    assert client.get(address).status_code == 200
    assert "Terminer" not in client.get(address).content.decode()
    assert f'href="{address}"' in client.get("/test/").content.decode()


def test_a_reload_of_an_answer_shows_the_same_page_again(tree: people.Tree) -> None:
    client = signed_in()
    address, page = begin(client, assessment.published(tree.country))
    sent = fields(page, r="b")
    first, again = client.post(address, sent), client.post(address, sent)
    without_uid = re.compile(r"name=(u|csrfmiddlewaretoken) value=\S+|value=\"\w{64}\"|<!--.*-->")
    one, two = (without_uid.sub("", page.content.decode()) for page in (first, again))
    assert one == two
    assert Answer.objects.count() == 1


def test_the_second_tab_is_told_and_goes_on(tree: people.Tree) -> None:
    client = signed_in()
    address, page = begin(client, assessment.published(tree.country))
    other = client.get(address)
    client.post(address, fields(page, r="b"))
    told = client.post(address, fields(other, r="a"))
    assert told.status_code == 200
    assert "Vous aviez déjà répondu à cette question" in told.content.decode()
    assert "Question 2 sur 6" in told.content.decode()
    assert list(Answer.objects.values_list("given", flat=True)) == [{"choice": "b"}]


def test_nothing_chosen_is_asked_once_and_may_be_skipped(tree: people.Tree) -> None:
    client = signed_in()
    address, page = begin(client, assessment.published(tree.country))
    page = client.post(address, fields(page))
    assert "Vous n’avez pas encore répondu." in page.content.decode()
    assert Answer.objects.count() == 0
    page = client.post(address, fields(page, passer="1"))
    assert "Question 2 sur 6" in page.content.decode()
    assert "Sans réponse" in page.content.decode()
    page = client.post(address, fields(page))
    page = client.post(address, fields(page, sur="1"))  # pressed a second time all the same
    assert Answer.objects.count() == 2


@pytest.mark.parametrize(
    "sent",
    [
        {"n": "1", "u": "pas-un-uid", "r": "b"},
        {"n": "un", "u": "0" * 32, "r": "b"},
        {"r": "b"},
        {"n": "1" * 5000, "u": "0" * 32},
    ],
)
def test_an_answer_that_cannot_be_read_is_not_stored(
    sent: dict[str, str], tree: people.Tree
) -> None:
    client = signed_in()
    address, _ = begin(client, assessment.published(tree.country))
    page = client.post(address, sent)
    assert page.status_code == 400
    assert "Cette réponse est arrivée abîmée" in page.content.decode()
    assert "Question 1 sur 6" in page.content.decode()
    assert Answer.objects.count() == 0


def test_an_answer_to_a_question_not_asked(tree: people.Tree) -> None:
    client = signed_in()
    address, _ = begin(client, assessment.published(tree.country))
    page = client.post(address, {"n": "4", "u": uuid.uuid4().hex, "r": "b"})
    assert page.status_code == 409
    assert "n’est pas celle de la question posée" in page.content.decode()
    assert Answer.objects.count() == 0


def test_time_is_up(tree: people.Tree, clock: Any) -> None:
    client = signed_in()
    address, page = begin(client, assessment.published(tree.country, minutes=10))
    assert "À finir avant 09:10" in page.content.decode()
    page = client.post(address, fields(page, r="b"))
    clock.shift(dt.timedelta(minutes=11))
    late = client.post(address, fields(page, r="b"))
    assert late.status_code == 200
    assert "Le temps est écoulé" in late.content.decode()
    assert "Pas assez de réponses" in late.content.decode()
    assert (Sitting.objects.get().state, Answer.objects.count()) == ("expired", 1)


def test_a_test_that_ran_out_while_away(tree: people.Tree, clock: Any) -> None:
    client = signed_in()
    address, _ = begin(client, assessment.published(tree.country, minutes=10))
    clock.shift(dt.timedelta(days=1))
    assert "temps écoulé" in client.get(address).content.decode()
    assert Sitting.objects.get().state == "expired"


def test_somebody_else_s_sitting_is_not_there(tree: people.Tree) -> None:
    client = signed_in()
    address, page = begin(client, assessment.published(tree.country))
    sent = fields(page, r="b")
    for other in (signed_in(), signed_in(people.account("admin", tree.country))):
        assert other.get(address).status_code == 404
        assert other.post(address, sent).status_code == 404
        assert other.post(f"{address}page/", {"k": "focus"}).status_code == 404
    assert Client().get(address)["Location"] == f"/connexion/?next={address}"
    assert Client().post(address, sent)["Location"] == f"/connexion/?next={address}"
    assert Answer.objects.count() == 0


def test_a_closed_test_is_not_begun(tree: people.Tree) -> None:
    client = signed_in()
    test = assessment.published(tree.country)
    started = client.post(f"/test/commencer/{test.code}/")["Location"]
    tests.close(actor=SYSTEM, test=test, now=NOW)
    page = client.post(started, {"commencer": "1"}, follow=True)
    assert "Ce test est fermé" in page.content.decode()
    page = client.post(f"/test/commencer/{test.code}/", follow=True)
    assert Sitting.objects.get().state == "ready"
    other = signed_in().post(f"/test/commencer/{test.code}/", follow=True)
    assert "Ce test" in other.content.decode()
    assert Sitting.objects.count() == 1


def test_the_link_alone_is_enough_where_the_room_says_so(tree: people.Tree) -> None:
    test = assessment.published(tree.country, open=False)
    made = sittings.start(actor=SYSTEM, test=test, now=NOW, context="session", by_link=True)
    client = Client()
    address = f"/test/{made.uid}/"
    assert "Commencer" in client.get(address).content.decode()
    page = client.post(address, {"commencer": "1"})
    for _ in range(6):
        page = client.post(address, fields(page, r="b"))
    assert "votre résultat" in page.content.decode()


def test_pause_between_the_steps_of_the_full_form(tree: people.Tree) -> None:
    client = signed_in()
    address, page = begin(client, assessment.published(tree.country, "positioning_full"))
    while "name=n " in page.content.decode():
        assert "environ" in page.content.decode()
        page = client.post(address, fields(page, r="b"))
    assert "«\u00a0Élément d1\u00a0» est terminé" in page.content.decode()
    step = re.search(r"name=suite value=(\d+)", page.content.decode())
    assert step is not None
    page = client.post(address, {"suite": step[1]})
    assert "name=n " in page.content.decode()
    assert "name=n " in client.post(address, {"suite": step[1]}).content.decode()
    assert "name=n " in client.post(address, {"suite": "x"}).content.decode()


def test_ending_before_the_end(tree: people.Tree) -> None:
    client = signed_in()
    address, page = begin(client, assessment.published(tree.country))
    client.post(address, fields(page, r="b"))
    assert "Terminer le test maintenant" in client.get(f"{address}?terminer").content.decode()
    done = client.post(address, {"terminer": "1"}, follow=True)
    assert "Pas assez de réponses pour dire un niveau" in done.content.decode()
    assert Sitting.objects.get().state == "finished"


def test_leaving_the_page_is_noted_only_where_it_is_watched(tree: people.Tree) -> None:
    account = people.account()
    client = signed_in(account)
    for watched, accessible, noted in ((False, False, 0), (True, True, 0), (True, False, 1)):
        test = assessment.published(tree.country, watch_focus=watched)
        sitting = assessment.begun(test, account, accessible_only=accessible)
        page = client.get(f"/test/{sitting.uid}/")
        assert ("data-page" in page.content.decode()) == bool(noted)
        client.post(f"/test/{sitting.uid}/page/", {"k": "focus", "n": "1"})
        client.post(f"/test/{sitting.uid}/page/", {"k": "autre"})
        assert SittingEvent.objects.count() == noted
    event = SittingEvent.objects.get()
    assert (event.kind, event.number) == ("focus", 1)


# --- What it costs ----------------------------------------------------------------------------


def whole_bank(tree: people.Tree) -> Test:
    """A positioning test on the questions of the packs, five domains."""
    on = assessment.bank(tree.country, domains=5, each=1)
    on.items.all().update(state="retired")
    for name, one in pack().items():
        assessment.add(on, name, one)
    plan = tests.default_plan("positioning_short", on)
    plan["r_max"] = None
    return assessment.published(tree.country, bank=on, plan=plan, retake_days=0)


def posted(stored: Stored, said: Given) -> dict[str, Any]:
    """A form filled in with an answer."""
    data: dict[str, Any] = {}
    if "choice" in said:
        data["r"] = said["choice"]
    data |= {"r": said["choices"]} if "choices" in said else {}
    data |= {"r": said["text"]} if "text" in said else {}
    data |= {f"r{left}": right for left, right in said.get("pairs", {}).items()}
    data |= {f"r{step}": str(rank) for step, rank in said.get("ranks", {}).items()}
    data |= {f"r{gap}": value for gap, value in said.get("gaps", {}).items()}
    return data


# gunicorn adds: Server, Date, Connection.
SERVED = len("Server: gunicorn\r\nDate: Sun, 22 Nov 2026 02:26:29 GMT\r\n")
SERVED += len("Connection: keep-alive\r\n")


@pytest.mark.one_database
def test_answer_and_next_question_stay_in_two_kilobytes(tree: people.Tree) -> None:
    test = whole_bank(tree)
    client = signed_in()
    sizes = []
    for _ in range(2):
        address, page = begin(client, test)
        while b"name=n " in page.content:
            screen = sittings.current(
                sitting=Sitting.objects.get(uid=address.split("/")[2]), now=NOW
            )
            said = posted(screen.stored, ideal(screen.stored))
            sent = fields(page, **said)
            page = client.post(address, sent, headers=BR)
            size = weight(page) + SERVED
            page = client.get(address)
            if b"name=n " in page.content:
                sizes.append(size)
    assert len(sizes) == 2 * 19
    # Here the addresses of the sheet and the script carry no hash: 30 bytes more when they do.
    assert max(sizes) <= 1_970
