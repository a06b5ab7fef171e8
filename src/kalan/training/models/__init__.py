"""Programmes, sessions, participants, attendance, money, platforms."""

from __future__ import annotations

from kalan.training.models.attendance import (
    AttendanceMark,
    AttendanceRetraction,
    Correction,
    DirtySession,
    MarkSource,
    Presence,
    SatisfactionAnswer,
)
from kalan.training.models.learning import (
    Moment,
    Observation,
    ObservationGrid,
    SessionGain,
    SessionSitting,
    SessionTest,
)
from kalan.training.models.participants import AnonymousCount, Level, Outsider, Registration
from kalan.training.models.programmes import (
    Partner,
    Programme,
    ProgrammePartner,
    Target,
    TargetStructure,
    Theme,
    TransportRate,
)
from kalan.training.models.resources import (
    CostLine,
    Platform,
    PlatformAccount,
    Resource,
    SessionSheet,
)
from kalan.training.models.sessions import (
    HalfDay,
    Mode,
    Session,
    SessionPlaces,
    SessionTrainer,
    short_code,
)

__all__ = [
    "AnonymousCount",
    "AttendanceMark",
    "AttendanceRetraction",
    "Correction",
    "CostLine",
    "DirtySession",
    "HalfDay",
    "Level",
    "MarkSource",
    "Mode",
    "Moment",
    "Observation",
    "ObservationGrid",
    "Outsider",
    "Partner",
    "Platform",
    "PlatformAccount",
    "Presence",
    "Programme",
    "ProgrammePartner",
    "Registration",
    "Resource",
    "SatisfactionAnswer",
    "Session",
    "SessionGain",
    "SessionPlaces",
    "SessionSheet",
    "SessionSitting",
    "SessionTest",
    "SessionTrainer",
    "Target",
    "TargetStructure",
    "Theme",
    "TransportRate",
    "short_code",
]
