"""The standard bank of the psychometric benchmarks (recipe and check sums in its docstring).

``rng = default_rng(20261121)``; a = exp(N(0.2, 0.3)), b = N(0, 1.2), c = U(0.10, 0.25), in this
order; 500 items: Σa 643.6558641845, Σb 7.8589680698, Σc 86.1301225535.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

import numpy as np

from kalan.engine.psychometrics.blueprint import Quota
from kalan.engine.psychometrics.data import Bank, Floats

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

AREAS = "ABCDE"
SHARES = (0.42, 0.25, 0.13, 0.12, 0.08)
SIX_EACH = {area: Quota(6, 6) for area in AREAS}


def standard(number: int = 500, *, three: bool = True, areas: str = "") -> Bank:
    """``areas``: "" none, "equal" in turn, "uneven" consecutive blocks of 42/25/13/12/8 %."""
    rng = np.random.default_rng(20261121)
    a, b = np.exp(rng.normal(0.2, 0.3, number)), rng.normal(0.0, 1.2, number)
    c = rng.uniform(0.10, 0.25, number)
    if number == 500 and abs(float(a.sum()) - 643.6558641845) > 1e-6:
        raise RuntimeError("the generator does not give the standard bank")
    names: Sequence[str] = ()
    if areas == "equal":
        names = [AREAS[i % 5] for i in range(number)]
    elif areas == "uneven":
        ends = np.round(np.cumsum(SHARES) * number)
        names = [AREAS[int(np.searchsorted(ends, i, side="right"))] for i in range(number)]
    return Bank.logistic(a, b, c if three else 0.0, area=names)


def cpu(work: Callable[[], object], repeats: int = 3) -> float:
    """Seconds of processor time, the least of some repeats."""
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def rmse(estimate: Floats, truth: Floats) -> float:
    return float(np.sqrt(((estimate - truth) ** 2).mean()))
