"""The demonstration's 521 attestations: one click, one revocation, three ways to check."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from kalan.credentials.models import Act, Batch, RegisterEntry
from kalan.people.services.accounts_demo import DEMO_PASSWORD
from tests.e2e import acting
from tests.e2e.conftest import LAPTOP, PHONE, OpenPage, follow, picture, wait_until
from tests.support.pdf import qr_text
from tests.support.server import Server, copy_home

SIGNING = 400_000  # ms, on a machine that runs other tests too


@pytest.fixture
def demo(demo_home: Path, tmp_path: Path) -> Iterator[Server]:
    """A demonstration of its own: what is signed stays signed."""
    server = Server(copy_home(demo_home, tmp_path / "home"), KALAN_DEMO="1")
    server.start()
    server.start_worker()
    yield server
    server.kill()
    server.kill_worker()


def _enter(page: Page, site: Server, name: str, used: set[str]) -> None:
    page.goto(f"{site.url}/connexion/")
    page.get_by_label("E-mail, matricule ou téléphone").fill(f"{name}@demo.kalan")
    page.get_by_label("Mot de passe").fill(DEMO_PASSWORD)
    follow(page, page.get_by_role("button", name="Se connecter", exact=True))
    if name == "signataire":
        page.locator("main input[name=code]").fill(acting.fresh_code(used))
        follow(page, page.locator("main form button").first)
    page.wait_for_url("**/gestion/")


def test_521_attestations_in_one_click(demo: Server, open_page: OpenPage, tmp_path: Path) -> None:
    site, page = demo, open_page(LAPTOP)
    used: set[str] = set()  # a code serves once: at the sign-in, at the click, at the revocation
    _enter(page, site, "signataire", used)
    acting.to_confirmation(page, site)
    expect(page.get_by_role("heading", name="Signer 521 actes")).to_be_visible()
    page.get_by_label("Code à 6 chiffres").fill(acting.fresh_code(used))
    follow(page, page.get_by_role("button", name="Signer 521 actes"))
    expect(page.get_by_role("progressbar")).to_be_visible()
    picture(page, "signature-en-cours")
    expect(page.get_by_role("heading", name="Signature terminée")).to_be_visible(timeout=SIGNING)
    with site.database():
        batch = Batch.objects.get(source="programme", version__template__kind="training")
        acts = list(Act.objects.filter(batch=batch, state="signed").order_by("rank"))
        assert batch.state == "signed"
        assert RegisterEntry.objects.filter(batch=batch, kind="signed").count() == 1
    assert len({act.number for act in acts}) == len({act.code for act in acts}) == 521
    assert len({act.sha256 for act in acts}) == 521
    kept, gone = acts[0], acts[1]

    # As a person on the phone checks them: by the code, by the file.
    file = tmp_path / "acte.pdf"
    link = f"{site.url}/gestion/actes/acte/{kept.uid}/"
    page.goto(link)
    pdf = page.get_by_role("link", name=re.compile("PDF")).first.get_attribute("href")
    file.write_bytes(page.request.get(f"{site.url}{pdf}").body())
    public = open_page(PHONE)
    public.goto(f"{site.url}/verifier/{kept.code}/")
    expect(public.get_by_role("status").get_by_role("heading")).to_have_text("Valable")
    public.goto(f"{site.url}/verifier/")
    public.get_by_label("Le fichier reçu").set_input_files(file)
    follow(public, public.get_by_role("button", name="Vérifier ce fichier"))
    expect(public.get_by_role("status").get_by_role("heading")).to_have_text("Valable")

    # One is revoked; the phone fetches the list, then has neither network nor server.
    page.goto(f"{site.url}/gestion/actes/acte/{gone.uid}/")
    follow(page, page.get_by_role("link", name="Révoquer"))
    page.get_by_label("Motif").select_option("not_entitled")
    page.get_by_label("Explication").fill("Présence saisie par erreur")
    page.get_by_label("Numéro de l’acte").fill(str(gone.number))
    page.get_by_label("Code à 6 chiffres").fill(acting.fresh_code(used))
    follow(page, page.get_by_role("button", name="Révoquer"))
    other = tmp_path / "revoque.pdf"
    page.goto(f"{site.url}/gestion/actes/acte/{gone.uid}/")
    pdf = page.get_by_role("link", name=re.compile("PDF")).first.get_attribute("href")
    other.write_bytes(page.request.get(f"{site.url}{pdf}").body())
    links = [qr_text(file), qr_text(other)]
    public.goto(f"{site.url}/verifier/hors-ligne/")
    expect(public.locator("#etat")).to_contain_text("À jour.")
    wait_until(public, "navigator.serviceWorker.controller !== null")
    public.context.set_offline(True)
    site.kill()
    public.reload()
    said = []
    for text in links:
        public.get_by_label("Lien ou contenu du QR code").fill(text)
        public.get_by_role("button", name="Vérifier", exact=True).click()
        expect(public.locator("#resultat h2")).not_to_be_empty()
        said.append(public.locator("#resultat h2").inner_text())
    assert said == ["Valable", "Révoqué"]
