"""The door in a real browser: without script, on a shared phone, with a passkey, on paper."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from kalan.base import clock
from kalan.people.actor import SYSTEM
from kalan.people.models import Account
from kalan.people.services.accounts_slips import print_slip
from tests.e2e.conftest import (
    LAPTOP,
    PHONE,
    OpenPage,
    Traffic,
    follow,
    passkey_device,
    sign_in_as,
    widen,
)
from tests.factories import people
from tests.support.html import Nu, sound
from tests.support.server import Server


def person(site: Server, **fields: object) -> Account:
    with site.database():
        return people.account(**fields)


def sign_in(page: Page, site: Server, identifier: str, *, shared: bool = False) -> None:
    page.goto(f"{site.url}/connexion/")
    page.get_by_label("E-mail, matricule ou téléphone").fill(identifier)
    page.get_by_label("Mot de passe").fill("kalan-demo")
    if shared:
        page.get_by_label("Téléphone partagé").check()
    follow(page, page.get_by_role("button", name="Se connecter", exact=True))


def test_the_first_sign_in_from_a_slip_without_script(site: Server, open_page: OpenPage) -> None:
    account = person(site, email="awa@sante.sn", notice_seen_at=None)
    with site.database():
        code = print_slip(actor=SYSTEM, now=clock.now(), account=account)[1]
    page = open_page(PHONE, script=False)
    page.goto(f"{site.url}/activer/")
    page.get_by_label("Code de la fiche").fill(f"{code[:5]}-{code[5:]}".lower())
    follow(page, page.get_by_role("button", name="Continuer"))
    page.get_by_label("Choisissez un mot de passe").fill("quatre mots sans rapport")
    page.get_by_label("Le même mot de passe").fill("quatre mots sans rapport")
    page.get_by_label("J’ai lu").check()
    follow(page, page.get_by_role("button", name="Activer mon compte"))
    expect(page).to_have_url(f"{site.url}/mon-espace/")
    finder = open_page(PHONE, script=False)
    finder.goto(f"{site.url}/activer/{code}/")
    expect(finder.get_by_role("alert")).to_contain_text("Cette fiche a déjà servi.")


def test_the_sign_in_page_fits_the_first_segments(site: Server, page: Page) -> None:
    traffic = Traffic(page)
    page.goto(f"{site.url}/connexion/", wait_until="networkidle")
    assert traffic.bytes <= 14 * 1024


def test_nothing_stays_on_a_shared_phone(site: Server, page: Page) -> None:
    person(site, email="bineta@sante.sn")
    sign_in(page, site, "bineta@sante.sn", shared=True)
    expect(page).to_have_url(f"{site.url}/mon-espace/")
    session = next(one for one in page.context.cookies() if one["name"] == "sessionid")
    assert session["expires"] == -1
    page.evaluate(
        """async () => {
            localStorage.setItem("note", "x");
            const cache = await caches.open("essai");
            await cache.put("/x", new Response("x"));
        }"""
    )
    page.goto(f"{site.url}/deconnexion/")
    expect(page.get_by_text("rien de votre session ne restera")).to_be_visible()
    follow(page, page.locator("main").get_by_role("button", name="Se déconnecter"))
    page.goto(f"{site.url}/connexion/")
    kept = page.evaluate("async () => [localStorage.getItem('note'), await caches.has('essai')]")
    assert kept == [None, False]
    page.goto(f"{site.url}/mon-espace/compte/")
    expect(page).to_have_url(re.compile(r"/connexion/\?next="))


def test_two_people_on_one_phone_choose_their_name(site: Server, page: Page, nu: Nu) -> None:
    shared = {"phone": "+221771234567", "phone_verified_at": people.NOW}
    person(site, display_name="Fatou SARR", **shared)
    person(site, display_name="Modou D’ALMEIDA ߡߏߘߎ", **shared)
    sign_in(page, site, "77 123 45 67")
    expect(page.get_by_role("heading", name="Qui êtes-vous")).to_be_visible()
    assert sound(page, nu) == []
    page.get_by_label("Modou D’ALMEIDA").check()
    follow(page, page.get_by_role("button", name="Continuer"))
    page.goto(f"{site.url}/mon-espace/compte/")
    expect(page.get_by_text("Modou D’ALMEIDA ߡߏߘߎ")).to_be_visible()


def test_a_passkey_is_enrolled_and_asked_for(site: Server, page: Page, nu: Nu) -> None:
    person(site, email="coumba@sante.sn")
    passkey_device(page)
    sign_in(page, site, "coumba@sante.sn")
    page.goto(f"{site.url}/compte/second-facteur/cles/ajouter/")
    expect(page.get_by_text("demande une adresse en https")).to_be_hidden()
    page.get_by_label("Nom de la clé").fill("Téléphone d’Awa")
    page.get_by_role("button", name="Enregistrer cet appareil").click()
    expect(page.get_by_role("heading", name="Mes codes de secours")).to_be_visible()
    assert sound(page, nu) == []
    page.goto(f"{site.url}/compte/second-facteur/cles/")
    expect(page.get_by_text("Téléphone d’Awa", exact=True).first).to_be_visible()
    assert sound(page, nu) == []
    page.goto(f"{site.url}/deconnexion/")
    follow(page, page.locator("main").get_by_role("button", name="Se déconnecter"))
    sign_in(page, site, "coumba@sante.sn")
    expect(page).to_have_url(f"{site.url}/connexion/code/")
    assert sound(page) == []
    page.get_by_role("button", name="Utiliser ma clé d’accès").click()
    expect(page).to_have_url(f"{site.url}/mon-espace/")


def test_a_signatory_without_a_factor_is_led_to_enrol(site: Server, page: Page, nu: Nu) -> None:
    with site.database():
        tree = people.tree()
        account = people.account("signatory", tree.country, email="s@sante.sn")
        account.authenticator_set.all().delete()
    sign_in(page, site, "s@sante.sn")
    expect(page.get_by_role("heading", name="Protégez votre compte")).to_be_visible()
    assert sound(page, nu) == []
    follow(page, page.get_by_role("link", name="Choisir l’application"))
    expect(page.get_by_role("heading", name="Enregistrer une application")).to_be_visible()
    assert sound(page, nu) == []


def test_the_sheet_of_slips_prints_eight_on_a_page(site: Server, page: Page, nu: Nu) -> None:
    with site.database():
        tree = people.tree()
        for number in range(16):
            people.agent(
                tree.centre_sokone, last_name=f"N’Diaye ߊߥߊ {number}", matricule=f"6{number}"
            )
        boss = people.account("structure", tree.centre_sokone)
    sign_in_as(page, site, boss)
    page.goto(f"{site.url}/gestion/comptes/fiches/{tree.centre_sokone.uid}/")
    follow(page, page.get_by_role("button", name="Ouvrir les comptes et préparer les fiches"))
    expect(page.get_by_role("heading", name="16 fiches à imprimer")).to_be_visible()
    assert sound(page, nu) == []
    widen(page, LAPTOP)
    assert sound(page) == []
    pages = re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))
    assert len(pages) == 2
