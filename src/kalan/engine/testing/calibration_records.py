"""What a calibration takes and gives, and the limits by which it judges."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.data import Responses
from kalan.engine.testing.items import Item

LEAST = 30  # answers below which an item is left out
GUESSING = 1000  # answers from which a guessing parameter is looked for
ANCHORS = 5  # common items from which a scale is linked
LOW_SLOPE = 0.4  # logistic metric
MISFIT = 0.12
DIF_GROUP = 50  # people of each group, below which nothing is said
BANDS = 10
NODES, LIMIT = 41, 5.0
BLOCK = 20_000  # sittings at a time
GATED = frozenset({"few", "low_slope", "misfit", "dif", "collapsed", "unsure"})
BARRED = frozenset({"collapsed", "unsure"})  # never adopted
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Subject:
    """An item to calibrate. ``expert``: the author's guess; ``adopted``: its parameters of today,
    None when there are none. ``uid`` of the version."""

    expert: Item
    adopted: Item | None = None

    @property
    def uid(self) -> str:
        return self.expert.uid

    @property
    def code(self) -> str:
        return self.expert.code


@dataclass(frozen=True, eq=False)
class Answers:
    """(A) each: ``sitting`` from 0, ``item`` row of the subjects, ``category``; ``focal`` (S) 1,
    0 or −1 (unknown) by sitting."""

    sitting: NDArray[np.int64]
    item: NDArray[np.int64]
    category: NDArray[np.int64]
    focal: NDArray[np.int8]


@dataclass(frozen=True)
class Line:
    """What was found for an item. ``mapping``: category asked → category counted, when some were
    never seen; ``dif``: {"class", "delta", "p"}."""

    item: Item
    model: str
    flags: tuple[str, ...]
    rmsd: float | None = None
    dif: Mapping[str, float | str] = field(default_factory=dict)
    mapping: Mapping[int, int] = field(default_factory=dict)
    steps: tuple[float | None, ...] = ()  # standard errors of b, in its order

    @property
    def adoptable(self) -> bool:
        return not BARRED & set(self.flags)

    @property
    def past_gate(self) -> bool:
        return not GATED & set(self.flags)


@dataclass(frozen=True)
class LeftOut:
    code: str
    answers: int
    reason: str


@dataclass(frozen=True)
class Scale:
    """θ of the scale = ``slope``·θ of the run + ``origin``. ``by``: "anchors", "expert"."""

    by: str
    slope: float
    origin: float
    anchors: tuple[str, ...] = ()
    drifted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Study:
    lines: tuple[Line, ...]
    left_out: tuple[LeftOut, ...]
    scale: Scale
    warnings: tuple[str, ...]
    sittings: int
    answers: int


@dataclass(frozen=True)
class Prepared:
    responses: Responses
    subjects: tuple[Subject, ...]
    mapping: tuple[Mapping[int, int], ...]
    focal: NDArray[np.int8]


def known(value: float) -> float | None:
    """A number, or None for what could not be had (NaN, infinity)."""
    return float(value) if math.isfinite(value) else None
