"""Tests, sittings, answers, results, exams, calibration runs."""

from __future__ import annotations

from kalan.assessment.models.calibration import CalibrationLine, CalibrationRun
from kalan.assessment.models.exams import (
    Candidate,
    CutJudge,
    CutPanel,
    CutRating,
    Exam,
)
from kalan.assessment.models.sittings import (
    Answer,
    DomainResult,
    Result,
    Sitting,
    SittingEvent,
)
from kalan.assessment.models.tests import FrozenItem, FrozenTest, Test

__all__ = [
    "Answer",
    "CalibrationLine",
    "CalibrationRun",
    "Candidate",
    "CutJudge",
    "CutPanel",
    "CutRating",
    "DomainResult",
    "Exam",
    "FrozenItem",
    "FrozenTest",
    "Result",
    "Sitting",
    "SittingEvent",
    "Test",
]
