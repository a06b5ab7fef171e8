"""Accounts that an actor sees, and those whose access they may restore."""

from __future__ import annotations

import datetime as dt

from django.db.models import Exists, OuterRef, Q, QuerySet

from kalan.people import policy
from kalan.people.actor import Actor
from kalan.people.models import Account, Agent, OrgNode, Post, RoleGrant, SignInEvent
from kalan.people.selectors.core import has_second_factor


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
