"""The archive of a backup: a tar file whose manifest names every member with its SHA-256.

database.sqlite3   or database.dump (pg_dump, custom format)
secret_key         the key that opens sealed secrets, unless it came from KALAN_SECRET_KEY
files/…            what people uploaded and what Kalan made
keys/…             private keys, each encrypted with its passphrase, which is not in the archive
manifest.json      format, date, engine, migrations, rows per table, members
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from kalan.base.errors import Refused

FORMAT = 1
PREFIX, SUFFIX = "kalan-", ".tar"
MANIFEST = "manifest.json"
_CHUNK = 1 << 20


def digest(stream: IO[bytes]) -> str:
    found = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        found.update(chunk)
    return found.hexdigest()


def digest_file(path: Path) -> str:
    with path.open("rb") as stream:
        return digest(stream)


def members_under(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    """The files at or below ``folder`` as (name in the archive, path), in a fixed order."""
    if folder.is_file():
        yield name, folder
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield f"{name}/{path.relative_to(folder).as_posix()}", path


def write(target: Path, manifest: dict[str, Any], members: list[tuple[str, Path]]) -> None:
    """Write the archive, the manifest last, readable by its owner alone.

    People work meanwhile: a file deleted since it was listed is named in ``missing_files``, and
    of one that grows what was there when it was opened is taken.
    """
    manifest["members"] = digests = {}
    target.touch(mode=0o600)
    with tarfile.open(target, "w", dereference=True) as tar:
        for name, path in members:
            try:
                stream = path.open("rb")
            except FileNotFoundError:
                manifest["missing_files"].append(name)
                continue
            with stream:
                read = _Digesting(stream)
                tar.addfile(tar.gettarinfo(arcname=name, fileobj=stream), read)
            digests[name] = read.found.hexdigest()
        _add_bytes(tar, MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1).encode())


class _Digesting(io.RawIOBase):
    """A file that hashes what is read of it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream, self.found = stream, hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        content = self.stream.read(size)
        self.found.update(content)
        return content


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o600
    tar.addfile(info, io.BytesIO(content))


def verify(path: Path) -> dict[str, Any]:
    """Read the whole archive again and return its manifest; Refused if a byte differs."""
    try:
        room = path.stat().st_size
        with tarfile.open(path, "r:") as tar:
            manifest = _manifest(tar, path)
            expected: dict[str, str] = dict(manifest["members"])
            for info in tar:
                if info.name == MANIFEST:
                    continue
                stream = tar.extractfile(info) if info.isfile() else None
                room -= info.size  # a sparse file says that it is larger than the archive
                if stream is None or room < 0 or expected.pop(info.name, None) != digest(stream):
                    raise _damaged(path, info.name)
    except (tarfile.TarError, EOFError, OSError, KeyError, TypeError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    if expected:
        raise _damaged(path, next(iter(expected)))
    return manifest


def _manifest(tar: tarfile.TarFile, path: Path) -> dict[str, Any]:
    stream = tar.extractfile(MANIFEST)
    if stream is None:
        raise _damaged(path, MANIFEST)
    manifest: dict[str, Any] = json.load(stream)
    if manifest["format"] != FORMAT:
        raise Refused(
            f"L’archive {path.name} est d’un format inconnu ({manifest['format']}).",
            remedy="Restaurez-la avec la version de Kalan qui l’a écrite.",
        )
    manifest["rows"] = {str(table): int(number) for table, number in dict(manifest["rows"]).items()}
    manifest["engine"], manifest["migrations"] = str(manifest["engine"]), [*manifest["migrations"]]
    return manifest


def extract(path: Path, folder: Path, elsewhere: dict[str, Path]) -> None:
    """Unpack a verified archive into ``folder``, and the folders named in ``elsewhere`` there.

    Nothing can land outside of these (PEP 706).
    """
    try:
        with tarfile.open(path, "r:") as tar:
            for info in tar:
                top, _, below = info.name.partition("/")
                if below and top in elsewhere:
                    tar.extract(info.replace(name=below), elsewhere[top], filter="data")
                else:
                    tar.extract(info, folder, filter="data")
    except tarfile.TarError as error:
        raise _damaged(path, str(error)) from error
    except OSError as error:
        raise Refused(
            f"L’archive {path.name} n’a pas pu être dépliée ({error.strerror}).",
            remedy="Libérez de la place sur le disque ; rien n’a été modifié.",
        ) from error


def _damaged(path: Path, what: str) -> Refused:
    return Refused(
        f"L’archive {path.name} est abîmée ou n’est pas une sauvegarde de Kalan ({what}).",
        remedy="Prenez une autre sauvegarde ; rien n’a été modifié.",
    )
