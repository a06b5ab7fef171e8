"""Likely duplicates per territory: proposed with their reasons, never merged silently.

Pairs are sought inside blocks only (same phone, same structure, same folded name): comparing every
agent with every other is quadratic, and two people of one name at two ends of the country are two.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from django.db import transaction
from rapidfuzz import fuzz

from kalan.people.actor import subtree
from kalan.people.models import Agent, DuplicatePair, OrgNode, Post

NAME_FLOOR = 90.0  # token_sort_ratio below which two names are two people
BLOCK_CEILING = 2000  # a larger block (a shared switchboard number) is not a clue
NEAR_KM = 0.3


@dataclass(frozen=True)
class Person:
    """What two agents are compared by."""

    pk: int
    name: str
    sex: str
    phone: str
    structure_id: int | None
    matricule: str | None
    birth_year: int | None


def compare(one: Person, other: Person) -> tuple[float, list[str]]:
    """Return a score (0 to 100) and its reasons; 0 when a fact says that they are two people."""
    if one.matricule and other.matricule:
        return 0.0, []  # the State numbered them twice: two people
    if one.sex and other.sex and one.sex != other.sex:
        return 0.0, []
    if one.birth_year and other.birth_year and abs(one.birth_year - other.birth_year) > 1:
        return 0.0, []
    likeness = fuzz.token_sort_ratio(one.name, other.name)
    if likeness < NAME_FLOOR:
        return 0.0, []
    reasons = ["même nom" if likeness == 100 else f"noms proches ({likeness:.0f} %)"]
    score = likeness * 0.7
    if one.structure_id and one.structure_id == other.structure_id:
        score, reasons = score + 15, [*reasons, "même structure"]
    if one.phone and one.phone == other.phone:
        score, reasons = score + 15, [*reasons, "même téléphone"]
    if len(reasons) == 1 and likeness < 100:
        return 0.0, []
    return min(score, 100.0), reasons


def find_agents(*, node: OrgNode, now: dt.datetime) -> int:
    """Propose pairs of agents below ``node``; return how many open pairs there are now.

    Pairs decided before stay decided. One transaction at the end, brief.
    """
    structures = OrgNode.objects.filter(subtree(node.path))
    homes = dict(
        Post.objects.filter(structure__in=structures)
        .order_by("is_main", "start", "pk")
        .values_list("agent_id", "structure_id")
    )
    people = [
        Person(pk, name, sex, phone, homes.get(pk), matricule, birth_year)
        for pk, name, sex, phone, matricule, birth_year in Agent.objects.filter(
            status__in=["active", "left"], pk__in=homes
        )
        .order_by("pk")
        .values_list("pk", "search", "sex", "phone", "matricule", "birth_year")
    ]
    return _store("agent", _pairs(people), homes, node)


def _pairs(people: list[Person]) -> Iterator[tuple[int, int, float, list[str]]]:
    blocks: dict[tuple[str, object], list[Person]] = defaultdict(list)
    for person in people:
        blocks["name", " ".join(sorted(person.name.split()))].append(person)
        if person.phone:
            blocks["phone", person.phone].append(person)
        if person.structure_id:
            blocks["structure", person.structure_id].append(person)
    seen: set[tuple[int, int]] = set()
    for block in blocks.values():
        if len(block) > BLOCK_CEILING:
            continue
        for one, other in combinations(block, 2):
            key = (min(one.pk, other.pk), max(one.pk, other.pk))
            if key in seen:
                continue
            seen.add(key)
            score, reasons = compare(one, other)
            if score:
                yield *key, score, reasons


def find_structures(*, node: OrgNode, now: dt.datetime) -> int:
    """Propose pairs of structures of one district below ``node`` by name or by nearness."""
    rows = list(
        OrgNode.objects.filter(
            subtree(node.path), kind="structure", merged_into__isnull=True
        ).order_by("pk")
    )
    siblings: dict[str, list[OrgNode]] = defaultdict(list)
    for row in rows:
        siblings[row.path[: -OrgNode.steplen]].append(row)
    found: list[tuple[int, int, float, list[str]]] = []
    for group in siblings.values():
        for one, other in combinations(group, 2):
            score, reasons = _compare_structures(one, other)
            if score:
                found.append((*sorted((one.pk, other.pk)), score, reasons))
    return _store("structure", found, {row.pk: row.pk for row in rows}, node)


def _compare_structures(one: OrgNode, other: OrgNode) -> tuple[float, list[str]]:
    likeness = fuzz.token_sort_ratio(one.search, other.search)
    near = _km(one, other) < NEAR_KM
    if likeness >= 90:
        reasons = [f"noms proches ({likeness:.0f} %)", "même district"]
        return likeness, [*reasons, "au même endroit"] if near else reasons
    if near and likeness >= 70:
        return likeness, [f"noms proches ({likeness:.0f} %)", "au même endroit"]
    return 0.0, []


def _km(one: OrgNode, other: OrgNode) -> float:
    """Great-circle distance in km; infinite when a position is not known."""
    if None in (one.latitude, one.longitude, other.latitude, other.longitude):
        return math.inf
    lat1, lon1, lat2, lon2 = (
        math.radians(float(value or 0))
        for value in (one.latitude, one.longitude, other.latitude, other.longitude)
    )
    chord = (
        math.sin((lat2 - lat1) / 2) ** 2
        + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    )
    return 2 * 6371.0 * math.asin(math.sqrt(chord))


def _store(
    kind: str,
    pairs: Iterable[tuple[int, int, float, list[str]]],
    homes: dict[int, int],
    node: OrgNode,
) -> int:
    rows = [
        DuplicatePair(
            kind=kind,
            first_id=first,
            second_id=second,
            node_id=homes[first],
            score=round(score, 1),
            reasons=reasons,
        )
        for first, second, score, reasons in pairs
    ]
    with transaction.atomic():
        inside = DuplicatePair.objects.filter(subtree(node.path, "node__"), kind=kind)
        inside.filter(state=DuplicatePair.State.OPEN).delete()
        DuplicatePair.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
        return inside.filter(state=DuplicatePair.State.OPEN).count()
