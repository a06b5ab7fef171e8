"""The French guides, walked on the demonstration: what they say is on the screen is on it.

In a guide, bold words are names on the screen (link, button, label, heading). Each walk looks at
every one of them, where the guide says it is, and no bold word is left over. Its pictures are
taken again by ``script/test browser --update-docs``; otherwise they must be there and be small.
"""

from __future__ import annotations

import argparse
import datetime as dt
import io
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from kalan.base import clock
from kalan.config import cli
from kalan.credentials.models import Act, Batch
from kalan.engine.signing.verify import program as verify
from kalan.people.models import Account, DataRequest
from kalan.training.models import HalfDay, Session
from tests.e2e.conftest import LAPTOP, PHONE, OpenPage, follow, sign_in_as
from tests.support.server import TOP, Server, copy_home, python

GUIDES = TOP / "docs" / "guides"
NAMES = ("formateur", "responsable", "cellule-informatique", "actes")
READ = (*NAMES, "auteur", "tests")  # these two are not walked: tests/house/test_guides.py
MOST_BYTES = 80 * 1024  # a picture: guides are read over slow lines too
COLOURS = 64
SHOWN_WIDTH = 900  # of a laptop's screen, in the guide
TWO_PAGES = 900  # words: about two printed pages, pictures aside

_SHOWN = "a, button, summary, label, legend, h1, h2, h3, th, dt, .badge, small, [role=status]"
# A newcomer, a structure misspelt, a day that does not exist.
_STAFF_LIST = """Matricule;Nom;Prénoms;Sexe;Cadre;Structure;Date de prise de service
690001/A;Guèye;Ndèye;F;sage-femme d’État;Centre de santé de Sokone;01/02/2024
690002/B;Sarr;Modou;M;infirmier d’État;Centre de sante de Gossass;01/02/2024
690003/C;Faye;Awa;F;infirmier d’État;Centre de santé de Passy;31/02/2024
"""


def text_of(guide: str) -> str:
    return (GUIDES / f"{guide}.md").read_text()


def bold(guide: str) -> set[str]:
    """The names of things on the screen that a guide writes in bold."""
    found = re.findall(r"\*\*(.+?)\*\*", text_of(guide), re.DOTALL)
    return {" ".join(words.split()) for words in found} - {"en gras", "Sans réseau"}


def pictured(guide: str) -> set[str]:
    return set(re.findall(r"\]\(images/([\w-]+)\.png\)", text_of(guide)))


class Walk:
    """A person following a guide, and what they have met of it."""

    def __init__(self, page: Page, site: Server, who: str) -> None:
        self.page, self.site = page, site
        self.met: set[str] = set()
        self.pictures: set[str] = set()
        self.enter(who)

    def enter(self, who: str) -> None:
        """Come in as one of the demonstration's accounts."""
        with self.site.database():
            account = Account.objects.get(email=f"{who}@demo.kalan")
        sign_in_as(self.page, self.site, account)

    def go(self, address: str) -> None:
        response = self.page.goto(self.site.url + address)
        assert response is not None
        assert response.status == 200, address

    def _shown(self, name: str, within: str = _SHOWN) -> Locator:
        spaces = r"[\s\u00a0\u202f]+".join(re.escape(word) for word in name.split())
        found = self.page.locator(within).filter(has_text=re.compile(spaces))
        return found.locator("visible=true").first

    def see(self, *names: str) -> None:
        for name in names:
            expect(self._shown(name), name).to_be_visible()
            self.met.add(name)

    def open(self, name: str) -> None:
        """Touch the link or the button of that name; it leads to another page."""
        self.met.add(name)
        follow(self.page, self._shown(name, "main a, main button, nav a, header a"))

    def touch(self, name: str) -> None:
        """Touch what unfolds or adds something on the page itself."""
        self.met.add(name)
        self._shown(name, "main button, summary").click()

    def picture(self, name: str) -> None:
        """Take the picture for the guide, or hold that it is there, small."""
        path = GUIDES / "images" / f"{name}.png"
        self.pictures.add(name)
        if os.environ.get("KALAN_UPDATE_DOCS"):
            path.parent.mkdir(parents=True, exist_ok=True)
            self.page.wait_for_load_state("networkidle")
            _keep(self.page.screenshot(), path)
        assert path.exists(), f"run script/test browser --update-docs: {path.name} is missing"
        assert path.stat().st_size <= MOST_BYTES


