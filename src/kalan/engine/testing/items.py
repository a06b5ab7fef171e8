"""One question as a test freezes it, and the bank that serves and scores it.

**Expert parameters** (questions that too few people have answered), logistic metric, D = 1:

* yes/no questions: slope a = 1, difficulty b = the expert's; single choice and true/false: guessing
  c = 1 / number of options, 0 for all other kinds;
* questions of m ≥ 2 points: generalised partial credit (Muraki 1992), a = m^(−1/4) and
  b_k = b + ln(k / (m − k + 1)) / a. The expert's b is where half of the points are expected. With
  a = 1 these steps are those of m independent yes/no parts of one difficulty, as informative as m
  questions; parts of one question are not independent, and m^(−1/4) leaves it worth √m of them
  (a choice of this project);
* standard errors 0.6 of b and 0.3 of ln a: experts place questions that far off.

**Error of the parameters.** Each response curve is replaced by its expectation over what its
parameters may be, which is what joins both errors in the posterior of θ (``uncertain``: Lewis
2001). For a normal error of b the expectation of a logistic curve is very nearly a logistic curve
with the slope a / √(1 + a²s²/1.7²) (MacKay 1992; 1.7: Haley 1952), s² = se_b² + se_ln a² (the
slope's error counted one unit away from the difficulty). In closed form, it costs nothing and holds
for every family; ``expected_tables`` does it by quadrature for logistic items only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from kalan.engine.psychometrics.data import GRADED, LOGISTIC, PARTIAL_CREDIT, Bank
from kalan.engine.psychometrics.errors import DataError

# Answers from which an item is no longer provisional: when simulated, 95 % intervals of θ cover
# 93.7 % from then on, and 91.5 % at 200 answers, since selection hunts overestimated slopes.
GATE = 500
EXPERT_SE_B = 0.6
EXPERT_SE_LN_A = 0.3
PROBIT = 1.7  # a logistic curve is a normal one of this slope, within 0.01
GUESSED = ("single", "truefalse")
FAMILIES = {"logistic": LOGISTIC, "grm": GRADED, "gpcm": PARTIAL_CREDIT}


@dataclass(frozen=True)
class Item:
    """``uid`` of the item version; ``domain`` code; ``top`` highest category; ``model`` logistic,
    grm or gpcm; ``b`` one number a step; ``se_a``, ``se_b`` None for an expert's guess; ``n``
    answers behind the calibration; ``accessible``: usable with assistive technology."""

    uid: str
    code: str
    domain: str
    kind: str
    top: int
    model: str
    a: float
    b: tuple[float, ...]
    c: float = 0.0
    se_a: float | None = None
    se_b: float | None = None
    n: int = 0
    accessible: bool = True

    @property
    def provisional(self) -> bool:
        return self.n < GATE or self.se_b is None

    @property
    def place(self) -> float:
        """The item's difficulty as one number: the mean of its steps."""
        return sum(self.b) / len(self.b)

    @property
    def spread(self) -> float:
        """Standard deviation s of the curve's place, for the attenuation."""
        if self.se_b is None:
            return math.hypot(EXPERT_SE_B, EXPERT_SE_LN_A)
        return math.hypot(self.se_b, (self.se_a or 0.0) / self.a)

    @property
    def prudent_a(self) -> float:
        """The slope of the expected curve."""
        return self.a / math.sqrt(1 + (self.a * self.spread / PROBIT) ** 2)

    def to_dict(self) -> dict[str, Any]:
        return {
            "uid": self.uid,
            "code": self.code,
            "domain": self.domain,
            "kind": self.kind,
            "top": self.top,
            "model": self.model,
            "a": self.a,
            "b": list(self.b),
            "c": self.c,
            "se_a": self.se_a,
            "se_b": self.se_b,
            "n": self.n,
            "provisional": self.provisional,
            "accessible": self.accessible,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        kept = {key: value for key, value in data.items() if key != "provisional"}
        return cls(**kept | {"b": tuple(data["b"])})


def provisional(
    uid: str,
    code: str,
    domain: str,
    kind: str,
    *,
    difficulty: float,
    top: int = 1,
    options: int = 0,
    accessible: bool = True,
) -> Item:
    """An item under expert parameters; ``options``: how many choices it shows (single choice)."""
    if not math.isfinite(difficulty) or abs(difficulty) > 5:
        raise DataError(
            f"Question « {code} », « difficulty » : {difficulty!r} ; un nombre entre -5 et 5 est "
            "attendu."
        )
    if top < 1:
        raise DataError(f"Question « {code} », « top » : {top} ; au moins 1 point est attendu.")
    if top == 1:
        known = 2 if kind == "truefalse" else options
        c = 1 / known if kind in GUESSED and known > 1 else 0.0
        return Item(uid, code, domain, kind, 1, "logistic", 1.0, (difficulty,), c,
                    accessible=accessible)  # fmt: skip
    a = top**-0.25
    steps = tuple(difficulty + math.log(k / (top - k + 1)) / a for k in range(1, top + 1))
    return Item(uid, code, domain, kind, top, "gpcm", a, steps, accessible=accessible)


def bank_of(items: Sequence[Item], *, prudent: bool = True) -> Bank:
    """The engine's bank, areas = domains; ``prudent``: slopes of the expected curves."""
    width = max((len(item.b) for item in items), default=1)
    steps = np.full((len(items), width), np.nan)
    for row, item in enumerate(items):
        if item.model not in FAMILIES or len(item.b) != item.top:
            raise DataError(
                f"Question « {item.code} » : modèle « {item.model} » avec {len(item.b)} seuils "
                f"pour {item.top} points. Étalonnez-la de nouveau."
            )
        steps[row, : len(item.b)] = item.b
    return Bank(
        family=np.array([FAMILIES[item.model] for item in items], np.int8),
        a=np.array([item.prudent_a if prudent else item.a for item in items], np.float64),
        b=steps,
        c=np.array([item.c for item in items], np.float64),
        d=np.ones(len(items)),
        top=np.array([item.top for item in items], np.int64),
        items=tuple(item.uid for item in items),
        area=tuple(item.domain for item in items),
    )
