"""Acts made elsewhere: the PDFs of an archive, each to be signed as it is.

Each is looked at before: nothing is made while one of them cannot be signed.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import PurePosixPath
from time import thread_time

from kalan.base.errors import Refused
from kalan.credentials.services.sources.common import Found, Planned, Request
from kalan.engine.signing.errors import SigningError

MOST_FILES = 2_000
LARGEST = 20 * 1024 * 1024  # of one PDF, unpacked
MOST_BYTES = 1024 * 1024 * 1024
_WORK = 120.0  # seconds of processor for one archive: a web server's thread is held so long
_SHOWN = 20
_OF_MACHINES = ("__MACOSX/", ".DS_Store", "Thumbs.db")


def pack(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Several PDFs dropped at once, as the archive that ``find`` reads."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files:
            archive.writestr(PurePosixPath(name).name, content)
    return buffer.getvalue()


def find(request: Request) -> Found:
    """One act for each PDF, called as its file."""
    if request.file is None:
        raise Refused("Choisissez un fichier.", field="file")
    bad: list[str] = []
    acts: list[Planned] = []
    seen: dict[str, str] = {}
    named: set[str] = set()
    until = thread_time() + _WORK
    try:
        with zipfile.ZipFile(request.file.file.path) as archive:
            for entry in _entries(archive):
                if thread_time() > until:
                    raise _too_much(
                        "demande trop de travail\u00a0: ses documents sont trop complexes"
                    )
                content, said = _read(archive, entry)
                if entry.filename in named:  # which one is shown, which one signed?
                    said = "deux fichiers de l’archive portent ce nom"
                named.add(entry.filename)
                if said:
                    bad.append(f"« {entry.filename} » : {said}")
                    continue
                digest = hashlib.sha256(content).hexdigest()
                if digest in seen:
                    bad.append(f"« {entry.filename} » : le même fichier que « {seen[digest]} »")
                seen[digest] = entry.filename
                acts.append(_act(request, entry.filename, digest, len(content)))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, EOFError):
        raise Refused(
            "Cette archive est abîmée, ou n’est pas un ZIP.",
            remedy="Refaites-la, sans mot de passe, et déposez-la de nouveau.",
            field="file",
            code="not_a_zip",
        ) from None
    if bad:
        more = len(bad) - _SHOWN
        lines = bad[:_SHOWN] + ([f"et {more} autres"] if more > 0 else [])
        raise Refused(
            f"Aucun acte n’est préparé : {' ; '.join(lines)}.",
            remedy="Retirez ou corrigez ces fichiers.",
            field="file",
            code="files",
        )
    if not acts:
        raise Refused("Cette archive ne contient aucun PDF.", field="file", code="nobody")
    return Found(node=request.office.node, acts=acts)


def _entries(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    found = [
        entry
        for entry in archive.infolist()
        if not entry.is_dir() and not any(word in entry.filename for word in _OF_MACHINES)
    ]
    if len(found) > MOST_FILES or sum(entry.file_size for entry in found) > MOST_BYTES:
        raise _too_much(f"contient trop de fichiers ({MOST_FILES} au plus, 1 Go en tout)")
    return sorted(found, key=lambda entry: entry.filename)


def _too_much(what: str) -> Refused:
    return Refused(
        f"Cette archive {what}.",
        remedy="Découpez-la en plusieurs lots.",
        field="file",
        code="too_large",
    )


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> tuple[bytes, str]:
    """(bytes, what keeps them from being signed)."""
    from kalan.engine.signing.foreign import rehearse  # half a second: only here

    if not entry.filename.lower().endswith(".pdf"):
        return b"", "ce n’est pas un PDF"
    if entry.flag_bits & 0x1:
        return b"", "il est protégé par un mot de passe"
    with archive.open(entry) as file:
        content = file.read(LARGEST + 1)  # declared sizes may lie
    if len(content) > LARGEST:
        return b"", f"il pèse plus de {LARGEST // 1024 // 1024} Mo"
    if not content.startswith(b"%PDF-"):
        return b"", "ce n’est pas un PDF"
    try:
        rehearse(content)
    except SigningError as error:
        return b"", str(error)
    return content, ""


def _act(request: Request, name: str, digest: str, size: int) -> Planned:
    return Planned(
        record=f"files:{digest}",
        name=PurePosixPath(name).stem[:250],
        data={"kind": "files", "file": name, "sha256": digest, "size": size},
    )
