"""The demonstration as a newcomer finds it: its figures, its accounts, its notice."""

from __future__ import annotations

import json
import re
import time

import pytest
from allauth.mfa.totp.internal.auth import hotp_value
from playwright.sync_api import Page

from kalan.people.services.accounts_demo import DEMO_PASSWORD, DEMO_TOTP_SECRET
from tests.e2e.conftest import OpenPage, follow, picture
from tests.support.server import Server

# Senegal, DIRECCT, 14 November 2022 to 17 March 2023: what the source texts say.
FIGURES = ("19", "15", "13", "521", "306", "58,73 %", "610")
NOTICE = "Données de démonstration : personnes et présences fictives"
ACCOUNTS = (
    *("agent", "formateur", "structure", "region", "programme"),
    *("signataire", "auteur", "admin"),
)


def words(page: Page) -> str:
    """The page's text with every kind of space made one plain space."""
    return re.sub(r"\s+", " ", page.inner_text("body"))


@pytest.mark.parametrize("address", ["/", "/chiffres/"])
def test_the_figures_stand_on_the_public_pages(demo_site: Server, page: Page, address: str) -> None:
    page.goto(demo_site.url + address)
    text = words(page)
    missing = [figure for figure in FIGURES if not re.search(rf"(?<!\d){figure}(?!\d)", text)]
    assert missing == []
    assert NOTICE in text


def test_the_figures_stand_in_the_json(demo_site: Server, page: Page) -> None:
    direcct = json.loads(page.request.get(demo_site.url + "/chiffres.json").text())
    (programme,) = [one for one in direcct["programmes"] if one["code"] == "direcct"]
    names = ("sessions", "structures", "formateurs", "agents_formes", "femmes", "comptes")
    assert [programme[name] for name in names] == [19, 15, 13, 521, 306, 610]
    assert programme["part_femmes"] == 58.73


def _code() -> str:
    """The code of this half-minute for the demonstration's fixed secret (RFC 6238)."""
    return f"{hotp_value(DEMO_TOTP_SECRET, int(time.time()) // 30):06d}"


@pytest.mark.parametrize("name", ACCOUNTS)
def test_each_demonstration_account_signs_in(demo_site: Server, page: Page, name: str) -> None:
    page.goto(demo_site.url + "/connexion/")
    page.get_by_label("E-mail, matricule ou téléphone").fill(f"{name}@demo.kalan")
    page.get_by_label("Mot de passe").fill(DEMO_PASSWORD)
    follow(page, page.get_by_role("button", name="Se connecter", exact=True))
    if name in ("signataire", "admin"):
        page.wait_for_url("**/connexion/code/")
        page.locator("main input[name=code]").fill(_code())
        follow(page, page.locator("main form button").first)
    # Who manages opens on what waits; learners and trainers on their own space.
    home = "mon-espace" if name in ("agent", "formateur") else "gestion"
    page.wait_for_url(f"**/{home}/")
    assert NOTICE in words(page)


def test_the_home_page_for_the_readme(demo_site: Server, open_page: OpenPage) -> None:
    page = open_page(1366)
    page.goto(demo_site.url + "/")
    page.wait_for_load_state("networkidle")
    picture(page, "accueil")
