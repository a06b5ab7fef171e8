"""What a session's people gained between the two tests: computed once, read by every screen.

Both forms lie on one scale: their items come from the frozen test, with the error of each
parameter carried in its curve. Persons are estimated without drawing them towards a mean (WLE), so
that a change is not made smaller than it was; the group by marginal likelihood (engine, gain).
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from kalan.assessment.models import Sitting
from kalan.assessment.selectors.frozen import frozen_of
from kalan.engine.psychometrics.data import Bank, Responses
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.gain import Z95, group_gain
from kalan.engine.psychometrics.scoring import score
from kalan.engine.testing.items import Item, bank_of
from kalan.engine.testing.outcome import answers_of
from kalan.training.models import Moment, Session, SessionGain, SessionSitting
from kalan.training.selectors.learning import freshness, stale_sessions

MIN_PAIRS = 10  # decision 0013: a gain needs ten pairs
MIN_CLUSTERS = 10  # below, a sandwich over structures is too unsteady to be trusted
_SCALE, _MIDDLE = 100, 500
_MOMENTS = (str(Moment.BEFORE.value), str(Moment.AFTER.value))


@dataclass(frozen=True)
class _Paper:
    """One sitting's answers: (uid of the item version, category)."""

    answers: tuple[tuple[str, int], ...]
    simulated: bool
    structure: int | None


def compute_gain(*, session: Session, now: dt.datetime) -> SessionGain:
    """Compute and store the gain of ``session``; about 30 ms for thirty people.

    Whoever adds a result asks for it (``ask_gain``); a schedule catches what was missed.
    """
    stand = freshness(session)
    body = _body(session)
    row, _ = SessionGain.objects.update_or_create(
        session=session,
        defaults={
            "results": stand.results,
            "newest": stand.newest,
            "body": body,
            "computed_at": now,
        },
    )
    return row


def ask_gain(session_id: int) -> None:
    """Have the gain computed once this transaction has committed."""
    from kalan.training import tasks  # a service may enqueue a task of its room

    transaction.on_commit(lambda: tasks.compute.enqueue(session_id=session_id), robust=True)


def compute_stale(*, now: dt.datetime) -> int:
    """Compute what is out of date; returns how many sessions."""
    number = 0
    for session in stale_sessions().order_by("pk"):
        compute_gain(session=session, now=now)
        number += 1
    return number


def _body(session: Session) -> dict[str, Any]:
    papers, items, calibrated = _papers(session)
    if not papers:
        return {}
    uids = sorted({uid for paper in papers.values() for uid, _ in paper.answers})
    place = {uid: number for number, uid in enumerate(uids)}
    bank = bank_of([items[uid] for uid in uids])
    lines = sorted({line for line, _ in papers})
    measured = {moment: _measures(bank, items, place, lines, papers, moment) for moment in _MOMENTS}
    pairs = [line for line in lines if all((line, moment) in papers for moment in _MOMENTS)]
    return {
        "people": {
            str(line): _person(measured[_MOMENTS[0]].get(line), measured[_MOMENTS[1]].get(line))
            for line in lines
        },
        "taken": {moment: len(measured[moment]) for moment in _MOMENTS},
        "pairs": len(pairs),
        "group": _group(bank, place, pairs, papers, measured),
        "questions": {moment: _questions(papers, moment) for moment in _MOMENTS},
        "provisional": sum(items[uid].provisional for uid in uids),
        "items": len(uids),
        "simulated": any(paper.simulated for paper in papers.values()),
        "simulated_calibration": calibrated,
    }


def _papers(
    session: Session,
) -> tuple[dict[tuple[int, str], _Paper], dict[str, Item], bool]:
    """({(registration, moment): answers}, items by uid, whether a calibration is simulated).

    Where the test was frozen anew in between, the newest parameters serve for both moments.
    """
    rows = (
        SessionSitting.objects.filter(
            registration__session=session, sitting__state__in=Sitting.OVER
        )
        .select_related("sitting", "registration")
        .order_by("sitting__frozen_id", "pk")
    )
    items: dict[str, Item] = {}
    papers: dict[tuple[int, str], _Paper] = {}
    simulated: dict[int, bool] = {}
    for row in rows.select_related("sitting__frozen").defer("sitting__frozen__body"):
        sitting = row.sitting
        frozen = frozen_of(sitting.frozen_id)
        if sitting.frozen_id not in simulated:
            simulated[sitting.frozen_id] = sitting.frozen.simulated
            items.update({item.uid: item for item in frozen.items})
        answers = tuple(
            (frozen.items[item].uid, category)
            for item, category in answers_of(json.loads(sitting.log))
        )
        if answers:
            papers[row.registration_id, row.moment] = _Paper(
                answers, sitting.simulated, row.registration.structure_id
            )
    return papers, items, any(simulated.values())


