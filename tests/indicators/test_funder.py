"""A funder's own XLSX, filled."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from kalan.base.models import StoredFile
from kalan.indicators.funder import recognise
from kalan.training.models import Target
from tests.factories import indicators as made
from tests.factories import people, training

pytestmark = pytest.mark.django_db
URL = "/gestion/indicateurs/bailleur/"


def layout() -> bytes:
    """A logframe as funders send them: a title, a header row, a formula to keep."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet["A1"] = "Cadre logique – EU contribution"
    for column, text in enumerate(
        (
            "N°",
            "Indicator",
            "Baseline",
            "Target",
            "Achieved",
            "Women",
            "Men",
            "% ",
            "Source",
            "Date",
        ),
        start=1,
    ):
        sheet.cell(3, column).value = text
    sheet["B4"], sheet["C4"], sheet["H4"] = "Number of health workers trained", 0, "=E4/D4"
    sheet["B5"] = "Sessions de formation tenues"
    sheet["B6"] = "Km de routes"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.fixture
def client(tree: people.Tree) -> Client:
    programme = training.programme(tree.country, code="direcct", name="DIRECCT")
    agents = [people.agent(tree.centre_sokone, sex=sex) for sex in "FFM"]
    made.held(tree.sokone, programme, dict.fromkeys(agents, 4))
    made.held(tree.guinguineo, programme, {people.agent(tree.centre_guinguineo): 4})
    Target.objects.create(programme=programme, indicator="agents_formes", value=500)
    found = Client()
    found.force_login(people.account("programme", tree.country))
    return found


def upload(client: Client, content: bytes, name: str = "cadre.xlsx") -> object:
    return client.post(URL, {"file": SimpleUploadedFile(name, content)})


def test_the_layout_is_recognised_and_filled(client: Client) -> None:
    answer = upload(client, layout())
    address = answer["Location"]  # type: ignore[index]
    page = client.get(address)
    form = page.context["form"]
    proposed = {
        name: field.initial for name, field in form.fields.items() if "_" in name and field.initial
    }
    assert proposed == {
        "column_target": "4",
        "column_achieved": "5",
        "column_women": "6",
        "column_men": "7",
        "column_source": "9",
        "column_date": "10",
        "line_4": "agents_formes",
        "line_5": "sessions",
    }
    filled = client.post(address, {**proposed, "programme": "direcct"})
    sheet = openpyxl.load_workbook(io.BytesIO(filled.content)).active
    assert [sheet.cell(4, column).value for column in range(2, 9)] == [
        "Number of health workers trained",
        0,
        500,
        4,
        3,
        1,
        "=E4/D4",
    ]
    assert sheet["I4"].value == "Kalan, compté sur les registres (personnes formées)"
    assert (sheet["E5"].value, sheet["F5"].value, sheet["E6"].value) == (2, None, None)
    assert sheet["A1"].value == "Cadre logique – EU contribution"


def test_figures_are_those_of_the_readers_reach(tree: people.Tree, client: Client) -> None:
    region = Client()
    region.force_login(people.account("region", tree.fatick))
    address = upload(region, layout())["Location"]  # type: ignore[index]
    filled = region.post(address, {"column_achieved": "5", "line_4": "agents_formes"})
    sheet = openpyxl.load_workbook(io.BytesIO(filled.content)).active
    assert sheet["E4"].value == 3
    assert client.get(address).status_code == 404  # somebody else's layout


def test_bad_layouts_are_refused_and_not_kept(client: Client) -> None:
    empty = io.BytesIO()
    openpyxl.Workbook().save(empty)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * 60_000_000)
    said = {
        name: upload(client, content, name).content.decode()  # type: ignore[attr-defined]
        for name, content in {
            "vide.xlsx": empty.getvalue(),
            "texte.xlsx": b"bonjour",
            "bombe.xlsx": bomb.getvalue(),
            "grand.xlsx": b"x" * (2 * 1024 * 1024 + 1),
        }.items()
    }
    assert "Aucune ligne d’en-têtes n’a été reconnue." in said["vide.xlsx"]
    assert "n’est pas un classeur" in said["texte.xlsx"]
    assert "se décompresse en un volume anormal" in said["bombe.xlsx"]
    assert "dépasse 2 Mo" in said["grand.xlsx"]
    assert StoredFile.objects.count() == 0


def test_the_achieved_column_is_needed(client: Client) -> None:
    address = upload(client, layout())["Location"]  # type: ignore[index]
    page = client.post(address, {"line_4": "agents_formes"}).content.decode()
    assert "Dites dans quelle colonne écrire le réalisé." in page


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("Number of health workers trained", "agents_formes"),
        ("Nb d’agents formés (cumul)", "agents_formes"),
        ("Part des femmes parmi les agents formés", "part_femmes"),
        ("Number of trainers", "formateurs"),
        ("Comptes actifs sur la plateforme", "comptes_actifs"),
        ("Km de routes", ""),
    ],
)
def test_lines_are_recognised_by_their_words(label: str, code: str) -> None:
    assert recognise(label) == code


@pytest.mark.parametrize("address", [URL, "/gestion/indicateurs/declares/nouveau/"])
def test_a_file_beyond_the_limit_is_said_to_be_too_large(
    client: Client, settings: Any, address: str
) -> None:
    settings.KALAN_UPLOAD_MAX_BYTES = 1024 * 1024
    file = SimpleUploadedFile("modele.xlsx", b"x" * 3 * 1024 * 1024)
    page = client.post(address, {"source": "x", "file": file, "document": file}).content.decode()
    assert "Ce fichier est trop gros : la limite est de 1 Mo. Envoyez-en un plus léger." in page
    assert StoredFile.objects.count() == 0
