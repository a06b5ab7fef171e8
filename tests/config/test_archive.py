"""The archive of a backup, and the files of a restoration, without a database."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.config import archive, backup, restoring

PLAIN = {"format": 1, "engine": "sqlite", "migrations": [], "rows": {}, "missing_files": []}


def made(path: Path, content: bytes = b"feuille", **manifest: Any) -> Path:
    """An archive of one file, as ``archive.write`` makes it."""
    source = path.with_suffix(".source")
    source.write_bytes(content)
    archive.write(path, {**PLAIN, **manifest}, [("files/a.pdf", source)])
    return path


def by_hand(path: Path, info: tarfile.TarInfo, content: bytes, manifest: Any = None) -> Path:
    """An archive of any member, whose manifest names it."""
    said = {**PLAIN, "members": {info.name: hashlib.sha256(content).hexdigest()}}
    raw = json.dumps(said if manifest is None else manifest).encode()
    first = tarfile.TarInfo("manifest.json")
    first.size = len(raw)
    with tarfile.open(path, "w") as tar:
        tar.addfile(first, io.BytesIO(raw))
        tar.addfile(info, io.BytesIO(content))
    return path


def member(name: str, content: bytes, **fields: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def test_files_come_back_where_they_are_told(tmp_path: Path) -> None:
    path = made(tmp_path / "a.tar")
    scratch, media = tmp_path / "scratch", tmp_path / "media"
    scratch.mkdir()
    archive.verify(path)
    archive.extract(path, scratch, {"files": restoring.make_room(media)})
    restoring.swap(media)
    assert sorted(str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*.pdf")) == [
        "media/a.pdf"
    ]


@pytest.mark.parametrize("name", ["../dehors.pdf", "files/../../dehors.pdf", "files/../a.pdf"])
def test_nothing_lands_outside(tmp_path: Path, name: str) -> None:
    path = by_hand(tmp_path / "a.tar", member(name, b"x"), b"x")
    archive.verify(path)
    (tmp_path / "here").mkdir()
    media = tmp_path / "here" / "media"
    with pytest.raises(Refused, match="rien n’a été modifié"):
        archive.extract(path, tmp_path / "here", {"files": restoring.make_room(media)})
    assert not list(tmp_path.rglob("*.pdf"))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: by_hand(path, member("files/a", b"x", type=tarfile.SYMTYPE, size=0), b""),
        lambda path: by_hand(path, member("files/a", b"x"), b"x", ["no manifest"]),
        lambda path: by_hand(path, member("files/a", b"x"), b"x", {**PLAIN, "rows": 3}),
        lambda path: by_hand(path, member("files/a", b"x"), b"x", {"format": 1, "members": {}}),
    ],
)
def test_what_is_no_archive_of_ours_is_refused(
    tmp_path: Path, spoil: Callable[[Path], Path]
) -> None:
    with pytest.raises(Refused, match="est abîmée ou n’est pas une sauvegarde de Kalan"):
        archive.verify(spoil(tmp_path / "a.tar"))


def test_a_file_that_says_it_is_larger_than_the_archive_is_refused(tmp_path: Path) -> None:
    """A sparse file (GNU): 1 TB of zeros in one kilobyte, which would be read to its end."""
    sparse = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "files/a"}
    info = member("files/a", b"0\n".ljust(512, b"\0"))
    info.pax_headers = {**sparse, "GNU.sparse.realsize": str(1 << 40)}
    path = by_hand(tmp_path / "a.tar", info, b"0\n".ljust(512, b"\0"))
    with pytest.raises(Refused, match="est abîmée"):
        archive.verify(path)


def test_files_that_go_or_grow_while_they_are_saved_spoil_nothing(tmp_path: Path) -> None:
    grows, gone = tmp_path / "grows", tmp_path / "gone"
    grows.write_bytes(b"x" * 3_000_000)

    class Members(list[tuple[str, Path]]):
        """While the first is written the second goes, and another process adds to the first."""

        def __iter__(self) -> Any:
            yield "files/grows", grows
            with grows.open("ab") as stream:
                stream.write(b"y")
            yield "files/gone", gone

    path = tmp_path / "a.tar"
    archive.write(path, dict(PLAIN, missing_files=[]), Members())
    manifest = archive.verify(path)
    assert (list(manifest["members"]), manifest["missing_files"]) == (
        ["files/grows"],
        ["files/gone"],
    )


def test_files_change_places_inside_their_folder(tmp_path: Path) -> None:
    """It may be a mounted volume, which can be neither moved nor removed."""
    media = tmp_path / "files"
    (media / "old").mkdir(parents=True)
    (media / "same").mkdir()
    (media / "same" / "a").write_text("old")
    folder = media.stat().st_ino
    room = restoring.make_room(media)  # left by a restoration that was killed here
    (room / "half").write_text("half")
    room = restoring.make_room(media)
    (room / "same").mkdir()
    (room / "same" / "a").write_text("new")
    assert [path.name for path in restoring.kept_files(media)] == ["old", "same"]
    restoring.swap(media)
    assert media.stat().st_ino == folder
    assert [path.name for path in media.iterdir()] == ["same"]
    assert (media / "same" / "a").read_text() == "new"


def test_a_backup_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    taken = tmp_path / "a"
    taken.write_text("a file, not a folder")
    with pytest.raises(Refused, match="La sauvegarde n’a pas pu être écrite dans"):
        backup.backup(to=taken / "b", keep=None, now=clock.now())
