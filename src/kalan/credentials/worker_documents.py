"""The unsigned documents of a batch, in the process that signs them (see ``worker_child``)."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from kalan.engine.signing import cose

if TYPE_CHECKING:
    from kalan.credentials.documents.contract import Envelope
    from kalan.credentials.worker_child import BatchSpec, Chunk, Setup, ToMake


class Documents(Protocol):
    """Those of one batch."""

    def begin(self, chunk: Chunk) -> None:
        """From here on documents of ``chunk`` are asked for."""

    def pdf(self, act: ToMake) -> bytes:
        """The document of one of its acts, or what keeps it from being made."""

    def by_plate(self, act: ToMake) -> bool:
        """Whether a plate made it."""


class Archived:
    """PDFs made elsewhere, as they were handed in."""

    def __init__(self, archive: str) -> None:
        self._archive = zipfile.ZipFile(archive)

    def begin(self, chunk: Chunk) -> None:
        """Nothing: each stands alone."""

    def pdf(self, act: ToMake) -> bytes:
        """ValueError when it is not the file that was handed in."""
        pdf = self._archive.read(act.data["file"])
        if hashlib.sha256(pdf).hexdigest() != act.data["sha256"]:
            raise ValueError("ce n’est plus le fichier qui a été déposé")
        return pdf

    def by_plate(self, act: ToMake) -> bool:
        """Never."""
        return False


class Composed:
    """Documents of a template, from the data frozen when they were prepared."""

    def __init__(self, spec: BatchSpec, setup: Setup, qr: Any) -> None:
        from kalan.credentials.documents.render import Renderer

        self._spec, self._setup, self._qr = spec, setup, qr
        self._renderer = Renderer(Path(setup.packs) / spec.version.file, spec.assets)
        self._section: Any = None
        self._ranks: dict[int, int] = {}
        self._faults: dict[int, Exception] = {}

    def begin(self, chunk: Chunk) -> None:
        """Compose every act of the section: neighbours that were made before count as well."""
        from kalan.credentials.documents.section import Section

        people: list[Any] = []
        self._ranks, self._faults = {}, {}
        for act in chunk.acts:
            try:
                data = self._document(act)
            except Exception as error:  # told when its document is asked for
                self._faults[act.pk] = error
                continue
            self._ranks[act.pk] = len(people)
            people.append(data)
        layout, plates = self._spec.version.file, self._setup.plates
        self._section = Section(self._renderer, people, layout=layout, plated=plates)

    def pdf(self, act: ToMake) -> bytes:
        """DocumentRefused, KeyError…: what the data of this act lack."""
        if act.pk in self._faults:
            raise self._faults[act.pk]
        pdf: bytes = self._section.pdf(self._ranks[act.pk])
        return pdf

    def by_plate(self, act: ToMake) -> bool:
        """As its section says."""
        return bool(self._section.by_plate(self._ranks[act.pk]))

    def _document(self, act: ToMake) -> dict[str, Any]:
        from kalan.credentials.documents.compose import document

        envelope: Envelope = {
            **self._spec.envelope,
            "number": act.number,
            "code": act.code,
            "address": self._address(act),
            "valid_until": act.valid_until.isoformat() if act.valid_until else None,
        }
        record: Any = act.data
        return document(record, envelope, self._spec.version)

    def _address(self, act: ToMake) -> str:
        """What the QR code holds: the check page and, with a key for it, the credential."""
        if self._qr is None:
            return f"{self._setup.base_url.rstrip('/')}/verifier/{act.code}/"
        levels = tuple(
            (cose.fit(level["domain"], "domain"), int(level["level"]))
            for level in act.data.get("levels", [])[: cose.MOST_DOMAINS]
        )
        # The kind says what is proved; the title, of which training or exam.
        claimed = self._spec.claims
        about = act.data.get("training") or act.data.get("exam") or {}
        title = about.get("title") or claimed["title"]
        claims = cose.Claims(
            code=act.code,
            name=cose.fit(act.name, "name"),
            expires=act.valid_until,
            levels=levels,
            **{**claimed, "title": cose.fit(title, "title")},
        )
        return cose.link(self._setup.base_url, act.code, cose.sign(claims, self._qr))


def documents_of(spec: BatchSpec, setup: Setup, qr: Any) -> Documents:
    """What makes the documents of a batch."""
    return Archived(spec.archive) if spec.archive else Composed(spec, setup, qr)
