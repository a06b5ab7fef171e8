"""Acts in figures: what is counted, in whose territory, and as a workbook."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import openpyxl
import pytest
from django.test import Client

from kalan.base import clock
from kalan.credentials.models import CheckCount
from kalan.credentials.selectors import statistics
from tests.factories import acts, people, training
from tests.factories.people import NOW
from tests.support.signin import sign_in

pytestmark = pytest.mark.django_db
TODAY = NOW.date()


@pytest.fixture(autouse=True)
def _on_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "today", lambda: TODAY)


@pytest.fixture
def _signed(tree: people.Tree) -> None:
    batch = acts.batch(tree.country)
    for structure, fields in (
        (tree.centre_sokone, {}),
        (tree.centre_sokone, {"status": "revoked"}),
        (tree.centre_guinguineo, {"valid_until": TODAY + dt.timedelta(days=60)}),
        (tree.centre_guinguineo, {"valid_until": TODAY - dt.timedelta(days=1)}),
    ):
        person = people.agent(structure, sex="M" if fields else "F")
        acts.act(batch, person, structure=structure, **fields)
    session = training.session(
        tree.centre_sokone, programme=training.programme(tree.country, name="DIRECCT")
    )
    report = acts.batch(tree.fatick, kind="report", source="session", session=session)
    acts.act(report)
    acts.act(acts.batch(tree.kaolack, state="ordered"))  # not in the register yet


@pytest.mark.usefixtures("_signed")
def test_what_is_counted(tree: people.Tree) -> None:
    rows = statistics.issued_in(people.actor("programme", tree.country))
    total = statistics.total(rows, today=TODAY)
    assert (total.issued, total.revoked, total.replaced, total.expired, total.soon) == (
        5, 1, 0, 1, 1,
    )  # fmt: skip
    tables = dict(statistics.tables(rows, today=TODAY))
    said = {name: {line.label: line.issued for line in lines} for name, lines in tables.items()}
    assert said == {
        "Type d’acte": {"Attestation de formation": 4, "Rapport de session": 1},
        "Mois": {"03/2023": 5},
        "Programme": {"DIRECCT": 1, "Hors programme": 4},
        "Territoire": {"Fatick": 3, "Kaolack": 2},
        "Sexe": {"Non précisé": 1, "Femme": 1, "Homme": 3},
    }


@pytest.mark.usefixtures("_signed")
def test_the_territory_bounds_what_is_seen(tree: people.Tree) -> None:
    seen = {
        role: statistics.total(statistics.issued_in(people.actor(role, node)), today=TODAY).issued
        for role, node in (
            ("region", tree.fatick),
            ("auditor", tree.kaolack),
            ("admin", tree.country),
        )
    }
    assert seen == {"region": 1, "auditor": 0, "admin": 5}


@pytest.mark.usefixtures("_signed")
def test_the_page_and_its_workbook(
    tree: people.Tree, client: Client, django_assert_num_queries: Any
) -> None:
    CheckCount.objects.create(day=TODAY, way="code", result="valid", number=12)
    sign_in(client, people.account("programme", tree.country))
    address = "/gestion/actes/statistiques/"
    client.get(address)
    with django_assert_num_queries(11):
        page = client.get(address).content.decode()
    assert "Attestation de formation" in page
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"{address}?format=xlsx").content))
    sheet = book.active
    assert sheet is not None
    lines = [list(row) for row in sheet.iter_rows(values_only=True)]
    assert lines[1] == ["Total", "Tous les actes", 5, 1, 0, 1, 1]
    assert lines[-1][:3] == ["Vérifications", "par le code, valable", 12]


@pytest.mark.usefixtures("_signed")
def test_a_period_without_acts_says_so(tree: people.Tree, client: Client) -> None:
    sign_in(client, people.account("programme", tree.country))
    page = client.get("/gestion/actes/statistiques/?since=2030-01-01").content.decode()
    assert "Aucun acte signé sur cette période" in page
