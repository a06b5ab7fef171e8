"""Exams and candidates: who sees which, what the invigilator watches, who may be enrolled."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Count, Max, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.utils import timezone

from kalan.assessment.models import Candidate, Exam, Sitting, SittingEvent, Test
from kalan.assessment.policy import CAPABILITIES
from kalan.base.text import fold
from kalan.people.actor import Actor
from kalan.people.models import Account, Agent
from kalan.people.selectors.core import agents_visible_to, posts_on

ALERT_TIMEOUT = dt.timedelta(minutes=3)


def exams_visible_to(actor: Actor, capability: str = "exams.view") -> QuerySet[Exam]:
    """Exams of nodes that the actor covers; an invigilator also sees the rooms they keep."""
    condition = actor.scope(CAPABILITIES[capability], "node__")
    if capability in ("exams.view", "exams.invigilate") and actor.account is not None:
        condition |= Q(invigilator=actor.account)
    return Exam.objects.filter(condition)


def listed(exams: QuerySet[Exam]) -> QuerySet[Exam]:
    """With test, node, invigilator and number of candidates (one query)."""
    return (
        exams.select_related("test", "node", "invigilator")
        .defer("test__plan", "test__verdict", "test__introduction")
        .annotate(enrolled=Count("candidates"))
    )


def search_exams(exams: QuerySet[Exam], text: str) -> QuerySet[Exam]:
    for word in text.split():
        exams = exams.filter(
            Q(title__icontains=word)
            | Q(place__icontains=word)
            | Q(test__title__icontains=word)
            | Q(node__search__contains=fold(word))
        )
    return exams


def may(actor: Actor, capability: str, exam: Exam) -> bool:
    """Whether the actor may do ``capability`` for this exam."""
    mine = actor.account is not None and exam.invigilator_id == actor.account.pk
    if capability in ("exams.view", "exams.invigilate") and mine:
        return True
    return actor.covers(CAPABILITIES[capability], exam.node.path)


def invigilators_for(actor: Actor) -> QuerySet[Account]:
    """Accounts that may keep a room: those with a role that invigilates, in the territory."""
    roles = CAPABILITIES["exams.invigilate"]
    grants = Q(grants__role__in=roles, grants__revoked_at__isnull=True)
    scope = actor.scope(CAPABILITIES["exams.plan"], "grants__node__")
    return Account.objects.filter(grants & scope, is_active=True).distinct()


# --- Who may be enrolled ----------------------------------------------------------------------


def accounts_to_enrol(actor: Actor, exam: Exam) -> QuerySet[Account]:
    """Active accounts of agents in the actor's territory."""
    agents = agents_visible_to(actor, today=exam.date)
    return Account.objects.filter(is_active=True, agent__in=agents).select_related("agent")


def search_accounts(
    actor: Actor, exam: Exam, *, text: str = "", structure: str = ""
) -> QuerySet[Account]:
    """Accounts to enrol by name, matricule or structure, not enrolled yet (by name)."""
    rows = accounts_to_enrol(actor, exam)
    for word in fold(text).split():
        rows = rows.filter(Q(agent__search__contains=word) | Q(agent__matricule__iexact=word))
    if structure.strip():
        posts = posts_on(exam.date)
        for word in fold(structure).split():
            posts = posts.filter(structure__search__contains=word)
        rows = rows.filter(agent__in=posts.values("agent"))
    there = Candidate.objects.filter(exam=exam).values("account")
    place = posts_on(exam.date).filter(agent=OuterRef("agent")).order_by("-pk")
    return (
        rows.exclude(pk__in=there)
        .annotate(structure_name=Subquery(place.values("structure__name")[:1]))
        .order_by("agent__search", "pk")
    )


def enrolled_matricules(
    actor: Actor, exam: Exam, typed: Sequence[str]
) -> tuple[list[Account], list[str], list[str]]:
    """(accounts, names of agents without an account, matricules that name nobody in scope)."""
    upper = {word.upper(): word for word in typed}
    agents = (
        agents_visible_to(actor, today=exam.date)
        .filter(matricule__in=[*upper, *upper.values()])
        .select_related("account")
        .order_by("search", "pk")
    )
    accounts, without, known = [], [], set()
    for agent in agents:
        known.add((agent.matricule or "").upper())
        account = _account_of(agent)
        if account is None or not account.is_active:
            without.append(str(agent))
        else:
            accounts.append(account)
    return accounts, without, [word for key, word in upper.items() if key not in known]


def _account_of(agent: Agent) -> Account | None:
    try:
        found: Account = agent.account
    except Account.DoesNotExist:
        return None
    return found


def retakes(test: Test, accounts: Collection[int], *, day: dt.date) -> dict[int, str]:
    """{account: why they may not sit ``test`` on ``day``}, by its rules (one query).

    The rules of ``selectors.sittings.retake``, for many people at once.
    """
    ended = Sitting.objects.filter(test=test, account__in=accounts, state__in=Sitting.OVER)
    rows = ended.order_by().values_list("account").annotate(n=Count("pk"), last=Max("finished_at"))
    held = {}
    for account, number, last in rows:
        if test.attempts and number >= test.attempts:
            held[account] = f"déjà passé {number} fois, le test en permet {test.attempts}"
        elif last is not None and test.retake_days:
            again = timezone.localdate(last) + dt.timedelta(days=test.retake_days)
            if day < again:
                held[account] = (
                    f"passé le {timezone.localdate(last):%d/%m/%Y}, à repasser à "
                    f"partir du {again:%d/%m/%Y}"
                )
    return held


