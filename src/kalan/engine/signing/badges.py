"""Open Badges 3.0 (1EdTech) on W3C Verifiable Credentials 2.0, signed with Ed25519.

    credential(achievement, ...)   the OpenBadgeCredential, unsigned
    as_jwt(vc, key)                VC-JWT: what OB 3.0 §8.2 asks for, and what most readers take
    with_proof(vc, key, at)        eddsa-rdfc-2022 (W3C vc-di-eddsa), for readers of linked data
    status_list(...), status_entry(...)   Bitstring Status List 1.0, 131 072 entries a list

Contexts are read from the folder beside, never from the network.
"""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric import ed25519

from kalan.engine.signing.published import b64url, base58, did_of, kid

VC_CONTEXT = "https://www.w3.org/ns/credentials/v2"
OB_CONTEXT = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
CONTEXTS = {VC_CONTEXT: "credentials-v2.json", OB_CONTEXT: "openbadges-v3.0.3.json"}
LIST_SIZE = 131_072  # entries: the least that Bitstring Status List 1.0 §6.1 allows
Json = dict[str, Any]


class BadgeKey(Protocol):
    """An Ed25519 key, here or on a token: ``cryptography``'s private keys are such keys."""

    def sign(self, data: bytes, /) -> bytes: ...
    def public_key(self) -> ed25519.Ed25519PublicKey: ...


@dataclass(frozen=True, slots=True)
class Achievement:
    """What a badge says was achieved. ``uid`` names it for good, among those of the site."""

    uid: str
    name: str
    description: str
    criteria: str  # what had to be done, in words
    kind: str = "Certificate"  # OB 3.0 AchievementType
    language: str = "fr"


def credential(
    achievement: Achievement,
    *,
    base_url: str,
    code: str,
    issuer: str,
    holder: str,
    issued: dt.datetime,
    expires: dt.datetime | None = None,
    levels: Iterable[tuple[str, str]] = (),
    status: tuple[int, int] | None = None,
) -> Json:
    """The unsigned badge of the act ``code``.

    ``levels`` are (domain, level) as printed; ``status`` the number of a list and of an entry in
    it. The holder is given by name, as on the document, since many have no address of their own.
    """
    base = base_url.rstrip("/")
    vc: Json = {
        "@context": [VC_CONTEXT, OB_CONTEXT],
        "id": f"{base}/verifier/{code}/",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "issuer": {"id": did_of(base), "type": ["Profile"], "name": issuer, "url": base},
        "validFrom": _instant(issued),
        "name": achievement.name,
        "credentialSubject": _subject(achievement, base, holder, list(levels)),
    }
    if expires:
        vc["validUntil"] = _instant(expires)
    if status:
        vc["credentialStatus"] = status_entry(base, *status)
    return vc


def _subject(
    achievement: Achievement, base: str, holder: str, levels: list[tuple[str, str]]
) -> Json:
    """Who achieved what, with the levels reached as results (OB 3.0 AchievementSubject, Result)."""
    address = f"{base}/verifier/badges/{achievement.uid}/"
    named = {
        "type": "IdentityObject",
        "identityHash": holder,
        "identityType": "name",
        "hashed": False,
    }
    subject: Json = {
        "type": ["AchievementSubject"],
        "identifier": [named],
        "achievement": {
            "id": address,
            "type": ["Achievement"],
            "achievementType": achievement.kind,
            "name": achievement.name,
            "description": achievement.description,
            "criteria": {"narrative": achievement.criteria},
            "inLanguage": achievement.language,
        },
    }
    if levels:
        described, reached = _results(address, levels)
        subject["achievement"]["resultDescription"] = described
        subject["result"] = reached
    return subject


def _results(address: str, levels: list[tuple[str, str]]) -> tuple[list[Json], list[Json]]:
    """What may be reached in each domain, and what was: the second points to the first."""
    ids = [f"{address}#{number}" for number in range(1, len(levels) + 1)]
    described = [
        {
            "id": key,
            "type": ["ResultDescription"],
            "name": domain,
            "resultType": "PerformanceLevel",
        }
        for key, (domain, _) in zip(ids, levels, strict=True)
    ]
    reached = [
        {"type": ["Result"], "resultDescription": key, "value": level}
        for key, (_, level) in zip(ids, levels, strict=True)
    ]
    return described, reached


