"""Files of answers and banks: what is read, and how each bad cell is named."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalan.engine.psychometrics.csvfiles import table
from kalan.engine.psychometrics.csvfiles.answers import iter_answers, read_answers
from kalan.engine.psychometrics.csvfiles.banks import read_bank
from kalan.engine.psychometrics.data import GRADED, LOGISTIC, PARTIAL_CREDIT
from kalan.engine.psychometrics.errors import DataError


def _file(folder: Path, text: str | bytes, name: str = "f.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@contextmanager
def _refused(message: str) -> Iterator[None]:
    """The refusal matches; no-break spaces count as spaces."""
    with pytest.raises(DataError) as refusal:
        yield
    assert re.search(message, str(refusal.value).replace("\u00a0", " ")), str(refusal.value)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separators_bom_missing_and_floats(tmp_path: Path, separator: str, end: str) -> None:
    lines = ["id,q1,q2,n", "é1,1,,2", "b,0,3.0,1", "c,12, ,0", ""]
    text = end.join(lines).replace(",", separator)
    found = read_answers(_file(tmp_path, "\ufeff" + text), weights="n")
    assert found.responses.items == ("q1", "q2")
    assert found.responses.ids == ("é1", "b", "c")
    assert found.responses.dense().tolist() == [[1, -1], [0, 3], [12, -1]]
    assert found.responses.weight.tolist() == [2, 1, 0]
    assert found.lines.tolist() == [2, 3, 4]


def test_quoted_cells_empty_lines_and_labels(tmp_path: Path) -> None:
    path = _file(tmp_path, 'id,g,q1\n"a, b",x,1\n\n"c\nd","y ""z""",0\n')
    found = read_answers(path, labels=["g"])
    assert found.responses.ids == ("a, b", "c\nd")
    assert found.labels == {"g": ("x", 'y "z"')}
    assert found.responses.dense().tolist() == [[1], [0]]
    plain = read_answers(_file(tmp_path, "q1,q2\n1,0\n\n0,1\n\n"))
    assert plain.lines.tolist() == [2, 4]
    assert plain.responses.ids == ("1", "2")


def test_blocks_join_to_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    matrix = rng.integers(-1, 3, (200, 4))
    rows = [",".join("" if x < 0 else str(x) for x in row) for row in matrix.tolist()]
    text = "id,a,b,c,d\n" + "\n".join(f"p{n},{row}" for n, row in enumerate(rows))
    path = _file(tmp_path, text)
    monkeypatch.setattr(table, "BLOCK", 50)
    parts = list(iter_answers(path))
    assert len(parts) > 20
    whole = read_answers(path)
    assert whole.responses.dense().tolist() == matrix.tolist()
    assert whole.responses.ids == tuple(f"p{n}" for n in range(200))
    assert whole.lines.tolist() == list(range(2, 202))


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.lists(st.sampled_from(["", "0", "1", "2", "10", "1.0"]), min_size=2, max_size=2)),
    st.booleans(),
)
def test_plain_and_quoted_text_read_alike(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], quoted: bool
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    mark = '"' if quoted else ""
    body = "".join(
        f"{mark}p{n}{mark},{','.join(mark + cell + mark for cell in row)}\n"
        for n, row in enumerate(rows)
    )
    path = _file(folder, "id,x,y\n" + body)
    if not rows:
        with _refused("aucune personne"):
            read_answers(path)
        return
    wanted = [[int(float(cell)) if cell else -1 for cell in row] for row in rows]
    assert read_answers(path).responses.dense().tolist() == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "fichier vide"),
        ("id,q1\n", "aucune personne"),
        ("id,n\na,1\n", "aucune colonne de question"),
        ("id,q1\na,1\nb,x\n", "Ligne 3, colonne « q1 » : « x » n’est pas un nombre"),
        ("id,q1\na,1.5\n", "Ligne 2, colonne « q1 » : « 1.5 » n’est pas une catégorie"),
        ("id,q1\na,-1\n", "« -1 » n’est pas une catégorie"),
        ("id,q1\na,nan\n", "« nan » n’est pas une catégorie"),
        ("id,q1\na,500\n", "« 500 » n’est pas une catégorie"),
        ("id,q1,q2\na,1\n", "ligne 2 : 2 cases au lieu de 3"),
        ("id,q1\na,1,1\n", "ligne 2 : 3 cases au lieu de 2"),
        ("id,q1\na,1\nb,0\na,1\n", "Ligne 4, colonne « id » : « a » est déjà à la ligne 2"),
        ("id,q1\na,1\n,0\n", "Ligne 3, colonne « id » : case vide"),
        ("id,q1,q1\na,1,1\n", "colonne « q1 » : présente deux fois"),
        ("id,,q1\na,1,1\n", "colonne 2 : sans nom"),
        ("id,q1,n\na,1,-2\n", "Ligne 2, colonne « n » : « -2 » est négatif"),
        ("id,q1,n\na,1,\n", "Ligne 2, colonne « n » : case vide"),
        ("id,q1,n\na,1,x\n", "Ligne 2, colonne « n » : « x » n’est pas un nombre"),
        ('id,q1\n"a",1\n"b","z"\n', "Ligne 3, colonne « q1 » : « z »"),
        ('id,q1\n"a",1,2\n', "ligne 2 : 3 cases"),
    ],
)
def test_bad_answers_are_named(tmp_path: Path, text: str, message: str) -> None:
    with _refused(message):
        read_answers(_file(tmp_path, text), weights="n" if ",n\n" in text else None)