def _responses(
    place: dict[str, int],
    lines: list[int],
    papers: dict[tuple[int, str], _Paper],
    moment: str,
    items: tuple[str, ...],
) -> Responses:
    triples = [
        (number, place[uid], category)
        for number, line in enumerate(lines)
        if (line, moment) in papers
        for uid, category in papers[line, moment].answers
    ]
    person, item, category = zip(*triples, strict=True) if triples else ((), (), ())
    return Responses.from_triples(person, item, category, items=items, persons=len(lines))


def _measures(
    bank: Bank,
    items: dict[str, Item],
    place: dict[str, int],
    lines: list[int],
    papers: dict[tuple[int, str], _Paper],
    moment: str,
) -> dict[int, dict[str, float]]:
    """θ by WLE with its standard error, and per cent of the points, of everyone who answered."""
    mine = [line for line in lines if (line, moment) in papers]
    if not mine:
        return {}
    found = score(bank, _responses(place, mine, papers, moment, bank.items), "WLE")
    out = {}
    for number, line in enumerate(mine):
        answers = papers[line, moment].answers
        share = sum(category / items[uid].top for uid, category in answers) / len(answers)
        out[line] = {
            "percent": 100 * share,
            "theta": float(found.theta[number]),
            "se": float(found.se[number]),
            "answers": len(answers),
        }
    return out


def _person(one: dict[str, float] | None, two: dict[str, float] | None) -> dict[str, Any]:
    """Scores on the 500 scale, the change with its interval, and whether it is real at 95 %."""
    body: dict[str, Any] = {
        moment: None
        if found is None
        else {
            "percent": round(found["percent"], 1),
            "score": _whole(_MIDDLE + _SCALE * found["theta"]),
            "se": _whole(_SCALE * found["se"]),
            "answers": found["answers"],
        }
        for moment, found in zip(_MOMENTS, (one, two), strict=True)
    }
    if one is None or two is None:
        return body
    change = _SCALE * (two["theta"] - one["theta"])
    half = Z95 * _SCALE * float(np.hypot(one["se"], two["se"]))
    if not (math.isfinite(change) and math.isfinite(half)):
        return body
    return body | {
        "change": round(change),
        "low": round(change - half),
        "high": round(change + half),
        "real": bool(abs(change) > half),
    }


def _whole(value: float) -> int | None:
    return round(value) if math.isfinite(value) else None


def _group(
    bank: Bank,
    place: dict[str, int],
    pairs: list[int],
    papers: dict[tuple[int, str], _Paper],
    measured: dict[str, dict[int, dict[str, float]]],
) -> dict[str, Any] | None:
    """The gain of those who took both tests; None below MIN_PAIRS or where it cannot be had."""
    if len(pairs) < MIN_PAIRS:
        return None
    first, second = (_responses(place, pairs, papers, m, bank.items) for m in _MOMENTS)
    try:
        found = group_gain(bank, first, bank, second, cluster=_structures(pairs, papers))
    except DataError:
        return None
    means = [
        sum(measured[moment][line]["percent"] for line in pairs) / len(pairs) for moment in _MOMENTS
    ]
    real = [_person(measured[_MOMENTS[0]][line], measured[_MOMENTS[1]][line]) for line in pairs]
    return {
        "gain": round(_SCALE * found.gain),
        "low": round(_SCALE * found.low),
        "high": round(_SCALE * found.high),
        "before": round(_MIDDLE + _SCALE * found.means[0]),
        "after": round(_MIDDLE + _SCALE * found.means[1]),
        "percent_before": round(means[0], 1),
        "percent_after": round(means[1], 1),
        "n": found.n,
        "clusters": found.clusters if found.clusters < found.n else 0,
        "up": sum(one.get("real", False) and one["change"] > 0 for one in real),
        "down": sum(one.get("real", False) and one["change"] < 0 for one in real),
    }


def _structures(
    pairs: list[int], papers: dict[tuple[int, str], _Paper]
) -> NDArray[np.int64] | None:
    """The structure of each person, when there are enough of them to tell (persons otherwise)."""
    numbers: dict[int, int] = defaultdict(lambda: len(numbers))
    where = []
    for line in pairs:
        structure = papers[line, _MOMENTS[0]].structure
        if structure is None:
            return None
        where.append(numbers[structure])
    return np.array(where, np.int64) if len(numbers) >= MIN_CLUSTERS else None


def _questions(papers: dict[tuple[int, str], _Paper], moment: str) -> int:
    """How many questions the form of a moment has, as answered."""
    return max((len(p.answers) for (_, at), p in papers.items() if at == moment), default=0)
