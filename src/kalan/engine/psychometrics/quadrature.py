"""Grids of ability points with weights that sum to 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Grid:
    """``theta`` (Q) in increasing order, ``weight`` (Q) summing to 1."""

    theta: Floats
    weight: Floats

    def __post_init__(self) -> None:
        if self.theta.ndim != 1 or self.theta.shape != self.weight.shape:
            raise ValueError("theta and weight: one dimension, one length")

    @property
    def size(self) -> int:
        return int(self.theta.size)

    def mean(self) -> float:
        return float(self.theta @ self.weight)

    def variance(self) -> float:
        return float((self.theta - self.mean()) ** 2 @ self.weight)


def normal_grid(nodes: int = 61, limit: float = 6.0, *, mean: float = 0.0, sd: float = 1.0) -> Grid:
    """``nodes`` equally spaced points on ±``limit``, weighted by the density of N(mean, sd²).

    The points do not move with the mean: groups compared share them. Source of the defaults: the
    worked example LSAT6 (Bock & Lieberman 1970) as this project states it.
    """
    if nodes < 3 or limit <= 0 or sd <= 0:
        raise ValueError("at least 3 nodes, a limit and a standard deviation above 0")
    theta = np.linspace(-limit, limit, nodes)
    log_weight = -0.5 * ((theta - mean) / sd) ** 2
    weight = np.exp(log_weight - log_weight.max())
    return Grid(theta, weight / weight.sum())
