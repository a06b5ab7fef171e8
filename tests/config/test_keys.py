"""kalan keys through the program, and keys in a backup: encrypted, or not at all."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

import pytest

from kalan.base.errors import Refused
from kalan.config import cli, keys
from kalan.engine.signing import keyfiles
from tests.config.test_backup import Program, program
from tests.support.server import Server

pytestmark = pytest.mark.one_database
PASSPHRASE = "quatre mots pris au hasard"


@pytest.fixture
def kalan(offline: Server) -> Program:
    return program(offline)


def secret(home: Path, words: str = PASSPHRASE) -> Path:
    path = home / "phrase"
    path.write_text(f"{words}\n")
    path.chmod(0o600)
    return path


def modes(home: Path) -> dict[str, int]:
    root = home / "keys"
    return {
        path.relative_to(root).as_posix(): path.stat().st_mode & 0o777
        for path in sorted(root.rglob("*"))
    }


@pytest.mark.process
def test_keys_are_made_saved_without_their_passphrase_and_come_back(
    offline: Server, kalan: Program
) -> None:
    home, phrase = offline.home, secret(offline.home)
    done = kalan("keys", "create", "--name", "Ministère", "--algorithm", "p-256",
                 "--passphrase-file", phrase)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3
    before = modes(home)
    assert set(before.values()) == {0o600, 0o700}
    bare = home / "keys" / "oubli.pem"
    keyfiles.write(bare, b"-----BEGIN PRIVATE KEY-----\nMIG\n-----END PRIVATE KEY-----\n")

    saved = kalan("backup", "--to", home / "sauvegardes")
    assert saved.returncode == 0
    assert "keys/oubli.pem contient une clé privée en clair" in saved.stderr
    with tarfile.open(saved.stdout.strip()) as tar:
        members = {info.name.removeprefix("keys/") for info in tar if "keys/" in info.name}
    kept = {name for name in before if name.endswith((".p8", ".pem", ".der"))}
    assert members == kept

    shutil.rmtree(home / "keys")
    done = kalan("restore", saved.stdout.strip(), "--yes")
    assert done.returncode == 0
    assert done.stderr.count("phrase secrète de la clé à donner (kalan keys unlock)") == 3
    found = json.loads(kalan("keys", "list", "--json").stdout)
    assert [key["state"] for key in found] == ["locked"] * 3
    done = kalan("keys", "unlock", found[0]["uid"], "--passphrase-file", phrase)
    assert (done.returncode, done.stdout.count("prête")) == (0, 1), done.stderr
    after = modes(home)
    assert {name: after[name] for name in kept} == dict.fromkeys(kept, 0o600)
    assert set(after.values()) == {0o600, 0o700}


def run(*words: str | Path) -> int:
    """The command in this process, on the test's own database."""
    try:
        return keys.run(cli.parser().parse_args(["keys", *map(str, words)]))
    except SystemExit as usage:
        return int(usage.code or 0)


@pytest.mark.django_db
def test_what_cannot_be_done_is_said(
    tmp_path: Path, settings: object, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.KALAN_HOME = tmp_path  # type: ignore[attr-defined]
    phrase = secret(tmp_path)
    assert run() == 2
    assert run("import", "--name", "a", "--passphrase-file", phrase) == 2
    assert run("list") == 0
    assert run("check") == 0
    said = capsys.readouterr()
    assert said.out == "Les clés sont en ordre.\n"
    assert "Aucune clé." in said.err
    (tmp_path / "a.p12").write_text("no key")
    refusals = [
        (("create", "--name", "Ministère"), "La phrase secrète se tape au clavier"),
        (("create", "--name", "a", "--passphrase-file", tmp_path / "b"), "ne se lit pas"),
        (("rotate", "x", "--passphrase-file", phrase), "Aucune clé ne s’appelle"),
        (
            ("import", tmp_path / "a.p12", "--name", "a", "--passphrase-file", phrase),
            "Ce fichier ne contient pas de clé privée PEM lisible.",
        ),
    ]
    for words, message in refusals:
        with pytest.raises(Refused) as refused:
            run(*words)
        assert message in refused.value.message
        assert refused.value.remedy
    assert not (tmp_path / "keys").exists()
