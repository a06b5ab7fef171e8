"""What a test must be, read from JSON (``freeze`` makes a test of it).

| purpose | stages | by default |
| --- | --- | --- |
| positioning_short | one, adaptive | 4 questions a domain, exposure ≤ 0.30 |
| positioning_full | one a domain, adaptive | 6 to 12 each, SD ≤ 0.40, exposure ≤ 0.40 |
| certification | one, adaptive | 6 questions a domain, exposure ≤ 0.20, no feedback, 60 min |
| fixed | one, parallel forms | 2 forms, 4 questions a domain in each |
| practice | one, adaptive | 10 questions, no quota, exposure ≤ 0.30 |

Domains are scored jointly under a population N(mean, covariance) that the plan declares:
correlation 0.6 between domains unless it says otherwise, an assumption until
``domains.estimate_population`` has answers to estimate it from.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np

from kalan.engine.psychometrics.blueprint import Node, Quota, blueprint_object
from kalan.engine.psychometrics.data import Floats
from kalan.engine.psychometrics.domains import check_covariance
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.testing.frozen import Domain
from kalan.engine.testing.levels import LEVELS, Level

Purpose = Literal["positioning_short", "positioning_full", "certification", "fixed", "practice"]
PURPOSES: tuple[Purpose, ...] = (
    "positioning_short",
    "positioning_full",
    "certification",
    "fixed",
    "practice",
)
KEYS = [
    "purpose", "domains", "length", "r_max", "sd_target", "minutes", "feedback", "forms",
    "population", "levels", "seed",
]  # fmt: skip
CORRELATION = 0.6


@dataclass(frozen=True)
class _Default:
    """What a purpose asks for when the plan says nothing; ``each`` per domain, (0, 0): free."""

    each: tuple[int, int]
    cap: float | None
    sd_target: float | None
    minutes: int | None
    feedback: bool


DEFAULTS: dict[str, _Default] = {
    "positioning_short": _Default((4, 4), 0.30, None, None, True),
    "positioning_full": _Default((6, 12), 0.40, 0.40, None, True),
    "certification": _Default((6, 6), 0.20, None, 60, False),
    "fixed": _Default((4, 4), None, None, None, False),
    "practice": _Default((0, 0), 0.30, None, None, True),
}
PRACTICE_LENGTH = 10


@dataclass(frozen=True)
class TestPlan:
    """``quotas`` by domain code (full form: length of its stage); ``shortest``, ``longest``
    questions in all; the rest as in JSON (``plan_from``)."""

    __test__ = False  # pytest would take the name for a test class

    purpose: Purpose
    domains: tuple[Domain, ...]
    quotas: Mapping[str, Quota]
    shortest: int
    longest: int
    cap: float | None
    sd_target: float | None
    minutes: int | None
    feedback: bool
    forms: int
    mean: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    levels: tuple[Level, ...]
    seed: int


def preset(purpose: Purpose, domains: Mapping[str, str]) -> dict[str, Any]:
    """The JSON of a purpose's default plan for these domains (code → name), to edit or to read."""
    default = DEFAULTS[purpose]
    low, high = default.each
    quota: dict[str, Any] = {"min": low, "max": high} if high else {}
    body: dict[str, Any] = {
        "purpose": purpose,
        "domains": {code: {"name": name} | quota for code, name in domains.items()},
        "feedback": default.feedback,
        "population": {"correlation": CORRELATION},
        "seed": 1,
    }
    if default.cap is not None:
        body["r_max"] = default.cap
    if default.sd_target is not None:
        body["sd_target"] = default.sd_target
    if default.minutes is not None:
        body["minutes"] = default.minutes
    if purpose == "practice":
        body["length"] = PRACTICE_LENGTH
    if purpose == "fixed":
        body["forms"] = 2
    return body


def plan_of(text: str) -> TestPlan:
    """A plan from JSON text; what is wrong is named by its key or its place."""
    return plan_from(blueprint_object(text))


def plan_from(data: object) -> TestPlan:
    """A plan from decoded JSON.

    ``{"purpose": …, "domains": {CODE: {"name", "min", "max"}}, "length": 20 | {"min", "max"},
    "r_max": 0.25, "sd_target": 0.4, "minutes": 60, "feedback": true, "forms": 2,
    "population": {"correlation": 0.6} | {"mean": {CODE: 0}, "covariance": [[…]]},
    "levels": [{"code", "name", "floor", "meaning"}], "seed": 1}``; ``purpose`` and ``domains`` are
    required. ``length``: by default the sum of the quotas.
    """
    node = Node("plan", data)
    node.only(KEYS)
    for key in ("purpose", "domains"):
        if key not in node.data:
            raise DataError(f"Plan, « {key} » : absent.")
    purpose = cast(Purpose, node.choice("purpose", "", PURPOSES))
    default = DEFAULTS[purpose]
    domains, quotas = _domains(node.child("domains"), default)
    shortest, longest = _length(node, purpose, quotas)
    mean, covariance = _population(node.child("population"), domains)
    minutes = node.whole("minutes", default.minutes or 0, 1)
    return TestPlan(
        purpose=purpose,
        domains=domains,
        quotas=quotas,
        shortest=shortest,
        longest=longest,
        cap=node.real("r_max", default.cap, 0.0, 1.0),
        sd_target=node.real("sd_target", default.sd_target, 0.0, 2.0),
        minutes=minutes or None,
        feedback=_yes(node, "feedback", default.feedback),
        forms=node.whole("forms", 2, 1),
        mean=tuple(mean.tolist()),
        covariance=tuple(tuple(row) for row in covariance.tolist()),
        levels=_levels(node),
        seed=node.whole("seed", 1, 0),
    )


