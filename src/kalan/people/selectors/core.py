"""Reads of the room: every function takes the actor and returns a scoped queryset."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, Q, QuerySet

from kalan.base.prepared import Prepared
from kalan.people import policy
from kalan.people.actor import ANONYMOUS, Actor
from kalan.people.models import Account, Agent, OrgNode, Post, RoleGrant

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


def has_second_factor(account: OuterRef) -> Exists:
    """The condition "this account has an app or a passkey" (recovery codes are no factor)."""
    kinds = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
    return Exists(Authenticator.objects.filter(user=account, type__in=kinds))


def grants_in_force(today: dt.date) -> QuerySet[RoleGrant]:
    """Grants that hold on ``today``: not withdrawn, within their dates and those of their post."""
    return (
        RoleGrant.objects.filter(revoked_at__isnull=True, start__lte=today)
        .filter(Q(end__isnull=True) | Q(end__gte=today))
        .filter(Q(post__isnull=True) | Q(post__end__isnull=True) | Q(post__end__gte=today))
    )


def _grants(account: int, today: dt.date) -> QuerySet[RoleGrant, tuple[str, str, bool]]:
    return (
        grants_in_force(today)
        .filter(account=account)
        .annotate(factor=has_second_factor(OuterRef("account")))
        .order_by("pk")
        .values_list("role", "node__path", "factor")
    )


_GRANTS = Prepared(_grants, int, dt.date)  # asked on every page of whoever is signed in


def actor_for(account: Account | AnonymousUser | None, *, today: dt.date) -> Actor:
    """Load the actor of ``account`` with the grants in force on ``today`` (one query).

    Without a second factor, the grants that ask for one are left out.
    """
    if account is None or not isinstance(account, Account) or not account.is_active:
        return ANONYMOUS
    rows = _GRANTS.rows(account.pk, today)
    inert = {role for role, _, factor in rows if not factor and role in policy.SECOND_FACTOR_ROLES}
    return Actor(
        account=account,
        grants=tuple((role, path) for role, path, _ in rows if role not in inert),
        agent_id=account.agent_id,
        must_enrol=bool(inert),
    )


def nodes_visible_to(actor: Actor, capability: str = "structures.view") -> QuerySet[OrgNode]:
    """Nodes inside the actor's territory, not merged away."""
    nodes: QuerySet[OrgNode] = OrgNode.objects.filter(
        actor.scope(policy.CAPABILITIES[capability]), merged_into__isnull=True
    )
    return nodes


def agents_visible_to(
    actor: Actor, capability: str = "people.view", *, today: dt.date
) -> QuerySet[Agent]:
    """Agents with a post (held today or later, or the last one they had) in the actor's territory.

    Agents without any post are visible to those whose territory is the whole country of the
    agent. Merged and erased agents are not listed.
    """
    roles = policy.CAPABILITIES[capability]
    if actor.system:
        return Agent.objects.exclude(status__in=[Agent.Status.MERGED, Agent.Status.ERASED])
    later = Post.objects.filter(agent=OuterRef("agent"), start__gt=OuterRef("start"))
    posts = (
        Post.objects.filter(agent=OuterRef("pk"))
        .filter(actor.scope(roles, "structure__"))
        .filter(Q(end__isnull=True) | Q(end__gte=today) | ~Exists(later))
    )
    national = [path for path in actor.paths(roles) if len(path) == OrgNode.steplen]
    condition = Q(Exists(posts))
    if national:
        countries = OrgNode.objects.filter(path__in=national).values("country")
        no_post = ~Exists(Post.objects.filter(agent=OuterRef("pk")))
        condition |= Q(no_post, country__in=countries)
    return Agent.objects.filter(condition, status__in=[Agent.Status.ACTIVE, Agent.Status.LEFT])


def posts_on(day: dt.date) -> QuerySet[Post]:
    """Main posts held on ``day``."""
    return Post.objects.filter(is_main=True, start__lte=day).filter(
        Q(end__isnull=True) | Q(end__gte=day)
    )
