"""The frame in a real browser: first bytes, cached sheet, policy, and everything without script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect

from kalan.people.models import Account
from tests.e2e.conftest import PHONE, OpenPage, Traffic, follow, sign_in_as
from tests.factories import people
from tests.support.server import Server, copy_home

FIRST_PAGE = 14_000
STYLE = "getComputedStyle(document.querySelector('{}')).{}"


@pytest.fixture(scope="module")
def site(blank_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all: these tests only look."""
    server = Server(copy_home(blank_home, tmp_path_factory.mktemp("frame") / "home"))
    server.start()
    with server.database():
        people.account("region", people.tree().fatick, email="region@exemple.sn")
    yield server
    server.kill()


def regional_manager(site: Server) -> Account:
    with site.database():
        return Account.objects.get(email="region@exemple.sn")


def complaints(page: Page) -> list[str]:
    """Collect what the browser blocks or cannot load."""
    found: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            found.append(message.text)

    page.on("console", note)
    return found


@pytest.mark.parametrize("address", ["/", "/connexion/", "/chiffres/"])
def test_the_first_page_fits_in_the_first_segments(site: Server, page: Page, address: str) -> None:
    traffic, found = Traffic(page), complaints(page)
    page.goto(site.url + address)
    page.wait_for_load_state("networkidle")
    assert found == []
    assert 1_000 < traffic.bytes <= FIRST_PAGE
    assert page.evaluate(STYLE.format(".brand", "fontWeight")) == "700"


def test_the_second_page_takes_the_sheet_from_the_cache(site: Server, page: Page) -> None:
    page.goto(site.url + "/")
    page.wait_for_load_state("networkidle")
    page.goto(site.url + "/connexion/")
    sheets = page.evaluate(
        "performance.getEntriesByType('resource').filter(e => e.name.endsWith('.css'))"
        ".map(e => [e.transferSize, e.decodedBodySize > 0])"
    )
    assert sheets == [[0, True]]
    assert page.evaluate(STYLE.format(".brand", "fontWeight")) == "700"


def test_text_grows_without_script_and_stays_in_the_screen(
    site: Server, open_page: OpenPage
) -> None:
    page = open_page(PHONE, script=False)
    page.goto(site.url + "/chiffres/")
    for expected in ("t2", "t3", "t3"):
        follow(page, page.get_by_role("link", name="A+"))
        assert page.locator("html").get_attribute("class") == expected
    assert page.url == site.url + "/chiffres/"
    box = page.locator("main").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= PHONE
    follow(page, page.get_by_role("link", name="A−"))
    assert page.locator("html").get_attribute("class") == "t2"


def test_the_staff_menu_opens_without_script(site: Server, open_page: OpenPage) -> None:
    page = open_page(PHONE, script=False)
    sign_in_as(page, site, regional_manager(site))
    found = complaints(page)
    page.goto(site.url + "/gestion/")
    menu = page.get_by_role("navigation", name="Gestion")
    expect(menu).to_be_hidden()
    page.get_by_text("Menu", exact=True).click()
    expect(menu.get_by_role("link", name="Accueil")).to_be_visible()
    assert found == []


def test_the_staff_menu_is_open_on_a_laptop(site: Server, wide_page: Page) -> None:
    sign_in_as(wide_page, site, regional_manager(site))
    wide_page.goto(site.url + "/gestion/")
    expect(wide_page.get_by_role("navigation", name="Gestion")).to_be_visible()
    expect(wide_page.get_by_text("Menu", exact=True)).to_be_hidden()


def test_the_keyboard_reaches_the_content_first(site: Server, page: Page) -> None:
    page.goto(site.url + "/")
    page.keyboard.press("Tab")
    link = page.get_by_role("link", name="Aller au contenu")
    expect(link).to_be_focused()
    box = link.bounding_box()
    assert box is not None
    assert box["y"] >= 0
    page.keyboard.press("Enter")
    expect(page.locator("#contenu")).to_be_focused()
