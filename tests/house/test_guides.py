"""Guides that no browser walks: what they write in bold stands in the source of a screen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
SOURCES = TOP / "src" / "kalan"


def plain(text: str) -> str:
    return " ".join(text.split())  # no-break spaces count as spaces


@pytest.fixture(scope="module")
def screens() -> str:
    found = [*SOURCES.rglob("templates/**/*.html"), *SOURCES.rglob("*.py")]
    return plain("\n".join(path.read_text() for path in found))


@pytest.mark.parametrize("guide", ["auteur", "tests"])
def test_names_in_bold_are_on_a_screen(guide: str, screens: str) -> None:
    text = (TOP / "docs" / "guides" / f"{guide}.md").read_text()
    bold = {plain(words) for words in re.findall(r"\*\*(.+?)\*\*", text, re.DOTALL)}
    bold -= {"en gras", "Des questions dans un fichier ?"}
    assert sorted(words for words in bold if words not in screens) == []
