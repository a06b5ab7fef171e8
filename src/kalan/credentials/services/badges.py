"""The Open Badge of an act: made the first time it is asked for, the same text ever after."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from kalan.base import packs
from kalan.base.errors import Refused
from kalan.credentials.documents.statements import ON_BADGES
from kalan.credentials.models import Act, ActTemplate, Badge, SigningKey
from kalan.credentials.selectors import keys
from kalan.engine.signing import badges as engine
from kalan.engine.signing.errors import SigningError

_KINDS = {
    ActTemplate.Kind.ATTENDANCE: "Award",
    ActTemplate.Kind.TRAINING: "CertificateOfCompletion",
    ActTemplate.Kind.COMPETENCE: "Certificate",
    ActTemplate.Kind.TRAINER: "Award",
}


def available() -> bool:
    """Whether a key for badges is in service."""
    return keys.active(SigningKey.Purpose.BADGE) is not None


def has_badge(act: Act) -> bool:
    """Proofs about a person have one; sheets, reports and orders have not."""
    return bool(act.name) and act.batch.version.template.kind in ActTemplate.PROOFS


def badge(*, act: Act, form: str, now: dt.datetime) -> Badge:
    """The badge of a signed act in a ``Badge.Form``: the one first issued. Idempotent.

    Refused: no badge for this kind, no key in service, a key that cannot be opened.
    """
    known = Badge.objects.filter(act=act, form=form).first()
    if known is not None:
        return known
    if act.state != Act.State.SIGNED or not has_badge(act):
        raise Refused("Cet acte n’a pas de badge.", code="no_badge")
    key = keys.active(SigningKey.Purpose.BADGE)
    if key is None:
        raise Refused(
            "Les badges ne sont pas encore en service sur cette plateforme.",
            remedy="Téléchargez le document PDF : il se vérifie de la même façon.",
            code="no_key",
        )
    body = _signed(unsigned(act), key, form, now)
    try:
        with transaction.atomic():
            return Badge.objects.create(act=act, form=form, body=body, key=key, issued_at=now)
    except IntegrityError:  # two tabs: the first one's stands
        return Badge.objects.get(act=act, form=form)


def unsigned(act: Act) -> dict[str, Any]:
    """The credential of an act, before any signature (OB 3.0)."""
    version = act.batch.version
    kind = ActTemplate.Kind(version.template.kind)
    assert act.signed_at is not None
    index = act.status_index
    return engine.credential(
        engine.Achievement(
            uid=str(version.uid),
            name=version.title,
            description=ON_BADGES[kind],
            criteria=str(act.data.get("rule") or ON_BADGES[kind]),
            kind=_KINDS[kind],
        ),
        base_url=settings.KALAN_BASE_URL,
        code=str(act.code),
        issuer=packs.read_pack(version.template.country).ministry,
        holder=act.name,
        issued=act.signed_at,
        expires=_end_of(act.valid_until),
        levels=_levels(act),
        status=None if index is None else list_and_entry(index),
    )


def list_and_entry(index: int) -> tuple[int, int]:
    """The number of the status list (from 1) that holds an act's bit, and its entry there."""
    number, entry = divmod(index, engine.LIST_SIZE)
    return number + 1, entry


def _levels(act: Act) -> list[tuple[str, str]]:
    rows = act.data.get("levels") or []
    return [
        (str(row.get("domain", "")), str(row.get("label") or row.get("level", ""))) for row in rows
    ]


def _end_of(day: dt.date | None) -> dt.datetime | None:
    if day is None:
        return None
    return timezone.make_aware(dt.datetime.combine(day, dt.time(23, 59, 59)))


def _signed(vc: dict[str, Any], key: SigningKey, form: str, now: dt.datetime) -> str:
    private = open_key(key)
    if form == Badge.Form.VC_JWT:
        return engine.as_jwt(vc, private)
    return json.dumps(engine.with_proof(vc, private, now), ensure_ascii=False, indent=2)


def open_key(key: SigningKey) -> Any:
    """The private key of badges or QR codes, which this server opens alone.

    Refused when it cannot: restored from a backup, whose passphrases were left behind.
    """
    try:
        return keys.place_of(key).private()
    except SigningError as error:
        raise Refused(
            f"La clé « {key.name} » ne s’ouvre pas sur ce serveur.",
            remedy="Un administrateur donne sa phrase secrète : kalan keys unlock.",
            code="key",
        ) from error
