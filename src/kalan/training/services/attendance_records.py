"""What comes in and goes out when attendance is written."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Literal

from kalan.training.models import HalfDay, Registration
from kalan.training.selectors.attendance import Cell


@dataclass(frozen=True)
class MarkData:
    """ "Present", as a phone, a screen or a sheet says it. ``half_day`` is ``2023-03-13-am``."""

    client_id: uuid.UUID
    registration: uuid.UUID
    half_day: str
    device_at: dt.datetime | None = None


@dataclass(frozen=True)
class RetractionData:
    """Takes back marks of one box: whole ids of marks, or handles as a page showed them."""

    client_id: uuid.UUID
    registration: uuid.UUID
    half_day: str
    marks: tuple[str, ...]
    device_at: dt.datetime | None = None


Verdict = Literal["stored", "already", "conflict", "refused"]


@dataclass(frozen=True)
class Outcome:
    """The answer to one record; everything but "refused" is on disk."""

    client_id: uuid.UUID
    verdict: Verdict
    code: str = ""
    message: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Box:
    """One person and one half-day."""

    person: Registration
    half_day: HalfDay

    @property
    def cell(self) -> Cell:
        return self.person.pk, self.half_day.pk


@dataclass(frozen=True)
class Changed:
    """How many boxes were ticked and unticked."""

    added: int
    removed: int
