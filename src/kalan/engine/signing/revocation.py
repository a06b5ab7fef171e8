"""The list of revoked acts that a phone carries to check without a network.

For each revoked act, the first 8 bytes of SHA-256 of its 15-byte code, sorted: 8 KB for 1 000.
Nobody finds a code from it (120 random bits), and one act in 10^16 would share its entry with
another. The list is a JWS (RFC 7515 §7.2.2, flattened) by a key of QR codes, so that whoever
stands between the phone and the site can neither empty it nor fill it.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from kalan.engine.signing import code
from kalan.engine.signing.published import b64url, kid

ENTRY = 8  # bytes
TYPE = "kalan-revoked+json"


def entry(act_code: str) -> bytes:
    """What stands in the list for an act."""
    return sha256(code.to_bytes(act_code)).digest()[:ENTRY]


def revocation_list(
    codes: Iterable[str], key: ec.EllipticCurvePrivateKey, *, issuer: str, now: dt.datetime
) -> dict[str, str]:
    """The signed list of the revoked acts' codes, ``issuer`` being the site's address."""

    def signer(data: bytes) -> bytes:
        return key.sign(data, ec.ECDSA(hashes.SHA256()))

    return revocation_list_with(codes, kid(key.public_key()), signer, issuer=issuer, now=now)


def revocation_list_with(
    codes: Iterable[str],
    key_name: str,
    signer: Callable[[bytes], bytes],
    *,
    issuer: str,
    now: dt.datetime,
) -> dict[str, str]:
    """As ``revocation_list``, by a P-256 key that lies elsewhere: ``signer`` gives DER."""
    header = {"alg": "ES256", "kid": key_name, "typ": TYPE}
    entries = b"".join(sorted({entry(one) for one in codes}))
    body = {"iss": issuer, "iat": int(now.timestamp()), "revoked": b64url(entries)}
    protected, payload = _json(header), _json(body)
    r, s = decode_dss_signature(signer(f"{protected}.{payload}".encode()))
    signature = b64url(r.to_bytes(32) + s.to_bytes(32))
    return {"payload": payload, "protected": protected, "signature": signature}


def entries_of(body: Mapping[str, object]) -> set[bytes]:
    """The entries of a list whose signature was checked."""
    raw = base64.urlsafe_b64decode(str(body["revoked"]) + "==")
    return {raw[at : at + ENTRY] for at in range(0, len(raw), ENTRY)}


def _json(value: Mapping[str, object]) -> str:
    return b64url(json.dumps(value, separators=(",", ":"), sort_keys=True).encode())
