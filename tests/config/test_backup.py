"""kalan backup and restore on real installations, SQLite and PostgreSQL, through the program."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.test import override_settings

from kalan.base.errors import Refused
from kalan.config import databases
from kalan.config.databases import BEFORE
from kalan.people.models import Agent
from tests.factories import people
from tests.support import postgres
from tests.support.locks import made_once, run_folder
from tests.support.server import Server, copy_home, environment

pytestmark = pytest.mark.process

FOLDER = "sauvegardes"


Program = Callable[..., subprocess.CompletedProcess[str]]


def program(house: Server) -> Program:
    """The command ``kalan`` on ``house``."""

    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "kalan.config.cli", *map(str, words)],
            env=environment(house.home, **house.settings),
            cwd=house.home,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    return run


def save(house: Server) -> Path:
    done = program(house)("backup", "--to", house.home / FOLDER)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@dataclass
class Furnished:
    """An installation with one agent, one stored file and a backup of them, to copy."""

    home: Path
    cluster: str = ""  # where its database is; none: SQLite
    database: str = ""

    def copy(self, home: Path) -> Server:
        copy_home(self.home, home)
        if not self.cluster:
            return Server(home)
        name = f"house_{uuid.uuid4().hex}"
        url = postgres.new_database(self.cluster, name, template=self.database)
        return Server(home, KALAN_DATABASE_URL=url)


@pytest.fixture(scope="session", params=["offline", "offline_postgresql"])
def furnished(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: Any,
    plain_settings: dict[str, object],
) -> Furnished:
    cluster, database, port = "", "", ""
    more: dict[str, str] = {}
    if request.param == "offline":
        blank = request.getfixturevalue("blank_home")
    else:
        cluster = request.getfixturevalue("postgresql")
        template, blank = request.getfixturevalue("blank_postgresql")
        port = f"-{urlsplit(cluster).port}"
        database = f"furnished{port}"

    def make(home: Path) -> None:
        if cluster:
            more["KALAN_DATABASE_URL"] = postgres.new_database(cluster, database, template)
        house = Server(copy_home(blank, home), **more)
        with (
            django_db_blocker.unblock(),
            override_settings(**plain_settings),
            house.database(),
        ):
            people.account()
            people.agent(last_name="Sagna")
        folder = home / "files" / "2023" / "03"
        folder.mkdir(parents=True)
        (folder / "feuille.pdf").write_bytes(b"%PDF-1.7 feuille")
        save(house)
        if not cluster:
            house.checkpoint()

    home = made_once(run_folder(tmp_path_factory) / f"furnished{port}", make)
    return Furnished(home, cluster, database)


@pytest.fixture
def house(furnished: Furnished, tmp_path: Path, django_db_blocker: Any) -> Iterator[Server]:
    """An installation with one agent, one stored file and a backup of them."""
    server = furnished.copy(tmp_path / "house")
    with django_db_blocker.unblock():
        yield server
        server.stop()


@pytest.fixture
def archive(house: Server) -> Path:
    """The backup of all that the house holds."""
    (path,) = (house.home / FOLDER).iterdir()
    return path


@pytest.fixture
def kalan(house: Server) -> Program:
    return program(house)


def names(house: Server) -> list[str]:
    with house.database():
        return list(Agent.objects.order_by("pk").values_list("last_name", flat=True))


def test_what_was_there_comes_back(house: Server, kalan: Program, archive: Path) -> None:
    assert archive.stat().st_mode & 0o777 == 0o600
    with house.database():
        Agent.objects.update(last_name="Perdu")
    (house.home / "files" / "2023" / "03" / "feuille.pdf").unlink()
    done = kalan("restore", archive, "--yes")
    assert (done.returncode, done.stdout) == (0, f"Restauré : {archive}\n"), done.stderr
    assert names(house) == ["Sagna"]
    found = (house.home / "files" / "2023" / "03" / "feuille.pdf").read_bytes()
    assert found == b"%PDF-1.7 feuille"


def test_a_restoration_cut_short_is_done_again_before_anything_starts(
    house: Server, kalan: Program, archive: Path
) -> None:
    """What it replaced was saved: that is put back too, by the same command."""
    with house.database():
        Agent.objects.update(last_name="Perdu")
    kalan("restore", archive, "--yes")
    (before,) = (house.home / "backups").glob("kalan-*.tar")
    # As a kill between the database and the files leaves it.
    mark = house.home / "restoring"
    mark.write_text(str(before))
    (house.home / "files" / "2023" / "03" / "feuille.pdf").unlink()
    refused = kalan("worker", "--burst")
    assert refused.returncode == 1
    assert refused.stderr.strip() == (
        "Une restauration est en cours ou a été interrompue : la base et les fichiers ne vont "
        "peut-être plus ensemble. Relancez kalan restore avec la même archive. Pour revenir à ce "
        f"qui était là : kalan restore {before}."
    )
    done = kalan("restore", before)
    assert done.returncode == 0, done.stderr
    assert names(house) == ["Perdu"]
    assert (house.home / "files" / "2023" / "03" / "feuille.pdf").exists()
    assert (mark.exists(), list((house.home / "backups").iterdir())) == (False, [before])


def test_an_archive_with_other_rows_than_it_says_replaces_nothing(
    house: Server, archive: Path, tmp_path: Path
) -> None:
    with tarfile.open(archive) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        tar.extractall(tmp_path, filter="data")
    with house.database():
        Agent.objects.update(last_name="Présent")
        copy = tmp_path / databases.copy_name()
        with pytest.raises(Refused, match="people_agent n’a pas les 2 lignes annoncées"):
            databases.put_back(copy, manifest["rows"] | {"people_agent": 2})
        assert Agent.objects.get().last_name == "Présent"
        databases.put_back(copy, manifest["rows"])
    assert names(house) == ["Sagna"]


def test_restore_refuses_to_overwrite_without_being_told(
    house: Server, kalan: Program, archive: Path
) -> None:
    with house.database():
        Agent.objects.update(last_name="Présent")
    done = kalan("restore", archive)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip() == (
        "Cette installation contient déjà des données, qui seraient remplacées. "
        "Relancez avec --yes : elles seront d’abord sauvegardées."
    )
    assert names(house) == ["Présent"]


def test_a_damaged_archive_changes_nothing(house: Server, kalan: Program, archive: Path) -> None:
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


def test_restore_waits_for_kalan_to_be_stopped(
    house: Server, kalan: Program, archive: Path
) -> None:
    house.start()
    done = kalan("restore", archive, "--yes")
    assert done.returncode == 1
    assert done.stderr.startswith("Kalan fonctionne encore sur ces données.")
    house.stop()
    assert kalan("restore", archive, "--yes").returncode == 0


def test_an_archive_of_a_newer_kalan_is_refused(
    house: Server, kalan: Program, archive: Path
) -> None:
    _change_manifest(archive, lambda manifest: manifest["migrations"].append("people.9999_later"))
    done = kalan("restore", archive, "--yes")
    assert done.returncode == 1
    assert "version plus récente de Kalan (people.9999_later)" in done.stderr
    assert names(house) == ["Sagna"]


def test_the_manifest_counts_rows_and_names_every_file(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        members = sorted(name for name in tar.getnames() if name != "manifest.json")
    assert (manifest["rows"]["people_agent"], manifest["rows"]["people_account"]) == (1, 1)
    assert sorted(manifest["members"]) == members
    assert "files/2023/03/feuille.pdf" in members


def test_only_the_last_ones_are_kept(house: Server, kalan: Program, archive: Path) -> None:
    folder = house.home / FOLDER
    made = [archive, save(house), save(house)]
    done = kalan("backup", "--to", folder, "--keep", "2")
    kept = sorted(folder.iterdir())
    assert kept == [made[2], Path(done.stdout.strip())]


def test_an_empty_house_takes_an_archive_without_asking(
    furnished: Furnished, archive: Path, request: pytest.FixtureRequest
) -> None:
    kind = "offline_postgresql" if furnished.cluster else "offline"
    empty: Server = request.getfixturevalue(kind)
    assert names(empty) == []
    assert program(empty)("restore", archive).returncode == 0
    assert names(empty) == ["Sagna"]


@pytest.mark.parametrize("furnished", ["offline_postgresql"], indirect=True)
def test_a_restoration_takes_less_than_half_the_locks_of_a_server(
    house: Server, kalan: Program, archive: Path
) -> None:
    """And drops what one killed at its very end left behind."""
    leftover = f"CREATE SCHEMA {BEFORE}; CREATE TABLE {BEFORE}.old AS SELECT 1 AS one"
    done, counts = threading.Event(), [0]
    with psycopg.connect(house.settings["KALAN_DATABASE_URL"], autocommit=True) as other:
        other.execute(leftover)

        def watch() -> None:
            query = """SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
                       WHERE datname = current_database()"""
            while not done.wait(0.01):
                counts.append(other.execute(query).fetchall()[0][0])

        watcher = threading.Thread(target=watch)
        watcher.start()
        restored = kalan("restore", archive, "--yes")
        done.set()
        watcher.join()
        schemas = other.execute("SELECT nspname FROM pg_namespace").fetchall()
    assert restored.returncode == 0, restored.stderr
    assert names(house) == ["Sagna"]
    assert (BEFORE,) not in schemas
    # As it comes, PostgreSQL has room for 64 locks for each of 100 connections.
    # Less than a tenth of that: it was not watched at work.
    assert 64 * 100 // 20 < max(counts) < 64 * 100 // 2


def _change_manifest(archive: Path, change: Callable[[dict[str, Any]], None]) -> None:
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
