"""Small worlds for tests: a country with two regions, agents, accounts with one role each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from itertools import count
from typing import NamedTuple, ParamSpec, TypeVar

from allauth.mfa.models import Authenticator
from auditlog.context import disable_auditlog

from kalan.base.text import fold
from kalan.people.actor import Actor
from kalan.people.adapters import MfaAdapter
from kalan.people.models import (
    Account,
    Agent,
    Cadre,
    OrgNode,
    OrgNodePeriod,
    Post,
    RoleGrant,
    StructureType,
)
from kalan.people.selectors.core import actor_for
from kalan.people.services.accounts_demo import DEMO_TOTP_SECRET

NOW = dt.datetime(2023, 3, 20, 9, 0, tzinfo=dt.UTC)
LONG_AGO = dt.date(2015, 1, 1)
_numbers = count(1)
P = ParamSpec("P")
Made = TypeVar("Made")


_told = ContextVar("_told", default=False)


@contextmanager
def told() -> Iterator[None]:
    """What is made meanwhile has entries in the journal."""
    token = _told.set(True)
    try:
        yield
    finally:
        _told.reset(token)


def unlogged(make: Callable[P, Made]) -> Callable[P, Made]:
    """What stands before a test begins was done by nobody: it has no entries in the journal.

    To write them took a sixth of the time of tests. Those that look at the journal have them, by
    the fixture ``journal``.
    """

    @wraps(make)
    def inner(*args: P.args, **kwargs: P.kwargs) -> Made:
        with nullcontext() if _told.get() else disable_auditlog():
            return make(*args, **kwargs)

    return inner


@unlogged
def node(parent: OrgNode | None, kind: str, name: str, **fields: object) -> OrgNode:
    values = {"country": "sn", "kind": kind, "name": name, "search": fold(name), **fields}
    made = parent.add_child(**values) if parent else OrgNode.add_root(**values)
    OrgNodePeriod.objects.create(node=made, start=LONG_AGO, parent=parent, type=made.type)
    found: OrgNode = OrgNode.objects.get(pk=made.pk)
    return found


@dataclass
class Tree:
    country: OrgNode
    fatick: OrgNode
    kaolack: OrgNode
    sokone: OrgNode
    guinguineo: OrgNode
    centre_sokone: OrgNode
    poste_toubacouta: OrgNode
    centre_guinguineo: OrgNode


def tree() -> Tree:
    """Sénégal → Fatick (Sokone: a centre and a poste), Kaolack (Guinguinéo: a centre).

    Half of all tests stand in it, so it is written in a few queries, not in a hundred.
    """
    cs = StructureType.objects.get_or_create(
        country="sn", code="cs", defaults={"name": "centre de santé"}
    )[0]
    places = [
        _Place(None, "country", "Sénégal"),
        _Place(0, "region", "Fatick"),
        _Place(0, "region", "Kaolack"),
        _Place(1, "district", "Sokone"),
        _Place(2, "district", "Guinguinéo"),
        _Place(3, "structure", "Centre de santé de Sokone"),
        _Place(3, "structure", "Poste de santé de Toubacouta"),
        _Place(4, "structure", "Centre de santé de Guinguinéo"),
    ]
    last = OrgNode.get_last_root_node()
    nodes: list[OrgNode] = []
    for place in places:
        above = None if place.parent is None else nodes[place.parent]
        if above:
            above.numchild += 1
            path = OrgNode._get_path(above.path, above.depth + 1, above.numchild)
        else:
            path = last._inc_path() if last else OrgNode._get_path("", 1, 1)
        nodes.append(
            OrgNode(
                path=path,
                depth=above.depth + 1 if above else 1,
                country="sn",
                kind=place.kind,
                name=place.name,
                search=fold(place.name),
                type=cs if place.kind == "structure" else None,
            )
        )
    OrgNode.objects.bulk_create(nodes)
    OrgNodePeriod.objects.bulk_create(
        OrgNodePeriod(
            node=node,
            start=LONG_AGO,
            parent=None if place.parent is None else nodes[place.parent],
            type=node.type,
        )
        for place, node in zip(places, nodes, strict=True)
    )
    made = {node.pk: node for node in OrgNode.objects.filter(pk__in=[node.pk for node in nodes])}
    country, fatick, kaolack, sokone, guinguineo, *structures = (made[node.pk] for node in nodes)
    return Tree(country, fatick, kaolack, sokone, guinguineo, *structures)


class _Place(NamedTuple):
    parent: int | None
    kind: str
    name: str


@unlogged
def cadre(code: str = "ide", title: str = "infirmier d’État") -> Cadre:
    return Cadre.objects.get_or_create(
        country="sn", code=code, defaults={"title": title, "isco08": "2221"}
    )[0]


@unlogged
def agent(structure: OrgNode | None = None, **fields: object) -> Agent:
    """An agent with, when ``structure`` is given, an open main post there since 2015."""
    number = next(_numbers)
    values: dict[str, object] = {
        "country": "sn",
        "last_name": f"Diouf{number}",
        "first_names": "Awa",
        "sex": "F",
        "created_at": NOW,
        "cadre": cadre(),
        **fields,
    }
    values.setdefault("search", fold(f"{values['last_name']} {values['first_names']}"))
    made = Agent.objects.create(**values)
    if structure:
        Post.objects.create(agent=made, structure=structure, cadre=made.cadre, start=LONG_AGO)
    return made


@unlogged
def second_factor(account: Account) -> None:
    """Give ``account`` an authenticator app with the demo secret."""
    if not Authenticator.objects.filter(user=account, type="totp").exists():
        Authenticator.objects.create(
            user=account, type="totp", data={"secret": MfaAdapter().encrypt(DEMO_TOTP_SECRET)}
        )


@unlogged
def account(role: str | None = None, at: OrgNode | None = None, **fields: object) -> Account:
    """An account (password "kalan-demo") holding ``role`` at node ``at`` since 2015.

    Signatories and administrators get the second factor that their role asks for.
    """
    number = next(_numbers)
    values: dict[str, object] = {
        "email": f"compte{number}@exemple.sn",
        "display_name": f"Compte {number}",
        "created_at": NOW,
        "notice_seen_at": NOW,
        **fields,
    }
    made = Account.objects.create_user(password="kalan-demo", **values)
    if role and at:
        RoleGrant.objects.create(account=made, role=role, node=at, start=LONG_AGO, granted_at=NOW)
        if role in ("signatory", "admin"):
            second_factor(made)
    return made


def actor(role: str | None = None, at: OrgNode | None = None) -> Actor:
    return actor_for(account(role, at), today=NOW.date())
