"""A result in plain words and as a picture: level, how sure, domain by domain, what next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from kalan.assessment.models import DomainResult, Result, Sitting, Test
from kalan.assessment.selectors.frozen import frozen_of
from kalan.assessment.selectors.sittings import result_of
from kalan.engine.testing.frozen import Frozen
from kalan.engine.testing.levels import Level, level_probabilities
from kalan.engine.testing.outcome import Z95, scaled
from kalan.skills.models import FrameworkNode

NBSP = "\u00a0"
LOW, HIGH = -2.6, 2.6  # θ at the ends of the drawn scale
CLEAR = 0.60  # below this probability the neighbouring level is named too
WIDTH = 320
TOO_FEW = "Pas assez de réponses"


@dataclass(frozen=True)
class Measure:
    """One line of the result. ``name``: the domain's, "" overall. ``level`` None: too few answers.

    ``sure``: "8 chances sur 10"; ``neighbour``: the level that is nearly as likely, or "".
    """

    name: str
    answers: int
    level: Level | None = None
    sure: str = ""
    neighbour: str = ""
    to_confirm: bool = False
    score: int | None = None
    low: int | None = None
    high: int | None = None
    picture: SafeString | None = None
    can: str = ""
    advice: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """A sitting's result, ready to show. ``provisional``: share of the answers, 0 … 1."""

    sitting: Sitting
    result: Result
    overall: Measure
    domains: tuple[Measure, ...]
    levels: tuple[Level, ...]
    provisional: float
    simulated: bool  # rests on a simulated calibration

    @property
    def provisional_percent(self) -> float:
        return 100 * self.provisional

    @property
    def shows_level(self) -> bool:
        """Practice says what was right, not a level."""
        return self.sitting.test.purpose != Test.Purpose.PRACTICE


def chances(probability: float | None) -> str:
    """0.83 → « 8 chances sur 10 »."""
    if probability is None:
        return ""
    if probability >= 0.95:
        return f"plus de 9{NBSP}chances sur{NBSP}10"
    number = max(1, round(10 * probability))
    return f"{number}{NBSP}chance{'s' if number > 1 else ''} sur{NBSP}10"


def report_of(sitting: Sitting) -> Report | None:
    """The result of a sitting that is over (three queries), or None when it has none."""
    result = result_of(sitting)
    if result is None:
        return None
    frozen = frozen_of(sitting.frozen_id)
    names = {domain.code: domain.name for domain in frozen.domains}
    advice = _guidance(sitting)
    overall = Measure("", result.answers)
    if result.level and result.theta is not None and result.se is not None:
        overall = _measured(frozen, "", result.answers, result.theta, result.se, result.level)
    return Report(
        sitting=sitting,
        result=result,
        overall=overall,
        domains=tuple(
            _domain(frozen, names.get(one.domain, one.domain), one, advice.get(one.domain, {}))
            for one in result.domains.all()
        ),
        levels=frozen.levels,
        provisional=result.provisional_share,
        simulated=sitting.frozen.simulated,
    )


def _guidance(sitting: Sitting) -> dict[str, dict[str, Any]]:
    """{domain: {level: {"can", "advice"}}} of the framework."""
    nodes = FrameworkNode.objects.filter(
        framework=sitting.test.bank.framework_id, kind=FrameworkNode.Kind.DOMAIN
    )
    return dict(nodes.values_list("code", "guidance"))


def _domain(frozen: Frozen, name: str, row: DomainResult, guidance: dict[str, Any]) -> Measure:
    if not row.level or row.theta is None or row.sd is None:
        return Measure(name, row.answers)
    said = guidance.get(row.level, {})
    return _measured(
        frozen, name, row.answers, row.theta, row.sd, row.level,
        to_confirm=row.to_confirm, can=said.get("can", ""), advice=tuple(said.get("advice", ())),
    )  # fmt: skip


def _measured(
    frozen: Frozen, name: str, answers: int, theta: float, sd: float, code: str, **more: Any
) -> Measure:
    levels = frozen.levels
    likely = level_probabilities(levels, theta, sd)
    mine = next((n for n, level in enumerate(levels) if level.code == code), 0)
    second = max((n for n in range(len(levels)) if n != mine), key=lambda n: likely[n])
    low, high = theta - Z95 * sd, theta + Z95 * sd
    return Measure(
        name=name,
        answers=answers,
        level=levels[mine],
        sure=chances(likely[mine]),
        neighbour=levels[second].name if likely[mine] < CLEAR else "",
        score=scaled(theta),
        low=scaled(low),
        high=scaled(high),
        picture=scale(levels, theta, low, high, mine),
        **more,
    )


def scale(
    levels: tuple[Level, ...], theta: float, low: float, high: float, mine: int
) -> SafeString:
    """The levels side by side, the measure as a dot and its 95 % interval as a line.

    Hidden from screen readers: the words and the table beside it say the same.
    """

    def x(value: float) -> float:
        return round((min(max(value, LOW), HIGH) - LOW) / (HIGH - LOW) * WIDTH, 1)

    edges = [LOW, *(min(max(level.floor, LOW), HIGH) for level in levels[1:]), HIGH]
    parts = []
    for number, level in enumerate(levels):
        left, right = x(edges[number]), x(edges[number + 1])
        tone = "q2" if number == mine else "q1"
        parts.append(
            f'<rect class="q {tone}" x="{left}" y="2" width="{right - left:.1f}" height="20"/>'
        )
        room = int((right - left) / 6)
        name = level.name if len(level.name) <= room else level.name[: max(room - 1, 1)] + "."
        # Two rows in turn: the names of narrow neighbours do not touch.
        place = f'x="{(left + right) / 2:.1f}" y="{36 + 14 * (number % 2)}"'
        parts.append(f'<text class="m s" {place}>{escape(name)}</text>')
    parts.append(
        f'<path class="l1" d="M{x(low)} 12H{x(high)}M{x(low)} 8V16M{x(high)} 8V16"/>'
        f'<circle class="f1" cx="{x(theta)}" cy="12" r="5"/>'
    )
    body = "".join(parts)
    return mark_safe(  # noqa: S308 - numbers, and names that were escaped
        f'<svg class="chart" viewBox="0 0 {WIDTH} 54" aria-hidden="true">{body}</svg>'
    )
