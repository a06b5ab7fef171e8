"""Levels in plain words, and how sure one is of them.

The default scale has four. A floor is the ability that gets two of three questions of a difficulty
right, guessing apart (response probability 0.67 as in bookmark standard setting, Mitzel et al.
2001: θ = b + ln 2, rounded): easy questions (b = −1.5) for « Initiation », everyday ones (−0.5) for
« Autonomie », hard ones (0.5) for « Maîtrise ». In a population N(0, 1): 21, 37, 31 and 12 %. They
are this project's proposal; a ministry's panel may set its own in the test's plan.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Level:
    """``floor`` θ from which the level holds; −∞ (None in JSON) for the lowest. ``meaning``: one
    sentence for the person."""

    code: str
    name: str
    floor: float
    meaning: str = ""


LEVELS = (
    Level(
        "decouverte",
        "Découverte",
        -math.inf,
        "Vous découvrez ce domaine : les gestes de base sont à apprendre.",
    ),
    Level(
        "initiation",
        "Initiation",
        -0.8,
        "Vous connaissez les gestes simples ; une aide reste utile pour le reste.",
    ),
    Level(
        "autonomie",
        "Autonomie",
        0.2,
        "Vous vous débrouillez seul ou seule dans les situations courantes.",
    ),
    Level(
        "maitrise",
        "Maîtrise",
        1.2,
        "Vous réglez les situations difficiles et pouvez aider vos collègues.",
    ),
)


def normal_below(x: float) -> float:
    """Φ(x)."""
    return 0.5 * math.erfc(-x / math.sqrt(2))


def level_probabilities(levels: tuple[Level, ...], theta: float, sd: float) -> tuple[float, ...]:
    """P(level) of each, the posterior of θ taken as N(theta, sd²); they sum to 1."""
    below = [normal_below((level.floor - theta) / sd) for level in levels] + [1.0]
    return tuple(high - low for low, high in pairwise(below))
