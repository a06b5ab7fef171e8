"""Accounts that an actor sees, and those whose access they may restore."""

from __future__ import annotations

import datetime as dt

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from kalan.base.text import fold
from kalan.people import policy
from kalan.people.actor import Actor
from kalan.people.identifiers import phone_candidates
from kalan.people.models import Account, Agent, OrgNode, Post, RoleGrant, SignInEvent
from kalan.people.selectors.core import grants_in_force, has_second_factor, posts_on


def _holding(actor: Actor, capability: str, today: dt.date, agent: str) -> Q:
    """The agent at lookup ``agent`` works in the territory today, or worked there last.

    A former manager does not keep a hold on a person who has a post elsewhere.
    """
    posts = Post.objects.filter(agent=OuterRef(agent))
    open_posts = posts.filter(start__lte=today).filter(Q(end__isnull=True) | Q(end__gte=today))
    here = actor.scope(policy.CAPABILITIES[capability], "structure__")
    return Q(Exists(open_posts.filter(here))) | (
        ~Exists(open_posts) & Q(Exists(posts.filter(here)))
    )


def _national(actor: Actor, roles: frozenset[str]) -> bool:
    return any(len(path) == OrgNode.steplen for path in actor.paths(roles))


def accounts_visible_to(
    actor: Actor, capability: str = "accounts.view", *, today: dt.date
) -> QuerySet[Account]:
    """Accounts of agents in post in the territory, or that hold a role there.

    Accounts with neither agent nor role are for national administrators.
    """
    if actor.system:
        return Account.objects.all()
    roles = policy.CAPABILITIES[capability]
    grants = RoleGrant.objects.filter(account=OuterRef("pk"), revoked_at__isnull=True)
    condition = Q(_holding(actor, capability, today, "agent")) | Q(
        Exists(grants.filter(actor.scope(roles, "node__")))
    )
    if _national(actor, policy.CAPABILITIES["accounts.admin"]):
        condition |= Q(~Exists(grants), agent__isnull=True)
    return Account.objects.filter(condition)


def agents_without_account(actor: Actor, *, today: dt.date) -> QuerySet[Agent]:
    """Agents in the territory for whom the actor may open an account."""
    agents = Agent.objects.filter(status=Agent.Status.ACTIVE, account__isnull=True)
    if actor.system:
        return agents
    return agents.filter(_holding(actor, "accounts.create", today, "pk"))


def may_restore(actor: Actor, account: Account, *, today: dt.date) -> bool:
    """Whether the actor may hand this person the keys anew: none of their roles is above.

    Every grant that holds or will hold must be of a role that the actor restores, on the actor's
    own node or below.
    """
    if actor.system:
        return True
    if not accounts_visible_to(actor, "accounts.slip", today=today).filter(pk=account.pk).exists():
        return False
    grants = (
        RoleGrant.objects.filter(account=account, revoked_at__isnull=True)
        .filter(Q(end__isnull=True) | Q(end__gte=today))
        .values_list("role", "node__path")
    )
    return all(covers(actor, policy.RESTORABLE, role, path) for role, path in grants)


def covers(actor: Actor, table: dict[str, frozenset[str]], role: str, path: str) -> bool:
    """Whether a grant of the actor allows ``role`` at ``path`` by ``table``."""
    return actor.system or any(
        role in table.get(mine, frozenset()) and path.startswith(node)
        for mine, node in actor.grants
    )


def grantable_roles(actor: Actor) -> frozenset[str]:
    """Roles that the actor may grant somewhere."""
    found: frozenset[str] = frozenset()
    for role in actor.roles:
        found |= policy.GRANTABLE.get(role, frozenset())
    return found


def grants_of(account: Account) -> QuerySet[RoleGrant]:
    """Every grant of one (visible) account, the newest first."""
    return (
        RoleGrant.objects.filter(account=account)
        .select_related("node", "post__structure", "granted_by", "revoked_by")
        .order_by("-start", "-pk")
    )


def events_of(account: Account) -> QuerySet[SignInEvent]:
    """The acts around the access of one (visible) account, the newest first."""
    return SignInEvent.objects.filter(account=account).select_related("by").order_by("-at", "-pk")


def with_factor(accounts: QuerySet[Account]) -> QuerySet[Account]:
    """Annotate ``has_factor``: the account has an app or a passkey."""
    return accounts.annotate(has_factor=has_second_factor(OuterRef("pk")))


