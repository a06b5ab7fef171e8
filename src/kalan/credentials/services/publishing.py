"""What the world needs to check without asking us: public keys, revoked acts, status lists.

Signed lists are kept an hour: signing one opens a key. A revocation drops them at once.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.conf import settings
from django.core.cache import cache
from django.db.models import Q

from kalan.base.errors import Refused
from kalan.credentials.models import Act, SigningKey
from kalan.credentials.selectors import checks, keys
from kalan.credentials.services import badges

HOUR = 3600
_REVOKED, _STATUS = "acts.revoked", "acts.status.{}"
_P = SigningKey.Purpose


@dataclass(frozen=True)
class PublicKey:
    """A key as ``engine.signing.published`` takes it."""

    public: Any
    since: dt.date | None
    until: dt.date | None
    revoked: bool


def public_keys(*purposes: str) -> list[PublicKey]:
    """Keys of QR codes or badges, those out of service too: what they signed still stands."""
    rows = SigningKey.objects.filter(purpose__in=purposes).order_by("created_at", "pk")
    return [
        PublicKey(
            public=load_pem_public_key(row.public_key.encode()),
            since=(row.not_before or row.created_at).date(),
            until=row.ended_at.date() if row.ended_at else None,
            revoked=row.state == SigningKey.State.REVOKED,
        )
        for row in rows
    ]


def key_set() -> dict[str, Any]:
    """``/verifier/cles.json``: a JWK set (RFC 7517)."""
    from kalan.engine.signing import published

    return published.jwks(public_keys(_P.QR, _P.BADGE))


def did_document() -> dict[str, Any]:
    """``/.well-known/did.json``: the badge keys, as did:web resolves them."""
    from kalan.engine.signing import published

    return published.did_document(settings.KALAN_BASE_URL, public_keys(_P.BADGE))


def authorities() -> str:
    """The certificates (PEM) that answer for document keys, each once: the last of each chain."""
    begin = "-----BEGIN CERTIFICATE-----"
    found: dict[str, None] = {}
    for key in checks.document_keys():
        held = key.chain or key.certificate
        if begin in held and key.state != SigningKey.State.REVOKED:
            found[f"{begin}{held.rpartition(begin)[2]}".strip()] = None
    return "".join(f"{pem}\n" for pem in found)


def _ended() -> Iterable[tuple[str, int | None]]:
    """(code, place in the status lists) of the acts that no longer hold."""
    rows = Act.objects.filter(
        Q(status__in=[Act.Status.REVOKED, Act.Status.REPLACED]), state=Act.State.SIGNED
    )
    return rows.order_by("pk").values_list("code", "status_index")


def revoked_list(*, now: dt.datetime) -> str:
    """``/verifier/revoques.json``: revoked and replaced acts, signed by the key of QR codes.

    Refused without a key in service.
    """
    kept = cache.get(_REVOKED)
    if kept is not None:
        return str(kept)
    from kalan.engine.signing import revocation

    private = badges.open_key(_active(_P.QR))
    codes = [code for code, _ in _ended() if code]
    made = json.dumps(
        revocation.revocation_list(codes, private, issuer=settings.KALAN_BASE_URL, now=now)
    )
    cache.set(_REVOKED, made, HOUR)
    return made


def status_list(number: int, *, now: dt.datetime) -> str:
    """``/verifier/statuts/<number>/``: a Bitstring status list (VC-JWT). Refused without a key."""
    kept = cache.get(_STATUS.format(number))
    if kept is not None:
        return str(kept)
    from kalan.engine.signing import badges as engine

    private = badges.open_key(_active(_P.BADGE))
    places = [
        index % engine.LIST_SIZE
        for _, index in _ended()
        if index is not None and index // engine.LIST_SIZE + 1 == number
    ]
    vc = engine.status_list(places, base_url=settings.KALAN_BASE_URL, number=number, now=now)
    made = engine.as_jwt(vc, private)
    cache.set(_STATUS.format(number), made, HOUR)
    return made


def last_list() -> int:
    """How many status lists there are: at least one."""
    from kalan.engine.signing.badges import LIST_SIZE

    highest = Act.objects.order_by("-status_index").exclude(status_index=None).first()
    return (highest.status_index or 0) // LIST_SIZE + 1 if highest else 1


def renew() -> None:
    """Forget the lists at hand: an act was revoked, replaced or reinstated."""
    cache.delete_many([_REVOKED, *(_STATUS.format(n) for n in range(1, last_list() + 1))])


def _active(purpose: str) -> SigningKey:
    key = keys.active(purpose)
    if key is None:
        raise Refused("Aucune clé en service pour cette liste.", code="no_key")
    return key
