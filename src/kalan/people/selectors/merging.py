"""Who may merge what; likely duplicates; merges done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from kalan.people import policy, subjects
from kalan.people.actor import Actor
from kalan.people.models import Agent, DuplicatePair, Merge, OrgNode, Post
from kalan.people.selectors.core import agents_visible_to, nodes_visible_to


def agents_mergeable_by(actor: Actor, *, today: dt.date) -> QuerySet[Agent]:
    """Agents in the territory where the actor may merge."""
    return agents_visible_to(actor, "people.merge", today=today)


def structures_mergeable_by(actor: Actor) -> QuerySet[OrgNode]:
    """Structures in the territory where the actor may merge."""
    return nodes_visible_to(actor, "people.merge").filter(kind=OrgNode.Kind.STRUCTURE)


def pairs_visible_to(actor: Actor, kind: str, *, today: dt.date) -> QuerySet[DuplicatePair]:
    """Open pairs of which both rows can be merged by the actor."""
    rows: QuerySet[Agent] | QuerySet[OrgNode] = (
        agents_mergeable_by(actor, today=today)
        if kind == "agent"
        else structures_mergeable_by(actor)
    )
    return DuplicatePair.objects.filter(
        Exists(rows.filter(pk=OuterRef("first_id"))),
        Exists(rows.filter(pk=OuterRef("second_id"))),
        kind=kind,
        state=DuplicatePair.State.OPEN,
    )


def merges_visible_to(actor: Actor) -> QuerySet[Merge]:
    """Merges whose kept row is in the territory where the actor may merge."""
    roles = policy.CAPABILITIES["people.merge"]
    nodes = OrgNode.objects.filter(actor.scope(roles))
    agents = Agent.objects.filter(
        Q(posts__structure__in=nodes) if not actor.system else Q(pk__isnull=False)
    )
    return Merge.objects.filter(
        Q(kind="structure", kept_id__in=nodes.values("pk"))
        | Q(kind="agent", kept_id__in=agents.values("pk"))
    )


@dataclass(frozen=True)
class DescribedPair:
    """A pair with what a person needs to recognise both rows."""

    pair: DuplicatePair
    first: str
    second: str
    first_uid: str
    second_uid: str


@dataclass(frozen=True)
class DescribedMerge:
    merge: Merge
    kept: str
    absorbed: str


def described(pairs: Iterable[DuplicatePair], kind: str) -> list[DescribedPair]:
    """Add names and identifiers to pairs (two queries, however many pairs)."""
    pairs = list(pairs)
    ids = {pk for pair in pairs for pk in (pair.first_id, pair.second_id)}
    names = _names(kind, ids)
    return [
        DescribedPair(
            pair,
            *_both(names, pair.first_id, pair.second_id, 0),
            *_both(names, pair.first_id, pair.second_id, 1),
        )
        for pair in pairs
    ]


def described_merges(merges: Iterable[Merge]) -> list[DescribedMerge]:
    """Add names to merges (at most four queries)."""
    merges = list(merges)
    names = {
        kind: _names(
            kind, {pk for m in merges if m.kind == kind for pk in (m.kept_id, m.absorbed_id)}
        )
        for kind in ("agent", "structure")
    }
    return [DescribedMerge(m, *_both(names[m.kind], m.kept_id, m.absorbed_id, 0)) for m in merges]


def _both(names: dict[int, tuple[str, str]], one: int, other: int, which: int) -> tuple[str, str]:
    return names[one][which], names[other][which]


def _names(kind: str, ids: set[int]) -> dict[int, tuple[str, str]]:
    """{pk: (description, uid)}."""
    if not ids:
        return {}
    if kind == "structure":
        nodes = OrgNode.objects.filter(pk__in=ids).select_related("type")
        return {
            n.pk: (f"{n.name} ({n.type.name})" if n.type else n.name, str(n.uid)) for n in nodes
        }
    homes = dict(
        Post.objects.filter(agent__in=ids)
        .order_by("is_main", "start", "pk")
        .values_list("agent_id", "structure__name")
    )
    return {
        a.pk: (
            " · ".join(
                part for part in (a.full_name, a.matricule, homes.get(a.pk), a.phone) if part
            ),
            str(a.uid),
        )
        for a in Agent.objects.filter(pk__in=ids)
    }


def what_follows(left: Agent | OrgNode, right: Agent | OrgNode) -> list[tuple[str, int, int]]:
    """(label, number at left, number at right) of the records that hang on two agents."""
    ids = [left.pk, right.pk]
    counts = dict(
        Post.objects.filter(agent__in=ids).order_by().values_list("agent").annotate(n=Count("pk"))
    )
    rows = [("postes", counts.get(left.pk, 0), counts.get(right.pk, 0))]
    for part in subjects.parts():
        summary = part.summary(ids)
        labels = dict.fromkeys([*summary[left.pk], *summary[right.pk]])
        rows += [
            (label, summary[left.pk].get(label, 0), summary[right.pk].get(label, 0))
            for label in labels
        ]
    return rows


def countries() -> list[OrgNode]:
    """The roots of the tree, one per country."""
    return list(OrgNode.objects.filter(kind=OrgNode.Kind.COUNTRY).order_by("path"))
