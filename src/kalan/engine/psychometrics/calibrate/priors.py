"""Prior densities of item parameters.

The objective adds the log density of a (lognormal, with its 1/a), b (normal) and c (normal on
logit c, or Beta on c) at the parameters. None: no prior on that parameter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.data import Floats

Pair = tuple[float, float]


@dataclass(frozen=True)
class Priors:
    """``a``: mean and SD of ln a; ``b``, ``logit_c``: mean and SD; ``beta_c``: α and β."""

    a: Pair | None = None
    b: Pair | None = None
    logit_c: Pair | None = None
    beta_c: Pair | None = None

    def __post_init__(self) -> None:
        if self.logit_c and self.beta_c:
            raise ValueError("one prior on c, not both")
        if any(pair and pair[1] <= 0 for pair in (self.a, self.b, self.logit_c)):
            raise ValueError("a standard deviation above 0")
        if self.beta_c and min(self.beta_c) <= 0:
            raise ValueError("Beta(α, β): both above 0")

    def __bool__(self) -> bool:
        return any((self.a, self.b, self.logit_c, self.beta_c))

    def log_density(self, phi: NDArray[Any], model: str, top: Any, once: Any) -> NDArray[Any]:
        """(n) log density of each item; ``once`` (n) 1 where its slope is counted (a common slope
        has one prior). Works on complex phi, from which derivatives are taken."""
        a = phi[:, 0]
        found = np.zeros(phi.shape[0], phi.dtype)
        if self.a:
            with np.errstate(invalid="ignore", divide="ignore"):
                log_a = np.log(a)
            found += once * (_normal(log_a, self.a) - log_a)
        if self.b:
            for k, b in enumerate(_difficulties(phi, model).T):
                found += np.where(k < top, _normal(b, self.b), 0.0)
        if model == "3PL" and (self.logit_c or self.beta_c):
            found += self._guessing(phi[:, 2])
        return found

    def _guessing(self, c: NDArray[Any]) -> NDArray[Any]:
        with np.errstate(divide="ignore", invalid="ignore"):
            log_c, log_rest = np.log(c), np.log(1 - c)
        if self.logit_c:
            return _normal(log_c - log_rest, self.logit_c)
        alpha, beta = self.beta_c or (1.0, 1.0)
        found: NDArray[Any] = (
            (alpha - 1) * log_c
            + (beta - 1) * log_rest
            - (math.lgamma(alpha) + math.lgamma(beta) - math.lgamma(alpha + beta))
        )
        return found

    def slope(self, phi: Floats, model: str, top: Any, once: Any) -> Floats:
        """(n, p) derivatives of ``log_density``, exact by the complex step."""
        found = np.zeros_like(phi)
        for column in range(phi.shape[1]):
            moved = phi.astype(np.complex128)
            moved[:, column] += 1e-30j
            found[:, column] = self.log_density(moved, model, top, once).imag / 1e-30
        return found


def _normal(x: NDArray[Any], pair: Pair) -> NDArray[Any]:
    mean, sd = pair
    found: NDArray[Any] = -0.5 * ((x - mean) / sd) ** 2 - math.log(sd * math.sqrt(2 * math.pi))
    return found


def _difficulties(phi: NDArray[Any], model: str) -> NDArray[Any]:
    """(n, m) b from intercepts: −d_k/a; GPCM: −(D_k − D_{k−1})/a."""
    d = phi[:, 1:2] if model == "3PL" else phi[:, 1:]
    if model == "GPCM":
        d = np.diff(d, axis=1, prepend=0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: NDArray[Any] = -d / phi[:, :1]
    return found


def product_priors(options: int = 4) -> Priors:
    """ln a ~ N(0.1, 0.5²), b ~ N(0, 1.5²), logit c ~ N(logit(1/options), 0.5²)."""
    return Priors(a=(0.1, 0.5), b=(0.0, 1.5), logit_c=(-math.log(options - 1), 0.5))


PRODUCT_PRIORS = product_priors()
