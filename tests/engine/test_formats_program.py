"""``kalan questions``: files of every encoding, verdicts, exit codes; no Django."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kalan.engine.formats import files
from kalan.engine.formats.program import run

GIFT = "$CATEGORY: Santé\n\n::é::Où ?{=ici ~là}\n\n::cassée::Quoi{=a\n\nVrai{T}\n"


def check(path: Path, capsys: pytest.CaptureFixture[str], code: int = 0) -> dict[str, Any]:
    assert run(["check", str(path), "--json"]) == code
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said


def test_a_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.txt"
    path.write_text(GIFT, encoding="utf-8")
    said = check(path, capsys, code=1)
    assert list(said) == ["total", "counts", "categories", "refused"]
    assert (said["total"], said["categories"]) == (2, 1)
    assert said["counts"] == {
        **dict.fromkeys(
            ["shortanswer", "matching", "numerical", "multianswer", "ordering", "essay"], 0
        ),
        "multichoice": 1,
        "truefalse": 1,
        "description": 0,
    }
    (refused,) = said["refused"]
    assert (refused["line"], refused["name"]) == (5, "cassée")
    assert run(["check", str(path)]) == 1
    assert "2 questions lues" in capsys.readouterr().out


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], encoding: str, end: str
) -> None:
    path = tmp_path / "a.gift"
    path.write_bytes(GIFT.replace("\n", end).encode(encoding))
    found = files.read(path)
    assert [q.name for q in found.questions] == ["é", "Vrai"]
    assert found.categories == ["Santé"]


def test_xml_in_windows_1252(tmp_path: Path) -> None:
    text = '<?xml version="1.0" encoding="ISO-8859-1"?><quiz><question type="essay"><name><text>'
    text += "œuvre é</text></name></question></quiz>"
    path = tmp_path / "a.xml"
    path.write_bytes(text.encode("cp1252"))
    assert [q.name for q in files.read(path).questions] == ["œuvre é"]


def test_aiken_is_told_from_gift(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Question ?\nA. a\nB. b\nANSWER: B\n", encoding="utf-8")
    assert check(path, capsys)["counts"]["multichoice"] == 1
    assert run(["check", str(path), "--json", "--from", "gift"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["description"] == 1


def test_convert_writes_questions_on_stdout_and_words_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.txt"
    path.write_text(GIFT, encoding="utf-8")
    assert run(["convert", str(path), "--to", "moodle-xml"]) == 1
    written = capsys.readouterr()
    assert "cassée" in written.err
    (tmp_path / "b.xml").write_text(written.out, encoding="utf-8")
    assert check(tmp_path / "b.xml", capsys)["total"] == 2
    assert run(["convert", str(tmp_path / "b.xml"), "--to", "aiken"]) == 0
    written = capsys.readouterr()
    assert written.out == "Où ?\nA) ici\nB) là\nANSWER: A\n\n"
    assert "Vrai" in written.err
    assert run(["convert", str(tmp_path / "b.xml"), "--to", "gift"]) == 0
    (tmp_path / "c.gift").write_text(capsys.readouterr().out, encoding="utf-8")
    assert check(tmp_path / "c.gift", capsys)["total"] == 2


def test_files_that_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    for data, reason in ((b"", "vide"), (b"PK\x03\x04\x00\x00", "texte")):
        path.write_bytes(data)
        assert run(["check", str(path)]) == 1
        assert reason in capsys.readouterr().err
    monkeypatch.setattr(files, "LIMIT", 3)
    path.write_bytes(b"q{T}")
    assert run(["check", str(path)]) == 1
    assert "50" in capsys.readouterr().err
    assert run(["check", str(tmp_path / "none")]) == 1
    assert run(["check"]) == 2
    assert run(["convert", str(path)]) == 2


def test_the_program_loads_neither_django_nor_numpy(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("q{T}", encoding="utf-8")
    code = (
        "import sys; from kalan.config.cli import main; "
        f"code = main(['questions', 'check', {str(path)!r}, '--json']); "
        "sys.exit(code or ('django' in sys.modules) or ('numpy' in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["total"] == 1
