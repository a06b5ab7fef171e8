"""Satisfaction: anonymous answers, shown only when they are enough to hide each one."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from django.db.models import QuerySet

from kalan.base.small_groups import MIN_REPLIES
from kalan.people.actor import Actor
from kalan.training.models import AnonymousCount, Registration, SatisfactionAnswer, Session
from kalan.training.selectors.sessions import sessions_visible_to

# Code → statement; the answer is how much one agrees, 1 (not at all) to 5 (wholly).
QUESTIONS: dict[str, str] = {
    "useful": "Ce que j’ai appris me servira dans mon travail.",
    "clear": "Les explications étaient claires.",
    "pace": "Le rythme me convenait.",
    "practice": "J’ai pu assez pratiquer.",
    "organisation": "Le lieu, les horaires et le matériel étaient bien organisés.",
    "recommend": "Je recommanderais cette formation à un collègue.",
}
OPEN_DAYS_AFTER = 60


def session_of_code(code: str) -> Session | None:
    """The session whose link or QR code says ``code``; case and spaces do not matter."""
    wanted = code.strip().upper().replace(" ", "")
    return Session.objects.select_related("theme").filter(link_code=wanted).first()


def is_open(session: Session, today: dt.date) -> bool:
    """From the first day until 60 days after the last."""
    if session.state == Session.State.CANCELLED:
        return False
    return session.start <= today <= session.end + dt.timedelta(days=OPEN_DAYS_AFTER)


def expected_answers(session: Session) -> int:
    """How many people may answer: the list, and participants known by number only."""
    listed = Registration.objects.filter(session=session, state__in=Registration.COUNTED).count()
    counts = AnonymousCount.objects.filter(session=session)
    return listed + sum(
        women + men + unknown
        for women, men, unknown in counts.values_list("women", "men", "unknown")
    )


def sessions_with_results(actor: Actor) -> QuerySet[Session]:
    return sessions_visible_to(actor, "satisfaction.view")


@dataclass(frozen=True)
class QuestionResult:
    code: str
    text: str
    answers: int
    mean: Decimal | None  # two decimals
    spread: list[tuple[int, int]]  # (score, how many)

    @property
    def most(self) -> int:
        return max((number for _, number in self.spread), default=0) or 1


@dataclass(frozen=True)
class Results:
    received: int
    used: int  # 0: not shown
    mean: Decimal | None
    questions: list[QuestionResult]
    comments: list[str]


def mean_of(scores: Iterable[int]) -> Decimal | None:
    """The mean to two decimals, None without answers."""
    values = list(scores)
    if not values:
        return None
    return (Decimal(sum(values)) / len(values)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def results_of(session: Session) -> Results:
    """Results of a session, or nothing below MIN_REPLIES (one query).

    While the session is not closed answers count by whole groups of five: somebody who looks
    before and after each answer learns of five at once, never of one. Comments come in
    alphabetical order, which says nothing of who wrote when.
    """
    rows = list(
        SatisfactionAnswer.objects.filter(session=session)
        .order_by("pk")
        .values_list("scores", "comment")
    )
    over = session.state in (Session.State.CLOSED, Session.State.VALIDATED)
    used = len(rows) if over else len(rows) // MIN_REPLIES * MIN_REPLIES
    if used < MIN_REPLIES:
        return Results(received=len(rows), used=0, mean=None, questions=[], comments=[])
    shown = rows[:used]
    questions = []
    for code, text in QUESTIONS.items():
        scores = [answers[code] for answers, _ in shown if code in answers]
        spread = Counter(scores)
        questions.append(
            QuestionResult(
                code=code,
                text=text,
                answers=len(scores),
                mean=mean_of(scores),
                spread=[(score, spread[score]) for score in range(1, 6)],
            )
        )
    return Results(
        received=len(rows),
        used=used,
        mean=mean_of(score for answers, _ in shown for score in answers.values()),
        questions=questions,
        comments=sorted(comment for _, comment in shown if comment),
    )
