"""A bank of small questions, tests on it, and people half-way through them."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from kalan.assessment.models import Sitting, Test
from kalan.assessment.selectors.screens import Pause, Question, current
from kalan.assessment.services import answering, publishing, sittings, tests
from kalan.assessment.services.answering import Answered
from kalan.base.ids import uuid7
from kalan.people.actor import SYSTEM, Actor
from kalan.people.models import Account, OrgNode
from kalan.people.selectors.core import actor_for
from kalan.skills.models import Framework, FrameworkNode, Item, ItemBank, ItemVersion
from kalan.skills.play.content import from_own
from tests.factories import skills
from tests.factories.people import NOW

PREFIXES = ("DON", "CYB", "COM", "OUT", "TEL")  # of the packs' questions, one a domain
RIGHT, WRONG = "b", "a"  # of every question of ``bank``


def bank(node: OrgNode, *, domains: int = 2, each: int = 12) -> ItemBank:
    """``each`` single choices a domain, from easy to hard; the right answer is "b"."""
    on = skills.framework(f"cadre-{uuid.uuid4().hex[:8]}", domains=domains)
    made = skills.bank(node, on)
    order = [(domain, number) for domain in _domains(on) for number in range(each)]
    # In their order, whatever the clock: forms are put together in the order of these names.
    names = sorted(uuid7() for _ in 2 * order)
    items = Item.objects.bulk_create(
        Item(
            uid=names.pop(0),
            bank=made,
            code=f"{domain.code}-{number:02}",
            domain=domain,
            kind="single",
            state="active",
            difficulty=-2 + 4 * number / max(each - 1, 1),
            created_at=NOW,
        )
        for domain, number in order
    )
    asked = [
        question(f"{domain.code.upper()}, question {number} : que faire ?")
        for domain, number in order
    ]
    ItemVersion.objects.bulk_create(
        ItemVersion(uid=uid, item=item, number=1, content=content, key=key, created_at=NOW)
        for uid, item, (content, key) in zip(names, items, asked, strict=True)
    )
    only = ItemVersion.objects.filter(item=OuterRef("pk")).values("pk")
    Item.objects.filter(bank=made).update(current=Subquery(only))
    return made


def _domains(framework: Framework) -> QuerySet[FrameworkNode]:
    return FrameworkNode.objects.filter(framework=framework, kind="domain").order_by("rank")


def add(bank: ItemBank, code: str, own: dict[str, Any]) -> Item:
    """A question in the form of our files, put in one of the bank's domains."""
    stored = from_own(own)
    domains = list(FrameworkNode.objects.filter(framework=bank.framework, kind="domain"))
    domains.sort(key=lambda node: node.rank)
    made = Item.objects.create(
        bank=bank,
        code=code,
        domain=domains[PREFIXES.index(code.split("-")[0]) % len(domains)],
        kind=stored.kind,
        state="active",
        difficulty=own["difficulty"],
        created_at=NOW,
    )
    made.current = ItemVersion.objects.create(
        item=made, number=1, content=stored.content, key=stored.key, created_at=NOW
    )
    made.save()
    return made


def question(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    content = {
        "kind": "single",
        "text": text,
        "choices": [
            {"id": "a", "text": "Ne rien faire"},
            {"id": "b", "text": "Prévenir le service informatique"},
            {"id": "c", "text": "Transférer à toute l’équipe"},
        ],
    }
    key = {
        "weights": {"a": 0.0, "b": 100.0, "c": 0.0},
        "order": ["a", "b", "c"],
        "explanation": "Le service informatique peut agir pour tous.",
    }
    return content, key


def draft(node: OrgNode, purpose: str = "positioning_short", **fields: Any) -> Test:
    """A draft with 3 questions a domain and no cap on exposure: quick to freeze."""
    on = fields.pop("bank", None) or bank(node)
    plan = fields.pop("plan", None)
    if plan is None:
        plan = tests.default_plan(purpose, on)
        plan["r_max"] = None
        for domain in plan["domains"].values():
            domain["min"], domain["max"] = (2, 3) if purpose == "positioning_full" else (3, 3)
    values = {
        "code": f"test-{uuid.uuid4().hex[:8]}",
        "title": "Mes compétences numériques",
        "retake_days": 0,
        "open": purpose != "certification",
        **fields,
    }
    return tests.create(
        actor=SYSTEM, purpose=purpose, bank=on, node=node, plan=plan, now=NOW, **values
    )


def published(node: OrgNode, purpose: str = "positioning_short", **fields: Any) -> Test:
    """A published test, as its plan says; ``persons`` (none): asked of the simulator."""
    persons = fields.pop("persons", 0)
    made = draft(node, purpose, **fields)
    publishing.publish(actor=SYSTEM, test=made, now=NOW, persons=persons)
    return Test.objects.get(pk=made.pk)


def actor(account: Account) -> Actor:
    return actor_for(account, today=NOW.date())


def begun(test: Test, account: Account, **fields: Any) -> Sitting:
    """A sitting whose first question is on screen."""
    now = fields.pop("now", NOW)
    made = sittings.start(actor=actor(account), test=test, now=now, **fields)
    return sittings.begin(sitting=made, now=now)


def reply(sitting: Sitting, choice: str = RIGHT, **fields: Any) -> Answered:
    """Answer the question on screen."""
    now = fields.pop("now", NOW)
    if "number" not in fields:
        screen = current(sitting=Sitting.objects.get(pk=sitting.pk), now=now)
        assert isinstance(screen, Question), screen
        fields["number"] = screen.number
    values = {"answer_uid": uuid7(), "data": {"r": choice} if choice else {}, **fields}
    return answering.answer(sitting_uid=sitting.uid, now=now, **values)


def finished(test: Test, account: Account, **fields: Any) -> Sitting:
    """A sitting with every question answered right."""
    made = begun(test, account, **fields)
    while Sitting.objects.get(pk=made.pk).state == Sitting.State.RUNNING:
        screen = current(sitting=Sitting.objects.get(pk=made.pk), now=NOW)
        if isinstance(screen, Question):
            reply(made, number=screen.number)
        elif isinstance(screen, Pause):
            answering.proceed(sitting_uid=made.uid, step=screen.step, now=NOW)
    return Sitting.objects.get(pk=made.pk)
