"""An exam in real browsers: the candidate's phone, the invigilator's, the jury's laptop."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from kalan.assessment.models import Candidate, Sitting, SittingEvent
from kalan.base import clock
from kalan.people.models import Role
from tests.e2e.conftest import LAPTOP, PHONE, OpenPage, follow, sign_in_as
from tests.factories import exams as make
from tests.factories import people
from tests.support.html import sound
from tests.support.server import Server

AWAY = """(away) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => away });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def _button(page: Page, name: str) -> None:
    follow(page, page.get_by_role("button", name=name).first)


def _answer(page: Page, number: int) -> None:
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"Question {number} sur 6")
    page.get_by_label("Prévenir le service informatique").check()
    page.get_by_role("button", name="Valider").click()


def test_an_exam_from_the_code_to_the_published_result(site: Server, open_page: OpenPage) -> None:
    with site.database():
        tree = people.tree()
        now = clock.now()
        keeper = people.account(Role.TRAINER, tree.fatick, display_name="Surveillante Ba")
        juror = people.account(Role.PROGRAMME, tree.fatick, display_name="Présidente Sy")
        exam = make.exam(tree.fatick, state="planned", date=clock.today(), now=now)
        person = people.account(agent=people.agent(tree.centre_sokone), display_name="Awa Diouf")
        row = make.candidate(exam, tree.centre_sokone, account=person)
        make.candidate(exam, tree.centre_sokone)
    room, phone, desk = open_page(PHONE), open_page(PHONE, script=True), open_page(LAPTOP)
    for page, account in ((room, keeper), (phone, person), (desk, juror)):
        sign_in_as(page, site, account)

    # The invigilator opens the room; the candidate types what is shown.
    room.goto(f"{site.url}/gestion/examens/{exam.uid}/salle/")
    _button(room, "Ouvrir la salle")
    code = room.locator(".room-code").inner_text()
    assert re.fullmatch(r"[2-9A-Z]{6}", code)
    phone.goto(f"{site.url}/test/examen/")
    phone.get_by_label("Code de la salle").fill("zzzzzz")
    _button(phone, "Entrer")
    expect(phone.get_by_text("n’ouvre aucun examen")).to_be_visible()
    phone.get_by_label("Code de la salle").fill(code.lower())
    _button(phone, "Entrer")
    assert sound(phone) == []
    _button(phone, "Commencer")
    expect(phone.get_by_text("n’a pas encore autorisé votre départ")).to_be_visible()
    room.reload()
    mine = room.locator("li", has_text="Awa Diouf")
    follow(room, mine.get_by_role("button", name="Présent, identité vérifiée"))
    follow(room, mine.get_by_role("button", name="Autoriser le départ"))
    _button(phone, "Commencer")
    _answer(phone, 1)

    # The page is left: recorded, shown, and nothing else.
    expect(phone.get_by_role("heading", level=1)).to_contain_text("Question 2 sur 6")
    with phone.expect_request("**/page/"):
        phone.evaluate(AWAY, True)
    with phone.expect_request("**/page/"):
        phone.evaluate(AWAY, False)

    # A call, seen in the room without anybody reloading; the question is replaced.
    follow(phone, phone.get_by_role("link", name="Signaler un problème"))
    phone.get_by_label("Ce qui ne va pas").fill("Image absente")
    assert sound(phone) == []
    _button(phone, "Appeler le surveillant")
    expect(phone.get_by_text("Le surveillant est prévenu.")).to_be_visible()
    expect(mine.get_by_text("Appel à la question 2")).to_be_visible()
    expect(mine.get_by_text("Page quittée 1 fois.")).to_be_visible()
    assert sound(room) == []
    follow(room, mine.get_by_role("button", name="Remplacer la question"))
    follow(phone, phone.get_by_role("link", name="Revenir à la question"))
    for number in range(2, 7):
        _answer(phone, number)
    expect(phone.get_by_text("le jury publiera les résultats")).to_be_visible()

    # The room is closed; the jury follows the proposal and publishes.
    room.goto(f"{site.url}/gestion/examens/{exam.uid}/salle/")
    follow(room, room.get_by_role("link", name="Terminer l’examen"))
    _button(room, "Terminer l’examen")
    desk.goto(f"{site.url}/gestion/examens/{exam.uid}/jury/")
    desk.get_by_label("Cocher Awa Diouf").check()
    assert sound(desk) == []
    _button(desk, "Enregistrer les décisions")
    phone.goto(f"{site.url}/test/examen/{row.uid}/")
    expect(phone.get_by_text("le jury publiera les résultats")).to_be_visible()
    follow(desk, desk.get_by_role("link", name="Publier les résultats"))
    _button(desk, "Publier")
    phone.reload()
    expect(phone.get_by_text("Admis.")).to_be_visible()
    assert sound(phone) == []
    with site.database():
        kept = Candidate.objects.get(pk=row.pk)
        sitting = Sitting.objects.get(candidate=row)
        events = SittingEvent.objects.filter(sitting=sitting).order_by("pk")
        assert kept.decision == "passed"
        assert (sitting.state, sitting.answers.count()) == ("finished", 6)
        assert [event.kind for event in events] == ["focus", "back", "alert", "replaced", "heard"]
