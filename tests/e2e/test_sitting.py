"""A test on a 360 px phone: without script and with, cut off, killed, two tabs, double presses."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from kalan.assessment.models import Answer, Sitting
from tests.e2e.conftest import OpenPage, sign_in_as
from tests.factories import assessment, people
from tests.support.html import Nu, sound
from tests.support.server import Server

_numbers = count(1)
SHOTS = os.environ.get("KALAN_SHOTS")  # a folder, to look at the pages


class Learner:
    """A phone, its person, and a test of six questions that they may take."""

    def __init__(self, server: Server, page: Page, **fields: object) -> None:
        self.server, self.page = server, page
        with server.database():
            tree = people.tree()
            purpose = str(fields.pop("purpose", "positioning_short"))
            title = f"Mes compétences {next(_numbers)}"  # several tests share a server
            self.test = assessment.published(tree.country, purpose, title=title, **fields)
            self.account = people.account(agent=people.agent(tree.centre_sokone))
        sign_in_as(page, server, self.account)

    def open(self) -> None:
        """From the person's space to the first question."""
        self.page.goto(f"{self.server.url}/mon-espace/")
        self.page.get_by_role(
            "button", name=f"Passer ce test : {self.test.title}", exact=True
        ).click()
        self.page.get_by_role("button", name="Commencer").click()
        self.at(1)
        self.page.wait_for_load_state()  # only then does its script listen
        self.address = self.page.url

    def at(self, number: int) -> None:
        expect(self.page.locator("h1")).to_have_text(f"Question {number} sur 6")

    def choose(self) -> None:
        self.page.get_by_label("Prévenir le service informatique").check()

    def answer(self) -> None:
        self.choose()
        self.page.get_by_role("button", name="Valider").click()

    def stored(self) -> int:
        with self.server.database():
            return Answer.objects.filter(sitting__account=self.account).count()

    def sitting(self) -> Sitting:
        with self.server.database():
            return Sitting.objects.get(account=self.account)


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def back_and_forth(learner: Learner, script: bool) -> None:
    """The question before, from the browser's own memory; answered again, it changes nothing."""
    learner.page.go_back()
    if not script:  # with the script all questions are one page of the history
        learner.at(2)
        learner.page.get_by_label("Ne rien faire").check()
        learner.page.get_by_role("button", name="Valider").click()
        expect(learner.page.get_by_role("alert")).to_contain_text("Vous aviez déjà répondu")
    learner.page.goto(learner.address)
    learner.at(3)


@pytest.mark.parametrize("script", [False, True])
def test_from_my_space_to_the_result(
    script: bool, site: Server, open_page: OpenPage, nu: Nu
) -> None:
    page = open_page(script=script)
    learner = Learner(site, page)
    learner.open()
    problems = [] if not script else sound(page, nu)
    for number in range(1, 7):
        learner.at(number)
        if number == 3:
            page.reload()
            learner.at(number)
            back_and_forth(learner, script)
            shot(page, f"question-{script}")
        learner.answer()
    expect(page.locator("h1")).to_contain_text("votre résultat")
    assert learner.stored() == 6
    if script:
        problems += sound(page, nu)
        page.goto(learner.address)
        shot(page, "result")
        page.set_viewport_size({"width": 1366, "height": 800})
        shot(page, "result-wide")
        problems += sound(page)
        page.goto(f"{site.url}/test/")
        shot(page, "list")
        page.goto(f"{site.url}/mon-espace/")
        shot(page, "space")
    assert problems == []


def test_every_other_page_is_sound(site: Server, page: Page, nu: Nu) -> None:
    """Start, the two reminders, feedback on a wrong answer, pause, the end before the end."""
    learner = Learner(site, page, purpose="positioning_full", minutes=90)
    page.goto(f"{site.url}/mon-espace/")
    page.get_by_role("button", name=f"Passer ce test : {learner.test.title}", exact=True).click()
    shot(page, "start")
    problems = sound(page, nu)
    page.get_by_role("button", name="Commencer").click()
    expect(page.locator("#temps")).to_have_text("Il reste 90 min")
    page.get_by_role("button", name="Valider").click()
    expect(page.get_by_role("alert")).to_have_text("Vous n’avez pas encore répondu.")
    problems += sound(page, nu)
    page.get_by_label("Ne rien faire").check()
    page.get_by_role("button", name="Valider").click()
    expect(page.get_by_text("Ce n’est pas la bonne réponse")).to_be_visible()
    shot(page, "wrong")
    problems += sound(page, nu)
    for _ in range(2):
        page.get_by_role("button", name="Je ne sais pas").click()
    expect(page.locator("h1")).to_contain_text("est terminé")
    shot(page, "pause")
    problems += sound(page, nu)
    page.get_by_role("button", name="Continuer").click()
    page.get_by_role("link", name="Terminer").click()
    shot(page, "stop")
    problems += sound(page, nu)
    page.get_by_role("button", name="Terminer maintenant").click()
    expect(page.get_by_text("Pas assez de réponses pour dire un niveau")).to_be_visible()
    shot(page, "too-few")
    problems += sound(page, nu)
    assert problems == []


