"""Certificates of competence: only from a supervised exam whose results are published."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.utils import timezone

from kalan.assessment.models import Candidate, Exam, Result
from kalan.assessment.selectors.exams import candidates_of
from kalan.assessment.selectors.frozen import frozen_of
from kalan.assessment.selectors.jury import simulated
from kalan.assessment.selectors.reports import chances
from kalan.base.errors import Refused
from kalan.credentials.services.sources.common import (
    Found,
    Planned,
    Request,
    holder,
    last_valid_day,
    nobody,
)
from kalan.engine.testing.frozen import Frozen
from kalan.people.models import OrgNode
from kalan.people.selectors.territory import structures_on


def find(request: Request) -> Found:
    """One certificate for each candidate whom the jury declared passed (constant queries)."""
    exam: Exam = request.ref
    if exam.state != Exam.State.PUBLISHED:
        raise Refused(
            "Les résultats de cet examen ne sont pas publiés.",
            remedy="Le jury publie d’abord ses décisions.",
            field="ref",
        )
    rows = list(
        candidates_of(exam)
        .filter(decision=Candidate.Decision.PASSED)
        .select_related("account__agent__cadre")
    )
    if not rows:
        raise nobody("Personne n’est admis à cet examen.", "Il n’y a pas de certificat à préparer.")
    results = _results_of(rows)
    posts = structures_on([row.account.agent_id for row in rows if row.account.agent_id], exam.date)
    names = dict(OrgNode.objects.filter(pk__in=set(posts.values())).values_list("pk", "name"))
    found = Found(node=exam.node, simulated=simulated(exam))
    facts = _exam_facts(exam)
    months = request.version.validity_months
    until = last_valid_day(timezone.localdate(request.now), months) if months else None
    for row in rows:
        post = posts.get(row.account.agent_id or 0)
        levels = _levels(results.get(row.sitting_id or 0))
        said = {"kind": request.kind, "exam": facts, "levels": levels}
        planned = _certificate(exam, row, names.get(post or 0, ""), said)
        found.acts.append(replace(planned, structure_id=post, valid_until=until))
    return found


def _certificate(exam: Exam, row: Candidate, structure: str, said: dict[str, Any]) -> Planned:
    """The certificate of one candidate; ``said``: kind, exam and levels as printed."""
    agent = row.account.agent
    name = agent.full_name if agent else row.account.display_name
    return Planned(
        record=f"competence:exam:{exam.uid}:candidate:{row.uid}",
        name=name,
        agent_id=agent.pk if agent else None,
        email=row.account.email or (agent.email if agent else ""),
        phone=agent.phone if agent else "",
        data={**said, "holder": holder(agent, name=name, structure=structure)},
    )


def _results_of(rows: list[Candidate]) -> dict[int, Result]:
    """The result that counts of each sitting, with its domains."""
    current = Result.objects.filter(
        current=True, sitting__in=[row.sitting_id for row in rows if row.sitting_id]
    )
    current = current.select_related("sitting").prefetch_related("domains")
    return {result.sitting_id: result for result in current}


def _exam_facts(exam: Exam) -> dict[str, Any]:
    framework = exam.test.bank.framework
    return {
        "title": exam.title,
        "held_on": exam.date.isoformat(),
        "place": exam.place or exam.node.name,
        "framework": f"{framework.name}, édition {framework.version}",
        "supervised": True,
    }


def _levels(result: Result | None) -> list[dict[str, Any]]:
    """Level by domain, the whole first; domains without enough answers are not certified."""
    if result is None:
        return []
    frozen = frozen_of(result.sitting.frozen_id)
    names = {domain.code: domain.name for domain in frozen.domains}
    rows = [("Ensemble", result.level, result.level_probability, False)]
    rows += [
        (names.get(one.domain, one.domain), one.level, one.level_probability, one.to_confirm)
        for one in sorted(result.domains.all(), key=lambda one: one.pk)
    ]
    return [_level(frozen, *row) for row in rows if row[1]]


def _level(
    frozen: Frozen, name: str, code: str, probability: float | None, to_confirm: bool
) -> dict[str, Any]:
    codes = [one.code for one in frozen.levels]
    rank = codes.index(code)
    sure = chances(probability)
    return {
        "domain": name,
        "level": rank + 1,
        "of": len(codes),
        "label": frozen.levels[rank].name,
        "confidence": f"{sure}, à confirmer" if to_confirm and sure else sure,
    }
