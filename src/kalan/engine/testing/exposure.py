"""Exposure held by a package that never changes: prices and chances tuned by simulated sittings.

The live ledger of ``psychometrics.exposure`` looks at everybody; a frozen test, replayed offline,
cannot. So both means are put into the package: a price on each item, paid in information
(``psychometrics.prices``), which sends the choice elsewhere, and behind it a chance that the item
is open to a person at all (van der Linden & Veldkamp 2004; Sympson & Hetter 1985), drawn from the
sitting's own seed. Rates are those of the protocol itself in the population declared.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from kalan.engine.psychometrics.data import Bank, Floats
from kalan.engine.psychometrics.models import information
from kalan.engine.psychometrics.protocol.batch import scattered, simulate
from kalan.engine.psychometrics.protocol.package import Package, package

SHARE = 0.95  # of the cap that rates are driven to: chance needs the rest
PRICED, CHANCED, SETTLED = 8, 11, 5  # rounds of each kind
NOISE = 0.03  # of the sorted lists: persons of near estimates do not all meet the same items
SPREADING = 0.35  # price per unit of rate: what overlap costs
WORK = 300_000  # persons times items of a round
LEAST = 0.02  # no item is ever shut to everybody


@dataclass(frozen=True)
class Held:
    """The rules of one adaptive stage, as ``protocol.package`` takes them."""

    shortest: int
    longest: int
    quotas: dict[str, tuple[int, int]] = field(default_factory=dict)
    sd_target: float = 0.0
    mean: float = 0.0
    sd: float = 1.0
    points: int = 61
    first: int = 20


def hold(bank: Bank, rules: Held, cap: float | None, *, seed: int = 1, persons: int = 0) -> Package:
    """The package of a stage; with a ``cap``, one whose simulated rates stay under it.

    ``persons`` simulated in each round: by default the more, the smaller the bank.
    """
    persons = persons or int(np.clip(WORK // bank.n_items, 1000, 2500))
    made = package(
        bank,
        shortest=rules.shortest,
        longest=rules.longest,
        quotas=rules.quotas,
        sd_target=rules.sd_target,
        mean=rules.mean,
        sd=rules.sd,
        points=rules.points,
        first=min(rules.first, bank.n_items),
        row=bank.n_items,
    )
    if cap is None:
        return made
    info = information(bank, np.linspace(made.low, made.high, made.points))
    info = info + NOISE * np.random.default_rng(seed).gumbel(size=info.shape)
    price, smooth = np.zeros(bank.n_items), np.zeros(bank.n_items)
    over, kept, total = np.zeros(bank.n_items), 0, np.zeros(bank.n_items)
    for turn in range(PRICED):
        rate = rates(made, persons, seed + turn)
        smooth += (rate - smooth) * max(0.25, 1 / (turn + 1))
        step = 0.5 / (1 + 0.3 * turn)
        over = np.maximum(over + step * np.clip(rate - SHARE * cap, -0.1, 0.3), 0.0)
        price = over + SPREADING * smooth
        if turn >= PRICED // 2:
            total, kept = total + price, kept + 1
        made = priced(made, info, price)
    made = priced(made, info, total / kept)
    return _chanced(made, cap, seed + PRICED, persons)


def _chanced(made: Package, cap: float, seed: int, persons: int) -> Package:
    """Chances that bring every rate under the cap, by ever smaller steps (Robbins & Monro)."""
    chance = np.ones(len(made.items))
    for turn in range(CHANCED + SETTLED):
        late = max(turn - CHANCED + 1, 0)  # more persons and smaller steps, to average the noise
        found = rates(made, persons * (3 if late else 1), seed + turn)
        wanted = np.clip(SHARE * cap / np.maximum(found, 1e-9), 0.0, 1.2)
        chance = np.clip(chance * wanted ** (1 / (1 + 0.4 * late)), LEAST, 1)
        made = replace(made, eligible=np.rint(chance * (1 << 16)).astype(np.int32))
    return made


def priced(made: Package, info: Floats, price: Floats) -> Package:
    """The package with its order under new prices."""
    order = np.argsort(-(info.T - price), axis=1, kind="stable")
    return replace(made, order=order.astype(np.int32))


def rates(made: Package, persons: int, seed: int) -> Floats:
    """(n) share of ``persons`` simulated sittings that each item is given to."""
    path = simulate(made, persons, seeds=scattered(persons, seed)).path
    return np.bincount(path[path >= 0], minlength=len(made.items)) / persons
