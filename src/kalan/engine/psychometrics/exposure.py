"""Exposure control: the live cap."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

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

    def close_block(self, items: np.ndarray[tuple[int], np.dtype[np.int32]]) -> None:
        """Book the items that were given."""
        self.given += np.bincount(items, minlength=self.given.size)

    def closed(self) -> bytes:
        """One byte an item, 1 where one more person would pass the cap: ``Picker(closed=…)``."""
        return (self.given + 1 > self.cap * self.started + 1e-9).astype(np.uint8).tobytes()
