"""Levels by domain, counted from results: latest of each person, never below MIN_GROUP people.

One query reads every group at once (domain × level × region × cadre × sex): its size is that of
the table of groups, whatever the number of results.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet, Sum, Window
from django.db.models.functions import Coalesce, RowNumber, Substr

from kalan.assessment.models import DomainResult, Sitting, Test
from kalan.base.small_groups import MIN_GROUP, masked, subtractable
from kalan.engine.testing.outcome import Z95
from kalan.indicators.selectors.scope import Reach
from kalan.people.models import Cadre, OrgNode
from kalan.skills.models import Framework, FrameworkNode
from kalan.training.models import SessionGain

MIN_PAIRS = 10
POSITIONING = (Test.Purpose.SHORT, Test.Purpose.FULL)
REGION = 2 * OrgNode.steplen  # length of a region's path
SEXES = {"F": "Femmes", "M": "Hommes", "": "Sexe non renseigné"}


@dataclass(frozen=True)
class Wanted:
    """``framework`` whose domains are shown; ``test``: of this one alone; ``floor``: code of the
    level from which people are counted as having it."""

    framework: Framework
    test: Test | None = None
    floor: str = ""


@dataclass
class Group:
    """What is known of the people of a group in a domain."""

    n: int = 0
    levels: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    total: float = 0.0
    squares: float = 0.0
    noise: float = 0.0
    kept_back: bool = False  # what is hidden could be had from the total and the groups beside

    def add(self, n: int, level: str, total: float, squares: float, noise: float) -> None:
        self.n += n
        self.levels[level] += n
        self.total += total
        self.squares += squares
        self.noise += noise

    @property
    def hidden(self) -> bool:
        """Nothing is shown of them but how many they are."""
        return self.kept_back or self.n < MIN_GROUP

    def mean(self) -> tuple[float, float, float]:
        """Mean level (θ) with its 95 % interval: of people drawn from as many as they stand for,
        each measured with an error. An EAP varies less than ability by its own variance."""
        middle = self.total / self.n
        variance = max(self.squares / self.n - middle**2, 0.0) + self.noise / self.n
        half = Z95 * math.sqrt(variance / self.n)
        return middle, middle - half, middle + half

    def share(self, codes: Iterable[str]) -> tuple[float, float, float]:
        """Share of people at one of the levels ``codes`` in per cent, with Wilson's interval."""
        p, n = sum(self.levels.get(code, 0) for code in codes) / self.n, self.n
        middle = (p + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
        half = Z95 * math.sqrt(p * (1 - p) / n + Z95**2 / (4 * n**2)) / (1 + Z95**2 / n)
        return 100 * p, 100 * max(middle - half, 0.0), 100 * min(middle + half, 1.0)


@dataclass(frozen=True)
class Part:
    """A way of cutting: the groups by label, each with its domains."""

    label: str
    rows: Sequence[tuple[str, dict[str, Group]]]


@dataclass(frozen=True)
class Competences:
    """``domains`` and ``levels``: (code, name) in their order; ``reached``: codes of the levels
    at or above the one asked for."""

    domains: Sequence[tuple[str, str]]
    levels: Sequence[tuple[str, str]]
    reached: Sequence[str]
    everyone: dict[str, Group]
    parts: Sequence[Part]
    simulated: bool

    @property
    def people(self) -> int:
        return max((group.n for group in self.everyone.values()), default=0)


def frameworks_measured() -> QuerySet[Framework]:
    """Frameworks that positioning tests measure."""
    banks = Test.objects.filter(purpose__in=POSITIONING).values("bank__framework")
    return Framework.objects.filter(pk__in=banks).order_by("state", "name", "pk")


def tests_measured(framework: Framework) -> QuerySet[Test]:
    rows = Test.objects.filter(purpose__in=POSITIONING, bank__framework=framework)
    return rows.exclude(state=Test.State.DRAFT).order_by("title", "pk")


def latest(reach: Reach, wanted: Wanted) -> QuerySet[Sitting]:
    """The latest finished positioning of each person within the filters.

    Simulated ones only in the demonstration. A person counts once, by agent or else account.
    """
    asked = reach.filters
    rows = Sitting.objects.filter(
        reach.inside("structure__"),
        Q(agent__isnull=False) | Q(account__isnull=False),
        state=Sitting.State.FINISHED,
        test__purpose__in=POSITIONING,
        test__bank__framework=wanted.framework,
    )
    if not settings.KALAN_DEMO:
        rows = rows.filter(simulated=False)
    narrowed: dict[str, Any] = {}
    if wanted.test is not None:
        narrowed["test"] = wanted.test
    if asked.start:
        narrowed["finished_at__date__gte"] = asked.start
    if asked.end:
        narrowed["finished_at__date__lte"] = asked.end
    if asked.cadre:
        narrowed["cadre_id"] = asked.cadre
    if asked.sex:
        narrowed["sex"] = "" if asked.sex == "U" else asked.sex
    ranked = rows.filter(**narrowed).annotate(
        rank=Window(
            RowNumber(),
            partition_by=[Coalesce(F("agent_id"), -F("account_id"))],
            order_by=[F("finished_at").desc(), F("pk").desc()],
        )
    )
    return ranked.filter(rank=1)


def competences(reach: Reach, wanted: Wanted) -> Competences:
    """Every group at once: five queries, whatever the number of people."""
    levels = list(wanted.framework.levels.order_by("rank").values_list("code", "name"))
    domains = list(
        wanted.framework.nodes.filter(kind=FrameworkNode.Kind.DOMAIN)
        .order_by("rank", "pk")
        .values_list("code", "name")
    )
    regions = dict(OrgNode.objects.filter(kind="region").values_list("path", "name"))
    cadres = dict(Cadre.objects.values_list("pk", "title"))
    everyone: dict[str, Group] = defaultdict(Group)
    by: dict[str, dict[Any, dict[str, Group]]] = {
        name: defaultdict(lambda: defaultdict(Group)) for name in ("region", "cadre", "sex")
    }
    simulated = False
    for row in _groups(reach, wanted):
        amount = (row["n"], row["level"], row["total"], row["squares"], row["noise"] or 0.0)
        everyone[row["domain"]].add(*amount)
        for name, found in by.items():
            found[row[name]][row["domain"]].add(*amount)
        simulated = simulated or row["invented"]
    for found in by.values():
        for code in everyone:
            counts = {key: groups[code].n for key, groups in found.items() if code in groups}
            for key in masked(counts, MIN_GROUP):
                found[key][code].kept_back = True
    for code in _told_by_choice(reach, wanted):
        for group in (everyone, *(groups for found in by.values() for groups in found.values())):
            if code in group:
                group[code].kept_back = True
    codes = [code for code, _ in levels]
    asked = wanted.floor if wanted.floor in codes else (codes[1] if len(codes) > 1 else "")
    return Competences(
        domains,
        levels,
        codes[codes.index(asked) :] if asked else codes,
        dict(everyone),
        [
            Part("Région", _named(by["region"], regions, "Sans région")),
            Part("Cadre", _named(by["cadre"], cadres, "Cadre non renseigné")),
            Part(
                "Sexe",
                [
                    (label, dict(by["sex"][code]))
                    for code, label in SEXES.items()
                    if code in by["sex"]
                ],
            ),
        ],
        simulated,
    )


def _told_by_choice(reach: Reach, wanted: Wanted) -> list[str]:
    """Domains in which a choice of cadre and sex, set against the wider ones, tells of few people
    (no query without such a choice)."""
    asked = reach.filters
    if not (asked.cadre or asked.sex):
        return []
    cells: dict[str, dict[tuple[Any, ...], int]] = defaultdict(lambda: defaultdict(int))
    for row in _groups(replace(reach, filters=replace(asked, cadre=None, sex="")), wanted):
        cells[row["domain"]][row["cadre"], row["sex"]] += row["n"]
    sex = None if not asked.sex else "" if asked.sex == "U" else asked.sex
    choice = (asked.cadre or None, sex)
    return [code for code, found in cells.items() if subtractable(found, choice, MIN_GROUP)]


def _groups(reach: Reach, wanted: Wanted) -> Iterable[Any]:
    rows = DomainResult.objects.filter(
        result__current=True,
        theta__isnull=False,
        result__sitting__in=latest(reach, wanted).values("pk"),
    )
    return (
        rows.order_by()
        .values(
            "domain",
            "level",
            region=Substr("result__sitting__structure__path", 1, REGION),
            cadre=F("result__sitting__cadre_id"),
            sex=F("result__sitting__sex"),
            invented=F("result__simulated"),
        )
        .annotate(
            n=Count("pk"),
            total=Sum("theta"),
            squares=Sum(F("theta") * F("theta")),
            noise=Sum(F("sd") * F("sd")),
        )
    )


def _named(
    found: dict[Any, dict[str, Group]], names: dict[Any, str], none: str
) -> list[tuple[str, dict[str, Group]]]:
    """Rows by name, those without one last."""
    rows = [(names.get(key, none), key not in names, dict(groups)) for key, groups in found.items()]
    return [(label, groups) for label, _, groups in sorted(rows, key=lambda row: (row[1], row[0]))]


# --- Gain -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ProgrammeGain:
    """Mean gain over the pairs of a programme's sessions, on the 500 scale; None: too few."""

    programme: str
    sessions: int
    small: int  # sessions with fewer than MIN_PAIRS pairs, left out
    pairs: int
    gain: tuple[int, int, int] | None
    simulated: bool


def gains(reach: Reach) -> list[ProgrammeGain]:
    """Each programme's gain between before and after (one query): sessions weigh by their pairs."""
    rows = SessionGain.objects.filter(session__in=reach.sessions().values("session_id"))
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for programme, body in rows.order_by("session_id").values_list(
        "session__programme__name", "body"
    ):
        if settings.KALAN_DEMO or not body.get("simulated"):
            found[programme or "Hors programme"].append(body)
    return [_programme(name, found[name]) for name in sorted(found)]


def _programme(name: str, bodies: list[dict[str, Any]]) -> ProgrammeGain:
    groups = [body["group"] for body in bodies if body.get("group")]
    pairs = sum(group["n"] for group in groups)
    gain = None
    if pairs >= MIN_PAIRS:
        mean = sum(group["n"] * group["gain"] for group in groups) / pairs
        spread = [group["n"] * (group["high"] - group["low"]) / (2 * Z95) for group in groups]
        half = Z95 * math.sqrt(sum(one**2 for one in spread)) / pairs
        gain = (round(mean), round(mean - half), round(mean + half))
    return ProgrammeGain(
        name,
        len(groups),
        len(bodies) - len(groups),
        pairs,
        gain,
        any(body.get("simulated") for body in bodies),
    )


# --- Records ----------------------------------------------------------------------------------


def sittings(reach: Reach, wanted: Wanted | None) -> QuerySet[Sitting]:
    """The sittings counted, with what a list shows of them."""
    if wanted is None:
        return Sitting.objects.none()
    # Inside a subquery: a page of a ranked list must not change the ranks.
    rows = Sitting.objects.filter(pk__in=latest(reach, wanted).values("pk"))
    return rows.select_related("test", "structure", "cadre").only(
        "finished_at", "simulated", "test__title", "structure__name", "cadre__title"
    )


def sitting_cells(row: Sitting) -> list[Any]:
    """No name and no level: results of persons are shown as a campaign's or session's rule says."""
    return [
        row.finished_at,
        row.test.title,
        row.structure.name if row.structure else "",
        row.cadre.title if row.cadre else "",
        row.simulated,
    ]
