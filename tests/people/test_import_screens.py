"""The screens of an import, from the file to the report."""

from __future__ import annotations

import io
import tracemalloc
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from python_calamine import CalamineWorkbook

from kalan.base.imports import pipeline
from kalan.base.models import ImportRun, Job, StoredFile
from kalan.people.models import Agent
from tests.factories import people
from tests.factories.imports import checked, csv_bytes, merged, xlsx_bytes
from tests.people.test_import_staff import HEAD, SOKONE, row

UPLOAD = "/gestion/imports/nouveau/staff/"


@pytest.fixture
def manager(tree: people.Tree, client: Client) -> Any:
    account = people.account("region", tree.fatick)
    client.force_login(account)
    return people.actor_for(account, today=people.NOW.date())


def upload(client: Client, content: bytes, name: str = "agents.csv") -> Any:
    file = io.BytesIO(content)
    file.name = name
    return client.post(UPLOAD, {"file": file})


def cells_of(content: bytes) -> list[list[Any]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return book.get_sheet_by_index(0).to_python()


def test_from_the_file_to_the_report(tree: people.Tree, client: Client, manager: Any) -> None:
    answer = upload(client, csv_bytes([HEAD, row()]))
    run = ImportRun.objects.get()
    assert answer["Location"] == f"/gestion/imports/{run.uid}/colonnes/"
    page = client.get(answer["Location"])
    assert "77 123 45 67" in page.content.decode()
    form = page.context["form"]
    data = {name: field.initial or "" for name, field in form.fields.items()}
    assert (data["f-last_name"], data["f-structure"]) == ("1", "5")
    answer = client.post(answer["Location"], data)
    assert answer["Location"] == f"/gestion/imports/{run.uid}/"
    waiting = client.get(answer["Location"]).content.decode()
    assert '<meta http-equiv="refresh" content="3">' in waiting
    assert Job.objects.get().kind == "import.check"
    pipeline.check(run.pk)
    page = client.get(answer["Location"])
    assert page.context["tabs"] == [("new", "Nouvelles", 1)]
    url = f"/gestion/imports/{run.uid}/appliquer/"
    assert "fiches à créer : 1" in client.get(url).content.decode()
    client.post(url)
    pipeline.apply(run.pk)
    assert Agent.objects.get().last_name == "Diouf"
    report = client.get(f"/gestion/imports/{run.uid}/rapport/")
    book = CalamineWorkbook.from_filelike(io.BytesIO(b"".join(report)))
    assert book.sheet_names == ["Résumé", "Lignes"]
    lines = book.get_sheet_by_name("Lignes").to_python()
    assert lines[1][:3] == [2.0, "créé", "Awa DIOUF · Centre de santé de Sokone"]


def test_the_columns_are_remembered(tree: people.Tree, client: Client, manager: Any) -> None:
    strange = [["A", "B", "C", "D", "E"], ["Diouf", "Awa", "F", SOKONE, "2021-10-01"]]
    upload(client, csv_bytes(strange))
    run = ImportRun.objects.get()
    assert run.mapping == {}
    data = {
        "f-last_name": "0",
        "f-first_names": "1",
        "f-sex": "2",
        "f-structure": "3",
        "f-start": 4,
    }
    client.post(reverse("import-columns", args=[run.uid]), data)
    upload(client, csv_bytes(strange))
    again = ImportRun.objects.exclude(pk=run.pk).get()
    assert again.mapping == {
        "last_name": 0,
        "first_names": 1,
        "sex": 2,
        "structure": 3,
        "start": 4,
    }


def test_columns_that_lack_or_repeat_are_named(
    tree: people.Tree, client: Client, manager: Any
) -> None:
    upload(client, csv_bytes([HEAD, row()]))
    run = ImportRun.objects.get()
    url = reverse("import-columns", args=[run.uid])
    answer = client.post(url, {"f-last_name": "1"})
    assert answer.status_code == 422
    assert "Indiquez la colonne du nom et celle des prénoms" in answer.content.decode()
    twice = {"f-last_name": "1", "f-first_names": "1", "f-structure": "5"}
    assert "choisie deux fois" in client.post(url, twice).content.decode()
    wrong = {"f-last_name": "1", "f-first_names": "2", "f-structure": "5"}
    answer = client.post(url, wrong | {"o-effective_on": "vendredi 17 mars 2024"})
    assert (
        answer.context["form"]
        .errors["o-effective_on"][0]
        .startswith("« vendredi 17 mars 2024 » se contredit")
    )
    run.refresh_from_db()
    assert run.state == "uploaded"


def test_another_sheet_can_be_chosen(tree: people.Tree, client: Client, manager: Any) -> None:
    content = xlsx_bytes([HEAD, row()], [HEAD, row(nom="Fall")], names=["2022", "2023"])
    answer = upload(client, content, "agents.xlsx")
    page = client.get(answer["Location"])
    assert [c[0] for c in page.context["source"].fields["sheet"].choices] == ["2022", "2023"]
    client.post(answer["Location"], {"sheet": "2023", "header_row": "1"})
    assert ImportRun.objects.get().source["sheet"] == "2023"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"%PDF-1.7", "Ce fichier est un document PDF, pas un tableau."),
        (b"PK\x03\x04nothing", "Ce fichier est abîmé ou n’est pas un classeur."),
        (b"", "Le fichier est vide."),
    ],
)
def test_a_file_that_is_no_table_leaves_nothing(
    tree: people.Tree, client: Client, manager: Any, content: bytes, message: str
) -> None:
    answer = upload(client, content, "agents.xlsx")
    assert answer.status_code == 422
    assert message in answer.content.decode()
    assert StoredFile.objects.count() == 0
    assert ImportRun.objects.count() == 0


