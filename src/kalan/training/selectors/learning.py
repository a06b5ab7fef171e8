"""Tests before and after a session: which, who has taken them, what is open to whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max, Q, QuerySet

from kalan.assessment.models import Result, Sitting
from kalan.base.ids import CODE_ALPHABET
from kalan.people.actor import Actor
from kalan.people.vault import fingerprint
from kalan.training.models import (
    Moment,
    Registration,
    Session,
    SessionGain,
    SessionSitting,
    SessionTest,
)
from kalan.training.selectors.attendance import on_list
from kalan.training.selectors.sessions import sessions_visible_to

BEFORE, AFTER = Moment.BEFORE, Moment.AFTER
CODE_LENGTH = 5  # 28 million: with 40 tries a quarter of an hour, hopeless to guess


def tests_of(session: Session) -> dict[str, SessionTest]:
    """The session's tests by moment (one query)."""
    rows = SessionTest.objects.filter(session=session).select_related("test")
    return {row.moment: row for row in rows.defer("test__plan", "test__verdict")}


def open_tests(session: Session) -> list[SessionTest]:
    """What may be taken now: before first."""
    if session.state == Session.State.CANCELLED:
        return []
    found = tests_of(session)
    return [found[m] for m in (BEFORE, AFTER) if m in found and found[m].is_open]


def runnable(actor: Actor) -> QuerySet[Session]:
    """Sessions whose tests ``actor`` may open, close and key in."""
    return sessions_visible_to(actor, "learning.run")


def person_codes(session: Session) -> dict[str, Registration]:
    """The code that each person of the list types, computed and stored nowhere.

    An HMAC of the line's number under the installation's key: what is printed stays good as long
    as the line stands. Two alike in one session (once in 10^5 sessions): neither opens anything.
    """
    rows = list(on_list(session))
    found: dict[str, Registration] = {}
    twice: set[str] = set()
    for row in rows:
        code = code_of(row)
        if code in found:
            twice.add(code)
        found[code] = row
    return {code: row for code, row in found.items() if code not in twice}


def code_of(line: Registration) -> str:
    """Five characters for one line of a list."""
    number = int(fingerprint("session-test", str(line.uid)), 16)
    letters = []
    for _ in range(CODE_LENGTH):
        number, digit = divmod(number, len(CODE_ALPHABET))
        letters.append(CODE_ALPHABET[digit])
    return "".join(letters)


def normal_code(typed: str) -> str:
    """As people type: case, spaces and hyphens do not matter."""
    return typed.upper().replace(" ", "").replace("-", "")


@dataclass(frozen=True)
class Taken:
    """One person and their two sittings, as far as they are."""

    line: Registration
    code: str
    before: Sitting | None
    after: Sitting | None


@dataclass(frozen=True)
class Progress:
    """How many have begun and ended a moment's test."""

    begun: int
    over: int


def sittings_of(session: Session) -> dict[tuple[int, str], Sitting]:
    """Sittings by (registration, moment), without their logs (one query)."""
    rows = (
        SessionSitting.objects.filter(registration__session=session)
        .select_related("sitting")
        .defer("sitting__log", "sitting__excluded")
    )
    return {(row.registration_id, row.moment): row.sitting for row in rows}


def taken(session: Session) -> list[Taken]:
    """Everyone on the list with their sittings (two queries)."""
    found = sittings_of(session)
    return [
        Taken(line, code_of(line), found.get((line.pk, BEFORE)), found.get((line.pk, AFTER)))
        for line in on_list(session)
    ]


def counts(rows: list[Taken]) -> dict[str, Progress]:
    """By moment; a sitting that was only opened counts as begun."""
    return {
        moment: Progress(
            begun=sum(sitting is not None for sitting in sittings),
            over=sum(sitting is not None and sitting.state in Sitting.OVER for sitting in sittings),
        )
        for moment, sittings in (
            (str(BEFORE.value), [row.before for row in rows]),
            (str(AFTER.value), [row.after for row in rows]),
        )
    }


