"""The session's tests: chosen, opened, closed. A pair of parallel forms of one test."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils import timezone

from kalan.assessment.models import Sitting, Test
from kalan.assessment.selectors.frozen import frozen_of
from kalan.assessment.selectors.tests import current_frozen, usable_tests
from kalan.assessment.services import endings
from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.training.models import Moment, Session, SessionSitting, SessionTest
from kalan.training.selectors.learning import AFTER, BEFORE, runnable
from kalan.training.services.history import act
from kalan.training.services.learning_gain import ask_gain

FIRST, SECOND = "A", "B"


def forms_of(test: Test) -> int:
    """How many parallel forms a published test holds; 0 when it holds none."""
    row = current_frozen(test)
    if row is None:
        return 0
    return max((len(stage.forms) for stage in frozen_of(row.pk).stages), default=0)


@dataclass(frozen=True)
class Proposal:
    """What to choose unless there is a reason not to."""

    test: Test | None
    first: str  # the form given before


def proposal(actor: Actor, session: Session) -> Proposal:
    """The test of the programme's other sessions, and the form that fewer of them gave before.

    Giving A before in one half of the sessions and B in the other takes out of the programme's
    gain what is left of difference between the forms.
    """
    others = SessionTest.objects.filter(
        session__programme=session.programme_id or 0, moment=BEFORE
    ).exclude(session=session)
    last = others.order_by("-pk").first()
    usable = usable_tests(actor, Test.Purpose.FIXED)
    test = usable.filter(pk=last.test_id).first() if last else None
    if test is None:
        found = list(usable.order_by("title", "pk")[:2])
        test = found[0] if len(found) == 1 else None
    given = list(others.filter(test=test).values_list("form", flat=True)) if test else []
    return Proposal(test, SECOND if given.count(FIRST) > given.count(SECOND) else FIRST)


def _locked(actor: Actor, session: Session) -> Session:
    rows = runnable(actor).select_for_update(of=("self",), no_key=True)
    row = rows.get(pk=session.pk)
    if row.state == Session.State.CANCELLED:
        raise Refused("La session est annulée : elle n’a plus de tests.", code="cancelled")
    return row


@act
def choose_tests(
    *, actor: Actor, now: dt.datetime, session: Session, test: Test, first: str = FIRST
) -> None:
    """Give the session the two forms of ``test``: ``first`` before, the other one after.

    Session.DoesNotExist out of scope. Raises Refused for a test that the actor may not use or that
    has no two parallel forms, and once somebody has begun.
    """
    row = _locked(actor, session)
    if first not in (FIRST, SECOND):
        raise Refused("La forme donnée avant est A ou B.", field="first", code="form")
    if not usable_tests(actor, Test.Purpose.FIXED).filter(pk=test.pk).exists():
        raise Refused(
            "Ce test ne peut pas être donné dans une session.",
            field="test",
            remedy="Choisissez un test « avant et après » publié.",
            code="test",
        )
    if forms_of(test) < 2:
        raise Refused(
            "Ce test n’a pas deux formes parallèles.",
            field="test",
            remedy="Demandez à l’auteur de le publier avec deux formes.",
            code="forms",
        )
    if SessionSitting.objects.filter(registration__session=row).exists():
        raise Refused(
            "Quelqu’un a déjà commencé le test de cette session : il ne se change plus.",
            code="begun",
        )
    forms = {BEFORE: first, AFTER: SECOND if first == FIRST else FIRST}
    for moment, form in forms.items():
        known = SessionTest.objects.filter(session=row, moment=moment).first()
        if known is None:
            known = SessionTest(
                session=row, moment=moment, created_at=now, created_by=actor.account
            )
        known.test, known.form = test, form
        known.save()


def _test(session: Session, moment: str) -> SessionTest:
    rows = SessionTest.objects.select_for_update(of=("self",)).select_related("test")
    found = rows.filter(session=session, moment=moment).first()
    if found is None:
        raise Refused(
            "Cette session n’a pas encore de test.", remedy="Choisissez-le d’abord.", code="none"
        )
    return found


@act
def open_test(*, actor: Actor, now: dt.datetime, session: Session, moment: str) -> SessionTest:
    """Let people take the test of ``moment``; a second time changes nothing."""
    row = _locked(actor, session)
    found = _test(row, moment)
    if found.is_open:
        return found
    if moment == Moment.AFTER and timezone.localdate(now) < row.start:
        raise Refused(
            "Le test après ne s’ouvre pas avant la formation.",
            remedy="Ouvrez d’abord le test avant.",
            code="early",
        )
    if found.test.state != Test.State.PUBLISHED:
        raise Refused(
            "Ce test a été fermé depuis.",
            remedy="Choisissez un autre test, si personne n’a commencé.",
            code="test",
        )
    found.opened_at, found.closed_at = now, None
    found.save()
    return found


@act
def close_test(*, actor: Actor, now: dt.datetime, session: Session, moment: str) -> SessionTest:
    """Take no more answers; sittings under way end with the answers that they have."""
    row = _locked(actor, session)
    found = _test(row, moment)
    if found.opened_at is None:
        raise Refused("Ce test n’a pas été ouvert.", code="closed")
    if found.closed_at is None:
        found.closed_at = now
        found.save()
        going = Sitting.objects.filter(
            session_sitting__registration__session=row,
            session_sitting__moment=moment,
            state=Sitting.State.RUNNING,
        )
        for sitting in going.order_by("pk"):
            endings.finish(sitting=sitting, now=now)
        ask_gain(row.pk)
    return found
