"""Badges, judged by software of others: openbadgeslib (PyPI), jose and Digital Bazaar's (npm)."""

from __future__ import annotations

import base64
import datetime as dt
import json
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from joserfc import jws
from joserfc.jwk import ECKey, KeySet, OKPKey
from openbadgeslib.ob3.ldp import OB3LdpVerifier
from openbadgeslib.ob3.verifier import OB3VerificationError, OB3Verifier

from kalan.engine.signing import badges, cose, published, revocation
from tests.factories import credential_qr as made

BASE = "https://kalan.sante.gouv.sn"
KEY = ed25519.Ed25519PrivateKey.from_private_bytes(b"k" * 32)
OLD = ed25519.Ed25519PrivateKey.from_private_bytes(b"o" * 32)
ISSUED = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Key:
    public: published.Public
    since: dt.date | None = None
    until: dt.date | None = None
    revoked: bool = False


DID = published.did_of(BASE)
DOCUMENT = published.did_document(BASE, [Key(KEY.public_key())])
VC = badges.credential(
    badges.Achievement("socle-1", "Santé numérique", "Socle commun", "Réussir l’examen surveillé"),
    base_url=BASE,
    code=made.GOOD.code,
    issuer="MSAS Sénégal",
    holder="Aïssatou N’DIAYE",
    issued=ISSUED,
    expires=dt.datetime(2099, 1, 1, tzinfo=dt.UTC),
    levels=[("Données", "3"), ("Usages", "4")],
    status=(1, 77),
)
JWT = badges.as_jwt(VC, KEY)
PROVED = badges.with_proof(VC, KEY, ISSUED)


def _site(revoked: list[int] | None = None) -> Callable[[str], bytes]:
    """What the issuer's site answers; KeyError for anything else."""
    now = dt.datetime.now(dt.UTC)
    listed = badges.status_list(revoked or [], base_url=BASE, number=1, now=now)
    pages = {
        f"{BASE}/.well-known/did.json": json.dumps(DOCUMENT).encode(),
        f"{BASE}/verifier/statuts/1/": badges.as_jwt(listed, KEY).encode(),
    }
    return pages.__getitem__


def _openbadgeslib(badge: str | dict[str, Any], revoked: list[int] | None = None) -> str:
    """« ok », or why openbadgeslib refuses."""
    kind: Any = OB3Verifier if isinstance(badge, str) else OB3LdpVerifier
    site = _site(revoked)
    try:
        kind.for_issuer_did(DID, download=site).verify(badge, check_status=True, download=site)
    except OB3VerificationError as error:
        return str(error)
    return "ok"


def _node(*asked: str | dict[str, Any]) -> list[bool]:
    """What jose and Digital Bazaar's libraries say."""
    done = subprocess.run(
        ["node", Path(__file__).with_name("badge_check.mjs")],
        input=json.dumps({"did": DOCUMENT, "badges": asked}),
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
    )
    return [answer["valid"] for answer in json.loads(done.stdout)]


def _changed_jwt() -> str:
    head, body, signature = JWT.split(".")
    payload = json.loads(base64.urlsafe_b64decode(body + "=="))
    payload["credentialSubject"]["result"][0]["value"] = "4"
    body = published.b64url(json.dumps(payload).encode())
    return f"{head}.{body}.{signature}"


def _changed_proved() -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(PROVED))
    copy["credentialSubject"]["result"][0]["value"] = "4"
    return copy


def test_both_forms_hold_for_other_peoples_software() -> None:
    assert (_openbadgeslib(JWT), _openbadgeslib(PROVED)) == ("ok", "ok")
    assert _node(JWT, PROVED) == [True, True]


def test_what_was_changed_or_signed_by_another_does_not_hold() -> None:
    bad: list[str | dict[str, Any]] = [
        _changed_jwt(),
        _changed_proved(),
        badges.as_jwt(VC, OLD),
        badges.with_proof(VC, OLD, ISSUED),
        {**PROVED, "proof": {**PROVED["proof"], "created": "2026-11-02T00:00:00Z"}},
        {**PROVED, "validUntil": "2100-01-01T00:00:00Z"},
    ]
    assert _node(*bad) == [False] * len(bad)
    assert ["ok" for badge in bad if _openbadgeslib(badge) == "ok"] == []


@pytest.mark.parametrize("badge", [JWT, PROVED], ids=["jwt", "proof"])
def test_a_revoked_badge_is_refused_by_its_entry(badge: str | dict[str, Any]) -> None:
    assert _openbadgeslib(badge, [76, 78]) == "ok"
    assert _openbadgeslib(badge, [77]) == (
        f"Credential status 'revocation' is set at index 77 in {BASE}/verifier/statuts/1/"
    )


def test_an_expired_badge_is_refused() -> None:
    over = VC | {"validUntil": "2026-11-02T00:00:00Z"}
    assert _node(badges.as_jwt(over, KEY)) == [False]
    assert _openbadgeslib(badges.as_jwt(over, KEY)) == "Credential has expired"


def test_the_same_badge_has_the_same_bytes() -> None:
    """Ed25519 draws nothing; the holder gets the same file each time."""
    assert badges.as_jwt(VC, KEY) == JWT
    assert badges.with_proof(VC, KEY, ISSUED) == PROVED


