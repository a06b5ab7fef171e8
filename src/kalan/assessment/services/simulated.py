"""Sittings that nobody took, for the demonstration and for benchmarks.

They carry a flag in the sitting, in each answer and in the result: real calibrations, real
statistics and public figures leave them out. What is drawn is what a person would do: the items
come from the walk of the frozen test, the categories from the response model under parameters that
differ from the frozen ones as these may differ from the truth, the words from ``play.invented``.
"""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
from django.db import transaction

from kalan.assessment.models import Answer, DomainResult, Result, Sitting, Test
from kalan.assessment.selectors.frozen import frozen_of, version_ids
from kalan.assessment.services.results import rows_of
from kalan.assessment.services.sittings import frozen_for
from kalan.base.ids import uuid7
from kalan.engine.psychometrics.data import Floats
from kalan.engine.psychometrics.models import probabilities
from kalan.engine.testing.frozen import Frozen
from kalan.engine.testing.items import bank_of
from kalan.engine.testing.outcome import outcomes
from kalan.engine.testing.study import perturbed
from kalan.engine.testing.walk import Ask, Pause, Walk
from kalan.people.models import Account, Agent
from kalan.skills.models import ItemVersion
from kalan.skills.play.given import Given
from kalan.skills.play.grade import grade
from kalan.skills.play.invented import answers as invented
from kalan.skills.play.shape import Stored

GRID = np.linspace(-4.0, 4.0, 81)
SECONDS = 35  # between two answers, on average
BATCH = 2000


@dataclass(frozen=True)
class Taker:
    """Who takes the test: ``ability`` by domain code on the θ scale, at ``at``; where they count.
    ``form``: number of a fixed form. ``upto``: answers after which the person leaves, None: none.
    """

    ability: Mapping[str, float]
    at: dt.datetime
    agent: Agent | None = None
    account: Account | None = None
    structure_id: int | None = None
    cadre_id: int | None = None
    sex: str = ""
    form: int | None = None
    upto: int | None = None


@dataclass(frozen=True)
class _Item:
    """An item as simulated persons meet it."""

    version_id: int
    domain: str
    cumulative: Floats  # (81, K - 1) P(category ≤ k) on GRID
    says: list[list[tuple[Given | None, float]]]  # by category: what was posted, its mark


@transaction.atomic
def record(*, test: Test, takers: Sequence[Taker], context: str, seed: int) -> list[Sitting]:
    """Store a simulated sitting for each taker, in their order, with answers and results.

    The same seed on the same frozen test gives the same sittings. A few writes, however many.
    """
    frozen_row = frozen_for(test)
    frozen = frozen_of(frozen_row.pk)
    draw = random.Random(seed)  # noqa: S311 - invented data, not a secret
    items = _items(frozen, version_ids(frozen_row.pk))
    paths = [_walked(frozen, items, taker, draw) for taker in takers]
    sittings = [
        _sitting(test, frozen_row.pk, context, taker, path)
        for taker, path in zip(takers, paths, strict=True)
    ]
    Sitting.objects.bulk_create(sittings, batch_size=BATCH)
    answers = [
        row for one, path in zip(sittings, paths, strict=True) for row in _answers(one, path, items)
    ]
    Answer.objects.bulk_create(answers, batch_size=BATCH)
    over = [
        (one, path) for one, path in zip(sittings, paths, strict=True) if one.state in Sitting.OVER
    ]
    _results(frozen, over)
    return sittings


@dataclass(frozen=True)
class _Path:
    seed: int
    log: list[list[Any]]
    asked: int | None  # the question on screen when the person left
    said: list[tuple[int, int, int]]  # item, category, which of its answers