def test_the_network_goes_and_comes_back(site: Server, page: Page) -> None:
    learner = Learner(site, page)
    learner.open()
    learner.answer()
    learner.at(2)
    page.context.set_offline(True)
    learner.answer()
    kept = "Pas de réseau : votre réponse est gardée sur ce téléphone"
    expect(page.locator("#ligne")).to_contain_text(kept)
    shot(page, "offline")
    assert learner.stored() == 1
    page.context.set_offline(False)
    learner.at(3)
    assert learner.stored() == 2


def test_an_answer_kept_on_the_phone_leaves_when_the_page_is_opened_again(
    site: Server, page: Page
) -> None:
    learner = Learner(site, page)
    learner.open()
    page.context.set_offline(True)
    learner.answer()
    expect(page.locator("#ligne")).to_be_visible()
    page.close()
    again = page.context.new_page()
    page.context.set_offline(False)
    again.goto(learner.address)
    expect(again.locator("h1")).to_have_text("Question 2 sur 6")
    assert learner.stored() == 1


def test_the_server_is_killed_between_an_answer_and_its_reply(
    live: Server, open_page: OpenPage
) -> None:
    """The answer is on disk; after the restart the person reloads and finds the next question."""
    page = open_page(script=False)
    learner = Learner(live, page)
    learner.open()
    page.route("**/test/**", lambda route: _answer_and_die(route, live))
    learner.choose()
    page.get_by_role("button", name="Valider").click(no_wait_after=True)
    while live.web is not None:  # killed by then; the test's own time limit ends the wait
        page.wait_for_timeout(100)
    page.unroute_all(behavior="wait")
    assert learner.stored() == 1
    live.start()
    page.goto(learner.address)
    learner.at(2)
    expect(page.get_by_text("Bonne réponse")).to_be_visible()
    learner.answer()
    learner.at(3)
    assert learner.stored() == 2


def _answer_and_die(route: object, live: Server) -> None:
    """The server has stored the answer; the line and the server go before the phone hears."""
    route.fetch()  # type: ignore[attr-defined]
    live.kill()
    route.abort()  # type: ignore[attr-defined]


def test_two_tabs_and_two_phones(site: Server, page: Page, open_page: OpenPage) -> None:
    learner = Learner(site, page)
    learner.open()
    tab = page.context.new_page()
    tab.goto(learner.address)
    learner.answer()
    learner.at(2)
    tab.get_by_label("Ne rien faire").check()
    tab.get_by_role("button", name="Valider").click()
    expect(tab.get_by_role("alert")).to_contain_text("Vous aviez déjà répondu")
    expect(tab.locator("h1")).to_have_text("Question 2 sur 6")
    phone = open_page()
    sign_in_as(phone, site, learner.account)
    phone.goto(learner.address)
    expect(phone.locator("h1")).to_have_text("Question 2 sur 6")
    with site.database():
        given = list(Answer.objects.filter(sitting__account=learner.account).values_list("given"))
    assert given == [({"choice": "b"},)]


@pytest.mark.parametrize("script", [False, True])
def test_a_double_press_counts_once(script: bool, site: Server, open_page: OpenPage) -> None:
    page = open_page(script=script)
    learner = Learner(site, page)
    learner.open()
    learner.choose()
    page.get_by_role("button", name="Valider").dblclick()
    learner.at(2)
    assert learner.stored() == 1


def test_leaving_the_page_is_noted_where_it_is_watched(site: Server, page: Page) -> None:
    learner = Learner(site, page, watch_focus=True)
    learner.open()
    with page.expect_request("**/page/") as left:
        page.evaluate(
            "Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
    assert left.value.response().status == 204  # type: ignore[union-attr]
    with site.database():
        kinds = list(learner.sitting().events.values_list("kind", "number"))
    assert kinds == [("focus", 1)]