class Endless(io.RawIOBase):
    """A request body of 200 MB that exists nowhere."""

    def __init__(self, head: bytes, size: int, tail: bytes) -> None:
        self.head, self.left, self.tail = head, size, tail

    def read(self, size: int = -1) -> bytes:
        size = size if size >= 0 else 65536
        if self.head:
            piece, self.head = self.head[:size], self.head[size:]
        elif self.left:
            piece = b"x" * min(size, self.left)
            self.left -= len(piece)
        else:
            piece, self.tail = self.tail[:size], self.tail[size:]
        return piece


def test_a_200_mb_file_is_refused_and_held_nowhere(
    tree: people.Tree, client: Client, manager: Any
) -> None:
    head = (
        b'--lim\r\nContent-Disposition: form-data; name="file"; filename="gros.xlsx"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n"
    )
    tail = b"\r\n--lim--\r\n"
    size = 200 * 1024 * 1024
    tracemalloc.start()
    answer = client.request(
        **{
            "PATH_INFO": UPLOAD,
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": "multipart/form-data; boundary=lim",
            "CONTENT_LENGTH": str(len(head) + size + len(tail)),
            "wsgi.input": Endless(head, size, tail),
        }
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.status_code == 422
    assert "Le fichier dépasse 50 Mo et n’a pas été gardé." in answer.content.decode()
    assert StoredFile.objects.count() == 0
    assert peak < 20 * 1024 * 1024


def test_the_tabs_say_what_and_why(tree: people.Tree, client: Client, manager: Any) -> None:
    merged(manager, checked(manager, "staff", [HEAD, row()]))
    people.agent(tree.centre_sokone, last_name="Sarr", first_names="Coumba")
    rows = [
        HEAD,
        row(tel="781234567"),
        row(matricule="B1", nom="Sarre", prenoms="Coumba"),
        row(matricule="B2", debut="vendredi 17 mars 2024"),
        row(matricule="B3", nom="=1+1"),
    ]
    run = checked(manager, "staff", rows)

    def tab(verdict: str) -> str:
        url = reverse("import-rows", args=[run.uid, verdict])
        return client.get(url).content.decode()

    assert "+221771234567 → +221781234567" in tab("changed")
    assert "Coumba SARR · Centre de santé de Sokone" in tab("doubt")
    assert "le 17 mars 2024 est un dimanche, pas un vendredi" in tab("refused")
    url = reverse("import-rows", args=[run.uid, "new"])
    table = client.get(url + "?format=csv").content.decode("utf-8-sig").splitlines()
    assert table[1].startswith("5;B3;'=1+1;Awa;F;")
    refused = reverse("import-rows", args=[run.uid, "refused"]) + "?format=xlsx"
    table = cells_of(client.get(refused).content)
    assert table[0] == ["Ligne", *HEAD, "Résultat", "Motif", "Remède"]
    assert table[1][8] == "refusé"


def test_doubts_are_decided_on_the_page(tree: people.Tree, client: Client, manager: Any) -> None:
    known = people.agent(tree.centre_sokone, last_name="Sarr", first_names="Coumba")
    rows = [
        HEAD,
        row(nom="Sarre", prenoms="Coumba"),
        row(matricule="B", nom="Sare", prenoms="Coumba"),
    ]
    run = checked(manager, "staff", rows)
    url = reverse("import-decide", args=[run.uid])
    client.post(url, {"d-2": f"use:{known.pk}", "d-3": "", "d-99": "create"})
    assert dict(run.rows.values_list("number", "decision")) == {2: f"use:{known.pk}", 3: ""}
    client.post(url, {"all": "skip"})
    assert dict(run.rows.values_list("number", "decision")) == {2: f"use:{known.pk}", 3: "skip"}


def test_names_are_confirmed_on_the_page(tree: people.Tree, client: Client, manager: Any) -> None:
    run = checked(manager, "staff", [HEAD, row(structure="C.S. de SOKONNE")])
    url = reverse("import-names", args=[run.uid])
    assert "« C.S. de SOKONNE »" in client.get(url).content.decode()
    client.post(url, {"q-0": str(tree.centre_sokone.pk)})
    pipeline.check(run.pk)
    run.refresh_from_db()
    assert (run.counts["new"], run.questions) == (1, [])


def test_cancelled_and_restarted(tree: people.Tree, client: Client, manager: Any) -> None:
    run = checked(manager, "staff", [HEAD, row()])
    client.post(reverse("import-cancel", args=[run.uid]))
    run.refresh_from_db()
    assert (run.state, run.rows.count()) == ("cancelled", 0)
    other = checked(manager, "staff", [HEAD, row()])
    client.post(reverse("import-recheck", args=[other.uid]))
    other.refresh_from_db()
    assert other.state == "checking"


def test_the_template_has_every_column_and_reads_back_empty(
    tree: people.Tree, client: Client, manager: Any
) -> None:
    content = client.get("/gestion/imports/modele/staff/").content
    titles = cells_of(content)[0]
    assert titles[:3] == ["Matricule", "Nom", "Prénoms"]
    answer = upload(client, content, "modele.xlsx")
    run = ImportRun.objects.get()
    assert answer["Location"] == f"/gestion/imports/{run.uid}/colonnes/"
    assert run.source["sheet"] == "Données"
    assert len(run.mapping) == len(titles)


def test_lists_cost_the_same_for_one_and_three_rows(
    tree: people.Tree, client: Client, manager: Any, django_assert_num_queries: Any
) -> None:
    def look(number: int, queries: int) -> None:
        with django_assert_num_queries(queries):
            page = client.get("/gestion/imports/")
        assert len(page.context["rows"]) == number
        run = ImportRun.objects.latest("pk")
        with django_assert_num_queries(queries + 1):
            client.get(reverse("import-rows", args=[run.uid, "new"]))

    checked(manager, "staff", [HEAD, row()])
    look(1, 4)
    people_rows = [row(matricule=str(n), nom=f"Fall{n}") for n in range(3)]
    checked(manager, "staff", [HEAD, *people_rows])
    checked(manager, "staff", [HEAD, *people_rows])
    look(3, 4)


def test_out_of_scope_is_not_found(tree: people.Tree, client: Client, manager: Any) -> None:
    run = checked(people.actor("region", tree.kaolack), "staff", [HEAD, row()])
    for name in ("detail", "columns", "names", "report", "apply", "cancel"):
        assert client.get(reverse(f"import-{name}", args=[run.uid])).status_code == 404
    for name in ("decide", "recheck", "apply", "cancel"):
        assert client.post(reverse(f"import-{name}", args=[run.uid])).status_code == 404
    assert client.get(reverse("import-rows", args=[run.uid, "new"])).status_code == 404
    assert list(client.get("/gestion/imports/").context["rows"]) == []
