"""Papers of tests and observations, as plain data for their templates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from kalan.assessment.services.paper import HOW, Line, lettered
from kalan.skills.play import markup
from kalan.skills.play.shape import Content
from kalan.training.documents.compiler import pdf
from kalan.training.documents.papers import common_of
from kalan.training.models import Moment, Observation, Registration, Session, SessionTest
from kalan.training.selectors.learning import code_of
from kalan.training.selectors.learning_observations import Grid


def gestures_pdf(
    session: Session, grid: Grid, people: Sequence[Registration], moment: str
) -> bytes:
    """The observation grid to fill by hand: one line a person, one narrow column a gesture."""
    return pdf(
        "gestures",
        {
            **common_of(session),
            "title": "Grille d’observation des gestes",
            "moment": Observation.Moment(moment).label,
            "grid": f"{grid.name}, version {grid.version}",
            "gestures": [
                {"number": str(n), "label": g.label, "held": g.held, "missed": g.missed}
                for n, g in enumerate(grid.gestures, start=1)
            ],
            "people": [
                {"number": str(n), "name": line.person, "structure": line.came_from}
                for n, line in enumerate(people, start=1)
            ],
        },
    )


def slips_pdf(session: Session, people: Sequence[Registration], address: str) -> bytes:
    """One slip a person to cut out: the address, and the code that opens their own test."""
    return pdf(
        "slips",
        {
            **common_of(session),
            "address": address,
            "people": [
                {"name": line.person, "structure": line.came_from, "code": code_of(line)}
                for line in people
            ],
        },
    )


def test_pdf(session: Session, test: SessionTest, lines: Sequence[Line]) -> bytes:
    """The test on paper: the questions of its form, and a line for each answer."""
    return pdf(
        "test",
        {
            **common_of(session),
            "title": test.test.title,
            "moment": f"Test {Moment(test.moment).label} la formation",
            "form": test.form,
            "base": settings.KALAN_BASE_URL,
            "questions": [_question(line) for line in lines],
        },
    )


def _question(line: Line) -> dict[str, Any]:
    content = line.stored.content
    text = markup.GAP.sub(lambda gap: f" …({gap[1]})… ", content["text"])
    return {
        "number": str(line.number),
        "text": markup.plain(text, content.get("images", [])),
        "how": HOW[content["kind"]],
        "left": [
            [str(number), markup.plain(one["text"])]
            for number, one in enumerate(content.get("lefts", []), start=1)
        ],
        "options": _options(content),
    }


def _options(content: Content) -> list[list[str]]:
    """[letter, words] as ``key_in`` reads them back."""
    for name in ("choices", "rights", "steps"):
        if content.get(name):
            listed = content[name]
            return [[letter, markup.plain(one["text"])] for letter, one in lettered(listed)]
    found = []
    for number, gap in enumerate(content.get("gaps", []), start=1):
        words = [f"{letter} {one['text']}" for letter, one in lettered(gap.get("choices", []))]
        if words:
            found.append([f"({number})", " ; ".join(words)])
    return found
