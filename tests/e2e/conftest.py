"""A real server, a real Chromium, and what tests measure in it.

    def test_something(site: Server, page: Page) -> None:       # a phone, 360 px
        with site.database():
            account = people.account("trainer", ...)
        sign_in_as(page, site, account)
        page.goto(site.url + "/mon-espace/")

``site`` is a server shared by the tests of a process, each with data of its own; ``live``
(tests/conftest.py) is one on an empty database of the test's own.
``open_page(width)`` gives further pages, each in a browser context of its own (another person,
another phone).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from zlib import crc32

import pytest
from django.test import Client
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect, sync_playwright
from xdist.scheduler import LoadScopeScheduling

from kalan.people.models import Account
from tests.support import signin
from tests.support.browsers import BROWSERS
from tests.support.html import Nu
from tests.support.server import Server, copy_home

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
]
PHONE, LAPTOP = 360, 1366
HANDFULS = 22
PICTURES = Path(__file__).resolve().parents[2] / "docs" / "images"
OpenPage = Callable[..., Page]
PATIENCE = 120_000  # ms; a loaded machine is slow, not wrong
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.e2e)


class Dealing(LoadScopeScheduling):  # type: ignore[misc]
    """What one test process runs in one go.

    Files that share a costly set-up stay together; the many pages of the crawl are dealt out by
    the handful, so that no process ends long before the other.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        if file.endswith("e2e/test_pages.py"):
            return f"{file} {crc32(nodeid.encode()) % HANDFULS}"
        return {"tests/e2e/test_guides.py": "tests/e2e/test_demo.py"}.get(file, file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Dealing:
    """Deal the tests out so when tests/e2e is run, whatever --dist says (pytest-xdist)."""
    return Dealing(config, log)


# Playwright keeps an event loop in the test's thread, which Django would take for async code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"


@pytest.fixture(autouse=True)
def _plain_settings() -> None:
    """The server runs with its real settings, and so does the test."""


@pytest.fixture(scope="package", autouse=True)
def _server_databases(django_db_blocker: object) -> Iterator[None]:
    """Let tests reach the databases of their servers (there is no test database here)."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield


@pytest.fixture(scope="session")
def demo_site(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on the demonstration, shared: tests look, or undo what they do."""
    home = copy_home(demo_home, tmp_path_factory.mktemp("demo") / "home")
    server = Server(home, KALAN_DEMO="1")
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def shared_server(blank_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(copy_home(blank_home, tmp_path_factory.mktemp("shared") / "home"))
    yield server
    server.kill()


@pytest.fixture
def site(shared_server: Server) -> Server:
    """A server shared by tests with data of their own. Who kills it finds it up the next time."""
    if shared_server.web is None:
        shared_server.start()
    return shared_server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Open a page of a given width in a context of its own; ``script=False``: without script."""
    contexts = []

    def open_one(width: int = PHONE, *, script: bool = True) -> Page:
        context = browser.new_context(
            viewport=screen(width),
            locale="fr-FR",
            timezone_id="Africa/Dakar",
            java_script_enabled=script,
            has_touch=width < 800,
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        return context.new_page()

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return open_page(PHONE)


@pytest.fixture
def wide_page(open_page: OpenPage) -> Page:
    return open_page(LAPTOP)


@pytest.fixture(scope="session")
def nu() -> Iterator[Nu]:
    checker = Nu()
    checker.wait()
    yield checker
    checker.stop()


def session_of(live: Server, account: Account) -> str:
    """The name of a new session of ``account``."""
    client = Client()
    with live.database():
        signin.sign_in(client, account)
    return client.cookies["sessionid"].value


def give_session(page: Page, live: Server, session: str) -> None:
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live.url}])


def sign_in_as(page: Page, live: Server, account: Account) -> None:
    """Give the page's context a session of ``account`` without the sign-in pages."""
    give_session(page, live, session_of(live, account))


def follow(page: Page, target: Locator) -> None:
    """Click what leads to another page, and wait until that page has loaded.

    A bare click comes back while the old page still stands: what is read, or opened, right after
    it would meet the old page, or cut the new one short.
    """
    with page.expect_navigation():
        target.click()


def wait_until(page: Page, expression: str, *, seconds: int = 180) -> None:
    """Wait until a script expression, or the promise it gives, is true in the page.

    ``Page.wait_for_function`` evaluates its text inside the page when it is not true at once: the
    content security policy refuses that, and a promise would count as true.
    """
    for _ in range(seconds * 10):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"not true within {seconds} s: {expression}")


def screen(width: int) -> ViewportSize:
    return {"width": width, "height": 740 if width < 800 else 768}


def widen(page: Page, width: int) -> None:
    """Put the page that stands on a screen of another width."""
    page.set_viewport_size(screen(width))
    wait_until(page, f"window.innerWidth === {width}")


class Traffic:
    """Bytes received by a page, headers and bodies as they crossed the line, and requests."""

    def __init__(self, page: Page) -> None:
        self.bytes, self.requests = 0, 0
        self._session = page.context.new_cdp_session(page)
        self._session.send("Network.enable")
        self._session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        self._session.on("Network.loadingFinished", self._finished)

    def _finished(self, event: dict[str, float]) -> None:
        self.bytes += int(event["encodedDataLength"])
        self.requests += 1


def picture(page: Page, name: str) -> None:
    """Keep a picture for README and guides when script/test --update-docs asks for it.

    Otherwise hold that the picture is there: a page that a guide shows cannot go unnoticed.
    """
    path = PICTURES / f"{name}.png"
    if os.environ.get("KALAN_UPDATE_DOCS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=path)
    assert path.exists(), f"run script/test browser --update-docs: {path.name} is missing"


def passkey_device(page: Page) -> None:
    """Give the page a passkey device of its own (Chromium's virtual authenticator)."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