def test_no_network_is_needed_and_none_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    badges._context.cache_clear()
    assert badges.with_proof(VC, KEY, ISSUED) == PROVED
    with pytest.raises(LookupError, match=r"https://example\.org/context"):
        badges.load_context("https://example.org/context")


def test_the_contexts_are_as_published() -> None:
    """Digests as in their README; that of the W3C stands in its recommendation."""
    folder = resources.files("kalan.engine.signing.contexts")
    readme = folder.joinpath("README.md").read_text()
    for address, name in badges.CONTEXTS.items():
        digest = sha256(folder.joinpath(name).read_bytes()).hexdigest()
        assert f"| `{name}` | `{address}` | `{digest}`" in readme


def test_a_badge_says_what_the_certificate_says() -> None:
    subject = VC["credentialSubject"]
    assert subject["identifier"][0]["identityHash"] == "Aïssatou N’DIAYE"
    names = {one["id"]: one["name"] for one in subject["achievement"]["resultDescription"]}
    assert [(names[one["resultDescription"]], one["value"]) for one in subject["result"]] == [
        ("Données", "3"),
        ("Usages", "4"),
    ]
    plain = badges.credential(
        badges.Achievement("x", "N", "D", "C"),
        base_url=BASE + "/",
        code=made.GOOD.code,
        issuer="I",
        holder="H",
        issued=ISSUED,
    )
    assert plain.keys() == VC.keys() - {"validUntil", "credentialStatus"}
    assert plain["id"] == VC["id"]
    assert plain["credentialSubject"].keys() == subject.keys() - {"result"}
    assert _node(badges.as_jwt(plain, KEY), badges.with_proof(plain, KEY, ISSUED)) == [True, True]


def test_a_status_list_is_small_and_exact() -> None:
    revoked = set(range(0, badges.LIST_SIZE, 1000))
    made_list = badges.status_list(revoked, base_url=BASE, number=1, now=ISSUED)
    encoded = made_list["credentialSubject"]["encodedList"]
    is_set = badges.read_status_list(encoded)
    assert {index for index in range(badges.LIST_SIZE) if is_set(index)} == revoked
    assert len(encoded) < 1000
    assert badges.status_list(revoked, base_url=BASE, number=1, now=ISSUED) == made_list
    for outside in (-1, badges.LIST_SIZE):
        with pytest.raises(ValueError, match="131072"):
            badges.status_list([outside], base_url=BASE, number=1, now=ISSUED)
        with pytest.raises(ValueError, match="131072"):
            badges.status_entry(BASE, 1, outside)


@pytest.mark.parametrize(
    ("base", "did"),
    [
        ("https://kalan.sante.gouv.sn/", "did:web:kalan.sante.gouv.sn"),
        ("http://localhost:8000", "did:web:localhost%3A8000"),
        ("https://sante.gouv.ml/kalan/", "did:web:sante.gouv.ml:kalan"),
    ],
)
def test_the_site_has_a_did(base: str, did: str) -> None:
    assert published.did_of(base) == did


def test_keys_are_published_as_standards_want_them() -> None:
    keys = [
        Key(made.KEY.public_key()),
        Key(made.OLD.public_key(), dt.date(2024, 1, 1), dt.date(2025, 12, 31)),
        Key(made.STOLEN.public_key(), revoked=True),
        Key(KEY.public_key()),
        Key(OLD.public_key(), revoked=True),
    ]
    found = published.jwks(keys)
    read = KeySet.import_key_set({"keys": found["keys"]})
    assert [type(key) for key in read.keys] == [ECKey, ECKey, OKPKey]
    assert [key.public_key.public_bytes_raw() for key in read.keys if isinstance(key, OKPKey)] == [
        KEY.public_key().public_bytes_raw()
    ]
    assert [key.get("until") for key in found["keys"]] == [None, "2025-12-31", None]
    named = base64.urlsafe_b64decode(found["keys"][0]["kid"] + "=")
    assert (len(named), named[:8]) == (32, cose.key_id(made.KEY.public_key()))
    assert found["revoked"] == sorted(published.kid(one.public_key()) for one in (made.STOLEN, OLD))
    # A thief's signature must find no key, neither there nor here.
    methods = published.did_document(BASE, keys)["verificationMethod"]
    assert [method["type"] for method in methods] == ["JsonWebKey", "Multikey"]
    with pytest.raises(ValueError, match="P-256, not secp384r1"):
        published.jwk(ec.generate_private_key(ec.SECP384R1()).public_key())


def test_base58_keeps_zeros() -> None:
    """The vectors of draft-msporny-base58 §5."""
    assert published.base58(b"Hello World!") == "2NEpo7TZRRrLZSi2U"
    assert published.base58(bytes.fromhex("0000287fb4cd")) == "11233QC4"
    assert published.base58(b"") == ""


def test_the_revocation_list_is_a_plain_jws() -> None:
    codes = [made.GOOD.code, "0" * 24, made.GOOD.code]
    listed = revocation.revocation_list(codes, made.KEY, issuer=BASE, now=made.NOW)
    key = ECKey.import_key(dict(published.jwk(made.KEY.public_key())))
    read = jws.deserialize_json(listed, key, algorithms=["ES256"])  # type: ignore[call-overload]
    body = json.loads(read.payload)
    assert (body["iss"], body["iat"]) == (BASE, int(made.NOW.timestamp()))
    assert revocation.entries_of(body) == {revocation.entry(code) for code in codes}
    assert len(revocation.entries_of(body)) == 2
