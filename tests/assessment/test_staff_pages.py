"""The staff's screens of tests: list, blueprint, trial, publication, preview, paper."""

from __future__ import annotations

import html
import io
import re
import struct
import zlib
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from pypdf import PdfReader

from kalan.assessment.models import Answer, FrozenTest, Result, Sitting, Test
from kalan.assessment.services import publishing
from kalan.base.models import Job
from kalan.people.models import Account
from kalan.skills.models import Item
from tests.assessment.test_publishing import calibrate
from tests.factories import assessment, people, skills
from tests.factories.jobs import run_jobs
from tests.support.signin import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def programme(tree: people.Tree, client: Client) -> Account:
    account = people.account("programme", tree.country, display_name="Penda Programme")
    sign_in(client, account)
    return account


def words(page: Any) -> str:
    plain = html.unescape(re.sub(r"<[^>]+>", " ", page.content.decode()))
    return re.sub(r"\s+", " ", plain)


def address(name: str, test: Test, **more: str) -> str:
    return reverse(name, kwargs={"uid": test.uid, **more})


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_and_the_page_cost_the_same_however_many(
    client: Client,
    programme: Account,
    tree: people.Tree,
    number: int,
    django_assert_num_queries: Any,
) -> None:
    bank = assessment.bank(tree.country)
    for _ in range(number):
        test = assessment.published(tree.country, "fixed", bank=bank)
    for _ in range(number):
        assessment.begun(test, people.account())
    client.get(reverse("tests-list"))
    client.get(address("tests-detail", test))
    with django_assert_num_queries(5):
        page = client.get(reverse("tests-list"))
    assert page.content.decode().count('<tr><th scope="row">') == number
    with django_assert_num_queries(9):
        client.get(address("tests-detail", test))


def test_the_list_is_narrowed_and_exported(
    client: Client, programme: Account, tree: people.Tree
) -> None:
    bank = assessment.bank(tree.country)
    assessment.published(tree.country, bank=bank, title="Évaluation générale")
    assessment.draft(tree.country, "practice", bank=bank, title="Entraînement")
    for query, found in (
        ("?q=evaluation", ["Évaluation générale"]),
        ("?purpose=practice", ["Entraînement"]),
        ("?state=published", ["Évaluation générale"]),
        (f"?bank={bank.uid}", ["Entraînement", "Évaluation générale"]),
        ("?q=rien", []),
    ):
        page = client.get(reverse("tests-list") + query)
        assert sorted(row.title for row in page.context["page"].rows) == sorted(found)
    lines = client.get(reverse("tests-list") + "?format=csv").content.decode("utf-8-sig")
    assert len(lines.splitlines()) == 3


def test_a_draft_is_made_with_the_rules_of_its_purpose(
    client: Client, programme: Account, tree: people.Tree
) -> None:
    bank = assessment.bank(tree.country)
    sent = {
        "title": "Examen d’été",
        "purpose": "certification",
        "bank": bank.pk,
        "node": tree.country.pk,
    }
    for code in ("examen-dete", "examen-dete-2"):
        client.post(reverse("tests-new"), sent)
        made = Test.objects.get(code=code)
        assert (made.state, made.plan["r_max"], made.minutes) == ("draft", 0.2, 60)


def blueprint(test: Test, **more: Any) -> dict[str, Any]:
    return {
        "title": test.title,
        "retake_days": 7,
        "attempts": 0,
        "in0": "on",
        "min0": 4,
        "max0": 5,
        "cap": "0.2",
        "precision": "",
        **more,
    }


