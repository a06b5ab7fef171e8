"""The check page in a real browser, without script: by code, by file, after a revocation."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.sync_api import Page, expect

from kalan.credentials.models import Act, SigningKey
from kalan.credentials.services import sharing
from kalan.engine.signing.code import in_fours
from tests.e2e.conftest import LAPTOP, PHONE, OpenPage, Traffic, follow, sign_in_as
from tests.factories import acts, people, signing
from tests.factories.people import NOW
from tests.support.html import sound
from tests.support.server import Server

FIRST_PAGE = 14_000


def _signed(tree: people.Tree) -> Act:
    """An act with its true bytes, signed by a key whose chain stands in the database."""
    content = signing.signer().sign(signing.document(), at=NOW)
    holder = people.agent(tree.centre_sokone, last_name="Ndiaye", first_names="Fatou Binetou")
    act = acts.act(tree.fatick, holder, content=content)
    leaf, *chain = [
        x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode()
        for der in signing.identity().certificates
    ]
    assert act.batch.run is not None
    assert act.batch.run.key is not None
    SigningKey.objects.filter(pk=act.batch.run.key.pk).update(
        certificate=leaf, chain="".join(chain)
    )
    return act


def _answer(page: Page) -> str:
    return page.get_by_role("status").get_by_role("heading").inner_text()


def test_by_code_by_file_and_after_a_revocation(
    site: Server, open_page: OpenPage, tmp_path: Path
) -> None:
    with site.database():
        act = _signed(people.tree())
        manager = people.account("programme", act.batch.node)
        assert act.pack is not None
        content = Path(act.pack.file.file.path).read_bytes()
    public, desk = open_page(PHONE, script=False), open_page(LAPTOP)

    # The first page is light, and says how to check.
    traffic = Traffic(public)
    public.goto(f"{site.url}/verifier/")
    assert traffic.bytes <= FIRST_PAGE
    public.get_by_label("Code imprimé sur le document").fill(in_fours(str(act.code), " - ").lower())
    follow(public, public.get_by_role("button", name="Vérifier", exact=True))
    assert public.url == f"{site.url}/verifier/{act.code}/"
    assert _answer(public) == "Valable"
    expect(public.get_by_text("F.B.N.")).to_be_visible()
    expect(public.get_by_text("NDIAYE")).to_have_count(0)
    public.get_by_label("Nom et prénom, ou année de naissance").fill("ndiaye fatou")
    follow(public, public.get_by_role("button", name="Comparer"))
    expect(public.get_by_text("Fatou Binetou NDIAYE")).to_be_visible()

    # The file as signed, and the same with one byte changed.
    good, bad = tmp_path / "bon.pdf", tmp_path / "change.pdf"
    at = content.index(b"stream") + 40
    good.write_bytes(content)
    bad.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    said = []
    for file in (good, bad):
        public.goto(f"{site.url}/verifier/")
        public.get_by_label("Le fichier reçu").set_input_files(file)
        follow(public, public.get_by_role("button", name="Vérifier ce fichier"))
        said.append(_answer(public))
    assert said == ["Valable", "Non vérifié"]

    # The link of a message: who says whose it is gets the document.
    with site.database():
        link = sharing.link_url(act)
    public.goto(f"{site.url}/document/{link.split('/document/')[1]}")
    public.get_by_label("Nom et prénom").fill("Ndiaye Fatou")
    with public.expect_download() as given:
        public.get_by_role("button", name="Télécharger").click()
    assert given.value.path().read_bytes() == content

    # Revoked on the laptop of the programme, known at once to whoever checks.
    sign_in_as(desk, site, manager)
    desk.goto(f"{site.url}/gestion/actes/acte/{act.uid}/")
    assert sound(desk) == []
    follow(desk, desk.get_by_role("link", name="Révoquer"))
    desk.get_by_label("Motif").select_option("error")
    desk.get_by_label("Explication").fill("La session n’est pas la bonne")
    desk.get_by_label("Numéro de l’acte").fill(str(act.number))
    follow(desk, desk.get_by_role("button", name="Révoquer"))
    expect(desk.get_by_text("La session n’est pas la bonne")).to_be_visible()
    public.goto(f"{site.url}/verifier/{act.code}/")
    assert _answer(public) == "Révoqué"
    expect(public.get_by_text("erreur de nom, de date ou de contenu")).to_be_visible()
    expect(public.get_by_text("La session n’est pas la bonne")).to_have_count(0)
    public.goto(f"{site.url}/verifier/{act.code}/?lang=en")
    assert _answer(public) == "Revoked"