def accounts_listed(
    actor: Actor, *, today: dt.date, q: str = "", role: str = "", state: str = ""
) -> QuerySet[Account]:
    """The visible accounts that match, with roles in force and main post loaded (two queries)."""
    accounts = with_factor(accounts_visible_to(actor, today=today))
    if text := q.strip():
        numbers = phone_candidates(text)
        accounts = accounts.filter(
            Q(display_name__icontains=text)
            | Q(email__icontains=text)
            | Q(agent__search__contains=fold(text))
            | Q(agent__matricule__iexact=text)
            | Q(phone__in=numbers)
        )
    held = grants_in_force(today)
    if role:
        accounts = accounts.filter(Exists(held.filter(account=OuterRef("pk"), role=role)))
    if state:
        accounts = accounts.filter(_STATES[state])
    posts = posts_on(today).select_related("structure").order_by("-start", "-pk")
    return accounts.select_related("agent").prefetch_related(
        Prefetch("grants", held.select_related("node").order_by("role", "pk"), to_attr="held"),
        Prefetch("agent__posts", posts, to_attr="main_posts"),
    )


_NEVER = Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)
_STATES = {
    "active": Q(is_active=True) & ~_NEVER,
    "never": Q(is_active=True) & _NEVER,
    "closed": Q(is_active=False),
    "phone": Q(is_active=True, phone_verified_at__isnull=True) & ~Q(phone=""),
    "factor": Q(is_active=True, second_factor_required=True, has_factor=False),
}


def slips_wanted(
    actor: Actor, structure: OrgNode, *, today: dt.date
) -> tuple[QuerySet[Agent], QuerySet[Account]]:
    """Who of a structure still needs a slip: agents without account, accounts never opened."""
    here = posts_on(today).filter(structure=structure)
    agents = agents_without_account(actor, today=today).filter(
        Exists(here.filter(agent=OuterRef("pk")))
    )
    accounts = accounts_visible_to(actor, "accounts.slip", today=today).filter(
        Exists(here.filter(agent=OuterRef("agent"))), _STATES["never"]
    )
    return (
        agents.select_related("cadre").order_by("search", "pk"),
        accounts.select_related("agent").order_by("display_name", "pk"),
    )


def structures_for_slips(actor: Actor, q: str = "") -> QuerySet[OrgNode]:
    """Structures where the actor prints slips, by name."""
    nodes = OrgNode.objects.filter(
        actor.scope(policy.CAPABILITIES["accounts.slip"]),
        kind=OrgNode.Kind.STRUCTURE,
        merged_into__isnull=True,
    )
    if q.strip():
        nodes = nodes.filter(search__contains=fold(q))
    found: QuerySet[OrgNode] = nodes.order_by("search", "pk")
    return found


def nodes_to_grant(actor: Actor, account: Account, q: str, *, today: dt.date) -> list[OrgNode]:
    """Up to 20 nodes to give a role on: by name, else where the person works and above."""
    roles = frozenset(policy.GRANTABLE)
    mine = OrgNode.objects.filter(actor.scope(roles), merged_into__isnull=True)
    if q.strip():
        return list(mine.filter(search__contains=fold(q)).order_by("depth", "search", "pk")[:20])
    paths = set(actor.paths(roles))
    if account.agent_id is not None:
        for path in (
            posts_on(today).filter(agent=account.agent_id).values_list("structure__path", flat=True)
        ):
            steps = range(OrgNode.steplen, len(path) + 1, OrgNode.steplen)
            paths |= {path[:end] for end in steps}
    return list(mine.filter(path__in=paths).order_by("path")[:20])


def grants_seen(actor: Actor, *, account: Account) -> list[RoleGrant]:
    """Every grant of a visible account; ``may_end`` says whether the actor withdraws it."""
    rows = list(grants_of(account))
    for row in rows:
        row.may_end = row.revoked_at is None and covers(  # type: ignore[attr-defined]
            actor, policy.GRANTABLE, row.role, row.node.path
        )
    return rows


def open_posts_of(account: Account, *, today: dt.date) -> QuerySet[Post]:
    """The posts that the person holds today, the main one first."""
    return (
        Post.objects.filter(agent__account=account, start__lte=today)
        .filter(Q(end__isnull=True) | Q(end__gte=today))
        .select_related("structure")
        .order_by("-is_main", "-start", "pk")
    )
