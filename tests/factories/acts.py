"""Acts as they stand once signed, made directly in the database."""

from __future__ import annotations

import datetime as dt
import hashlib
from itertools import count

from kalan.base.files import store
from kalan.credentials.models import (
    Act,
    ActPack,
    ActTemplate,
    Batch,
    SigningKey,
    SigningRun,
    TemplateVersion,
)
from kalan.engine.signing import code as codes
from kalan.people.models import Agent, OrgNode
from tests.factories import credentials as make
from tests.factories import people
from tests.factories.people import unlogged

NOW = people.NOW
_numbers = count(1)


@unlogged
def key(**fields: object) -> SigningKey:
    number = next(_numbers)
    values: dict[str, object] = {
        "name": f"Clé {number}",
        "purpose": "document",
        "algorithm": "p-256",
        "level": "ministry",
        "kid": f"kid-{number}",
        "public_key": "-----BEGIN PUBLIC KEY-----",
        "certificate": "-----BEGIN CERTIFICATE-----",
        "created_at": NOW,
        **fields,
    }
    return SigningKey.objects.create(**values)


@unlogged
def version(node: OrgNode, kind: str = "training", **fields: object) -> TemplateVersion:
    template = ActTemplate.objects.create(
        node=node,
        country="sn",
        code=f"modele-{next(_numbers)}",
        kind=kind,
        name="Attestation",
        created_at=NOW,
    )
    values: dict[str, object] = {
        "number": 1,
        "current": True,
        "title": "Attestation de formation",
        "made_at": NOW,
        **fields,
    }
    return TemplateVersion.objects.create(template=template, **values)


@unlogged
def batch(
    node: OrgNode, *, kind: str = "training", mode: str = "electronic", **fields: object
) -> Batch:
    """A batch signed at NOW by the holder of an office of ``node``."""
    made_office = make.office(node, mode=mode, body="Direction de la planification")
    holder = make.holder(made_office, name="Dr Mariama BA", title="Directrice")
    made_key = key() if mode == "electronic" else None
    run = SigningRun.objects.create(
        holder=holder,
        account=holder.account,
        capacity="title",
        name=holder.name,
        title=holder.title,
        mode=mode,
        key=made_key,
        level=made_key.level if made_key else "",
        factor="totp",
        confirmed_at=NOW,
        total=1,
        finished_at=NOW,
    )
    values: dict[str, object] = {
        "version": version(node, kind),
        "office": made_office,
        "node": node,
        "source": "session",
        "title": "Outils numériques",
        "mode": mode,
        "state": "signed",
        "prepared_at": NOW,
        "approved_at": NOW,
        "run": run,
        "signed_at": NOW,
        "merkle_root": "0" * 64,
        "hand_signed_on": NOW.date() if mode == "hand" else None,
        **fields,
    }
    return Batch.objects.create(**values)


@unlogged
def act(
    on: Batch | OrgNode,
    agent: Agent | None = None,
    *,
    content: bytes | None = None,
    **fields: object,
) -> Act:
    """A signed act in ``on`` (a batch, or a node where one is made); ``content``: its bytes."""
    held = on if isinstance(on, Batch) else batch(on)
    number = next(_numbers)
    body = content if content is not None else f"%PDF-1.7 acte {number}".encode()
    file = store(
        content=body, name="lot.zip", kind="acts", by=None, now=NOW, content_type="application/zip"
    )
    pack = ActPack.objects.create(batch=held, file=file, made_at=NOW)
    name = f"{agent.first_names} {agent.last_name.upper()}" if agent else ""
    values: dict[str, object] = {
        "rank": number,
        "number": f"SN-2023-{number:06d}",
        "code": codes.new_code(),
        "record": f"essai:{number}",
        "agent": agent,
        "name": name,
        "initials": "".join(f"{word[0]}." for word in name.split()),
        "state": "signed",
        "pack": pack,
        "start": 0,
        "size": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "signed_at": held.signed_at or NOW,
        **fields,
    }
    return Act.objects.create(batch=held, **values)


def later(**more: int) -> dt.datetime:
    return NOW + dt.timedelta(**more)
