"""Roles given and withdrawn: on a node, with dates, never above one's own."""

from __future__ import annotations

import datetime as dt

from django.db import IntegrityError, transaction

from kalan.base.errors import Refused
from kalan.people import policy
from kalan.people.actor import Actor
from kalan.people.models import Account, OrgNode, Post, Role, RoleGrant
from kalan.people.selectors.accounts import accounts_visible_to, covers
from kalan.people.services.accounts import local_day
from kalan.people.services.accounts_demo import enrol_demo_totp
from kalan.people.services.history import acting


def grant_role(
    *,
    actor: Actor,
    now: dt.datetime,
    account: Account,
    role: str,
    node: OrgNode,
    start: dt.date,
    end: dt.date | None = None,
    post: Post | None = None,
    reason: str = "",
) -> RoleGrant:
    """Give ``role`` on ``node`` and below from ``start`` to ``end`` (both included).

    With ``post`` (one of the person's own) the role ends with it. The same grant given again is
    returned as it stands. Signatories and administrators must then have a second factor.
    """
    _require_may_grant(actor, account, role, node, now)
    if end is not None and end < start:
        raise Refused(
            "La fin tombe avant le début.", field="end", remedy="Corrigez l’une des deux dates."
        )
    if post is not None and (account.agent_id is None or post.agent_id != account.agent_id):
        raise Refused("Ce poste n’est pas celui de cette personne.", field="post")
    same = RoleGrant.objects.filter(
        account=account, role=role, node=node, revoked_at__isnull=True
    ).order_by("-start", "-pk")
    for held in same:
        if held.start == start and held.end == end and held.post_id == (post.pk if post else None):
            return held
        if held.start <= (end or dt.date.max) and start <= (held.end or dt.date.max):
            raise Refused(
                f"Cette personne a déjà ce rôle ici depuis le {held.start:%d/%m/%Y}.",
                remedy="Retirez-le d’abord, ou choisissez d’autres dates.",
            )
    try:
        with acting(actor, reason=reason), transaction.atomic():
            grant = RoleGrant.objects.create(
                account=account,
                role=role,
                node=node,
                post=post,
                start=start,
                end=end,
                reason=reason[:200],
                granted_by=actor.account,
                granted_at=now,
            )
            if role in policy.SECOND_FACTOR_ROLES and not account.second_factor_required:
                account.second_factor_required = True
                account.save(update_fields=["second_factor_required"])
            if role in policy.SECOND_FACTOR_ROLES and account.is_demo:
                enrol_demo_totp(account=account)
    except IntegrityError as error:  # the same form sent twice at once
        raise Refused("Ce rôle vient d’être donné.", remedy="Rechargez la page.") from error
    return grant


def end_role(*, actor: Actor, now: dt.datetime, grant: RoleGrant, reason: str) -> RoleGrant:
    """Withdraw a role at once. Idempotent; the row and its dates stay as history."""
    if not covers(actor, policy.GRANTABLE, grant.role, grant.node.path):
        raise Refused(
            "Ce rôle n’est pas de ceux que vous donnez.",
            remedy="Demandez-le à un administrateur.",
            code="forbidden",
        )
    if not reason.strip():
        raise Refused("Le motif manque.", field="reason", remedy="Dites pourquoi en une phrase.")
    with acting(actor, reason=reason), transaction.atomic():
        held = RoleGrant.objects.select_for_update().get(pk=grant.pk)
        if held.revoked_at is not None:
            return held
        held.revoked_at, held.revoked_by = now, actor.account
        held.revoke_reason = reason.strip()[:200]
        held.save(update_fields=["revoked_at", "revoked_by", "revoke_reason"])
        account = held.account
        account.second_factor_required = RoleGrant.objects.filter(
            account=account, role__in=policy.SECOND_FACTOR_ROLES, revoked_at__isnull=True
        ).exists()
        account.save(update_fields=["second_factor_required"])
    return held


def _require_may_grant(
    actor: Actor, account: Account, role: str, node: OrgNode, now: dt.datetime
) -> None:
    if role not in Role.values:
        raise Refused("Ce rôle n’existe pas.", field="role")
    if actor.system:
        return
    today = local_day(now)
    if actor.account is not None and actor.account.pk == account.pk:
        raise Refused("On ne se donne pas de rôle à soi-même.", remedy="Demandez-le à un collègue.")
    if not covers(actor, policy.GRANTABLE, role, node.path):
        raise Refused(
            "Vous ne donnez pas ce rôle ici.",
            field="role",
            remedy="On donne les rôles de son niveau ou d’en dessous, dans son territoire.",
            code="forbidden",
        )
    if not accounts_visible_to(actor, "roles.grant", today=today).filter(pk=account.pk).exists():
        raise Account.DoesNotExist
