"""Papers of tests and observations, as plain data for their templates."""

from __future__ import annotations

from collections.abc import Sequence

from kalan.training.documents.compiler import pdf
from kalan.training.documents.papers import common_of
from kalan.training.models import Observation, Registration, Session
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
