"""What a sitting says: overall, by domain, with its uncertainty; and the decision at a cut.

Domains are scored jointly (``psychometrics.domains``): each by its own answers, borrowing from the
others as far as the population's covariance says they go together. The overall measure is the mean
of the domains under that joint posterior. The error of item parameters is carried by the expected
curves (``items``). A domain without an answer has no score.

The scaled score is 500 + 100·θ (θ of the reference population: mean 0, standard deviation 1 in a
domain). Intervals are those of the posterior, ± 1.96 standard deviations.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from kalan.engine.psychometrics.data import Floats
from kalan.engine.psychometrics.domains import POINTS, DomainScores, score_likelihoods
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.testing.frozen import Frozen
from kalan.engine.testing.levels import level_probabilities, normal_below
from kalan.engine.testing.walk import Entry

Z95 = 1.959963984540054
TO_CONFIRM = 0.50  # SD above which a domain's level is « à confirmer »
CLEAR = 0.60  # probability below which the neighbouring level is named too
NEAR = 0.10  # risk of a wrong decision from which it is « near » the cut


@dataclass(frozen=True)
class DomainOutcome:
    """``answered`` questions; ``share`` of the points, 0 … 1; ``theta``, ``sd``; ``level`` the most
    probable with its ``probability``; ``probabilities`` of all levels; ``to_confirm``: SD > 0.50;
    ``neighbour``: the second level when the first is less than 60 % sure. None: not measured."""

    code: str
    name: str
    answered: int
    share: float | None = None
    theta: float | None = None
    sd: float | None = None
    score: int | None = None
    level: str | None = None
    level_name: str | None = None
    probability: float | None = None
    probabilities: tuple[float, ...] = ()
    to_confirm: bool = False
    neighbour: str | None = None

    @property
    def measured(self) -> bool:
        return self.theta is not None


@dataclass(frozen=True)
class Outcome:
    """``theta``, ``se``, ``low``, ``high`` (95 %); ``score`` and its interval on the 500 scale;
    ``share`` of the points, 0 … 1 (per cent correct / 100); ``provisional``: share of the answered
    items that are; ``level`` … as in a domain. None throughout when nothing was answered."""

    answered: int
    points: int
    share: float | None
    theta: float | None
    se: float | None
    low: float | None
    high: float | None
    score: int | None
    score_low: int | None
    score_high: int | None
    level: str | None
    level_name: str | None
    probability: float | None
    probabilities: tuple[float, ...]
    provisional: float
    domains: tuple[DomainOutcome, ...]

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)


def scaled(theta: float) -> int:
    """The score told to people."""
    return round(500 + 100 * theta)


def answers_of(log: Iterable[Entry]) -> list[tuple[int, int]]:
    """(item, category) of the answers of a log, in order."""
    return [(int(entry[1]), int(entry[2])) for entry in log if entry[0] == "a"]


def by_uid(frozen: Frozen, log: Iterable[Entry]) -> list[tuple[str, int]]:
    """(uid of the item version, category) of the answers of a log."""
    return [(frozen.items[item].uid, category) for item, category in answers_of(log)]


def outcome(frozen: Frozen, log: Iterable[Entry]) -> Outcome:
    """The outcome of a sitting as far as its log goes."""
    return _outcome(frozen, answers_of(log))


def rescore(frozen: Frozen, answers: Iterable[tuple[str, int]]) -> Outcome:
    """An old sitting, (uid, category) each, under the parameters of another frozen test."""
    found = []
    for uid, category in answers:
        number = frozen.number.get(uid)
        if number is None:
            raise DataError(
                f"Question « {uid} » : absente de ce test. Elle ne peut pas être "
                "notée de nouveau avec lui."
            )
        found.append((number, category))
    return _outcome(frozen, found)


def likelihoods(frozen: Frozen, answers: list[tuple[int, int]]) -> Floats:
    """(D, Q) ln L of the answers of each domain at the points of joint scoring."""
    out = np.zeros((len(frozen.domains), POINTS.size))
    for item, category in answers:
        out[frozen.domain_of[item]] += frozen.log_p[item, category]
    return out


def outcomes(
    frozen: Frozen, logs: Sequence[Iterable[Entry]], *, exact: bool = True
) -> list[Outcome]:
    """The outcomes of many sittings of one frozen test; ``exact`` as in ``score_domains``."""
    return _outcomes(frozen, [answers_of(log) for log in logs], exact=exact)


def _outcome(frozen: Frozen, answers: list[tuple[int, int]]) -> Outcome:
    return _outcomes(frozen, [answers])[0]


def _outcomes(
    frozen: Frozen, sittings: list[list[tuple[int, int]]], *, exact: bool = True
) -> list[Outcome]:
    for answers in sittings:
        _must_fit(frozen, answers)
    given = [answers for answers in sittings if answers]
    names = tuple(domain.code for domain in frozen.domains)
    told: Iterator[Outcome] = iter(())
    if given:
        mean, covariance = frozen.prior
        log_l = np.stack([likelihoods(frozen, answers) for answers in given])
        found = score_likelihoods(log_l, covariance, mean, names, exact=exact)
        told = (_told(frozen, answers, found, row) for row, answers in enumerate(given))
    return [next(told) if answers else _silent(frozen) for answers in sittings]


def _must_fit(frozen: Frozen, answers: list[tuple[int, int]]) -> None:
    items = frozen.items
    for item, category in answers:
        if not 0 <= category <= items[item].top:
            raise DataError(
                f"Question « {items[item].code} » : réponse {category} hors des "
                f"catégories 0 à {items[item].top}."
            )


def _silent(frozen: Frozen) -> Outcome:
    """Nothing was answered: nothing is said."""
    domains = tuple(DomainOutcome(d.code, d.name, 0) for d in frozen.domains)
    return Outcome(
        0, 0, None, None, None, None, None, None, None, None, None, None, None, (), 0.0, domains
    )


def _told(frozen: Frozen, answers: list[tuple[int, int]], found: DomainScores, row: int) -> Outcome:
    """Row ``row`` of joint scores, in levels and intervals."""
    items, count, names = frozen.items, len(answers), found.domains
    weight = np.full(len(names), 1 / len(names))
    theta = float(weight @ found.theta[row])
    se = math.sqrt(float(weight @ found.covariance[row] @ weight))
    low, high = theta - Z95 * se, theta + Z95 * se
    level, probability, probabilities, _ = _level(frozen, theta, se)
    return Outcome(
        answered=count,
        points=sum(category for _, category in answers),
        share=_share(frozen, answers),
        theta=theta,
        se=se,
        low=low,
        high=high,
        score=scaled(theta),
        score_low=scaled(low),
        score_high=scaled(high),
        level=frozen.levels[level].code,
        level_name=frozen.levels[level].name,
        probability=probability,
        probabilities=probabilities,
        provisional=sum(items[item].provisional for item, _ in answers) / count,
        domains=tuple(
            _domain(frozen, d, answers, float(found.theta[row, d]), float(found.sd[row, d]))
            for d in range(len(names))
        ),
    )


def _share(frozen: Frozen, answers: list[tuple[int, int]]) -> float:
    """Mean of category / top: each question counts for one."""
    return sum(category / frozen.items[item].top for item, category in answers) / len(answers)


def _domain(
    frozen: Frozen, number: int, answers: list[tuple[int, int]], theta: float, sd: float
) -> DomainOutcome:
    domain = frozen.domains[number]
    own = [(item, category) for item, category in answers if frozen.domain_of[item] == number]
    if not own:
        return DomainOutcome(domain.code, domain.name, 0)
    level, probability, probabilities, neighbour = _level(frozen, theta, sd)
    return DomainOutcome(
        code=domain.code,
        name=domain.name,
        answered=len(own),
        share=_share(frozen, own),
        theta=theta,
        sd=sd,
        score=scaled(theta),
        level=frozen.levels[level].code,
        level_name=frozen.levels[level].name,
        probability=probability,
        probabilities=probabilities,
        to_confirm=sd > TO_CONFIRM,
        neighbour=frozen.levels[neighbour].code if probability < CLEAR else None,
    )


def _level(frozen: Frozen, theta: float, sd: float) -> tuple[int, float, tuple[float, ...], int]:
    """The most probable level, its probability, those of all, and the second level."""
    probabilities = level_probabilities(frozen.levels, theta, sd)
    order = sorted(range(len(probabilities)), key=lambda n: (-probabilities[n], n))
    return order[0], probabilities[order[0]], probabilities, order[1]


@dataclass(frozen=True)
class Decision:
    """``verdict`` by whether ``probability`` that the person is at or above the cut reaches 1/2;
    ``risk`` that it is wrong; ``near``: the risk is 10 % or more, a jury should look."""

    verdict: Literal["pass", "fail"]
    near: bool
    probability: float
    risk: float


def decision(of: Outcome, cut_theta: float, cut_se: float = 0.0) -> Decision:
    """Pass or fail at a cut known with an error (``standard.angoff``), both errors counted."""
    if of.theta is None or of.se is None:
        raise DataError("Aucune réponse : il n’y a rien à décider.")
    probability = normal_below((of.theta - cut_theta) / math.hypot(of.se, cut_se))
    risk = min(probability, 1 - probability)
    return Decision("pass" if probability >= 0.5 else "fail", risk >= NEAR, probability, risk)
