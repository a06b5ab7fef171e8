"""A plate made once a batch (a study, not in the product), beside Typst for each document.

`docs/decisions/0018-un-moule-par-lot.md` says what it would take to use it. Attestations of one
batch that differ by number, code, name, cadre and structure. Typst makes one of them, an alphabet
and the lines of each person in one go, so in one numbering of the glyphs; then each person's file
is written from the first page's bytes and those lines. Processor time of the rendering alone, QR
code included. Counted: files whose text, tags and pixels are those of the file that Typst makes
for the same person (pdftotext, pdfinfo, pdftoppm), on ``SEEN`` of them.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import random
import re
import subprocess
import tempfile
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.result import Result

PEOPLE, CHUNK, SEEN = 500, 100, 20
PACKS = Path(__file__).resolve().parents[1] / "packs"
PEER = "Typst pour chaque document, comme dans le produit"
Row = list[Any]  # number, name, its size, qualities, code

SHEET = """
#import "/actes/base.typ": serif, sans, soft, ink
#set page(width: 297mm, height: auto, margin: (x: 21mm), background: none)
#set text(font: sans, size: 10pt, fill: ink, lang: "fr", hyphenate: false)
#let (letters, rows) = json(bytes({}))
#pdf.artifact({{
  par(text(kerning: false, ligatures: false, letters.at(0)))
  par(text(font: serif, weight: "bold", kerning: false, ligatures: false, letters.at(1)))
}})
#pagebreak()
#pdf.artifact(for (number, name, size, qualities, code) in rows {{
  align(center, par(text(size: 9pt, fill: soft, number)))
  align(center, block(width: 226mm, {{
    set text(size: 11pt)
    par(leading: 0.45em, text(font: serif, weight: "bold", size: size * 1pt, name))
    if qualities != "" {{ par(leading: 0.65em, text(fill: soft, qualities)) }}
  }}))
  let groups = code.split(" ")
  let (one, two) = (groups.slice(0, 3), groups.slice(3)).map(part => part.join("\\u{{a0}}"))
  pad(left: 31mm + 10pt, block(width: 59mm - 10pt, par(leading: 0.5em, text(
    size: 9pt, fill: ink, font: serif, weight: "bold", one + " " + linebreak() + two,
  ))))
}})
"""
_OBJECT = re.compile(rb"(\d+) 0 obj\n(.*?)\nendobj\n", re.DOTALL)
_REFERENCE = re.compile(rb"(?<![\d.])(\d+) 0 R\b")
_LINE = re.compile(
    rb"q 1 0 0 -1 ([\d.]+) [\d.]+ cm/c0 cs [\d. ]+scn\n"
    rb"BT 0 Tr/(f\d+) ([\d.]+) Tf 1 0 0 -1 0 0 Tm(.*?)\nET\nQ",
    re.DOTALL,
)
_ONE_PAGE = re.compile(rb"<xmpTPg:NPages>\d+")
_IDENTIFIER = re.compile(rb"<xmpMM:(?:DocumentID|InstanceID)>([^<]*)")
_LENGTH, _SIZE = re.compile(rb"/Length \d+"), re.compile(rb"/Size \d+")


class Plate:
    """Writes the documents of one batch that differ by nothing but what ``SHEET`` sets.

    ``pattern``: whose page is copied; ``letters``: every sign of the batch, in order. With both
    fixed for a batch the bytes of a document do not depend on who is asked for along with it.
    """

    def __init__(
        self, renderer: Any, pattern: dict[str, Any], letters: list[str], people: list[Row]
    ) -> None:
        objects = _objects(_compiled(renderer, pattern, letters, people))
        first, self._lines = _sheet(objects)
        self._keep(objects, first)
        page = pattern["page"]
        content = zlib.decompress(_split(self._objects[self._content])[1])
        self._parts = _cut(content, self._lines.pop(0))
        self._title, self._keywords = page["meta"]["title"], page["meta"]["keywords"]

    def _keep(self, objects: dict[int, bytes], first: int) -> None:
        """Drop the pages of the sheet and number the rest anew."""
        tree = next(n for n, raw in objects.items() if raw.startswith(b"<</Type/Pages"))
        gone = {n for n in _kids(objects[tree]) if n != first}
        gone |= {_number(rb"/Contents", objects[n]) for n in gone}
        left = re.sub(rb"/Kids\[.*?\]", b"/Kids[%d 0 R]" % first, objects[tree])
        objects[tree] = re.sub(rb"/Count \d+", b"/Count 1", left)
        kept = {old: new for new, old in enumerate((n for n in objects if n not in gone), 1)}

        def renumbered(raw: bytes) -> bytes:
            head, mark, rest = raw.partition(b"stream\n")
            return _REFERENCE.sub(lambda m: b"%d 0 R" % kept[int(m[1])], head) + mark + rest

        self._objects = {new: renumbered(objects[old]) for old, new in kept.items()}
        self._content = _number(rb"/Contents", self._objects[kept[first]])
        self._root = self._one(b"/Type/Catalog")
        self._code = self._one(b"/Subtype/Image", b"/Width")
        self._data = self._one(b"/Type/EmbeddedFile")
        self._metadata = self._one(b"/Subtype/XML")
        self._info = self._one(b"/Title", b"/Keywords")

    def _one(self, *words: bytes) -> int:
        found = [
            number
            for number, raw in self._objects.items()
            if all(word in raw.partition(b"stream\n")[0] for word in words)
        ]
        (number,) = found
        return number

    def pdf(self, at: int, data: dict[str, Any]) -> bytes:
        """The document of the person of rank ``at`` of the sheet."""
        from kalan.credentials.documents.render import attached
        from kalan.engine.signing.qr import qr_pixels

        act, meta = data["act"], data["page"]["meta"]
        parts = [self._parts[0]]
        for n, line in enumerate(self._lines[at]):
            parts += [line[0], self._parts[2 * n + 1], line[1], self._parts[2 * n + 2]]
        attachment = attached(act).encode()
        changed = {
            self._content: self._packed(self._content, b"".join(parts)),
            self._code: self._packed(self._code, qr_pixels(act["issue"]["address"], 3)[1]),
            self._data: _SIZE.sub(
                b"/Size %d" % len(attachment), self._packed(self._data, attachment), count=1
            ),
            self._info: self._objects[self._info]
            .replace(_utf16(self._title), _utf16(meta["title"]))
            .replace(", ".join(self._keywords).encode(), ", ".join(meta["keywords"]).encode()),
        }
        mark = base64.b64encode(hashlib.sha256(attachment).digest()[:16])
        changed[self._metadata] = self._described(meta, mark)
        return self._joined(changed, mark)

    def _packed(self, number: int, plain: bytes) -> bytes:
        packed = zlib.compress(plain)
        head = _split(self._objects[number])[0]
        length = b"/Length %d" % len(packed)
        return _LENGTH.sub(length, head, count=1) + packed + b"\nendstream"

    def _described(self, meta: dict[str, Any], mark: bytes) -> bytes:
        head, text = _split(self._objects[self._metadata])
        for identifier in set(_IDENTIFIER.findall(text)):  # its history names them too
            text = text.replace(identifier, mark)
        text = _ONE_PAGE.sub(b"<xmpTPg:NPages>1", text)
        text = text.replace(self._title.encode(), meta["title"].encode())
        text = text.replace(self._keywords[1].encode(), meta["keywords"][1].encode())
        return _LENGTH.sub(b"/Length %d" % len(text), head, count=1) + text + b"\nendstream"

    def _joined(self, changed: dict[int, bytes], mark: bytes) -> bytes:
        parts, at, places = [b"%PDF-1.7\n%\x80\x80\x80\x80\n\n"], 16, []
        for number, raw in self._objects.items():
            written = b"%d 0 obj\n%s\nendobj\n" % (number, changed.get(number, raw))
            places.append(at)
            parts.append(written)
            at += len(written)
        rows = b"".join([b"%010d 00000 n\r\n" % place for place in places])
        size = len(places) + 1
        parts.append(b"xref\n0 %d\n0000000000 65535 f\r\n%s" % (size, rows))
        parts.append(
            b"trailer\n<</Size %d/Root %d 0 R/Info %d 0 R/ID[(%s)(%s)]>>\nstartxref\n%d\n%%%%EOF"
            % (size, self._root, self._info, mark, mark, at)
        )
        return b"".join(parts)


def _compiled(
    renderer: Any, pattern: dict[str, Any], letters: list[str], people: list[Row]
) -> bytes:
    from kalan.credentials.documents.render import STANDARDS

    rows = json.dumps([letters, [_row(pattern), *people]], ensure_ascii=False)
    literal = '"' + rows.replace("\\", "\\\\").replace('"', '\\"') + '"'
    year, month, day = pattern["page"]["day"]
    source = renderer._source(pattern["act"], pattern["page"]) + SHEET.format(literal).encode()
    made: bytes = renderer._compiler.compile(
        input=source, format="pdf", pdf_standards=STANDARDS,
        timestamp=dt.datetime(year, month, day, tzinfo=dt.UTC),
    )  # fmt: skip
    return made


def _objects(pdf: bytes) -> dict[int, bytes]:
    return {int(found[1]): found[2] for found in _OBJECT.finditer(pdf)}


def _kids(tree: bytes) -> list[int]:
    found = re.search(rb"/Kids\[(.*?)\]", tree)
    return [int(n) for n in _REFERENCE.findall(found[1])] if found else []


def _number(name: bytes, raw: bytes) -> int:
    found = re.search(name + rb" (\d+) 0 R", raw)
    if found is None:
        raise ValueError(name)
    return int(found[1])


def _split(raw: bytes) -> tuple[bytes, bytes]:
    """The dictionary of a stream, up to its first byte, and its bytes."""
    start = raw.index(b"stream\n") + len(b"stream\n")
    return raw[:start], raw[start : raw.rindex(b"\nendstream")]


def _sheet(objects: dict[int, bytes]) -> tuple[int, list[list[tuple[bytes, bytes]]]]:
    """The first page, and for each person of the sheet its lines: place from the left, glyphs."""
    tree = next(raw for raw in objects.values() if raw.startswith(b"<</Type/Pages"))
    first, _, *rest = _kids(tree)  # the second is the alphabet
    named = {number: name for name, number in _fonts(objects, first).items()}
    people: list[list[tuple[bytes, bytes]]] = []
    for page in rest:
        fonts = _fonts(objects, page)
        content = zlib.decompress(_split(objects[_number(rb"/Contents", objects[page])])[1])
        for left, font, size, glyphs in _LINE.findall(content):
            name = named[fonts[font]]
            if (name, size) == (b"f0", b"9"):  # a number opens a person
                people.append([])
            people[-1].append((left, b"/%s %s Tf 1 0 0 -1 0 0 Tm%s" % (name, size, glyphs)))
    return first, people


def _fonts(objects: dict[int, bytes], page: int) -> dict[bytes, bytes]:
    raw = objects[page]
    if b"/Resources " in raw:
        raw = objects[_number(rb"/Resources", raw)]
    return dict(re.findall(rb"/(f\d+) (\d+) 0 R", raw))


def _cut(content: bytes, lines: list[tuple[bytes, bytes]]) -> list[bytes]:
    """The content of the page without ``lines``, each of which it must hold as it is."""
    parts, at = [], 0
    for left, glyphs in lines:
        start = content.index(glyphs, at)
        place = content.rindex(b"q 1 0 0 -1 " + left, at, start) + len(b"q 1 0 0 -1 ")
        parts += [content[at:place], content[place + len(left) : start]]
        at = start + len(glyphs)
    return [*parts, content[at:]]


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-be").hex().upper().encode()


def _row(data: dict[str, Any]) -> Row:
    page = data["page"]
    return [page[key] for key in ("number", "name", "name_size", "qualities", "code")]


def _letters(rows: list[Row]) -> list[str]:
    sans = {sign for row in rows for sign in row[0] + row[3]}
    serif = {sign for row in rows for sign in row[1] + row[4]} | {"\u00a0"}
    return ["".join(sorted(sans)), "".join(sorted(serif))]


def _people() -> list[dict[str, Any]]:
    """Attestations of one batch: names of Senegal, five cadres, four structures."""
    from kalan.credentials.documents import invented
    from kalan.credentials.documents.compose import Version, document
    from kalan.credentials.documents.packs import models

    drawn = random.Random(7)
    names = [line.split(",") for line in (PACKS / "names.csv").read_text().splitlines()]
    first, last = ([row[-1] for row in names if kind in row] for kind in ("first", "last"))
    cadres = ("Infirmière d’État", "Sage-femme d’État", "Médecin", "Technicien supérieur", "Agent")
    places = ("Poste de santé de Ndiob", "Centre de santé de Fatick", "Hôpital de Kaolack", "CNFTS")
    model = models(PACKS, "sn")["training"]
    version = Version("training", "sn", model.file, model.title, model.wording)
    made = []
    for rank in range(1, PEOPLE + 1):
        record: Any = invented.record("training", "sn")
        record["holder"] |= {
            "name": f"{drawn.choice(first)} {drawn.choice(last).upper()}",
            "cadre": drawn.choice(cadres), "structure": drawn.choice(places),
        }  # fmt: skip
        code = "".join(drawn.choices("0123456789ABCDEFGHJKMNPQRSTVWXYZ", k=24))
        envelope: Any = invented.envelope("sn") | {"number": f"SN-2026-{rank:06d}", "code": code}
        envelope["address"] = f"https://kalan.exemple/verifier/{code}/#{code * 10}"
        made.append(document(record, envelope, version))
    return made


def run(options: Sequence[str] = ()) -> Iterator[Result]:
    from kalan.credentials.documents.render import Renderer

    people = _people()
    rows = [_row(data) for data in people]
    letters = _letters(rows)
    renderer = Renderer(PACKS / "actes" / "formation.typ")
    renderer.pdf(people[0])
    spent: dict[str, list[float]] = {"typst": [], "plate": []}
    one, other = [], []
    for at in range(0, PEOPLE, CHUNK):
        start = time.process_time()
        one += [renderer.pdf(data) for data in people[at : at + CHUNK]]
        middle = time.process_time()
        plate = Plate(renderer, people[0], letters, rows[at : at + CHUNK])
        other += [plate.pdf(n, data) for n, data in enumerate(people[at : at + CHUNK])]
        spent["typst"].append(middle - start)
        spent["plate"].append(time.process_time() - middle)
    typst, ours = (1000 * sorted(times)[len(times) // 2] / CHUNK for times in spent.values())
    yield Result("un moule par lot, composition", ours, "ms/acte", PEER, typst, True)
    sizes = [sum(map(len, files)) / 1000 / PEOPLE for files in (other, one)]
    yield Result("un moule par lot, taille", sizes[0], "ko/acte", PEER, sizes[1], True)
    step = PEOPLE // SEEN
    same = sum(_look(a) == _look(b) for a, b in zip(one[::step], other[::step], strict=True))
    yield Result("un moule par lot, mêmes texte, balises et pixels", same, "actes", "tous", SEEN)
    plate = Plate(renderer, people[0], letters, rows[37:90])
    again = [plate.pdf(n, data) for n, data in enumerate(people[37:90])]
    alike = sum(a == b for a, b in zip(again, other[37:90], strict=True))
    yield Result("un moule par lot, mêmes octets en autre compagnie", alike, "actes", "tous", 53)


def _look(pdf: bytes) -> list[bytes]:
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(pdf)
        file.flush()
        name = file.name
        commands = (
            ["pdftotext", "-layout", name, "-"],
            ["pdfinfo", "-struct-text", name],
            ["pdftoppm", "-r", "100", name],
        )
        return [subprocess.run(one, capture_output=True, check=True).stdout for one in commands]
