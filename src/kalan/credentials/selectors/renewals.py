"""Certificates that end: who holds them, what renews them, whom a holder may ask.

Only an exam of the same framework (by its code, whatever its edition) renews a certificate of
competence: docs/decisions/0016-actes.md.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from kalan.assessment.models import Candidate, Exam
from kalan.assessment.selectors.exams import exams_visible_to
from kalan.base.exports import Cell
from kalan.credentials import policy
from kalan.credentials.models import Act, ActEvent, ActTemplate, Batch
from kalan.credentials.selectors.batches import acts_visible_to
from kalan.credentials.selectors.listing import named
from kalan.people.actor import Actor
from kalan.people.models import Agent

SOON = 180  # days before its end: from then on a certificate is to be renewed
PAST = 24  # months after it: then it is left alone
_MONTH = 30.44  # days
FRAMEWORK = "batch__exam__test__bank__framework"
_LIVE = (Act.State.DRAFT, Act.State.PLANNED, Act.State.FAILED)
_TO_COME = (Exam.State.PLANNED, Exam.State.OPEN)


def standing() -> QuerySet[Act]:
    """Signed acts that were neither revoked nor replaced, whatever their age. Not scoped."""
    return Act.objects.filter(
        state=Act.State.SIGNED, status=Act.Status.VALID, batch__state=Batch.State.SIGNED
    )


def newer() -> QuerySet[Act]:
    """Acts that make another (the outer query's) need no renewal."""
    code = f"{FRAMEWORK}__code"
    return (
        standing()
        .filter(Q(valid_until__gt=OuterRef("valid_until")) | Q(valid_until__isnull=True))
        .filter(agent=OuterRef("agent"), **{code: OuterRef(code)})
    )


def to_renew(actor: Actor, *, today: dt.date, capability: str = "acts.view") -> QuerySet[Act]:
    """Certificates in scope that end within SOON days or ended within PAST months, of active
    agents who have no newer one for the same framework."""
    return (
        acts_visible_to(actor, capability)
        .filter(pk__in=standing().values("pk"))
        .filter(
            batch__version__template__kind=ActTemplate.Kind.COMPETENCE,
            batch__exam__isnull=False,
            agent__status=Agent.Status.ACTIVE,
            valid_until__lte=today + dt.timedelta(days=SOON),
            valid_until__gte=today - _months(PAST),
        )
        .exclude(name="")
        .filter(~Exists(newer()))
    )


def _months(number: int) -> dt.timedelta:
    return dt.timedelta(days=round(number * _MONTH))


def listed(rows: QuerySet[Act], *, today: dt.date) -> QuerySet[Act]:
    """With what a line shows: framework, place, the exam to come for which the person is enrolled,
    the day of the last offer, the act in preparation (one query)."""
    coming = (
        Candidate.objects.filter(
            account__agent=OuterRef("agent"),
            exam__date__gte=today,
            exam__state__in=_TO_COME,
            exam__test__bank__framework__code=OuterRef(f"{FRAMEWORK}__code"),
        )
        .order_by("exam__date", "pk")
        .values("exam__title", "exam__date", "exam__uid")
    )
    offers = ActEvent.objects.filter(act=OuterRef("pk"), kind=ActEvent.Kind.OFFERED)
    waiting = Act.objects.filter(renews=OuterRef("pk"), state__in=_LIVE).exclude(
        batch__state=Batch.State.CANCELLED
    )
    return (
        rows.select_related("structure", "agent", "batch__version", "batch__office")
        .defer("data")
        .annotate(
            framework=F(f"{FRAMEWORK}__name"),
            framework_code=F(f"{FRAMEWORK}__code"),
            place=Coalesce("structure__search", Value("")),
            exam_title=Subquery(coming.values("exam__title")[:1]),
            exam_date=Subquery(coming.values("exam__date")[:1]),
            offered_at=Subquery(offers.order_by("-at").values("at")[:1]),
            prepared=Exists(waiting),
        )
    )


# What the list may be narrowed to: code → (label, first day, last day), days from today.
WINDOWS: dict[str, tuple[str, int, int]] = {
    **{str(days): (f"Expire dans {days} jours au plus", 0, days) for days in (30, 60, 90, 180)},
    **{
        f"e{months}": (f"Expiré depuis moins de {months} mois", -_months(months).days, -1)
        for months in (3, 6, 12, 24)
    },
}
ORDERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "": ("Échéance", ("valid_until", "pk")),
    "nom": ("Nom", ("agent__search", "pk")),
    "structure": ("Structure", ("place", "agent__search", "pk")),
}
# How far a renewal is.
STAGES = {
    "": "Toutes",
    "rien": "Rien n’est encore proposé",
    "propose": "Examen proposé",
    "inscrit": "Inscrit à un examen",
    "prepare": "Nouvel acte en préparation",
}


