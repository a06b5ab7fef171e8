"""Finding the agent that a row of a file speaks of, and the agents it might speak of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, OuterRef, Q
from rapidfuzz import fuzz

from kalan.people.actor import path_range
from kalan.people.models import Agent, Post

NEAR = 88.0  # per cent: token_sort_ratio of folded names

_AGENT = ("pk", "matricule", "last_name", "first_names", "search", "sex", "birth_year", "phone",
          "email", "cadre_id", "status", "merged_into_id")  # fmt: skip


@dataclass(slots=True)
class KnownPost:
    id: int
    structure: int
    cadre: int | None
    title: str
    employer: str
    status: str
    start: dt.date
    end: dt.date | None


@dataclass(slots=True)
class Known:
    """An agent as stored, with their main posts in order of start."""

    id: int
    matricule: str | None
    last_name: str
    first_names: str
    search: str
    sex: str
    birth_year: int | None
    phone: str
    email: str
    cadre: int | None
    status: str
    merged_into: int | None
    posts: list[KnownPost] = field(default_factory=list)

    @property
    def open_post(self) -> KnownPost | None:
        return next((post for post in self.posts if post.end is None), None)

    @property
    def last_post(self) -> KnownPost | None:
        return self.open_post or (max(self.posts, key=lambda p: p.start) if self.posts else None)

    @property
    def full_name(self) -> str:
        return f"{self.first_names} {self.last_name.upper()}".strip()


@dataclass(frozen=True, slots=True)
class Seen:
    """What a row says of a person, folded where names are."""

    search: str
    matricule: str
    sex: str
    birth_year: int | None
    phone: str
    email: str
    structure: int | None


Light = tuple[int, str, str, str, str | None]  # id, search, sex, phone, matricule


class AgentMatcher:
    """Loads agents chunk by chunk; those of a structure are looked up once per file."""

    def __init__(self, *, country: str, scope: list[str]) -> None:
        self.country = country
        self.scope = scope
        self._at: dict[int, list[Light]] = {}

    def by_matricule(self, matricules: Iterable[str]) -> dict[str, Known]:
        """Agents of the country by matricule, wherever they are; merged ones give the kept one."""
        wanted = list(matricules)
        if not wanted:
            return {}
        rows = Agent.objects.filter(country=self.country, matricule__in=wanted)
        found = {str(k.matricule): k for k in self._known(rows)}
        kept = {k.merged_into for k in found.values() if k.merged_into}
        if kept:
            others = self.by_id(kept)
            found = {m: others.get(k.merged_into or 0, k) for m, k in found.items()}
        return found

    def by_id(self, ids: Iterable[int]) -> dict[int, Known]:
        wanted = list(ids)
        return {k.id: k for k in self._known(Agent.objects.filter(pk__in=wanted))} if wanted else {}

    def _known(self, agents: Any) -> list[Known]:
        rows = [Known(*values) for values in agents.values_list(*_AGENT)]
        by_id = {row.id: row for row in rows}
        posts = Post.objects.filter(agent__in=list(by_id), is_main=True).order_by("start", "pk")
        columns = ("agent_id", "pk", "structure_id", "cadre_id", "title", "employer", "status",
                   "start", "end")  # fmt: skip
        for agent, *values in posts.values_list(*columns):
            by_id[agent].posts.append(KnownPost(*values))
        return rows

    def load_structures(self, ids: Iterable[int]) -> None:
        missing = [pk for pk in set(ids) if pk not in self._at]
        if not missing:
            return
        self._at.update({pk: [] for pk in missing})
        posts = Post.objects.filter(
            structure__in=missing, end__isnull=True, agent__status__in=["active", "left"]
        ).order_by("agent_id", "pk")
        columns = ("structure_id", "agent_id", "agent__search", "agent__sex", "agent__phone",
                   "agent__matricule")  # fmt: skip
        for structure, *light in posts.values_list(*columns).iterator(chunk_size=5000):
            self._at[structure].append(tuple(light))

    def by_phone(self, phones: Iterable[str]) -> dict[str, list[Light]]:
        """{phone: agents of the scope who have it}; a shared phone has several."""
        wanted = sorted({phone for phone in phones if phone})
        if not wanted:
            return {}
        visible = Q()
        for path in self.scope:
            low, high = path_range(path) if path else ("", "~")
            visible |= Q(structure__path__gte=low, structure__path__lt=high)
        posts = Post.objects.filter(visible, agent=OuterRef("pk"))
        agents = Agent.objects.filter(
            Exists(posts), country=self.country, phone__in=wanted, status__in=["active", "left"]
        ).order_by("pk")
        found: dict[str, list[Light]] = {}
        for light in agents.values_list("pk", "search", "sex", "phone", "matricule"):
            found.setdefault(light[3], []).append(light)
        return found

    def candidates(
        self, seen: Seen, phones: dict[str, list[Light]]
    ) -> list[tuple[int, float, list[str]]]:
        """Agents who may be the person: (id, likeness in per cent, what matched), best first."""
        found: dict[int, tuple[float, list[str]]] = {}
        here = self._at.get(seen.structure, []) if seen.structure else []
        for light in here:
            points = _likeness(seen.search, light[1])
            if points >= NEAR and self._may_be(seen, light):
                found[light[0]] = (points, ["même structure", *_why(seen, light, points)])
        for light in phones.get(seen.phone, []):
            points = _likeness(seen.search, light[1])
            if light[0] not in found and points >= NEAR and self._may_be(seen, light):
                found[light[0]] = (points, ["autre structure", *_why(seen, light, points)])
        ranked = sorted(found.items(), key=lambda item: (-item[1][0], item[0]))
        return [(pk, points, why) for pk, (points, why) in ranked[:5]]

    @staticmethod
    def _may_be(seen: Seen, light: Light) -> bool:
        _, _, sex, phone, matricule = light
        if seen.sex and sex and seen.sex != sex:
            return False
        if seen.matricule and matricule and seen.matricule != matricule:
            return bool(seen.phone) and seen.phone == phone
        return True


def _likeness(left: str, right: str) -> float:
    if left == right:
        return 100.0
    return float(fuzz.token_sort_ratio(left, right, score_cutoff=NEAR))


def _why(seen: Seen, light: Light, points: float) -> list[str]:
    why = ["même nom" if points >= 100 else f"nom proche ({points:.0f} %)"]
    if seen.sex and seen.sex == light[2]:
        why.append("même sexe")
    if seen.phone and seen.phone == light[3]:
        why.append("même téléphone")
    elif seen.phone and light[3]:
        why.append("téléphone différent")
    if seen.matricule and light[4] and seen.matricule != light[4]:
        why.append("matricule différent")
    return why
