"""Templates, offices and their holders, batches of acts at each step, and second factors."""

from __future__ import annotations

import datetime as dt
from itertools import count
from typing import Any

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import settings
from django.db.models import Max

from kalan.credentials.documents.packs import models
from kalan.credentials.models import (
    Act,
    ActTemplate,
    Batch,
    Office,
    OfficeHolder,
    SigningKey,
    SigningRun,
    TemplateVersion,
)
from kalan.credentials.services import keys, ordering
from kalan.credentials.services.second_factor import Factor
from kalan.credentials.services.sources.common import initials
from kalan.people.actor import SYSTEM, Actor
from kalan.people.models import Account, OrgNode
from kalan.people.selectors.core import actor_for
from kalan.people.services.accounts_demo import DEMO_TOTP_SECRET
from tests.factories import people
from tests.factories.people import LONG_AGO, NOW, unlogged

PASSPHRASE = "une phrase de huit mots pour les essais seulement"
_numbers = count(1)


@unlogged
def version(node: OrgNode, kind: str = "training", **fields: Any) -> TemplateVersion:
    """The current version 1 of a template of ``kind``, with the file of the packs."""
    number = next(_numbers)
    template = ActTemplate.objects.create(
        node=node,
        country=node.country,
        code=f"{kind}-{number}",
        kind=kind,
        name=f"Modèle {kind}",
        created_at=NOW,
    )
    values: dict[str, Any] = {"number": 1, "current": True, "made_at": NOW}
    if kind == "files":
        values["title"] = "Documents"
    else:
        model = models(settings.PACKS_DIR, node.country)[kind]
        values |= {"file": model.file, "title": model.title, "wording": model.wording}
    values |= fields
    return TemplateVersion.objects.create(template=template, **values)


@unlogged
def office(node: OrgNode, **fields: Any) -> Office:
    """An open office that signs by hand unless a ``key`` is given."""
    values: dict[str, Any] = {
        "title": "Le Directeur de la formation",
        "body": "Direction de la formation",
        "place": "Dakar",
        "mode": "electronic" if fields.get("key") else "hand",
        "created_at": NOW,
        **fields,
    }
    return Office.objects.create(node=node, **values)


@unlogged
def holder(office: Office, account: Account | None = None, **fields: Any) -> OfficeHolder:
    """Who holds ``office`` since 2015: a signatory of its node, with an authenticator app."""
    account = account or people.account("signatory", office.node)
    values: dict[str, Any] = {
        "capacity": "title",
        "name": "Dr Awa NDIAYE",
        "title": "Directrice de la formation",
        "start": LONG_AGO,
        "created_at": NOW,
        **fields,
    }
    return OfficeHolder.objects.create(office=office, account=account, **values)


def actor(account: Account, *, now: dt.datetime = NOW) -> Actor:
    return actor_for(account, today=now.date())


def totp(now: dt.datetime = NOW) -> str:
    """The code that the demo application shows at ``now``."""
    return str(format_hotp_value(hotp_value(DEMO_TOTP_SECRET, int(now.timestamp()) // 30)))


def training_data(name: str, **holder: str) -> dict[str, Any]:
    """The frozen data of an attestation of training."""
    return {
        "kind": "training",
        "holder": {"name": name, "cadre": "infirmier d’État", **holder},
        "training": {
            "title": "Outils numériques",
            "programme": "Programme d’essai",
            "code": "S1",
            "nature": "action de formation",
            "mode": "en présence",
            "starts_on": "2023-03-13",
            "ends_on": "2023-03-14",
            "place": "Fatick",
            "half_days": 4,
            "hours": 16,
        },
        "rule": "présence à au moins 80\u00a0% des demi-journées",
        "themes": ["Outils numériques"],
    }


def batch(
    node: OrgNode,
    *,
    acts: int = 3,
    version: TemplateVersion | None = None,
    office: Office | None = None,
    **fields: Any,
) -> Batch:
    """A draft with ``acts`` attestations of training of people who are in no register."""
    made = Batch.objects.create(
        version=version or _version(node),
        office=office or _office(node),
        node=node,
        **{
            "source": "session",
            "title": "Attestations d’essai",
            "mode": (office.mode if office else "hand"),
            "prepared_at": NOW,
            **fields,
        },
    )
    add_acts(made, acts)
    return made


def _version(node: OrgNode) -> TemplateVersion:
    return version(node)


def _office(node: OrgNode) -> Office:
    return office(node)


@unlogged
def add_acts(batch: Batch, number: int) -> list[Act]:
    """``number`` more acts, each about somebody else."""
    first = (batch.acts.aggregate(last=Max("rank"))["last"] or 0) + 1
    made = []
    for rank in range(first, first + number):
        name = f"Awa Marie DIOUF {rank}"
        made.append(
            Act(
                batch=batch,
                rank=rank,
                record=f"test:{batch.pk}:{rank}",
                name=name,
                initials=initials(name),
                data=training_data(name),
            )
        )
    return Act.objects.bulk_create(made, batch_size=500)


def checked(batch: Batch) -> Batch:
    """Handed over for visa."""
    Batch.objects.filter(pk=batch.pk).update(state="checked", checked_at=NOW)
    batch.refresh_from_db()
    return batch


def approved(batch: Batch) -> Batch:
    """With its visa: awaits a signature."""
    Batch.objects.filter(pk=batch.pk).update(state="approved", checked_at=NOW, approved_at=NOW)
    batch.refresh_from_db()
    return batch


def approved_batch(node: OrgNode, *, acts: int = 3, key: SigningKey | None = None) -> Batch:
    """An approved batch whose office is held by a signatory of ``node`` with a demo TOTP.

    ``batch.office.holders.get().account`` is who signs.
    """
    signing = office(node, key=key) if key else office(node)
    holder(signing)
    return approved(batch(node, acts=acts, office=signing))


def keys_of(
    name: str = "Ministère de la Santé",
    *,
    unlock: str = "server",
    made_at: dt.datetime = NOW - dt.timedelta(days=30),
) -> SigningKey:
    """A P-256 document key of an authority of its own, with keys for QR codes and badges."""
    made = keys.create(
        actor=SYSTEM,
        now=made_at,
        name=name,
        passphrase=PASSPHRASE,
        algorithm="p-256",
        unlock=unlock,
        country="SN",
    )
    return made[0]


def ordered(batch: Batch, *, now: dt.datetime = NOW, passphrase: str | None = None) -> SigningRun:
    """The click of whoever holds the batch's office, with a factor just proved."""
    who = batch.office.holders.order_by("pk").first()
    assert who is not None
    return ordering.order(
        actor=actor(who.account),
        batches=[batch],
        factor=Factor(who.account.pk, "totp", now),
        now=now,
        passphrase=passphrase,
    )
