"""DESIGN §5: bytes of headers and bodies, brotli. Chromium counts them again in tests/e2e."""

from __future__ import annotations

import datetime as dt
from importlib.resources import files

import brotli
import pytest
import time_machine
from bench.pages import weight
from django.http import HttpResponse
from django.test import Client

from kalan.training.models import Session
from kalan.web.sheet import sheet_text
from tests.factories import people, training

pytestmark = pytest.mark.django_db

STATIC = files("kalan.web") / "static" / "web"
# What a file server adds to a body: status, type, length, caching, date.
FILE_HEADERS = 420
FIRST_PAGE = 14_000
STAFF_PAGE = 30_000


def file_weight(name: str) -> int:
    """What the static server sends: compressed at the highest level when collected."""
    return len(brotli.compress((STATIC / name).read_bytes())) + FILE_HEADERS


def get(client: Client, address: str) -> HttpResponse:
    response = client.get(address, headers={"accept-encoding": "br"})
    assert response.status_code == 200
    return response


@pytest.fixture
def signed_in(tree: people.Tree) -> Client:
    """A trainer with ten sessions to come, ten past, and a staff menu."""
    agent = people.agent(tree.centre_sokone)
    for index in range(10):
        for days in (7, -30):
            start = people.NOW.date() + dt.timedelta(days=days + index * (days // 7))
            session = training.session(
                tree.centre_sokone, start=start, title="Bases de la santé numérique"
            )
            training.registration(session, agent)
    client = Client()
    client.force_login(people.account("trainer", tree.country, agent=agent))
    return client


def test_the_sheet_stays_near_four_kilobytes() -> None:
    assert len(brotli.compress(sheet_text().encode(), quality=5)) <= 4_000


@pytest.mark.parametrize("address", ["/", "/connexion/", "/chiffres/", "/sante/", "/hors-ligne/"])
def test_a_first_page_all_in(address: str) -> None:
    total = weight(get(Client(), address))
    total += file_weight("kalan.css") + file_weight("icon.svg")
    total += file_weight("manifest.webmanifest")
    assert total <= FIRST_PAGE


@pytest.mark.parametrize("address", ["/", "/connexion/", "/hors-ligne/"])
def test_a_first_page_waits_for_nothing(address: str) -> None:
    text = Client().get(address).content.decode()
    assert 'rel="stylesheet"' not in text
    assert "<script" not in text
    assert "@import" not in text
    assert "@font-face" not in text


def test_the_learner_s_next_pages_are_light(signed_in: Client) -> None:
    signed_in.get("/hors-ligne/")
    with time_machine.travel(people.NOW, tick=False):
        assert Session.objects.count() == 20
        assert weight(get(signed_in, "/mon-espace/")) <= 4_000


def test_the_staff_home_with_its_sheets(signed_in: Client) -> None:
    total = weight(get(signed_in, "/gestion/"))
    total += file_weight("kalan.css") + file_weight("gestion.css") + file_weight("icon.svg")
    assert total <= STAFF_PAGE
