"""Budgets: bytes of headers and bodies, brotli. Chromium counts them again in tests/e2e."""

from __future__ import annotations

import datetime as dt
from importlib.resources import files
from pathlib import Path
from typing import Any

import brotli
import pytest
import time_machine
from bench.pages import weight
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client

from kalan.training.models import AttendanceMark, Session
from kalan.web.light import light_css, light_js
from kalan.web.sheet import sheet_text
from tests.factories import attendance, people, training

pytestmark = pytest.mark.django_db

STATIC = files("kalan.web") / "static" / "web"
# What a file server adds to a body: status, type, length, caching, date.
FILE_HEADERS = 420
FIRST_PAGE = 14_000
STAFF_PAGE = 30_000


def file_weight(name: str) -> int:
    """What the static server sends: made light and compressed at the highest level (test_light)."""
    content = (STATIC / name).read_bytes()
    for ending, light in ((".css", light_css), (".js", light_js)):
        if name.endswith(ending):
            content = light(content.decode()).encode()
    return len(brotli.compress(content)) + FILE_HEADERS


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


NAMES = """
Aïssatou Ndiaye, Fatou Diop, Mariama Fall, Ndèye Sarr, Coumba Faye, Moussa Diouf, Ibrahima Gueye,
Ousmane Ba, Cheikh Sow, Abdoulaye Sy, Mamadou Cissé, Rokhaya Thiam, Khady Seck, Astou Kane,
Penda Mbaye, Awa Dieng, Aminata Ngom, Bineta Sène, Seynabou Tine, Yacine Badji, Pape Diatta,
Modou Mané, Alioune Sagna, Babacar Camara, Daouda Touré, Samba Sané, Souleymane Ndour,
Marème Niang, Adama Lo, Sokhna Wade
"""


def sent(name: str, folder: Path) -> int:
    """Headers and body of one collected file, as our server answers."""
    (stored,) = folder.glob(f"web/{name.replace('.', '.*.')}")
    client, path = Client(), f"/static/web/{stored.name}"
    answer = client.get(path, headers={"accept-encoding": "br"})
    assert answer.headers["Content-Encoding"] == "br"
    return weight(answer)


@pytest.fixture
def collected(settings: Any, tmp_path: Path) -> Path:
    settings.STATIC_ROOT = tmp_path
    settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = False
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "kalan.web.light.LightStaticFilesStorage"},
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    return tmp_path


def test_the_attendance_of_thirty_people_and_four_half_days(
    tree: people.Tree, collected: Path
) -> None:
    """On a phone that has nothing yet: page with its sheet, and script. Every box is ticked."""
    session = training.session(tree.centre_sokone, days=2)
    structures = (tree.centre_sokone, tree.poste_toubacouta, tree.centre_guinguineo)
    for number, name in enumerate(NAMES.split(",")):
        first, last = name.split()
        structure = structures[number % 3]
        agent = people.agent(structure, first_names=first, last_name=last)
        row = training.registration(session, agent, structure=structure)
        for half_day in session.half_days.all():
            attendance.marked(row, half_day)
    client = Client()
    client.force_login(attendance.trainer(session, tree))
    address = f"/gestion/sessions/{session.uid}/presence/"
    first_load = get(client, address)
    assert AttendanceMark.objects.count() == 120
    assert weight(first_load) + sent("outbox.js", collected) <= FIRST_PAGE
    # From then on the sheet and the script are on the phone.
    assert weight(get(client, address)) <= 5_500


def test_the_staff_home_with_its_sheets(signed_in: Client) -> None:
    total = weight(get(signed_in, "/gestion/"))
    total += file_weight("kalan.css") + file_weight("gestion.css") + file_weight("icon.svg")
    assert total <= STAFF_PAGE
