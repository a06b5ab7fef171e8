"""What the rooms above hold about a person or a structure: merging, own data, erasure.

``people`` may not import upwards, so each room that stores something about an agent registers a
part here from its ``AppConfig.ready``. The order of registration is the order of the calls.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Protocol

from django.db.models import Count, QuerySet

Json = dict[str, Any]


class SubjectPart(Protocol):
    """One room's share of what is known about agents and structures."""

    name: str

    def summary(self, agent_ids: list[int]) -> dict[int, dict[str, int]]:
        """Return for each agent {label: count}, for the side-by-side page (few queries)."""

    def merge_agents(self, *, kept_id: int, absorbed_id: int, now: dt.datetime) -> Json:
        """Move what cannot simply be re-pointed; return what undoing needs. May raise Refused."""

    def undo_merge_agents(
        self, *, kept_id: int, absorbed_id: int, moved: Mapping[str, Any], now: dt.datetime
    ) -> None:
        """Take back what ``merge_agents`` did."""

    def after_move(self, *, agent_ids: list[int], node_ids: list[int], now: dt.datetime) -> None:
        """Have everything that counts these agents or structures recounted."""

    def own_data(self, agent_id: int) -> dict[str, list[Json]]:
        """Return {title of a list: rows} of all that this room knows about the agent."""

    def erase(self, *, agent_id: int, now: dt.datetime) -> dict[str, int]:
        """Remove what identifies the agent, keep what is counted; return {label: rows cleared}."""


_parts: dict[str, SubjectPart] = {}


def account_data(account_id: int) -> dict[str, list[Json]]:
    """{title of a list: rows} of what rooms hold about an account without an agent.

    A part that holds such things has a method ``account_data(account_id)``.
    """
    data: dict[str, list[Json]] = {}
    for part in _parts.values():
        tell = getattr(part, "account_data", None)
        if tell is not None:
            data.update(tell(account_id))
    return data


def counts(agent_ids: list[int], lists: Mapping[str, QuerySet[Any]]) -> dict[int, dict[str, int]]:
    """{agent: {label: rows}} for ``SubjectPart.summary``; ``lists``: {label: rows with an
    ``agent``} (a query each). Without rows, no label."""
    found: dict[int, dict[str, int]] = {pk: {} for pk in agent_ids}
    for label, rows in lists.items():
        mine = rows.filter(agent__in=agent_ids).order_by().values_list("agent")
        for pk, number in mine.annotate(n=Count("pk")):
            found[pk][label] = number
    return found


def register(part: SubjectPart) -> None:
    """Add a room's part (idempotent by name)."""
    _parts[part.name] = part


def parts() -> list[SubjectPart]:
    """The registered parts, in order."""
    return list(_parts.values())
