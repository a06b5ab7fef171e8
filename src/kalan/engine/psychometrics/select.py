"""The next question: tables made once a bank, and a picker whose cost does not grow.

A posterior on a grid is a vector; an answer adds a ready row of log-probabilities to it. The items
are sorted once by what they are worth (information minus price) at every grid point: the next item
is the first of that list that is unused, open to this person and inside the quotas. Nothing looks
back at the answers given, so a question costs the same at the start and at the end.

Sources: Lord 1980 (maximum information); Bock & Mislevy 1982 (EAP); van der Linden & Veldkamp 2004
(eligibility); Kingsbury & Zara 1991 (content quotas, here exact with a look-ahead).
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from kalan.engine.psychometrics.blueprint import Blueprint
from kalan.engine.psychometrics.data import Bank, Floats, Ints
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.models import information, log_probabilities
from kalan.engine.psychometrics.quadrature import Grid
from kalan.engine.psychometrics.stop import State, Stops

HEAD = 256  # items of a sorted list that are kept ready as plain numbers
FLOOR = -1e4  # ln of a probability that is 0 on the grid: keeps sums finite


class Tables:
    """What every sitting of a bank reads; nothing in it changes during a sitting.

    ``log_p`` (n, K, Q), ``info`` (Q, n), ``area`` (n) numbers into ``areas``. ``order``
    (widths · variants, Q, n): items from the most valuable down at each grid point; value =
    information − price, ``price`` (n) or (Q, n) in units of information. Each variant adds its own
    Gumbel noise of scale ``noise``: a draw between sorted lists stands for a draw at every pick.
    With several ``widths`` there is a set of lists for each, where information is averaged over a
    normal posterior of that standard deviation; a person is served from the width nearest to
    theirs (posterior-weighted information, van der Linden 1998, at the price of a look-up).
    """

    def __init__(
        self,
        bank: Bank,
        grid: Grid,
        *,
        price: Floats | None = None,
        noise: float = 0.0,
        variants: int = 1,
        widths: tuple[float, ...] = (0.0,),
        log_p: Floats | None = None,
        info: Floats | None = None,
    ) -> None:
        self.bank, self.grid = bank, grid
        found = log_probabilities(bank, grid.theta) if log_p is None else log_p
        self.log_p: Floats = np.maximum(found, FLOOR)
        self.info: Floats = np.ascontiguousarray(
            information(bank, grid.theta).T if info is None else info
        )
        self.areas = tuple(sorted(set(bank.area)))
        place = {name: number for number, name in enumerate(self.areas)}
        self.area: Ints = np.array([place[name] for name in bank.area], dtype=np.int64)
        self.area_list: list[int] = self.area.tolist()
        with np.errstate(divide="ignore"):
            self.log_prior: Floats = np.maximum(np.log(grid.weight), FLOOR)
        self.low = float(grid.theta[0])
        self.step = float(grid.theta[1] - grid.theta[0])
        self.variants = variants
        rng = np.random.default_rng(variants)
        self._shifts = rng.gumbel(0.0, 1.0, (variants, bank.n_items)) * noise
        self.widths = widths
        # Width w serves standard errors up to the middle between it and the next.
        self.ends = [(one + two) / 2 for one, two in pairwise(widths)]
        self._smooths = [_smoother(grid.theta, width) for width in widths]
        self.set_price(np.zeros(bank.n_items) if price is None else price)

    def set_price(self, price: Floats) -> None:
        """Sort again under new prices, (n) or (Q, n); ties go to the lowest item number."""
        self.price = price
        lists = []
        for smooth in self._smooths:
            value = (self.info if smooth is None else smooth @ self.info) - price
            lists += [np.argsort(-value - x, axis=1, kind="stable") for x in self._shifts]
        self.order = np.stack(lists).astype(np.int32)
        self._heads: dict[tuple[int, int], list[int]] = {}

    @property
    def n_items(self) -> int:
        return self.bank.n_items

    def head(self, variant: int, row: int) -> list[int]:
        """The first HEAD items of a row's order."""
        found = self._heads.get((variant, row))
        if found is None:
            found = self._heads[variant, row] = self.order[variant, row, :HEAD].tolist()
        return found

    def rest(self, variant: int, row: int) -> list[int]:
        """The items beyond the head: walked only when every item of the head is shut."""
        found: list[int] = self.order[variant, row, HEAD:].tolist()
        return found

    def rows(self, theta: Floats) -> Ints:
        """(P) grid point nearest to each θ."""
        row = np.floor((theta - self.low) / self.step + 0.5).astype(np.int64)
        return np.clip(row, 0, self.grid.size - 1)


