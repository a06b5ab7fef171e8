"""The shapes a row of the table can take. See table.py for how to add one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# "agent" is somebody without any role; "national" is an administrator of the whole country; the
# others are the codes of people.models.Role, held in one region or one structure of it.
ROLES = (
    "agent",
    "trainer",
    "structure",
    "region",
    "programme",
    "author",
    "signatory",
    "auditor",
    "admin",
    "national",
)
ALL = frozenset(ROLES)

TO_SIGN_IN = 302
NOT_FOUND = 404


@dataclass(frozen=True)
class Row:
    """What one address answers to whom.

    ``of`` names the object in the address, an attribute of world.Place; with several parts in the
    address, a dictionary part → attribute. Objects exist twice: inside and outside the territory
    of those who ask. ``outside`` is what the allowed roles get for the one outside.
    """

    allowed: frozenset[str]
    ok: int = 200
    anonymous: int = TO_SIGN_IN
    refused: int = NOT_FOUND
    outside: int | None = None  # None: the address holds no object with a territory
    of: str | dict[str, str] | None = None
    method: str = "get"
    data: dict[str, Any] = field(default_factory=dict)
    query: str = ""  # "?a={agent.uid}": attributes of the place
    html: bool = True  # a page that the browser tests look at
    leaks: bool = False  # a list: nothing of the other territory may stand in it
    seen_by: frozenset[str] = frozenset({"national"})  # who may find the other territory in it

    def expected(self, role: str | None, place: str) -> int:
        if role is None:
            return self.anonymous
        if role == "national" and "admin" in self.allowed:
            return self.ok
        if role not in self.allowed:
            return self.refused
        return self.ok if place == "here" or self.outside is None else self.outside


def PUBLIC(*, ok: int = 200, of: str | None = None, **more: Any) -> Row:
    """Anybody, signed in or not."""
    return Row(allowed=ALL, ok=ok, anonymous=ok, of=of, **more)


def SIGNED_IN(*, ok: int = 200, of: str | None = None, **more: Any) -> Row:
    """Whoever has signed in."""
    return Row(allowed=ALL, ok=ok, of=of, **more)


def STAFF_LIST(*roles: str, **more: Any) -> Row:
    """A list or a screen without an object, for these roles; nothing out of scope in it."""
    return Row(allowed=frozenset(roles), leaks=True, **more)


def DETAIL(*roles: str, of: str | dict[str, str], **more: Any) -> Row:
    """A page about one object, for these roles in whose territory it lies; else 404."""
    more.setdefault("outside", NOT_FOUND)
    return Row(allowed=frozenset(roles), of=of, **more)


def ACTION(
    *roles: str,
    of: str | dict[str, str] | None = None,
    ok: int = 302,
    data: dict[str, Any] | None = None,
    **more: Any,
) -> Row:
    """A POST without a page of its own."""
    more.setdefault("outside", NOT_FOUND if of else None)
    return Row(
        allowed=frozenset(roles), of=of, ok=ok, method="post", data=data or {}, html=False, **more
    )


def FILE(*roles: str, of: str | dict[str, str], **more: Any) -> Row:
    """A download about one object."""
    return DETAIL(*roles, of=of, html=False, **more)
