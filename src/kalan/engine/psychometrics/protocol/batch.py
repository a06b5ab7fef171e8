"""Many sittings in step, for simulation and for the cross-check with the JavaScript twin.

Simulated persons answer by whole numbers too: their true row is drawn from the prior, and an
answer from the 16-bit cumulative probabilities at that row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.protocol.package import EXP_ENTRIES, EXP_STEP, Package

Unsigned = NDArray[np.uint32]
Wide = NDArray[np.int64]
HEAD = 28  # items of a row that are looked at first


@dataclass(frozen=True, eq=False)
class Batch:
    """``path`` (N, longest) items, −1 after the end; ``answers`` the same shape; ``true`` (N) row,
    ``estimate`` and ``sd`` (N) in thousandths of a grid step."""

    path: NDArray[np.int32]
    answers: NDArray[np.int32]
    true: NDArray[np.int32]
    estimate: NDArray[np.int32]
    sd: NDArray[np.int32]

    def bytes(self) -> bytes:
        """Little-endian 32-bit records: true, estimate, sd, path, answers."""
        head = np.column_stack([self.true, self.estimate, self.sd])
        return np.hstack([head, self.path, self.answers]).astype("<i4").tobytes()


def _draw(state: Unsigned) -> Unsigned:
    """xorshift32 of every sitting, in place."""
    state ^= state << np.uint32(13)
    state ^= state >> np.uint32(17)
    state ^= state << np.uint32(5)
    return state


def _weights(package: Package, sums: Wide) -> Wide:
    away = (sums.max(axis=1, keepdims=True) - sums) // EXP_STEP
    table = np.append(package.exp, 0).astype(np.int64)
    return np.asarray(table[np.minimum(away, EXP_ENTRIES)], np.int64)


def _estimates(package: Package, sums: Wide) -> tuple[Wide, Wide, Wide]:
    """Estimate, sd and nearest row of each sitting; the same operations as ``Sitting``."""
    weight, k = _weights(package, sums), np.arange(package.points)
    total = weight.sum(axis=1).astype(np.float64)
    first = (1000 * (weight @ k)).astype(np.float64)
    estimate = np.floor(first / total).astype(np.int64)
    centre = (estimate + 500) // 1000
    second = ((k - centre[:, None]) ** 2 * weight).sum(axis=1).astype(np.float64) / total
    shift = estimate / 1000 - centre
    sd = np.floor(1000 * np.sqrt(np.maximum(second - shift * shift, 0.0))).astype(np.int64)
    return estimate, sd, centre


def simulate(
    package: Package,
    sittings: int,
    *,
    seed: int = 1,
    first: int = 0,
    seeds: Unsigned | None = None,
) -> Batch:
    """Sittings number ``first`` to ``first + sittings − 1`` of a run: number s has seed
    ``seed + s``, whatever the size of the batches.

    ``seeds``: one a sitting instead. The first draws of seeds that follow each other are alike;
    rates of eligible items need seeds as scattered as those of real sittings (``scattered``).
    """
    state = _states(sittings, seed, first) if seeds is None else np.maximum(seeds, np.uint32(1))
    eligible, skip = _openings(package, state)
    people = np.maximum(state ^ np.uint32(0x9E3779B9), np.uint32(1))
    true = _true_rows(package, people)
    steps = cumulative(package)
    run = _Run(package, sittings, eligible, skip)
    run.play(lambda asked: _answers(package, people, asked, true, steps))
    return run.batch(true)


def play(
    package: Package,
    sittings: int,
    answer: Callable[[NDArray[np.int32]], Wide],
    *,
    seed: int = 1,
) -> Batch:
    """Sittings of scattered seeds, answered by others than the package itself: ``answer`` turns the
    items asked of everyone (−1: none) into categories. ``true`` of what comes back is 0."""
    eligible, skip = _openings(package, scattered(sittings, seed))
    run = _Run(package, sittings, eligible, skip)
    run.play(answer)
    return run.batch(np.zeros(sittings, np.int64))


def scattered(sittings: int, seed: int) -> Unsigned:
    """Seeds over the whole range, as hashed names of sittings are."""
    return np.random.default_rng(seed).integers(1, 1 << 32, sittings, dtype=np.uint32)


def _states(sittings: int, seed: int, first: int) -> Unsigned:
    number = np.arange(first, first + sittings, dtype=np.uint32)
    return np.asarray(np.maximum(np.uint32(seed) + number, np.uint32(1)), np.uint32)


def _openings(package: Package, state: Unsigned) -> tuple[NDArray[np.bool_], Wide]:
    """What each sitting draws before its first item; ``state`` moves on."""
    eligible = np.empty((state.size, len(package.items)), bool)
    for item in range(eligible.shape[1]):
        eligible[:, item] = (_draw(state) >> np.uint32(16)) < package.eligible[item]
    skip = np.zeros(state.size, np.int64)
    if package.first > 1:
        skip = (_draw(state) % np.uint32(package.first)).astype(np.int64)
    return eligible, skip


def cumulative(package: Package) -> Wide:
    """(n, K, Q) 16-bit cumulative probabilities from the log table, by the exp table itself."""
    away = np.minimum(-package.log_p.astype(np.int64) // EXP_STEP, EXP_ENTRIES)
    p = np.append(package.exp, 0).astype(np.int64)[away]
    total = p.sum(axis=1, keepdims=True)
    return np.asarray(np.cumsum(p, axis=1) * 65536 // total, np.int64)


def _true_rows(package: Package, people: Unsigned) -> Wide:
    weight = _weights(package, package.prior.astype(np.int64)[None, :])[0]
    step = np.cumsum(weight) * 65536 // weight.sum()
    draw = (_draw(people) >> np.uint32(16)).astype(np.int64)
    return np.asarray(np.searchsorted(step, draw, side="right"), np.int64)


def _answers(
    package: Package, people: Unsigned, item: NDArray[np.int32], true: Wide, steps: Wide
) -> Wide:
    draw = (_draw(people) >> np.uint32(16)).astype(np.int64)
    found = (draw[:, None] >= steps[np.maximum(item, 0), :, true]).sum(axis=1)
    return np.asarray(np.minimum(found, package.top[np.maximum(item, 0)]), np.int64)


class _Run:
    """The state of all sittings of a batch."""

    def __init__(
        self, package: Package, sittings: int, eligible: NDArray[np.bool_], skip: Wide
    ) -> None:
        self.package, self.eligible, self.skip = package, eligible, skip
        self.path = np.full((sittings, package.longest), -1, np.int32)
        self.answers = np.full((sittings, package.longest), -1, np.int32)
        self.sums = np.tile(package.prior.astype(np.int64), (sittings, 1))
        self.used = np.zeros((sittings, len(package.items)), bool)
        self.count = np.zeros((sittings, package.least.size), np.int64)
        self.estimate, self.sd, self.row = _estimates(package, self.sums)

    def play(self, answer: Callable[[NDArray[np.int32]], Wide]) -> None:
        """All turns, until everyone's test is over."""
        rows = np.arange(self.path.shape[0])
        for turn in range(self.package.longest):
            chosen = self.choose(turn)
            if not chosen.any():
                break
            asked = self.path[:, turn]
            category = answer(asked)
            self.record(rows[chosen], asked[chosen], category[chosen], turn)

    def batch(self, true: Wide) -> Batch:
        small = np.int32
        return Batch(
            self.path,
            self.answers,
            true.astype(small),
            self.estimate.astype(small),
            self.sd.astype(small),
        )

    def choose(self, turn: int) -> NDArray[np.bool_]:
        """Fill ``path[:, turn]``; returns who still sits."""
        p = self.package
        enough = (turn >= p.shortest) & (self.count >= p.least).all(axis=1)
        sits = ~(enough & (self.sd > 0) & (self.sd <= p.sd_target))
        if turn:
            sits &= self.path[:, turn - 1] >= 0
        needs = np.maximum(p.least - self.count, 0)
        left = p.longest - turn - 1
        areas = (self.count < p.most) & (left >= needs.sum(axis=1, keepdims=True) - (needs > 0))
        wanted = self.skip + 1 if turn == 0 else np.ones_like(self.skip)
        item, rank = self._pick(np.arange(wanted.size), areas, wanted, HEAD)
        short = np.flatnonzero(sits & (rank < wanted))
        if short.size and p.order.shape[1] > HEAD:
            item[short], _ = self._pick(short, areas[short], wanted[short], p.order.shape[1])
        for lost in np.flatnonzero(sits & (item < 0)):
            item[lost] = self._lowest(lost, areas[lost])
        self.path[:, turn] = np.where(sits, item, -1)
        return np.asarray(self.path[:, turn] >= 0, bool)

    def _pick(
        self, who: Wide, areas: NDArray[np.bool_], wanted: Wide, width: int
    ) -> tuple[NDArray[np.int32], Wide]:
        """The item number ``wanted`` (or the last) that is free among the first ``width`` of the
        row, −1 for none; and how many are free there."""
        p = self.package
        row = p.order[self.row[who], :width]
        free = ~self.used[who[:, None], row] & self.eligible[who[:, None], row]
        free &= areas[np.arange(who.size)[:, None], p.area[row]]
        rank = np.cumsum(free, axis=1)
        place = np.argmax(free & (rank == np.minimum(wanted, rank[:, -1])[:, None]), axis=1)
        found = row[np.arange(who.size), place]
        return np.where(rank[:, -1] > 0, found, -1).astype(np.int32), np.asarray(rank[:, -1])

    def _lowest(self, sitting: np.intp, areas: NDArray[np.bool_]) -> int:
        free = np.flatnonzero(~self.used[sitting] & areas[self.package.area])
        fine = free[self.eligible[sitting, free]]
        return int(fine[0] if fine.size else free[0] if free.size else -1)

    def record(
        self, who: NDArray[np.intp], item: NDArray[np.int32], category: Wide, turn: int
    ) -> None:
        self.answers[who, turn] = category
        self.used[who, item] = True
        self.count[who, self.package.area[item]] += 1
        self.sums[who] += self.package.log_p[item, category]
        found = _estimates(self.package, self.sums[who])
        self.estimate[who], self.sd[who], self.row[who] = found
