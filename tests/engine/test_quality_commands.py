"""``kalan psychometrics fit | dif | link``: files in, JSON out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kalan.engine.psychometrics.commands.program import run

BANK = "item,a,b\nx,1,0\ny,1.5,0.5\nz,0.8,-1\n"


@pytest.fixture
def ask(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)

    def call(*words: str, **files: str) -> Any:
        for name, text in files.items():
            Path(f"{name}.csv").write_text(text, encoding="utf-8")
        code = run(list(words))
        out, said = capsys.readouterr()
        return json.loads(out) if code == 0 else (code, out, said)

    return call


def answers(persons: int = 400) -> str:
    rng = np.random.default_rng(0)
    theta = rng.normal(size=persons)
    p = 1 / (1 + np.exp(-np.array([1, 1.5, 0.8]) * (theta[:, None] - np.array([0, 0.5, -1]))))
    table = (rng.random(p.shape) < p).astype(int)
    rows = [f"p{n},{'fh'[n % 2]},{row[0]},{row[1]},{row[2]}" for n, row in enumerate(table)]
    return "id,sexe,x,y,z\n" + "\n".join(rows) + "\n"


def test_fit(ask: Any) -> None:
    found = ask(
        "fit", "--bank", "bank.csv", "--ignore", "sexe", "file.csv", bank=BANK, file=answers()
    )
    assert [one["item"] for one in found["items"]] == ["x", "y", "z"]
    assert set(found["items"][0]) == {"item", "sx2", "df", "p", "infit", "outfit"}
    assert len(found["persons"]) == 400
    assert set(found["persons"][0]) == {"id", "lz", "lz_star", "infit", "outfit"}
    # Three items leave two score groups and two parameters: nothing is left to test.
    assert [one["p"] for one in found["items"]] == [None] * 3


def test_fit_of_an_adaptive_file_says_that_sx2_has_nobody(
    ask: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    found = ask("fit", "--bank", "bank.csv", "file.csv", bank=BANK, file="x,y,z\n1,0,\n,1,0\n")
    assert [one["sx2"] for one in found["items"]] == [None] * 3
    assert found["persons"][0]["id"] == "1"


def test_dif(ask: Any) -> None:
    for method in ("mh", "logistic"):
        found = ask(
            "dif", "--group", "sexe", "--focal", "f", "--method", method, "file.csv", file=answers()
        )
        assert [one["item"] for one in found] == ["x", "y", "z"]
        assert {"item", "mh_or", "delta", "class", "chi2", "p"} <= set(found[0])
        assert [one["class"] for one in found] == ["A"] * 3


def test_dif_names_the_values_when_the_focal_one_is_not_there(ask: Any) -> None:
    code, out, said = ask("dif", "--group", "sexe", "--focal", "F", "file.csv", file=answers())
    assert (code, out) == (1, "")
    assert "« sexe » : aucune ligne ne vaut « F ». Valeurs lues : f, h." in said.replace(
        "\xa0", " "
    )


def test_link(ask: Any) -> None:
    other = "item,a,b\nx,2,0.25\ny,3,0.5\nz,1.6,-0.25\n"
    for method in ("mean-mean", "mean-sigma", "haebara", "stocking-lord"):
        found = ask("link", "--from", "a.csv", "--to", "b.csv", "--method", method, a=BANK, b=other)
        assert found["A"] == pytest.approx(0.5, abs=1e-7)
        assert found["B"] == pytest.approx(0.25, abs=1e-7)
        assert found["common"] == 3


def test_link_without_common_items(ask: Any) -> None:
    code, out, said = ask(
        "link", "--from", "a.csv", "--to", "b.csv", a=BANK, b="item,a,b\nu,1,0\nx,1,1\n"
    )
    assert (code, out) == (1, "")
    assert "1 question commune" in said
