"""Thousands of answers drawn from the model, without walking through the screens."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from kalan.assessment.models import Answer, FrozenItem, FrozenTest, Sitting, Test
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
