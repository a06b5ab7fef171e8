"""Accounts of a programme's learning platform (a Moodle…): not Kalan sign-ins."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.people.models import Agent
from kalan.training.models import Platform, PlatformAccount
from kalan.training.selectors.programmes import programmes_visible_to
from kalan.training.services.history import note


@dataclass(frozen=True)
class PlatformAccountData:
    """One account as the platform knows it; ``agent`` when the person is recognised."""

    username: str
    name: str = ""
    email: str = ""
    agent: Agent | None = None
    created_on: dt.date | None = None
    activated_on: dt.date | None = None
    last_used_on: dt.date | None = None


def record_accounts(
    *, actor: Actor, now: dt.datetime, platform: Platform, rows: Sequence[PlatformAccountData]
) -> int:
    """Store what the platform says of its accounts; return how many it has now.

    The username is the identity: a known one is brought up to date, and an agent once recognised
    stays unless another is named. Set-based and idempotent.
    """
    mine = programmes_visible_to(actor, "programmes.edit").filter(pk=platform.programme_id)
    if not mine.exists():
        raise Refused("Seul un responsable de programme tient les comptes de plateforme.")
    if len({row.username for row in rows}) != len(rows):
        raise Refused(
            "Un identifiant est présent deux fois.", remedy="Gardez une ligne par compte."
        )
    with transaction.atomic():
        known = dict(
            PlatformAccount.objects.filter(platform=platform).values_list("username", "agent_id")
        )
        PlatformAccount.objects.bulk_create(
            [
                PlatformAccount(
                    platform=platform,
                    username=row.username,
                    name=row.name,
                    email=row.email,
                    agent_id=row.agent.pk if row.agent else known.get(row.username),
                    created_on=row.created_on,
                    activated_on=row.activated_on,
                    last_used_on=row.last_used_on,
                )
                for row in rows
            ],
            batch_size=1000,
            update_conflicts=True,
            unique_fields=["platform", "username"],
            update_fields=[
                *("name", "email", "agent", "created_on", "activated_on", "last_used_on"),
            ],
        )
        total = PlatformAccount.objects.filter(platform=platform).count()
        note(platform, actor=actor, changes={"comptes": (len(known), total)})
    return total
