"""Checking a document on a phone with no network at all, after one visit with one."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import brotli
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from PIL import Image, ImageFilter
from playwright.sync_api import Page, Response, expect

from kalan.credentials.models import Act
from kalan.engine.signing import cose
from tests.e2e.conftest import OpenPage, wait_until
from tests.factories import acts, people
from tests.factories import credential_qr as made
from tests.support.html import Nu, sound
from tests.support.server import Server, copy_home

PAGE = "/verifier/hors-ligne/"
MAKE_KEYS = """
from kalan.base import clock
from kalan.credentials.models import SigningKey
from kalan.credentials.selectors.keys import place_of
from kalan.credentials.services import keys
from kalan.engine.signing import keyfiles
from kalan.people.actor import SYSTEM
from cryptography.hazmat.primitives import serialization as s
keyfiles.ROUNDS = 1000  # a key derivation that does not take its time
found = keys.create(actor=SYSTEM, now=clock.now(), name="Ministère de la Santé",
    passphrase="quatre mots pris au hasard", algorithm="p-256")
(qr,) = [key for key in found if key.purpose == SigningKey.Purpose.QR]
private = place_of(qr).private()
print(private.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()).decode())
"""


@dataclass
class Desk:
    """A phone at a desk where documents are checked: its page, and links as issued."""

    site: Server
    page: Page
    good: str
    revoked: str
    back: str  # revoked too, until a test takes it back
    old: str
    altered: str

    def open(self) -> None:
        """Visit once with a network, until all that is needed is kept."""
        self.page.goto(self.site.url + PAGE)
        expect(self.page.locator("#etat")).to_contain_text("À jour.")
        self.page.evaluate("async () => { await navigator.serviceWorker.ready; }")
        wait_until(self.page, "navigator.serviceWorker.controller !== null")

    def cut(self, *, server: bool = False) -> None:
        """Cut the network; ``server``: and kill the server, should anything still reach it."""
        self.page.context.set_offline(True)
        if server:
            self.site.kill()

    def paste(self, text: str) -> None:
        self.page.get_by_label("Lien ou contenu du QR code").fill(text)
        self.page.get_by_role("button", name="Vérifier", exact=True).click()

    def says(self, title: str) -> None:
        expect(self.page.locator("#resultat h2")).to_have_text(title)


@dataclass
class House:
    """A server with keys and one revoked act, and the links of four documents."""

    site: Server
    links: dict[str, str]


@pytest.fixture(scope="module")
def house(blank_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    site = Server(copy_home(blank_home, tmp_path_factory.mktemp("verifier") / "home"))
    pem = site.run_python(MAKE_KEYS)
    key = load_pem_private_key(pem.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    with site.database():
        tree = people.tree()
        gone, back = (
            acts.act(tree.fatick, people.agent(tree.centre_sokone), status="revoked")
            for _ in range(2)
        )
    assert gone.code
    assert back.code
    today = dt.datetime.now(dt.UTC).date()
    good = replace(made.GOOD, issued=today, expires=today + dt.timedelta(days=365))
    old = replace(good, issued=today - dt.timedelta(days=9), expires=today - dt.timedelta(days=1))
    data = cose.from_text(cose.sign(good, key))
    changed = cose.to_text(data.replace(b"DIAYE", b"DIALO"))

    def link(claims: cose.Claims, credential: str = "") -> str:
        return cose.link(site.url, claims.code, credential or cose.sign(claims, key))

    yield House(
        site,
        {
            "good": link(good),
            "old": link(old),
            "altered": link(good, changed),
            "revoked": link(replace(good, code=gone.code)),
            "back": link(replace(good, code=back.code)),
        },
    )
    site.kill()


@pytest.fixture
def desk(house: House, open_page: OpenPage) -> Desk:
    if house.site.web is None:
        house.site.start()
    found = Desk(house.site, open_page(), **house.links)
    found.open()
    return found


def test_a_link_is_judged_with_the_network_cut(desk: Desk) -> None:
    desk.cut(server=True)
    desk.page.reload()
    desk.paste(desk.good)
    desk.says("Valable")
    box = desk.page.locator("#resultat")
    for text in (
        "Certificat de compétences",
        "Aïssatou N’DIAYE",
        "MSAS Sénégal",
        "niveau 4",
        "3K7Q 9XZA TB2M W5E8 RC4N V0HG",
        f"Non révoqué d’après la liste du {dt.datetime.now(dt.UTC):%d/%m/%Y}.",
    ):
        expect(box).to_contain_text(text)
    desk.paste(desk.altered)
    desk.says("Non vérifié")
    expect(box).to_contain_text("Le contenu a été changé")
    expect(box).not_to_contain_text("DIA")
    desk.paste(desk.revoked)
    desk.says("Révoqué")
    expect(box).to_contain_text("Une révocation s’annule parfois dans la journée")
    desk.paste(desk.old)
    desk.says("Expiré")
    desk.paste("n’importe quoi")
    desk.says("Non vérifié")
    expect(desk.page.locator("#etat")).to_contain_text("Hors ligne.")


def as_taken(code: bytes, to: Path) -> Path:
    """A picture of a code as a phone takes it: askew, blurred, grey, compressed."""
    sheet = Image.new("L", (1600, 1200), 200)
    drawn = Image.open(BytesIO(code)).convert("L").rotate(8, expand=True, fillcolor=255)
    sheet.paste(drawn, (500, 300))
    sheet = sheet.point(lambda grey: 40 + grey * 7 // 10).filter(ImageFilter.GaussianBlur(1.5))
    sheet.save(to, "JPEG", quality=60)
    return to


def test_a_photo_of_the_code_is_judged_with_the_network_cut(desk: Desk, tmp_path: Path) -> None:
    photo = as_taken(made.picture(desk.good, 6), tmp_path / "photo.jpg")
    other = as_taken(made.picture("autre chose", 6), tmp_path / "other.jpg")
    (tmp_path / "not.png").write_bytes(b"no picture")
    desk.cut()
    desk.page.reload()
    choose = desk.page.get_by_label("Photo du QR code")
    choose.set_input_files(photo)
    desk.says("Valable")
    choose.set_input_files(other)
    desk.says("Non vérifié")
    choose.set_input_files(tmp_path / "not.png")
    expect(desk.page.locator("#etat")).to_have_text("Ce fichier n’est pas une image lisible.")


# A camera that films a canvas: there is none on the machine of the tests.
CAMERA = """picture => { navigator.mediaDevices.getUserMedia = async () => {
  const canvas = document.createElement("canvas"), image = new Image();
  image.src = picture;
  await image.decode();
  canvas.width = image.width; canvas.height = image.height;
  setInterval(() => canvas.getContext("2d").drawImage(image, 0, 0), 50);
  return window.filming = canvas.captureStream(20);
}; }"""


def test_the_camera_reads_the_code_with_the_network_cut(desk: Desk) -> None:
    desk.cut()
    desk.page.reload()
    picture = base64.b64encode(made.picture(desk.good, 6)).decode()
    desk.page.evaluate(CAMERA, f"data:image/png;base64,{picture}")
    desk.page.get_by_role("button", name="Scanner avec l’appareil photo").click()
    desk.says("Valable")
    expect(desk.page.locator("#film")).to_be_hidden()
    assert desk.page.evaluate("filming.getTracks().map(track => track.readyState)") == ["ended"]
    # Refused by the person or by the phone: said, with what else can be done.
    desk.page.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(Error('no')); }"
    )
    desk.page.get_by_role("button", name="Scanner avec l’appareil photo").click()
    expect(desk.page.locator("#etat")).to_contain_text("L’appareil photo n’est pas accessible")


def test_the_address_itself_is_judged_with_the_network_cut(desk: Desk) -> None:
    """As when the phone's own camera opens it."""
    desk.cut()
    desk.page.goto(desk.good)
    desk.says("Valable")
    desk.page.goto(desk.revoked)
    desk.says("Révoqué")
    # The content of one document behind the number of another.
    desk.page.goto(desk.revoked.split("#")[0] + "#" + desk.good.split("#")[1])
    desk.says("Non vérifié")
    desk.page.goto(desk.good.split("#")[0])
    expect(desk.page.locator("#etat")).to_contain_text("seul le QR code peut être vérifié")
    # Elsewhere on the site this worker has no say.
    with pytest.raises(Exception, match="ERR_INTERNET_DISCONNECTED"):
        desk.page.goto(desk.site.url + "/chiffres/")


