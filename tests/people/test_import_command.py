"""kalan import: check a file, and merge it when told to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kalan.base.errors import Refused
from kalan.config import commands
from kalan.config.cli import parser
from kalan.people.models import Agent
from tests.factories import people
from tests.factories.imports import csv_bytes
from tests.people.test_import_staff import HEAD, row


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "agents.csv"
    path.write_bytes(csv_bytes([HEAD, row(), row(matricule="B", debut="bientôt")]))
    return path


def run(*words: str) -> int:
    return commands.run(parser().parse_args(["import", *words]))


def test_it_checks_by_default(
    tree: people.Tree, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("staff", str(file)) == 0
    out, err = capsys.readouterr()
    counts = json.loads(out)
    assert (counts["new"], counts["refused"], counts["total"]) == (1, 1, 2)
    assert "ligne 3 : Prise de service « bientôt » n’est pas une date" in err
    assert Agent.objects.count() == 0


def test_it_applies_when_told(
    tree: people.Tree, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("staff", str(file), "--apply") == 0
    assert json.loads(capsys.readouterr().out)["created"] == 1
    assert Agent.objects.get().last_name == "Diouf"


def test_it_acts_for_an_account_and_within_its_territory(
    tree: people.Tree, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    account = people.account("region", tree.kaolack)
    assert run("staff", str(file), "--apply", "--as", str(account.email)) == 0
    assert json.loads(capsys.readouterr().out)["refused"] == 2
    assert Agent.objects.count() == 0


def test_columns_by_their_titles(tree: people.Tree, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(csv_bytes([["A", "B", "C", "D"], ["Diouf", "Awa", row()[5], "2021-01-01"]]))
    titles = {"last_name": "A", "first_names": "B", "structure": "C", "start": "D"}
    assert run("staff", str(path), "--apply", "--mapping", json.dumps(titles)) == 0
    assert Agent.objects.get().first_names == "Awa"
    with pytest.raises(Refused, match="pas de colonne « Z »"):
        run("staff", str(path), "--mapping", '{"last_name": "Z"}')


def test_usage_and_refusals(tree: people.Tree, file: Path, tmp_path: Path) -> None:
    assert run("rien", str(file)) == 2
    assert run("staff", str(file), "--apply", "--dry-run") == 2
    assert run("staff", str(file), "--mapping", "pas du JSON") == 2
    with pytest.raises(Refused):
        run("staff", str(tmp_path / "absent.csv"))
    with pytest.raises(Refused):
        run("staff", str(file), "--as", "personne@exemple.sn")