def _smoother(theta: Floats, width: float) -> Floats | None:
    """(Q, Q) rows of normal weights about each grid point; None for width 0."""
    if width == 0:
        return None
    weight = np.exp(-0.5 * ((theta[:, None] - theta) / width) ** 2)
    found: Floats = weight / weight.sum(axis=1, keepdims=True)
    return found


def basis(tables: Tables, blueprint: Blueprint) -> Floats:
    """(Q, 4) columns 1, θ, θ² and [θ ≥ cut], of which a posterior's product gives all moments.

    A grid point stands for the cell about it; the cell that holds the cut counts by its share.
    """
    theta = tables.grid.theta
    decision = blueprint.stop.decision
    cut = decision.cut if decision else 0.0
    above = np.clip((theta - cut) / tables.step + 0.5, 0.0, 1.0)
    return np.ascontiguousarray(np.stack([np.ones_like(theta), theta, theta**2, above], axis=1))


def ratio_table(tables: Tables, blueprint: Blueprint) -> Floats | None:
    """(n, K) ln P(category | cut + δ) − ln P(category | cut − δ) for the sequential test."""
    sprt = blueprint.stop.sprt
    if sprt is None:
        return None
    ends = np.array([sprt.cut - sprt.delta, sprt.cut + sprt.delta])
    log_p = np.maximum(log_probabilities(tables.bank, ends), FLOOR)
    found: Floats = log_p[..., 1] - log_p[..., 0]
    return found


def quota_arrays(tables: Tables, blueprint: Blueprint) -> tuple[Ints, Ints]:
    """(areas) least and most items of each area; an area without quota is free."""
    least = np.zeros(len(tables.areas), dtype=np.int64)
    most = np.full(len(tables.areas), blueprint.maximum, dtype=np.int64)
    for number, name in enumerate(tables.areas):
        if name in blueprint.quotas:
            least[number] = blueprint.quotas[name].minimum
            most[number] = blueprint.quotas[name].maximum
    return least, most


class Plan:
    """What a bank's tables and a blueprint say together; shared by all the sittings."""

    def __init__(self, tables: Tables, blueprint: Blueprint) -> None:
        self.tables, self.blueprint = tables, blueprint
        self.basis = basis(tables, blueprint)
        self.ratio = ratio_table(tables, blueprint)
        self.least, self.most = quota_arrays(tables, blueprint)
        self.quotas = bool(blueprint.quotas)
        self.stops = Stops(blueprint)
        decision = blueprint.stop.decision
        self.row: int | None = None  # the grid point that serves every choice, None: the estimate's
        if blueprint.select_at == "cut" and decision is not None:
            self.row = int(tables.rows(np.array([decision.cut]))[0])
        self.spread = [blueprint.spread_at(step) for step in range(blueprint.maximum)]


