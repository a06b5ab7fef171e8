"""Files and options that once went wrong: each is refused, or its outcome said, in French."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kalan.engine.psychometrics.blueprint import read_blueprint
from kalan.engine.psychometrics.commands.program import run
from kalan.engine.psychometrics.csvfiles.answers import read_answers
from kalan.engine.psychometrics.data import Responses
from kalan.engine.psychometrics.dif import logistic
from kalan.engine.psychometrics.errors import DataError


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"id,q1\ra,1\rb,0\r", "ligne 1\u00a0: les fins de ligne"),
        (b"i\0d\0,\0q\0\n\0", "ligne 1\u00a0: ce n’est pas du texte"),
        (b"id,q1\na,0_1\n", "Ligne 2, colonne «\u00a0q1\u00a0»"),
        (b"ID,q1\np1,1\n", "--ignore «\u00a0ID\u00a0»"),
    ],
)
def test_a_file_that_is_not_read(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(data)
    with pytest.raises(DataError) as refused:
        read_answers(path)
    assert message in str(refused.value)


def test_why_a_file_does_not_open_is_said_in_french(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="introuvable"):
        read_answers(tmp_path / "absent.csv")
    with pytest.raises(DataError, match="c’est un dossier"):
        read_answers(tmp_path)
    with pytest.raises(DataError, match="introuvable"):
        read_blueprint(tmp_path / "absent.json")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"length": 5, "length": 6}', "présent deux fois"),
        (b"{", "ligne 1, colonne 2"),
        (b"\xff", "UTF-8"),
    ],
)
def test_a_blueprint_that_is_not_read(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "b.json"
    path.write_bytes(data)
    with pytest.raises(DataError, match=message):
        read_blueprint(path)


def test_two_persons_are_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two persons leave the information matrix singular."""
    path = tmp_path / "two.csv"
    path.write_text("q1,q2,q3,q4,q5\n1,1,1,1,1\n0,0,0,0,0\n")
    assert run(["calibrate", "--model", "2PL", str(path)]) == 0
    assert json.loads(capsys.readouterr().out)["warnings"]


@pytest.mark.parametrize(
    "words",
    [
        ["simulate", "--bank", "b", "--blueprint", "b", "--seed", "-1"],
        ["score", "--bank", "b", "--mean", "nan", "f"],
    ],
)
def test_absurd_options_are_usage_errors(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 2
    assert not capsys.readouterr().out


def test_dif_says_who_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "d.csv"
    path.write_text("g,q1,q2\nF,1,\nR,0,\nX,1,\n,0,\n")
    assert run(["dif", "--group", "g", "--focal", "F", str(path)]) == 0
    said = capsys.readouterr().err
    assert "1 case(s) vide(s)" in said
    assert "plus de deux groupes" in said
    assert "3 personne(s)" in said
    assert "«\u00a0q2\u00a0»" in said


def test_logistic_gives_no_odds_where_the_groups_are_separated() -> None:
    focal = np.arange(40) % 2 == 1
    table = np.column_stack([~focal, np.arange(40) % 4 < 2, np.arange(40) % 8 < 4]).astype(int)
    found = logistic(Responses.from_dense(table), focal)[0]
    assert found.mh_or is None
    assert found.delta is None
    assert found.klass == "C"


def test_possible_but_odd_banks_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bank, answers = tmp_path / "b.csv", tmp_path / "x.csv"
    bank.write_text("item,a,b,c\nq1,12,0,0\nq2,1,80,0\nq3,1,0,0.9\nq4,1,0,0\n")
    answers.write_text("q1,q2,q3,q4\n1,0,1,0\n")
    assert run(["score", "--bank", str(bank), str(answers)]) == 0
    said = capsys.readouterr().err.splitlines()
    assert [line.split("«\u00a0")[1][:2] for line in said] == ["q1", "q2", "q3"]
