"""What a person has to take, is taking and has taken: their page of tests, their space."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from kalan.assessment import parts
from kalan.assessment.models import Result, Sitting, Test
from kalan.assessment.selectors.frozen import frozen_of
from kalan.assessment.selectors.sittings import Retake, my_sittings, retake_after
from kalan.assessment.selectors.tests import open_tests
from kalan.people.actor import Actor

SHOWN = 50


@dataclass(frozen=True)
class Offer:
    """An open test, and whether it may be taken now."""

    test: Test
    rule: Retake


@dataclass(frozen=True)
class Taken:
    """A sitting that is over. ``level``: its name; "" without one, or while it is withheld."""

    sitting: Sitting
    level: str
    withheld: str


@dataclass(frozen=True)
class OwnTests:
    going: list[Sitting]
    offers: list[Offer]
    taken: list[Taken]
    more: bool  # older ones are not shown

    @property
    def ready(self) -> list[Offer]:
        """Those that may be taken now."""
        return [offer for offer in self.offers if offer.rule.allowed]


def own_tests(actor: Actor, *, now: dt.datetime, shown: int = SHOWN) -> OwnTests:
    """Three queries, however many there are (and one for each frozen test new to the process)."""
    rows = list(my_sittings(actor)[: shown + 1])
    going = [row for row in rows if row.state not in Sitting.OVER and not _is_past(row, now)]
    over = [row for row in rows[:shown] if row not in going]
    begun = {row.test_id for row in going if row.context == "open"}
    offers = []
    for test in open_tests().defer("plan", "verdict").order_by("title", "pk"):
        ended = [
            row.finished_at
            for row in rows
            if row.test_id == test.pk and row.state in Sitting.OVER and row.finished_at
        ]
        if test.pk not in begun:
            offers.append(Offer(test, retake_after(test, ended, now=now)))
    return OwnTests(going, offers, [_taken(row) for row in over], len(rows) > shown)


def _is_past(row: Sitting, now: dt.datetime) -> bool:
    return row.deadline is not None and now > row.deadline


def _taken(row: Sitting) -> Taken:
    found: list[Result] = getattr(row, "current_results", [])
    withheld = parts.part_of(row).withheld(row)
    level = ""
    if found and found[0].level and not withheld:
        names = {level.code: level.name for level in frozen_of(row.frozen_id).levels}
        level = names.get(found[0].level, "")
    return Taken(row, level, withheld)
