"""kalan export: all tables, a complete French dictionary, no secrets, no formulas."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from auditlog.models import LogEntry

from kalan.assessment.services import exam_room
from kalan.base.errors import Refused
from kalan.config import export
from kalan.people.actor import SYSTEM
from kalan.people.models import Agent
from tests.factories import exams, people
from tests.factories.people import NOW

pytestmark = pytest.mark.usefixtures("journal")


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def test_every_table_and_column_has_a_french_meaning() -> None:
    silent = []
    for model in export.tables():
        table = model._meta.db_table
        if export.meaning(table) is None:
            silent.append(table)
        for field in export.columns(model):
            if export.meaning(table, field.column) is None:
                silent.append(f"{table}.{field.column}")
    assert silent == [], "add these to src/kalan/config/dictionary.csv"


def test_no_meaning_is_cut_at_a_semicolon() -> None:
    with Path(export.__file__).with_name("dictionary.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter=";"))
    assert [row for row in rows if len(row) != 2] == []


def test_rows_dates_and_formulas(tree: people.Tree, tmp_path: Path) -> None:
    agent = people.agent(tree.centre_sokone, last_name="=2+3", first_names="N’Dèye")
    counts = export.export(folder=tmp_path / "sortie", now=NOW)
    rows = read(tmp_path / "sortie" / "people_agent.csv")
    assert counts["people_agent.csv"] == len(rows) == 1
    assert rows[0]["last_name"] == "'=2+3"
    assert rows[0]["first_names"] == "N’Dèye"
    assert rows[0]["created_at"] == "2023-03-20T09:00:00.000+00:00"
    assert rows[0]["id"] == str(agent.pk)
    assert counts["people_post.csv"] == 1


def test_no_password_and_no_code_leaves(tree: people.Tree, tmp_path: Path) -> None:
    account = people.account()
    export.export(folder=tmp_path / "sortie", now=NOW)
    written = "".join(p.read_text("utf-8-sig") for p in (tmp_path / "sortie").iterdir())
    assert account.password not in written
    assert "code_hash" not in written


def test_no_exam_code_no_device_and_no_key_of_a_question_leaves(
    tree: people.Tree, tmp_path: Path
) -> None:
    row = exams.begun(exams.candidate(exams.exam(tree.sokone), tree.centre_sokone))
    codes = [row.exam.code, exam_room.renew_code(actor=SYSTEM, exam=row.exam, now=NOW).code]
    export.export(folder=tmp_path / "sortie", now=NOW)
    written = "".join(p.read_text("utf-8-sig") for p in (tmp_path / "sortie").iterdir())
    assert not [secret for secret in (*codes, exams.DEVICE) if secret in written]
    assert not {"key", "words"} & read(tmp_path / "sortie" / "skills_itemversion.csv")[0].keys()
    changes = LogEntry.objects.get_for_object(row.exam).values_list("changes", flat=True)
    assert {"code": ["•••", "•••"]} in list(changes)


def test_the_dictionary_names_choices_and_references(db: None, tmp_path: Path) -> None:
    export.export(folder=tmp_path / "sortie", now=NOW)
    rows = read(tmp_path / "sortie" / export.DICTIONARY)
    found = {(row["fichier"], row["colonne"]): row for row in rows}
    sex = found["people_agent.csv", "sex"]
    assert sex["valeurs"] == "F = femme, M = homme,  = non renseigné"
    assert found["people_post.csv", "agent_id"]["renvoie à"] == "people_agent.csv"


def test_a_folder_in_use_is_refused(db: None, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("à garder")
    with pytest.raises(Refused) as refused:
        export.export(folder=tmp_path, now=NOW)
    assert refused.value.remedy == "Donnez un dossier nouveau."
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.django_db(transaction=True)
def test_the_export_shows_one_instant_and_lets_others_write(tmp_path: Path) -> None:
    people.agent()
    with export._one_instant():
        before = Agent.objects.count()
    people.agent()
    counts = export.export(folder=tmp_path / "sortie", now=NOW)
    assert (before, counts["people_agent.csv"]) == (1, 2)
