"""HTML that a question may show: few tags, no address but links, pictures by placeholder."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape, unescape
from typing import Literal
from urllib.parse import unquote

import nh3

from kalan.engine.formats.question import BLANKS, File, Text
from kalan.engine.formats.sanitise import clean_html
from kalan.skills.play.shape import Origin, Picture

Flavour = Literal["block", "inline", "plain"]
Keep = Callable[[File], str]

_INLINE = {"b", "strong", "i", "em", "u", "s", "sub", "sup", "code", "kbd", "small", "br", "bdo"}
_BLOCK = _INLINE | {"p", "ul", "ol", "li", "pre", "blockquote", "dl", "dt", "dd", "a"}
_BLOCK |= {"table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"}
_HEADINGS = {f"h{level}" for level in range(1, 7)}
_ATTRIBUTES = {"a": {"href"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan", "scope"}}
_ATTRIBUTES["bdo"] = {"dir"}
_ENDS = re.compile(r"\s*</(?:p|div|li|h[1-6]|tr|dt|dd|blockquote|pre|table|ul|ol)>\s*")
_EDGES = re.compile(r"^(?:\s|<br>)+|(?:\s|<br>)+$")
_ONE_PARAGRAPH = re.compile(r"<p>((?:(?!</?p>).)*)</p>", re.S)
_EMPTY_PARAGRAPH = re.compile(r"<p>(?:\s|\u00a0|<br>)*</p>\s*")
_IMG = re.compile(r'<img\b[^>"]*(?:"[^"]*"[^>"]*)*>', re.I)
_ATTRIBUTE = re.compile(r'([a-z]+)="([^"]*)"', re.I)
_DATA = re.compile(r"data:image/([a-z]+);base64,([A-Za-z0-9+/=\s]+)")
_DATA_KEPT = re.compile(r"@@KALAN:([a-z]+):([^@]+)@@")
_MEDIA = re.compile(r"<(?:audio|video)\b")
_FILE = "@@PLUGINFILE@@"
IS_BLOCK = re.compile(r"<(?:p|ul|ol|pre|blockquote|dl|table)\b")
PICTURE = re.compile(r"\{img:([0-9]+)\}")
GAP = re.compile(r"\{#([0-9]+)\}")
_TAG = re.compile(r'<[^>"]*(?:"[^"]*"[^>"]*)*>')
# Marks of gaps, and tags whole so that what stands in their attributes is left alone.
TAG_OR_GAP = re.compile(rf"{_TAG.pattern}|{GAP.pattern}")


def by_digest(file: File) -> str:
    """A uid that follows the bytes: for a preview, before anything is stored."""
    return sha256(file.data.encode()).hexdigest()[:32]


@dataclass(slots=True)
class Pictures:
    """Collects the pictures of ``content`` or of ``key`` while its texts are read."""

    keep: Keep
    found: list[Picture] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def placed(self, html: str, files: tuple[File, ...]) -> str:
        if _MEDIA.search(html):
            self.lost.append("un son ou une vidéo")
        return _IMG.sub(lambda tag: self._one(tag[0], files), html)

    def _one(self, tag: str, files: tuple[File, ...]) -> str:
        values = {name.lower(): unescape(value) for name, value in _ATTRIBUTE.findall(tag)}
        file = _file(values.get("src", ""), files)
        if file is None:
            self.lost.append(f"l’image «\u00a0{values.get('src', '')[:80]}\u00a0»")
            return escape(values.get("alt", ""))
        picture = Picture(uid=self.keep(file), alt=" ".join(values.get("alt", "").split()))
        for side in ("width", "height"):
            if values.get(side, "").isascii() and values.get(side, "").isdigit():
                picture[side] = int(values[side])
        self.found.append(picture)
        return f"{{img:{len(self.found)}}}"


def _file(address: str, files: tuple[File, ...]) -> File | None:
    if inline := _DATA.fullmatch(address):
        return File(f"image.{inline[1]}", inline[2])
    if not address.startswith(_FILE):
        return None
    path = unquote(address[len(_FILE) :].split("?")[0])
    return next((one for one in files if one.path + one.name in (path, f"/{path}")), None)


def shown(text: Text, flavour: Flavour, pictures: Pictures) -> str:
    """``text`` as it is shown: safe HTML (``inline``: fit for a label), or plain words."""
    words = text.text
    if text.format == "plain":
        return words if flavour == "plain" else escape(words, quote=False).replace("\n", "<br>")
    if text.format != "html":  # Moodle and Markdown break lines where the author does
        words = words.replace("\n", "<br>")
    if "<" not in words and "&" not in words and ">" not in words:
        return words
    words = pictures.placed(clean_html(words), text.files)
    if flavour == "plain":
        return plain(words)
    return _tidied(words, flavour)


def _tidied(words: str, flavour: Flavour) -> str:
    if flavour == "inline":
        words = _ENDS.sub("<br>", words)
        words = _cleaned(words, _INLINE)
    else:
        words = _cleaned(words, _BLOCK | _HEADINGS)
        words = re.sub(r"<h[1-6]>", "<p><b>", words)
        words = re.sub(r"</h[1-6]>", "</b></p>", words)
        words = _EMPTY_PARAGRAPH.sub("", words).strip()
        if alone := _ONE_PARAGRAPH.fullmatch(words):
            words = alone[1]
    return _EDGES.sub("", words).strip(BLANKS)


def _cleaned(words: str, tags: set[str]) -> str:
    return nh3.clean(
        words,
        tags=tags,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener",
        attribute_filter=lambda tag, name, value: (
            None if name.endswith("span") and not value.isdigit() else value
        ),
    ).replace("&nbsp;", "\u00a0")


def plain(html: str, pictures: Sequence[Picture] = ()) -> str:
    """Words of an HTML text, on one line; ``pictures`` in place of their words, the rest left."""

    def told(found: re.Match[str]) -> str:
        rank = int(found[1])
        return escape(pictures[rank - 1]["alt"]) if 1 <= rank <= len(pictures) else " "

    words = PICTURE.sub(told, html) if "{img:" in html else html
    if "<" in words:
        words = _TAG.sub(" ", words)
    return " ".join(unescape(words).split())


def escaped(words: str) -> str:
    """Plain words as HTML, apostrophes and quotes left as they are."""
    return escape(words, quote=False)


def origin(text: Text, keep: Keep) -> Origin:
    """``text`` as its file had it, its pictures named by uid."""

    def named(found: re.Match[str]) -> str:
        return f"@@KALAN:{found[1]}:{keep(File(f'image.{found[1]}', found[2]))}@@"

    made = Origin(format=text.format, text=_DATA.sub(named, text.text))
    if text.files:
        made["files"] = [[one.name, one.path, keep(one)] for one in text.files]
    return made


def original(kept: Origin, fetch: Callable[[str], str]) -> tuple[str, tuple[File, ...]]:
    """(text, files) back from ``origin``; ``fetch`` gives the base64 of a uid."""
    words = _DATA_KEPT.sub(
        lambda found: f"data:image/{found[1]};base64,{fetch(found[2])}", kept["text"]
    )
    files = tuple(File(name, fetch(uid), path) for name, path, uid in kept.get("files", []))
    return words, files


def decoded(file: File) -> bytes:
    """The bytes of a file of a question."""
    return base64.b64decode(file.data)