def _keep(png: bytes, path: Path) -> None:
    """Store a screenshot with few colours, a laptop's screen made narrower."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    if image.width > SHOWN_WIDTH:
        height = round(image.height * SHOWN_WIDTH / image.width)
        image = image.resize((SHOWN_WIDTH, height), Image.Resampling.LANCZOS)
    few = image.quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


@pytest.fixture(scope="module")
def site(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demonstration, in a copy of its own: the walks write in it."""
    home = copy_home(demo_home, tmp_path_factory.mktemp("guides") / "home")
    server = Server(home, KALAN_DEMO="1")
    server.start()
    yield server
    server.kill()


def _session(site: Server, **which: object) -> Session:
    with site.database():
        return Session.objects.filter(**which).order_by("-start", "-pk")[0]


def _on_its_last_day(site: Server) -> Session:
    """Today's session, as on its last day."""
    session = _session(site, programme__code="essai", start=clock.today())
    with site.database():
        HalfDay.objects.filter(session=session, date__gt=session.start).delete()
        Session.objects.filter(pk=session.pk).update(end=session.start)
    return session


def test_the_trainer_follows_the_guide(site: Server, open_page: OpenPage) -> None:
    stranger = open_page(PHONE)
    stranger.goto(site.url + "/")
    walk = Walk(stranger, site, "formateur")
    stranger.context.clear_cookies()
    walk.go("/")
    walk.open("Se connecter")
    walk.see("Téléphone partagé", "J’ai une fiche d’activation")

    walk.enter("formateur")
    walk.go("/mon-espace/")
    walk.see("Mon espace", "Sessions que j’anime")
    walk.picture("formateur-espace")
    walk.open("Faire l’appel")
    page = walk.page
    boxes = page.locator("details[open] ul.marks input[type=checkbox]")
    was = boxes.first.is_checked()
    boxes.first.click()
    expect(boxes.first).to_be_checked(checked=not was)
    expect(page.locator("#etat")).to_contain_text("Tout est envoyé")
    walk.see("Tout est envoyé")
    walk.picture("formateur-appel")

    page.context.set_offline(True)
    boxes.nth(1).click()
    walk.see("non envoyée", "Envoyer")
    page.context.set_offline(False)
    expect(page.locator("#etat")).to_contain_text("Tout est envoyé")

    walk.touch("Ajouter un participant non prévu, ou un remplaçant")
    walk.see("À la place de", "N’est pas agent de santé")
    page.get_by_label("Nom", exact=True).fill("Cissé")
    page.get_by_label("Sexe").select_option("F")
    walk.touch("Ajouter à la liste")
    walk.see("à rapprocher")

    session = _on_its_last_day(site)
    page.reload()
    walk.open("Page de la session")
    walk.see("Feuille de présence à imprimer (PDF)", "Feuille signée", "Satisfaction", "Clôturer")
    walk.open("Feuille signée")
    walk.see("Joindre la page")
    walk.go(f"/gestion/sessions/{session.uid}/")
    walk.open("Satisfaction")
    walk.see("Saisir un questionnaire papier")
    walk.go(f"/gestion/sessions/{session.uid}/")
    page.set_viewport_size({"width": LAPTOP, "height": 768})
    walk.open("Saisir la feuille de présence")
    walk.see("Tous", "Enregistrer", "Télécharger le tableur (XLSX)", "Rapporter le tableur")
    walk.picture("formateur-feuille")
    walk.go(f"/gestion/sessions/{session.uid}/")
    walk.open("Clôturer")
    walk.open("Clôturer la session")
    expect(page.locator("main")).to_contain_text("clôturée")
    assert (walk.met, walk.pictures) == (bold("formateur"), pictured("formateur"))


