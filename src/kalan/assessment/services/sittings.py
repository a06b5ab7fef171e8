"""Sittings: begun and answered (ended: ``endings``). Rooms above start and read them through here.

An answer is one transaction under the sitting's row lock (SQLite: the write lock), and on disk
before the reply. The log grows by an update that compares ``step``, so whatever two tabs, two
presses or a lost reply do, each question is answered once.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from kalan.assessment.models import Answer, FrozenTest, Sitting, SittingEvent, Test
from kalan.assessment.selectors.frozen import frozen_of, stored_of, version_id
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
from kalan.assessment.selectors.sittings import person, retake, seen_items
from kalan.assessment.services.endings import close, end, expire, locked
from kalan.base.errors import Refused
from kalan.base.ids import uuid7
from kalan.engine.testing.walk import Walk, form_for
from kalan.people.actor import Actor
from kalan.people.models import Account, Agent, Post
from kalan.people.selectors.core import posts_on
from kalan.skills.play import given as reading
from kalan.skills.play.grade import grade

__all__ = ["answer", "begin", "current", "person", "play_url", "retake", "seen_items",
           "start"]  # fmt: skip

SEED_BITS = 32
KEPT = "Vous aviez déjà répondu à cette question : la première réponse est gardée."
EVENTS_KEPT = 200  # of one kind in a sitting: a page sent in a loop fills no disk
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


def play_url(sitting: Sitting) -> str:
    """Where the person goes on."""
    return f"/test/{sitting.uid}/"


@dataclass(frozen=True)
class RulesShown:
    """What the start page says: ``longest`` questions, ``minutes`` or None, explanations or not."""

    longest: int
    about: bool
    minutes: int | None
    feedback: bool
    stages: int


def rules_of(sitting: Sitting) -> RulesShown:
    """The rules of a sitting, its extra time counted."""
    frozen = frozen_of(sitting.frozen_id)
    minutes = frozen.rules.minutes
    if minutes is not None:
        minutes = minutes * (100 + sitting.extra_percent) // 100
    longest = sum(stage.longest for stage in frozen.stages)
    about = any(stage.package is not None for stage in frozen.stages) and (
        len(frozen.stages) > 1 or frozen.rules.shortest < frozen.rules.longest
    )
    return RulesShown(longest, about, minutes, frozen.rules.feedback, len(frozen.stages))


# --- Beginning --------------------------------------------------------------------------------


def start(
    *,
    actor: Actor,
    test: Test,
    now: dt.datetime,
    context: str = "open",
    account: Account | None = None,
    agent: Agent | None = None,
    by_link: bool = False,
    form: str = "",
    accessible_only: bool = False,
    extra_percent: int = 0,
    without: Collection[str] = (),
    simulated: bool = False,
) -> Sitting:
    """The person's open sitting of ``test`` in ``context``, or a new one, not begun yet.

    In context "open" the person is the actor, the test must be open to all and its retake rules
    hold; elsewhere the room that calls has decided. ``form``: "A", "B"… of a fixed test, "" for
    the one of which the person has seen least; an open sitting on another form is ended first.
    ``without``: codes of items to avoid (``seen_items``). Raises Refused for a test that is not
    published, or closed.
    """
    if context == "open":
        account = actor.account
        _may_take(test, account, now)
    if agent is None and account is not None:
        agent = account.agent
    number = form_number(form)
    for _ in range(3):
        kept = _open_sitting(test, context, account, agent)
        if kept is not None and (number is None or kept.form == number):
            return kept
        try:
            with transaction.atomic():
                if kept is not None:
                    end(sitting=kept, state=Sitting.State.STOPPED, now=now)
                return create(
                    test=test, now=now, context=context, account=account, agent=agent,
                    by_link=by_link, form=number, accessible_only=accessible_only,
                    extra_percent=extra_percent, without=without, simulated=simulated,
                )  # fmt: skip
        except IntegrityError:
            continue  # another tab was quicker: its sitting is found now
    raise Refused("Le test n’a pas pu être ouvert.", remedy="Rechargez la page.")


def form_number(form: str) -> int | None:
    """0 for "A", 1 for "B"…; None for ""."""
    if not form:
        return None
    if len(form) != 1 or not "A" <= form <= "Z":
        raise Refused(f"Forme « {form} » : une lettre de A à Z est attendue.", field="form")
    return ord(form) - ord("A")


def form_letter(number: int | None) -> str:
    """ "A" for 0…; "" for None."""
    return "" if number is None else chr(ord("A") + number)


def _may_take(test: Test, account: Account | None, now: dt.datetime) -> None:
    if account is None:
        raise Refused("Connectez-vous pour passer ce test.", code="forbidden")
    if _open_sitting(test, "open", account, account.agent) is not None:
        return
    if not test.open:
        raise Refused(
            "Ce test n’est pas en libre accès.", remedy="Il se passe sur invitation.", code="closed"
        )
    rule = retake(test, person(account, account.agent_id), now=now)
    if not rule.allowed:
        raise Refused(rule.why, code="retake")


def _open_sitting(
    test: Test, context: str, account: Account | None, agent: Agent | None
) -> Sitting | None:
    if account is None and agent is None:
        return None  # somebody from outside: the room that calls holds the link
    who = Q(account=account) if account is not None else Q(agent=agent, account__isnull=True)
    going = [Sitting.State.READY, Sitting.State.RUNNING]
    found = Sitting.objects.filter(who, test=test, context=context, state__in=going)
    return found.select_related("test").order_by("pk").first()


def create(
    *,
    test: Test,
    now: dt.datetime,
    context: str,
    account: Account | None,
    agent: Agent | None,
    by_link: bool,
    form: int | None,
    accessible_only: bool,
    extra_percent: int,
    without: Collection[str],
    simulated: bool,
    source: str = Sitting.Source.SCREEN,
) -> Sitting:
    """A new sitting, not begun; ``start`` and ``paper.key_in`` decide whether it may be."""
    frozen = frozen_for(test)
    body = frozen_of(frozen.pk)
    seed = secrets.randbits(SEED_BITS) or 1
    forms = next((stage.forms for stage in body.stages if stage.forms), ())
    if forms and form is None:
        numbers = {n for n, item in enumerate(body.items) if item.code in without}
        form = form_for(body, seed, numbers)
    if form is not None and form >= len(forms):
        raise Refused(f"Ce test n’a pas de forme {form_letter(form)}.", field="form", code="form")
    post = main_post(agent, now)
    return Sitting.objects.create(
        test=test,
        frozen=frozen,
        account=account,
        agent=agent,
        structure_id=post.structure_id if post else None,
        cadre_id=_cadre_of(post, agent),
        sex=agent.sex if agent else "",
        by_link=by_link,
        context=context,
        source=source,
        seed=seed,
        form=form,
        excluded=sorted(set(without)),
        accessible_only=accessible_only,
        extra_percent=extra_percent,
        simulated=simulated,
        created_at=now,
    )


def frozen_for(test: Test) -> FrozenTest:
    """What a sitting that begins now follows. Raises Refused unless the test is published."""
    state = Test.objects.values_list("state", flat=True).get(pk=test.pk)
    if state == Test.State.CLOSED:
        raise Refused(
            "Ce test est fermé : on ne peut plus le commencer.",
            remedy="Demandez à la personne qui vous l’a proposé lequel le remplace.",
            code="closed",
        )
    if state != Test.State.PUBLISHED:
        raise Refused("Ce test n’est pas encore publié.", code="closed")
    return FrozenTest.objects.defer("body").get(test=test, current=True, form="")


def main_post(agent: Agent | None, now: dt.datetime) -> Post | None:
    """The agent's main post of the day: where their results count."""
    if agent is None:
        return None
    return posts_on(timezone.localdate(now)).filter(agent=agent).order_by("-start", "-pk").first()


