"""Every page of the table: no axe violation at 360 and 1366 px, no Nu error, no sideways scroll."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page

from tests.e2e.conftest import LAPTOP, PATIENCE, PHONE, give_session, session_of, widen
from tests.permissions import world as worlds
from tests.permissions.patterns import ROLES, Row
from tests.permissions.table import TABLE
from tests.support.html import Nu, bring_axe, sound
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
    server.kill()


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Page]:
    """One window for the whole crawl: to open one costs more than to look at a page.

    No service worker, which would carry something from one page to the next.
    """
    context = browser.new_context(locale="fr-FR", service_workers="block")
    context.set_default_timeout(PATIENCE)
    bring_axe(context)
    yield context.new_page()
    context.close()


class Visits:
    """Opens pages of the table, as somebody."""

    def __init__(self, site: Server, window: Page) -> None:
        self.site, self.window = site, window
        self.world: worlds.World = pickle.loads((site.home / "world.pickle").read_bytes())
        self.sessions: dict[str, str] = {}

    def _session(self, role: str) -> str:
        if role not in self.sessions:
            self.sessions[role] = session_of(self.site, self.world.accounts[role])
        return self.sessions[role]

    def open(self, name: str, role: str | None) -> str:
        """Load the page in the window and return its HTML as the server sent it."""
        self.window.context.clear_cookies()
        if role is not None:
            give_session(self.window, self.site, self._session(role))
        row = TABLE[name]
        with self.site.database():  # some objects of the world are looked up when asked for
            arguments = worlds.address_arguments(row, ADDRESSES[name], self.world.here)
            address = reverse(name, kwargs=arguments) + worlds.query(row, self.world.here)
        response = self.window.goto(self.site.url + address)
        assert response is not None
        assert response.status == 200
        return response.text()


@pytest.fixture(scope="module")
def visits(site: Server, window: Page) -> Visits:
    return Visits(site, window)


@pytest.mark.parametrize("name", PAGES)
def test_page_is_sound(name: str, visits: Visits, window: Page, nu: Nu) -> None:
    widen(window, PHONE)
    html = visits.open(name, _looks_widest(TABLE[name]))
    problems = [f"nu {line}" for line in nu.errors(html)]
    for width in (PHONE, LAPTOP):
        widen(window, width)
        problems += [f"at {width} px: {line}" for line in sound(window)]
    assert problems == []


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", PAGES)
def test_page_is_sound_for_every_role(name: str, role: str, visits: Visits, window: Page) -> None:
    if role in TABLE[name].allowed:
        widen(window, PHONE)
        visits.open(name, role)
        assert sound(window) == []
