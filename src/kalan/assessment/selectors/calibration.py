"""Calibration runs as their screens show them."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet

from kalan.assessment.models import (
    CalibrationLine,
    CalibrationRun,
    Exam,
    FrozenItem,
    FrozenTest,
    Sitting,
    Test,
)
from kalan.assessment.policy import CAPABILITIES
from kalan.base.figures import Chart, ChartRow, Dot, number, scatter
from kalan.base.models import Job
from kalan.people.actor import Actor
from kalan.skills.models import Item, ItemBank

FLAGS = {
    "few": "provisoire",
    "low_slope": "distingue mal",
    "misfit": "s’écarte du modèle",
    "dif": "inégale selon le sexe",
    "moved": "a bougé",
    "collapsed": "note jamais vue",
    "unsure": "sans marge d’erreur",
}
MEANING = {
    "few": "moins de 500 réponses : utilisable, mais pas dans un examen",
    "low_slope": "elle sépare mal ceux qui savent de ceux qui ne savent pas : relisez sa clé",
    "misfit": "les réponses ne suivent pas la courbe du modèle",
    "dif": "à niveau égal, femmes et hommes n’y réussissent pas autant : relisez son texte",
    "moved": "difficulté ou pente changée de plus de deux erreurs types depuis la dernière fois",
    "collapsed": "une de ses notes n’a jamais été obtenue : elle reste provisoire",
    "unsure": "les réponses ne disent pas assez pour en donner la marge : elle reste provisoire",
}
REFREEZE, RESCORE = "calibration.refreeze", "calibration.rescore"


def runs_visible_to(actor: Actor, capability: str = "calibration.view") -> QuerySet[CalibrationRun]:
    """Runs of banks that hang on a node of the actor's."""
    scope = actor.scope(CAPABILITIES[capability], "bank__node__")
    return CalibrationRun.objects.filter(scope).select_related("bank__node", "created_by", "job")


def banks_to_calibrate(actor: Actor) -> QuerySet[ItemBank]:
    """Banks of which the actor may start a run."""
    scope = actor.scope(CAPABILITIES["calibration.run"], "node__")
    return ItemBank.objects.filter(scope).order_by("name", "pk")


def may(actor: Actor, capability: str, run: CalibrationRun) -> bool:
    return actor.covers(CAPABILITIES[capability], run.bank.node.path)


@dataclass(frozen=True)
class Summary:
    """Counts of the lines of a run: all, that may be adopted, past the gate, adopted, by flag."""

    lines: int
    adoptable: int
    gate: int
    adopted: int
    flags: Sequence[tuple[str, str, str, int]]  # code, label, meaning, how many


def summary(run: CalibrationRun) -> Summary:
    """One query."""
    lines = list(run.lines.only("flags", "adopted", "run"))
    found = Counter(flag for line in lines for flag in line.flags)
    return Summary(
        len(lines),
        sum(line.adoptable for line in lines),
        sum(line.past_gate for line in lines),
        sum(line.adopted for line in lines),
        [(code, label, MEANING[code], found[code]) for code, label in FLAGS.items() if found[code]],
    )


def lines_of(run: CalibrationRun, *, flag: str = "", q: str = "") -> QuerySet[CalibrationLine]:
    """Lines with their questions; ``flag``: a code of FLAGS, "gate", "none"."""
    rows = run.lines.select_related("version__item__domain")
    if q:
        rows = rows.filter(version__item__code__icontains=q)
    if flag in FLAGS or flag == "gate":
        # Flags stand in JSON, which SQLite cannot search inside: the run has some hundred lines.
        every = run.lines.only("flags", "run")
        kept = [
            line.pk for line in every if (line.past_gate if flag == "gate" else flag in line.flags)
        ]
        rows = rows.filter(pk__in=kept)
    return rows


@dataclass(frozen=True)
class Shown:
    """A line as the table shows it."""

    uid: uuid.UUID
    item: Item
    line: CalibrationLine
    before: tuple[str, str, str]
    after: tuple[str, str, str]
    margins: tuple[str, str]
    flags: Sequence[tuple[str, str]]


def shown(line: CalibrationLine) -> Shown:
    return Shown(
        line.version.uid,
        line.version.item,
        line,
        _told(line.before),
        _told(line.after),
        (_margin(line.after.get("se_a")), _margin(line.after.get("se_b"))),
        [(code, FLAGS.get(code, code)) for code in line.flags],
    )


