"""Thirty people keyed in from the paper sheet by the keyboard alone, in few keys."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.e2e.conftest import sign_in_as
from tests.factories import attendance, people
from tests.support.server import Server

# At one key a second, an unpractised hand, 300 keys are the five minutes of the promise.
KEYS_IN_FIVE_MINUTES = 300


def test_thirty_people_and_four_half_days(site: Server, wide_page: Page) -> None:
    with site.database():
        room = attendance.room(people.tree(), count=30)
    page, keys = wide_page, 0

    def press(key: str, times: int = 1) -> None:
        nonlocal keys
        for _ in range(times):
            page.keyboard.press(key)
        keys += times

    sign_in_as(page, site, room.account)
    page.goto(f"{site.url}/gestion/sessions/{room.session.uid}/presence/feuille/")
    page.get_by_role("region", name="Feuille de présence").focus()
    for _ in range(4):  # « Tous présents » in each column
        press("Tab")
        press("Enter")
    press("Tab")  # the first person's first half-day
    absent = {(2, 1), (9, 0), (9, 1), (17, 3), (29, 2)}
    row = column = 0
    for person, half_day in sorted(absent):
        press("ArrowDown", person - row)
        press("ArrowRight" if half_day > column else "ArrowLeft", abs(half_day - column))
        press("Space")
        row, column = person, half_day
    press("Tab")  # the last row's last half-day
    press("Tab")
    press("Enter")
    expect(page.get_by_text("Enregistré : 115 présences ajoutées.")).to_be_visible()
    with site.database():
        stored = room.present()
        by_name = [p.agent.last_name for p in room.persons]
    order = sorted(range(30), key=lambda number: by_name[number])
    assert stored == {
        (order[person], code)
        for person in range(30)
        for number, code in enumerate(room.codes)
        if (person, number) not in absent
    }
    assert keys <= KEYS_IN_FIVE_MINUTES / 4
