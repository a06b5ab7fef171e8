"""Tests: written, tried, published (frozen), frozen anew, closed.

Publishing computes for seconds: it does so before its transaction, which only writes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction

from kalan.assessment.models import FrozenItem, FrozenTest, Test
from kalan.assessment.services.writing import act, require
from kalan.base.errors import Refused
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.testing.frozen import Frozen
from kalan.engine.testing.items import Item, provisional
from kalan.engine.testing.plan import TestPlan, freeze, lacking, plan_from, preset
from kalan.people.actor import Actor
from kalan.people.models import OrgNode
from kalan.people.services import history
from kalan.skills.models import FrameworkNode, ItemBank
from kalan.skills.selectors.items import TestItem, for_tests

MODELS = {"1PL": "logistic", "2PL": "logistic", "3PL": "logistic", "GRM": "grm", "GPCM": "gpcm"}
# What may change on a published test: everything else is in what was frozen.
FREE_FIELDS = frozenset(
    {"title", "introduction", "open", "retake_days", "attempts", "watch_focus", "cut", "cut_se"}
)
FIELDS = FREE_FIELDS | {"code", "purpose", "bank", "node", "plan", "minutes"}


def domains_of(bank: ItemBank) -> dict[str, str]:
    """{code: name} of the domains of a bank's framework, in their order."""
    rows = FrameworkNode.objects.filter(framework=bank.framework_id, kind=FrameworkNode.Kind.DOMAIN)
    return dict(rows.order_by("rank", "pk").values_list("code", "name"))


def default_plan(purpose: str, bank: ItemBank) -> dict[str, Any]:
    """The plan that a purpose asks for by default on a bank, with the levels of its framework."""
    found: dict[str, Any] = preset(purpose, domains_of(bank))  # type: ignore[arg-type]
    levels = list(bank.framework.levels.order_by("rank"))
    if len(levels) > 1 and all(level.floor is not None for level in levels[1:]):
        found["levels"] = [
            {
                "code": level.code,
                "name": level.name,
                "floor": level.floor if number else None,
                "meaning": level.description,
            }
            for number, level in enumerate(levels)
        ]
    return found


