"""What a campaign's tests measured: distributions and means of groups, never of one person.

A group below MIN_GROUP shows nothing, and neither does a part that would tell of fewer people by
subtraction, from a wider group or from those beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Count, F, Q, QuerySet, Sum

from kalan.assessment.models import DomainResult, Result
from kalan.base.small_groups import MIN_GROUP, subtractable
from kalan.campaigns.models import Campaign, CampaignStep, Participant
from kalan.campaigns.selectors.campaigns import participants_visible_to, steps_of
from kalan.engine.testing.outcome import Z95
from kalan.people.actor import Actor
from kalan.skills.models import FrameworkLevel, FrameworkNode


@dataclass(frozen=True)
class Level:
    code: str
    name: str
    floor: float | None = None


@dataclass(frozen=True)
class Mean:
    """The mean of the measures of ``n`` people with its interval at 95 % (normal law).

    mean ± 1.96 · s/√n, s² the unbiased variance of the measures: it carries both the choice of
    people and the error of their measures (Lord & Novick 1968, §7).
    """

    n: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Distribution:
    """How many people stand at each level, in the order of the scale; ``other``: no level."""

    code: str
    name: str
    counts: list[int]
    other: int
    to_confirm: int
    mean: Mean | None

    @property
    def total(self) -> int:
        return sum(self.counts) + self.other


@dataclass(frozen=True)
class Results:
    """Of one test of a campaign. ``hidden`` says why nothing is shown."""

    step: CampaignStep
    levels: list[Level]
    people: int
    overall: Distribution | None = None
    domains: list[Distribution] = field(default_factory=list)
    hidden: str = ""
    simulated: bool = False


def test_steps(campaign: Campaign) -> list[CampaignStep]:
    """The campaign's steps that are tests, in order."""
    return [step for step in steps_of(campaign) if step.test is not None]


def results(
    actor: Actor,
    campaign: Campaign,
    step: CampaignStep,
    *,
    structure: str = "",
    cadre: str = "",
    sex: str = "",
) -> Results:
    """Distributions of one test over the participants whom the actor sees.

    ``structure`` (uid), ``cadre`` (pk) and ``sex`` narrow the group. Shared or not, a finished
    result counts in the group; nobody can be told from it.
    """
    assert step.test is not None
    people = participants_visible_to(actor, campaign).filter(state=Participant.State.FINISHED)
    part = people
    if structure:
        part = part.filter(structure__uid=structure)
    if cadre:
        part = part.filter(cadre=int(cadre))
    if sex:
        part = part.filter(sex=sex)
    number = _measured(part, step).count()
    levels = levels_of(step)
    if number < MIN_GROUP:
        return Results(step, levels, number, hidden="few")
    wanted = (structure or None, int(cadre) if cadre else None, sex or None)
    if any(wanted) and subtractable(_cells(people, step), wanted, MIN_GROUP):
        return Results(step, levels, number, hidden="complement")
    measured = _measured(part, step)
    overall = _overall(measured, levels)
    domains = _domains(measured, levels, domain_names(step))
    simulated = measured.filter(simulated=True).exists()
    return Results(step, levels, number, overall, domains, simulated=simulated)


def _cells(
    people: QuerySet[Participant], step: CampaignStep
) -> dict[tuple[str | None, int | None, str], int]:
    """How many were measured by structure (uid), cadre (pk) and sex: what the filters cut by."""
    owner = "sitting__campaign_part__participant"
    rows = _measured(people, step).order_by().values_list(
        f"{owner}__structure__uid", f"{owner}__cadre", f"{owner}__sex"
    ).annotate(n=Count("pk"))  # fmt: skip
    return {(place and str(place), cadre, sex): n for place, cadre, sex, n in rows}


def levels_of(step: CampaignStep) -> list[Level]:
    """The levels of the framework behind the step's test, lowest first."""
    rows = FrameworkLevel.objects.filter(framework__banks=_bank_of(step)).order_by("rank")
    return [Level(row.code, row.name, row.floor) for row in rows]


def domain_names(step: CampaignStep) -> dict[str, str]:
    """{code: name} of the domains of the framework behind the step's test, in order."""
    rows = FrameworkNode.objects.filter(
        framework__banks=_bank_of(step), kind=FrameworkNode.Kind.DOMAIN
    ).order_by("rank", "pk")
    return {row.code: row.name for row in rows}


def _bank_of(step: CampaignStep) -> int:
    assert step.test is not None
    return step.test.bank_id


def _measured(people: QuerySet[Participant], step: CampaignStep) -> QuerySet[Result]:
    return Result.objects.filter(
        current=True,
        theta__isnull=False,
        sitting__campaign_part__step=step,
        sitting__campaign_part__participant__in=people,
    )


def _overall(measured: QuerySet[Result], levels: list[Level]) -> Distribution:
    rows = (
        measured.order_by()
        .values("level")
        .annotate(n=Count("pk"), total=Sum("theta"), squares=Sum(F("theta") * F("theta")))
    )
    found = [(r["level"], r["n"], r["total"], r["squares"], 0) for r in rows]
    return _distribution("", "Ensemble", found, levels)


def _domains(
    measured: QuerySet[Result], levels: list[Level], names: dict[str, str]
) -> list[Distribution]:
    rows = (
        DomainResult.objects.filter(result__in=measured, theta__isnull=False)
        .order_by()
        .values("domain", "level")
        .annotate(
            n=Count("pk"),
            total=Sum("theta"),
            squares=Sum(F("theta") * F("theta")),
            unsure=Count("pk", filter=Q(to_confirm=True)),
        )
    )
    by_domain: dict[str, list[tuple[str, int, float, float, int]]] = {}
    for r in rows:
        line = (r["level"], r["n"], r["total"], r["squares"], r["unsure"])
        by_domain.setdefault(r["domain"], []).append(line)
    order = [*names, *sorted(by_domain.keys() - names.keys())]
    return [
        made
        for code in order
        if code in by_domain
        and (made := _distribution(code, names.get(code, code), by_domain[code], levels)).total
        >= MIN_GROUP
    ]


def _distribution(
    code: str,
    name: str,
    rows: Iterable[tuple[str, int, float, float, int]],
    levels: list[Level],
) -> Distribution:
    counts = dict.fromkeys((level.code for level in levels), 0)
    other = unsure = people = 0
    total = squares = 0.0
    for level, n, part, part_squares, doubtful in rows:
        if level in counts:
            counts[level] += n
        else:
            other += n
        people += n
        unsure += doubtful
        total += part
        squares += part_squares
    mean = _mean(people, total, squares)
    return Distribution(code, name, list(counts.values()), other, unsure, mean)


def _mean(n: int, total: float, squares: float) -> Mean | None:
    if n < 2:
        return None
    mean = total / n
    variance = max(0.0, (squares - n * mean * mean) / (n - 1))
    half = Z95 * math.sqrt(variance / n)
    return Mean(n, mean, mean - half, mean + half)


def level_at(levels: list[Level], theta: float) -> str:
    """The name of the level in which ``theta`` lies."""
    name = levels[0].name if levels else ""
    for level in levels:
        if level.floor is not None and theta >= level.floor:
            name = level.name
    return name
