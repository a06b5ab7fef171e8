"""``kalan psychometrics``: JSON on stdout, diagnostics on stderr, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kalan.engine.psychometrics.commands import run

BANK = "item,a,b\nx,1,0\ny,1.5,0.5\n"


def _files(folder: Path, answers: str, bank: str = BANK) -> tuple[str, str]:
    (folder / "bank.csv").write_text(bank, encoding="utf-8")
    (folder / "file.csv").write_text(answers, encoding="utf-8")
    return str(folder / "bank.csv"), str(folder / "file.csv")


def test_score(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bank, file = _files(tmp_path, "id,y,x\na,1,1\nb,0,1\nc,0,0\nd,,\n")
    assert run(["score", "--bank", bank, "--method", "ML", file]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["id"] for one in found] == ["a", "b", "c", "d"]
    assert [found[n]["theta"] for n in (0, 2, 3)] == ["inf", "-inf", None]
    assert [found[n]["se"] for n in (0, 2, 3)] == ["inf", "inf", None]
    assert isinstance(found[1]["theta"], float)
    assert run(["score", "--bank", bank, file]) == 0
    eap = json.loads(capsys.readouterr().out)
    assert eap[0]["theta"] > eap[1]["theta"] > eap[2]["theta"]
    assert abs(eap[3]["theta"]) < 1e-9
    assert run(["score", "--bank", bank, "--nodes", "5", "--range", "3", file]) == 0
    assert json.loads(capsys.readouterr().out)[0]["theta"] != eap[0]["theta"]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ("id,x\na,2\n", "Question « x » : réponse 2"),
        ("id,x,z\na,1,1\n", "« z » : absente de la banque"),
        ("id,x\na,1\na,1\n", "« a » est déjà à la ligne 2"),
    ],
)
def test_a_refusal_writes_nothing_on_stdout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], answers: str, message: str
) -> None:
    bank, file = _files(tmp_path, answers)
    assert run(["score", "--bank", bank, file]) == 1
    found = capsys.readouterr()
    assert found.out == ""
    assert message in found.err.replace("\u00a0", " ")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nothing"],
        ["score", "x.csv"],
        ["score", "--bank", "b.csv", "--method", "BAYES", "x.csv"],
        ["score", "--bank", "b.csv", "--nodes", "1", "x.csv"],
        ["score", "--bank", "b.csv", "--sd", "0", "x.csv"],
    ],
)
def test_usage(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert run(words) == 2
    assert "usage" in capsys.readouterr().err


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    assert "score" in capsys.readouterr().out


def test_the_program_needs_neither_django_nor_a_database(tmp_path: Path) -> None:
    bank, file = _files(tmp_path, "id,x\na,1\n")
    code = (
        "import sys; from kalan.config.cli import main\n"
        f"status = main(['psychometrics', 'score', '--bank', {bank!r}, {file!r}])\n"
        "assert 'django' not in sys.modules and 'scipy' not in sys.modules\n"
        "sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env={}
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["id"] == "a"
