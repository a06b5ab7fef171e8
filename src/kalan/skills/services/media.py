"""Pictures of questions: small, of a known type, with the text that stands for them."""

from __future__ import annotations

import base64
import datetime as dt
import struct
import uuid
from dataclasses import dataclass
from hashlib import sha256

from kalan.base.errors import Refused
from kalan.base.files import store
from kalan.engine.formats.question import File
from kalan.people.models import Account
from kalan.skills.models import Item, ItemMedia
from kalan.skills.play.content import Picture, Stored, decoded

LIMIT = 60_000  # bytes: a second or two on a slow 2G line
SIDE = 4000  # pixels: few bytes may unfold into gigabytes in a phone or a printed form
_KINDS = {"png": "image/png", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}
# Markers of a JPEG's frame, which holds its size (ITU-T T.81, table B.1).
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True)
class Kept:
    """The bytes of a picture, judged: its type and size in pixels."""

    data: bytes
    kind: str
    width: int
    height: int

    @property
    def inline(self) -> str:
        """An address that carries the bytes."""
        return f"data:{_KINDS[self.kind]};base64,{base64.b64encode(self.data).decode()}"


def judge(data: bytes, name: str = "") -> Kept:
    """A picture that may be shown. Raises Refused when it is too heavy or no picture."""
    said = f"L’image « {name} »" if name else "L’image"
    if len(data) > LIMIT:
        raise Refused(
            f"{said} pèse {len(data) // 1000} Ko : la limite est de {LIMIT // 1000} Ko.",
            field="picture",
            remedy="Réduisez-la (800 pixels de large suffisent) et enregistrez-la en JPEG ou PNG.",
            code="too_heavy",
        )
    found = _measured(data)
    if found is None:
        raise Refused(
            f"{said} n’est pas une image PNG, JPEG, GIF ou WebP.",
            field="picture",
            remedy="Enregistrez-la dans l’un de ces formats.",
            code="not_a_picture",
        )
    if max(found.width, found.height) > SIDE or not min(found.width, found.height):
        raise Refused(
            f"{said} mesure {found.width} × {found.height} pixels\u00a0: la limite est de {SIDE} "
            "de côté.",
            field="picture",
            remedy="Réduisez-la\u00a0: 800 pixels de large suffisent.",
            code="too_large",
        )
    return found


def _measured(data: bytes) -> Kept | None:
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return Kept(data, "png", *struct.unpack(">II", data[16:24]))
        if data.startswith((b"GIF87a", b"GIF89a")):
            return Kept(data, "gif", *struct.unpack("<HH", data[6:10]))
        if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            return Kept(data, "webp", *_webp(data))
        if data.startswith(b"\xff\xd8"):
            return Kept(data, "jpeg", *_jpeg(data))
    except (struct.error, IndexError, ValueError):
        return None
    return None


def _webp(data: bytes) -> tuple[int, int]:
    """RFC 9649 §2: lossy, lossless or extended."""
    if data[12:16] == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    if data[12:16] == b"VP8L":
        (bits,) = struct.unpack("<I", data[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if data[12:16] == b"VP8X":
        sides = [int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27)]
        return sides[0], sides[1]
    raise ValueError("no frame")


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    while at < len(data):
        if data[at] != 0xFF:
            raise ValueError("no marker")
        marker = data[at + 1]
        (length,) = struct.unpack(">H", data[at + 2 : at + 4])
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + length
    raise ValueError("no frame")


class Pictures:
    """Gives each picture of an item its uid: the same item and bytes give the same one.

    So reading a file again finds the question as it stands. Nothing is stored before ``keep``
    has judged the bytes; ``save`` stores what the question shows.
    """

    def __init__(self, salt: str) -> None:
        self.salt = salt  # bank and code of the item
        self.found: dict[str, tuple[Kept, str]] = {}

    def keep(self, file: File) -> str:
        """The uid of a picture of a question file. Raises Refused (see ``judge``)."""
        try:
            data = decoded(file)
        except ValueError:
            data = b""
        return self.add(data, file.name)

    def add(self, data: bytes, name: str) -> str:
        """The uid of a picture by its bytes. Raises Refused (see ``judge``)."""
        kept = judge(data, name)
        uid = str(uuid.UUID(sha256(self.salt.encode() + b"\0" + data).hexdigest()[:32]))
        self.found[uid] = (kept, name)
        return uid

    def measure(self, stored: Stored) -> None:
        """Write into ``stored`` the width and height of its pictures, where it has none."""
        for picture in pictures_of(stored):
            if picture["uid"] in self.found and "width" not in picture:
                kept = self.found[picture["uid"]][0]
                picture["width"], picture["height"] = kept.width, kept.height

    def save(self, *, item: Item, stored: Stored, by: Account | None, now: dt.datetime) -> None:
        """Store the pictures that ``stored`` shows and the item has not yet."""
        there = {str(uid) for uid in item.media.values_list("uid", flat=True)}
        for picture in pictures_of(stored):
            uid = picture["uid"]
            if uid in there or uid not in self.found:
                continue
            there.add(uid)
            kept, name = self.found[uid]
            file = store(
                content=kept.data,
                name=name or f"image.{kept.kind}",
                kind="question",
                by=by,
                now=now,
                content_type=_KINDS[kept.kind],
            )
            ItemMedia.objects.create(
                item=item,
                uid=uid,
                file=file,
                alt=picture["alt"][:300],
                width=min(kept.width, 32767),
                height=min(kept.height, 32767),
            )


def pictures_of(stored: Stored) -> list[Picture]:
    """Pictures of the question and of its explanation."""
    return [*stored.content.get("images", []), *stored.key.get("images", [])]