def _told(found: dict[str, Any]) -> tuple[str, str, str]:
    if not found:
        return ("", "", "")
    steps = " ; ".join(number(round(b, 2)) for b in found["b"])
    return number(round(found["a"], 2)), steps, number(round(found["c"], 2)) if found["c"] else ""


def _margin(value: float | None) -> str:
    return "" if value is None else f"± {number(round(value, 2))}"


def place(found: dict[str, Any]) -> float | None:
    """The difficulty as one number: the mean of the steps."""
    return sum(found["b"]) / len(found["b"]) if found and found["b"] else None


def picture(run: CalibrationRun) -> Chart:
    """Difficulty before and after, a point a question; beside it the questions that moved most."""
    rows = []
    for line in run.lines.select_related("version__item").order_by("version__item__code", "pk"):
        old, new = place(line.before), place(line.after)
        if old is not None and new is not None:
            rows.append((line.version.item.code, old, new, "moved" in line.flags))
    dots = [
        Dot(
            old, new, f"{code} : {number(round(old, 2))} → {number(round(new, 2))}", 3 if far else 1
        )
        for code, old, new, far in rows
    ]
    title = "Difficulté avant et après"
    said = "Chaque point est une question ; sur la ligne, rien ne change."
    most = sorted(rows, key=lambda row: -abs(row[2] - row[1]))[:25]
    return Chart(
        title,
        scatter(dots, title=title, description=said, across="avant", up="après"),
        ("Question", "Avant", "Après", "Écart"),
        [
            ChartRow(code, [number(round(v, 2)) for v in (old, new, new - old)])
            for code, old, new, _ in most
        ],
        said + " Le tableau donne les 25 questions dont la difficulté change le plus.",
        legend=[("f1", "question"), ("f3", "a bougé de plus de deux erreurs types")],
    )


# --- What follows an adoption -----------------------------------------------------------------


@dataclass(frozen=True)
class Follow:
    """A published test that rests on what was adopted. ``stale``: frozen before it; ``over``:
    sittings ended under earlier parameters, but for those of exams with published results;
    ``jobs``: the last refreezing and rescoring."""

    test: Test
    stale: bool
    over: int
    refreeze: Job | None
    rescore: Job | None


def tests_after(run: CalibrationRun) -> list[Follow]:
    """Published tests whose frozen form holds a question adopted from the run (four queries)."""
    if run.state != CalibrationRun.State.ADOPTED or run.adopted_at is None:
        return []
    mine = FrozenItem.objects.filter(
        frozen__test=OuterRef("pk"),
        frozen__current=True,
        version__in=run.lines.filter(adopted=True).values("version"),
    )
    tests = list(
        Test.objects.filter(Exists(mine), bank=run.bank_id, state=Test.State.PUBLISHED)
        .defer("plan", "verdict")
        .order_by("title", "pk")
    )
    frozen = {
        row.test_id: row
        for row in FrozenTest.objects.filter(test__in=tests, current=True, form="").defer("body")
    }
    over = dict(
        Sitting.objects.filter(
            frozen__test__in=tests, state__in=Sitting.OVER, results__current=True
        )
        .exclude(results__frozen_version__in=[row.version for row in frozen.values()])
        .exclude(candidate__exam__state=Exam.State.PUBLISHED)  # what was decided stays
        .order_by()
        .values_list("test_id")
        .annotate(number=Count("pk", distinct=True))
    )
    jobs: dict[tuple[str, str], Job] = {}
    for job in Job.objects.filter(
        kind__in=[REFREEZE, RESCORE], arguments__run_uid=str(run.uid)
    ).order_by("pk"):
        jobs[job.kind, job.arguments["test_uid"]] = job
    return [
        Follow(
            test,
            frozen[test.pk].created_at < run.adopted_at if test.pk in frozen else True,
            over.get(test.pk, 0),
            jobs.get((REFREEZE, str(test.uid))),
            jobs.get((RESCORE, str(test.uid))),
        )
        for test in tests
    ]


def test_of(run: CalibrationRun, uid: uuid.UUID) -> QuerySet[Test]:
    """The published test of the run's bank that ``uid`` names."""
    return Test.objects.filter(uid=uid, bank=run.bank_id, state=Test.State.PUBLISHED)
