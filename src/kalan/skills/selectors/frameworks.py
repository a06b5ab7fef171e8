"""Reading frameworks: data for all staff."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Count, Q, QuerySet

from kalan.people.actor import Actor
from kalan.skills.models import (
    Correspondence,
    Framework,
    FrameworkLevel,
    FrameworkNode,
    Item,
)
from kalan.skills.policy import CAPABILITIES


def frameworks_visible_to(actor: Actor, capability: str = "frameworks.view") -> QuerySet[Framework]:
    """All of them, to whoever may: a framework belongs to no territory."""
    rows = Framework.objects.all()
    return rows if actor.can(CAPABILITIES[capability]) else rows.none()


def active_framework(code: str) -> Framework | None:
    """The version in force of ``code``."""
    return Framework.objects.filter(code=code, state=Framework.State.ACTIVE).first()


def levels_of(framework: Framework) -> list[FrameworkLevel]:
    """The scale, lowest level first."""
    return list(framework.levels.order_by("rank"))


@dataclass
class Branch:
    """A node with what stands under it. ``items``: in service; ``others``: not yet or no more."""

    node: FrameworkNode
    children: list[Branch] = field(default_factory=list)
    items: int = 0
    others: int = 0

    @property
    def competencies(self) -> list[Branch]:
        return [one for one in self.children if one.node.kind == FrameworkNode.Kind.COMPETENCY]

    @property
    def capacities(self) -> list[Branch]:
        return [one for one in self.children if one.node.kind == FrameworkNode.Kind.CAPACITY]

    @property
    def hours(self) -> Decimal | None:
        """Its own hours, else the sum of those under it; None when nothing says any."""
        if self.node.hours is not None:
            return self.node.hours
        known = [one.hours for one in self.children if one.hours is not None]
        return sum(known, Decimal()) if known else None

    @property
    def total(self) -> int:
        """Items in service here and under."""
        return self.items + sum(one.total for one in self.children)


def tree_of(framework: Framework) -> list[Branch]:
    """Domains with everything under them, and how many questions stand there (two queries).

    Questions are counted over all banks on the framework: how many there are is no secret.
    """
    nodes = list(framework.nodes.order_by("rank", "pk"))
    branches = {node.pk: Branch(node) for node in nodes}
    counts = (
        Item.objects.filter(bank__framework=framework)
        .exclude(state=Item.State.RETIRED)
        .order_by()
        .values_list("domain", "competency")
        .annotate(
            active=Count("pk", filter=Q(state=Item.State.ACTIVE)),
            others=Count("pk", filter=~Q(state=Item.State.ACTIVE)),
        )
    )
    for domain, competency, active, others in counts:
        branch = branches.get(competency or domain)
        if branch:
            branch.items += active
            branch.others += others
    roots = []
    for node in nodes:
        if node.parent_id is None:
            roots.append(branches[node.pk])
        else:
            branches[node.parent_id].children.append(branches[node.pk])
    return roots


@dataclass(frozen=True)
class WalkCell:
    """How a row answers to a column: ``forth`` from row to column, ``back`` from column to row."""

    source: FrameworkNode
    target: FrameworkNode
    forth: Correspondence | None
    back: Correspondence | None


@dataclass(frozen=True)
class Crosswalk:
    """Rows: nodes of one framework; columns: nodes of the other; holes on both sides."""

    columns: list[FrameworkNode]
    rows: list[tuple[FrameworkNode, list[WalkCell]]]
    left_alone: list[FrameworkNode]
    right_alone: list[FrameworkNode]
    links: list[Correspondence]


def crosswalk(left: Framework, right: Framework) -> Crosswalk:
    """The matrix of what answers to what, without the rows and columns that nothing joins."""
    lefts, rights = _joinable(left), _joinable(right)
    links = list(
        Correspondence.objects.filter(
            Q(source__framework=left, target__framework=right)
            | Q(source__framework=right, target__framework=left)
        )
        .select_related("source__framework", "target__framework")
        .order_by("source__framework_id", "source__rank", "source_id", "target__rank", "target_id")
    )
    by_ends = {(link.source_id, link.target_id): link for link in links}
    joined = {pk for ends in by_ends for pk in ends}
    columns = [node for node in rights if node.pk in joined]
    rows = [
        (
            node,
            [
                WalkCell(
                    node, other, by_ends.get((node.pk, other.pk)), by_ends.get((other.pk, node.pk))
                )
                for other in columns
            ],
        )
        for node in lefts
        if node.pk in joined
    ]
    return Crosswalk(
        columns=columns,
        rows=rows,
        left_alone=[node for node in lefts if node.pk not in joined],
        right_alone=[node for node in rights if node.pk not in joined],
        links=links,
    )


def joinable_nodes(framework: Framework) -> list[FrameworkNode]:
    """Domains and competencies in the order of the tree, for choosing one."""
    return _joinable(framework)


def _joinable(framework: Framework) -> list[FrameworkNode]:
    nodes = framework.nodes.exclude(kind=FrameworkNode.Kind.CAPACITY).order_by("rank", "pk")
    children: dict[int | None, list[FrameworkNode]] = defaultdict(list)
    for node in nodes:
        children[node.parent_id].append(node)

    def walk(found: Iterable[FrameworkNode]) -> Iterable[FrameworkNode]:
        for node in found:
            yield node
            yield from walk(children[node.pk])

    return list(walk(children[None]))