class Picker:
    """One person's sitting: ``next()`` names an item, ``answer()`` takes the category in.

    ``closed`` (n) marks items that the exposure cap keeps from this person (``exposure.Ledger``).
    The same seed and the same answers give the same items.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        seed: int | None = None,
        closed: bytes | bytearray | None = None,
        draws: Callable[[], float] | None = None,
    ) -> None:
        self.plan, tables = plan, plan.tables
        blueprint = plan.blueprint
        self._blocked = bytearray(closed) if closed is not None else bytearray(tables.n_items)
        self._draw = draws or random.Random(blueprint.seed if seed is None else seed).random  # noqa: S311
        self._log_w: Floats = tables.log_prior.copy()
        self._work = np.empty_like(self._log_w)
        self._got = [0] * len(tables.areas)
        self._least: list[int] = plan.least.tolist()
        self._most: list[int] = plan.most.tolist()
        self._missing = sum(self._least)  # answers that the minima still ask for
        self._shut = [most == 0 for most in self._most]
        self._ratio = 0.0
        self.items: list[int] = []
        self._look_ahead()
        self.categories: list[int] = []  # −1: left blank and counted as missing
        self.errors: list[float] = []
        self.relaxed = 0  # times that no open item was left and the cap was passed over
        self.pending: int | None = None
        self.reason: str | None = None
        self._moments()
        self._review()

    def _moments(self) -> None:
        log_w, work = self._log_w, self._work
        np.subtract(log_w, log_w.max(), out=work)
        np.exp(work, out=work)
        total, first, second, above = (work @ self.plan.basis).tolist()
        self.theta = first / total
        self.se = max(second / total - self.theta**2, 0.0) ** 0.5
        self.above = above / total

    def next(self) -> int | None:
        """The item to present (number in the bank), or None when the sitting is over."""
        if self.reason is not None:
            return None
        if self.pending is None:
            tables = self.plan.tables
            row = int((self.theta - tables.low) / tables.step + 0.5)
            row = min(max(row, 0), tables.grid.size - 1)
            if self.plan.row is not None:
                row = self.plan.row
            item = self._walk(row)
            floor = self.plan.stops.information
            if floor is not None and self._may_stop() and tables.info[row, item] < floor:
                self.reason = "information"
                return None
            self.pending = item
        return self.pending

    def _walk(self, row: int) -> int:
        tables = self.plan.tables
        # One draw chooses the variant by its whole part, the place in the list by what is left.
        draw = self._draw() * tables.variants
        variant = int(draw)
        skip = int((draw - variant) * self.plan.spread[len(self.items)])
        if tables.ends:
            variant += bisect_left(tables.ends, self.se) * tables.variants
        item, skip = self._first(tables.head(variant, row), skip)
        if skip >= 0 and tables.n_items > HEAD:
            other, _ = self._first(tables.rest(variant, row), skip)
            item = other if other >= 0 else item
        if item < 0:
            # Every item left is kept back by the cap: a test without a question helps nobody.
            self.relaxed += 1
            used = set(self.items)
            self._blocked = bytearray(i in used for i in range(tables.n_items))
            item, _ = self._first(tables.order[variant, row].tolist(), 0)
        if item < 0:
            raise DataError(
                f"Plus aucune question possible après {len(self.items)} réponses : vérifiez le "
                "plan du test contre la banque avant de l’employer."
            )
        return item

    def _first(self, items: Sequence[int], skip: int) -> tuple[int, int]:
        """The open item after ``skip`` others (−1 left to skip), or the last one seen."""
        blocked, shut, area, last = self._blocked, self._shut, self.plan.tables.area_list, -1
        for item in items:
            if blocked[item] or shut[area[item]]:
                continue
            last, skip = item, skip - 1
            if skip < 0:
                break
        return last, skip

    def answer(self, category: int | None) -> None:
        """Take the answer to the pending item; None is a blank, scored by the blueprint's rule."""
        item = self.pending
        if item is None:
            raise ValueError("no item is pending: call next() first")
        plan, tables = self.plan, self.plan.tables
        if category is None and plan.blueprint.blank == "wrong":
            category = 0
        if category is not None:
            if not 0 <= category <= int(tables.bank.top[item]):
                raise DataError(
                    f"Question « {tables.bank.items[item]} » : réponse {category} hors des "
                    f"catégories 0 à {tables.bank.top[item]}."
                )
            self._log_w += tables.log_p[item, category]
            if plan.ratio is not None:
                self._ratio += float(plan.ratio[item, category])
            self._moments()
        self.pending = None
        self.items.append(item)
        self.categories.append(-1 if category is None else category)
        self.errors.append(self.se)
        self._blocked[item] = 1
        self._count(tables.area_list[item])
        self._review()

    def _count(self, area: int) -> None:
        """Book an answer; an area shuts at its maximum."""
        if not self.plan.quotas:
            return
        got = self._got
        if got[area] < self._least[area]:
            self._missing -= 1
        got[area] += 1
        if got[area] >= self._most[area]:
            self._shut[area] = True
        self._look_ahead()

    def _look_ahead(self) -> None:
        """When every place left is owed to a minimum, only areas below theirs stay open."""
        left = self.plan.blueprint.maximum - len(self.items)
        if self.plan.quotas and self._missing >= left:
            self._shut = [n >= least for n, least in zip(self._got, self._least, strict=True)]

    def _may_stop(self) -> bool:
        return len(self.items) >= self.plan.blueprint.minimum and self._missing == 0

    def _review(self) -> None:
        length = len(self.items)
        if length >= self.plan.blueprint.maximum:
            self.reason = "maximum"
        if not self.plan.stops.any or not self._may_stop() or length == 0:
            return
        window = self.plan.blueprint.stop.window
        earlier = self.errors[-1 - window] if length > window else float("inf")
        state = State(self.se, earlier, self.above, self._ratio)
        for name, holds in self.plan.stops.rules(state):
            if holds:
                self.reason = name
                return
