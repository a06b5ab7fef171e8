"""Before and after: one person's change and a group's gain, each with its interval.

One person: difference of weighted likelihood estimates, both errors counted (``gain``); a group:
marginal likelihood, which unlike a mean of scores does not shrink the gain. Items keep the slopes
of their expected curves, so that provisional parameters widen the intervals.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from kalan.engine.psychometrics.data import Responses
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.gain import Z95, GroupGain, group_gain, personal_change
from kalan.engine.testing.frozen import Frozen
from kalan.engine.testing.outcome import answers_of
from kalan.engine.testing.walk import Entry

Pair = tuple[Sequence[Entry], Sequence[Entry]]


@dataclass(frozen=True)
class Change:
    """``change`` θ after − before, its standard error and 95 % interval; ``score``: the same on the
    500 scale; ``real``: the interval leaves out 0."""

    change: float
    se: float
    low: float
    high: float
    score: int
    real: bool


def change(
    before: Frozen, first: Iterable[Entry], after: Frozen, second: Iterable[Entry]
) -> Change | None:
    """What one person's level did between two sittings; None when one has no answer."""
    one, two = responses(before, [first]), responses(after, [second])
    if not one.item.size or not two.item.size:
        return None
    found = personal_change(before.bank, one, after.bank, two)
    value, se = float(found.change[0]), float(found.se[0])
    if not np.isfinite(value) or not np.isfinite(se):
        return None
    low, high = value - Z95 * se, value + Z95 * se
    return Change(value, se, low, high, round(100 * value), bool(found.real[0]))


def group(
    before: Frozen, after: Frozen, pairs: Sequence[Pair], cluster: Sequence[int] | None = None
) -> GroupGain:
    """Gain of a group: ``pairs`` of logs (an empty log: absent that time), ``cluster`` the
    structure of each person. Refused with fewer than two persons."""
    one = responses(before, [first for first, _ in pairs])
    two = responses(after, [second for _, second in pairs])
    where = None if cluster is None else np.asarray(cluster, np.int64)
    return group_gain(before.bank, one, after.bank, two, cluster=where)


def responses(frozen: Frozen, logs: Sequence[Iterable[Entry]]) -> Responses:
    """The answers of sittings of one frozen test, a row each, as the engine takes them."""
    person, item, category = [], [], []
    for number, log in enumerate(logs):
        for one, two in answers_of(log):
            if not 0 <= one < len(frozen.items):
                raise DataError(f"Question {one} : elle n’est pas dans ce test.")
            person.append(number)
            item.append(one)
            category.append(two)
    return Responses.from_triples(
        person, item, category, items=frozen.bank.items, persons=len(logs)
    )
