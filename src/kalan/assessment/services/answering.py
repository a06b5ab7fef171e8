"""Answers of a sitting: stored once each, in turn and in time; what is asked next.

An answer is one transaction under the sitting's row lock (SQLite: the write lock), and on disk
before the reply. The log grows by an update that compares ``step``, so whatever two tabs, two
presses or a lost reply do, each question is answered once.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from dataclasses import dataclass
from typing import Any, Literal

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from kalan.assessment.models import Answer, Sitting, SittingEvent
from kalan.assessment.selectors.frozen import stored_of, version_id
from kalan.assessment.selectors.screens import (
    Feedback,
    Over,
    Question,
    Screen,
    current,
    last_feedback,
    log_of,
    past_deadline,
    screen_of,
    walk_of,
)
from kalan.assessment.services.endings import close, expire, locked
from kalan.assessment.services.events import note
from kalan.base.errors import Refused
from kalan.engine.testing.walk import Walk
from kalan.people.models import Account
from kalan.skills.play import given as reading
from kalan.skills.play.grade import grade

KEPT = "Vous aviez déjà répondu à cette question : la première réponse est gardée."
Outcome = Literal["stored", "already", "late", "refused", "unfinished"]


@dataclass(frozen=True)
class Answered:
    """What became of an answer and what comes next. ``message``: French, "" when all went well;
    ``given``: what was typed, to fill the form again ("unfinished")."""

    outcome: Outcome
    sitting: Sitting
    screen: Screen
    feedback: Feedback | None = None
    message: str = ""
    given: reading.Given | None = None


def answer(
    *,
    sitting_uid: uuid.UUID,
    answer_uid: uuid.UUID,
    number: int,
    data: reading.Posted,
    now: dt.datetime,
    among: QuerySet[Sitting] | None = None,
    remind: bool = False,
) -> Answered:
    """Store an answer and say what comes next; see decision 0013.

    ``among``: the sittings that the caller may answer (``selectors.sittings.playable``);
    DoesNotExist for any other. ``remind``: an answer left blank or incomplete is not stored but
    "unfinished", so that the page can ask once.
    """
    rows = Sitting.objects.select_related("test") if among is None else among
    try:
        with transaction.atomic():
            row = locked(rows.filter(uid=sitting_uid))
            return _answer(row, answer_uid, number, data, now, remind=remind)
    except IntegrityError:
        # The uid is that of an answer in another sitting: a page that was tampered with.
        with transaction.atomic():
            row = locked(rows.filter(uid=sitting_uid))
            return _refuse(row, number, now)


def _answer(
    row: Sitting,
    answer_uid: uuid.UUID,
    number: int,
    data: reading.Posted,
    now: dt.datetime,
    *,
    remind: bool,
) -> Answered:
    log = log_of(row)
    asked = 1 + sum(entry[0] in "ar" for entry in log)
    going = row.state == Sitting.State.RUNNING
    if number != asked or row.asked is None or not going or past_deadline(row, now):
        return _out_of_turn(row, answer_uid, number, asked, data, now)
    item = row.asked
    version = version_id(row.frozen_id, item)
    stored = stored_of(version)
    try:
        said = reading.read(stored.kind, stored.content, data)
    except reading.UnreadableAnswerError as error:
        screen = current(sitting=row, now=now)
        return Answered("refused", row, screen, message=str(error))
    if remind and (left := reading.parts_left(stored.content, said)):
        return Answered("unfinished", row, current(sitting=row, now=now), None, left, said)
    mark = grade(stored, said)
    walk = walk_of(row, log)
    log.append(walk.answer(item, min(mark.category, walk.frozen.items[item].top)))
    since = row.asked_at or row.started_at or now
    Answer.objects.create(
        uid=answer_uid,
        sitting=row,
        number=number,
        version_id=version,
        given=said or None,
        category=mark.category,
        fraction=mark.fraction,
        seconds=max(0, int((now - since).total_seconds())),
        simulated=row.simulated,
        at=now,
    )
    screen = _grow(row, walk, log, now)
    shows = walk.frozen.rules.feedback
    return Answered("stored", row, screen, Feedback(stored, said, mark.fraction) if shows else None)


def _grow(row: Sitting, walk: Walk, log: list[list[Any]], now: dt.datetime) -> Screen:
    """Write the longer log, unless somebody else has; end the sitting when nothing is left."""
    before, row.log, row.step = row.step, json.dumps(log, separators=(",", ":")), len(log)
    screen = put_on_screen(row, walk, now)
    over = isinstance(screen, Over)
    if over:
        row.state, row.finished_at = Sitting.State.FINISHED, now
    changed = Sitting.objects.filter(pk=row.pk, step=before, state=Sitting.State.RUNNING).update(
        log=row.log, step=row.step, asked=row.asked, asked_at=now,
        state=row.state, finished_at=row.finished_at,
    )  # fmt: skip
    if changed != 1:
        raise IntegrityError("the sitting has moved on")
    if over:
        close(row, now)
    return screen


def _out_of_turn(
    row: Sitting,
    answer_uid: uuid.UUID,
    number: int,
    asked: int,
    data: reading.Posted,
    now: dt.datetime,
) -> Answered:
    """An answer that is not to the question on screen: known, second, late, or never asked."""
    known = Answer.objects.filter(sitting=row, uid=answer_uid).first()
    if known is not None:
        # The same page sent again, or gone back to and changed: only then there is a word to say.
        message = "" if _says(known, data) else KEPT
        return Answered("already", row, _settled(row, now), last_feedback(row), message)
    if Answer.objects.filter(sitting=row, number=number).exists():
        return Answered("already", row, _settled(row, now), message=KEPT)
    if row.state == Sitting.State.RUNNING and not past_deadline(row, now):
        return _refuse(row, number, now)
    if number == asked and (row.state == Sitting.State.EXPIRED or past_deadline(row, now)):
        note(sitting=row, kind=SittingEvent.Kind.LATE, now=now, number=number)
        return Answered(
            "late",
            row,
            _settled(row, now),
            message="Le temps est écoulé : cette réponse est arrivée trop tard et ne compte pas.",
        )
    return _refuse(row, number, now)


def _says(known: Answer, data: reading.Posted) -> bool:
    """Whether ``data`` is what was answered (a blank may come without the button's name)."""
    stored = stored_of(known.version_id)
    try:
        said = reading.read(stored.kind, stored.content, data)
    except reading.UnreadableAnswerError:
        return False
    return not said or said == known.given


def _refuse(row: Sitting, number: int, now: dt.datetime) -> Answered:
    note(sitting=row, kind=SittingEvent.Kind.REFUSED, now=now, number=number)
    return Answered(
        "refused",
        row,
        _settled(row, now),
        message="Cette réponse n’est pas celle de la question posée : elle n’est pas gardée.",
    )


def _settled(row: Sitting, now: dt.datetime) -> Screen:
    """The present screen; a sitting whose time is up is ended on the way."""
    screen = current(sitting=row, now=now)
    if isinstance(screen, Over) and screen.expired:
        expire(sitting=row, now=now)
        return Over()
    return screen


def proceed(
    *, sitting_uid: uuid.UUID, step: int, now: dt.datetime, among: QuerySet[Sitting] | None = None
) -> Answered:
    """Pass the pause between two stages; a second time changes nothing."""
    rows = Sitting.objects.select_related("test") if among is None else among
    with transaction.atomic():
        row = locked(rows.filter(uid=sitting_uid))
        screen = _settled(row, now)
        if row.state != Sitting.State.RUNNING or row.asked is not None or step != row.step:
            return Answered("already", row, screen)
        log = log_of(row)
        walk = walk_of(row, log)
        log.append(walk.proceed())
        return Answered("stored", row, _grow(row, walk, log, now))


def replace(*, sitting: Sitting, now: dt.datetime, by: Account | None = None) -> Screen:
    """Give another question in place of the one on screen, which counts for nothing.

    For an invigilator (the room decides who may). Raises Refused when no question is on screen.
    """
    with transaction.atomic():
        row = locked(Sitting.objects.filter(pk=sitting.pk).select_related("test"))
        if row.state != Sitting.State.RUNNING or row.asked is None:
            raise Refused("Aucune question n’est à l’écran.", remedy="Rechargez la page.")
        log = log_of(row)
        walk = walk_of(row, log)
        number, item = 1 + sum(entry[0] in "ar" for entry in log), row.asked
        log.append(walk.replace(item))
        version = version_id(row.frozen_id, item)
        note(
            sitting=row, kind=SittingEvent.Kind.REPLACED, now=now, number=number,
            version=version, by=by,
        )  # fmt: skip
        return _grow(row, walk, log, now)


def put_on_screen(row: Sitting, walk: Walk, now: dt.datetime) -> Screen:
    """Put on the row what a walk asks now; return the screen."""
    screen = screen_of(row, walk)
    row.asked = screen.item if isinstance(screen, Question) else None
    row.asked_at = now
    return screen
