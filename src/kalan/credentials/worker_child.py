"""The process that renders, signs and writes: no database, no Django, one key opened once.

    python -m kalan.credentials.worker_child     (started by services.signing, never by hand)

Speaks with its parent in frames on stdin and stdout: a length of four bytes, then a pickle. When
stdin ends the parent is gone: it stops where it is, and what it was writing has no name yet.
"""

from __future__ import annotations

import datetime as dt
import errno
import hashlib
import io
import os
import pickle
import queue
import struct
import sys
import threading
import time
import zipfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kalan.credentials.documents.compose import Version
    from kalan.credentials.documents.contract import Envelope
    from kalan.credentials.worker_documents import Documents
    from kalan.engine.signing.keys import KeyPlace

# Faults of one document; any other failure to sign is one of the key, and stops the run.
OF_THE_DOCUMENT = frozenset(
    {"file_not_ours", "already_signed", "encrypted", "malformed", "active_content"}
)


@dataclass(frozen=True)
class Raising:
    """How each signature is raised above B-B: the arguments of ``longterm.raise_level``.

    ``at``: when the chains are judged, that is when the job runs: a list made since the click
    would be from the future at the click.
    """

    level: str
    tsa: str
    trust: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    at: dt.datetime
    timeout: float  # seconds for one answer of the authority


@dataclass(frozen=True)
class Setup:
    """What holds for a whole run. ``key`` None: signed by hand, the PDFs are only printed."""

    key: KeyPlace | None
    qr: KeyPlace | None
    at: dt.datetime
    base_url: str
    media: str
    packs: str
    place: str = ""
    raising: Raising | None = None  # None: B-B, no network asked
    plates: bool = True  # False: Typst makes each document


@dataclass(frozen=True)
class BatchSpec:
    """What the acts of a batch share. ``archive``: where PDFs made elsewhere lie, else ""."""

    pk: int
    version: Version
    assets: dict[str, bytes]
    envelope: Envelope
    claims: dict[str, Any]
    archive: str = ""


@dataclass(frozen=True)
class ToMake:
    pk: int
    number: str
    code: str
    name: str
    valid_until: dt.date | None
    data: dict[str, Any]
    waits: bool = True  # False: made before; here because its neighbours are


@dataclass(frozen=True)
class Chunk:
    """A section of a batch, always the same acts: what waits of it goes into one pack, at ``path``
    below the media folder."""

    number: int
    batch: int
    path: str
    acts: list[ToMake]


@dataclass(frozen=True)
class Kept:
    """Where an act lies in its pack. ``level``: what it was raised to; "" and nobody for B-B."""

    act: int
    start: int
    size: int
    sha256: str
    level: str = ""
    stamped_by: str = ""
    stamped_at: dt.datetime | None = None


@dataclass(frozen=True)
class Stored:
    """A pack that lies on disk under its name."""

    chunk: int
    batch: int
    path: str
    size: int
    sha256: str
    rows: list[Kept]
    failed: list[tuple[int, str]]
    cpu: float  # seconds of this process so far
    plated: int = 0  # documents that a plate made, of those in ``rows``


@dataclass(frozen=True)
class Stop:
    """The run cannot go on: the key, the token, the disk. Nothing of the chunk is kept."""

    code: str
    message: str
    remedy: str


@dataclass
class _Made:
    rows: list[Kept] = field(default_factory=list)
    failed: list[tuple[int, str]] = field(default_factory=list)
    plated: int = 0


class _Stopped(Exception):  # noqa: N818 - read aloud: "the run was stopped"
    def __init__(self, stop: Stop) -> None:
        super().__init__(stop.message)
        self.stop = stop


def send(stream: IO[bytes], frame: object) -> None:
    """Write one frame."""
    raw = pickle.dumps(frame, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(struct.pack(">I", len(raw)) + raw)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read one frame; None when the other side is gone."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    (size,) = struct.unpack(">I", head)
    raw = stream.read(size)
    # From our own parent or child, through a pipe that nobody else has.
    return pickle.loads(raw) if len(raw) == size else None  # noqa: S301


def main() -> None:
    """Take frames until there are none: a Setup, then BatchSpecs and Chunks."""
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, inbox), daemon=True).start()
    out = sys.stdout.buffer
    sys.stdout = sys.stderr  # what a library prints must not fall between two frames
    try:
        maker = Maker(inbox.get())
        while True:
            frame = inbox.get()
            if isinstance(frame, BatchSpec):
                maker.batches[frame.pk] = frame
            else:
                send(out, maker.store(frame))
    except _Stopped as stopped:
        send(out, stopped.stop)
    except BrokenPipeError:
        pass
    os._exit(0)  # the thread that listens holds stdin: an orderly end would wait for it


def _listen(stream: IO[bytes], inbox: queue.SimpleQueue[Any]) -> None:
    while True:
        frame = receive(stream)
        if frame is None:
            os._exit(0)  # at once, amid whatever is under way
        inbox.put(frame)


