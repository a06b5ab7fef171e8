"""Exams in the browser: no key before the answer, one device, focus, the room, the jury."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import Any

import pytest
from django.test import Client

from kalan.assessment.models import Candidate, Exam, Sitting, SittingEvent
from kalan.assessment.services import exam_room
from kalan.base import clock
from kalan.people.actor import SYSTEM
from kalan.people.models import Account, Role
from tests.factories import exams as make
from tests.factories import people
from tests.factories.people import NOW, Tree
from tests.support.signin import sign_in


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW + dt.timedelta(minutes=1))
    monkeypatch.setattr(clock, "today", lambda: NOW.date())


def signed_in(account: Account) -> Client:
    client = Client()
    sign_in(client, account)
    return client


@pytest.fixture
def row(tree: Tree) -> Candidate:
    return make.candidate(make.exam(tree.fatick), tree.centre_sokone)


def entered(row: Candidate) -> Client:
    """The candidate's browser, on the first question."""
    client = signed_in(row.account)
    answer = client.post("/test/examen/", {"code": row.exam.code})
    assert answer["Location"] == f"/test/examen/{row.uid}/"
    exam_room.allow_start(actor=SYSTEM, candidate=row, now=NOW)
    started = client.post(f"/test/examen/{row.uid}/")
    assert started["Location"] == f"/test/{Sitting.objects.get(candidate=row).uid}/"
    return client


def field(page: str, name: str) -> str:
    found = re.search(rf'name="?{name}"? value="?([^">\s]+)', page)
    assert found is not None, page
    return found.group(1)


def test_no_page_of_an_exam_holds_a_key_or_an_explanation(row: Candidate) -> None:
    client = entered(row)
    address = f"/test/{Sitting.objects.get(candidate=row).uid}/"
    pages = [client.get(address).content.decode()]
    for _ in range(6):
        posted = {"n": field(pages[-1], "n"), "u": field(pages[-1], "u"), "r": "b"}
        pages.append(client.post(address, posted).content.decode())
    assert Sitting.objects.get(candidate=row).state == "finished"
    for page in pages:
        assert "Le service informatique peut agir" not in page  # the explanation
        assert "100.0" not in page  # the weights of the key
        assert "bonne réponse" not in page.lower()
    assert all("Signaler un problème" in page for page in pages[:-1])
    # No result, no level, no share of right answers either.
    end = pages[-1]
    assert "Vos réponses sont enregistrées" in end
    assert "\u00a0%" not in end
    assert "Niveau" not in end


def test_a_second_device_is_sent_to_ask_and_the_first_is_shut_out(row: Candidate) -> None:
    first = entered(row)
    address = f"/test/{Sitting.objects.get(candidate=row).uid}/"
    second = signed_in(row.account)
    assert second.get(address)["Location"] == f"/test/examen/{row.uid}/"
    posted = {"n": "1", "u": uuid.uuid4().hex, "r": "b"}
    assert second.post(address, posted)["Location"] == f"/test/examen/{row.uid}/"
    page = second.get(f"/test/examen/{row.uid}/").content.decode()
    assert "Reprendre sur cet appareil" in page
    exam_room.allow_resume(actor=SYSTEM, candidate=row, now=NOW)
    resumed = second.post(f"/test/examen/{row.uid}/", {"action": "resume"})
    assert resumed["Location"] == address
    assert second.get(address).status_code == 200
    assert first.get(address)["Location"] == f"/test/examen/{row.uid}/"
    assert Sitting.objects.get(candidate=row).answers.count() == 0


def test_leaving_the_page_is_recorded_and_changes_nothing_else(row: Candidate) -> None:
    client = entered(row)
    before = Sitting.objects.values().get(candidate=row)
    address = f"/test/{Sitting.objects.get(candidate=row).uid}/"
    assert "data-page" in client.get(address).content.decode()
    assert client.post(f"{address}page/", {"k": "focus", "n": "1"}).status_code == 204
    assert client.post(f"{address}page/", {"k": "incident", "n": "1"}).status_code == 204
    found = SittingEvent.objects.values_list("kind", "number")
    assert list(found) == [("focus", 1)]
    assert Sitting.objects.values().get(candidate=row) == before


def test_leaving_the_page_is_not_watched_with_assistive_technology(tree: Tree) -> None:
    row = make.candidate(make.exam(tree.fatick), tree.centre_sokone, assistive=True)
    client = entered(row)
    address = f"/test/{Sitting.objects.get(candidate=row).uid}/"
    assert "data-page" not in client.get(address).content.decode()
    client.post(f"{address}page/", {"k": "focus", "n": "1"})
    assert SittingEvent.objects.count() == 0