def test_the_blueprint_is_checked_then_stored(
    client: Client, programme: Account, tree: people.Tree
) -> None:
    test = assessment.draft(tree.country)
    before = test.plan
    # 4 questions of 12 in the domain, shown to one person in five at most: 20 are needed.
    page = client.post(address("tests-edit", test), blueprint(test, verifier="1"))
    assert "il manque 8 questions du domaine" in words(page)
    test.refresh_from_db()
    assert test.plan == before
    client.post(address("tests-edit", test), blueprint(test, minutes=30, length_max=5))
    test.refresh_from_db()
    assert test.plan["domains"] == {"d1": {"name": "Élément d1", "min": 4, "max": 5}}
    assert (test.plan["r_max"], test.plan["minutes"], test.plan["length"]) == (0.2, 30, {"max": 5})
    assert (test.minutes, test.open) == (30, False)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"min0": 5, "max0": 4}, "ne peut être sous"),
        ({"max0": 0, "min0": ""}, "décochez ce domaine"),
        ({"in0": ""}, "Cochez au moins un domaine"),
        ({"length_max": 2}, "demandé au moins (4 par les domaines)"),
        ({"cap": "0.77"}, "Sélectionnez un choix valide"),
    ],
)
def test_a_blueprint_that_contradicts_itself_is_refused(
    client: Client, programme: Account, tree: people.Tree, sent: dict[str, Any], said: str
) -> None:
    test = assessment.draft(tree.country)
    page = client.post(address("tests-edit", test), blueprint(test, **sent))
    assert said in words(page)
    before = test.plan
    test.refresh_from_db()
    assert test.plan == before


def test_from_trial_to_closing_on_the_screen(
    client: Client, programme: Account, tree: people.Tree
) -> None:
    test = assessment.draft(tree.country)
    assert "Pas encore essayé" in words(client.get(address("tests-detail", test)))
    client.post(address("tests-try", test))
    client.post(address("tests-try", test))  # pressed twice
    assert Job.objects.count() == 1
    assert "Essai simulé" in words(client.get(address("tests-detail", test)))
    run_jobs()
    said = words(client.get(address("tests-detail", test)))
    assert "Le test est donné en formes fixes parallèles." in said
    assert "Le test adaptatif a été écarté" in said
    assert "2 000 personnes simulées, 24 questions" in said
    assert client.get(address("tests-publish", test)).status_code == 200
    client.post(address("tests-publish", test))
    run_jobs()
    test.refresh_from_db()
    assert test.state == "published"
    calibrate(test)
    said = words(client.get(address("tests-detail", test)))
    assert "24 questions mesurées de nouveau, 0 nouvelle" in said
    client.post(address("tests-close", test))
    test.refresh_from_db()
    assert test.state == "closed"


def test_what_the_bank_lacks_stands_on_the_page_and_stops_publication(
    client: Client, programme: Account, tree: people.Tree
) -> None:
    test = assessment.draft(tree.country, bank=assessment.bank(tree.country, each=2))
    lack = "il manque 1 question du domaine « Élément d1 »"
    assert lack in words(client.get(address("tests-detail", test)))
    page = client.post(address("tests-publish", test), follow=True)
    assert f"La banque ne peut pas porter ce test : {lack}" in words(page)
    assert Job.objects.count() == 0


def test_a_refusal_by_the_simulator_is_told_on_the_page(
    client: Client, programme: Account, tree: people.Tree
) -> None:
    test = assessment.draft(tree.country, bank=assessment.bank(tree.country, each=3))
    client.post(address("tests-publish", test))
    run_jobs()
    said = words(client.get(address("tests-detail", test)))
    assert "refusé. Ce test ne mesurerait pas assez bien : fidélité simulée de 0," in said


def test_a_draft_is_thrown_away_with_its_trials(
    client: Client, programme: Account, tree: people.Tree
) -> None:
    test = assessment.draft(tree.country)
    client.post(address("tests-try", test))
    run_jobs()
    assert FrozenTest.objects.count() == 1
    client.post(address("tests-delete", test))
    assert (Test.objects.count(), FrozenTest.objects.count()) == (0, 0)


def state_of(page: Any) -> str:
    found = re.search(r'name="etat" value="([^"]+)"', page.content.decode())
    assert found is not None
    return found[1]


def test_an_author_takes_the_test_and_nothing_is_recorded(
    client: Client, programme: Account, tree: people.Tree
) -> None:
    test = assessment.published(tree.country, "fixed")
    url = address("tests-preview", test)
    page = client.post(url, {"commencer": "1", "forme": "1"})
    first = state_of(page)
    for number in range(1, 7):
        assert f"Question {number} sur 6" in words(page)
        page = client.post(url, {"etat": state_of(page), "r": assessment.RIGHT})
        assert "Le service informatique peut agir pour tous." in words(page)
    assert "après 6 réponses" in words(page)
    # Going back, and sending again what was sent, is harmless.
    assert "Question 2 sur 6" in words(client.post(url, {"etat": first, "r": "b"}))
    assert [model.objects.count() for model in (Sitting, Answer, Result)] == [0, 0, 0]
    # What was touched, or belongs to somebody else, is refused.
    page = client.post(url, {"etat": first[:-2] + "xx", "r": "b"}, follow=True)
    assert "recommencez-le" in words(page)
    sign_in(client, people.account("programme", tree.country))
    assert "recommencez-le" in words(client.post(url, {"etat": first, "r": "b"}, follow=True))


