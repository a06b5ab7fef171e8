"""One sitting by the integer protocol, and its replay from a log of answers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from kalan.engine.psychometrics.protocol.package import EXP_ENTRIES, EXP_STEP, Package

MASK = 0xFFFFFFFF


def seed_of(text: str) -> int:
    """32-bit FNV-1a hash of "sitting id + bank version"; never 0, where the generator stays."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & MASK
    return value or 1


class Generator:
    """xorshift32 (Marsaglia 2003): unsigned shifts and exclusive or only."""

    def __init__(self, seed: int) -> None:
        self.state = seed & MASK or 1

    def next(self) -> int:
        """A number of 0 … 2³² − 1."""
        x = self.state
        x ^= (x << 13) & MASK
        x ^= x >> 17
        x ^= (x << 5) & MASK
        self.state = x
        return x


@lru_cache(maxsize=512)
def _opening(package: Package, seed: int) -> tuple[list[bool], int]:
    """Which items this person may get, and how many the first pick passes over."""
    random = Generator(seed)
    chances = package.eligible.tolist()
    eligible = [random.next() >> 16 < chance for chance in chances]
    return eligible, random.next() % package.first if package.first > 1 else 0


class Sitting:
    """State of one test: ``next_item()`` and ``answer(item, category)`` in turn."""

    def __init__(self, package: Package, seed: int) -> None:
        self.package = package
        self.eligible, self.skip = _opening(package, seed)
        self.sums = package.prior.astype(np.int64)
        self.given: list[tuple[int, int]] = []
        self.used = bytearray(len(package.items))
        self.count = [0] * package.least.size
        self._estimate()

    def _estimate(self) -> None:
        away = (self.sums.max() - self.sums) // EXP_STEP
        table = self.package.exp
        weight = np.where(away < EXP_ENTRIES, table[np.minimum(away, EXP_ENTRIES - 1)], 0)
        weight = weight.astype(np.int64)
        k = np.arange(weight.size)
        total = int(weight.sum())
        # Float division on purpose: IEEE rounds it alike everywhere.
        self.estimate = math.floor(float(1000 * int((k * weight).sum())) / float(total))
        centre = (self.estimate + 500) // 1000
        second = float(int(((k - centre) ** 2 * weight).sum())) / float(total)
        shift = self.estimate / 1000 - centre
        self.sd = math.floor(1000 * math.sqrt(max(second - shift * shift, 0.0)))
        self.row = centre

    @property
    def theta(self) -> float:
        return self.package.theta(self.estimate)

    @property
    def finished(self) -> bool:
        p, asked = self.package, len(self.given)
        enough = asked >= p.shortest and all(
            count >= least for count, (least, _) in zip(self.count, p.bounds, strict=True)
        )
        return asked >= p.longest or (enough and 0 < self.sd <= p.sd_target)

    def _open_areas(self) -> list[bool]:
        """Areas from which an item still leaves room for the least of the others."""
        p = self.package
        needs = [
            max(least - count, 0) for (least, _), count in zip(p.bounds, self.count, strict=True)
        ]
        left = p.longest - len(self.given) - 1
        total = sum(needs)
        return [
            count < most and left >= total - (need > 0)
            for count, (_, most), need in zip(self.count, p.bounds, needs, strict=True)
        ]

    def next_item(self) -> int | None:
        """Number of the next item, or None when the test is over.

        The first of the row nearest to the estimate that is unused, eligible and inside the
        quotas; when the row has none, the lowest number, first eligible, then any.
        """
        if self.finished:
            return None
        p, areas = self.package, self._open_areas()
        passed = self.skip if not self.given else 0
        last: int | None = None
        area = p.areas
        for item in p.row(self.row):
            if not self.used[item] and self.eligible[item] and areas[area[item]]:
                last = item
                if passed == 0:
                    return item
                passed -= 1
        if last is not None:
            return last
        free = [n for n in range(len(p.items)) if not self.used[n] and areas[area[n]]]
        return next((n for n in free if self.eligible[n]), free[0] if free else None)

    def answer(self, item: int, category: int) -> None:
        """Add an answer; an item already answered or a category it has not is an error."""
        if self.used[item] or not 0 <= category <= self.package.tops[item]:
            raise ValueError("item answered before, or no such category")
        self.used[item] = 1
        self.count[self.package.areas[item]] += 1
        self.given.append((item, category))
        self.sums += self.package.log_p[item, category]
        self._estimate()


@dataclass(frozen=True)
class Replay:
    """``identical``: the log's path is the one the protocol gives. ``differs``: at answer number
    ``place`` (from 0) it is not: tampering, or a defect. ``unknown``: made with another package."""

    outcome: Literal["identical", "differs", "unknown"]
    place: int | None = None
    estimate: int | None = None
    sd: int | None = None


def replay(
    package: Package, seed: int, log: Iterable[tuple[int, int]], version: str | None = None
) -> Replay:
    """Run a log of (item, category) again; the estimate returned is the server's own."""
    if version is not None and version != package.version:
        return Replay("unknown")
    sitting = Sitting(package, seed)
    for place, (item, category) in enumerate(log):
        if sitting.next_item() != item or not 0 <= category <= package.top[item]:
            return Replay("differs", place)
        sitting.answer(item, category)
    return Replay("identical", None, sitting.estimate, sitting.sd)