def test_a_call_shows_on_both_sides(row: Candidate, tree: Tree) -> None:
    client = entered(row)
    client.post(
        f"/test/examen/{row.uid}/signaler/",
        {"number": "1", "action": "call", "text": "Image absente"},
    )
    mine = client.get(f"/test/examen/{row.uid}/signaler/").content.decode()
    assert "Le surveillant est prévenu" in mine
    keeper = signed_in(people.account(Role.TRAINER, tree.fatick))
    room = keeper.get(f"/gestion/examens/{row.exam.uid}/salle/").content.decode()
    assert "Appel à la question 1" in room
    assert "Image absente" in room
    asked = Sitting.objects.get(candidate=row).asked
    keeper.post(
        f"/gestion/examens/candidats/{row.uid}/",
        {"action": "replace", "number": "1", "back": "room"},
    )
    assert Sitting.objects.get(candidate=row).log == f'[["r",{asked}]]'
    page = client.get(f"/test/{Sitting.objects.get(candidate=row).uid}/").content.decode()
    assert field(page, "n") == "2"


def test_the_room_costs_the_same_for_one_and_for_many(
    row: Candidate, tree: Tree, django_assert_num_queries: object
) -> None:
    keeper = signed_in(people.account(Role.TRAINER, tree.fatick))
    address = f"/gestion/examens/{row.exam.uid}/salle/etat/"
    keeper.get(address)
    for _ in range(2):
        with django_assert_num_queries(6):  # type: ignore[operator]
            assert keeper.get(address).status_code == 200
        for _ in range(3):
            make.begun(make.candidate(row.exam, tree.centre_sokone))


def test_nobody_is_missing_from_a_room_that_is_not_open(tree: Tree, settings: Any) -> None:
    settings.KALAN_BASE_URL = "https://kalan.sante.sn"
    exam = make.exam(tree.fatick, state="planned", simulated=True)
    row = make.candidate(exam, tree.centre_sokone)
    keeper = signed_in(people.account(Role.TRAINER, tree.fatick))
    address = f"/gestion/examens/{exam.uid}/salle/"
    page = keeper.get(address).content.decode()
    assert ("attendu" in page, ">absent<" in page) == (True, False)
    coming = signed_in(row.account).get("/test/examen/").content.decode()
    assert '<span class="badge badge-warn">simulé</span>' in coming
    keeper.post(address, {"action": "open"})
    page = keeper.get(address).content.decode()
    assert (">attendu<" in page, ">absent<" in page) == (False, True)
    assert "kalan.sante.sn/test/examen/" in page


def test_a_result_is_seen_after_publication_alone(tree: Tree) -> None:
    exam = make.exam(tree.fatick)
    row = make.finished(make.candidate(exam, tree.centre_sokone))
    make.closed(exam)
    client = signed_in(row.account)
    assert row.sitting is not None
    for address in (f"/test/examen/{row.uid}/", f"/test/{row.sitting.uid}/"):
        page = client.get(address).content.decode()
        assert "le jury publiera les résultats" in page
        assert "Admis" not in page
    jury = signed_in(people.account(Role.PROGRAMME, tree.fatick))
    address = f"/gestion/examens/{exam.uid}/jury/"
    page = jury.get(address).content.decode()
    jury.post(
        address,
        {"candidate": str(row.uid), f"seen-{row.uid}": field(page, f"seen-{row.uid}"),
         "decision": "proposal"},
    )  # fmt: skip
    jury.post(f"/gestion/examens/{exam.uid}/publier/")
    assert Exam.objects.get(pk=exam.pk).state == "published"
    shown = client.get(f"/test/examen/{row.uid}/").content.decode()
    assert "Admis." in shown
    assert f'href="/test/{row.sitting.uid}/"' in shown
    assert "le jury publiera" not in client.get(f"/test/{row.sitting.uid}/").content.decode()
    table = jury.get(f"/gestion/examens/{exam.uid}/resultats/?format=csv").content.decode()
    assert table.splitlines()[1].split(";")[2] == "admis"


@pytest.mark.parametrize("name", ["emargement.pdf", "surveillant.pdf", "proces-verbal.pdf"])
def test_papers_are_pdf(tree: Tree, name: str) -> None:
    exam = make.exam(tree.fatick)
    make.candidate(exam, tree.centre_sokone, extra_percent=33)
    client = signed_in(people.account(Role.PROGRAMME, tree.fatick))
    answer = client.get(f"/gestion/examens/{exam.uid}/{name}")
    assert answer.content[:5] == b"%PDF-"
