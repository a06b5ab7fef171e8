"""The frame of every page: policy, compression, freshness, sheet, text size, errors in French."""

from __future__ import annotations

import gzip
import re

import brotli
import pytest
from django.test import Client
from django.urls import path

from kalan.web.sheet import SHEET_COOKIE, sheet_version
from tests.factories import people

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in(tree: people.Tree) -> Client:
    client = Client()
    client.force_login(people.account("region", tree.fatick))
    return client


def policy(response: object) -> dict[str, list[str]]:
    header = response["Content-Security-Policy"]  # type: ignore[index]
    return {part.split()[0]: part.split()[1:] for part in header.split("; ")}


def test_the_policy_is_strict_and_the_nonce_is_the_page_s() -> None:
    response = Client().get("/")
    found = policy(response)
    nonce = re.search(r'<style nonce="([^"]+)">', response.content.decode())
    assert nonce
    assert found["default-src"] == ["'none'"]
    assert found["script-src"] == ["'self'"]
    assert found["style-src"] == ["'self'", f"'nonce-{nonce[1]}'"]
    assert found["base-uri"] == ["'none'"]
    assert found["frame-ancestors"] == ["'none'"]
    assert "unsafe" not in response["Content-Security-Policy"]


def test_two_pages_have_two_nonces() -> None:
    first, second = (policy(Client().get("/"))["style-src"][1] for _ in range(2))
    assert first != second


@pytest.mark.parametrize(
    ("header", "coding"), [("gzip, deflate, br", "br"), ("gzip", "gzip"), ("gzip, br;q=0", "gzip")]
)
def test_pages_are_compressed_and_come_back_whole(header: str, coding: str) -> None:
    response = Client().get("/connexion-qui-n-existe-pas/", headers={"accept-encoding": header})
    assert response["Content-Encoding"] == coding
    assert int(response["Content-Length"]) == len(response.content)
    assert "Accept-Encoding" in response["Vary"]
    unpack = brotli.decompress if coding == "br" else gzip.decompress
    assert unpack(response.content).decode().startswith("<!doctype html>")


def test_a_browser_that_takes_no_coding_gets_plain_text() -> None:
    response = Client().get("/")
    assert "Content-Encoding" not in response
    assert response.content.decode().startswith("<!doctype html>")


def test_signed_in_pages_are_not_stored_and_vary_in_length(signed_in: Client) -> None:
    answers = [signed_in.get("/mon-espace/", headers={"accept-encoding": "br"}) for _ in range(12)]
    assert {answer["Cache-Control"] for answer in answers} == {"no-store"}
    assert "ETag" not in answers[0]
    assert len({len(answer.content) for answer in answers}) > 3


@pytest.mark.parametrize("address", ["/sw.js", "/chiffres.json"])
def test_what_is_the_same_for_all_is_compressed_for_the_signed_in_too(
    signed_in: Client, address: str
) -> None:
    response = signed_in.get(address, headers={"accept-encoding": "br"})
    plain = Client().get(address)
    assert "public" in response["Cache-Control"]
    assert response["ETag"] == plain["ETag"]
    coded = response.get("Content-Encoding") == "br"
    assert coded is (len(plain.content) >= 300)
    body = brotli.decompress(response.content) if coded else response.content
    assert body == plain.content


def test_a_private_answer_that_is_no_page_is_not_compressed(signed_in: Client) -> None:
    response = signed_in.get("/mes-donnees/copie/", headers={"accept-encoding": "br"})
    assert "Content-Encoding" not in response
    assert response["Cache-Control"] == "no-store"


def test_a_public_page_is_sent_once() -> None:
    first = Client().get("/")
    again = Client().get("/", headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "Content-Security-Policy" not in again


def test_the_sheet_is_inlined_once_then_linked() -> None:
    client = Client()
    first = client.get("/").content.decode()
    second = client.get("/").content.decode()
    assert client.cookies[SHEET_COOKIE].value == sheet_version()
    assert (first.count("<style"), first.count('rel="stylesheet"')) == (1, 0)
    assert (second.count("<style"), second.count('rel="stylesheet"')) == (0, 1)


def test_text_size_is_kept_without_script() -> None:
    client = Client()
    response = client.get("/affichage/?taille=grand&retour=/%3Fa%3D1")
    assert (response.status_code, response["Location"]) == (302, "/?a=1")
    assert '<html lang="fr" class="t2">' in client.get("/").content.decode()


def test_text_size_does_not_lead_elsewhere() -> None:
    response = Client().get("/affichage/?taille=grand&retour=https://ailleurs.example/")
    assert response["Location"] == "/"


def test_errors_speak_french_and_say_what_to_do() -> None:
    response = Client().get("/nulle-part/")
    text = response.content.decode()
    assert response.status_code == 404
    assert "<h1>Page introuvable</h1>" in text
    assert "Vérifiez l’adresse." in text


def test_a_form_that_is_too_old_says_so() -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post("/")
    assert response.status_code == 403
    assert "<h1>Cette page a expiré</h1>" in response.content.decode()


def test_the_staff_frame_shows_who_is_signed_in(signed_in: Client) -> None:
    response = signed_in.get("/gestion/")
    assert response.status_code == 200
    assert 'aria-current="page">Accueil</a>' in response.content.decode()


def test_a_page_without_data_costs_no_query(django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert Client().get("/hors-ligne/").status_code == 200


def broken(request: object) -> None:
    raise RuntimeError("for the test")


urlpatterns = [path("casse/", broken)]
handler500 = "kalan.web.views.errors.server_error"


@pytest.mark.urls(__name__)
def test_a_crash_says_what_to_do_and_no_more() -> None:
    response = Client(raise_request_exception=False).get("/casse/")
    text = response.content.decode()
    assert response.status_code == 500
    assert "<h1>Le serveur a rencontré une erreur</h1>" in text
    assert "RuntimeError" not in text


@pytest.mark.urls(__name__)
def test_a_crash_of_the_error_page_still_answers(settings: object) -> None:
    settings.STORAGES = {  # type: ignore[attr-defined]
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    }
    response = Client(raise_request_exception=False).get("/casse/")
    assert response.status_code == 500
    assert "<h1>Le serveur a rencontré une erreur</h1>" in response.content.decode()
