"""Grids, observations, tests of a session and their sittings, made directly in the database."""

from __future__ import annotations

import datetime as dt

from kalan.assessment.models import Sitting, Test
from kalan.assessment.services import paper
from kalan.base.ids import uuid7
from kalan.people.actor import SYSTEM
from kalan.training.models import (
    Observation,
    ObservationGrid,
    Registration,
    Session,
    SessionSitting,
    SessionTest,
)
from tests.factories import assessment
from tests.factories.people import NOW, unlogged

GESTURES = [
    {"code": "lock", "label": "Verrouille sa session.", "held": "", "missed": "", "none": ""},
    {"code": "doubt", "label": "Repère un faux message.", "held": "", "missed": "", "none": ""},
    {"code": "enter", "label": "Saisit une fiche.", "held": "", "missed": "", "none": ""},
]
ALL_HELD = {"lock": "yes", "doubt": "yes", "enter": "yes"}


@unlogged
def grid(code: str = "essai", version: int = 1, **fields: object) -> ObservationGrid:
    """The grid for every session of a test: it names the theme of the factories."""
    values: dict[str, object] = {
        "name": "Grille d’essai",
        "gestures": GESTURES,
        "themes": ["outils"],
        "created_at": NOW,
        **fields,
    }
    return ObservationGrid.objects.create(code=code, version=version, **values)


@unlogged
def observation(
    line: Registration, moment: str = "end", marks: dict[str, str] | None = None, **fields: object
) -> Observation:
    marks = ALL_HELD if marks is None else marks
    used = ObservationGrid.objects.order_by("-pk").first() or grid()
    values: dict[str, object] = {
        "uid": uuid7(),
        "grid": used,
        "observer_name": "Moussa Fall",
        "date": dt.date(2023, 3, 14),
        "held": list(marks.values()).count("yes"),
        "seen": len(marks) - list(marks.values()).count("na"),
        "at": NOW,
        **fields,
    }
    return Observation.objects.create(registration=line, moment=moment, marks=marks, **values)


def pair(session: Session, test: Test | None = None, *, opened: str = "") -> Test:
    """Form A before, form B after; ``opened``: "before", "after" or ""."""
    used = test or assessment.published(session.node, "fixed")
    for moment, form in (("before", "A"), ("after", "B")):
        SessionTest.objects.create(
            session=session,
            moment=moment,
            test=used,
            form=form,
            opened_at=NOW if moment == opened else None,
            created_at=NOW,
        )
    return used


def sat(
    line: Registration, moment: str, right: int, questions: int = 6, **fields: object
) -> Sitting:
    """A paper with the first ``right`` questions right ("B") and the others wrong ("A")."""
    test = SessionTest.objects.get(session=line.session, moment=moment)
    made = paper.key_in(
        actor=SYSTEM,
        test=test.test,
        form=test.form,
        answers=["B"] * right + ["A"] * (questions - right),
        agent=line.agent,
        now=NOW,
    )
    SessionSitting.objects.create(
        registration=line, moment=moment, sitting=made, created_at=NOW, **fields
    )
    return made
