"""Every page of the table: no axe violation at 360 and 1366 px, no Nu error, no sideways scroll."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from tests.e2e.conftest import LAPTOP, PHONE, OpenPage, sign_in_as
from tests.permissions import world as worlds
from tests.permissions.patterns import ROLES, Row
from tests.permissions.table import TABLE
from tests.support.html import Nu, axe
from tests.support.locks import made_once, run_folder
from tests.support.server import Server, copy_home
from tests.support.urls import addresses

ADDRESSES = addresses()
PAGES = sorted(name for name, row in TABLE.items() if row.html and row.ok == 200)


def _looks_widest(row: Row) -> str | None:
    """The allowed role that sees most; None: the page is public and looked at as a stranger."""
    if row.anonymous == 200:
        return None
    order = ("admin", "programme", "region", "trainer", *ROLES)
    return next(role for role in order if role in row.allowed)


@pytest.fixture(scope="module")
def filled_home(tmp_path_factory: pytest.TempPathFactory, blank_home: Path) -> Path:
    """The database of the permission tests, for the browser."""

    def fill(home: Path) -> None:
        copy_home(blank_home, home)
        with Server(home).database():
            world = worlds.build()
        (home / "world.pickle").write_bytes(pickle.dumps(world))

    return made_once(run_folder(tmp_path_factory) / "filled-home", fill)


@pytest.fixture(scope="module")
def site(filled_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the whole crawl: pages are only looked at."""
    server = Server(copy_home(filled_home, tmp_path_factory.mktemp("site") / "home"))
    server.start()
    yield server
    server.stop()


def _open(open_page: OpenPage, site: Server, name: str, role: str | None, width: int) -> Page:
    page = open_page(width)
    world: worlds.World = pickle.loads((site.home / "world.pickle").read_bytes())
    if role is not None:
        sign_in_as(page, site, world.accounts[role])
    row = TABLE[name]
    with site.database():  # some objects of the world are looked up when asked for
        arguments = worlds.address_arguments(row, ADDRESSES[name], world.here)
        address = reverse(name, kwargs=arguments) + worlds.query(row, world.here)
    response = page.goto(site.url + address)
    assert response is not None
    assert response.status == 200
    return page


@pytest.mark.parametrize("width", [PHONE, LAPTOP])
@pytest.mark.parametrize("name", PAGES)
def test_page_is_sound(name: str, width: int, site: Server, open_page: OpenPage, nu: Nu) -> None:
    page = _open(open_page, site, name, _looks_widest(TABLE[name]), width)
    problems = [f"axe {line}" for line in axe(page)]
    if width == PHONE:
        html = page.request.get(page.url).text()
        problems += [f"nu {line}" for line in nu.errors(html)]
    overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    if overflow > 0:
        problems.append(f"the page is {overflow} px wider than the screen")
    assert problems == []


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", PAGES)
def test_page_is_sound_for_every_role(
    name: str, role: str, site: Server, open_page: OpenPage
) -> None:
    if role in TABLE[name].allowed:
        assert axe(_open(open_page, site, name, role, PHONE)) == []
