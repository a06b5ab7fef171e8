"""Groups too small to be shown, and those that would give them back by subtraction.

The rule of primary and complementary suppression (Hundepool et al., *Statistical Disclosure
Control*, 2012, ch. 4) for people who may choose filters one after the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from itertools import combinations
from typing import Any, TypeVar

K = TypeVar("K", bound=Hashable)

MIN_GROUP = 10  # people measured: levels, shares, gains (decision 0013)
MIN_REPLIES = 5  # replies to an anonymous questionnaire: below, one could tell who said what


def masked(counts: Mapping[K, int], least: int) -> frozenset[K]:
    """Which parts of a whole to hide when the whole is shown: those below ``least``, and the
    smallest others until what is hidden makes ``least`` together."""
    hidden = {key for key, n in counts.items() if 0 < n < least}
    together = sum(counts[key] for key in hidden)
    others = sorted(
        (key for key, n in counts.items() if n >= least), key=lambda key: (counts[key], str(key))
    )
    for key in others:
        if not 0 < together < least:
            break
        hidden.add(key)
        together += counts[key]
    return frozenset(hidden)


def subtractable(cells: Mapping[tuple[Any, ...], int], wanted: Sequence[Any], least: int) -> bool:
    """Whether the group of ``wanted`` tells of fewer than ``least`` people by subtraction.

    ``cells``: people by the value of every filter; ``wanted``: the value asked for of each, None
    for all. The group is taken from each wider one, and set beside its like in each filter.
    """
    asked = [at for at, value in enumerate(wanted) if value is not None]

    def count(kept: Sequence[int]) -> int:
        return sum(n for cell, n in cells.items() if all(cell[at] == wanted[at] for at in kept))

    number = count(asked)
    for size in range(len(asked)):
        for kept in combinations(asked, size):
            if 0 < count(kept) - number < least:
                return True
    for at in asked:
        others = [one for one in asked if one != at]
        beside: Counter[Any] = Counter()
        for cell, n in cells.items():
            if all(cell[one] == wanted[one] for one in others):
                beside[cell[at]] += n
        if wanted[at] in masked(beside, least):
            return True
    return False