# --- The room ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """One candidate as the invigilator sees them.

    ``stage``: expected (the room is not open yet), absent, entered (code typed, identity not
    checked), arrived, allowed, running, finished, expired, stopped. ``number`` of the question
    on screen; ``left`` minutes (None: no limit); ``lost`` times the page was left; ``late``: the
    call has waited over 3 minutes.
    """

    candidate: Candidate
    stage: str
    number: int | None
    left: int | None
    lost: int
    replaced: int
    incidents: int
    late: bool

    LABELS = {
        "expected": "attendu",
        "absent": "absent",
        "entered": "identité à vérifier",
        "arrived": "présent",
        "allowed": "départ autorisé",
        "running": "en cours",
        "finished": "terminé",
        "expired": "temps écoulé",
        "stopped": "arrêté",
    }  # fmt: skip

    @property
    def label(self) -> str:
        return self.LABELS[self.stage]

    @property
    def running(self) -> bool:
        return self.stage == "running"


def candidates_of(exam: Exam) -> QuerySet[Candidate]:
    """Candidates by name, with account, agent and sitting."""
    return (
        Candidate.objects.filter(exam=exam)
        .select_related("account__agent", "sitting", "decided_by")
        .defer("sitting__excluded")
        .order_by("account__display_name", "pk")
    )


_COUNTED = {
    SittingEvent.Kind.FOCUS: "lost",
    SittingEvent.Kind.REPLACED: "replaced",
    SittingEvent.Kind.INCIDENT: "incidents",
}


def event_counts(exam: Exam) -> dict[int, dict[str, int]]:
    """{sitting: {"lost", "replaced", "incidents"}} (one query)."""
    rows = SittingEvent.objects.filter(sitting__candidate__exam=exam, kind__in=list(_COUNTED))
    found: dict[int, dict[str, int]] = {}
    counted = rows.order_by().values_list("sitting", "kind").annotate(n=Count("pk"))
    for sitting, kind, number in counted:
        found.setdefault(sitting, {})[_COUNTED[SittingEvent.Kind(kind)]] = number
    return found


def places(exam: Exam, *, now: dt.datetime) -> list[Place]:
    """Everybody in the room, calls first, then by name (two queries)."""
    counts = event_counts(exam)
    rows = [
        _place(exam, row, counts.get(row.sitting_id or 0, {}), now) for row in candidates_of(exam)
    ]
    return sorted(rows, key=lambda one: one.candidate.alert_at is None)


def _place(exam: Exam, row: Candidate, counts: dict[str, int], now: dt.datetime) -> Place:
    sitting, stage = row.sitting, stage_of(row, now)
    if stage == "absent" and exam.state == Exam.State.PLANNED:
        stage = "expected"  # nobody can be missing from a room that is not open
    left = number = None
    if sitting is not None and sitting.state == Sitting.State.RUNNING:
        number = number_asked(sitting)
        if sitting.deadline is not None:
            left = max(0, int((sitting.deadline - now).total_seconds() // 60))
    return Place(
        candidate=row,
        stage=stage,
        number=number,
        left=left,
        lost=counts.get("lost", 0),
        replaced=counts.get("replaced", 0),
        incidents=counts.get("incidents", 0),
        late=row.alert_at is not None and now - row.alert_at >= ALERT_TIMEOUT,
    )


def number_asked(sitting: Sitting) -> int:
    """Number of the question on screen: one more than those answered and replaced."""
    return sitting.log.count('["a"') + sitting.log.count('["r"') + 1


def stage_of(row: Candidate, now: dt.datetime) -> str:
    """How far a candidate is; see ``Place``."""
    sitting = row.sitting
    if sitting is not None:
        if sitting.state == Sitting.State.RUNNING:
            over = sitting.deadline is not None and now > sitting.deadline
            return "expired" if over else "running"
        if sitting.state != Sitting.State.READY:
            return sitting.state
    if row.allowed_at:
        return "allowed"
    if row.arrived_at:
        return "arrived"
    return "entered" if row.entered_at else "absent"


def candidates_in_rooms_of(actor: Actor, capability: str) -> QuerySet[Candidate]:
    """Candidates of the exams that the actor sees by ``capability``."""
    exams = exams_visible_to(actor, capability).values("pk")
    return Candidate.objects.filter(exam__in=exams).select_related(
        "exam__test", "exam__node", "account__agent", "sitting"
    )


def events_of(candidate: Candidate) -> list[SittingEvent]:
    """What happened in the sitting, in order."""
    if candidate.sitting_id is None:
        return []
    rows = SittingEvent.objects.filter(sitting=candidate.sitting_id)
    return list(rows.select_related("version__item", "by").order_by("at", "pk"))


# --- The candidate's own ----------------------------------------------------------------------


def own_candidacies(actor: Actor) -> QuerySet[Candidate]:
    """The actor's own enrolments; a person sees no other."""
    if actor.account is None:
        return Candidate.objects.none()
    exam = Prefetch("exam", Exam.objects.select_related("test", "node"))
    return (
        Candidate.objects.filter(account=actor.account)
        .prefetch_related(exam)
        .select_related("sitting", "account")
    )


def coming_exams(actor: Actor, *, today: dt.date) -> QuerySet[Candidate]:
    """Exams of today or later for which the actor is enrolled."""
    states = [Exam.State.PLANNED, Exam.State.OPEN]
    return (
        own_candidacies(actor)
        .filter(exam__date__gte=today, exam__state__in=states)
        .order_by("exam__date", "pk")
    )