def _structure_manager(walk: Walk) -> None:
    walk.enter("structure")
    walk.go("/gestion/")
    walk.open("Sessions")
    coming = _session(walk.site, programme__code="essai", state="planned", end__gt=clock.today())
    walk.go(f"/gestion/sessions/{coming.uid}/")
    walk.open("Désigner des agents")
    walk.see("Déjà formé", "Filtrer", "Désigner les personnes cochées")
    walk.picture("responsable-designer")
    walk.page.get_by_label("Jamais formés seulement").check()
    walk.see("Jamais formés seulement")
    walk.open("Filtrer")
    walk.open("Comptes et rôles")
    walk.open("Fiches d’activation")
    follow(walk.page, walk.page.locator("main ul.rows a").first)
    walk.see("Ouvrir les comptes et préparer les fiches")


def _import(walk: Walk) -> None:
    page = walk.page
    walk.open("Imports")
    walk.open("Nouvel import")
    follow(page, page.locator("a[href$='/nouveau/staff/']"))
    walk.met.add("Choisir un fichier")
    page.set_input_files(
        "input[type=file]",
        {"name": "personnel.csv", "mimeType": "text/csv", "buffer": _STAFF_LIST.encode()},
    )
    follow(page, page.get_by_role("button", name="Continuer"))
    walk.open("Vérifier le fichier")
    python(walk.site.home, "-m", "kalan.config.cli", "worker", "--burst", **walk.site.settings)
    page.reload()
    if page.get_by_role("link", name="Actualiser").count():
        follow(page, page.get_by_role("link", name="Actualiser"))
    walk.see("Noms à confirmer", "Appliquer…")
    walk.picture("responsable-import")


def _regional_manager(walk: Walk) -> None:
    walk.enter("region")
    walk.go("/gestion/")
    walk.see("À faire")
    walk.picture("responsable-accueil")
    _import(walk)
    walk.open("Sessions")
    walk.see("Prévoir une session")
    coming = _session(
        walk.site,
        programme__code="essai",
        state="planned",
        registrations__state="designated",
        end__gt=clock.today(),
    )
    walk.go(f"/gestion/sessions/{coming.uid}/")
    walk.see(
        "Reporter", "Annuler", "Convocations à imprimer (PDF)", "Feuille signée", "Corrections"
    )
    walk.open("Retenir, liste d’attente")
    walk.see("Retenir", "Mettre en liste d’attente", "Ne pas retenir")
    walk.go(f"/gestion/sessions/{coming.uid}/")
    walk.open("Convoquer")
    walk.see("Convoquer et envoyer")
    closed = _session(walk.site, programme__code="essai", state="closed")
    walk.go(f"/gestion/sessions/{closed.uid}/")
    walk.open("Valider")
    walk.open("Historique")
    walk.open("À rapprocher")
    walk.open("Fusions")
    walk.open("Doublons")
    walk.see("Distincts")
    walk.open("Comparer")
    walk.see("Fusionner ces deux fiches")


def _programme_manager(walk: Walk) -> None:
    walk.enter("programme")
    walk.go("/gestion/")
    walk.open("Tableau de bord")
    walk.see("Jamais formés, formés plusieurs fois", "Exporter (XLSX)", "Exporter (CSV)")
    walk.see("Modèle d’un bailleur", "Chiffres déclarés")
    walk.picture("responsable-tableau")
    walk.open("Chiffres arrêtés")
    walk.see("Arrêter des chiffres")
    held = _session(walk.site, programme__code="direcct")
    walk.go(f"/gestion/sessions/{held.uid}/")
    walk.see("Dépenses", "Liste de paiement")


def test_the_managers_follow_the_guide(site: Server, open_page: OpenPage) -> None:
    walk = Walk(open_page(LAPTOP), site, "structure")
    _structure_manager(walk)
    _regional_manager(walk)
    _programme_manager(walk)
    assert (walk.met, walk.pictures) == (bold("responsable"), pictured("responsable"))


