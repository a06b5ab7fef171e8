"""A bank of the real questions under their experts' difficulties, and persons to answer it."""

from __future__ import annotations

import random
import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from kalan.engine.psychometrics.models import probabilities
from kalan.engine.testing.freezing import freeze
from kalan.engine.testing.frozen import Frozen
from kalan.engine.testing.items import Item, bank_of, provisional
from kalan.engine.testing.plan import plan_from, preset
from kalan.engine.testing.walk import Ask, End, Entry, Pause, Walk

FOLDER = Path(__file__).parents[2] / "packs/questions/fr"
NAMES = {
    "donnees": "Données de santé",
    "cyber": "Cybersécurité en santé",
    "communication": "Communication en santé",
    "outils": "Outils numériques en santé",
    "telesante": "Télésanté",
}
PARTS = {"matching": "pairs", "ordering": "steps", "cloze": "gaps"}


@cache
def questions() -> tuple[Item, ...]:
    """All questions of the pack; every fifth needs sight or a mouse."""
    found: list[Item] = []
    for path in sorted(FOLDER.glob("*.toml")):
        file = tomllib.loads(path.read_text(encoding="utf-8"))
        for one in file["question"]:
            top = max(len(one.get(PARTS.get(one["type"], ""), "x")), 1)
            item = provisional(
                f"{one['code']}@1",
                one["code"],
                file["domain"],
                one["type"],
                difficulty=one["difficulty"],
                top=top,
                options=len(one.get("choices", ())),
                accessible=len(found) % 5 != 0,
            )
            found.append(item)
    return tuple(found)


def small(each: int = 14) -> tuple[Item, ...]:
    """The first questions of each domain: a bank that is quick to tune."""
    every = questions()
    return tuple(
        item for code in NAMES for item in [one for one in every if one.domain == code][:each]
    )


@cache
def calibrated() -> tuple[Item, ...]:
    """The same questions after a calibration: slopes about 1.2, small errors, 800 answers."""
    rng = np.random.default_rng(3)
    out = []
    for item in questions():
        a = item.a * float(np.exp(rng.normal(0.2, 0.3)))
        shift = float(rng.normal(0, 0.5))
        steps = tuple(b + shift for b in item.b)
        out.append(replace(item, a=a, b=steps, se_a=0.1 * a, se_b=0.1, n=800))
    return tuple(out)


@cache
def frozen(purpose: str, each: int = 14, cap: float | None = None) -> Frozen:
    """A frozen test of the default plan on the small bank (``each`` 0: all questions)."""
    plan = preset(purpose, NAMES)  # type: ignore[arg-type]
    plan.pop("r_max", None)
    if cap is not None:
        plan["r_max"] = cap
    made = plan_from(plan | ({"r_max": 1.0} if cap is None else {}))
    return freeze(small(each) if each else questions(), replace(made, cap=cap))


def sit(walk: Walk, theta: dict[str, float], seed: int, *, steps: int = 10_000) -> list[Entry]:
    """Answer as a person of these abilities would, up to ``steps`` entries."""
    luck, log = random.Random(seed), list[Entry]()
    items = walk.frozen.items
    while len(log) < steps:
        now = walk.next()
        if isinstance(now, End):
            break
        if isinstance(now, Pause):
            log.append(walk.proceed())
            continue
        assert isinstance(now, Ask)
        item = items[now.item]
        p = probabilities(bank_of([item]), np.array([theta[item.domain]]))[0, :, 0]
        category = int((luck.random() > np.cumsum(p)).sum())
        log.append(walk.answer(now.item, min(category, item.top)))
    return log


def level(theta: float) -> dict[str, float]:
    return dict.fromkeys(NAMES, theta)
