"""Up to a hundred neighbours of a batch: which of their documents a plate makes, which Typst.

A section is cut by rank, over every act of its batch, so what is decided here follows from the
batch alone: neither from what was already made, nor from which process makes it. Its plate is used
only once the documents of its first, longest and most lettered persons have come out of it as Typst
sets them; else, and for whoever differs in more than a plate can set, Typst makes the document.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from kalan.credentials.documents.likeness import same_document
from kalan.credentials.documents.plate import Plate
from kalan.credentials.documents.plate_lines import FIELDS
from kalan.credentials.documents.render import Renderer, refuse, without_signature

Document = dict[str, Any]  # see compose.document

# Layouts whose pages the suite has compared with those of their plates.
LAYOUTS = frozenset({"actes/formation.typ", "actes/presence.typ"})
FEWEST = 30  # of fewer the proof takes as long as a plate saves
# Letters of Latin alphabets, whole: no marks to be put together, no other writing. A name stands in
# metadata too, so nothing that must be escaped there; qualities are set by Typst only.
_LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0253-\u0272\u1e00-\u1eff"
_NAME = re.compile(rf"[{_LATIN}][{_LATIN}0-9 \u00a0.’'-]*")
_QUALITIES = re.compile(rf"[{_LATIN} -~\u00a0·’«»°–]*")
_NUMBER, _CODE = re.compile(r"N°\u00a0([A-Z0-9/-]+)"), re.compile(r"[0-9A-Z]{4}(?: [0-9A-Z]{4}){5}")


class Section:
    """Makes the documents of ``people``, all acts of a section in their order.

    ``plated``: whether a plate may be tried at all.
    """

    def __init__(
        self, renderer: Renderer, people: Sequence[Document], *, layout: str, plated: bool = True
    ) -> None:
        self._renderer, self._people = renderer, people
        self._plate: Plate | None = None
        self._rows: dict[int, int] = {}  # of a person, which of the plate
        if plated and layout in LAYOUTS and len(people) >= FEWEST:
            try:
                self._try()
            except (OSError, MemoryError):  # no fault of the plate
                raise
            except Exception:  # whatever it could not do, Typst does
                self._plate, self._rows = None, {}

    def by_plate(self, at: int) -> bool:
        """Whether the document of the person of rank ``at`` is made from the plate."""
        return at in self._rows

    def pdf(self, at: int) -> bytes:
        """The document of the person of rank ``at``. DocumentRefused: as ``Renderer.pdf``."""
        data = self._people[at]
        if self._plate is None or at not in self._rows:
            return self._renderer.pdf(data)
        refuse(data)
        return without_signature(self._plate.pdf(self._rows[at], data))

    def _try(self) -> None:
        """Make a plate of those whose pages are alike, and keep it if it is right."""
        alike = _alike(self._people)
        if len(alike) < FEWEST:
            return
        first = self._people[alike[0]]
        rows = [_row(self._people[at]) for at in alike]
        plate = Plate(self._renderer, first["page"], first["act"]["country"], rows)
        taken = {at: row for row, at in enumerate(alike) if plate.takes(row)}
        for at in _chosen(list(taken), self._people):
            data = self._people[at]
            if not same_document(plate.pdf(taken[at], data), self._renderer.pdf(data)):
                return
        self._plate, self._rows = plate, taken


def _row(data: Document) -> dict[str, str]:
    return {field: data["page"][field] for field in FIELDS}


def _alike(people: Sequence[Document]) -> list[int]:
    """The largest number of persons whose pages differ by nothing but what a plate sets."""
    kinds = [_kind(data) if _usual(data) else None for data in people]
    most = Counter(kind for kind in kinds if kind is not None).most_common(1)
    return [at for at, kind in enumerate(kinds) if most and kind == most[0][0]]


def _kind(data: Document) -> str:
    """All that a page holds besides what a plate sets, and which of its lines it has."""
    page, meta = data["page"], data["page"]["meta"]
    left = {key: value for key, value in page.items() if key not in FIELDS}
    left["meta"] = [meta["author"], meta["keywords"][0]]
    left["has"] = [bool(page[field]) for field in FIELDS]
    return json.dumps(left, ensure_ascii=False, sort_keys=True)


def _usual(data: Document) -> bool:
    """Whether number, name, qualities, code and metadata are such as a plate may set."""
    page, issue = data["page"], data["act"]["issue"]
    number, name = _NUMBER.fullmatch(page["number"]), page["name"]
    title = f"{page['title']} — {name} — {issue['number']}"
    return (
        number is not None
        and number[1] == issue["number"]
        and page["pages"] == 1
        and page["meta"]["title"] == title
        and page["meta"]["keywords"] == [page["title"], issue["number"]]
        and _CODE.fullmatch(page["code"]) is not None
        and _NAME.fullmatch(name) is not None
        and _QUALITIES.fullmatch(page["qualities"]) is not None
    )


def _chosen(ranks: list[int], people: Sequence[Document]) -> list[int]:
    """The first, the longest and the most lettered."""

    def length(at: int) -> int:
        return max(len(people[at]["page"][field]) for field in ("name", "qualities"))

    def letters(at: int) -> int:
        page = people[at]["page"]
        return len({*page["name"], *page["qualities"]})

    measures: tuple[Callable[[int], int], ...] = (length, letters)
    return sorted({ranks[0], *(max(ranks, key=measure) for measure in measures)})