class Maker:
    """Makes and signs documents with one key; keeps what makes those of the batch under way."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.batches: dict[int, BatchSpec] = {}
        self._documents: Documents | None = None
        self._under_way = (0, 0)  # batch, chunk
        self._signer: Any = None
        self._qr: Any = None
        self._open()

    def _open(self) -> None:
        from kalan.engine.signing.errors import SigningError
        from kalan.engine.signing.pades import Signer

        try:
            if self.setup.key is not None:
                identity = self.setup.key.open()
                self._signer = Signer(identity, location=self.setup.place)
            if self.setup.qr is not None:
                self._qr = self.setup.qr.private()
        except SigningError as error:
            raise _Stopped(Stop(error.code, error.message, error.remedy)) from error

    def store(self, chunk: Chunk) -> Stored:
        """Make every act of ``chunk`` and write their pack; what cannot be made is told."""
        made, buffer = _Made(), io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as pack:
            for act in chunk.acts:
                pdf = self._make(chunk, act, made) if act.waits else None
                if pdf is None:
                    continue
                made.plated += self._of(chunk).by_plate(act)
                entry = zipfile.ZipInfo(f"{act.number}.pdf", self.setup.at.timetuple()[:6])
                entry.external_attr = 0o600 << 16
                pack.writestr(entry, pdf)
                start = buffer.tell() - len(pdf)
                sha = hashlib.sha256(pdf).hexdigest()
                made.rows.append(Kept(act.pk, start, len(pdf), sha, *self._stamp(pdf)))
        content = buffer.getbuffer()
        if made.rows:
            _keep(Path(self.setup.media) / chunk.path, content)
        return Stored(
            chunk=chunk.number,
            batch=chunk.batch,
            path=chunk.path if made.rows else "",
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            rows=made.rows,
            failed=made.failed,
            cpu=time.process_time(),
            plated=made.plated,
        )

    def _of(self, chunk: Chunk) -> Documents:
        """What makes the documents of ``chunk``."""
        from kalan.credentials.worker_documents import documents_of

        batch, number = self._under_way
        if batch != chunk.batch or self._documents is None:
            self._documents = documents_of(self.batches[chunk.batch], self.setup, self._qr)
        if number != chunk.number:
            self._documents.begin(chunk)
            self._under_way = (chunk.batch, chunk.number)
        return self._documents

    def _make(self, chunk: Chunk, act: ToMake, made: _Made) -> bytes | None:
        from kalan.credentials.documents.errors import DocumentRefused
        from kalan.engine.signing.errors import SigningError

        try:
            pdf = self._of(chunk).pdf(act)
        except DocumentRefused as error:
            made.failed.append((act.pk, str(error)))
            return None
        except OSError as error:
            raise _disk(error) from error
        except Exception as error:  # one odd record must not hold up the others
            made.failed.append((act.pk, f"Le document n’a pas pu être composé : {error}"))
            return None
        if self._signer is None:
            return pdf
        foreign = bool(self.batches[chunk.batch].archive)
        try:
            signed: bytes = self._signer.sign(pdf, at=self.setup.at, foreign=foreign)
            if self.setup.raising is not None:
                signed = _raised(signed, self.setup.raising)
        except SigningError as error:
            if error.code in OF_THE_DOCUMENT:
                made.failed.append((act.pk, str(error)))
                return None
            raise _Stopped(Stop(error.code, error.message, error.remedy)) from error
        except Exception as error:  # a token that was pulled out speaks in many ways
            raise _Stopped(
                Stop(
                    "key_unusable",
                    f"La clé ne répond plus ({type(error).__name__}).",
                    "Vérifiez le module cryptographique, puis reprenez.",
                )
            ) from error
        return signed

    def _stamp(self, pdf: bytes) -> tuple[str, str, dt.datetime] | tuple[()]:
        """What the raised file itself says of its level."""
        from kalan.engine.signing.longterm import first_stamp

        if self.setup.raising is None or self._signer is None:
            return ()
        stamp = first_stamp(pdf)
        return self.setup.raising.level, stamp.by, stamp.at


def _raised(pdf: bytes, how: Raising) -> bytes:
    from kalan.engine.signing import longterm

    made: bytes = longterm.raise_level(
        pdf, how.level, tsa=how.tsa, trust=how.trust, crls=how.crls, at=how.at, timeout=how.timeout
    )
    return made


def _keep(path: Path, content: memoryview) -> None:
    """Write a pack whole or not at all: a name stands only for bytes that are on the disk."""
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise _disk(error) from error


def _disk(error: OSError) -> _Stopped:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return _Stopped(
            Stop(
                "disk_full",
                "Le disque du serveur est plein.",
                "Libérez de la place, puis reprenez : rien n’est à moitié signé.",
            )
        )
    return _Stopped(
        Stop(
            "storage",
            f"Le serveur n’a pas pu écrire les actes ({error.strerror or error}).",
            "Prévenez l’administrateur, puis reprenez.",
        )
    )


if __name__ == "__main__":
    # Under the name by which the parent knows these classes: a pickle names its module.
    from kalan.credentials import worker_child

    worker_child.main()