def test_a_draft_is_tried_by_hand_after_its_trial(
    client: Client, programme: Account, tree: people.Tree
) -> None:
    test = assessment.draft(tree.country)
    page = client.get(address("tests-preview", test), follow=True)
    assert "Essayez d’abord ce brouillon" in words(page)
    client.post(address("tests-try", test))
    run_jobs()
    assert Job.objects.get().error == ""
    page = client.post(address("tests-preview", test), {"commencer": "1"})
    assert "Question 1 sur" in words(page)


def read(response: Any) -> str:
    assert response["Content-Type"] == "application/pdf"
    pages = PdfReader(io.BytesIO(response.content)).pages
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages))


def test_forms_are_compared_and_printed(
    client: Client, programme: Account, tree: people.Tree
) -> None:
    test = assessment.published(tree.country, "fixed")
    said = words(client.get(address("tests-forms", test)))
    assert "Forme A Forme B" in said
    assert "en A" in said
    paper = read(client.get(address("tests-paper", test, form="A")))
    assert "Feuille de réponses, forme A" in paper
    assert paper.count("que faire") == 6
    assert "peut agir pour tous" not in paper
    large = client.get(address("tests-paper", test, form="A") + "?grand=1")
    assert len(PdfReader(io.BytesIO(large.content)).pages) > 2
    key = read(client.get(address("tests-key", test, form="B")))
    assert key.count("peut agir pour tous") == 6
    assert client.get(address("tests-paper", test, form="C")).status_code == 404
    assert client.get(address("tests-paper", test, form="AA")).status_code == 404


def png() -> bytes:
    """One grey dot."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    body = zlib.compress(b"\0\x80")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(kind, data) for kind, data in ((b"IHDR", head), (b"IDAT", body), (b"IEND", b""))
    )


@pytest.mark.parametrize(("broken", "printed"), [(False, 6), (True, 0)])
def test_pictures_are_printed_or_their_words(
    client: Client, programme: Account, tree: people.Tree, broken: bool, printed: int
) -> None:
    bank = assessment.bank(tree.country, each=6)
    for item in Item.objects.filter(bank=bank):
        media = skills.with_picture(item).media.get()  # its bytes end too early
        if not broken:
            media.file.file.save("b.png", ContentFile(png()))
        version = item.current
        assert version is not None
        version.content["text"] += "{img:1}"
        version.content["images"] = [{"uid": str(media.uid), "alt": media.alt}]
        version.save()
    test = assessment.published(tree.country, "fixed", bank=bank)
    made = client.get(address("tests-paper", test, form="A"))
    pages = PdfReader(io.BytesIO(made.content)).pages
    assert sum(len(page.images) for page in pages) == printed
    # Words said to screen readers are not printed beside the picture.
    assert read(made).count("Un cadenas") == 6 - printed


def test_readers_see_a_test_and_not_its_questions(client: Client, tree: people.Tree) -> None:
    test = assessment.published(tree.country, "fixed")
    sign_in(client, people.account("trainer", tree.fatick))
    assert client.get(address("tests-detail", test)).status_code == 200
    for name in ("tests-preview", "tests-forms", "tests-edit", "tests-publish"):
        assert client.get(address(name, test)).status_code == 404


def test_after_publication_only_what_was_not_frozen_changes(
    client: Client, programme: Account, tree: people.Tree
) -> None:
    test = assessment.published(tree.country)
    sent = {"title": "Autre titre", "retake_days": 30, "attempts": 2, "minutes": 5}
    client.post(address("tests-edit", test), sent)
    edited = Test.objects.get(pk=test.pk)
    assert (edited.title, edited.retake_days, edited.attempts) == ("Autre titre", 30, 2)
    assert (edited.minutes, edited.open, edited.plan) == (None, False, test.plan)
    assert publishing.missing(edited) == []
