"""What people do with acts in a browser: prepare, approve, sign; for several tests to reuse.

desk = make_desk(site, people=30)            # a session, an office, who prepares and signs
batch = prepare(page, site, desk)            # as the manager of the structure
approve(page, site, batch)                   # as the programme's manager
sign_all(page, site)                         # as the signatory: up to the run's page
await_signed(page, 30)
"""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass

from django.test.utils import override_settings
from playwright.sync_api import Page, expect

from kalan.base import clock
from kalan.credentials.models import ActTemplate, Office, SigningKey
from kalan.credentials.services import keys
from kalan.people.actor import SYSTEM
from kalan.people.models import Account, OrgNode
from kalan.people.sessions import SessionStore
from kalan.training.models import HalfDay, Presence, Session
from tests.e2e.conftest import PATIENCE, follow, session_of
from tests.factories import credentials, people, training
from tests.support.server import Server

SIGNING = 400_000  # ms: processes are started and hundreds of pages laid out on a loaded machine


@dataclass
class Desk:
    """Who does what about one closed session of a structure."""

    structure: OrgNode
    session: Session
    template: ActTemplate
    office: Office
    preparer: Account
    approver: Account
    signatory: Account


def make_desk(site: Server, *, people_number: int, hand: bool = False) -> Desk:
    """A closed session whose ``people_number`` participants came to every half-day, and an office
    held today with a P-256 key of the server (none when it signs by ``hand``)."""
    with site.database(), override_settings(KALAN_HOME=site.home):
        tree = people.tree()
        key = None if hand else server_key()
        office = credentials.office(tree.country, key=key, title=f"Le Directeur {tree.country.pk}")
        signatory = people.account("signatory", tree.country, display_name="Dr Awa Ndiaye")
        credentials.holder(office, signatory)
        return Desk(
            structure=tree.centre_sokone,
            session=full_session(tree.centre_sokone, people_number),
            template=credentials.version(tree.country, "training").template,
            office=office,
            preparer=people.account("structure", tree.centre_sokone, display_name="Structure"),
            approver=people.account("programme", tree.country, display_name="Programme"),
            signatory=signatory,
        )


def server_key() -> SigningKey:
    """A P-256 key under KALAN_HOME, with keys for QR codes and badges where none are."""
    made = keys.create(
        actor=SYSTEM,
        now=clock.now() - dt.timedelta(days=1),
        name="Ministère de la Santé",
        passphrase=credentials.PASSPHRASE,
        algorithm="p-256",
        country="SN",
    )
    return made[0]


def full_session(structure: OrgNode, people_number: int) -> Session:
    """A closed session; everybody on its list came."""
    programme = training.programme(structure.get_root())
    session = training.session(structure, programme=programme, state="closed", closed_at=people.NOW)
    half_days = list(HalfDay.objects.filter(session=session))
    for number in range(1, people_number + 1):
        agent = people.agent(structure, last_name=f"Ndiaye {number:03d}", first_names="Awa")
        row = training.registration(session, agent)
        Presence.objects.bulk_create(
            Presence(registration=row, half_day=half) for half in half_days
        )
    return session


def enter_as(
    page: Page, site: Server, account: Account, *, age: dt.timedelta | None = None
) -> None:
    """Be ``account`` from here on; ``age``: how long ago they gave their second factor."""
    key = session_of(site, account)
    if age is not None:
        with site.database():
            store = SessionStore(key)
            store["account_authentication_methods"] = [
                {"method": "password", "at": time.time() - age.total_seconds()}
            ]
            store.save()
    page.context.clear_cookies()
    page.context.add_cookies([{"name": "sessionid", "value": key, "url": site.url}])


def prepare(page: Page, site: Server, desk: Desk) -> str:
    """From the page of the session to a batch handed over for visa; its address."""
    page.goto(f"{site.url}/gestion/sessions/{desk.session.uid}/")
    follow(page, page.get_by_role("link", name="Attestations et actes").last)
    follow(page, page.get_by_role("link", name="Nouveau lot").first)
    follow(page, page.get_by_role("link", name=f"Choisir : {desk.template.name}"))
    page.get_by_label("Qui signe").select_option(label=office_label(desk.office))
    follow(page, page.get_by_role("button", name="Préparer les actes"))
    address = page.url
    follow(page, page.get_by_role("button", name="Remettre pour visa"))
    expect(page.get_by_text("Lot remis pour visa")).to_be_visible()
    return address


def office_label(office: Office) -> str:
    hand = ", à la main" if office.mode == "hand" else ""
    return f"{office.title} ({office.node.name}{hand})"


def approve(page: Page, batch: str) -> None:
    """Give the visa to the batch at that address."""
    page.goto(batch)
    follow(page, page.get_by_role("link", name="Viser"))
    follow(page, page.get_by_role("button", name="Viser"))
    expect(page.get_by_text("Lot visé : il attend la signature.")).to_be_visible()


def to_confirmation(page: Page, site: Server) -> None:
    """Tick all that waits in the tray, up to the page that asks for the code."""
    page.goto(f"{site.url}/gestion/parapheur/")
    follow(page, page.get_by_role("link", name="Tout cocher"))
    follow(page, page.get_by_role("button", name="Signer les lots cochés…"))


def sign_all(page: Page, site: Server) -> None:
    """Tick all, give the code: up to the page of the run."""
    to_confirmation(page, site)
    page.get_by_label("Code à 6 chiffres").fill(code_of_now())  # it lasts half a minute
    follow(page, page.get_by_role("button", name="Signer"))


def await_signed(page: Page, total: int) -> None:
    """Watch the bar until it says that all is done."""
    expect(page.get_by_role("heading", name="Signature terminée")).to_be_visible(timeout=SIGNING)
    expect(page.get_by_text(f"Les {total} actes sont signés et rangés.")).to_be_visible(
        timeout=PATIENCE
    )


def code_of_now() -> str:
    """What the authenticator of the factories (and of the demonstration) shows."""
    return credentials.totp(clock.now())


def fresh_code(used: set[str]) -> str:
    """One of the codes that are taken now, and has not served: it is added to ``used``."""
    now = clock.now()
    for period in range(3):
        # This one, or the next; not the last, which may be refused by the time it arrives.
        code = credentials.totp(now + period * dt.timedelta(seconds=30))
        if code not in used:
            used.add(code)
            if period == 2:  # too early: wait for the next half-minute
                time.sleep(30 - now.timestamp() % 30)
            return code
    raise AssertionError("more codes have served than there are")
