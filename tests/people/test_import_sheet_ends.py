"""What a list lacks or ends with: no date of taking up duty, a line of totals, a false workbook."""

from __future__ import annotations

import io

import pytest
from django.test import Client
from django.urls import reverse

from kalan.base.errors import Refused
from kalan.base.imports.values import is_total
from kalan.base.models import ImportRun, StoredFile
from kalan.people.actor import Actor
from tests.factories import people
from tests.factories.imports import checked, csv_bytes, verdicts
from tests.people.test_import_staff import HEAD, row


@pytest.fixture
def region(tree: people.Tree) -> Actor:
    return people.actor("region", tree.fatick)


def test_a_staff_list_without_dates_is_stopped_at_the_columns(
    tree: people.Tree, region: Actor
) -> None:
    head, line = HEAD[:-1], row()[:-1]
    with pytest.raises(Refused) as caught:
        checked(region, "staff", [head, line])
    assert (caught.value.field, caught.value.message) == (
        "effective_on",
        "Aucune colonne ne donne la date de prise de service : choisissez-la, ou donnez ici la "
        "date d’effet pour tout le fichier.",
    )
    assert ImportRun.objects.get().state == "uploaded"
    run = checked(region, "staff", [head, line], effective_on="2022-01-01")
    assert verdicts(run) == {2: "new"}


def test_the_page_of_the_columns_asks_for_the_date(
    tree: people.Tree, region: Actor, client: Client
) -> None:
    assert region.account is not None
    client.force_login(region.account)
    file = io.BytesIO(csv_bytes([HEAD[:-1], row()[:-1]]))
    file.name = "agents.csv"
    address = client.post("/gestion/imports/nouveau/staff/", {"file": file})["Location"]
    form = client.get(address).context["form"]
    answer = client.post(address, {name: f.initial or "" for name, f in form.fields.items()})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["o-effective_on"]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["TOTAL", "", "521"], True),
        (["", "Total général", "", "306", "58,73 %"], True),
        (["Sous-total :", "12"], True),
        (["Effectif total", "521"], True),
        (["Total", "Awa", "Centre de santé"], False),  # a person may bear this name
        (["Totale", "12"], False),
        (["12", "13"], False),
        (["", ""], False),
    ],
)
def test_a_line_of_totals_is_told_apart(cells: list[str], expected: bool) -> None:
    assert is_total(cells) is expected


def test_a_total_at_the_end_is_named_as_such(tree: people.Tree, region: Actor) -> None:
    run = checked(region, "staff", [HEAD, row(), ["TOTAL", "1", "", "", "", "", ""]])
    assert verdicts(run) == {2: "new", 3: "refused"}
    assert run.rows.get(number=3).detail["problems"] == [
        {
            "column": "",
            "value": "",
            "reason": "Cette ligne est un total, pas une fiche.",
            "remedy": "Rien à faire : elle n’est pas importée.",
        }
    ]


@pytest.mark.parametrize("name", ["agents.xlsx", "Agents.XLS"])
def test_text_under_the_name_of_a_workbook_is_refused(
    tree: people.Tree, region: Actor, client: Client, name: str
) -> None:
    assert region.account is not None
    client.force_login(region.account)
    file = io.BytesIO(b"bonjour\nceci est une lettre\n")
    file.name = name
    answer = client.post(reverse("import-upload", args=["staff"]), {"file": file})
    assert answer.status_code == 422
    assert answer.context["form"].errors["file"] == [
        f"Ce fichier porte un nom en {name[6:].lower()}, mais ce n’est pas un classeur : c’est un "
        "fichier texte. Ouvrez-le dans un tableur et enregistrez-le en .xlsx ; si c’est un CSV, "
        "renommez-le en .csv."
    ]
    assert StoredFile.objects.count() == 0
