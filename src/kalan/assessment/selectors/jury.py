"""What the jury sees: each candidate's measure against the cut, with the risk of being wrong."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Literal

from django.db.models import Prefetch, Q

from kalan.assessment.models import Candidate, Exam, Result, Sitting
from kalan.assessment.selectors.exams import candidates_of, event_counts, stage_of
from kalan.engine.testing.levels import normal_below
from kalan.engine.testing.outcome import NEAR, Z95, scaled

Verdict = Literal["passed", "failed"]


@dataclass(frozen=True)
class Proposal:
    """``verdict`` at the cut; ``risk`` that it is wrong (0 … 0.5), the errors of the measure and
    of the cut counted; ``near``: the risk is 10 % or more."""

    verdict: Verdict
    risk: float
    near: bool

    @property
    def percent(self) -> int:
        return round(100 * self.risk)


def propose(theta: float, se: float, cut: float, cut_se: float | None) -> Proposal:
    """The rule of engine.testing.outcome.decision, on stored numbers."""
    above = normal_below((theta - cut) / math.hypot(se, cut_se or 0.0))
    risk = min(above, 1 - above)
    return Proposal("passed" if above >= 0.5 else "failed", risk, risk >= NEAR)


@dataclass(frozen=True)
class Line:
    """One candidate before the jury. ``score`` and interval on the scale of 500; ``minutes``
    taken; counts of what happened; ``proposal`` None without answers or without a cut."""

    candidate: Candidate
    result: Result | None
    stage: str
    score: int | None
    low: int | None
    high: int | None
    proposal: Proposal | None
    minutes: int | None
    lost: int
    replaced: int
    incidents: int

    @property
    def sat(self) -> bool:
        return self.candidate.sitting_id is not None

    @property
    def differs(self) -> bool:
        """The jury decided otherwise than proposed."""
        decision = self.candidate.decision
        return bool(decision and self.proposal and decision != self.proposal.verdict)


@dataclass(frozen=True)
class Cut:
    theta: float
    se: float

    @property
    def score(self) -> int:
        return scaled(self.theta)

    @property
    def low(self) -> int:
        return scaled(self.theta - Z95 * self.se)

    @property
    def high(self) -> int:
        return scaled(self.theta + Z95 * self.se)


def cut_of(exam: Exam) -> Cut | None:
    """What decides: the cut kept at publication, before that the test's own of today."""
    if exam.cut is not None:
        return Cut(exam.cut, exam.cut_se or 0.0)
    if exam.test.cut is not None:
        return Cut(exam.test.cut, exam.test.cut_se or 0.0)
    return None


def lines(exam: Exam, *, now: dt.datetime) -> list[Line]:
    """Every candidate by name (three queries)."""
    cut = cut_of(exam)
    counts = event_counts(exam)
    results = Prefetch(
        "sitting__results", Result.objects.filter(current=True), to_attr="current_results"
    )
    return [
        _line(row, counts.get(row.sitting_id or 0, {}), cut, now)
        for row in candidates_of(exam).prefetch_related(results)
    ]


def _line(row: Candidate, counts: dict[str, int], cut: Cut | None, now: dt.datetime) -> Line:
    found = getattr(row.sitting, "current_results", []) if row.sitting else []
    result = found[0] if found else None
    score = low = high = proposal = None
    if result is not None and result.theta is not None and result.se is not None:
        score = scaled(result.theta)
        low, high = (scaled(result.theta + side * Z95 * result.se) for side in (-1, 1))
        if cut is not None:
            proposal = propose(result.theta, result.se, cut.theta, cut.se)
    return Line(
        candidate=row,
        result=result,
        stage=stage_of(row, now),
        score=score,
        low=low,
        high=high,
        proposal=proposal,
        minutes=_minutes(row.sitting),
        lost=counts.get("lost", 0),
        replaced=counts.get("replaced", 0),
        incidents=counts.get("incidents", 0),
    )


def _minutes(sitting: Sitting | None) -> int | None:
    if sitting is None or sitting.started_at is None or sitting.finished_at is None:
        return None
    return round((sitting.finished_at - sitting.started_at).total_seconds() / 60)


def simulated(exam: Exam) -> bool:
    """Whether the exam rests on invented answers, a simulated calibration or provisional items:
    its pages and documents then say « calibrage simulé »."""
    if exam.simulated:
        return True
    sat = Sitting.objects.filter(candidate__exam=exam)
    loose = Q(simulated=True) | Q(frozen__simulated=True)
    loose |= Q(results__current=True, results__provisional_share__gt=0)
    return sat.filter(loose).exists()
