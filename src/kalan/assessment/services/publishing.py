"""What a bank carries of a test, and its publication: frozen, and frozen anew.

Publishing computes for seconds: it does so before its transaction, which only writes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction

from kalan.assessment.models import FrozenItem, FrozenTest, Test
from kalan.assessment.selectors.bank_items import items_of
from kalan.assessment.services.tests import drop_trials, plan_of, settle_plan
from kalan.assessment.services.writing import require
from kalan.base.errors import Refused
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.testing.freezing import freeze, lacking
from kalan.engine.testing.frozen import Frozen
from kalan.engine.testing.items import Item
from kalan.engine.testing.study import publishable, settle
from kalan.people.actor import Actor
from kalan.people.services import history
from kalan.skills.selectors.items import TestItem

PERSONS = 2000  # simulated before a publication


def carried(test: Test) -> tuple[list[Item], list[TestItem], bool]:
    """(items that the test may use, the rows of its bank, whether simulated figures are used).

    An exam takes calibrated questions alone; in the demonstration, where they are too few, all.
    """
    plan = plan_of(test.plan)
    codes = {domain.code for domain in plan.domains}
    items, rows, simulated = items_of(test.bank)
    items = [item for item in items if item.domain in codes]
    if test.purpose == Test.Purpose.CERTIFICATION:
        sound = [item for item in items if not item.provisional]
        if not settings.KALAN_DEMO or not lacking(sound, plan):
            return sound, rows, simulated
        simulated = True
    return items, rows, simulated


def missing(test: Test) -> list[str]:
    """What keeps the test from being published, in French; empty: nothing that counting finds.

    Whether it measures well enough is the simulator's to say (``services.trials``).
    """
    items, rows, _ = carried(test)
    plan = plan_of(test.plan)
    found = lacking(items, plan)
    codes = {domain.code for domain in plan.domains}
    used = {item.uid for item in items}
    loose = [row for row in rows if row.domain in codes and str(row.version_uid) not in used]
    if found and loose:
        found.append(
            f"{len(loose)} question(s) n’ont pas encore de calibrage sur 500 réponses, dont "
            f"{', '.join(sorted(row.code for row in loose)[:5])} : un examen ne peut pas "
            "reposer sur elles"
        )
    return found


def lacks_with(test: Test, values: Mapping[str, Any]) -> list[str]:
    """What would be missing of a draft with these ``values`` (as for ``edit``); stores nothing."""
    for name, value in values.items():
        setattr(test, name, value)
    settle_plan(test)
    return missing(test)


@dataclass(frozen=True)
class Made:
    """A test ready to be stored: what was frozen, the simulator's verdict (empty: not asked), why
    it may not be published (empty: it may)."""

    frozen: Frozen
    versions: dict[str, int]  # uid → key of the item version
    simulated: bool
    verdict: dict[str, Any]
    reasons: list[str]


def make(
    test: Test, *, persons: int = PERSONS, told: Callable[[int, int], None] = lambda done, of: None
) -> Made:
    """Freeze a test and ask the simulator, with ``persons`` simulated sittings; writes nothing.

    ``persons=0`` freezes what the plan says without asking: for tests of the program alone.
    Raises Refused when the bank lacks questions.
    """
    lacks = missing(test)
    if lacks:
        raise Refused(
            "La banque ne peut pas porter ce test : " + " ; ".join(lacks) + ".",
            field="plan",
            remedy="Ajoutez des questions en service, ou demandez-en moins.",
            code="lacking",
        )
    items, rows, simulated = carried(test)
    plan = plan_of(test.plan)
    verdict: dict[str, Any] = {}
    try:
        if persons:
            frozen, verdict = settle(items, plan, persons=persons, told=told)
        else:
            frozen = freeze(items, plan)
    except DataError as error:
        raise Refused(str(error), field="plan", code="lacking") from error
    reasons = publishable(frozen, {"reasons": [], **verdict}, demo=settings.KALAN_DEMO)
    versions = {str(row.version_uid): row.version_id for row in rows}
    return Made(frozen, versions, simulated, verdict, reasons)


def _sound(test: Test, persons: int, told: Callable[[int, int], None]) -> Made:
    made = make(test, persons=persons, told=told)
    if made.reasons:
        raise Refused(
            "Ce test ne mesurerait pas assez bien : " + " ; ".join(made.reasons),
            field="plan",
            remedy=str(made.verdict.get("advice", "")),
            code="unsound",
        )
    return made


def publish(
    *,
    actor: Actor,
    test: Test,
    now: dt.datetime,
    persons: int = PERSONS,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> FrozenTest:
    """Freeze a draft and open it to sittings. Takes seconds; screens run it as a job (``trials``).

    What is frozen is what the simulator says that the bank carries: adaptive, else parallel forms.
    Raises Refused, naming what is missing, when it carries neither. Publishing again returns what
    stands. ``persons``, ``told``: as in ``make``.
    """
    require(actor, "tests.publish", test.node)
    if test.state == Test.State.PUBLISHED:
        return FrozenTest.objects.defer("body").get(test=test, current=True)
    made = _sound(test, persons, told)
    return _store(actor=actor, test=test, made=made, expected=Test.State.DRAFT, now=now)


def refreeze(
    *,
    actor: Actor,
    test: Test,
    now: dt.datetime,
    persons: int = PERSONS,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> FrozenTest:
    """Freeze a published test anew, with the questions and calibrations of today.

    Sittings that began go on with what they began with. Nothing changed: what stands is returned.
    """
    require(actor, "tests.publish", test.node)
    made = _sound(test, persons, told)
    return _store(actor=actor, test=test, made=made, expected=Test.State.PUBLISHED, now=now)


@transaction.atomic
def _store(*, actor: Actor, test: Test, made: Made, expected: str, now: dt.datetime) -> FrozenTest:
    row = Test.objects.select_for_update().get(pk=test.pk)
    if row.plan != test.plan or row.state != expected:
        raise Refused(
            "Ce test a changé pendant sa publication.", remedy="Relisez-le, puis recommencez."
        )
    drop_trials(row, but=made.frozen.version)
    mine = FrozenTest.objects.filter(test=row, current=True)
    mine.exclude(version=made.frozen.version).update(current=False)
    kept = store_frozen(row, made, now=now, current=True)
    row.verdict = told_on(made, now)
    if row.state == Test.State.DRAFT:
        row.state, row.published_at = Test.State.PUBLISHED, now
        with history.acting(actor):
            row.save(update_fields=["state", "published_at", "verdict"])
    else:
        row.save(update_fields=["verdict"])
        text = "Test figé de nouveau, avec les questions et les calibrages du jour."
        history.note(actor=actor, subject=row, text=text, data={"version": made.frozen.version})
    return kept


def told_on(made: Made, now: dt.datetime) -> dict[str, Any]:
    """The verdict as a test keeps it: with its date, and what kept the test from publication."""
    if not made.verdict:
        return {}
    return made.verdict | {"at": now.isoformat(), "refused": made.reasons}


def store_frozen(test: Test, made: Made, *, now: dt.datetime, current: bool) -> FrozenTest:
    """The frozen test of this version, stored once; the caller holds the test's lock."""
    version = made.frozen.version
    kept = FrozenTest.objects.filter(test=test, version=version).defer("body").first()
    if kept is not None:
        FrozenTest.objects.filter(pk=kept.pk).update(current=current)
        kept.current = current
        return kept
    kept = FrozenTest.objects.create(
        test=test,
        version=version,
        body=made.frozen.to_json(),
        simulated=made.simulated,
        current=current,
        created_at=now,
    )
    FrozenItem.objects.bulk_create(
        FrozenItem(frozen=kept, number=number, version_id=made.versions[item.uid])
        for number, item in enumerate(made.frozen.items)
    )
    return kept
