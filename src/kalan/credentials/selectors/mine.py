"""The signed-in person's own acts, and what renews those that end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Exists, F, Prefetch, QuerySet

from kalan.assessment.models import Candidate, Exam, Test
from kalan.assessment.selectors.tests import open_tests
from kalan.credentials.models import Act, Batch
from kalan.credentials.selectors.renewals import FRAMEWORK, SOON, exams_to_come, newer, standing
from kalan.people.actor import Actor, paths_to
from kalan.people.models import Role
from kalan.people.selectors.core import grants_in_force, posts_on

_SHOWN = 3  # exams, practice tests and people named


def my_acts(actor: Actor) -> QuerySet[Act]:
    """Signed acts about the actor, whatever became of them since; the latest first."""
    if actor.agent_id is None:
        return Act.objects.none()
    return (
        Act.objects.filter(
            agent_id=actor.agent_id, state=Act.State.SIGNED, batch__state=Batch.State.SIGNED
        )
        .select_related("batch__version__template", "batch__office__node", "batch__run__key")
        .select_related("renews")
        .prefetch_related(Prefetch("renewals", standing().defer("data").order_by("pk")))
        .annotate(framework_code=F(f"{FRAMEWORK}__code"), superseded=Exists(newer()))
        .order_by("-signed_at", "-pk")
    )


@dataclass(frozen=True)
class Renewal:
    """What is on offer to the holder of an act that ends: the exam they are enrolled in, those
    planned for their place, tests to practise with; and whom to ask."""

    enrolled: Candidate | None = None
    exams: Sequence[Exam] = field(default_factory=list)
    practice: Sequence[Test] = field(default_factory=list)
    ask: list[str] = field(default_factory=list)


def renewals_for(actor: Actor, acts: Sequence[Act], *, today: dt.date) -> dict[int, Renewal]:
    """{act: what renews it}, for those of ``acts`` (of ``my_acts``) that end within SOON days or
    have ended, and that no newer one renews. Five queries, or none when there is nothing to say."""
    limit = today + dt.timedelta(days=SOON)
    due = [
        act
        for act in acts
        if act.valid_until is not None
        and act.valid_until <= limit
        and act.status == Act.Status.VALID
        and not act.superseded  # type: ignore[attr-defined]  # annotated
    ]
    if not due:
        return {}
    code_of = {act.pk: _code(act) for act in due}
    codes = {code for code in code_of.values() if code}
    coming = exams_to_come(codes, today=today)
    mine = {
        _code(row): row
        for row in Candidate.objects.filter(account=actor.account, exam__in=coming.values("pk"))
        .select_related("exam__node")
        .annotate(framework_code=F("exam__test__bank__framework__code"))
        .order_by("-exam__date", "-pk")
    }
    path = _place(actor, today)
    exams = list(coming.filter(node__path__in=paths_to(path)))
    tests = open_tests().filter(bank__framework__code__in=codes)
    practice = list(tests.annotate(framework_code=F("bank__framework__code")).order_by("title"))
    ask = whom_to_ask(actor, path, today=today)
    return {
        pk: Renewal(
            enrolled=mine.get(code),
            exams=[one for one in exams if _code(one) == code][:_SHOWN],
            practice=[one for one in practice if _code(one) == code][:_SHOWN],
            ask=ask,
        )
        for pk, code in code_of.items()
    }


def _code(row: Act | Candidate | Exam | Test) -> str | None:
    code: str | None = row.framework_code  # type: ignore[union-attr]  # annotated
    return code


def _place(actor: Actor, today: dt.date) -> str:
    """Path of the structure where the actor works today; "" without a post."""
    rows = posts_on(today).filter(agent=actor.agent_id).order_by("-pk")
    return rows.values_list("structure__path", flat=True).first() or ""


def whom_to_ask(actor: Actor, path: str, *, today: dt.date) -> list[str]:
    """Who manages the structure at ``path``, else who manages the territory above it: names with
    the place, the nearest first."""
    rows = (
        grants_in_force(today)
        .filter(
            role__in=[Role.STRUCTURE, Role.REGION],
            node__path__in=paths_to(path),
            account__is_active=True,
        )
        .exclude(account=actor.account)
        .order_by("-node__path", "account__display_name", "pk")
        .values_list("node__path", "account__display_name", "node__name")
    )
    found = list(rows)
    nearest = [row for row in found if row[0] == found[0][0]] if found else []
    return list(dict.fromkeys(f"{name} ({place})" for _, name, place in nearest))[:_SHOWN]
