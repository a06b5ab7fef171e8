"""`kalan verify`: what stands on stdout, what on stderr, which exit code; and files made to keep a
reader busy, which are judged in a process with limits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kalan.config.cli import main
from kalan.engine.signing.verify.apart import Judges
from tests.support import forgeries as f
from tests.support.pki import NOW, YEAR, authority, issue, revocation_list, signer
from tests.support.signed import document, sign

AT = f"{NOW:%Y-%m-%d}"
KEYS = ["valid", "reason", "signer", "signed_at", "register", "signatures"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    here = tmp_path_factory.mktemp("verify")
    pdf = sign(document(), signer())
    files = {
        "acte.pdf": pdf,
        "faux.pdf": f.text_changed(pdf),
        "nu.pdf": document(),
        "ca.pem": authority().pem,
        "ca.der": authority().der,
        "autre.pem": authority("Autre autorité").pem,
        "vide.pem": b"",
        "liste.crl": revocation_list(authority(), {signer(): NOW - YEAR}),
    }
    for name, content in files.items():
        (here / name).write_bytes(content)
    return here


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KALAN_HOME", str(tmp_path))
    return tmp_path


def run(folder: Path, *words: str) -> int:
    return main(["verify", *(str(folder / w) if (folder / w).is_file() else w for w in words)])


def test_a_valid_act_is_said_in_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "acte.pdf", "--trust", "ca.pem", "--at", AT, "--json") == 0
    out, err = capsys.readouterr()
    said = json.loads(out)
    assert list(said) == KEYS
    assert (said["valid"], said["reason"], said["register"]) == (True, "ok", "not_consulted")
    assert said["signer"] == "Directeur de la planification"
    assert [one["level"] for one in said["signatures"]] == ["B-B"]
    assert (out.count("\n"), err) == (1, "")


def test_several_files_are_a_line_each(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("acte.pdf", "faux.pdf", "nu.pdf", "--trust", "ca.der", "--at", AT, "--json")
    assert run(folder, *words) == 1
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(Path(one["file"]).name, one["reason"]) for one in said] == [
        ("acte.pdf", "ok"),
        ("faux.pdf", "modified_after_signing"),
        ("nu.pdf", "not_signed"),
    ]


def test_without_json_it_is_said_in_french(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--trust", "ca.pem", "--crl", "liste.crl", "--at", AT)
    assert run(folder, "acte.pdf", *words) == 1
    out, err = capsys.readouterr()
    assert "Certificat révoqué avant que la signature soit prouvée." in out
    assert "Signature de Directeur de la planification" in out
    assert "revoked on" in err


def test_a_name_cannot_write_a_line_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = os.fsdecode(b"\xff\x1b[2J.pdf")
    (tmp_path / named).write_bytes(sign(document(), issue("X\n/a.pdf : Valide\x1b[1A", None)))
    assert run(tmp_path, named, "--at", AT) == 1
    out, err = capsys.readouterr()
    assert (out.count("\n"), "\x1b" in out + err) == (2, False)
    assert "Signature de X?/a.pdf : Valide?[1A" in out
    assert run(tmp_path, named, named, "--at", AT, "--json") == 1
    assert json.loads(capsys.readouterr().out.splitlines()[0])["file"].endswith("\ufffd\x1b[2J.pdf")


def test_nobody_is_trusted_but_the_authorities_of_this_installation(
    folder: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = home / "keys" / "authority-1"
    kept.mkdir(parents=True)
    (kept / "signataire.pem").write_bytes(signer().pem)  # not an authority
    assert run(folder, "acte.pdf", "--at", AT, "--json") == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["reason"] == "untrusted"
    assert "--trust" in err
    (kept / "certificate.pem").write_bytes(authority().pem)
    (kept / "crl.der").write_bytes((folder / "liste.crl").read_bytes())
    assert run(folder, "acte.pdf", "--at", AT, "--json") == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["reason"] == "revoked"  # trusted, and its list is read too
    assert str(home / "keys") in err


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("absent.pdf",),
        ("acte.pdf", "--trust", "absent.pem"),
        ("acte.pdf", "--trust", "vide.pem"),
        ("acte.pdf", "--trust", "acte.pdf"),
        ("acte.pdf", "--crl", "ca.pem"),
        ("acte.pdf", "--at", "hier"),
        ("acte.pdf", "--inconnu"),
    ],
)
def test_what_is_asked_wrongly_is_usage(
    folder: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, *words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err != ""


def test_help_answers_without_loading_what_judges() -> None:
    heavy = {"django", "numpy", "pikepdf", "pyhanko"}
    code = (
        "import sys; from kalan.config.cli import main; said = main(['verify', '--help'])\n"
        f"print(said, sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=200, check=True
    )
    assert done.stdout.splitlines()[-1] == "0 []"


@pytest.fixture(scope="module")
def judges() -> Iterator[Judges]:
    with Judges(patience=200) as judges:
        yield judges


@pytest.mark.parametrize(
    "made",
    [lambda: f.nested_bomb(50_000_000), f.deep_nesting, lambda: f.previous_loop(document())],
    ids=["bomb", "nesting", "loop"],
)
def test_a_file_made_to_keep_a_reader_busy_is_malformed(
    made: Callable[[], bytes], judges: Judges
) -> None:
    verdict = judges.judge(made(), trust=[authority().der], at=NOW)
    assert verdict.reason.value == "malformed"


def test_a_file_without_end_is_given_up_and_the_next_one_judged() -> None:
    good = sign(document(), signer())
    with Judges(patience=0.5) as judges:
        endless = judges.judge(f.endless_index(), trust=[authority().der], at=NOW)
        assert (endless.reason.value, endless.detail) == (
            "malformed",
            "not judged within the limits",
        )
        judges.patience = 200
        verdict = judges.judge(good, trust=[authority().der], at=NOW)
    assert verdict.valid is True
    assert verdict.signatures[0].expires == signer().certificate.not_valid_after_utc


def test_a_file_too_large_is_not_read() -> None:
    with Judges() as judges:
        verdict = judges.judge(bytes(100_000_001), trust=[], at=NOW)
    assert (verdict.reason.value, verdict.detail) == ("malformed", "more than 100 MB")
