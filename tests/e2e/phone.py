"""A trainer's phone on the attendance screen, and what the server has stored meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field

from playwright.sync_api import Page, expect

from kalan.people.models import Account
from kalan.training.models import AttendanceMark
from tests.e2e.conftest import sign_in_as, wait_until
from tests.factories import attendance, people
from tests.support.server import Server


@dataclass
class Phone:
    """What a trainer sees and does."""

    live: Server
    room: attendance.Room
    page: Page
    account: Account
    address: str = field(init=False)

    def __post_init__(self) -> None:
        self.address = f"{self.live.url}/gestion/sessions/{self.room.session.uid}/presence/"
        sign_in_as(self.page, self.live, self.account)

    def open(self) -> None:
        """Open the screen and wait until it would also open without a network."""
        self.page.goto(self.address)
        wait_until(
            self.page,
            "!!self.kalan && !!navigator.serviceWorker.controller"
            " && caches.match(location.pathname).then(a => !!a)",
        )
        self.page.evaluate("document.querySelectorAll('details').forEach(d => d.name = '')")

    def box(self, person: int, half_day: int = 0) -> object:
        uid, code = self.room.persons[person].uid, self.room.codes[half_day]
        return self.page.locator(f'input[name="{code}"][value="{uid}"]')

    def show(self, half_day: int) -> None:
        code = self.room.codes[half_day]
        part = self.page.locator(f'details[data-demi="{code}"]')
        if part.get_attribute("open") is None:
            part.locator("summary").click()

    def tap(self, person: int, half_day: int = 0) -> None:
        self.show(half_day)
        self.box(person, half_day).click()

    def unsent(self) -> int:
        return self.page.evaluate("kalan.unsent().then(all => all.length)")

    def says(self, text: str) -> None:
        expect(self.page.locator("#etat span")).to_have_text(text)

    def push(self) -> None:
        """The button « Envoyer », unless the phone has just sent by itself."""
        self.page.evaluate("document.querySelector('#etat button').click()")

    def settled(self) -> None:
        wait_until(self.page, "kalan.unsent().then(all => all.length === 0)")
        self.says("Tout est envoyé.")


def present(live: Server, room: attendance.Room) -> set[tuple[int, str]]:
    with live.database():
        return room.present()


def marks(live: Server, room: attendance.Room) -> int:
    with live.database():
        return AttendanceMark.objects.filter(registration__session=room.session).count()


def new_room(live: Server) -> attendance.Room:
    with live.database():
        return attendance.room(people.tree())


def phone_of(live: Server, page: Page) -> Phone:
    """A trainer's phone on which the screen of a session of its own has been opened once."""
    room = new_room(live)
    phone = Phone(live, room, page, room.account)
    phone.open()
    return phone
