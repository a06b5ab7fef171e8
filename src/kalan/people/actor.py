"""Who acts, and where: roles on nodes of the tree, turned into ranges of tree paths.

One rule for list and detail: a selector narrows a queryset by ``Actor.scope(roles)``; "may I see
this one?" is "is it in that queryset?", so what is out of scope answers 404. Open to every room.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

if TYPE_CHECKING:
    from kalan.people.models import Account

# A path component of treebeard: 4 characters of 0-9A-Z. The upper bound of a subtree is the path
# with its last component raised by one in that alphabet (never "last character plus one":
# punctuation sorts elsewhere under PostgreSQL's language collations).
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def path_range(path: str) -> tuple[str, str]:
    """Return ``(low, high)`` such that ``low <= p < high`` holds for the subtree of ``path``."""
    head, tail = path[:-4], path[-4:]
    number = int(tail, 36) + 1
    digits = ""
    for _ in range(4):
        number, digit = divmod(number, 36)
        digits = _ALPHABET[digit] + digits
    return path, head + digits


def subtree(path: str, prefix: str = "") -> Q:
    """Return the filter for rows whose node (at lookup ``prefix``) is ``path`` or below it."""
    low, high = path_range(path)
    return Q(**{f"{prefix}path__gte": low, f"{prefix}path__lt": high})


def paths_to(path: str) -> list[str]:
    """Return the paths of a node and of all those above it, the root's first."""
    return [path[:end] for end in range(4, len(path) + 1, 4)]


@dataclass(frozen=True)
class Actor:
    """The person who acts, with their grants of the day, loaded once per request."""

    account: Account | None = None
    grants: tuple[tuple[str, str], ...] = ()  # (role, node path)
    agent_id: int | None = None
    system: bool = False
    # Holds a role that asks for a second factor and has none: to be sent to enrol first.
    must_enrol: bool = False

    @property
    def is_authenticated(self) -> bool:
        return self.account is not None or self.system

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(role for role, _ in self.grants)

    def paths(self, roles: frozenset[str]) -> list[str]:
        """Return the node paths of grants among ``roles``, without those inside another."""
        found = sorted({path for role, path in self.grants if role in roles})
        kept: list[str] = []
        for path in found:
            if not kept or not path.startswith(kept[-1]):
                kept.append(path)
        return kept

    def can(self, roles: frozenset[str]) -> bool:
        """Whether the actor holds one of ``roles`` anywhere."""
        return self.system or any(role in roles for role, _ in self.grants)

    def covers(self, roles: frozenset[str], path: str) -> bool:
        """Whether the actor holds one of ``roles`` on ``path`` or above it."""
        return self.system or any(path.startswith(mine) for mine in self.paths(roles))

    def scope(self, roles: frozenset[str], prefix: str = "") -> Q:
        """Return the filter for rows whose node (at lookup ``prefix``) is in scope.

        ``prefix`` is the lookup up to the node, e.g. ``"structure__"``. No grant: nothing.
        """
        if self.system:
            return Q()
        query = Q(pk__in=[])
        for path in self.paths(roles):
            query |= subtree(path, prefix)
        return query

    def around(self, roles: frozenset[str], prefix: str = "") -> Q:
        """Return the filter for rows whose node is in scope, or above one that is: what a higher
        level offers to those below."""
        if self.system:
            return Q()
        above = {one for path in self.paths(roles) for one in paths_to(path)}
        return self.scope(roles, prefix) | Q(**{f"{prefix}path__in": above})


ANONYMOUS = Actor()
SYSTEM = Actor(system=True)
