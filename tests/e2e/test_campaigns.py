"""A person on a small phone joins by code, with and without script; a manager follows, exports."""

from __future__ import annotations

import csv
import datetime as dt
import io

import pytest
from playwright.sync_api import Page, expect

from kalan.base import clock
from kalan.campaigns.models import Campaign, Participant
from kalan.people.models import Account
from tests.e2e.conftest import LAPTOP, PHONE, OpenPage, follow, sign_in_as
from tests.factories import assessment, campaigns, people
from tests.support.html import sound
from tests.support.server import Server


@pytest.fixture
def made(site: Server) -> Campaign:
    """An open campaign on a test that can be played."""
    with site.database():
        tree = people.tree()
        today = clock.today()
        return campaigns.campaign(
            tree.fatick,
            test=assessment.published(tree.country),
            opens_on=today,
            closes_on=today + dt.timedelta(days=20),
            opened_at=clock.now(),
        )


def person_of(site: Server, made: Campaign) -> Account:
    with site.database():
        structure = made.node.get_children().get().get_children().order_by("path")[0]
        return people.account(agent=people.agent(structure))


def answer_all(page: Page, *, script: bool) -> None:
    """Begin, answer six questions; with script, the line is lost at the third and comes back."""
    follow(page, page.get_by_role("button", name="Commencer"))
    for number in range(1, 7):
        expect(page.locator("h1")).to_have_text(f"Question {number} sur 6")
        page.get_by_label("Prévenir le service informatique").check()
        cut = script and number == 3
        if cut:
            page.context.set_offline(True)
        page.get_by_role("button", name="Valider").click()
        if cut:
            expect(page.get_by_text("gardée sur ce téléphone")).to_be_visible()
            page.context.set_offline(False)
    expect(page.locator("h1")).to_contain_text("votre résultat")


@pytest.mark.parametrize("script", [True, False])
def test_join_take_share_follow_export(
    site: Server, open_page: OpenPage, made: Campaign, script: bool
) -> None:
    account = person_of(site, made)
    page = open_page(PHONE, script=script)
    page.goto(f"{site.url}/campagne/")
    page.get_by_label("Code de la campagne").fill(f"{made.code[:4]} {made.code[4:].lower()}")
    follow(page, page.get_by_role("button", name="Continuer"))
    expect(page.get_by_role("heading", name="Qui verra mon résultat")).to_be_visible()
    follow(page, page.get_by_role("link", name="Me connecter pour commencer"))
    page.get_by_label("E-mail, matricule ou téléphone").fill(account.email or "")
    page.get_by_label("Mot de passe").fill("kalan-demo")
    follow(page, page.get_by_role("button", name="Se connecter", exact=True))
    page.wait_for_url(f"**/campagne/{made.code}/")
    follow(page, page.get_by_role("button", name="Commencer"))
    with site.database():
        place = Participant.objects.get(campaign=made)
        sitting = place.sittings.get().sitting
    assert page.url == f"{site.url}/test/{sitting.uid}/"
    answer_all(page, script=script)
    page.goto(f"{site.url}/campagne/{made.code}/")
    if script:
        assert sound(page) == []
    follow(page, page.get_by_role("button", name="Partager mon résultat"))
    expect(page.get_by_text("Vous partagez votre résultat")).to_be_visible()
    _manager_sees(site, open_page(LAPTOP), made, account)


def _manager_sees(site: Server, page: Page, made: Campaign, account: Account) -> None:
    with site.database():
        manager = people.account("region", made.node)
        assert account.agent is not None
        name = account.agent.last_name
    sign_in_as(page, site, manager)
    page.goto(f"{site.url}/gestion/campagnes/{made.uid}/")
    expect(page.locator("dl.figures")).to_contain_text("ont terminé (100")
    follow(page, page.get_by_role("link", name="Participants", exact=True))
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    content = download.value.path().read_text(encoding="utf-8-sig")
    lines = list(csv.reader(io.StringIO(content), delimiter=";"))
    assert [line[0] for line in lines[1:2]] == [name]
    assert lines[1][13] != ""
