"""The PDF of an act: PDF/A-3a and PDF/UA-1 in one pass, its data attached, always the same bytes.

Works in a child process without Django and without a database. One ``Renderer`` a batch: the
compiler keeps what it has read and laid out, so that the second document costs a tenth of the
first. Data reach the layout in the main source, not in ``sys.inputs``: a change there would make
the compiler forget everything.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import tempfile
import weakref
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst

from kalan.credentials.documents.errors import DocumentRefused, Problem
from kalan.credentials.documents.glyphs import FONTS
from kalan.credentials.documents.unfit import OF_A_SIGNATURE
from kalan.credentials.documents.words import reserved_in
from kalan.engine.signing.qr import qr_pixels

STANDARDS: list[Any] = ["a-3a", "ua-1"]
ATTACHMENT = "acte.json"
_FOLDER = "kalan-acte-"
# Pixels a module. Readers smooth a picture that they must enlarge less than four times, and so blur
# a code of one pixel a module; of three, it reads from a page at 100 dots an inch.
_PIXELS = 3
_PANIC = Problem(
    "template",
    "page",
    "Le document n’a pas pu être composé\u00a0: un de ses textes est trop long ou trop étrange.",
    "Abrégez ses textes, puis préparez l’acte de nouveau.",
)
_LIKE_A_SIGNATURE = Problem(
    "forbidden",
    "page",
    f"Le document contient «\u00a0{OF_A_SIGNATURE}\u00a0», que les lecteurs de PDF prendraient "
    "pour une signature.",
    "Ôtez ces mots.",
)
_PAGES = re.compile(rb"<</Type/Pages/Count (\d+)/")


@lru_cache(maxsize=1)
def _fonts() -> Any:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS])


class Renderer:
    """Makes the PDFs of one version of one template.

    ``template`` is a Typst file of the packs (``packs/actes/formation.typ``), ``assets`` the bytes
    of its logos by name. Not for two threads at once.
    """

    def __init__(self, template: Path, assets: dict[str, bytes] | None = None) -> None:
        packs = template.resolve().parents[1]
        self._root = _room()
        weakref.finalize(self, shutil.rmtree, self._root, ignore_errors=True)
        for source in [*packs.glob("*/*.typ"), *packs.glob("*/acte*.svg")]:
            target = self._root / source.relative_to(packs)
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(source, target)
        (self._root / "assets").mkdir()
        for name, content in (assets or {}).items():
            (self._root / "assets" / Path(name).name).write_bytes(content)
        self._template = f"/{template.resolve().relative_to(packs).as_posix()}"
        # Written in place for each document: opening a file anew costs more than drawing the code.
        self._code = (self._root / "qr.raw").open("wb", buffering=0)
        self._compiler = typst.Compiler(b"", root=self._root, font_paths=_fonts())

    def pdf(self, data: dict[str, Any]) -> bytes:
        """The document of ``data`` (see ``compose.document``).

        Raises DocumentRefused: reserved words without a legal reference, a character that no font
        has, more pages than the act may have, a template that does not compile.
        """
        act, page = data["act"], data["page"]
        refuse(data)
        for dense in range(page["dense"], 3):
            made = self._compile(act, page | {"dense": dense})
            pages = count_pages(made) if page["pages"] else 0
            if pages <= (page["pages"] or 0):
                return made
        whose = f"L’acte de {page['name']}" if page["name"] else "L’acte"
        said = f"{whose} prend {pages} pages au lieu de {page['pages']}."
        remedy = "Abrégez les textes les plus longs\u00a0: intitulés, thèmes, structure."
        raise DocumentRefused([Problem("too_long", "page", said, remedy)])

    def picture(self, data: dict[str, Any], *, ppi: float = 96) -> bytes:
        """The first page of ``pdf`` as PNG, for screens that show no PDF."""
        made = self._compiler.compile(
            input=self._source(data["act"], data["page"]), format="png", ppi=ppi
        )
        first = made[0] if isinstance(made, list) else made
        if not isinstance(first, bytes):
            raise TypeError("typst returned no picture")
        return first

    def sheet(self, act: dict[str, Any], page: dict[str, Any], rows: list[dict[str, str]]) -> bytes:
        """One page, and the lines of ``rows`` on others after it (see ``documents.plate``)."""
        said = f"json(bytes({_literal(json.dumps(rows, ensure_ascii=False))}))"
        more = f'#import "/actes/base.typ": certificate-sheet\n#certificate-sheet(p, {said})\n'
        return self._compile(act, page, more)

    def _compile(self, act: dict[str, Any], page: dict[str, Any], more: str = "") -> bytes:
        year, month, day = page["day"]
        try:
            made = self._compiler.compile(
                input=self._source(act, page) + more.encode(),
                format="pdf",
                pdf_standards=STANDARDS,
                timestamp=dt.datetime(year, month, day, tzinfo=dt.UTC),
            )
        except typst.TypstError as error:
            raise DocumentRefused([_explained(error)]) from error
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # no module of pyo3's to import it from
                raise
            raise DocumentRefused([_PANIC]) from error
        if not isinstance(made, bytes):
            raise TypeError("typst returned no document")
        return without_signature(made)

    def _source(self, act: dict[str, Any], page: dict[str, Any]) -> bytes:
        side, pixels = code_of(act)
        self._code.seek(0)
        self._code.write(pixels)
        self._code.truncate()
        country = act["country"]
        return (
            f'#import "{self._template}": acte\n'
            '#import "/actes/base.typ": about\n'
            f'#import "/{country}/acte.typ" as pays\n'
            f"#let p = json(bytes({_literal(json.dumps(page, ensure_ascii=False))}))\n"
            f'#about(p, pdf.attach("{ATTACHMENT}", bytes({_literal(attached(act))}), '
            'relationship: "data", mime-type: "application/json", '
            'description: "Données de l’acte"))\n'
            f"#acte(p, pays, {side})\n"
        ).encode()


def code_of(act: dict[str, Any]) -> tuple[int, bytes]:
    """The side of the QR code of an act in pixels, and its pixels."""
    return qr_pixels(act["issue"]["address"], _PIXELS)


def attached(act: dict[str, Any]) -> str:
    """The JSON that the PDF carries: the data of the act, keys in order."""
    return json.dumps(act, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def without_signature(pdf: bytes) -> bytes:
    """``pdf`` as it is. DocumentRefused when a wording, a title, a setting looks like one in it."""
    if OF_A_SIGNATURE.encode() in pdf:
        raise DocumentRefused([_LIKE_A_SIGNATURE])
    return pdf


def count_pages(pdf: bytes) -> int:
    """Pages of a document made here (its page tree is written first, uncompressed)."""
    found = _PAGES.search(pdf)
    if found is None:
        raise ValueError("no page tree")
    return int(found[1])


def _literal(text: str) -> str:
    """A Typst string. JSON has escaped every control character already."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def refuse(data: dict[str, Any]) -> None:
    """Raise DocumentRefused for reserved words without a legal reference."""
    words = None if data["act"].get("legal") else reserved_in(data["page"])
    if words is None:
        return
    place, said = words
    raise DocumentRefused(
        [
            Problem(
                "forbidden",
                place,
                f"«\u00a0{said}\u00a0» ne s’imprime pas sans texte qui le permet.",
                "Donnez à la version du modèle sa référence légale (numéro, date, autorité) ou "
                "changez ces mots.",
            )
        ]
    )


def _explained(error: Any) -> Problem:
    if "could not be displayed" in error.message:
        return Problem(
            "unprintable",
            "page",
            f"Un caractère ne s’imprime pas\u00a0: {error.message}",
            "Corrigez ce texte, puis préparez l’acte de nouveau.",
        )
    place = re.search(r"([^\s/]+/[^\s/]+\.typ):(\d+):(\d+)", error.diagnostic)
    where = f"{place[1]}, ligne {place[2]}, caractère {place[3]}" if place else "modèle"
    return Problem(
        "template",
        where,
        f"Le modèle ne se compile pas ({where})\u00a0: {error.message}.",
        "Corrigez ce fichier du pack ou reprenez celui d’origine.",
    )


def _room() -> Path:
    """A folder of our own; those of processes that were killed are removed."""
    base = Path(tempfile.gettempdir())
    for old in base.glob(f"{_FOLDER}*"):
        pid = old.name.removeprefix(_FOLDER).partition("-")[0]
        if pid.isdigit() and not _alive(int(pid)):
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-"))


def _alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        try:
            os.kill(pid, 0)
        except PermissionError:
            return True
        return True
    return False