def as_jwt(vc: Mapping[str, Any], key: BadgeKey) -> str:
    """``vc`` as VC-JWT (OB 3.0 §8.2.4): the credential itself is the payload of a JWS, EdDSA."""
    issuer = vc["issuer"]["id"] if isinstance(vc["issuer"], Mapping) else vc["issuer"]
    name = f"{issuer}#{kid(key.public_key())}"
    registered = {"iss": issuer, "jti": vc["id"], "nbf": _seconds(vc["validFrom"])}
    if "validUntil" in vc:
        registered["exp"] = _seconds(vc["validUntil"])
    if "id" in vc["credentialSubject"]:
        registered["sub"] = vc["credentialSubject"]["id"]
    head = _segment({"alg": "EdDSA", "kid": name, "typ": "JWT"})
    body = _segment({**vc, **registered})
    return f"{head}.{body}.{b64url(key.sign(f'{head}.{body}'.encode()))}"


def with_proof(vc: Mapping[str, Any], key: BadgeKey, at: dt.datetime) -> Json:
    """``vc`` with a proof eddsa-rdfc-2022 (W3C vc-di-eddsa §3.2) made at ``at``."""
    issuer = vc["issuer"]["id"] if isinstance(vc["issuer"], Mapping) else vc["issuer"]
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-rdfc-2022",
        "created": _instant(at),
        "verificationMethod": f"{issuer}#{kid(key.public_key())}-m",
        "proofPurpose": "assertionMethod",
    }
    options = {"@context": vc["@context"], **proof}
    digest = sha256(canonical(options)).digest() + sha256(canonical(vc)).digest()
    return {**vc, "proof": {**proof, "proofValue": "z" + base58(key.sign(digest))}}


def canonical(document: Mapping[str, Any]) -> bytes:
    """``document`` as RDF in its canonical form (RDFC-1.0), as N-Quads."""
    from pyld import jsonld

    options = {
        "algorithm": "URDNA2015",
        "format": "application/n-quads",
        "documentLoader": load_context,
    }
    text: str = jsonld.normalize(dict(document), options)
    return text.encode()


def load_context(address: str, options: object = None) -> Json:
    """A context from the folder beside, in the form that pyld wants; LookupError for any other."""
    if address not in CONTEXTS:
        raise LookupError(f"not among the bundled contexts: {address}")
    return {
        "contentType": "application/ld+json",
        "contextUrl": None,
        "documentUrl": address,
        "document": _context(CONTEXTS[address]),
    }


def status_list_url(base_url: str, number: int) -> str:
    """Where list ``number`` is published."""
    return f"{base_url.rstrip('/')}/verifier/statuts/{number}/"


def status_entry(base_url: str, number: int, index: int) -> Json:
    """The credentialStatus of the badge that holds entry ``index`` of list ``number``."""
    if not 0 <= index < LIST_SIZE:
        raise ValueError(f"a list has {LIST_SIZE} entries, from 0")
    url = status_list_url(base_url, number)
    return {
        "id": f"{url}#{index}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": str(index),
        "statusListCredential": url,
    }


def status_list(
    revoked: Iterable[int],
    *,
    base_url: str,
    number: int,
    now: dt.datetime,
    lasts: dt.timedelta = dt.timedelta(days=7),
) -> Json:
    """List ``number``, unsigned (see as_jwt): a BitstringStatusListCredential, §4.2.

    ``lasts`` bounds how long an old copy can hide a revocation.
    """
    bits = bytearray(LIST_SIZE // 8)
    for index in revoked:
        if not 0 <= index < LIST_SIZE:
            raise ValueError(f"a list has {LIST_SIZE} entries, from 0")
        bits[index // 8] |= 0x80 >> index % 8
    url = status_list_url(base_url, number)
    return {
        "@context": [VC_CONTEXT],
        "id": url,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": did_of(base_url),
        "validFrom": _instant(now),
        "validUntil": _instant(now + lasts),
        "credentialSubject": {
            "id": f"{url}#list",
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            # mtime 0: the same list gives the same bytes.
            "encodedList": "u" + b64url(gzip.compress(bytes(bits), mtime=0)),
        },
    }


def read_status_list(encoded: str) -> Callable[[int], bool]:
    """Whether an entry of an ``encodedList`` is set."""
    bits = gzip.decompress(base64.urlsafe_b64decode(encoded.removeprefix("u") + "=="))
    return lambda index: bool(bits[index // 8] & 0x80 >> index % 8)


@cache
def _context(name: str) -> Json:
    file = resources.files("kalan.engine.signing.contexts").joinpath(name)
    found: Json = json.loads(file.read_bytes())
    return found


def _instant(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _seconds(instant: str) -> int:
    return int(dt.datetime.fromisoformat(instant).timestamp())


def _segment(value: Mapping[str, Any]) -> str:
    return b64url(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