def my_line(actor: Actor, session: Session) -> Registration | None:
    """The actor's own line on the session's list, if they are on it."""
    if actor.agent_id is None:
        return None
    rows = Registration.objects.filter(session=session, agent_id=actor.agent_id)
    return rows.filter(state__in=Registration.COUNTED).first()


@dataclass(frozen=True)
class MyTests:
    """One's own tests of a session: what is open now and what is done."""

    open: tuple[str, ...] = ()  # moments
    done: tuple[str, ...] = ()

    @property
    def doors(self) -> list[tuple[str, str]]:
        """(word in the address, label) of what is open."""
        words = {BEFORE.value: "avant", AFTER.value: "apres"}
        return [(words[moment], str(Moment(moment).label)) for moment in self.open]


def my_tests(lines: list[Registration]) -> dict[int, MyTests]:
    """Open and finished tests of a person's own registrations (two queries, whatever the list)."""
    ids = [line.pk for line in lines]
    over: dict[int, list[str]] = {}
    mine = SessionSitting.objects.filter(registration__in=ids, sitting__state__in=Sitting.OVER)
    for pk, moment in mine.order_by("-moment").values_list("registration_id", "moment"):
        over.setdefault(pk, []).append(moment)
    going: dict[int, list[str]] = {}
    opened = SessionTest.objects.filter(
        session__in=[line.session_id for line in lines],
        opened_at__isnull=False,
        closed_at__isnull=True,
    ).exclude(session__state=Session.State.CANCELLED)
    for session_id, moment in opened.order_by("-moment").values_list("session_id", "moment"):
        going.setdefault(session_id, []).append(moment)
    return {
        line.pk: MyTests(
            open=tuple(
                moment
                for moment in going.get(line.session_id, [])
                if moment not in over.get(line.pk, []) and line.state in Registration.COUNTED
            ),
            done=tuple(over.get(line.pk, [])),
        )
        for line in lines
    }


@dataclass(frozen=True)
class Freshness:
    """The results that stand now: how many, and the newest one."""

    results: int
    newest: int


def freshness(session: Session) -> Freshness:
    """What a computed gain must rest on to be up to date (one query)."""
    found = Result.objects.filter(
        current=True, sitting__session_sitting__registration__session=session
    ).aggregate(n=Count("pk"), newest=Max("pk"))
    return Freshness(found["n"], found["newest"] or 0)


def stale_sessions() -> QuerySet[Session]:
    """Sessions with results that their stored gain does not know."""
    linked = Q(registrations__sittings__sitting__results__current=True)
    rows: QuerySet[Any] = Session.objects.annotate(
        known=Count("registrations__sittings__sitting__results", filter=linked),
        latest=Max("registrations__sittings__sitting__results", filter=linked),
    ).filter(known__gt=0)
    fresh = SessionGain.objects.values_list("session_id", "results", "newest")
    stand = {pk: (results, newest) for pk, results, newest in fresh}
    late = [
        pk
        for pk, known, latest in rows.order_by("pk").values_list("pk", "known", "latest")
        if stand.get(pk) != (known, latest)
    ]
    return Session.objects.filter(pk__in=late)


def gain_of(session: Session) -> SessionGain | None:
    return SessionGain.objects.filter(session=session).first()


def own_results(actor: Actor) -> dict[int, dict[str, Result]]:
    """The signed-in person's results by registration and moment (one query)."""
    if actor.agent_id is None:
        return {}
    rows = Result.objects.filter(
        current=True, sitting__session_sitting__registration__agent_id=actor.agent_id
    ).select_related("sitting__session_sitting")
    found: dict[int, dict[str, Result]] = {}
    for row in rows.order_by("pk"):
        link = row.sitting.session_sitting
        found.setdefault(link.registration_id, {})[link.moment] = row
    return found
