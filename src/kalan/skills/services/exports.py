"""Questions as a file of another program, and what that file cannot hold."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from kalan.engine.formats.program import WRITERS, lost
from kalan.engine.formats.question import Refusal
from kalan.skills.models import Item, ItemMedia
from kalan.skills.play.content import to_question
from kalan.skills.play.shape import Stored

FORMATS = {"moodle-xml": "Moodle XML", "gift": "GIFT", "aiken": "Aiken"}
SUFFIXES = {"moodle-xml": "xml", "gift": "gift", "aiken": "txt"}
_NEVER = (
    "Aucun de ces formats ne garde la difficulté, le public, les pays, la source ni la relecture."
)


@dataclass(frozen=True)
class Exported:
    """``left_out``: questions the format cannot hold, each with its reason."""

    text: str
    written: int
    left_out: list[Refusal]
    notes: list[str]


def write_items(items: Iterable[Item], format_: str) -> Exported:
    """The current versions of ``items`` (which must be read with version and domain)."""
    rows = [item for item in items if item.current]
    media = ItemMedia.objects.filter(item__in=rows).select_related("file")
    files = {str(one.uid): one for one in media}

    def fetch(uid: str) -> str:
        with files[uid].file.file.open("rb") as file:
            return base64.b64encode(file.read()).decode()

    questions = [
        to_question(
            Stored(item.current.content, item.current.key),
            item.code,
            f"Kalan/{item.domain.code}",
            fetch,
        )
        for item in rows
        if item.current
    ]
    left_out: list[Refusal] = []
    text = "".join(WRITERS[format_](questions, left_out.append))
    notes = [_NEVER, lost(questions, format_).strip()]
    return Exported(text, len(questions) - len(left_out), left_out, [n for n in notes if n])