@act
def create(
    *,
    actor: Actor,
    code: str,
    title: str,
    purpose: str,
    bank: ItemBank,
    node: OrgNode,
    now: dt.datetime,
    plan: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Test:
    """Make a draft. ``plan``: JSON of engine.testing.plan; by default the purpose's own.

    Raises Refused for a code in use or a plan that cannot be read.
    """
    require(actor, "tests.edit", node)
    if Test.objects.filter(code=code).exists():
        raise Refused(
            f"Le code « {code} » est déjà celui d’un test.",
            field="code",
            remedy="Choisissez-en un autre.",
        )
    _known(fields, FIELDS)
    body = dict(plan) if plan is not None else default_plan(purpose, bank)
    made = Test(
        code=code,
        title=title,
        purpose=purpose,
        bank=bank,
        node=node,
        plan=body,
        created_at=now,
        created_by=actor.account,
        **fields,
    )
    _settle(made)
    made.save()
    return made


@act
def edit(*, actor: Actor, test: Test, now: dt.datetime, **fields: Any) -> Test:
    """Change a test: anything of a draft; of a published one only what was not frozen."""
    row = Test.objects.select_for_update().select_related("node", "bank__framework").get(pk=test.pk)
    require(actor, "tests.edit", row.node)
    if row.state == Test.State.CLOSED:
        raise Refused("Ce test est fermé.", remedy="Créez-en un autre.")
    _known(fields, FIELDS)
    if row.state == Test.State.PUBLISHED:
        fixed = sorted(
            name
            for name, value in fields.items()
            if name not in FREE_FIELDS and getattr(row, name) != value
        )
        if fixed:
            raise Refused(
                "Ce test est publié : ses questions et ses règles ne changent plus.",
                field=fixed[0],
                remedy="Créez un autre test, ou fermez celui-ci.",
            )
    if fields.get("node") is not None:
        require(actor, "tests.edit", fields["node"])
    if Test.objects.filter(code=fields.get("code", "")).exclude(pk=row.pk).exists():
        raise Refused(
            f"Le code « {fields['code']} » est déjà celui d’un test.",
            field="code",
            remedy="Choisissez-en un autre.",
        )
    for name, value in fields.items():
        setattr(row, name, value)
    if row.state == Test.State.DRAFT:
        _settle(row)
        row.verdict = {}
    row.save()
    return row


@act
def delete(*, actor: Actor, test: Test, now: dt.datetime) -> None:
    """Throw a draft away."""
    require(actor, "tests.edit", test.node)
    if test.state != Test.State.DRAFT:
        raise Refused("Un test publié ne se supprime pas.", remedy="Fermez-le.")
    test.delete()


def _known(fields: Mapping[str, Any], known: frozenset[str]) -> None:
    unknown = set(fields) - known
    if unknown:
        raise TypeError(f"no such field of a test: {sorted(unknown)}")


def _settle(test: Test) -> None:
    """Purpose and time stand in the plan as well; a plan that cannot be read is refused."""
    body = {**test.plan, "purpose": test.purpose}
    if test.minutes:
        body["minutes"] = test.minutes
    else:
        body.pop("minutes", None)
    plan = _plan(body)
    test.plan, test.minutes = body, plan.minutes


def _plan(body: Mapping[str, Any]) -> TestPlan:
    try:
        return plan_from(body)
    except DataError as error:
        raise Refused(str(error), field="plan") from error


# --- What the bank carries --------------------------------------------------------------------


def items_of(bank: ItemBank) -> tuple[list[Item], list[TestItem], bool]:
    """(items for the engine, the rows they come from, whether a simulated calibration is used).

    Simulated calibrations count in the demonstration alone: elsewhere the expert's guess does.
    """
    rows = for_tests(bank)
    simulated = False
    items = []
    for row in rows:
        items.append(_item(row))
        found = row.calibration
        if found is not None and found.simulated and items[-1].se_b is not None:
            simulated = True
    return items, rows, simulated


def _item(row: TestItem) -> Item:
    found = row.calibration
    usable = found is not None and len(found.b) == row.top and found.model in MODELS
    if found is None or not usable or (found.simulated and not settings.KALAN_DEMO):
        return provisional(
            str(row.version_uid),
            row.code,
            row.domain,
            row.kind,
            difficulty=row.difficulty,
            top=row.top,
            options=row.options,
            accessible=row.accessible,
        )
    return Item(
        uid=str(row.version_uid),
        code=row.code,
        domain=row.domain,
        kind=row.kind,
        top=row.top,
        model=MODELS[found.model],
        a=found.a,
        b=found.b,
        c=found.c,
        se_a=found.se_a,
        se_b=found.se_b,
        n=found.answers,
        accessible=row.accessible,
    )


def missing(test: Test) -> list[str]:
    """What keeps the test from being published, in French; empty: nothing."""
    plan = _plan(test.plan)
    items, *_ = items_of(test.bank)
    found = lacking(items, plan)
    codes = {domain.code for domain in plan.domains}
    loose = [item for item in items if item.domain in codes and item.provisional]
    if test.purpose == Test.Purpose.CERTIFICATION and loose:
        found.append(
            f"{len(loose)} question(s) n’ont pas encore de calibrage sur 500 réponses, dont "
            f"{', '.join(sorted(item.code for item in loose)[:5])} : un examen ne peut pas "
            "reposer sur elles"
        )
    return found


@dataclass(frozen=True)
class _Made:
    frozen: Frozen
    versions: dict[str, int]  # uid → key of the item version
    simulated: bool


def _freeze(test: Test) -> _Made:
    lacks = missing(test)
    if lacks:
        raise Refused(
            "La banque ne peut pas porter ce test : " + " ; ".join(lacks) + ".",
            field="plan",
            remedy="Ajoutez des questions en service, ou demandez-en moins.",
            code="lacking",
        )
    items, rows, simulated = items_of(test.bank)
    try:
        frozen = freeze(_usable(test, items), _plan(test.plan))
    except DataError as error:
        raise Refused(str(error), field="plan", code="lacking") from error
    return _Made(frozen, {str(row.version_uid): row.version_id for row in rows}, simulated)


def _usable(test: Test, items: list[Item]) -> list[Item]:
    if test.purpose != Test.Purpose.CERTIFICATION:
        return items
    return [item for item in items if not item.provisional]


# --- Publishing -------------------------------------------------------------------------------


def publish(*, actor: Actor, test: Test, now: dt.datetime) -> FrozenTest:
    """Freeze a draft and open it to sittings. Takes seconds; run from a job on screens.

    Raises Refused, naming what the bank lacks, when it cannot carry the plan. Publishing again
    returns what stands.
    """
    require(actor, "tests.publish", test.node)
    if test.state == Test.State.PUBLISHED:
        return FrozenTest.objects.defer("body").get(test=test, current=True)
    made = _freeze(test)
    return _store(actor=actor, test=test, made=made, expected=Test.State.DRAFT, now=now)


def refreeze(*, actor: Actor, test: Test, now: dt.datetime) -> FrozenTest:
    """Freeze a published test anew, with the questions and calibrations of today.

    Sittings that began go on with what they began with. Nothing changed: what stands is returned.
    """
    require(actor, "tests.publish", test.node)
    made = _freeze(test)
    return _store(actor=actor, test=test, made=made, expected=Test.State.PUBLISHED, now=now)


@transaction.atomic
def _store(*, actor: Actor, test: Test, made: _Made, expected: str, now: dt.datetime) -> FrozenTest:
    row = Test.objects.select_for_update().get(pk=test.pk)
    if row.plan != test.plan or row.state != expected:
        raise Refused(
            "Ce test a changé pendant sa publication.", remedy="Relisez-le, puis recommencez."
        )
    version = made.frozen.version
    mine = FrozenTest.objects.filter(test=row).defer("body")
    mine.filter(current=True).exclude(version=version).update(current=False)
    kept = mine.filter(version=version).first()
    if kept is not None:
        mine.filter(pk=kept.pk).update(current=True)
    else:
        kept = FrozenTest.objects.create(
            test=row,
            version=version,
            body=made.frozen.to_json(),
            simulated=made.simulated,
            created_at=now,
        )
        FrozenItem.objects.bulk_create(
            FrozenItem(frozen=kept, number=number, version_id=made.versions[item.uid])
            for number, item in enumerate(made.frozen.items)
        )
    if row.state == Test.State.DRAFT:
        row.state, row.published_at = Test.State.PUBLISHED, now
        with history.acting(actor):
            row.save(update_fields=["state", "published_at"])
    else:
        text = "Test figé de nouveau, avec les questions et les calibrages du jour."
        history.note(actor=actor, subject=row, text=text, data={"version": version})
    return kept


@act
def close(*, actor: Actor, test: Test, now: dt.datetime) -> Test:
    """No new sitting from now on; those that began may be finished."""
    require(actor, "tests.publish", test.node)
    row = Test.objects.select_for_update().get(pk=test.pk)
    if row.state == Test.State.DRAFT:
        raise Refused("Ce test n’a jamais été publié.", remedy="Supprimez-le, ou publiez-le.")
    if row.state == Test.State.PUBLISHED:
        row.state = Test.State.CLOSED
        row.save(update_fields=["state"])
    return row
