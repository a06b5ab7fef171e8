"""Lists and details of structures and agents, scoped to the actor.

Rows of a page get what they show (place, staff in post) in a constant number of queries.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet, Value
from django.db.models.functions import Replace
from rapidfuzz import fuzz, process

from kalan.base.phones import display
from kalan.base.text import fold
from kalan.people import policy
from kalan.people.actor import Actor, path_range
from kalan.people.models import Agent, Cadre, OrgNode, OrgNodeCode, OrgNodePeriod, Post
from kalan.people.selectors.core import agents_visible_to, nodes_visible_to, posts_on
from kalan.people.selectors.territory import posts_on_day

_NEAR_WORD = 70  # rapidfuzz ratio (0 to 100) from which two words may be the same
_LIKELY = 50  # weighted share (0 to 100) of the words asked for that a proposed name holds
PLACES = (OrgNode.Kind.REGION, OrgNode.Kind.DISTRICT)


@dataclass(frozen=True)
class StructureRow:
    """A structure with what a list shows of it."""

    node: OrgNode
    district: OrgNode | None
    region: OrgNode | None
    staff: int


@dataclass(frozen=True)
class AgentRow:
    """An agent with where they work on the day of the list."""

    agent: Agent
    structure: OrgNode | None
    district: OrgNode | None
    region: OrgNode | None

    @property
    def phone(self) -> str:
        """The phone as people of the country write it."""
        return display(self.agent.phone, country=self.agent.country) if self.agent.phone else ""


def structures(actor: Actor, capability: str = "structures.view") -> QuerySet[OrgNode]:
    """Structures (not regions or districts) of the actor's territory."""
    nodes = nodes_visible_to(actor, capability).filter(kind=OrgNode.Kind.STRUCTURE)
    return nodes.select_related("type")


def places(actor: Actor, capability: str = "structures.view") -> QuerySet[OrgNode]:
    """Regions and districts of the actor's territory, in the order of the tree."""
    nodes = nodes_visible_to(actor, capability).filter(kind__in=PLACES, closed_on=None)
    return nodes.order_by("path")


def below(place: OrgNode, prefix: str = "") -> Q:
    """The filter for rows whose node (at lookup ``prefix``) is ``place`` or hangs below it."""
    low, high = path_range(place.path)
    return Q(**{f"{prefix}path__gte": low, f"{prefix}path__lt": high})


def search_structures(nodes: QuerySet[OrgNode], text: str) -> QuerySet[OrgNode]:
    """Structures whose folded name holds every word of ``text``, or that bear it as a code."""
    words = fold(text).split()
    condition = Q()
    for word in words:
        condition &= Q(search__contains=word)
    coded = OrgNodeCode.objects.filter(value__iexact=text.strip()).values("node")
    return nodes.filter(condition | Q(pk__in=coded)) if words else nodes


def likely_structures(
    nodes: QuerySet[OrgNode], text: str, *, limit: int = 8
) -> list[tuple[OrgNode, float]]:
    """Structures with a name near ``text``, best first, with their score (two queries).

    Words are compared one by one and weigh by their rarity (inverse document frequency): "centre
    de santé" says little, "Sokone" much. Score from 0 to 100.
    """
    wanted = fold(text).split()
    names = {pk: set(name.split()) for pk, name in nodes.order_by().values_list("pk", "search")}
    if not names or len("".join(wanted)) < 3:
        return []
    borne_by = Counter(word for words in names.values() for word in words)
    rarity = {word: math.log(1 + len(names) / times) for word, times in borne_by.items()}
    vocabulary = list(rarity)
    near = [
        {
            word: score / 100
            for word, score, _ in process.extract(
                asked, vocabulary, scorer=fuzz.ratio, limit=None, score_cutoff=_NEAR_WORD
            )
        }
        for asked in wanted
    ]
    unknown = math.log(1 + len(names))
    total = sum(max((rarity[word] for word in found), default=unknown) for found in near)
    scores = {
        pk: sum(
            max((found.get(word, 0) * rarity[word] for word in words), default=0) for found in near
        )
        * (100 / total)
        for pk, words in names.items()
    }
    floor = max(_LIKELY, max(scores.values()) - 20)
    best = sorted((-score, pk) for pk, score in scores.items() if score >= floor)[:limit]
    found = OrgNode.objects.in_bulk([pk for _, pk in best])
    return [(found[pk], -score) for score, pk in best]


