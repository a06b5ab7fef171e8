"""Frozen figures: what stood that day, and what has changed since, with who."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from kalan.indicators import policy
from kalan.indicators.models import DeclaredFigure, Denominator, FrozenFigures
from kalan.indicators.selectors.scope import Filters, Reach, reach_of
from kalan.people.actor import SYSTEM, Actor
from kalan.people.models import Agent
from kalan.training.models import Outsider, Session

ERASED = "personne anonymisée"


def freezes_visible_to(
    actor: Actor, capability: str = "indicators.view"
) -> QuerySet[FrozenFigures]:
    """Freezes of programmes run within the actor's territory: their lists name everybody."""
    roles = policy.CAPABILITIES[capability]
    scope = actor.scope(roles, "programme__node__")
    if reach_of(actor, Filters()).everything and actor.can(roles):
        scope |= Q(programme__isnull=True)
    return FrozenFigures.objects.filter(scope).select_related("programme", "frozen_by")


def reach_of_freeze(programme: Any, start: Any, end: Any) -> Reach:
    """A freeze speaks for the whole programme, whoever made it."""
    return reach_of(SYSTEM, Filters(programme=programme, start=start, end=end))


def basis(reach: Reach) -> dict[str, Any]:
    """What figures are counted from: keys of people and sessions, with the sex as counted."""
    trained = dict(
        reach.trained().order_by("agent_id", "-day").values_list("agent_id", "sex").distinct()
    )
    rows = reach.participations()
    others = rows.filter(completed=True, outsider_id__isnull=False).order_by("outsider_id")
    return {
        "trained": {str(pk): sex for pk, sex in trained.items()},
        "others": list(others.values_list("outsider_id", flat=True).distinct()),
        "sessions": list(
            reach.sessions().order_by("session_id").values_list("session_id", flat=True)
        ),
        "registrations": list(
            rows.order_by("registration_id").values_list("registration_id", flat=True)
        ),
    }


@dataclass(frozen=True)
class Change:
    """What entered and what left one count since the freeze."""

    label: str
    added: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def text(self) -> str:
        """« +1 −2 », or « aucun changement »."""
        parts = []
        if self.added:
            parts.append(f"+{len(self.added)}")
        if self.removed:
            parts.append(f"\u2212{len(self.removed)}")
        return " ".join(parts) or "aucun changement"


def changes_since(frozen: FrozenFigures) -> list[Change]:
    """Compare the list behind ``frozen`` with what is counted now (constant queries)."""
    then, now = (
        frozen.basis,
        basis(reach_of_freeze(frozen.programme, frozen.start, frozen.end)),
    )
    entered, left = _difference(then["trained"], now["trained"])
    people = _agents({int(pk) for pk in [*entered, *left]})
    recoded = sorted(
        pk
        for pk in then["trained"].keys() & now["trained"]
        if then["trained"][pk] != now["trained"][pk]
    )
    people |= _agents({int(pk) for pk in recoded})
    out, gone = _difference(then["others"], now["others"])
    others = {
        one.pk: one.full_name or ERASED for one in Outsider.objects.filter(pk__in=[*out, *gone])
    }
    new, lost = _difference(then["sessions"], now["sessions"])
    sessions = {one.pk: str(one) for one in Session.objects.filter(pk__in=[*new, *lost])}
    signed, unsigned = _difference(then["registrations"], now["registrations"])
    found = [
        Change(
            "Agents formés",
            tuple(sorted(people.get(int(pk), ERASED) for pk in entered)),
            tuple(sorted(people.get(int(pk), ERASED) for pk in left)),
        ),
        Change(
            "Autres participants formés",
            tuple(sorted(others.get(pk, ERASED) for pk in out)),
            tuple(sorted(others.get(pk, ERASED) for pk in gone)),
        ),
        Change(
            "Sessions",
            tuple(sorted(sessions.get(pk, "session supprimée") for pk in new)),
            tuple(sorted(sessions.get(pk, "session supprimée") for pk in lost)),
        ),
        Change(
            "Inscriptions",
            tuple(f"n° {pk}" for pk in signed),
            tuple(f"n° {pk}" for pk in unsigned),
        ),
    ]
    if recoded:
        named = tuple(sorted(people.get(int(pk), ERASED) for pk in recoded))
        found.append(Change("Sexe corrigé", named, named))
    return found


def _difference(then: Iterable[Any], now: Iterable[Any]) -> tuple[list[Any], list[Any]]:
    before, after = set(then), set(now)
    return sorted(after - before), sorted(before - after)


def _agents(ids: set[int]) -> dict[int, str]:
    """Names; a merged agent says into whom."""
    found = {}
    for agent in Agent.objects.filter(pk__in=ids).select_related("merged_into"):
        name = agent.full_name or ERASED
        if agent.merged_into:
            name += f" (fiche fusionnée avec {agent.merged_into.full_name})"
        found[agent.pk] = ERASED if agent.status == Agent.Status.ERASED else name
    return found


def declared_visible_to(
    actor: Actor, capability: str = "indicators.view"
) -> QuerySet[DeclaredFigure]:
    """Declared figures of the actor's territory and programmes."""
    roles = policy.CAPABILITIES[capability]
    scope = actor.scope(roles, "node__") | (
        Q(node__isnull=True) & actor.scope(roles, "programme__node__")
    )
    return DeclaredFigure.objects.filter(scope).select_related("programme", "node", "document")


def denominators_visible_to(actor: Actor) -> QuerySet[Denominator]:
    return Denominator.objects.filter(
        actor.scope(policy.CAPABILITIES["indicators.view"], "node__")
    ).select_related("node", "cadre")
