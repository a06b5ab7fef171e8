"""What a sitting shows now, from its frozen test, its seed and its log; changes nothing."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from kalan.assessment.models import Answer, Sitting
from kalan.assessment.selectors.frozen import frozen_of, stored_of, version_id
from kalan.engine.testing.walk import Ask, Entry, Walk
from kalan.engine.testing.walk import Pause as EnginePause
from kalan.skills.play.given import Given
from kalan.skills.play.shape import Stored


@dataclass(frozen=True)
class Start:
    """Not begun."""


@dataclass(frozen=True)
class Question:
    """``number``: what the form carries (1, 2 … in the sitting, replaced questions counted).
    ``shown`` of at most ``of`` answered ones; ``about``: the length may turn out shorter."""

    number: int
    shown: int
    of: int
    about: bool
    item: int
    stored: Stored
    stage: str  # title of the stage, "" when there is one only


@dataclass(frozen=True)
class Pause:
    """A stage is over, the next waits. ``step``: what the button carries."""

    done: str
    next: str
    stage: int
    stages: int
    step: int


@dataclass(frozen=True)
class Over:
    """Nothing more is asked. ``expired``: time is up and the sitting is still to be closed."""

    expired: bool = False


Screen = Start | Question | Pause | Over


@dataclass(frozen=True)
class Feedback:
    """What was answered last, and what it was worth (0 … 1)."""

    stored: Stored
    given: Given
    fraction: float


def log_of(sitting: Sitting) -> list[list[Any]]:
    """The entries of the log."""
    found: list[list[Any]] = json.loads(sitting.log)
    return found


def walk_of(sitting: Sitting, log: list[Entry] | list[list[Any]] | None = None) -> Walk:
    """The sitting as far as its log goes."""
    return Walk(
        frozen_of(sitting.frozen_id),
        sitting.seed,
        log_of(sitting) if log is None else log,
        accessible_only=sitting.accessible_only,
        exclude=frozenset(sitting.excluded),
        form=sitting.form,
        check=False,  # the log comes from our own database; test_sittings holds it to the path
    )


def past_deadline(sitting: Sitting, now: dt.datetime) -> bool:
    """Whether its time is up."""
    return sitting.deadline is not None and now > sitting.deadline


def current(*, sitting: Sitting, now: dt.datetime) -> Screen:
    """What ``sitting`` shows at ``now``."""
    if sitting.state == Sitting.State.READY:
        return Start()
    if sitting.state != Sitting.State.RUNNING:
        return Over()
    if past_deadline(sitting, now):
        return Over(expired=True)
    return screen_of(sitting, walk_of(sitting))


def screen_of(sitting: Sitting, walk: Walk) -> Screen:
    """The screen of a walk that is up to date with the sitting's log."""
    found = walk.next()
    stages = walk.frozen.stages
    if isinstance(found, Ask):
        progress = walk.progress()
        stage = stages[walk.stage]
        package = stage.package
        return Question(
            number=number_of(walk),
            shown=progress.answered + 1,
            of=progress.of,
            about=len(stages) > 1 or (package is not None and package.shortest < package.longest),
            item=found.item,
            stored=stored_of(version_id(sitting.frozen_id, found.item)),
            stage=stage.title if len(stages) > 1 else "",
        )
    if isinstance(found, EnginePause):
        return Pause(
            done=stages[walk.stage].title,
            next=stages[walk.stage + 1].title,
            stage=walk.stage + 1,
            stages=len(stages),
            step=len(walk.answers) + walk.replaced + walk.stage,
        )
    return Over()


def number_of(walk: Walk) -> int:
    """Number of the question that a walk asks: one more than those answered and replaced."""
    return len(walk.answers) + walk.replaced + 1


def last_feedback(sitting: Sitting) -> Feedback | None:
    """The last answer of a sitting whose test gives feedback (one query), or None."""
    if not frozen_of(sitting.frozen_id).rules.feedback:
        return None
    row = (
        Answer.objects.filter(sitting=sitting)
        .order_by("-number")
        .values_list("version_id", "given", "fraction")
        .first()
    )
    if row is None:
        return None
    return Feedback(stored_of(row[0]), row[1] or Given(), row[2])