def structure_rows(nodes: Iterable[OrgNode], day: dt.date) -> list[StructureRow]:
    """Add district, region and staff in post on ``day`` (two queries, however many nodes)."""
    listed = list(nodes)
    above = ancestors(listed)
    counted = dict(
        posts_on(day)
        .filter(structure__in=[node.pk for node in listed])
        .order_by()
        .values_list("structure")
        .annotate(number=Count("agent", distinct=True))
    )
    return [
        StructureRow(node, *_district_and_region(node, above), counted.get(node.pk, 0))
        for node in listed
    ]


def ancestors(nodes: Iterable[OrgNode]) -> dict[str, OrgNode]:
    """Everything above ``nodes``, by path (one query)."""
    step = OrgNode.steplen
    paths = {node.path[:length] for node in nodes for length in range(step, len(node.path), step)}
    return {node.path: node for node in OrgNode.objects.filter(path__in=paths)}


def chain(node: OrgNode) -> list[OrgNode]:
    """What stands above ``node``, from the country down."""
    return [found for _, found in sorted(ancestors([node]).items())]


def children_with_counts(actor: Actor, place: OrgNode | None) -> list[tuple[OrgNode, int]]:
    """Places just below ``place`` (None: the top of the actor's territory), each with its number
    of open structures (two queries)."""
    visible = places(actor)
    if place is not None:
        nodes = [n for n in visible.filter(below(place)) if n.depth == place.depth + 1]
    else:
        nodes = [n for n in visible if n.kind == OrgNode.Kind.REGION]
        nodes = nodes or list(visible)
    paths = structures(actor).filter(closed_on=None).order_by().values_list("path", flat=True)
    if place is not None:
        paths = paths.filter(below(place))
    lengths = {len(node.path) for node in nodes}
    counts = Counter(path[:length] for path in paths for length in lengths)
    return [(node, counts[node.path]) for node in nodes]


def periods_of(node: OrgNode) -> QuerySet[OrgNodePeriod]:
    """What the node was, latest first."""
    periods = OrgNodePeriod.objects.filter(node=node).select_related("parent", "type")
    return periods.order_by("-start", "-pk")


def staff_of(actor: Actor, node: OrgNode, day: dt.date) -> QuerySet[Post]:
    """Posts held at ``node`` on ``day`` by agents whom the actor may see."""
    held = Post.objects.filter(structure=node, start__lte=day).filter(
        Q(end__isnull=True) | Q(end__gte=day)
    )
    seen = agents_visible_to(actor, today=day)
    return held.filter(agent__in=seen).select_related("agent", "cadre", "agent__cadre")


def agents(actor: Actor, *, today: dt.date, capability: str = "people.view") -> QuerySet[Agent]:
    """Agents of the actor's territory, with their cadre."""
    return agents_visible_to(actor, capability, today=today).select_related("cadre")


def search_agents(found: QuerySet[Agent], text: str) -> QuerySet[Agent]:
    """Agents whose folded name holds every word, or whose matricule or phone begins with it."""
    words = fold(text).split()
    if not words:
        return found
    # Without spaces, "ndiaye" finds "N’Diaye", whose folded form is "n diaye".
    found = found.annotate(compact=Replace("search", Value(" "), Value("")))
    named = Q()
    for word in words:
        named &= Q(compact__contains=word)
    condition = named | Q(matricule__istartswith=text.strip())
    digits = re.sub(r"\D", "", text)
    if len(digits) >= 5:
        condition |= Q(phone__contains=digits.removeprefix("00"))
    return found.filter(condition)


def working_in(found: QuerySet[Agent], place: OrgNode, day: dt.date) -> QuerySet[Agent]:
    """Agents with a post on ``day`` at ``place`` or below it."""
    held = Post.objects.filter(below(place, "structure__"), start__lte=day)
    held = held.filter(Q(end__isnull=True) | Q(end__gte=day))
    return found.filter(pk__in=held.values("agent"))


