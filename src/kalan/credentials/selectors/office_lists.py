"""Offices and their holders as the screens read them."""

from __future__ import annotations

import datetime as dt

from django.db.models import Prefetch, QuerySet

from kalan.credentials import policy
from kalan.credentials.models import Office, OfficeHolder, SigningKey
from kalan.credentials.selectors.offices import holders_on
from kalan.people.actor import Actor, paths_to
from kalan.people.models import Account, OrgNode, Role
from kalan.people.selectors.core import grants_in_force


def with_holders(rows: QuerySet[Office], today: dt.date) -> QuerySet[Office]:
    """With ``today_holders``: who signs on ``today`` (two queries for any number of offices)."""
    holders = holders_on(today).order_by("-capacity", "start", "pk")
    return rows.select_related("node", "key").prefetch_related(
        Prefetch("holders", holders, to_attr="today_holders")
    )


def holders_of(office: Office) -> list[OfficeHolder]:
    """Everyone who holds or held the office, the last first."""
    return list(office.holders.select_related("account").order_by("-start", "-pk"))


def offices_usable_by(actor: Actor) -> QuerySet[Office]:
    """Open offices to which the actor may address a batch: on, above or below their territory."""
    rows = Office.objects.filter(retired_at__isnull=True).select_related("node")
    return rows.filter(actor.around(policy.CAPABILITIES["acts.prepare"], "node__"))


def signatories_for(office: Office, today: dt.date) -> QuerySet[Account]:
    """Accounts that hold the role « signataire » over the office's territory."""
    above = paths_to(office.node.path)
    grants = grants_in_force(today).filter(role=Role.SIGNATORY, node__path__in=above)
    rows: QuerySet[Account] = Account.objects.filter(pk__in=grants.values("account"))
    return rows.order_by("display_name", "pk")


def document_keys() -> QuerySet[SigningKey]:
    """Keys in service that sign acts."""
    rows = SigningKey.objects.filter(
        purpose=SigningKey.Purpose.DOCUMENT, state=SigningKey.State.ACTIVE
    )
    return rows.order_by("name", "pk")


def territories_for(actor: Actor) -> QuerySet[OrgNode]:
    """Nodes on which the actor may open an office."""
    rows: QuerySet[OrgNode] = OrgNode.objects.filter(
        actor.scope(policy.CAPABILITIES["offices.edit"]), merged_into__isnull=True
    )
    return rows
