"""The lines by which the documents of a batch differ, as Typst set them.

``certificate-sheet`` (packs/actes/base.typ) sets them for many persons at once; ``certificate``
sets those of one on the page. Both mark them by inks that nothing else uses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from kalan.credentials.documents.font_glyphs import Font
from kalan.credentials.documents.pdf_parts import Parts

# As `variable` in packs/actes/base.typ, in the order in which they stand on the page.
FIELDS = ("number", "name", "qualities", "code")
_RED, _GREEN, _BLUE = 1, 2, 200  # ink of the first; the next is one more in blue
_ITEM = re.compile(
    rb"q 1 0 0 -1 ([\d.-]+) ([\d.-]+) cm(/c\d+ cs) ([\d.]+ [\d.]+ [\d.]+) scn\n"
    rb"BT 0 Tr/(f\d+) ([\d.]+) Tf 1 0 0 -1 0 0 Tm(.*?)\nET\nQ\n",
    re.DOTALL,
)
_FONT = re.compile(rb"/(f\d+) (\d+) 0 R")


@dataclass(frozen=True)
class Line:
    """A line: where it stands, in what ink, font and size, and its glyphs."""

    left: bytes
    height: bytes
    space: bytes
    ink: bytes
    font: bytes
    size: bytes
    glyphs: bytes

    @property
    def field(self) -> int | None:
        """Which of ``FIELDS`` its ink marks it as; None for an ink of the page."""
        red, green, blue = (round(255 * float(part)) for part in self.ink.split())
        known = (red, green) == (_RED, _GREEN) and 0 <= blue - _BLUE < len(FIELDS)
        return blue - _BLUE if known else None

    @property
    def shape(self) -> tuple[int | None, bytes, bytes]:
        """What two lines must have in common for one to stand in the place of the other."""
        return self.field, self.font, self.size

    def drawn(self) -> bytes:
        """As it stands in the content of a page."""
        return b"q 1 0 0 -1 %s %s cm%s %s scn\nBT 0 Tr/%s %s Tf 1 0 0 -1 0 0 Tm%s\nET\nQ\n" % (
            self.left, self.height, self.space, self.ink, self.font, self.size, self.glyphs
        )  # fmt: skip


def cut(content: bytes) -> tuple[list[Line], list[bytes]]:
    """The marked lines of a page, and what stands before, between and after them."""
    lines, rest, at = [], [], 0
    for found in _ITEM.finditer(content):
        line = Line(*found.groups())
        if line.field is not None:
            lines.append(line)
            rest.append(content[at : found.start()])
            at = found.end()
    return lines, [*rest, content[at:]]


def fonts_of(parts: Parts, page: int) -> dict[bytes, Font]:
    """The fonts of a page by the names it gives them."""
    named = _FONT.findall(parts.resources(page))
    return {name: Font(parts, int(number)) for name, number in named}


def of_sheets(parts: Parts, sheets: list[int], first: int) -> list[Line]:
    """Every line of the sheets, in order; fonts are called as on the page ``first``."""
    names = {number: name for name, number in _FONT.findall(parts.resources(first))}
    lines = []
    for page in sheets:
        fonts = dict(_FONT.findall(parts.resources(page)))
        content = parts.objects[parts.objects[page].to(b"/Contents")].plain()
        found = [Line(*one) for one in _ITEM.findall(content)]
        if len(found) != content.count(b"\nET\n"):
            raise ValueError("a line of another form")
        # A font that the page does not have keeps a name that no line of the page has.
        lines += [replace(one, font=names.get(fonts[one.font], b"?")) for one in found]
    return lines


def words(lines: list[Line], fonts: dict[bytes, Font]) -> dict[str, str]:
    """What a reader takes the glyphs of a person's lines for, by field, without blanks."""
    said = dict.fromkeys(FIELDS, "")
    for line in lines:
        if line.field is not None:
            said[FIELDS[line.field]] += fonts[line.font].words(line.glyphs)
    return {field: "".join(text.split()) for field, text in said.items()}


def of_people(lines: list[Line]) -> tuple[list[Line], list[list[Line]]]:
    """The unmarked lines at the head, and then the lines of each person."""
    marked = next(n for n, line in enumerate([*lines, None]) if not line or line.field is not None)
    people: list[list[Line]] = []
    last = len(FIELDS)
    for line in lines[marked:]:
        if line.field is None:
            raise ValueError("an unmarked line amid the others")
        if line.field < last:  # a number opens a person
            people.append([])
        last = line.field
        people[-1].append(line)
    return lines[:marked], people
