"""Exposure control while tests run: the live cap, and eligibility by lot.

The cap is a ledger: an item that one more person would take past r_max is kept from this person.
It holds whatever comes; prices (``prices``) see to it that it seldom has to. Eligibility draws
before each test which items are open (van der Linden & Veldkamp 2004); Sympson & Hetter's rule is
the same draw with chances fixed by simulation beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.data import Floats


@dataclass(eq=False)
class Ledger:
    """How often each item was given, and how much room the cap leaves.

    ``given`` (n), ``started`` persons. A warm start counts ``started`` simulated persons: without
    one, a cap of 0.2 would let nobody have anything before the fifth person.
    """

    cap: float
    given: Floats
    started: float = field(default=0.0)

    @classmethod
    def warm(cls, cap: float, rates: Floats, persons: float = 200.0) -> Ledger:
        """From simulated rates (n), as if ``persons`` had come already."""
        return cls(cap, np.minimum(rates, cap) * persons, persons)

    def open_block(self, persons: int) -> Floats:
        """(n) how often each item may still be given once ``persons`` more have started."""
        self.started += persons
        return np.floor(self.cap * self.started - self.given + 1e-9)

    def close_block(self, items: NDArray[Any]) -> None:
        """Book the items that were given."""
        self.given += np.bincount(items, minlength=self.given.size)

    def closed(self) -> bytes:
        """One byte an item, 1 where one more person would pass the cap: ``Picker(closed=…)``."""
        return (self.given + 1 > self.cap * self.started + 1e-9).astype(np.uint8).tobytes()


@dataclass(eq=False)
class Eligibility:
    """Items are open to a person with ``chance`` (n); ``learns``: chances follow the rates, as
    P(open) ← min(1, r_max · times open / times given), both since the start."""

    cap: float
    chance: Floats
    opened: Floats
    given: Floats
    learns: bool = True

    @classmethod
    def cold(cls, cap: float, n_items: int) -> Eligibility:
        return cls(cap, np.ones(n_items), np.zeros(n_items), np.zeros(n_items))

    def draw(self, persons: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """(persons, n) True where an item is kept back."""
        kept: NDArray[np.bool_] = rng.random((persons, self.chance.size)) > self.chance
        self.opened += persons - kept.sum(axis=0)
        return kept

    def book(self, items: NDArray[Any]) -> None:
        self.given += np.bincount(items, minlength=self.given.size)
        if self.learns:
            self.renew()

    def renew(self) -> None:
        """New chances from the rates so far."""
        self.chance = np.minimum(1.0, self.cap * self.opened / np.maximum(self.given, 1e-9))