def _cadre_of(post: Post | None, agent: Agent | None) -> int | None:
    if post is not None and post.cadre_id is not None:
        return post.cadre_id
    return agent.cadre_id if agent is not None else None


def begin(*, sitting: Sitting, now: dt.datetime) -> Sitting:
    """Ask the first question and let the time run. A second time changes nothing."""
    with transaction.atomic():
        row = locked(Sitting.objects.filter(pk=sitting.pk))
        if row.state != Sitting.State.READY:
            return row
        state = Test.objects.values_list("state", flat=True).get(pk=row.test_id)
        if state == Test.State.CLOSED:
            raise Refused("Ce test est fermé : on ne peut plus le commencer.", code="closed")
        walk = walk_of(row)
        row.state, row.started_at = Sitting.State.RUNNING, now
        minutes = walk.frozen.rules.minutes
        if minutes:
            row.deadline = now + dt.timedelta(minutes=minutes * (100 + row.extra_percent) / 100)
        _move(row, walk, now)
        row.save(update_fields=["state", "started_at", "deadline", "asked", "asked_at"])
        return row


def _move(row: Sitting, walk: Walk, now: dt.datetime) -> Screen:
    """Put on the row what a walk asks now; return the screen."""
    screen = screen_of(row, walk)
    row.asked = screen.item if isinstance(screen, Question) else None
    row.asked_at = now
    return screen


# --- Answering --------------------------------------------------------------------------------


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
    screen = _move(row, walk, now)
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


def note(
    *,
    sitting: Sitting,
    kind: str,
    now: dt.datetime,
    number: int | None = None,
    version: int | None = None,
    text: str = "",
    category: str = "",
    detail: dict[str, Any] | None = None,
    by: Account | None = None,
    uid: uuid.UUID | None = None,
) -> SittingEvent | None:
    """Add what happened to the sitting's events; None beyond EVENTS_KEPT of a kind."""
    if SittingEvent.objects.filter(sitting=sitting, kind=kind).count() >= EVENTS_KEPT:
        return None
    return SittingEvent.objects.create(
        uid=uid or uuid7(),
        sitting=sitting,
        kind=kind,
        version_id=version,
        # What was posted may be no number of a question at all.
        number=number if number is not None and 0 <= number <= 32767 else None,
        category=category,
        text=text,
        detail=detail or {},
        at=now,
        by=by,
    )
