"""Tests as an author writes them: made, changed, thrown away, closed. See ``publishing``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from kalan.assessment.models import FrozenTest, Test
from kalan.assessment.services.writing import act, require
from kalan.base.errors import Refused
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.testing.plan import TestPlan, plan_from, preset
from kalan.people.actor import Actor
from kalan.people.models import OrgNode
from kalan.skills.models import FrameworkNode, ItemBank

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
    settle_plan(made)
    _keep_exam_closed(made)
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
    before = (row.plan, row.bank_id)
    for name, value in fields.items():
        setattr(row, name, value)
    if row.state == Test.State.DRAFT:
        settle_plan(row)
        if (row.plan, row.bank_id) != before:
            row.verdict = {}
            drop_trials(row)
    _keep_exam_closed(row)
    row.save()
    return row


@act
def delete(*, actor: Actor, test: Test, now: dt.datetime) -> None:
    """Throw a draft away."""
    require(actor, "tests.edit", test.node)
    if test.state != Test.State.DRAFT:
        raise Refused("Un test publié ne se supprime pas.", remedy="Fermez-le.")
    drop_trials(test)
    test.delete()


def _known(fields: Mapping[str, Any], known: frozenset[str]) -> None:
    unknown = set(fields) - known
    if unknown:
        raise TypeError(f"no such field of a test: {sorted(unknown)}")


def settle_plan(test: Test) -> None:
    """Purpose and time stand in the plan as well; a plan that cannot be read is refused."""
    body = {**test.plan, "purpose": test.purpose}
    if test.minutes:
        body["minutes"] = test.minutes
    else:
        body.pop("minutes", None)
    plan = plan_of(body)
    test.plan, test.minutes = body, plan.minutes


def _keep_exam_closed(test: Test) -> None:
    """An exam's questions are seen in its room alone, and its keys nowhere."""
    if test.purpose != Test.Purpose.CERTIFICATION:
        return
    if test.open:
        raise Refused(
            "Un test de certification ne peut pas être en libre accès : on y lirait ses questions "
            "sans surveillant.",
            field="open",
            remedy="Il se passe dans un examen.",
        )
    if plan_of(test.plan).feedback:
        raise Refused(
            "Un test de certification ne montre ni la réponse ni l’explication.",
            field="feedback",
            remedy="Décochez les explications, ou choisissez un autre usage.",
        )


def plan_of(body: Mapping[str, Any]) -> TestPlan:
    try:
        return plan_from(body)
    except DataError as error:
        raise Refused(str(error), field="plan") from error


def drop_trials(test: Test, *, but: str = "") -> None:
    """Forget what a draft's trials froze, save one version: nobody ever sat it."""
    if test.state == Test.State.DRAFT:
        FrozenTest.objects.filter(test=test).exclude(version=but).delete()


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
