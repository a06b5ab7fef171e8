"""Where a run stands on the scale.

The items that carry an adopted calibration on ``GATE`` answers say it: the run is linked to them
by their curves (Haebara 1980), those that drifted being left out one by one (Huynh & Meyer 2010).
Before there are enough of them the unit is the standard deviation of those who answered, and the
origin is where the items are as hard on the whole as their authors said. See decision 0015.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from kalan.engine.psychometrics.link import link, transformed
from kalan.engine.psychometrics.models import expected_score
from kalan.engine.psychometrics.quadrature import normal_grid
from kalan.engine.psychometrics.reliability import drift
from kalan.engine.testing.calibration_records import (
    ANCHORS,
    Line,
    Prepared,
    Scale,
)
from kalan.engine.testing.items import GATE, Item, bank_of


def place_on_scale(prepared: Prepared, items: list[Item]) -> tuple[Scale, list[str]]:
    """Where the run stands on the scale, from adopted items, else from the experts."""
    pairs = [
        (new, one.adopted)
        for one, new, mapping in zip(prepared.subjects, items, prepared.mapping, strict=True)
        if one.adopted is not None and not mapping and new.a > 0 and new.top == one.adopted.top
    ]
    firm = [pair for pair in pairs if pair[1].n >= GATE]
    if len(firm) >= ANCHORS:
        return _linked(firm), []
    if len(pairs) >= ANCHORS:
        return _linked(pairs), [
            f"Moins de {ANCHORS} questions déjà calibrées sur {GATE} réponses : l’échelle est "
            "tenue par des calibrages provisoires."
        ]
    told = [(new, one.expert) for one, new, mapping
            in zip(prepared.subjects, items, prepared.mapping, strict=True)
            if not mapping and new.a > 0]  # fmt: skip
    if not told:
        return Scale("expert", 1.0, 0.0), ["Rien ne fixe l’origine de l’échelle."]
    text = (
        "Premier calibrage : l’origine de l’échelle vient des difficultés données par les auteurs."
    )
    return Scale("expert", 1.0, _origin(told)), [text]


def _linked(pairs: Sequence[tuple[Item, Item]]) -> Scale:
    source = bank_of([new for new, _ in pairs], prudent=False)
    target = bank_of([old for _, old in pairs], prudent=False)
    codes = {new.uid: new.code for new, _ in pairs}
    kept, drifted = list(source.items), []
    least = max(ANCHORS, math.ceil(len(pairs) / 2))
    while True:
        found = link(source.aligned(kept), target.aligned(kept), "haebara")
        moved = transformed(source.aligned(kept), found.slope, found.intercept)
        beyond = [one for one in drift(target.aligned(kept), moved) if one.flag]
        if not beyond or len(kept) <= least:
            break
        worst = max(beyond, key=lambda one: one.distance).item
        kept.remove(worst)
        drifted.append(codes[worst])
    anchors = tuple(codes[uid] for uid in kept)
    return Scale("anchors", found.slope, found.intercept, anchors, tuple(sorted(drifted)))


def _origin(pairs: Sequence[tuple[Item, Item]]) -> float:
    """The shift by which all items together are as hard for N(0, 1) as the experts said."""
    grid = normal_grid()
    found = bank_of([new for new, _ in pairs], prudent=False)
    told = bank_of([old for _, old in pairs], prudent=False)
    top = found.top[:, None]
    aim = float(((expected_score(told, grid.theta) / top) @ grid.weight).sum())
    low, high = -10.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        moved = transformed(found, 1.0, middle)
        if float(((expected_score(moved, grid.theta) / top) @ grid.weight).sum()) > aim:
            low = middle  # too easy: harder
        else:
            high = middle
    return (low + high) / 2


def moved_to(line: Line, scale: Scale) -> Line:
    def times(value: float | None, by: float) -> float | None:
        return None if value is None else value * by

    item = line.item
    moved = replace(
        item,
        a=item.a / scale.slope,
        b=tuple(scale.slope * b + scale.origin for b in item.b),
        se_a=times(item.se_a, 1 / scale.slope),
        se_b=times(item.se_b, scale.slope),
    )
    steps = tuple(times(value, scale.slope) for value in line.steps)
    return replace(line, item=moved, steps=steps)
