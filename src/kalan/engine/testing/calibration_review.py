"""Calibrated items looked at: misfit, differential functioning, and how far they moved.

Misfit: RMSD between the curve seen and the curve of the model, over those who answered (OECD,
PISA 2015 technical report, chapter 9: 0.12). DIF by Mantel–Haenszel among people of equal θ;
partial credit counts as right from half of its points.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.data import Floats, Responses
from kalan.engine.psychometrics.dif import mantel_haenszel
from kalan.engine.psychometrics.models import expected_score
from kalan.engine.psychometrics.quadrature import normal_grid
from kalan.engine.psychometrics.scoring import posterior
from kalan.engine.psychometrics.tails import benjamini_hochberg
from kalan.engine.testing.calibration_records import (
    BANDS,
    BLOCK,
    DIF_GROUP,
    LIMIT,
    LOW_SLOPE,
    MISFIT,
    NODES,
    Line,
    Prepared,
    Progress,
    Scale,
    known,
)
from kalan.engine.testing.items import GATE, Item, bank_of


def review(prepared: Prepared, lines: list[Line], scale: Scale, progress: Progress) -> list[Line]:
    usable = [line.item.a > 0 for line in lines]
    theta = np.full(prepared.responses.n_persons, np.nan)
    rmsd: list[float | None] = [None] * len(lines)
    if all(usable):
        rmsd, theta = _fit(prepared.responses, [line.item for line in lines], scale, progress)
    progress(90)
    dif = _dif(prepared, lines, theta)
    out = []
    for one, line, off, group in zip(prepared.subjects, lines, rmsd, dif, strict=True):
        flags = [*line.flags]
        if line.item.n < GATE:
            flags.append("few")
        if line.item.a < LOW_SLOPE:
            flags.append("low_slope")
        if off is not None and off > MISFIT:
            flags.append("misfit")
        if group.get("class") == "C":
            flags.append("dif")
        if one.adopted is not None and _moved(one.adopted, line):
            flags.append("moved")
        out.append(replace(line, flags=tuple(flags), rmsd=off, dif=group))
    return out


def _fit(
    responses: Responses, items: list[Item], scale: Scale, progress: Progress
) -> tuple[list[float | None], Floats]:
    """RMSD of each item and the mean of θ of each sitting, block by block."""
    bank = bank_of(items, prudent=False)
    grid = normal_grid(NODES, LIMIT + 1, mean=scale.origin, sd=scale.slope)
    theta = np.zeros(responses.n_persons)
    seen, right = np.zeros((2, len(items), grid.size))
    for low in range(0, responses.n_persons, BLOCK):
        part = responses.keep(np.arange(low, min(low + BLOCK, responses.n_persons)))
        weight = posterior(bank, part, grid)
        theta[low : low + BLOCK] = weight @ grid.theta
        order = np.argsort(part.item, kind="stable")
        item = part.item[order]
        first = np.flatnonzero(np.diff(item, prepend=-1))
        share = part.category[order] / bank.top[item]
        spread = weight[part.person[order]]
        seen[item[first]] += np.add.reduceat(spread, first)
        right[item[first]] += np.add.reduceat(spread * share[:, None], first)
        progress(75 + 15 * min(low + BLOCK, responses.n_persons) // responses.n_persons)
    return _distances(seen, right, expected_score(bank, grid.theta) / bank.top[:, None]), theta


def _distances(seen: Floats, right: Floats, model: Floats) -> list[float | None]:
    number = seen.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = np.where(seen > 0, right / seen, model)
        found = np.sqrt((seen / number * (observed - model) ** 2).sum(axis=1))
    return [known(value) for value in found]


def _dif(prepared: Prepared, lines: list[Line], theta: Floats) -> list[dict[str, float | str]]:
    """Mantel–Haenszel of each item between the focal sittings and the others, at equal θ."""
    responses, focal = prepared.responses, prepared.focal
    if not np.isfinite(theta).all():
        return [{} for _ in lines]
    edges = np.quantile(theta, np.linspace(0, 1, BANDS + 1)[1:-1])
    band = np.searchsorted(edges, theta).astype(np.int64)
    person, order = responses.person, np.argsort(responses.item, kind="stable")
    ends = np.searchsorted(responses.item[order], np.arange(len(lines) + 1))
    out: list[dict[str, float | str]] = []
    for row, line in enumerate(lines):
        rows = order[ends[row] : ends[row + 1]]
        rows = rows[focal[person[rows]] >= 0]
        who = person[rows]
        right = (2 * responses.category[rows] >= line.item.top).astype(np.int64)
        out.append(_one_dif(who, right, focal, band))
    adjusted = benjamini_hochberg([_p(one) for one in out])
    for one, p in zip(out, adjusted, strict=True):
        if p is not None:
            one["p"] = p
            if p >= 0.05:
                one["class"] = "A"
    return out


def _p(one: Mapping[str, float | str]) -> float | None:
    return float(one["p"]) if "p" in one else None


def _one_dif(
    who: NDArray[np.int64],
    right: NDArray[np.int64],
    focal: NDArray[np.int8],
    band: NDArray[np.int64],
) -> dict[str, float | str]:
    groups = focal[who] == 1
    if groups.sum() < DIF_GROUP or (~groups).sum() < DIF_GROUP:
        return {}
    one = Responses.from_dense(right[:, None], items=["q"])
    found = mantel_haenszel(one, groups, match=band[who])[0]
    if found.klass is None or found.delta is None or found.p is None:
        return {}
    return {"class": found.klass, "delta": found.delta, "p": found.p}


def _moved(before: Item, line: Line) -> bool:
    """Whether a parameter went further than two standard errors of the difference."""
    after = line.item
    if before.top != after.top or (before.c > 0) != (after.c > 0):
        return False  # another model: its parameters say another thing
    pairs = (
        (after.place - before.place, before.se_b, after.se_b),
        (after.a - before.a, before.se_a, after.se_a),
    )
    return any(
        abs(gap) > 2 * math.hypot(one, two)
        for gap, one, two in pairs
        if one is not None and two is not None
    )