def test_an_older_list_does_not_replace_a_newer_one(desk: Desk) -> None:
    page = desk.page
    empty = """async () => {
      const data = await caches.open("verifier-data");
      const found = await data.match("/verifier/revoques.json");
      return JSON.stringify(await found.json());
    }"""
    kept = page.evaluate(empty)
    page.route(
        "**/verifier/revoques.json",
        lambda route: route.fulfill(
            content_type="application/json", body=json.dumps({**json.loads(kept), "payload": "e30"})
        ),
    )
    page.reload()
    expect(page.locator("#etat")).to_contain_text("Liste non renouvelée.")
    assert page.evaluate(empty) == kept
    desk.paste(desk.revoked)
    desk.says("Révoqué")
    # Taken back, and the list asked for again: what was just judged is judged anew.
    desk.paste(desk.back)
    desk.says("Révoqué")
    page.unroute("**/verifier/revoques.json")
    with desk.site.database():
        Act.objects.filter(code=desk.back.split("/")[4]).update(status="valid")
    page.get_by_role("button", name="Renouveler la liste").click()
    desk.says("Valable")


def test_with_a_network_both_answers_stand_side_by_side(
    house: House, open_page: OpenPage, nu: Nu
) -> None:
    """The register's, and what the code's own content says on this device."""
    if house.site.web is None:
        house.site.start()
    page = open_page()
    page.goto(house.links["revoked"])
    expect(page.locator(".notice h2")).to_have_text("Révoqué")
    expect(page.locator("#attestation h3")).to_have_text("Révoqué")
    expect(page.locator("#attestation")).to_contain_text("Aïssatou N’DIAYE")
    assert sound(page, nu) == []
    page.goto(house.links["altered"])
    expect(page.locator("#attestation h3")).to_have_text("Non vérifié")
    page.goto(house.links["good"].split("#")[0])
    expect(page.locator("#attestation")).to_be_hidden()


@pytest.mark.parametrize("width", [360, 1366])
def test_the_page_and_its_answers_are_sound(
    house: House, open_page: OpenPage, nu: Nu, width: int
) -> None:
    if house.site.web is None:
        house.site.start()
    desk = Desk(house.site, open_page(width), **house.links)
    desk.open()
    assert sound(desk.page, nu) == []
    for link, title in ((desk.good, "Valable"), (desk.revoked, "Révoqué")):
        desk.paste(link)
        desk.says(title)
        assert sound(desk.page, nu) == []


def test_without_the_scanner_the_page_weighs_little(house: House, open_page: OpenPage) -> None:
    if house.site.web is None:
        house.site.start()
    page, bodies = open_page(), {}

    def note(response: Response) -> None:
        path = response.url.removeprefix(house.site.url)
        if path == PAGE or ("/verifier" in path and path.endswith((".js", ".css"))):
            bodies[path] = response.body()

    page.on("response", note)
    page.goto(house.site.url + PAGE)
    expect(page.locator("#etat")).to_contain_text("À jour.")
    weights = {path: len(brotli.compress(body)) for path, body in bodies.items()}
    assert len([path for path in weights if path.startswith("/static/")]) == 3
    assert sum(weights.values()) <= 14 * 1024, weights
