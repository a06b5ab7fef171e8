"""Attendance with the line cut, the answer lost, the server killed, two people, two tabs.

What is shown each time: what was marked is on the server once and only once, and until then the
phone says how much it still holds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, Request, Response, expect

from kalan.people.sessions import SHARED_KEY, SessionStore
from kalan.training.models import AttendanceMark, Presence, Registration, Session
from tests.e2e.conftest import OpenPage, sign_in_as, wait_until
from tests.e2e.phone import Phone, marks, new_room, phone_of, present
from tests.factories import attendance
from tests.support.server import Server, copy_home


@pytest.fixture
def phone(site: Server, page: Page) -> Phone:
    return phone_of(site, page)


AM, PM = "2023-03-13-am", "2023-03-13-pm"
BROKEN_OFF = "net::ERR_INCOMPLETE_CHUNKED_ENCODING"


def test_a_tap_is_on_the_server_at_once(phone: Phone, site: Server) -> None:
    phone.tap(0)
    phone.tap(1)
    phone.settled()
    assert present(site, phone.room) == {(0, AM), (1, AM)}
    phone.tap(0)
    phone.settled()
    assert present(site, phone.room) == {(1, AM)}


def test_line_cut_reload_restart_everything_arrives_once(phone: Phone, site: Server) -> None:
    phone.page.context.set_offline(True)
    site.kill()
    phone.tap(0)
    phone.tap(1)
    phone.tap(2, 1)
    phone.tap(1)  # a tap on the wrong line, taken back
    phone.says("4 non envoyées. Hors ligne : gardées sur ce téléphone.")
    phone.page.reload()
    phone.says("4 non envoyées. Hors ligne : gardées sur ce téléphone.")
    assert (phone.box(0).is_checked(), phone.box(1).is_checked()) == (True, False)
    phone.page.context.set_offline(False)
    # The line is back, the server is not: nothing is lost either.
    phone.page.reload()
    expect(phone.page.locator("#etat span")).to_contain_text("4 non envoyées")
    expect(phone.page.locator("#etat button")).to_be_visible()
    site.start()
    phone.push()
    phone.settled()
    assert present(site, phone.room) == {(0, AM), (2, PM)}
    assert marks(site, phone.room) == 3
    # What was sent still shows after a reload without a line.
    wait_until(phone.page, "!document.querySelector('#feuille input:not([checked]):checked')")
    phone.page.context.set_offline(True)
    phone.page.reload()
    phone.show(1)
    expect(phone.box(0)).to_be_checked()
    expect(phone.box(2, 1)).to_be_checked()
    phone.says("Tout est envoyé.")


def test_server_killed_while_marking(phone: Phone, site: Server) -> None:
    wanted = {(person, code) for person in range(3) for code in phone.room.codes[:3]}
    for number, (person, half_day) in enumerate((p, h) for h in range(3) for p in range(3)):
        phone.tap(person, half_day)
        if number in (2, 5):
            site.kill()
        if number == 4:
            site.start()
    expect(phone.page.locator("#etat span")).to_contain_text("non envoyée")
    site.start()
    phone.push()
    phone.settled()
    assert present(site, phone.room) == wanted
    assert marks(site, phone.room) == 9


def test_two_tabs_of_one_phone(phone: Phone, site: Server) -> None:
    other = Phone(site, phone.room, phone.page.context.new_page(), phone.account)
    other.open()
    phone.page.context.set_offline(True)
    for person in range(3):
        phone.tap(person)
        other.tap(person, 1)
    expect(other.page.locator("#etat span")).to_contain_text("6 non envoyées")
    phone.says("6 non envoyées. Hors ligne : gardées sur ce téléphone.")
    phone.page.context.set_offline(False)
    phone.page.evaluate("void kalan.send()")
    other.page.evaluate("void kalan.send()")
    phone.settled()
    other.settled()
    assert present(site, phone.room) == {(p, code) for p in range(3) for code in (AM, PM)}
    assert marks(site, phone.room) == 6


def test_two_people_mark_one_session_at_once(
    phone: Phone, site: Server, open_page: OpenPage
) -> None:
    with site.database():
        colleague = attendance.trainer(phone.room.session, phone.room.tree)
    other = Phone(site, phone.room, open_page(), colleague)
    other.open()
    other.page.context.set_offline(True)
    other.tap(0)
    other.tap(1)
    other.tap(1)  # taken back: the other person's mark of the same box must stand
    other.tap(2, 1)
    phone.tap(1)
    phone.tap(0)
    phone.settled()
    other.page.context.set_offline(False)
    other.settled()
    assert present(site, phone.room) == {(0, AM), (1, AM), (2, PM)}
    phone.page.evaluate("window.dispatchEvent(new Event('online'))")
    phone.show(1)
    expect(phone.box(2, 1)).to_be_checked()


def test_somebody_unexpected_offline(phone: Phone, site: Server) -> None:
    phone.page.context.set_offline(True)
    phone.page.get_by_text("Ajouter un participant non prévu").click()
    phone.page.get_by_label("Nom", exact=True).fill("N’Diaye")
    phone.page.get_by_label("Prénoms").fill("Awa")
    phone.page.get_by_label("Sexe").select_option("F")
    phone.page.get_by_role("button", name="Ajouter à la liste").click()
    expect(phone.page.locator("#refus")).to_have_text("Ajoutée : Awa N’DIAYE, à rapprocher.")
    box = phone.page.locator("details[open] li", has_text="Awa N’DIAYE").locator("input")
    expect(box).to_be_focused()
    box.click()
    phone.says("2 non envoyées. Hors ligne : gardées sur ce téléphone.")
    phone.page.reload()
    newcomer = phone.page.locator("details[open] li", has_text="Awa N’DIAYE")
    expect(newcomer.locator("input")).to_be_checked()
    phone.page.context.set_offline(False)
    phone.settled()
    with site.database():
        row = Registration.objects.select_related("agent").get(
            walk_in=True, session=phone.room.session
        )
        assert (row.agent.full_name, row.agent.sex, row.agent.to_reconcile) == (
            "Awa N’DIAYE",
            "F",
            True,
        )
        assert Presence.objects.filter(registration=row).count() == 1


def test_somebody_unexpected_keeps_the_keyboard_once_stored(phone: Phone) -> None:
    phone.page.get_by_text("Ajouter un participant non prévu").click()
    phone.page.get_by_label("Nom", exact=True).fill("Sow")
    phone.page.get_by_role("button", name="Ajouter à la liste").click()
    phone.settled()
    phone.page.wait_for_selector("details[open] li:not([data-new]) >> text=SOW")
    newcomer = phone.page.locator("details[open] li", has_text="SOW")
    expect(newcomer.locator("input")).to_be_focused()
    expect(phone.page.locator("#refus")).to_have_text("Ajoutée : SOW, à rapprocher.")


def test_somebody_in_the_place_of_another_offline(phone: Phone, site: Server) -> None:
    phone.page.context.set_offline(True)
    phone.page.get_by_text("Ajouter un participant non prévu").click()
    phone.page.get_by_label("Nom", exact=True).fill("Sow")
    with site.database():
        leaving = phone.room.persons[0]
        name = leaving.agent.full_name
    phone.page.get_by_label("À la place de").select_option(label=name)
    phone.page.get_by_role("button", name="Ajouter à la liste").click()
    expect(phone.box(0)).to_be_hidden()
    phone.page.context.set_offline(False)
    phone.settled()
    with site.database():
        row = Registration.objects.get(walk_in=True, session=phone.room.session)
        assert (row.replaces, Registration.objects.get(pk=leaving.pk).state) == (
            leaving,
            "replaced",
        )


def test_what_the_server_refuses_is_shown_and_kept(phone: Phone, site: Server) -> None:
    phone.page.context.set_offline(True)
    phone.tap(0)
    with site.database():
        Session.objects.filter(pk=phone.room.session.pk).update(state="cancelled")
    phone.page.context.set_offline(False)
    notice = phone.page.locator("#refus li")
    expect(notice).to_contain_text("La session est annulée.")
    assert phone.unsent() == 1
    with site.database():
        Session.objects.filter(pk=phone.room.session.pk).update(state="convoked")
    notice.get_by_role("button", name="Renvoyer").click()
    phone.settled()
    assert present(site, phone.room) == {(0, AM)}


def test_signed_out_meanwhile_nothing_is_lost(phone: Phone, site: Server) -> None:
    phone.page.context.set_offline(True)
    phone.tap(0)
    phone.page.context.clear_cookies()
    phone.page.context.set_offline(False)
    link = phone.page.get_by_role("link", name="Se reconnecter pour envoyer")
    expect(link).to_be_visible()
    assert phone.unsent() == 1
    # Somebody else signs in on this phone: never sent under their name.
    with site.database():
        colleague = attendance.trainer(phone.room.session, phone.room.tree)
    sign_in_as(phone.page, site, colleague)
    phone.page.goto(phone.address)
    expect(phone.page.locator("#etat span")).to_contain_text("1 d’une autre personne")
    assert marks(site, phone.room) == 0
    sign_in_as(phone.page, site, phone.account)
    phone.page.goto(phone.address)
    phone.settled()
    with site.database():
        assert AttendanceMark.objects.get(by=phone.account).registration == phone.room.persons[0]


@pytest.mark.parametrize("shared", [False, True])
def test_sign_out_with_unsent_marks_asks_first(phone: Phone, site: Server, shared: bool) -> None:
    page, asked = phone.page, []
    if shared:
        with site.database():
            session = SessionStore(page.context.cookies()[0]["value"])
            session[SHARED_KEY] = time.time()
            session.save()
    page.context.route("**/envoi/", lambda route: route.abort())
    phone.tap(0)
    expect(page.locator("#etat span")).to_contain_text("1 non envoyée")
    page.goto(f"{site.url}/gestion/")  # any page that has the button
    page.once("dialog", lambda d: (asked.append(d.message), d.dismiss()))
    with page.expect_event("dialog"):
        page.get_by_role("button", name="Se déconnecter").click()
    assert phone.unsent() == 1
    page.context.unroute("**/envoi/")
    # The line is back: what can be sent is sent, and there is nothing to ask.
    page.get_by_role("button", name="Se déconnecter").click()
    page.wait_for_url(f"{site.url}/")
    assert asked == [
        "Présences non envoyées : 1. Sur un téléphone partagé, se déconnecter les efface ; sur "
        "le vôtre, elles partiront à votre prochaine connexion. Se déconnecter quand même ?"
    ]
    assert present(site, phone.room) == {(0, AM)}
    kept = page.evaluate(
        "caches.open('pages').then(c => c.keys()).then(k => k.map(r => new URL(r.url).pathname))"
    )
    assert kept == ([] if shared else ["/hors-ligne/"])
    databases = page.evaluate("indexedDB.databases().then(all => all.length)")
    assert databases == (0 if shared else 1)


def test_a_full_phone_says_so_and_does_not_pretend(phone: Phone) -> None:
    page = phone.page
    page.context.set_offline(True)
    page.evaluate(
        """() => {
            const put = IDBObjectStore.prototype.put;
            IDBObjectStore.prototype.put = function (record) {
                const asked = put.call(this, record);
                this.transaction.abort();
                return asked;
            };
        }"""
    )
    said = []
    page.once("dialog", lambda d: (said.append(d.message), d.accept()))
    phone.show(0)
    phone.box(0).click(no_wait_after=True)
    expect(phone.box(0)).not_to_be_checked()
    assert len(said) == 1
    assert "sur papier" in said[0]
    assert phone.unsent() == 0


@pytest.fixture(scope="module")
def faulty(
    blank_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Path]]:
    """A server whose answers can be made to fail."""
    folder = tmp_path_factory.mktemp("faulty")
    faults = folder / "faults"
    server = Server(
        copy_home(blank_home, folder / "home"), KALAN_DEBUG="1", KALAN_FAULTS=str(faults)
    )
    server.start()
    yield server, faults
    server.kill()


def _broke_off(request: Request) -> bool:
    """Whether the server began an answer, as it does once it has stored.

    An attempt made while the line was cut fails as well, and may be told of late.
    """
    return request.url.endswith("/envoi/") and request.failure == BROKEN_OFF


def _failed(response: Response) -> bool:
    return response.url.endswith("/envoi/") and response.status == 500


@pytest.mark.parametrize(
    ("fault", "event", "is_it", "stored"),
    [("drop", "requestfailed", _broke_off, 3), ("500", "response", _failed, 0)],
    ids=["drop", "500"],
)
def test_the_answer_is_lost(
    faulty: tuple[Server, Path],
    page: Page,
    fault: str,
    event: Literal["requestfailed", "response"],
    is_it: Callable[[Any], bool],
    stored: int,
) -> None:
    live, faults = faulty
    faults.write_text("")
    phone = phone_of(live, page)
    page.context.set_offline(True)
    for person in range(3):
        phone.tap(person)
    faults.write_text(fault)
    with page.expect_event(event, is_it):
        page.context.set_offline(False)
    phone.says("3 non envoyées. Pas de réponse du serveur.")
    assert (marks(live, phone.room), phone.unsent()) == (stored, 3)
    faults.write_text("")
    phone.push()
    phone.settled()
    assert present(live, phone.room) == {(0, AM), (1, AM), (2, AM)}
    assert marks(live, phone.room) == 3


def test_without_script_the_page_is_a_form(site: Server, open_page: OpenPage) -> None:
    room = new_room(site)
    phone = Phone(site, room, open_page(script=False), room.account)
    phone.page.goto(phone.address)
    phone.show(0)
    phone.box(0).check()
    phone.box(1).check()
    phone.page.get_by_role("button", name="Enregistrer les présences").first.click()
    expect(phone.page.get_by_text("Enregistré : 2 présences ajoutées.")).to_be_visible()
    assert present(site, room) == {(0, AM), (1, AM)}
    with site.database():  # somebody else, while this page is open
        attendance_mark(room, 2)
    phone.show(0)
    phone.box(0).uncheck()
    phone.page.get_by_role("button", name="Enregistrer les présences").first.click()
    expect(phone.page.get_by_text("Enregistré : 1 retirée.")).to_be_visible()
    assert present(site, room) == {(1, AM), (2, AM)}


def attendance_mark(room: attendance.Room, person: int) -> None:
    from kalan.training.services.attendance import record_marks
    from tests.factories.people import NOW

    record_marks(
        actor=room.actor, now=NOW, session=room.session, marks=[room.mark(person)], source="phone"
    )
