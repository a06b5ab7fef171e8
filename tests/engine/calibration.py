"""Data for the tests of calibration: LSAT section 6, and draws from each model."""

from __future__ import annotations

import numpy as np

from kalan.engine.psychometrics.data import GRADED, PARTIAL_CREDIT, Bank, Floats, Responses
from kalan.engine.psychometrics.models import probabilities

# Bock & Lieberman 1970, N = 1 000: pattern of five items, and how many persons gave it.
LSAT6 = """
00000:3 00001:6 00010:2 00011:11 00100:1 00101:1 00110:3 00111:4 01000:1 01001:8 01010:0
01011:16 01100:0 01101:3 01110:2 01111:15 10000:10 10001:29 10010:14 10011:81 10100:3 10101:28
10110:15 10111:80 11000:16 11001:56 11010:21 11011:173 11100:11 11101:61 11110:28 11111:298
"""


def lsat6() -> tuple[Floats, Floats]:
    """Patterns (32 × 5) and their frequencies."""
    pairs = [word.split(":") for word in LSAT6.split()]
    patterns = np.array([[float(x) for x in pattern] for pattern, _ in pairs])
    return patterns, np.array([float(number) for _, number in pairs])


def lsat6_csv() -> str:
    rows = [word.replace(":", "") for word in LSAT6.split()]
    return "q1,q2,q3,q4,q5,n\n" + "".join(",".join(row[:5]) + f",{row[5:]}\n" for row in rows)


def bank(model: str, number: int = 6, seed: int = 3) -> Bank:
    rng = np.random.default_rng(seed)
    a = np.exp(rng.normal(0.2, 0.3, number))
    if model in ("GRM", "GPCM"):
        steps = np.sort(rng.normal(0, 1, (number, 3)), axis=1) + np.array([-0.4, 0, 0.4])
        steps[0, 2] = np.nan  # an item with fewer categories
        return Bank.polytomous(GRADED if model == "GRM" else PARTIAL_CREDIT, a, steps)
    b = rng.normal(0, 1, number)
    if model == "1PL":
        a = np.full(number, 1.3)
    return Bank.logistic(a, b, 0.2 if model == "3PL" else 0.0)


def draw(items: Bank, theta: Floats, seed: int = 5, missing: float = 0.0) -> Responses:
    rng = np.random.default_rng(seed)
    p = probabilities(items, theta)
    drawn = (rng.random((items.n_items, 1, theta.size)) > p.cumsum(axis=1)).sum(axis=1)
    matrix = np.minimum(drawn, items.top[:, None]).T
    matrix[rng.random(matrix.shape) < missing] = -1
    return Responses.from_dense(matrix, items=items.items)
