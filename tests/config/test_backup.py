"""kalan backup and restore on real installations, SQLite and PostgreSQL, through the program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from kalan.people.models import Agent
from tests.factories import people
from tests.support import postgres
from tests.support.server import Server, environment, make_home

pytestmark = pytest.mark.process


@pytest.fixture(params=["offline", "offline_postgresql"])
def house(request: pytest.FixtureRequest) -> Server:
    """An installation with one agent and one stored file."""
    server: Server = request.getfixturevalue(request.param)
    with server.database():
        people.account()
        people.agent(last_name="Sagna")
    folder = server.home / "files" / "2023" / "03"
    folder.mkdir(parents=True)
    (folder / "feuille.pdf").write_bytes(b"%PDF-1.7 feuille")
    return server


Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def kalan(house: Server) -> Program:
    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "kalan.config.cli", *map(str, words)],
            env=environment(house.home, **house.settings),
            cwd=house.home,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


def names(house: Server) -> list[str]:
    with house.database():
        return list(Agent.objects.order_by("pk").values_list("last_name", flat=True))


def saved(kalan: Program, house: Server) -> Path:
    done = kalan("backup", "--to", house.home / "sauvegardes")
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def test_what_was_there_comes_back(house: Server, kalan: Program) -> None:
    archive = saved(kalan, house)
    assert archive.stat().st_mode & 0o777 == 0o600
    with house.database():
        Agent.objects.update(last_name="Perdu")
    (house.home / "files" / "2023" / "03" / "feuille.pdf").unlink()
    done = kalan("restore", archive, "--yes")
    assert (done.returncode, done.stdout) == (0, f"Restauré : {archive}\n"), done.stderr
    assert names(house) == ["Sagna"]
    found = (house.home / "files" / "2023" / "03" / "feuille.pdf").read_bytes()
    assert found == b"%PDF-1.7 feuille"


def test_restore_saves_what_it_replaces(house: Server, kalan: Program) -> None:
    archive = saved(kalan, house)
    with house.database():
        Agent.objects.update(last_name="Perdu")
    kalan("restore", archive, "--yes")
    (before,) = (house.home / "backups").glob("kalan-*.tar")
    assert kalan("restore", before, "--yes").returncode == 0
    assert names(house) == ["Perdu"]


def test_restore_refuses_to_overwrite_without_being_told(house: Server, kalan: Program) -> None:
    archive = saved(kalan, house)
    with house.database():
        Agent.objects.update(last_name="Présent")
    done = kalan("restore", archive)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip() == (
        "Cette installation contient déjà des données, qui seraient remplacées. "
        "Relancez avec --yes : elles seront d’abord sauvegardées."
    )
    assert names(house) == ["Présent"]


def test_a_damaged_archive_changes_nothing(house: Server, kalan: Program) -> None:
    archive = saved(kalan, house)
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 0xFF
    archive.write_bytes(content)
    done = kalan("restore", archive, "--yes")
    assert done.returncode == 1
    assert "est abîmée" in done.stderr
    assert names(house) == ["Sagna"]


def test_a_file_that_is_no_archive_is_refused(house: Server, kalan: Program) -> None:
    stranger = house.home / "photo.tar"
    stranger.write_bytes(b"\x89PNG")
    done = kalan("restore", stranger, "--yes")
    assert done.returncode == 1
    assert "n’est pas une sauvegarde de Kalan" in done.stderr


def test_restore_waits_for_kalan_to_be_stopped(house: Server, kalan: Program) -> None:
    archive = saved(kalan, house)
    house.start()
    done = kalan("restore", archive, "--yes")
    assert done.returncode == 1
    assert done.stderr.startswith("Kalan fonctionne encore sur ces données.")
    house.stop()
    assert kalan("restore", archive, "--yes").returncode == 0


def test_an_archive_of_a_newer_kalan_is_refused(house: Server, kalan: Program) -> None:
    archive = saved(kalan, house)
    _change_manifest(archive, lambda manifest: manifest["migrations"].append("people.9999_later"))
    done = kalan("restore", archive, "--yes")
    assert done.returncode == 1
    assert "version plus récente de Kalan (people.9999_later)" in done.stderr
    assert names(house) == ["Sagna"]


def test_the_manifest_counts_rows_and_names_every_file(house: Server, kalan: Program) -> None:
    with tarfile.open(saved(kalan, house)) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        members = sorted(name for name in tar.getnames() if name != "manifest.json")
    assert (manifest["rows"]["people_agent"], manifest["rows"]["people_account"]) == (1, 1)
    assert sorted(manifest["members"]) == members
    assert "files/2023/03/feuille.pdf" in members


def test_only_the_last_ones_are_kept(house: Server, kalan: Program) -> None:
    folder = house.home / "sauvegardes"
    made = [saved(kalan, house) for _ in range(3)]
    done = kalan("backup", "--to", folder, "--keep", "2")
    kept = sorted(folder.iterdir())
    assert kept == [made[2], Path(done.stdout.strip())]


def test_an_empty_house_takes_an_archive_without_asking(
    house: Server, kalan: Program, tmp_path: Path
) -> None:
    archive = saved(kalan, house)
    with house.database():
        Agent.objects.all().delete()
    other = tmp_path / "neuf"
    if "KALAN_DATABASE_URL" in house.settings:
        url = postgres.new_database(house.settings["KALAN_DATABASE_URL"], f"neuf_{os.getpid()}")
        house.settings["KALAN_DATABASE_URL"] = url
    house.home = other
    make_home(other, **house.settings)
    assert kalan("restore", archive).returncode == 0
    assert names(house) == ["Sagna"]


def _change_manifest(archive: Path, change: Callable[[dict[str, object]], None]) -> None:
    folder = archive.with_suffix(".d")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with tarfile.open(archive, "w") as tar:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                tar.add(path, arcname=str(path.relative_to(folder)))