def test_the_it_cell_follows_the_guide(site: Server, open_page: OpenPage) -> None:
    walk = Walk(open_page(LAPTOP), site, "admin")
    with site.database():
        signatory = Account.objects.get(email="signataire@demo.kalan")
        agent = Account.objects.get(email="agent@demo.kalan")
        asked = DataRequest.objects.create(
            kind="erase",
            agent=agent.agent,
            account=agent,
            opened_at=clock.now(),
            due_on=clock.today() + dt.timedelta(days=30),
        )
    walk.go("/gestion/")
    walk.see("Messages")
    walk.open("Comptes et rôles")
    walk.see("Compte sans agent")
    walk.go(f"/gestion/comptes/{signatory.uid}/")
    walk.see("Donner un rôle", "Désactiver", "Remettre à zéro le second facteur")
    walk.picture("cellule-compte")
    walk.open("Données personnelles")
    walk.see("Registre des traitements")
    walk.go(f"/gestion/donnees-personnelles/{asked.uid}/")
    walk.see("Anonymiser cet agent…", "Enregistrer la réponse")
    walk.open("Registre des traitements")
    walk.picture("cellule-registre")
    guide = "cellule-informatique"
    assert (walk.met, walk.pictures) == (bold(guide), pictured(guide))


def _batch(site: Server, **which: object) -> Batch:
    with site.database():
        return Batch.objects.filter(**which).order_by("pk")[0]


def _prepare_and_approve(walk: Walk) -> Batch:
    """What the preparer, who approves and who hands over see; the batch that is signed."""
    signed = _batch(walk.site, state="signed", source="session")
    walk.enter("programme")
    walk.go("/gestion/actes/nouveau/")
    walk.open("Choisir")
    walk.see("Qui signe", "Préparer les actes")
    walk.go(f"/gestion/actes/{_batch(walk.site, state='draft').uid}/")
    walk.see("Aperçu", "Écarter", "Reprendre des données", "Remettre pour visa")
    walk.go(f"/gestion/actes/{_batch(walk.site, state='checked').uid}/")
    walk.open("Viser")
    walk.see("Un acte entier", "La liste", "Renvoyer avec un motif")
    walk.open("Attestations et actes")
    walk.see("Nouveau lot")
    walk.go(f"/gestion/actes/{signed.uid}/")
    walk.see("Télécharger ou imprimer", "Envoyer les liens")
    walk.picture("actes-lot")
    follow(walk.page, walk.page.locator("main tbody th a").first)
    walk.see("Révoquer", "Remplacer")
    walk.open("À renouveler")
    walk.see("Où en est-on ?", "Proposer un examen…")
    return signed


def _sign(walk: Walk) -> None:
    walk.enter("signataire")
    walk.go("/gestion/")
    walk.see("lot d’actes à signer")
    walk.open("Parapheur")
    walk.see("Un acte", "Liste")
    walk.open("Tout cocher")
    walk.open("Signer les lots cochés…")
    walk.see("Code à 6 chiffres", "Signer")
    walk.picture("actes-signer")
    walk.open("Parapheur")
    follow(walk.page, walk.page.locator("main section:last-of-type ul.rows a").first)
    walk.see("Signature terminée")


def _hold_and_check(walk: Walk, signed: Batch) -> None:
    walk.enter("agent")
    walk.go("/mon-espace/")
    walk.see("Mon espace", "Mes attestations et certificats")
    walk.go("/mes-documents/")
    walk.see("Télécharger", "Badge numérique")
    walk.touch("Ce que les autres voient")
    walk.picture("actes-mes-documents")
    with walk.site.database():
        code = Act.objects.filter(batch=signed, state="signed").order_by("rank")[0].code
    walk.page.context.clear_cookies()
    walk.go("/verifier/")
    walk.see("Par le code", "Par le fichier PDF")
    walk.see("Vérifier avec l’appareil photo, même sans réseau")
    walk.go(f"/verifier/{code}/")
    walk.see("Valable", "Est-ce bien cette personne ?")
    walk.picture("actes-verifier")


