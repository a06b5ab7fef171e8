"""Tests before and after, and gestures seen at work, for the demonstration: all of it simulated.

Every sitting, answer, result and observation carries the flag. Those who came take the tests, a
few miss one; abilities rise by 0.6 standard deviations, more for some than for others.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from kalan.assessment.demo import ability
from kalan.assessment.models import Test
from kalan.assessment.services.simulated import Taker, record
from kalan.base.ids import uuid7
from kalan.training.models import (
    Moment,
    Observation,
    Programme,
    Registration,
    Session,
    SessionSitting,
    SessionTest,
)
from kalan.training.selectors.learning_observations import END, LATER, Grid, came, pack_grids
from kalan.training.services.learning_gain import compute_gain
from kalan.training.services.learning_observations import ensure_grid
from kalan.training.services.learning_sittings import CONTEXT

GAIN, SPREAD = 0.6, 0.3  # of the reference standard deviation
MISS_BEFORE, MISS_AFTER = 0.06, 0.08
OBSERVED_EVERY = 3  # sessions, then people: a third are observed
LATER_AFTER = dt.timedelta(days=125)
_BEFORE, _AFTER = Moment.BEFORE, Moment.AFTER


@dataclass(frozen=True)
class _Planned:
    line: Registration
    moment: str
    taker: Taker


def build_learning(programme: Programme, test: Test, *, seed: int = 4) -> None:
    """Give every held session of ``programme`` its pair of tests and what came of it."""
    draw = random.Random(seed)  # noqa: S311 - invented data, not a secret
    held = list(
        Session.objects.filter(programme=programme, closed_at__isnull=False)
        .select_related("theme")
        .order_by("start", "code")
    )
    planned: list[_Planned] = []
    people: dict[int, list[Registration]] = {}
    for number, session in enumerate(held):
        first, second = ("A", "B") if number % 2 == 0 else ("B", "A")
        _tests(session, test, first, second)
        people[session.pk] = list(came(session))
        for line in people[session.pk]:
            planned += _takers(draw, session, line, "AB".index(first), "AB".index(second))
    made = record(test=test, takers=[p.taker for p in planned], context=CONTEXT, seed=seed)
    SessionSitting.objects.bulk_create(
        SessionSitting(
            registration=plan.line,
            moment=plan.moment,
            sitting=sitting,
            created_at=plan.taker.at,
        )
        for plan, sitting in zip(planned, made, strict=True)
    )
    _observe(draw, held, people)
    for session in held:
        compute_gain(session=session, now=session.closed_at or session.created_at)
    _chosen(test)


def _at(day: dt.date, hour: int) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour), tzinfo=dt.UTC)


def _tests(session: Session, test: Test, first: str, second: str) -> None:
    opened = {_BEFORE: _at(session.start, 8), _AFTER: _at(session.end, 16)}
    SessionTest.objects.bulk_create(
        SessionTest(
            session=session,
            moment=moment,
            test=test,
            form=form,
            opened_at=opened[moment],
            closed_at=opened[moment] + dt.timedelta(hours=2),
            created_at=session.created_at,
        )
        for moment, form in ((_BEFORE, first), (_AFTER, second))
    )


def _chosen(test: Test) -> None:
    """The pair of the sessions still to be held, for their trainers to open on the day."""
    coming = Session.objects.filter(closed_at__isnull=True).exclude(state=Session.State.CANCELLED)
    SessionTest.objects.bulk_create(
        SessionTest(
            session=session, moment=moment, test=test, form=form, created_at=session.created_at
        )
        for session in coming.order_by("start", "code")
        for moment, form in ((_BEFORE, "A"), (_AFTER, "B"))
    )


def _takers(
    draw: random.Random, session: Session, line: Registration, first: int, second: int
) -> list[_Planned]:
    agent = line.agent
    before = ability(draw, cadre=agent.cadre.code if agent and agent.cadre else "")
    gain = draw.gauss(GAIN, SPREAD)
    after = {domain: level + gain for domain, level in before.items()}
    found = []
    for moment, level, form, at, miss in (
        (_BEFORE, before, first, _at(session.start, 8), MISS_BEFORE),
        (_AFTER, after, second, _at(session.end, 16), MISS_AFTER),
    ):
        minutes = draw.randrange(1, 30)
        if draw.random() < miss:
            continue
        taker = Taker(
            ability=level,
            at=at + dt.timedelta(minutes=minutes),
            agent=agent,
            structure_id=line.structure_id,
            cadre_id=agent.cadre_id if agent else None,
            sex=agent.sex if agent else "",
            form=form,
        )
        found.append(_Planned(line, moment, taker))
    return found


# --- Gestures ---------------------------------------------------------------------------------


def _observe(
    draw: random.Random, held: Sequence[Session], people: dict[int, list[Registration]]
) -> None:
    """A third of the people, in whole sessions, so that groups are large enough to be shown."""
    grids = pack_grids()
    if not grids:
        return
    grid = grids[0]
    pk = ensure_grid(grid, now=held[0].created_at) if held else 0
    rows: list[Observation] = []
    ease: dict[str, float] = defaultdict(lambda: draw.gauss(0.6, 0.5))
    for session in held[::OBSERVED_EVERY]:
        for line in people[session.pk]:
            holds = draw.gauss(0, 0.8)
            rows.append(_seen(draw, pk, grid, line, END, session.end, holds + 0.3, ease))
            if draw.random() < 0.8:  # some have moved, or nobody came to see them
                day = session.end + LATER_AFTER + dt.timedelta(days=draw.randrange(40))
                rows.append(_seen(draw, pk, grid, line, LATER, day, holds, ease))
    Observation.objects.bulk_create(rows)


def _seen(
    draw: random.Random,
    grid_pk: int,
    grid: Grid,
    line: Registration,
    moment: str,
    day: dt.date,
    holds: float,
    ease: dict[str, float],
) -> Observation:
    marks = {}
    for gesture in grid.gestures:
        if draw.random() < 0.12:
            marks[gesture.code] = "na"
            continue
        share = 1 / (1 + math.exp(-(holds + ease[gesture.code])))
        marks[gesture.code] = "yes" if draw.random() < share else "no"
    values = list(marks.values())
    return Observation(
        uid=uuid7(),
        registration=line,
        grid_id=grid_pk,
        moment=moment,
        observer_name="Formateur de la session" if moment == END else "Responsable de structure",
        date=day,
        marks=marks,
        held=values.count("yes"),
        seen=len(values) - values.count("na"),
        simulated=True,
        at=_at(day, 17),
    )
