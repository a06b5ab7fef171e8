"""An act as a file: before it is signed, marked « Aperçu »; afterwards, its stored bytes."""

from __future__ import annotations

import datetime as dt

from kalan.base.errors import Refused
from kalan.credentials.models import Act
from kalan.people.actor import Actor


def preview(*, actor: Actor, act: Act, now: dt.datetime) -> bytes:
    """The PDF that ``act`` would be, without number, code or signature."""
    raise Refused("L’aperçu n’est pas encore disponible.")


def pdf_of(act: Act) -> bytes:
    """The bytes as they were stored, read from the act's place in its pack."""
    pack = act.pack
    if pack is None or act.start is None or act.size is None:
        raise Refused("Cet acte n’a pas encore de document.")
    with pack.file.file.open("rb") as source:
        source.seek(act.start)
        content: bytes = source.read(act.size)
    return content