def test_what_is_not_a_utf8_file(tmp_path: Path) -> None:
    with _refused("ligne 3 : ce n’est pas de l’UTF-8"):
        read_answers(_file(tmp_path, "id,q1\na,1\né,0\n".encode("latin-1")))
    with _refused("introuvable"):
        read_answers(tmp_path / "absent.csv")
    with _refused("pas de colonne « w »"):
        read_answers(_file(tmp_path, "id,q1\na,1\n"), weights="w")


def test_banks(tmp_path: Path) -> None:
    three = read_bank(_file(tmp_path, "item;a;b;c;area\nx;1,2;-0,5;0,2;geo\ny;1;0;;\n"))
    assert three.a.tolist() == [1.2, 1.0]
    assert three.c.tolist() == [0.2, 0.0]
    assert three.area == ("geo", "")
    assert three.family.tolist() == [LOGISTIC] * 2
    text = "item,a,b1,b2,b3\nx,1,-1,0,1\ny,2,-1,0.5,\n"
    graded = read_bank(_file(tmp_path, text))
    assert graded.family.tolist() == [GRADED] * 2
    assert graded.top.tolist() == [3, 2]
    partial = read_bank(_file(tmp_path, text), "GPCM")
    assert partial.family.tolist() == [PARTIAL_CREDIT] * 2
    mixed = read_bank(_file(tmp_path, "item,b,b1,b2,model\nx,0.3,,,1PL\ny,,1,0,GPCM\n"))
    assert mixed.family.tolist() == [LOGISTIC, PARTIAL_CREDIT]
    assert mixed.a.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,0\n", "pas de colonne « item »"),
        ("item,a\nx,1\n", "pas de colonne « b »"),
        ("item,a,b\n", "aucune question"),
        ("item,a,b\nx,,0\n", "ligne 2, question « x », colonne « a » : case vide"),
        ("item,a,b\nx,1,0\ny,u,0\n", "ligne 3, question « y », colonne « a » : « u » n’est pas"),
        ("item,a,b\nx,-1,0\n", "question « x » : pente .* négative"),
        ("item,a,b\nx,99,0\n", "question « x » : pente .* au-delà"),
        ("item,a,b\nx,1,0\nx,1,0\n", "« x » : présente deux fois"),
        ("item,a,b,c\nx,1,0,1.2\n", "question « x » : il faut 0 ≤ c < d ≤ 1"),
        ("item,a,b1,b2\nx,1,0,-1\n", "question « x » : seuils"),
        ("item,a,b1,b2\nx,1,,1\n", "colonne « b1 » : case vide avant « b2 »"),
        ("item,a,b,b1\nx,1,0,1\n", "« b » et « b1 » sont remplis"),
        ("item,a,b,model\nx,1,0,9PL\n", "« 9PL » est inconnu"),
        ("item,a,b1,b2,model\nx,1,0,1,2PL\n", "n’a qu’une difficulté"),
        ("item,a,b\nx,1,inf\n", "n’est pas un nombre fini"),
        ("item,a,b\n,1,0\n", "ligne 2, colonne « item » : case vide"),
    ],
)
def test_bad_banks_are_named(tmp_path: Path, text: str, message: str) -> None:
    with _refused(message):
        read_bank(_file(tmp_path, text))


@pytest.mark.slow
def test_ten_million_rows_in_bounded_memory(tmp_path: Path) -> None:
    """Read, joined by pattern and calibrated within 1.5 GB, in minutes."""
    path = tmp_path / "large.csv"
    rng = np.random.default_rng(1)
    with path.open("wb") as file:
        file.write(b"id,q1,q2,q3\n")
        for first in range(0, 10_000_000, 500_000):
            ids = np.char.mod("p%08d,", np.arange(first, first + 500_000)).astype("S10")
            cells = np.full((500_000, 6), ord(","), np.uint8)
            theta = rng.normal(size=(500_000, 1))
            right = rng.random((500_000, 3)) < 1 / (1 + np.exp([-1.0, 0.0, 1.0] - theta))
            cells[:, 0::2] = ord("0") + right
            cells[:, -1] = ord("\n")
            rows = np.concatenate([ids.view(np.uint8).reshape(-1, 10), cells], axis=1)
            file.write(rows.tobytes())
    code = (
        "import resource, sys\n"
        "from kalan.engine.psychometrics.commands.program import run\n"
        f"status = run(['calibrate', '--model', '1PL', {str(path)!r}])\n"
        "sys.stderr.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))\n"
        "sys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["n_persons"] == 10_000_000
    assert abs(found["items"][0]["a"] - 1) < 0.01
    assert int(done.stderr) < 1_500_000  # kB
