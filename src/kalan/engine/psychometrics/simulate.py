"""Simulated tests, all persons in step, by the same rules as ``select.Picker``.

Persons go in blocks: inside a block every step is a handful of array operations; the exposure
ledger is read between blocks and inside each step, so that a cap holds as it does when persons come
one after another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.data import Bank, Floats, Ints
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.exposure import Eligibility, Ledger
from kalan.engine.psychometrics.models import log_probabilities
from kalan.engine.psychometrics.select import Plan
from kalan.engine.psychometrics.stop import REASONS, State

BLOCK = 512  # persons in step: their posteriors and marks stay in the cache
CHUNK = 48  # items of a sorted list that are looked at first


@dataclass(frozen=True, eq=False)
class Sittings:
    """Of P persons and at most L items: ``item``, ``category`` (P, L; −1 after the end), ``theta``,
    ``se``, ``above`` (P; P(θ ≥ cut)), ``length`` (P), ``reason`` (P) into ``stop.REASONS``."""

    truth: Floats
    item: NDArray[np.int32]
    category: NDArray[np.int16]
    theta: Floats
    se: Floats
    above: Floats
    length: Ints
    reason: Ints
    relaxed: int

    def exposure(self, n_items: int) -> Floats:
        """(n) share of the persons who got each item."""
        given = np.bincount(self.item[self.item >= 0], minlength=n_items)
        return given / max(self.truth.size, 1)


def simulate(
    plan: Plan,
    theta: Floats,
    rng: np.random.Generator,
    *,
    truth: Bank | None = None,
    ledger: Ledger | None = None,
    eligibility: Eligibility | None = None,
    block: int = BLOCK,
) -> Sittings:
    """One sitting for each θ (P). ``truth``: the bank that answers, when the tables hold estimates.

    ``ledger`` holds the exposure cap; without it no cap is applied. ``eligibility`` draws the items
    that are open to each person. Both are brought up to date.
    """
    parts = []
    for first in range(0, theta.size, block):
        part = theta[first : first + block]
        run = _Block(plan, part, rng, truth or plan.tables.bank, ledger)
        if eligibility is not None:
            run.blocked = eligibility.draw(part.size, rng)
        parts.append(run.run())
        if eligibility is not None:
            eligibility.book(run.item[run.item >= 0])

    def joined(name: str) -> Any:
        return np.concatenate([getattr(part, name) for part in parts])

    return Sittings(
        truth=theta,
        item=joined("item"),
        category=joined("category"),
        theta=joined("theta"),
        se=joined("se"),
        above=joined("above"),
        length=joined("length"),
        reason=joined("reason"),
        relaxed=sum(part.relaxed for part in parts),
    )


class _Block:
    """Persons in step. Arrays have a row a person; ``active`` are those whose test goes on."""

    def __init__(
        self,
        plan: Plan,
        truth: Floats,
        rng: np.random.Generator,
        bank: Bank,
        ledger: Ledger | None,
    ) -> None:
        self.plan, self.truth, self.bank, self.ledger = plan, truth, bank, ledger
        tables, size, length = plan.tables, truth.size, plan.blueprint.maximum
        self.draw, self.luck = rng.random((2, length, size))
        self.item = np.full((size, length), -1, np.int32)
        self.category = np.full((size, length), -1, np.int16)
        self.theta, self.se, self.above = (np.zeros(size) for _ in range(3))
        self.errors = np.full((size, length), np.inf)
        self.ratio = np.zeros(size)
        self.length = np.full(size, length, np.int64)
        self.reason = np.zeros(size, np.int64)
        self.relaxed = 0
        self.active = np.arange(size)
        self.log_w = np.repeat(tables.log_prior[None], size, axis=0)
        self.blocked = np.zeros((size, tables.n_items), np.bool_)
        self.got = np.zeros((size, len(tables.areas)), np.int64)
        self.rows = tables.log_p.reshape(-1, tables.grid.size)
        self.categories = tables.log_p.shape[1]
        self.order = tables.order.reshape(-1, tables.n_items)
        self.line = np.zeros(size, np.int64)  # of each active person: row of the order now in use
        self.room: Floats | None = None

    def run(self) -> _Block:
        if self.ledger is not None:
            self.room = self.ledger.open_block(self.truth.size)
            self.blocked[:, self.room < 1] = True
        self._moments(self.active)
        for step in range(self.plan.blueprint.maximum):
            if not self.active.size:
                break
            row = self.plan.tables.rows(self.theta[self.active])
            if self.plan.row is not None:
                row[:] = self.plan.row
            pick = self._pick(step, row)
            pick = self._hold(step, pick)
            pick = self._too_little(step, row, pick)
            self._answer(step, pick)
            self._review(step)
        if self.ledger is not None:
            self.ledger.close_block(self.item[self.item >= 0])
        return self

    def _open_areas(self, step: int) -> NDArray[np.bool_] | None:
        """(active, areas), or None when there are no quotas."""
        if not self.plan.quotas:
            return None
        got = self.got[self.active]
        owed = np.maximum(self.plan.least - got, 0)
        left = self.plan.blueprint.maximum - step
        tight = owed.sum(axis=1) >= left
        found: NDArray[np.bool_] = (got < self.plan.most) & ~(tight[:, None] & (owed == 0))
        return found

    def _pick(self, step: int, row: Ints) -> NDArray[np.int64]:
        spread, tables = self.plan.spread[step], self.plan.tables
        draw = self.draw[step, self.active] * tables.variants
        variant = draw.astype(np.int64)
        if tables.ends:
            stage = np.searchsorted(tables.ends, self.se[self.active])
            variant += stage * tables.variants
        self.line = variant * tables.grid.size + row
        skip = (draw % 1.0 * spread).astype(np.int64) if spread > 1 else None
        return self._choose(step, np.arange(self.active.size), skip)

    def _choose(self, step: int, among: Ints, skip: Ints | None) -> NDArray[np.int64]:
        """The best open item of each (numbers into active), or the one after ``skip`` others."""
        tables, n = self.plan.tables, self.plan.tables.n_items
        areas = self._open_areas(step)
        pick = np.full(among.size, -1, np.int64)
        left = None if skip is None else skip.copy()
        waiting, low, width = np.arange(among.size), 0, CHUNK
        flat, line = self.blocked.reshape(-1), self.line[among]
        while waiting.size and low < n:
            items = self.order[line[waiting], low : low + width]
            free = ~flat[(self.active[among[waiting]] * n)[:, None] + items]
            if areas is not None:
                free &= areas[among[waiting][:, None], tables.area[items]]
            if left is None:
                at = free.argmax(axis=1)
                hit = free[np.arange(waiting.size), at]
            else:
                at, hit = _after(free, left, waiting, items, pick)
            pick[waiting[hit]] = items[hit, at[hit]]
            waiting, low, width = waiting[~hit], low + width, width * 4
        lost = np.flatnonzero(pick < 0)
        if lost.size:
            pick[lost] = self._relax(areas, among[lost])
        return pick

    def _relax(self, areas: NDArray[np.bool_] | None, among: Ints) -> NDArray[np.int64]:
        """Every item left is kept back by the cap: take the best inside the quotas all the same."""
        tables, found = self.plan.tables, np.empty(among.size, np.int64)
        self.relaxed += among.size
        for place, who in enumerate(among):
            free = np.ones(tables.n_items, np.bool_)
            given = self.item[self.active[who]]
            free[given[given >= 0]] = False
            if areas is not None:
                free &= areas[who, tables.area]
            order = self.order[self.line[who]]
            inside = order[free[order]]
            if not inside.size:
                raise DataError(
                    "Plus aucune question possible : vérifiez le plan du test contre la banque "
                    "avant de l’employer."
                )
            found[place] = inside[0]
        return found

    def _hold(self, step: int, pick: NDArray[np.int64]) -> NDArray[np.int64]:
        """No item is given beyond its room: who comes too late chooses again."""
        if self.room is None:
            return pick
        for _ in range(64):
            late = _beyond_room(pick, self.room)
            if not late.size:
                break
            full = np.unique(pick[late])
            self.blocked[np.ix_(self.active[late], full)] = True
            relaxed = self.relaxed
            pick[late] = self._choose(step, late, None)
            if self.relaxed > relaxed:
                break
        self.room -= np.bincount(pick, minlength=self.room.size)
        self.blocked[:, self.room < 1] = True
        return pick

    def _too_little(self, step: int, row: Ints, pick: NDArray[np.int64]) -> NDArray[np.int64]:
        """Ends the tests whose best item informs less than the floor."""
        floor = self.plan.stops.information
        if floor is None:
            return pick
        may = self._may_stop(step)
        ends = may & (self.plan.tables.info[row, pick] < floor)
        if ends.any():
            self._end(self.active[ends], step, "information")
            if self.room is not None:
                self.room += np.bincount(pick[ends], minlength=self.room.size)
            self.active, pick = self.active[~ends], pick[~ends]
        return pick

    def _may_stop(self, step: int) -> NDArray[np.bool_]:
        """After ``step`` answers: minimum length and quotas' minima are met."""
        met = np.full(self.active.size, step >= self.plan.blueprint.minimum)
        if self.plan.quotas:
            met &= (self.got[self.active] >= self.plan.least).all(axis=1)
        return met

    def _end(self, who: Ints, length: int, reason: str) -> None:
        self.length[who] = length
        self.reason[who] = REASONS.index(reason)

    def _answer(self, step: int, pick: NDArray[np.int64]) -> None:
        who = self.active
        log_p = log_probabilities(self.bank.at(pick), self.truth[who, None])[..., 0]
        below = np.exp(log_p).cumsum(axis=1)[:, :-1]
        category = (self.luck[step, who, None] > below).sum(axis=1)
        category = np.minimum(category, self.bank.top[pick])
        self.item[who, step], self.category[who, step] = pick, category
        self.blocked[who, pick] = True
        if self.plan.quotas:
            self.got[who, self.plan.tables.area[pick]] += 1
        rows = self.rows[pick * self.categories + category]
        if who.size == self.truth.size:
            self.log_w += rows
        else:
            self.log_w[who] += rows
        if self.plan.ratio is not None:
            self.ratio[who] += self.plan.ratio[pick, category]
        self._moments(who)
        self.errors[who, step] = self.se[who]

    def _moments(self, who: Ints) -> None:
        weight = self.log_w if who.size == self.truth.size else self.log_w[who]
        weight = weight - weight.max(axis=1, keepdims=True)
        np.exp(weight, out=weight)
        moments = weight @ self.plan.basis
        mean = moments[:, 1] / moments[:, 0]
        self.theta[who] = mean
        self.se[who] = np.sqrt(np.maximum(moments[:, 2] / moments[:, 0] - mean**2, 0.0))
        self.above[who] = moments[:, 3] / moments[:, 0]

    def _review(self, step: int) -> None:
        stops, window = self.plan.stops, self.plan.blueprint.stop.window
        if not stops.any:
            return
        may = self._may_stop(step + 1)
        if not may.any():
            return
        who = self.active
        earlier = self.errors[who, step - window] if step >= window else np.full(who.size, np.inf)
        state = State(self.se[who], earlier, self.above[who], self.ratio[who])
        for name, holds in stops.rules(state):
            ends = may & holds
            if ends.any():
                self._end(who[ends], step + 1, name)
                may &= ~ends
        self.active = who[self.length[who] > step + 1]


def _after(
    free: NDArray[np.bool_], left: Ints, waiting: Ints, items: NDArray[np.int32], pick: Ints
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Where the open item after ``left`` others stands; remembers the last one seen meanwhile."""
    rank = free.cumsum(axis=1, dtype=np.int32)
    hit = free & (rank == left[waiting][:, None] + 1)
    at = hit.argmax(axis=1)
    found = hit[np.arange(waiting.size), at]
    missed = ~found & (rank[:, -1] > 0)
    if missed.any():
        last = free.shape[1] - 1 - free[missed, ::-1].argmax(axis=1)
        pick[waiting[missed]] = items[missed, last]
    left[waiting] -= rank[:, -1]
    return at, found


def _beyond_room(pick: NDArray[np.int64], room: Floats) -> NDArray[np.intp]:
    """Places in ``pick`` that come after an item's room is used up, in the order of the persons."""
    over = np.flatnonzero(np.bincount(pick, minlength=room.size) > room)
    if not over.size:
        return over
    late = [np.flatnonzero(pick == item)[int(max(room[item], 0)) :] for item in over]
    return np.concatenate(late)
