"""What a bank holds, and what it lacks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from django.db.models import Count, Q, QuerySet

from kalan.people.actor import Actor
from kalan.skills.models import FrameworkNode, Item, ItemBank, ItemCalibration
from kalan.skills.selectors.items import banks_visible_to

State = Item.State


def banks_with_counts(actor: Actor) -> QuerySet[ItemBank]:
    """Banks in scope with ``total``, ``active`` and ``calibrated`` (500 real answers or more)."""
    return (
        banks_visible_to(actor)
        .select_related("framework", "node")
        .annotate(
            total=Count("items", distinct=True),
            active=Count("items", filter=Q(items__state=State.ACTIVE), distinct=True),
            calibrated=Count("items", filter=_calibrated("items__"), distinct=True),
        )
    )


def _calibrated(prefix: str = "") -> Q:
    """Past the gate, on answers that people gave."""
    measured = f"{prefix}current__calibrations__"
    return Q(
        **{
            f"{measured}current": True,
            f"{measured}simulated": False,
            f"{measured}answers__gte": ItemCalibration.GATE,
        }
    )


@dataclass
class DomainLine:
    """Counts of one domain. ``kinds`` counts what is not retired."""

    node: FrameworkNode
    states: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    calibrated: int = 0
    simulated: int = 0

    @property
    def total(self) -> int:
        return sum(self.states.values())


@dataclass(frozen=True)
class BankSheet:
    """``holes``: competencies without a question in service that have no competency under them."""

    lines: list[DomainLine]
    holes: list[tuple[FrameworkNode, FrameworkNode]]
    total: DomainLine


def sheet_of(bank: ItemBank) -> BankSheet:
    """Counts by domain, kind and state (two queries)."""
    nodes = list(
        FrameworkNode.objects.filter(framework=bank.framework_id)
        .exclude(kind=FrameworkNode.Kind.CAPACITY)
        .order_by("rank", "pk")
    )
    by_pk = {node.pk: node for node in nodes}
    lines = {node.pk: DomainLine(node) for node in nodes if node.kind == "domain"}
    whole = DomainLine(FrameworkNode(name="Ensemble", kind="domain"))
    served: set[int] = set()
    simulated = Q(current__calibrations__current=True, current__calibrations__simulated=True)
    rows = (
        Item.objects.filter(bank=bank)
        .order_by()
        .values_list("domain", "competency", "kind", "state")
        .annotate(
            n=Count("pk", distinct=True),
            calibrated=Count("pk", filter=_calibrated(), distinct=True),
            simulated=Count("pk", filter=simulated, distinct=True),
        )
    )
    for domain, competency, kind, state, number, calibrated, faked in rows:
        for line in (lines[domain], whole):
            line.states[state] += number
            line.calibrated += calibrated
            line.simulated += faked
            if state != State.RETIRED:
                line.kinds[kind] += number
        if state == State.ACTIVE and competency:
            served.add(competency)
    parents = {node.parent_id for node in nodes}
    holes = []
    for node in nodes:
        if node.kind == "competency" and node.pk not in parents and node.pk not in served:
            top = node
            while top.parent_id is not None:
                top = by_pk[top.parent_id]
            holes.append((top, node))
    return BankSheet(list(lines.values()), holes, whole)