def _administer(walk: Walk) -> None:
    walk.enter("admin")
    walk.go("/gestion/modeles-actes/")
    walk.see("Modèles d’actes")
    follow(walk.page, walk.page.locator("main tbody a").first)
    walk.open("Modifier")
    walk.see("Aperçu avec de longs textes")
    walk.open("Fonctions qui signent")
    follow(walk.page, walk.page.locator("main tbody a").first)
    walk.see("Ajouter une personne", "Mettre fin")
    walk.open("Clés de signature")
    walk.open("Registre des actes")
    walk.open("Vérifier le registre")
    expect(walk.page.get_by_role("status")).to_contain_text("Le registre est intact.")


def test_everybody_follows_the_guide_of_acts(site: Server, open_page: OpenPage) -> None:
    walk = Walk(open_page(LAPTOP), site, "programme")
    signed = _prepare_and_approve(walk)
    _sign(walk)
    _hold_and_check(walk, signed)
    _administer(walk)
    assert (walk.met, walk.pictures) == (bold("actes"), pictured("actes"))


def _commands(text: str) -> Iterator[list[str]]:
    """Every ``script/kalan …`` and ``script/manage …`` of a guide, as words."""
    for line in re.findall(r"^\s*script/((?:kalan|manage) .*)$", text, re.MULTILINE):
        yield shlex.split(line, comments=True)
    for line in re.findall(r"`script/((?:kalan|manage) [^`]*)`", text):
        yield shlex.split(line)


def _understands(parser: argparse.ArgumentParser, words: list[str]) -> bool:
    try:
        parser.parse_args(words)
    except SystemExit:
        return False
    return True


@pytest.mark.parametrize(
    "page", ["guides/cellule-informatique.md", "guides/actes.md", "production.md"]
)
def test_every_command_of_the_page_is_understood(page: str) -> None:
    known = get_commands()
    wrong = []
    for program, name, *words in _commands((TOP / "docs" / page).read_text()):
        if (program, name) == ("kalan", "verify"):
            understood = _understands(verify.parser(), words)
        elif program == "kalan":
            understood = _understands(cli.parser(), [name, *words])
        elif name not in known:
            understood = False
        else:
            command = load_command_class(str(known[name]), name)
            understood = _understands(command.create_parser("manage", name), words)
        if not understood:
            wrong.append(" ".join([program, name, *words]))
    assert wrong == []


def test_every_setting_named_in_the_guides_is_in_the_table() -> None:
    table = set(re.findall(r"^\| `(KALAN_\w+)`", (TOP / "docs/reglages.md").read_text(), re.M))
    named = {name for guide in NAMES for name in re.findall(r"KALAN_\w+", text_of(guide))}
    assert named - table == set()


@pytest.mark.parametrize("guide", ["formateur", "responsable", "cellule-informatique", "auteur"])
def test_a_guide_prints_on_two_pages(guide: str) -> None:
    words = len(re.sub(r"!\[.*?\]\(.*?\)", "", text_of(guide)).split())
    assert words <= TWO_PAGES


def test_every_picture_of_the_folder_is_in_a_guide() -> None:
    there = {path.stem for path in (GUIDES / "images").glob("*.png")}
    assert there == {name for guide in NAMES for name in pictured(guide)}


@pytest.mark.parametrize("guide", READ)
def test_the_links_of_a_guide_lead_somewhere(guide: str) -> None:
    links = re.findall(r"\]\(([^)]+)\)", text_of(guide))
    assert [link for link in links if not (GUIDES / link.split("#")[0]).exists()] == []


@pytest.mark.parametrize("guide", READ)
def test_a_guide_is_written_in_french_typography(guide: str) -> None:
    text = re.sub(r"```.*?```|`[^`]*`", "", text_of(guide), flags=re.DOTALL)
    assert re.findall(r"\w'\w|[^\s\u00a0\u202f][:;?!](?=\s)|\"", text) == []