def _items(frozen: Frozen, versions: Mapping[int, int]) -> list[_Item]:
    """Response curves and invented answers of every item, by its number in the frozen test."""
    true = [
        perturbed(item, np.random.default_rng(crc32(item.code.encode()))) for item in frozen.items
    ]
    p = probabilities(bank_of(true, prudent=False), GRID)  # (n, K, Q)
    cumulative = np.cumsum(p, axis=1)[:, :-1].transpose(0, 2, 1)
    kept = ItemVersion.objects.in_bulk(list(versions.values()))
    found = []
    for number, item in enumerate(frozen.items):
        row = kept[versions[number]]
        stored = Stored(row.content, row.key)
        found.append(
            _Item(row.pk, item.domain, cumulative[number][:, : item.top], _says(stored, item.code))
        )
    return found


def _noise(code: str) -> np.random.Generator:
    """The same item is the same in every test."""
    return np.random.default_rng(crc32(code.encode()))


def _says(stored: Stored, code: str) -> list[list[tuple[Given | None, float]]]:
    kinds = invented(stored, random.Random(crc32(code.encode())))  # noqa: S311 - invented data
    return [[(given or None, grade(stored, given).fraction) for given in kept] for kept in kinds]


def _walked(frozen: Frozen, items: list[_Item], taker: Taker, draw: random.Random) -> _Path:
    seed = draw.getrandbits(32) or 1
    walk = Walk(frozen, seed, form=taker.form)
    log: list[list[Any]] = []
    said: list[tuple[int, int, int]] = []
    while True:
        step = walk.next()
        if isinstance(step, Pause):
            log.append(walk.proceed())
            continue
        if not isinstance(step, Ask):
            return _Path(seed, log, None, said)
        if taker.upto is not None and len(said) >= taker.upto:
            return _Path(seed, log, step.item, said)
        item = items[step.item]
        category = _category(item, taker.ability[item.domain], draw)
        log.append(walk.answer(step.item, category))
        said.append((step.item, category, draw.randrange(len(item.says[category]))))


def _category(item: _Item, theta: float, draw: random.Random) -> int:
    row = int(np.clip(round((theta - GRID[0]) / (GRID[1] - GRID[0])), 0, GRID.size - 1))
    # Of an unreachable category the invented answers are those of the one below.
    return int((draw.random() > item.cumulative[row]).sum())


def _sitting(test: Test, frozen_id: int, context: str, taker: Taker, path: _Path) -> Sitting:
    over = path.asked is None
    end = taker.at + dt.timedelta(seconds=SECONDS * len(path.said))
    return Sitting(
        test=test,
        frozen_id=frozen_id,
        account=taker.account,
        agent=taker.agent,
        structure_id=taker.structure_id,
        cadre_id=taker.cadre_id,
        sex=taker.sex,
        context=context,
        state=Sitting.State.FINISHED if over else Sitting.State.RUNNING,
        seed=path.seed,
        form=taker.form,
        log=json.dumps(path.log, separators=(",", ":")),
        step=len(path.log),
        asked=path.asked,
        asked_at=None if over else end,
        simulated=True,
        created_at=taker.at,
        started_at=taker.at,
        finished_at=end if over else None,
    )


def _answers(sitting: Sitting, path: _Path, items: list[_Item]) -> list[Answer]:
    start = sitting.started_at or sitting.created_at
    rows = []
    for number, (item, category, which) in enumerate(path.said, start=1):
        given, fraction = items[item].says[category][which]
        rows.append(
            Answer(
                uid=uuid7(),
                sitting=sitting,
                number=number,
                version_id=items[item].version_id,
                given=given,
                category=category,
                fraction=fraction,
                seconds=SECONDS,
                simulated=True,
                at=start + dt.timedelta(seconds=SECONDS * number),
            )
        )
    return rows


def _results(frozen: Frozen, over: list[tuple[Sitting, _Path]]) -> None:
    # Moments by expectation propagation alone: a hundredth apart from the exact ones at most.
    found = outcomes(frozen, [path.log for _, path in over], exact=False)
    made = [
        rows_of(one, frozen, outcome, number=1, now=one.finished_at or one.created_at)
        for (one, _), outcome in zip(over, found, strict=True)
    ]
    Result.objects.bulk_create([result for result, _ in made], batch_size=BATCH)
    DomainResult.objects.bulk_create(
        [domain for _, domains in made for domain in domains], batch_size=BATCH
    )
