"""What was seen of each question, counted anew as a whole: a handful of queries a bank.

Real and simulated answers are never added up: a version counts the real ones; in the
demonstration alone, where it has none, the simulated ones.
"""

from __future__ import annotations

import datetime as dt
import logging
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import Count
from numpy.typing import NDArray

from kalan.assessment.models import Answer, FrozenItem, Sitting, SittingEvent
from kalan.assessment.selectors.answers import Table, Which, load
from kalan.base.errors import Refused
from kalan.engine.psychometrics.data import Floats, Responses
from kalan.engine.psychometrics.dif import mantel_haenszel
from kalan.engine.testing.outcome import Z95
from kalan.skills.models import ItemBank
from kalan.skills.services.statistics import StatisticsRow, store

logger = logging.getLogger(__name__)

REST_LEAST = 3  # other answers of a sitting, below which its rest score says nothing
PAIRS_LEAST = 30  # answers from which a correlation is given
DIF_GROUP = 50
BANDS = 5
TYPED_KEPT = 12  # of what was typed, the most frequent


def count_statistics(*, bank: ItemBank, now: dt.datetime) -> int:
    """Count every version of ``bank`` that was asked, and store it; return how many.

    Counted: times shown, answers, facility with its interval (Wilson 1927), correlation with the
    rest of the sitting, what was chosen, median seconds, DIF between women and men
    (Mantel–Haenszel, from 50 of each), exposure among the sittings that could show it.
    """
    real = _counted(bank, simulated=False)
    if settings.KALAN_DEMO:
        invented = _counted(bank, simulated=True)
        real = {**invented, **real}
    return store(rows=[real[version] for version in sorted(real)], now=now)


def count_all(*, now: dt.datetime) -> int:
    """Count every bank; one that is refused does not keep the others waiting."""
    number = 0
    for bank in ItemBank.objects.order_by("pk"):
        try:
            number += count_statistics(bank=bank, now=now)
        except Refused:
            logger.exception("statistics of bank %s", bank.code)
    return number


def _counted(bank: ItemBank, *, simulated: bool) -> dict[int, StatisticsRow]:
    table = load(bank, Which(simulated=simulated, finished=False, first_only=False))
    shown, could = _shown(bank, simulated=simulated)
    if not table.size and not shown:
        return {}
    chosen = _chosen(bank, simulated=simulated)
    table = table[np.argsort(table["version"], kind="stable")]
    rest, band = _rest_scores(table)
    versions, first = np.unique(table["version"], return_index=True)
    ends = [*first[1:].tolist(), table.size]
    found: dict[int, StatisticsRow] = {}
    for version, low, high in zip(versions.tolist(), first.tolist(), ends, strict=True):
        part = table[low:high]
        answers, right = high - low, float(part["fraction"].sum(dtype=np.float64))
        # An answer was shown, also one whose sitting was taken up by another hand.
        times = answers + shown.pop(version, 0)
        found[version] = StatisticsRow(
            version_id=version,
            shown=times,
            answers=answers,
            right=right,
            simulated=simulated,
            point_biserial=_correlation(part["fraction"], rest[low:high]),
            rest=_rest(part, band[low:high], right, times, could.get(version, 0))
            | {"chosen": chosen.get(version, {})},
        )
    for version, times in shown.items():
        found[version] = StatisticsRow(
            version_id=version, shown=times, answers=0, right=0.0, simulated=simulated,
            rest={"exposure": _exposure(times, could.get(version, 0))},
        )  # fmt: skip
    return found


def _rest(
    part: Table, band: NDArray[np.int64], right: float, shown: int, could: int
) -> dict[str, Any]:
    seconds = part["seconds"][part["seconds"] >= 0]
    out: dict[str, Any] = {
        "facility": interval(right, part.size),
        "exposure": _exposure(shown, could),
    }
    if seconds.size:
        out["seconds"] = float(np.median(seconds))
    if found := _dif(part, band):
        out["dif_all"] = found
        if found["class"] != "A":
            out["dif"] = {
                "group": "femmes et hommes",
                "effect": round(float(found["delta"]), 2),
                "note": "plus difficile pour les femmes" if float(found["delta"]) < 0
                else "plus difficile pour les hommes",
            }  # fmt: skip
    return out


def interval(right: float, number: int) -> dict[str, float]:
    """The 95 % interval of a share (Wilson 1927), as shares; ``right`` may hold part marks,
    for which the interval is a little wide."""
    if number == 0:
        return {}
    p, z2 = right / number, Z95**2
    middle = (p + z2 / (2 * number)) / (1 + z2 / number)
    half = Z95 * math.sqrt(p * (1 - p) / number + z2 / (4 * number**2)) / (1 + z2 / number)
    return {"value": p, "low": max(middle - half, 0.0), "high": min(middle + half, 1.0)}


def _exposure(shown: int, could: int) -> dict[str, float]:
    return {"sittings": could, "rate": min(shown / could, 1.0)} if could else {"sittings": 0}


