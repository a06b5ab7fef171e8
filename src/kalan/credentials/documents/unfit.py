"""Texts that a page could hold and yet must not: they would break what is made of them.

``/ByteRange`` names a signature inside a PDF; a name that says it stands uncompressed in the
metadata, and the strict judge of our acts would find a second signature. Very long texts take a
page's layout minutes and gigabytes, or make its compiler panic.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kalan.credentials.documents.errors import Problem

OF_A_SIGNATURE = "/ByteRange"
MOST, WORD = 20_000, 200  # characters of a text, and of one word in it
MOST_IN_ALL = 400_000  # of an act: a decision that names four thousand agents


def unfit(texts: Iterable[tuple[str, str]], data: Mapping[str, Any]) -> list[Problem]:
    """What keeps ``texts`` (path, text) of a record from being printed, or read afterwards."""
    found, total = [], 0
    for path, text in texts:
        total += len(text)
        place = path.removeprefix("fields.")
        if OF_A_SIGNATURE in text:
            said = f"«\u00a0{place}\u00a0» contient «\u00a0{OF_A_SIGNATURE}\u00a0»"
            said += ", que les lecteurs de PDF prendraient pour une signature."
            found.append(Problem("forbidden", path, said, "Ôtez ces mots."))
        longest = max(map(len, text.split()), default=0) if len(text) > WORD else 0
        if len(text) > MOST or longest > WORD:
            said = f"«\u00a0{place}\u00a0» est trop long\u00a0: {len(text)} caractères"
            said += f", un mot de {longest}." if longest > WORD else f", au lieu de {MOST}."
            found.append(Problem("too_long", path, said, "Abrégez ce texte."))
    if total > MOST_IN_ALL:
        said = f"Les textes de cet acte font {total} caractères, au lieu de {MOST_IN_ALL}."
        found.append(Problem("too_long", "", said, "Abrégez-les, ou faites plusieurs actes."))
    name = (data.get("holder") or {}).get("name", "")
    if name and (not name.strip() or "\n" in name):
        said = "Le nom de la personne est vide, ou tient sur deux lignes."
        found.append(Problem("unprintable", "holder.name", said, "Écrivez-le sur une ligne."))
    return found
