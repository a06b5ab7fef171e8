"""Reading banks, items and what tests are built from."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import FilteredRelation, Q, QuerySet

from kalan.people.actor import Actor
from kalan.skills.models import Item, ItemBank, ItemCalibration
from kalan.skills.play import grade
from kalan.skills.play.shape import Stored
from kalan.skills.policy import CAPABILITIES

ACTIVE = (Item.State.ACTIVE,)


def banks_visible_to(actor: Actor, capability: str = "items.view") -> QuerySet[ItemBank]:
    """Banks held by a node on which the actor has ``capability``."""
    return ItemBank.objects.filter(actor.scope(CAPABILITIES[capability], "node__"))


def items_visible_to(actor: Actor, capability: str = "items.view") -> QuerySet[Item]:
    """Items of those banks."""
    return Item.objects.filter(actor.scope(CAPABILITIES[capability], "bank__node__"))


@dataclass(frozen=True, slots=True)
class Measured:
    """An adopted calibration, in the logistic metric (D = 1)."""

    model: str
    a: float
    b: tuple[float, ...]
    c: float
    se_a: float | None
    se_b: float | None
    answers: int
    simulated: bool

    @property
    def provisional(self) -> bool:
        """Whether too few answers stand behind it."""
        return self.answers < ItemCalibration.GATE


@dataclass(frozen=True, slots=True)
class TestItem:
    """What building a test needs of the current version of an item.

    ``top``: the highest number of points (1 for all or nothing); ``options``: choices among which
    one guesses, 0 when nothing is proposed. ``calibration`` None: only the expert's guess.
    """

    __test__ = False  # pytest takes the name for one of its own

    version_id: int
    version_uid: uuid.UUID
    item_uid: uuid.UUID
    code: str
    domain: str
    competency: str
    kind: str
    state: str
    content: dict[str, Any]
    top: int
    options: int
    difficulty: float
    accessible: bool
    calibration: Measured | None

    @property
    def provisional(self) -> bool:
        return self.calibration is None or self.calibration.provisional


_COLUMNS = {
    "version_id": "current_id",
    "version_uid": "current__uid",
    "item_uid": "uid",
    "code": "code",
    "domain": "domain__code",
    "competency": "competency__code",
    "kind": "kind",
    "state": "state",
    "content": "current__content",
    "key": "current__key",
    "difficulty": "difficulty",
    "accessible": "accessible",
    **{
        f"cal_{name}": f"cal__{name}"
        for name in ("model", "a", "b", "c", "se_a", "se_b", "answers", "simulated")
    },
}


def for_tests(bank: ItemBank, states: Sequence[str] = ACTIVE) -> list[TestItem]:
    """The items of a bank in ``states`` with their current calibration, by code (one query)."""
    rows = (
        Item.objects.filter(bank=bank, state__in=states, current__isnull=False)
        .alias(
            cal=FilteredRelation(
                "current__calibrations", condition=Q(current__calibrations__current=True)
            )
        )
        .order_by("code", "pk")
        .values_list(*_COLUMNS.values())
    )
    return [_test_item(dict(zip(_COLUMNS, row, strict=True))) for row in rows]


def _test_item(row: dict[str, Any]) -> TestItem:
    calibration = None
    measured = {name[4:]: row.pop(name) for name in list(row) if name.startswith("cal_")}
    if measured["model"] is not None:
        measured["b"] = tuple(measured["b"])
        calibration = Measured(**measured)
    key = row.pop("key")
    row["competency"] = row["competency"] or ""
    top, options = points(Stored(row["content"], key))
    return TestItem(**row, top=top, options=options, calibration=calibration)


def points(stored: Stored) -> tuple[int, int]:
    """(the highest category, the choices among which one guesses)."""
    options = {"single": len(stored.content.get("choices", ())), "truefalse": 2}
    return grade.top(stored), options.get(stored.kind, 0)


def alike_of(bank: ItemBank, *, but: Item | None = None) -> list[tuple[Item, str]]:
    """(item, words) of what a new question of the bank may resemble, retired ones left out."""
    rows = Item.objects.filter(bank=bank, current__isnull=False).exclude(state=Item.State.RETIRED)
    if but:
        rows = rows.exclude(pk=but.pk)
    rows = rows.select_related("current").only("uid", "code", "current__words")
    return [(item, item.current.words) for item in rows.order_by("code", "pk") if item.current]
