"""Thirty attestations from the records to the signed files, by three people, in a browser."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from kalan.credentials.models import Act, Batch, SigningRun
from tests.e2e import acting
from tests.e2e.conftest import LAPTOP, PHONE, OpenPage, follow, passkey_device, widen
from tests.factories import credentials, people
from tests.support.html import sound
from tests.support.server import Server


@pytest.fixture
def working(site: Server) -> Iterator[Server]:
    """The shared server; its worker is started by the test and does not outlive it."""
    yield site
    site.kill_worker()


def test_from_records_to_signed_acts(working: Server, open_page: OpenPage) -> None:
    site = working
    desk = acting.make_desk(site, people_number=30)
    page = open_page(LAPTOP)
    acting.enter_as(page, site, desk.preparer)
    batch = acting.prepare(page, site, desk)
    acting.enter_as(page, site, desk.approver)
    acting.approve(page, batch)
    # The signatory signed in an hour ago: the code is asked all the same, and a wrong one refused.
    acting.enter_as(page, site, desk.signatory, age=dt.timedelta(hours=1))
    acting.to_confirmation(page, site)
    expect(page.get_by_role("heading", name="Signer 30 actes")).to_be_visible()
    page.get_by_label("Code à 6 chiffres").fill("000000")
    follow(page, page.get_by_role("button", name="Signer 30 actes"))
    expect(page.get_by_text("Ce code n’est pas le bon.")).to_be_visible()
    assert sound(page) == []
    page.get_by_label("Code à 6 chiffres").fill(acting.code_of_now())
    page.get_by_role("button", name="Signer 30 actes").dblclick()
    page.wait_for_url("**/gestion/parapheur/*-*/")
    expect(page.get_by_text("sur 30")).to_be_visible()
    # Leave, find it again, and see the bar reach the end without asking for it.
    page.goto(f"{site.url}/gestion/parapheur/")
    follow(
        page,
        page.get_by_role("region")
        .or_(page.locator("section"))
        .get_by_role("link", name="30 actes"),
    )
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "0")
    assert sound(page) == []
    site.start_worker()
    acting.await_signed(page, 30)
    check_signed(site, desk, page, batch)


def check_signed(site: Server, desk: acting.Desk, page: Page, batch: str) -> None:
    """One run, thirty acts with numbers of their own; the first one opens as it is stored."""
    with site.database():
        acts = list(Act.objects.filter(batch__session=desk.session).order_by("rank"))
        assert SigningRun.objects.filter(account=desk.signatory).count() == 1
        assert Batch.objects.get(session=desk.session).state == "signed"
    assert [act.state for act in acts] == ["signed"] * 30
    assert len({act.number for act in acts}) == 30
    page.goto(batch)
    for width in (PHONE, LAPTOP):
        widen(page, width)
        assert sound(page) == []
    link = page.get_by_role("link", name="PDF").first.get_attribute("href")
    answer = page.request.get(f"{site.url}{link}")
    assert answer.headers["content-type"] == "application/pdf"
    assert hashlib.sha256(answer.body()).hexdigest() == acts[0].sha256


def test_by_hand_without_script(working: Server, open_page: OpenPage) -> None:
    site = working
    desk = acting.make_desk(site, people_number=3, hand=True)
    page = open_page(PHONE, script=False)
    acting.enter_as(page, site, desk.preparer)
    batch = acting.prepare(page, site, desk)
    acting.enter_as(page, site, desk.approver)
    acting.approve(page, batch)
    acting.enter_as(page, site, desk.signatory)
    site.start_worker()
    acting.sign_all(page, site)
    done = page.get_by_text("Les 3 actes sont numérotés et prêts à imprimer.")
    expect(done).to_be_visible(timeout=acting.SIGNING)  # the page asks again by itself
    acting.enter_as(page, site, desk.preparer)
    page.goto(f"{batch}remise/")
    page.get_by_label("Tirage à imprimer").check()
    with page.expect_download() as download:
        page.get_by_role("button", name="Préparer le fichier").click()
    assert download.value.suggested_filename.startswith("tirage-")
    assert download.value.path().read_bytes().startswith(b"%PDF")
    acting.enter_as(page, site, desk.approver)
    page.goto(batch)
    follow(page, page.get_by_role("link", name="Inscrire la signature"))
    follow(page, page.get_by_role("button", name="Inscrire au registre"))
    expect(page.get_by_text("signé à la main").first).to_be_visible()


def test_a_passkey_signs_where_a_code_would(site: Server, open_page: OpenPage) -> None:
    with site.database():
        batch = credentials.approved_batch(people.tree().country, acts=2)
        signatory = batch.office.holders.get().account
    page = open_page(LAPTOP)
    acting.enter_as(page, site, signatory)
    passkey_device(page)
    page.goto(f"{site.url}/compte/second-facteur/cles/ajouter/")
    follow(page, page.get_by_role("button", name="Enregistrer cet appareil"))
    acting.to_confirmation(page, site)
    expect(page.get_by_label("Code à 6 chiffres")).to_be_visible()  # either way
    assert sound(page) == []
    follow(page, page.get_by_role("button", name="Signer 2 actes avec ma clé d’accès"))
    expect(page.get_by_text("sur 2")).to_be_visible()
    with site.database():
        assert SigningRun.objects.get(account=signatory).factor == "webauthn"