def working_at(found: QuerySet[Agent], text: str, day: dt.date) -> QuerySet[Agent]:
    """Agents with a post on ``day`` at a structure whose name holds every word of ``text``."""
    held = Post.objects.filter(start__lte=day).filter(Q(end__isnull=True) | Q(end__gte=day))
    for word in fold(text).split():
        held = held.filter(structure__search__contains=word)
    return found.filter(pk__in=held.values("agent"))


def agent_rows(listed: Sequence[Agent], day: dt.date) -> list[AgentRow]:
    """Add the structure of each agent on ``day`` and what stands above (three queries)."""
    held = posts_on_day([agent.pk for agent in listed], day)
    nodes = OrgNode.objects.in_bulk({post[0] for post in held.values()})
    above = ancestors(nodes.values())
    rows = []
    for agent in listed:
        node = nodes[held[agent.pk][0]] if agent.pk in held else None
        around = _district_and_region(node, above) if node else (None, None)
        rows.append(AgentRow(agent, node, *around))
    return rows


@dataclass(frozen=True)
class ReconcileRow:
    """A person added on the spot, with agents who may be the same."""

    row: AgentRow
    namesakes: list[Agent]


def with_namesakes(actor: Actor, rows: list[AgentRow], today: dt.date) -> list[ReconcileRow]:
    """Add known agents of the same folded name or of the same phone (one query)."""
    phones = {row.agent.phone for row in rows if row.agent.phone}
    same = Q(search__in=[row.agent.search for row in rows]) | Q(phone__in=phones)
    known = list(
        agents(actor, today=today).filter(same, to_reconcile=False).order_by("search", "pk")[:500]
    )
    return [
        ReconcileRow(
            row,
            [
                other
                for other in known
                if other.search == row.agent.search
                or (row.agent.phone and other.phone == row.agent.phone)
            ],
        )
        for row in rows
    ]


def posts_of(agent: Agent) -> QuerySet[Post]:
    """The agent's posts, latest first."""
    posts = Post.objects.filter(agent=agent).select_related("structure", "cadre")
    return posts.order_by("-start", "-pk")


def editable_structures_of(actor: Actor, agent: Agent) -> set[int]:
    """Structures of the agent's posts at which the actor may change a post."""
    nodes = structures(actor, "people.edit").filter(posts__agent=agent)
    return set(nodes.order_by().values_list("pk", flat=True))


def cadres(country: str) -> QuerySet[Cadre]:
    """The cadres of a country in its own order."""
    return Cadre.objects.filter(country=country).order_by("rank", "title", "pk")


def may_edit_structure(actor: Actor, node: OrgNode) -> bool:
    """Whether to show the buttons; the services ask again."""
    return actor.covers(policy.CAPABILITIES["structures.edit"], node.path)


def countries_of(actor: Actor) -> list[str]:
    """Country codes of the actor's territory (usually one)."""
    nodes = nodes_visible_to(actor).order_by("country")
    return list(nodes.values_list("country", flat=True).distinct())


def _district_and_region(
    node: OrgNode, above: dict[str, OrgNode]
) -> tuple[OrgNode | None, OrgNode | None]:
    district = region = None
    step = OrgNode.steplen
    for length in range(len(node.path), 0, -step):
        found = node if length == len(node.path) else above.get(node.path[:length])
        if found is None:
            continue
        if found.kind == OrgNode.Kind.DISTRICT and district is None:
            district = found
        elif found.kind == OrgNode.Kind.REGION:
            region = found
            break
    return district, region


def structure_places(nodes: Iterable[OrgNode]) -> list[tuple[OrgNode, str]]:
    """Each node with where it is, "Sokone, Fatick", to tell namesakes apart (one query)."""
    listed = list(nodes)
    above = ancestors(listed)
    named = []
    for node in listed:
        around = [found.name for found in _district_and_region(node, above) if found is not None]
        named.append((node, ", ".join(around) or node.country.upper()))
    return named