_STAGES = {
    "rien": Q(offered_at__isnull=True, exam_date__isnull=True, prepared=False),
    "propose": Q(offered_at__isnull=False),
    "inscrit": Q(exam_date__isnull=False),
    "prepare": Q(prepared=True),
}


def narrowed(rows: QuerySet[Act], wanted: dict[str, Any], *, today: dt.date) -> QuerySet[Act]:
    """``rows`` as ``listed`` gives them, by the filters' cleaned values."""
    for word in str(wanted.get("q") or "").split():
        rows = rows.filter(named(word))
    if wanted.get("window"):
        _, first, last = WINDOWS[wanted["window"]]
        since, until = (today + dt.timedelta(days=days) for days in (first, last))
        rows = rows.filter(valid_until__gte=since, valid_until__lte=until)
    if wanted.get("structure"):
        rows = rows.filter(structure__uid=wanted["structure"])
    if wanted.get("framework"):
        rows = rows.filter(**{f"{FRAMEWORK}__code": wanted["framework"]})
    return rows.filter(_STAGES.get(wanted.get("stage") or "", Q()))


def frameworks_in(rows: QuerySet[Act]) -> list[tuple[str, str]]:
    """(code, name) of the frameworks that the acts are about, by name (one query)."""
    found = rows.order_by().values_list(f"{FRAMEWORK}__code", f"{FRAMEWORK}__name").distinct()
    return sorted(dict(found).items(), key=lambda one: (one[1], one[0]))


HEADERS = (
    "Nom", "Matricule", "Structure", "Acte", "Numéro", "Référentiel", "Valable jusqu’au", "Jours",
    "Examen à venir", "Le", "Proposé le", "Acte en préparation",
)  # fmt: skip


def lines(rows: QuerySet[Act], *, today: dt.date) -> Iterator[list[Cell]]:
    """Lines of the export, in the order of HEADERS; « Jours » until the end, below 0 after it."""
    for act in rows.iterator(chunk_size=500):
        assert act.valid_until is not None
        assert act.agent is not None
        yield [
            act.name,
            act.agent.matricule,
            act.structure.name if act.structure else "",
            act.batch.version.title,
            act.number or "",
            act.framework,  # type: ignore[attr-defined]
            act.valid_until,
            (act.valid_until - today).days,
            act.exam_title or "",  # type: ignore[attr-defined]
            act.exam_date,  # type: ignore[attr-defined]
            act.offered_at,  # type: ignore[attr-defined]
            act.prepared,  # type: ignore[attr-defined]
        ]


# --- what renews them -------------------------------------------------------------------------


def exams_to_come(codes: Collection[str], *, today: dt.date) -> QuerySet[Exam]:
    """Exams of today or later for these frameworks, the next first. Not scoped."""
    return (
        Exam.objects.filter(
            date__gte=today, state__in=_TO_COME, test__bank__framework__code__in=codes
        )
        .select_related("node")
        .annotate(framework_code=F("test__bank__framework__code"))
        .order_by("date", "pk")
    )


def exams_to_offer(actor: Actor, codes: Collection[str], *, today: dt.date) -> QuerySet[Exam]:
    """Those of them that are held in the actor's territory or above it, or that they keep."""
    around = actor.around(policy.CAPABILITIES["acts.renew"], "node__")
    seen = Q(pk__in=exams_visible_to(actor).values("pk"))
    return exams_to_come(codes, today=today).filter(around | seen)


def previous(exam: Exam, agents: Sequence[int]) -> dict[int, int]:
    """{agent: the act that a new certificate of ``exam`` renews}: the one that lasts longest of
    the same framework (one query for 500)."""
    found: dict[int, int] = {}
    code = exam.test.bank.framework.code
    for start in range(0, len(agents), 500):
        rows = (
            standing()
            .filter(
                agent__in=agents[start : start + 500],
                batch__version__template__kind=ActTemplate.Kind.COMPETENCE,
                **{f"{FRAMEWORK}__code": code},
            )
            .order_by(F("valid_until").asc(nulls_last=True), "signed_at", "pk")
        )
        found.update({agent: act for agent, act in rows.values_list("agent", "pk") if agent})
    return found


def renewing(actor: Actor, act: Act) -> list[Act]:
    """Acts in scope that renew ``act``: signed, or on their way (one query)."""
    rows = acts_visible_to(actor).filter(renews=act).exclude(batch__state=Batch.State.CANCELLED)
    rows = rows.exclude(state__in=[Act.State.EXCLUDED, Act.State.VOID])
    return list(rows.select_related("batch").defer("data").order_by("pk"))