def _yes(node: Node, key: str, default: bool) -> bool:
    value = node.data.get(key, default)
    if not isinstance(value, bool):
        raise DataError(f"Plan, « {node.name(key)} » : {value!r} ; true ou false est attendu.")
    return value


def _domains(node: Node, default: _Default) -> tuple[tuple[Domain, ...], dict[str, Quota]]:
    if not node.data:
        raise DataError("Plan, « domains » : au moins un domaine est attendu.")
    domains, quotas = [], {}
    for code in node.data:
        of = node.child(code)
        of.only(["name", "min", "max"])
        name = of.data.get("name", code)
        if not isinstance(name, str) or not name.strip():
            raise DataError(f"Plan, « {of.path}.name » : un nom est attendu.")
        domains.append(Domain(code, name))
        if not default.each[1] and "max" not in of.data and "min" not in of.data:
            continue  # free
        low = of.whole("min", default.each[0], 0)
        high = of.whole("max", max(default.each[1], low), 1)
        if high < low:
            raise DataError(f"Plan, « {of.path} » : « max » vaut au moins « min » ({low}).")
        quotas[code] = Quota(low, high)
    return tuple(domains), quotas


def _length(node: Node, purpose: str, quotas: Mapping[str, Quota]) -> tuple[int, int]:
    least = sum(quota.minimum for quota in quotas.values())
    most = sum(quota.maximum for quota in quotas.values())
    if "length" not in node.data:
        if purpose == "practice" and not quotas:
            return PRACTICE_LENGTH, PRACTICE_LENGTH
        return max(least, 1), most
    if isinstance(node.data["length"], Mapping):
        of = node.child("length")
        of.only(["min", "max"])
        low, high = of.whole("min", max(least, 1), 1), of.whole("max", max(most, 1), 1)
    else:
        low = high = node.whole("length", 1, 1)
    if high < low:
        raise DataError("Plan, « length » : « max » vaut au moins « min ».")
    if high < least:
        raise DataError(
            f"Plan, « length » : {high} questions au plus, mais les minimums des domaines en font "
            f"{least}. Allongez le test ou baissez des minimums."
        )
    if quotas and most < high and purpose != "practice":
        raise DataError(
            f"Plan, « length » : {high} questions, mais les maximums des domaines n’en permettent "
            f"que {most}. Raccourcissez le test ou relevez des maximums."
        )
    return max(low, least), high


def _population(node: Node, domains: tuple[Domain, ...]) -> tuple[Floats, Floats]:
    node.only(["correlation", "mean", "covariance"])
    size = len(domains)
    if "covariance" in node.data:
        try:
            matrix = np.array(node.data["covariance"], np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(
                "Plan, « population.covariance » : un tableau de nombres est attendu."
            ) from error
        try:
            covariance = check_covariance(matrix, size)
        except DataError as error:
            raise DataError(f"Plan, « population.covariance » : {error}") from error
    else:
        r = node.real("correlation", CORRELATION, 0.0, 0.99, open_ends=False)
        covariance = np.full((size, size), r) + (1 - cast(float, r)) * np.eye(size)
    of = node.child("mean")
    of.only([domain.code for domain in domains])
    values = [of.real(domain.code, 0.0, -4.0, 4.0, open_ends=False) for domain in domains]
    return np.array(values, np.float64), covariance


def _levels(node: Node) -> tuple[Level, ...]:
    given = node.data.get("levels")
    if given is None:
        return LEVELS
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) < 2:
        raise DataError("Plan, « levels » : une liste d’au moins deux niveaux est attendue.")
    found: list[Level] = []
    for number, one in enumerate(given):
        of = Node(f"levels.{number}", one)
        of.only(["code", "name", "floor", "meaning"])
        texts = [of.data.get(key, "") for key in ("code", "name", "meaning")]
        if not all(isinstance(text, str) for text in texts) or not texts[0] or not texts[1]:
            raise DataError(f"Plan, « levels.{number} » : « code » et « name » sont attendus.")
        floor = of.real("floor", None, -6.0, 6.0, open_ends=False)
        if (floor is None) != (number == 0):
            raise DataError(
                f"Plan, « levels.{number}.floor » : un nombre pour chaque niveau, sauf le premier."
            )
        place = -math.inf if floor is None else floor
        if found and place <= found[-1].floor:
            raise DataError(f"Plan, « levels.{number}.floor » : les seuils doivent monter.")
        found.append(Level(texts[0], texts[1], place, texts[2]))
    return tuple(found)


# Freezing


def plan_text(plan: Mapping[str, Any]) -> str:
    """A plan's JSON for people to edit."""
    return json.dumps(plan, ensure_ascii=False, indent=2)
