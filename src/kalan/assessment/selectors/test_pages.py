"""What the staff's screens of tests read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from kalan.assessment.models import FrozenTest, Sitting, Test
from kalan.assessment.policy import CAPABILITIES
from kalan.assessment.selectors.bank_items import items_of
from kalan.assessment.selectors.frozen import frozen_of
from kalan.base.text import fold
from kalan.engine.testing.frozen import Frozen
from kalan.people.actor import Actor
from kalan.skills.models import FrameworkNode, ItemBank

CONTEXTS = {
    "open": "librement",
    "campaign": "dans une campagne",
    "session": "avant ou après une session",
    "exam": "en examen",
}


def listed(rows: QuerySet[Test]) -> QuerySet[Test]:
    """Tests with what their line shows: bank, territory, ``taken`` sittings that are over."""
    over = Sitting.objects.filter(test=OuterRef("pk"), state__in=Sitting.OVER).order_by()
    counted = over.values("test").annotate(n=Count("pk")).values("n")
    return rows.select_related("bank", "node").annotate(taken=Coalesce(Subquery(counted), 0))


def narrowed(rows: QuerySet[Test], asked: dict[str, Any]) -> QuerySet[Test]:
    """The tests that pass the filters of the list."""
    for name in ("purpose", "state", "bank"):
        if asked.get(name):
            rows = rows.filter(**{name: asked[name]})
    words = fold(asked.get("q", "")).split()
    if words:  # some dozens of tests: folded here, since titles have no folded column
        found = [
            pk
            for pk, title, code in rows.values_list("pk", "title", "code")
            if all(word in fold(f"{title} {code}") for word in words)
        ]
        rows = rows.filter(pk__in=found)
    return rows


def banks_of(rows: QuerySet[Test]) -> QuerySet[ItemBank]:
    """Banks of these tests, by name."""
    return ItemBank.objects.filter(pk__in=rows.values("bank")).order_by("name", "pk")


@dataclass(frozen=True)
class Stock:
    """Questions in service in a domain; ``calibrated`` on 500 answers or more."""

    code: str
    name: str
    active: int
    calibrated: int
    accessible: int


def stock_of(bank: ItemBank) -> list[Stock]:
    """What the bank holds, domain by domain (two queries)."""
    items, *_ = items_of(bank)
    domains = FrameworkNode.objects.filter(
        framework=bank.framework_id, kind=FrameworkNode.Kind.DOMAIN
    ).order_by("rank", "pk")
    found = []
    for code, name in domains.values_list("code", "name"):
        own = [item for item in items if item.domain == code]
        calibrated = sum(not item.provisional for item in own)
        found.append(Stock(code, name, len(own), calibrated, sum(x.accessible for x in own)))
    return found


@dataclass(frozen=True)
class Version:
    """A frozen test of a test, and the sittings that follow it."""

    row: FrozenTest
    sittings: int


def versions_of(test: Test) -> list[Version]:
    """The frozen versions, latest first, trials of a draft left out."""
    if test.state == Test.State.DRAFT:
        return []
    counted = Sitting.objects.filter(frozen=OuterRef("pk")).order_by().values("frozen")
    rows = (
        FrozenTest.objects.filter(test=test)
        .defer("body")
        .annotate(n=Coalesce(Subquery(counted.annotate(n=Count("pk")).values("n")), 0))
        .order_by("-created_at", "-pk")
    )
    return [Version(row, row.n) for row in rows]


@dataclass(frozen=True)
class Changes:
    """What a new freeze would bring: questions measured anew, added, gone."""

    measured: int
    added: int
    gone: int

    def __bool__(self) -> bool:
        return bool(self.measured or self.added or self.gone)


def changes_of(test: Test, frozen: Frozen) -> Changes:
    """Between what stands frozen and the bank of today."""
    codes = {domain.code for domain in frozen.domains}
    items, *_ = items_of(test.bank)
    today = {item.uid: item for item in items if item.domain in codes}
    before = {item.uid: item for item in frozen.items}
    if test.purpose == Test.Purpose.CERTIFICATION:  # an exam leaves provisional ones aside
        today = {k: item for k, item in today.items() if not item.provisional or k in before}
    return Changes(
        measured=sum(before[uid] != item for uid, item in today.items() if uid in before),
        added=len(today.keys() - before.keys()),
        gone=len(before.keys() - today.keys()),
    )


def shown_frozen(test: Test) -> FrozenTest | None:
    """What stands frozen, or what the last trial of a draft froze; without its body."""
    rows = FrozenTest.objects.filter(test=test).defer("body")
    if test.state != Test.State.DRAFT:
        rows = rows.filter(current=True)
    return rows.order_by("-created_at", "-pk").first()


def frozen_body(row: FrozenTest | None) -> Frozen | None:
    return None if row is None else frozen_of(row.pk)


@dataclass(frozen=True)
class Taken:
    """Sittings of a test in one context; ``simulated``: invented answers of the demonstration."""

    context: str
    over: int
    going: int
    simulated: int


def taken_of(actor: Actor, test: Test) -> tuple[list[Taken], Any]:
    """(sittings by context, day of the last one): of everyone for those who hold the test, else of
    the structures in the actor's scope."""
    rows = Sitting.objects.filter(test=test)
    roles = CAPABILITIES["tests.view"]
    if not actor.covers(roles, test.node.path):
        rows = rows.filter(actor.scope(roles, "structure__"))
    counts: dict[str, list[int]] = {}
    counted = rows.values("context", "state", "simulated").annotate(n=Count("pk"))
    for context, state, simulated, n in counted.values_list("context", "state", "simulated", "n"):
        line = counts.setdefault(context, [0, 0, 0])
        line[0 if state in Sitting.OVER else 1] += n
        line[2] += n if simulated else 0
    last = rows.aggregate(last=Max("finished_at"))["last"]
    found = [Taken(CONTEXTS.get(key, key), *line) for key, line in sorted(counts.items())]
    return found, last
