"""Thousands of answers drawn from the model, without walking through the screens."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from kalan.assessment.models import (
    Answer,
    CalibrationLine,
    CalibrationRun,
    FrozenItem,
    FrozenTest,
    Sitting,
    Test,
)
from kalan.base.ids import uuid7
from kalan.engine.psychometrics.models import probabilities
from kalan.engine.testing.items import Item as TrueItem
from kalan.engine.testing.items import bank_of, provisional
from kalan.people.models import Agent
from kalan.skills.models import Item, ItemBank
from tests.factories.people import NOW


def frozen_test(bank: ItemBank, **fields: Any) -> FrozenTest:
    """A published test on all items of ``bank``, frozen in name only: it scores nothing."""
    test = Test.objects.create(
        **{
            "code": f"calibre-{Test.objects.count()}",
            "title": "Positionnement",
            "purpose": "positioning_short",
            "state": "published",
            "bank": bank,
            "node": bank.node,
            "created_at": NOW,
            "published_at": NOW,
            **fields,
        }
    )
    frozen = FrozenTest.objects.create(test=test, version=f"v{test.pk}", body="{}", created_at=NOW)
    items = Item.objects.filter(bank=bank).order_by("code")
    FrozenItem.objects.bulk_create(
        FrozenItem(frozen=frozen, number=number, version=item.current)
        for number, item in enumerate(items.select_related("current"))
        if item.current is not None
    )
    return frozen


def ready(bank: ItemBank, name: str) -> CalibrationRun:
    """A run to be looked at, of made-up figures: every flag on some line."""
    bank.name = f"Questions de {name}"
    bank.save()
    run = CalibrationRun.objects.create(
        bank=bank,
        state="ready",
        answers=9000,
        persons=600,
        created_at=NOW,
        report={
            "scale": {"by": "anchors", "slope": 0.9, "origin": 0.2, "anchors": 18,
                      "drifted": ["d1-03"]},
            "warnings": ["12 réponses à des versions remplacées n’ont pas été comptées."],
            "left_out": [{"code": "d2-11", "answers": 12, "reason": "moins de 30 réponses"}],
            "seconds": 1.2,
            "memory": 140,
        },
    )  # fmt: skip
    flags = [[], ["few"], ["low_slope", "misfit"], ["dif"], ["moved"], ["collapsed", "unsure"]]
    items = Item.objects.filter(bank=bank).order_by("code").select_related("current")
    CalibrationLine.objects.bulk_create(
        CalibrationLine(
            run=run,
            version=item.current,
            answers=600,
            before={"a": 1.0, "b": [item.difficulty], "c": 0.33, "answers": 0, "expert": True},
            after={"model": "2PL", "a": 1.21, "b": [item.difficulty + 0.2], "c": 0.0,
                   "se_a": 0.11, "se_b": 0.09, "rmsd": 0.03, "dif": {}, "mapping": {}},
            flags=flags[number % len(flags)],
        )
        for number, item in enumerate(items)
        if item.current is not None
    )  # fmt: skip
    return run


def truth(bank: ItemBank) -> list[TrueItem]:
    """True parameters of the bank's items: a spread of slopes, the experts' difficulties."""
    rng = np.random.default_rng(3)
    found = []
    for item in Item.objects.filter(bank=bank).order_by("code"):
        one = provisional(str(item.current_id), item.code, "d", "numeric",
                          difficulty=item.difficulty)  # fmt: skip
        a = float(np.exp(rng.normal(0.15, 0.2)))
        found.append(TrueItem(**{**vars(one), "a": a}))
    return found


def answered(
    frozen: FrozenTest,
    items: list[TrueItem],
    persons: int,
    *,
    simulated: bool = False,
    seed: int = 1,
    state: str = "finished",
    harder: dict[str, float] | None = None,
    agents: list[Agent] | None = None,
    at: dt.datetime = NOW,
) -> list[Sitting]:
    """Sittings of ``persons``, every item answered; women and men in turn.

    ``harder``: code → how much harder the item is for women. ``agents``: whose sittings these
    are, else of people whom nobody knows.
    """
    rng = np.random.default_rng(seed)
    theta = rng.normal(0, 1, persons)
    woman = np.arange(persons) % 2 == 0
    sittings = Sitting.objects.bulk_create(
        Sitting(
            uid=uuid7(),
            test_id=frozen.test_id,
            frozen=frozen,
            agent=agents[number] if agents else None,
            sex="F" if woman[number] else "M",
            state=state,
            seed=1,
            simulated=simulated,
            created_at=at,
            started_at=at,
            finished_at=at if state == "finished" else None,
        )
        for number in range(persons)
    )
    rows = []
    for number, item in enumerate(items, start=1):
        place = theta - (harder or {}).get(item.code, 0.0) * woman
        p = probabilities(bank_of([item], prudent=False), place)[0]
        right = rng.random(persons) < p[1]
        rows += [
            Answer(
                uid=uuid7(),
                sitting=sitting,
                number=number,
                version_id=int(item.uid),
                given={"choice": "b" if right[person] else "a"},
                category=int(right[person]),
                fraction=float(right[person]),
                seconds=20 + number,
                simulated=simulated,
                at=at,
            )
            for person, sitting in enumerate(sittings)
        ]
    Answer.objects.bulk_create(rows, batch_size=2000)
    return sittings
