"""A participant's sitting: begun on a phone, with or without an account, or keyed from paper."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from kalan.assessment.models import Sitting
from kalan.assessment.services import paper, sittings
from kalan.base.dates import long_date
from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.people.services import limits
from kalan.training.models import Moment, Registration, Session, SessionSitting, SessionTest
from kalan.training.selectors.attendance import on_list
from kalan.training.selectors.learning import (
    normal_code,
    open_tests,
    person_codes,
    runnable,
    tests_of,
)
from kalan.training.services.history import note
from kalan.training.services.learning_gain import ask_gain

CONTEXT = "session"
# Wrong personal codes in 15 minutes. A code is one of 31⁵ (28.6 million) and a session has some
# thirty: 400 tries find one with a probability of 0.04 %, 1.3 % over eight hours without a pause.
# A lower limit would let one prankster close the door of a whole room.
MAX_MISSES = 400
# From one address: sixty people behind one hotspot who each mistype twice stay under it, and who
# tries codes from elsewhere closes the door to nobody but themselves.
MAX_MISSES_PER_ADDRESS = 120


def _closed(moment: str) -> Refused:
    label = Moment(moment).label
    return Refused(
        f"Le test {label} de cette session n’est pas ouvert.",
        remedy="Demandez au formateur de l’ouvrir.",
        code="closed",
    )


def _open_test(session: Session, moment: str) -> SessionTest:
    found = next((row for row in open_tests(session) if row.moment == moment), None)
    if found is None:
        raise _closed(moment)
    return found


def start_mine(*, actor: Actor, now: dt.datetime, session: Session, moment: str) -> Sitting:
    """The signed-in participant's sitting of ``moment``: the one begun, or a new one.

    Registration.DoesNotExist for who is not on the list; Refused when the test is not open.
    """
    with transaction.atomic():
        rows = Registration.objects.select_for_update(of=("self",), no_key=True)
        line = rows.select_related("agent").get(
            session=session, agent_id=actor.agent_id or 0, state__in=Registration.COUNTED
        )
        return _start(actor, line, _open_test(session, moment), now, by_link=False)


def find_person(*, session: Session, typed: str, address: str, now: dt.datetime) -> Registration:
    """Whose personal code was typed. Refused after too many wrong ones, and for a wrong one.

    ``address``: where the request came from.
    """
    brake = [
        limits.limit("session-test", session.pk, MAX_MISSES),
        limits.limit("session-test-from", f"{session.pk} {address}", MAX_MISSES_PER_ADDRESS),
    ]
    limits.check(brake, now=now, what="essais avec un code faux")
    found = person_codes(session).get(normal_code(typed))
    if found is None:
        limits.miss(brake, now=now)
        raise Refused(
            "Ce code n’est pas celui d’un participant de cette session.",
            field="code",
            remedy="Vérifiez-le sur votre bulletin, ou demandez-le au formateur.",
            code="code",
        )
    return found


def start_by_code(
    *, now: dt.datetime, session: Session, typed: str, moment: str, address: str
) -> Sitting:
    """The sitting of whoever holds a personal code of the session, without an account.

    Low stakes only: whoever holds somebody's slip can answer in their place.
    """
    line = find_person(session=session, typed=typed, address=address, now=now)
    with transaction.atomic():
        rows = Registration.objects.select_for_update(of=("self",), no_key=True)
        locked = rows.select_related("agent").get(pk=line.pk)
        return _start(Actor(), locked, _open_test(session, moment), now, by_link=True)


def _start(
    actor: Actor, line: Registration, test: SessionTest, now: dt.datetime, *, by_link: bool
) -> Sitting:
    known = SessionSitting.objects.select_related("sitting").filter(
        registration=line, moment=test.moment
    )
    if (kept := known.first()) is not None:
        return kept.sitting
    sitting = sittings.start(
        actor=actor,
        test=test.test,
        now=now,
        context=CONTEXT,
        account=None if by_link else actor.account,
        agent=line.agent,
        by_link=by_link,
        form=test.form,
    )
    other = SessionSitting.objects.filter(sitting=sitting).select_related("registration__session")
    if (taken := other.first()) is not None:
        raise Refused(
            f"Vous avez le même test en cours dans la session {taken.registration.session.code}.",
            remedy="Terminez-le d’abord, dans « Mon espace ».",
            code="elsewhere",
        )
    SessionSitting.objects.create(
        registration=line, moment=test.moment, sitting=sitting, created_at=now
    )
    return sitting


# --- From paper -------------------------------------------------------------------------------


@dataclass
class Keyed:
    """What keying did: papers stored, and people whose test was there already."""

    stored: int = 0
    already: list[str] = field(default_factory=list)


def paper_lines(test: SessionTest) -> list[paper.Line]:
    """The questions of the form that the session gives at this moment."""
    return paper.form_lines(test.test, test.form)


def key_papers(
    *,
    actor: Actor,
    now: dt.datetime,
    session: Session,
    moment: str,
    taken_on: dt.date,
    rows: Mapping[int, Sequence[str]],
) -> Keyed:
    """Store the papers of several people: all of them or none.

    ``rows``: registration → what is written, question by question ("" blank); a row without any
    answer is nobody's paper. Who has a sitting already keeps it. Session.DoesNotExist out of
    scope, Registration.DoesNotExist for a line that is not of the list. Raises Refused naming each
    person and question that cannot be read.
    """
    with transaction.atomic():
        runnable(actor).get(pk=session.pk)
        test = tests_of(session).get(moment)
        if test is None:
            raise Refused("Cette session n’a pas encore de test.", code="none")
        _checked_day(session, taken_on, now)
        people = {line.pk: line for line in on_list(session)}
        if set(rows) - set(people):
            raise Registration.DoesNotExist
        written = {pk: list(words) for pk, words in rows.items() if any(w.strip() for w in words)}
        locked = Registration.objects.select_for_update(no_key=True).filter(pk__in=written)
        list(locked.order_by("pk"))
        known = _begun(written, moment)
        keyed = Keyed(already=[people[pk].person for pk in written if pk in known])
        fresh = {pk: words for pk, words in written.items() if pk not in known}
        _check_papers(test, {people[pk].person: words for pk, words in fresh.items()})
        day = dt.datetime.combine(taken_on, dt.time(12), tzinfo=timezone.get_current_timezone())
        for pk, words in fresh.items():
            _key_in(actor, now, test, people[pk], words, day)
            keyed.stored += 1
        if keyed.stored:
            said = f"tests {Moment(moment).label} saisis d’après papier"
            note(session, actor=actor, changes={said: ["", keyed.stored]})
            ask_gain(session.pk)
    return keyed


def _begun(lines: Iterable[int], moment: str) -> set[int]:
    """Of ``lines``, those whose test has begun: one opened on a phone and not begun gives way to
    the paper."""
    begun = SessionSitting.objects.filter(registration__in=lines, moment=moment).exclude(
        sitting__state=Sitting.State.READY
    )
    return set(begun.values_list("registration_id", flat=True))


def _key_in(
    actor: Actor,
    now: dt.datetime,
    test: SessionTest,
    line: Registration,
    words: list[str],
    day: dt.datetime,
) -> None:
    sitting = paper.key_in(
        actor=actor, test=test.test, form=test.form, answers=words, now=now,
        context=CONTEXT, agent=line.agent, taken_at=day,
    )  # fmt: skip
    SessionSitting.objects.update_or_create(
        registration=line,
        moment=test.moment,
        defaults={"sitting": sitting},
        create_defaults={"sitting": sitting, "created_at": now},
    )


def _checked_day(session: Session, day: dt.date, now: dt.datetime) -> None:
    if day > timezone.localdate(now):
        raise Refused(
            f"Le {long_date(day)} n’est pas encore passé.",
            field="taken_on",
            remedy="Donnez le jour où le test a été passé.",
            code="future",
        )
    if day < session.start - dt.timedelta(days=60):
        raise Refused(
            f"La session commence le {long_date(session.start)} : le test ne peut pas être si "
            "ancien.",
            field="taken_on",
            remedy="Vérifiez la date.",
            code="early",
        )


MOST_SHOWN = 10


def _check_papers(test: SessionTest, papers: Mapping[str, Sequence[str]]) -> None:
    """Read every answer before any is stored, and name all that cannot be read."""
    lines = paper_lines(test)
    wrong: list[str] = []
    for name, words in papers.items():
        if len(words) > len(lines):
            wrong.append(f"{name} : {len(words)} réponses pour {len(lines)} questions.")
            continue
        for line, said in zip(lines, words, strict=False):
            try:
                paper.read_paper(line, said)
            except Refused as refused:
                text = str(refused)
                wrong.append(f"{name}, {text[:1].lower()}{text[1:]}")
    if wrong:
        more = len(wrong) - MOST_SHOWN
        rest = f"\nEt {more} autres." if more > 0 else ""
        raise Refused("\n".join(wrong[:MOST_SHOWN]) + rest, field="answers", code="answers")
