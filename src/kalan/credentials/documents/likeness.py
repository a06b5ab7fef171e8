"""Whether two files that Typst set are the same document, whatever the order of their objects.

Everything is compared: every object that can be reached, texts, tags, pictures, what is drawn and
where, the data carried. Three things are not: how streams are deflated, the identifiers of the
file, and which glyphs a font holds in which order. Of the glyphs it is asked instead that the same
outlines, as wide, standing for the same letters, be drawn in the same places.
"""

from __future__ import annotations

import re
from functools import partial

from kalan.credentials.documents.font_glyphs import STRING, Font
from kalan.credentials.documents.pdf_parts import Part, Parts, taken_apart

_LENGTH = re.compile(rb"/Length \d+")
_IDENTIFIERS = re.compile(
    rb"(<xmpMM:(?:DocumentID|InstanceID)>|<stEvt:instanceID>)[^<]+?(?=<|_source<)"
)
_TYPE0 = b"<</Type/Font/Subtype/Type0"
_SUBSET = re.compile(rb"/[A-Z]{6}\+")
_OF_THE_SUBSET = re.compile(rb"/W\[[^\]]*\]|/FontBBox\[[^\]]*\]")
_USED = re.compile(rb"/(f\d+) (\d+) 0 R")
# A font taken up; a text of a dictionary, which is none of glyphs; glyphs, in either writing.
_DRAWN = re.compile(rb"/(f\d+) [\d.]+ Tf|/[A-Za-z]+(?:" + STRING + rb")|" + STRING, re.DOTALL)


def same_document(one: bytes, other: bytes) -> bool:
    """ValueError or KeyError when a file is not as Typst writes."""
    return told(one) == told(other)


def told(pdf: bytes) -> list[bytes]:
    """All that a file says, in the order in which its trailer and its objects lead to it."""
    parts = taken_apart(pdf)
    fonts = {
        number: Font(parts, number)
        for number, part in parts.objects.items()
        if part.text.startswith(_TYPE0)
    }
    of_fonts = {number for font in fonts.values() for number in font.numbered}
    contents = {parts.objects[page].to(b"/Contents"): page for page in parts.pages()}
    order = _order(parts)
    said = []
    for number in order:
        part = parts.objects[number].renumbered(order)
        if number in of_fonts:  # said by the glyphs that are drawn
            said.append(b"")
        elif number in contents:
            used = _USED.findall(parts.resources(contents[number]))
            named = {name: fonts[int(font)] for name, font in used}
            said.append(_content(part, named))
        else:
            said.append(_other(part))
    return said


def _order(parts: Parts) -> dict[int, int]:
    """The objects that can be reached, in the order in which they are met."""
    found = {parts.root: 1, parts.info: 2}
    waiting = [parts.root, parts.info]
    for number in waiting:
        for next_one in parts.objects[number].refers():
            if next_one not in found:
                found[next_one] = len(found) + 1
                waiting.append(next_one)
    return found


def _other(part: Part) -> bytes:
    text = part.text
    if b"/Font" in text:
        text = _OF_THE_SUBSET.sub(b"", _SUBSET.sub(b"/", text))
    if part.stream is None:
        return text
    text = _LENGTH.sub(b"", text).replace(b"/Filter/FlateDecode", b"")
    if b"/Filter" in text:  # a photo, which Typst embeds as it is
        return text + part.stream
    plain = part.plain()
    return text + (_IDENTIFIERS.sub(rb"\1", plain) if b"/Subtype/XML" in text else plain)


def _content(part: Part, fonts: dict[bytes, Font]) -> bytes:
    """What a page draws, each glyph told by what it is."""
    drawing: list[Font] = []
    return _DRAWN.sub(partial(_glyphs, fonts, drawing), part.plain())


def _glyphs(fonts: dict[bytes, Font], drawing: list[Font], found: re.Match[bytes]) -> bytes:
    if found[1]:
        drawing[:] = [fonts[found[1]]]
        return found[0]
    if found[0].startswith(b"/"):
        return found[0]
    if not drawing:
        raise ValueError("a text before any font")
    return drawing[0].told(found[0])
