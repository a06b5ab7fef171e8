"""The issuer's public keys as others read them: JWK set (RFC 7517) and did:web document.

QR keys are P-256 (what every phone's browser can check), badge keys Ed25519.
"""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Iterable
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

Public = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
_ED25519_MULTICODEC = b"\xed\x01"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class PublishedKey(Protocol):
    """A key and the days between which what it signs may have been issued."""

    @property
    def public(self) -> Public: ...
    @property
    def since(self) -> dt.date | None: ...
    @property
    def until(self) -> dt.date | None: ...
    @property
    def revoked(self) -> bool: ...


def kid(public: Public) -> str:
    """A key's name in addresses and key sets: base64url of the SHA-256 of its DER.

    A credential has no room for more than the first 8 bytes of it (``cose.key_id``).
    """
    der = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return b64url(sha256(der).digest())


def jwk(public: Public) -> dict[str, str]:
    """A public key as a JWK (RFC 7518 §6.2, RFC 8037 §2)."""
    if isinstance(public, ed25519.Ed25519PublicKey):
        kind = {"kty": "OKP", "crv": "Ed25519", "x": b64url(public.public_bytes_raw())}
        return kind | {"alg": "EdDSA", "use": "sig", "kid": kid(public)}
    if public.curve.name != "secp256r1":
        raise ValueError(f"keys of QR codes are on P-256, not {public.curve.name}")
    point = public.public_numbers()
    kind = {"kty": "EC", "crv": "P-256"}
    kind |= {"x": b64url(point.x.to_bytes(32)), "y": b64url(point.y.to_bytes(32))}
    return kind | {"alg": "ES256", "use": "sig", "kid": kid(public)}


def jwks(keys: Iterable[PublishedKey]) -> dict[str, Any]:
    """The key set of /verifier/cles.json.

    ``since`` and ``until`` bound the days of issue. A revoked key is only named, under
    ``revoked``: software that knows nothing of that member must not find the key at all.
    """
    keys = list(keys)
    good = [
        jwk(key.public)
        | {
            name: day.isoformat()
            for name, day in (("since", key.since), ("until", key.until))
            if day
        }
        for key in keys
        if not key.revoked
    ]
    return {"keys": good, "revoked": sorted(kid(key.public) for key in keys if key.revoked)}


def did_of(base_url: str) -> str:
    """The did:web identifier of the site at ``base_url``.

    Whoever resolves it asks over https for /.well-known/did.json, or for <path>/did.json when
    the site lies under a path: https://w3c-ccg.github.io/did-method-web/.
    """
    site = urlsplit(base_url)
    host = site.hostname or ""
    if site.port:
        host += f":{site.port}"
    parts = [host, *(part for part in site.path.split("/") if part)]
    return "did:web:" + ":".join(quote(part, safe="") for part in parts)


def did_document(base_url: str, keys: Iterable[PublishedKey]) -> dict[str, Any]:
    """The did:web document: each badge key twice, as VC-JWT and as proofs look for it.

    Retired keys stay, since what they signed still stands; revoked ones are left out.
    """
    did = did_of(base_url)
    methods: list[dict[str, Any]] = []
    for key in keys:
        if key.revoked or not isinstance(key.public, ed25519.Ed25519PublicKey):
            continue
        own = {"controller": did}
        name = f"{did}#{kid(key.public)}"
        methods += (
            {"id": name, "type": "JsonWebKey", **own, "publicKeyJwk": jwk(key.public)},
            {
                "id": f"{name}-m",
                "type": "Multikey",
                **own,
                "publicKeyMultibase": multibase(key.public),
            },
        )
    return {
        "@context": [
            "https://www.w3.org/ns/did/v1",
            "https://w3id.org/security/jwk/v1",
            "https://w3id.org/security/multikey/v1",
        ],
        "id": did,
        "verificationMethod": methods,
        "assertionMethod": [method["id"] for method in methods],
    }


def multibase(public: ed25519.Ed25519PublicKey) -> str:
    """An Ed25519 key as a Multikey: z, then base58 (Controlled Identifiers 1.0 §2.2.2)."""
    return "z" + base58(_ED25519_MULTICODEC + public.public_bytes_raw())


def base58(data: bytes) -> str:
    """Base58 with Bitcoin's alphabet; a zero byte at the front is a 1."""
    number, text = int.from_bytes(data), ""
    while number:
        number, rest = divmod(number, 58)
        text = _BASE58[rest] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def b64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
