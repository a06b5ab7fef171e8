"""``kalan psychometrics``: JSON on stdout, diagnostics on stderr, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kalan.engine.psychometrics.commands.program import run
from tests.engine.calibration import bank, draw, lsat6_csv

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


def _calibrated(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert run(["calibrate", *words]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_calibrate_lsat6(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, file = _files(tmp_path, lsat6_csv())
    two = _calibrated(capsys, "--model", "2PL", "--weights", "n", file)
    assert two["model"] == "2PL"
    assert two["n_persons"] == 1000
    assert two["converged"] is True
    assert two["iterations"] > 1
    assert abs(two["loglik"] - -2466.653377513) < 1e-6
    assert [item["item"] for item in two["items"]] == ["q1", "q2", "q3", "q4", "q5"]
    a = [0.825659530, 0.722744203, 0.890874532, 0.688367982, 0.656855958]
    b = [-3.358811099, -1.370057623, -0.279666222, -1.866381007, -3.125906713]
    np.testing.assert_allclose([item["a"] for item in two["items"]], a, atol=1e-6)
    np.testing.assert_allclose([item["b"] for item in two["items"]], b, atol=1e-6)
    assert all(item["se"]["a"] > 0 and item["se"]["c"] is None for item in two["items"])
    one = _calibrated(capsys, "--model", "1PL", "--weights", "n", "--no-se", file)
    assert abs(one["loglik"] - -2466.937599582) < 1e-6
    assert one["items"][0]["se"]["a"] is None
    assert "groups" not in one


def _csv(folder: Path, model: str, theta: Any, groups: bool = False) -> str:
    table = draw(bank(model), theta).dense().tolist()
    half = len(table) // 2
    mark = [["g"], *([["old"]] * half), *([["new"]] * (len(table) - half))]
    rows = [[f"q{n}" for n in range(1, 7)], *table]
    if groups:
        rows = [[*row, *one] for row, one in zip(rows, mark, strict=True)]
    path = folder / "drawn.csv"
    path.write_text("".join(",".join(map(str, row)) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def test_calibrate_scored_items_groups_and_anchors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theta = np.random.default_rng(2).normal(size=400)
    theta[200:] += 0.5
    file = _csv(tmp_path, "GRM", theta, groups=True)
    found = _calibrated(capsys, "--model", "GRM", "--group", "g", "--reference", "old", file)
    assert [len(item["b"]) for item in found["items"]] == [2, 3, 3, 3, 3, 3]
    assert len(found["items"][1]["se"]["b"]) == 3
    old, new = found["groups"]
    assert (old["mean"], old["sd"], old["se"]["mean"]) == (0, 1, None)
    assert 0.2 < new["mean"] < 0.9
    anchors = tmp_path / "anchors.csv"
    anchors.write_text("item,a,b1,b2,b3\nq2,1.2,-1,0,1\n", encoding="utf-8")
    held = _calibrated(capsys, "--model", "GRM", "--ignore", "g", "--anchors", str(anchors), file)
    assert held["items"][1]["a"] == 1.2
    assert held["items"][1]["b"] == pytest.approx([-1, 0, 1])
    assert held["groups"][0]["se"]["mean"] > 0


def test_calibrate_priors_and_lines_without_an_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _csv(tmp_path, "3PL", np.random.default_rng(2).normal(size=300))
    with Path(file).open("a", encoding="utf-8") as more:
        more.write(",,,,,\n")
    found = _calibrated(capsys, "--model", "3PL", "--priors", "product", file)
    assert found["n_persons"] == 301
    assert found["n_without_answer"] == 1
    assert found["log_posterior"] < found["loglik"]
    assert any("Lignes sans réponse" in text and "302" in text for text in found["warnings"])
    free = _calibrated(
        capsys, "--model", "3PL", "--priors", "a=lognormal(0,0.3) c=beta(50,200)", file
    )
    assert all(abs(item["c"] - 0.2) < 0.1 for item in free["items"])


@pytest.mark.parametrize(
    ("answers", "words", "message"),
    [
        ("q1,q2\n1,1\n0,1\n", [], "Question « q2 » : réponse 1 partout"),
        ("q1,q2\n1,\n0,\n", [], "Question « q2 » : aucune réponse"),
        ("q1,q2\n1,2\n0,0\n", [], "Question « q2 » : réponse 2"),
        ("q1,q2\n1,1\n0,0\n", ["--weights", "n"], "pas de colonne « n »"),
    ],
)
def test_calibrate_refuses(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    answers: str,
    words: list[str],
    message: str,
) -> None:
    _, file = _files(tmp_path, answers)
    assert run(["calibrate", "--model", "2PL", *words, file]) == 1
    found = capsys.readouterr()
    assert found.out == ""
    assert message in found.err.replace("\u00a0", " ")


@pytest.mark.parametrize("priors", ["x", "c=normal(0,1)", "a=lognormal(0,0)", "c=beta(0,2)"])
def test_calibrate_priors_that_cannot_be_read(
    capsys: pytest.CaptureFixture[str], priors: str
) -> None:
    assert run(["calibrate", "--model", "3PL", "--priors", priors, "x.csv"]) == 2
    assert priors in capsys.readouterr().err