# --- Arrays -----------------------------------------------------------------------------------


def _rest_scores(table: Table) -> tuple[Floats, NDArray[np.int64]]:
    """(A) mean mark of the other answers of the sitting, NaN when they are too few; its band."""
    _, sitting = np.unique(table["sitting"], return_inverse=True)
    mark = table["fraction"].astype(np.float64)
    number = np.bincount(sitting)[sitting] - 1
    total = np.bincount(sitting, mark)[sitting] - mark if table.size else np.zeros(0)
    rest = np.where(number >= REST_LEAST, total / np.maximum(number, 1), np.nan)
    band = np.where(np.isfinite(rest), np.minimum(np.nan_to_num(rest) * BANDS, BANDS - 1), -1)
    return rest, band.astype(np.int64)


def _correlation(mark: NDArray[Any], rest: Floats) -> float | None:
    there = np.isfinite(rest)
    if there.sum() < PAIRS_LEAST:
        return None
    x, y = mark[there].astype(np.float64), rest[there]
    if x.std() < 1e-9 or y.std() < 1e-9:
        return None
    return float(np.corrcoef(x, y)[0, 1])


def _dif(part: Table, band: NDArray[np.int64]) -> dict[str, float | str]:
    """Women against men of the same rest score; {} when a group has fewer than 50."""
    there = (part["sex"] >= 0) & (band >= 0)
    focal = part["sex"][there] == 1
    if focal.sum() < DIF_GROUP or (~focal).sum() < DIF_GROUP:
        return {}
    right = (part["fraction"][there] >= 0.5).astype(np.int64)
    one = Responses.from_dense(right[:, None], items=["q"])
    found = mantel_haenszel(one, focal, match=band[there])[0]
    if found.klass is None or found.delta is None or found.p is None:
        return {}
    return {
        "class": found.klass, "delta": found.delta, "p": found.p,
        "women": int(focal.sum()), "men": int((~focal).sum()),
    }  # fmt: skip


# --- What the database counts -----------------------------------------------------------------


def _shown(bank: ItemBank, *, simulated: bool) -> tuple[Counter[int], Counter[int]]:
    """{version: times shown without an answer}, {version: sittings that could show it}."""
    begun = Sitting.objects.filter(simulated=simulated, started_at__isnull=False)
    items = FrozenItem.objects.filter(version__item__bank=bank)
    sittings = dict(
        begun.filter(frozen__test__bank=bank)
        .order_by()
        .values_list("frozen_id")
        .annotate(number=Count("pk"))
    )
    waiting = {
        (frozen, asked): number
        for frozen, asked, number in begun.filter(
            frozen__test__bank=bank, state=Sitting.State.RUNNING, asked__isnull=False
        )
        .order_by()
        .values_list("frozen_id", "asked")
        .annotate(number=Count("pk"))
    }
    shown: Counter[int] = Counter()
    could: Counter[int] = Counter()
    for frozen, number, version in items.values_list("frozen_id", "number", "version_id"):
        could[version] += sittings.get(frozen, 0)
        if (frozen, number) in waiting:
            shown[version] += waiting[frozen, number]
    replaced = (
        SittingEvent.objects.filter(
            kind=SittingEvent.Kind.REPLACED,
            version__item__bank=bank,
            sitting__simulated=simulated,
        )
        .order_by()
        .values_list("version_id")
        .annotate(number=Count("pk"))
    )
    for version, number in replaced:
        shown[version] += number
    return shown, could


def _chosen(bank: ItemBank, *, simulated: bool) -> dict[int, dict[str, int]]:
    """{version: {what was chosen: times}}: choices by id, pairs as "a→b", gaps as "1:b", the most
    frequent texts; blank answers under ""."""
    rows = (
        Answer.objects.filter(version__item__bank=bank, simulated=simulated)
        .order_by()
        .values_list("version_id", "given")
        .annotate(number=Count("pk"))
    )
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for version, given, number in rows.iterator(chunk_size=5000):
        for said in parts(given):
            found[version][said] += number
    return {
        version: dict(sorted(count.most_common(TYPED_KEPT * 4))) for version, count in found.items()
    }


def parts(given: dict[str, Any] | None) -> Iterable[str]:
    """What a given answer (``skills.play.given.Given``) is made of, for counting."""
    return list(_parts(given)) or [""]


def _parts(given: dict[str, Any] | None) -> Iterator[str]:
    given = given or {}
    for name in ("choice", "text"):
        if given.get(name):
            yield str(given[name])[:60]
    yield from given.get("choices", [])
    for left, right in given.get("pairs", {}).items():
        yield f"{left}→{right}"
    for step, rank in given.get("ranks", {}).items():
        yield f"{step}:{rank}"
    for gap, filled in given.get("gaps", {}).items():
        for one in filled if isinstance(filled, list) else [filled]:
            yield f"{gap}:{one}"[:60]
