"""A test frozen: everything that a sitting is computed from, as one text with a SHA-256.

A sitting is a frozen test, a seed and a log (``walk``). Items, their parameters, the rules and the
integer tables of the protocol (``psychometrics.protocol``) are inside, so the path and the score of
a sitting come out the same on any machine, years later. The text is about 0.7 MB for a bank of 200
items: store it once by version, read it through ``cached``.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any, Literal, Self

import numpy as np

from kalan.engine.psychometrics.data import Bank, Floats
from kalan.engine.psychometrics.domains import POINTS
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.models import log_probabilities
from kalan.engine.psychometrics.protocol.package import Package
from kalan.engine.testing.items import Item, bank_of
from kalan.engine.testing.levels import Level

FORMAT = "kalan-test-1"
Mode = Literal["adaptive", "fixed"]


@dataclass(frozen=True)
class Domain:
    """A domain's ``code`` and its ``name`` for people."""

    code: str
    name: str


@dataclass(frozen=True)
class Rules:
    """``purpose`` of the plan; ``feedback`` after each answer; ``minutes`` allowed; ``shortest``,
    ``longest`` questions in all; ``cap`` on exposure; ``sd_target`` asked of each stage."""

    purpose: str
    feedback: bool
    minutes: int | None
    shortest: int
    longest: int
    cap: float | None = None
    sd_target: float | None = None


@dataclass(frozen=True)
class SumRow:
    """One line of a fixed form's table: the sum of points, its θ and SD, and the sum of the first
    form that is worth as much (None beyond what guessing lets compare)."""

    sum: int
    theta: float
    sd: float
    equivalent: float | None


@dataclass(frozen=True, eq=False)
class Stage:
    """``items``: numbers in the frozen test, in the order of the package (adaptive) or all that
    the forms and the reserve hold (fixed). ``forms``: each form in the order of its questions;
    ``tables``: their equating tables."""

    code: str
    title: str
    mode: Mode
    items: tuple[int, ...]
    package: Package | None = None
    forms: tuple[tuple[int, ...], ...] = ()
    tables: tuple[tuple[SumRow, ...], ...] = ()

    @property
    def longest(self) -> int:
        return self.package.longest if self.package else max(map(len, self.forms))

    @cached_property
    def place(self) -> dict[int, int]:
        """Number in the frozen test → number in the stage."""
        return {item: number for number, item in enumerate(self.items)}


@dataclass(frozen=True, eq=False)
class Frozen:
    """``mean`` (D) and ``covariance`` (D, D): the population's, the prior of joint scoring."""

    items: tuple[Item, ...]
    stages: tuple[Stage, ...]
    domains: tuple[Domain, ...]
    levels: tuple[Level, ...]
    mean: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    rules: Rules

    def to_json(self) -> str:
        """One line; the same object gives the same text."""
        return self._text

    @property
    def version(self) -> str:
        """SHA-256 of the text: a sitting names it."""
        return self._version

    @cached_property
    def _text(self) -> str:
        body = {
            "format": FORMAT,
            "rules": vars(self.rules),
            "domains": [vars(domain) for domain in self.domains],
            "levels": [_level_out(level) for level in self.levels],
            "population": {"mean": self.mean, "covariance": self.covariance},
            "items": [item.to_dict() for item in self.items],
            "exp": self._exp(),
            "stages": [_stage_out(stage) for stage in self.stages],
        }
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    def _exp(self) -> str | None:
        """The exponential table, the same in every package: written once."""
        made = [stage.package for stage in self.stages if stage.package]
        return json.loads(made[0].to_json())["exp"] if made else None

    @cached_property
    def _version(self) -> str:
        return hashlib.sha256(self._text.encode()).hexdigest()

    @classmethod
    def from_json(cls, text: str) -> Self:
        body = json.loads(text)
        if body.get("format") != FORMAT:
            raise DataError(f"Test figé : format « {FORMAT} » attendu. Publiez le test de nouveau.")
        population = body["population"]
        return cls(
            items=tuple(Item.from_dict(item) for item in body["items"]),
            stages=tuple(_stage_in(stage, body["exp"]) for stage in body["stages"]),
            domains=tuple(Domain(**domain) for domain in body["domains"]),
            levels=tuple(_level_in(level) for level in body["levels"]),
            mean=tuple(population["mean"]),
            covariance=tuple(tuple(row) for row in population["covariance"]),
            rules=Rules(**body["rules"]),
        )

    @cached_property
    def bank(self) -> Bank:
        """The engine's bank, with the error of the parameters carried in the slopes."""
        return bank_of(self.items)

    @cached_property
    def log_p(self) -> Floats:
        """(n, K, Q) ln P at the points of joint scoring."""
        return log_probabilities(self.bank, POINTS)

    @cached_property
    def prior(self) -> tuple[Floats, Floats]:
        """(mean, covariance) as arrays."""
        return np.array(self.mean), np.array(self.covariance)

    @cached_property
    def number(self) -> dict[str, int]:
        """uid of an item version → its number."""
        return {item.uid: number for number, item in enumerate(self.items)}

    @cached_property
    def domain_of(self) -> tuple[int, ...]:
        """Number of the domain of each item."""
        place = {domain.code: number for number, domain in enumerate(self.domains)}
        return tuple(place[item.domain] for item in self.items)


def _level_out(level: Level) -> dict[str, Any]:
    floor = level.floor if math.isfinite(level.floor) else None
    return vars(level) | {"floor": floor}


def _level_in(data: dict[str, Any]) -> Level:
    floor = -math.inf if data["floor"] is None else data["floor"]
    return Level(data["code"], data["name"], floor, data["meaning"])


def _stage_out(stage: Stage) -> dict[str, Any]:
    body: dict[str, Any] = {"code": stage.code, "title": stage.title, "mode": stage.mode}
    body["items"] = stage.items
    if stage.package:
        package = json.loads(stage.package.to_json())
        del package["exp"]
        return body | {"package": package}
    rows = [[[row.sum, row.theta, row.sd, row.equivalent] for row in form] for form in stage.tables]
    return body | {"forms": stage.forms, "tables": rows}


def _stage_in(data: dict[str, Any], exp: str | None) -> Stage:
    package = None
    if "package" in data:
        package = Package.from_json(json.dumps(data["package"] | {"exp": exp}))
    return Stage(
        code=data["code"],
        title=data["title"],
        mode=data["mode"],
        items=tuple(data["items"]),
        package=package,
        forms=tuple(tuple(form) for form in data.get("forms", ())),
        tables=tuple(tuple(SumRow(*row) for row in form) for form in data.get("tables", ())),
    )


KEPT = 8  # frozen tests that a process keeps ready, each of a few MB
_kept: OrderedDict[str, Frozen] = OrderedDict()
_lock = Lock()


def cached(version: str, read: Callable[[], str]) -> Frozen:
    """The frozen test of a version; ``read`` fetches its text only when this process lacks it."""
    with _lock:
        found = _kept.get(version)
        if found is not None:
            _kept.move_to_end(version)
            return found
    text = read()
    if hashlib.sha256(text.encode()).hexdigest() != version:
        raise DataError(
            "Test figé : le texte enregistré n’est plus celui de sa version. Restaurez-le."
        )
    found = Frozen.from_json(text)
    with _lock:
        _kept[version] = found
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return found
