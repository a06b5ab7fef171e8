"""The credential of the QR code: a CWT (RFC 8392) in a COSE_Sign1 (RFC 9052), ES256, as text.

    text    "K1." + base32 (RFC 4648 §6, without padding) of
    bytes   18([protected, {}, payload, signature])
    protected  {1: -7, 4: kid}          kid: the first 8 bytes of SHA-256 of the public key's DER
    payload    {1: issuer, 2: name, 4: expiry, 6: issued, 7: the act's code, 15 bytes,
                -65537: [kind, title, mode, [domain, level, ...]]}     2 and 4 where there is one

Base32 rather than base64url: a QR code packs capitals and digits in 5.5 bits each, anything else
in 8, so the longer text makes the smaller picture (``docs/format-qr.md``, with a test vector).

A text has one reading and a credential one text: bytes that a lenient reader would pass over are
refused. Messages are French and go to whoever checks.
"""

from __future__ import annotations

import base64
import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from hashlib import sha256
from typing import NoReturn

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from kalan.engine.signing import cbor, code

PREFIX = "K1."
LONGEST = 1200  # characters; the largest that sign() makes has fewer
ES256, ALG, KID = -7, 1, 4
ISSUER, NAME, EXPIRY, ISSUED, CODE, ACT = 1, 2, 4, 6, 7, -65537
# Bytes of UTF-8; a title printed longer stands here shortened (fit).
LIMITS = {"issuer": 64, "name": 96, "title": 96, "domain": 32}
MOST_DOMAINS = 12
_TAG_SIGN1 = b"\xd2"  # tag 18
_DAY = 86400
_EPOCH = dt.date(1970, 1, 1)
# Controls, and marks that turn the order of what is read (Unicode TR 36 §2.5).
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Kind(IntEnum):
    """What is proved; the titles are fixed, each with what it does not prove."""

    OTHER = 0
    ATTENDANCE = 1  # attestation de présence
    TRAINING = 2  # attestation de formation
    SKILLS = 3  # certificat de compétences
    TRAINER = 4  # attestation de formateur


class Mode(IntEnum):
    """How the document itself is signed."""

    HAND = 0
    TRIAL = 1  # by an authority that Kalan made
    MINISTRY = 2
    ACCREDITED = 3


@dataclass(frozen=True, slots=True)
class Claims:
    """What a credential says. ``expires`` is the last day on which it holds, None for ever.

    ``name``: the holder's, as printed; "" for an act about nobody (a sheet, a report).
    """

    code: str
    issuer: str
    kind: Kind
    title: str
    name: str
    issued: dt.date
    expires: dt.date | None = None
    mode: Mode = Mode.MINISTRY
    levels: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A key of the issuer: what was issued from ``since`` to ``until`` may be signed by it.

    A ``revoked`` key (lost, stolen) vouches for nothing: its thief chooses the dates too.
    """

    public: ec.EllipticCurvePublicKey
    since: dt.date | None = None
    until: dt.date | None = None
    revoked: bool = False


class CredentialError(ValueError):
    """A credential that does not hold: ``code``, and ``claims`` when its signature was good."""

    def __init__(self, code: str, claims: Claims | None = None) -> None:
        super().__init__(MESSAGES[code])
        self.code, self.claims = code, claims


MESSAGES = {
    "not_a_credential": "Ce code n’est pas une attestation que Kalan sait lire.",
    "unknown_version": "Cette attestation est d’un format plus récent que cette page.",
    "too_large": "Ce code est trop long pour être une attestation.",
    "bad_character": "Le code contient un caractère qui ne peut pas s’y trouver.",
    "truncated": "Il manque la fin du code : reprenez le lien entier, ou scannez de nouveau.",
    "trailing_bytes": "Quelque chose a été ajouté à la fin du code.",
    "not_canonical": "Le code est écrit d’une façon que Kalan n’emploie pas.",
    "duplicate_key": "Le code dit deux fois la même chose.",
    "bad_utf8": "Le code contient un texte illisible.",
    "malformed": "Le code n’a pas la forme d’une attestation.",
    "wrong_algorithm": "Le code est signé d’une façon que Kalan n’accepte pas.",
    "unknown_key": "La clé qui a signé ce code n’est pas connue ici.",
    "key_revoked": "La clé qui a signé ce code a été révoquée.",
    "key_out_of_date": "La clé qui a signé ce code ne servait pas à cette date.",
    "altered": "Le contenu a été changé, ou ne vient pas de l’émetteur annoncé.",
    "not_yet": "Ce code porte une date d’émission à venir.",
    "expired": "La validité de ce document est passée.",
    "other_code": "Le contenu du QR code et le numéro de l’adresse ne vont pas ensemble.",
    "too_long": "Un texte est trop long pour le QR code.",
    "not_sayable": "Une donnée ne peut pas figurer dans le QR code.",
}


def key_id(public: ec.EllipticCurvePublicKey) -> bytes:
    """The 8 bytes by which a credential names its key."""
    der = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return sha256(der).digest()[:8]


def sign(claims: Claims, key: ec.EllipticCurvePrivateKey) -> str:
    """The credential of ``claims`` as text; CredentialError too_long, not_sayable.

    The nonce is derived (RFC 6979) where the library can: a batch done again gives the same text.
    """
    return sign_with(claims, key_id(key.public_key()), lambda data: key.sign(data, _ecdsa()))


def sign_with(claims: Claims, kid: bytes, signer: Callable[[bytes], bytes]) -> str:
    """As ``sign``, by a P-256 key that lies elsewhere: ``signer`` gives a DER signature."""
    protected = cbor.encode({ALG: ES256, KID: kid})
    payload = cbor.encode(_payload(claims))
    r, s = decode_dss_signature(signer(_to_be_signed(protected, payload)))
    signature = r.to_bytes(32) + s.to_bytes(32)
    return to_text(_TAG_SIGN1 + cbor.encode([protected, {}, payload, signature]))


def open_(
    text: str,
    keys: Mapping[bytes, TrustedKey],
    now: dt.datetime,
    *,
    code: str | None = None,
) -> Claims:
    """What the credential ``text`` says, checked by ``keys`` (from ``keyring``) at ``now``.

    ``code`` is that of the address it came with, when there is one. CredentialError names by its
    code what is wrong, the first thing in the order of ``docs/format-qr.md``.
    """
    try:
        kid, protected, payload, signature = _parts(from_text(text))
        key = keys.get(kid) or _refuse("unknown_key")
        if key.revoked:
            _refuse("key_revoked")
        _check_signature(key.public, signature, _to_be_signed(protected, payload))
        claims = _claims(cbor.decode(payload))
    except cbor.CborError as error:
        raise CredentialError(error.code) from None
    today = now.astimezone(dt.UTC).date()
    if (key.since and claims.issued < key.since) or (key.until and claims.issued > key.until):
        raise CredentialError("key_out_of_date", claims)
    if code is not None and claims.code != code:
        raise CredentialError("other_code", claims)
    if claims.issued > today + dt.timedelta(days=1):  # a day of grace for time zones and clocks
        raise CredentialError("not_yet", claims)
    if claims.expires and today > claims.expires:
        raise CredentialError("expired", claims)
    return claims


def keyring(keys: Iterable[TrustedKey]) -> dict[bytes, TrustedKey]:
    """Keys by their ids, as ``open_`` takes them."""
    return {key_id(key.public): key for key in keys}


def to_text(data: bytes) -> str:
    """The text of a credential's bytes."""
    return PREFIX + base64.b32encode(data).decode().rstrip("=")


def from_text(text: str) -> bytes:
    """The bytes of a credential's text; CredentialError when it is not the text of any."""
    if len(text) > LONGEST:
        _refuse("too_large")
    if not text.startswith(PREFIX):
        _refuse("unknown_version" if re.match(r"K[0-9]+\.", text) else "not_a_credential")
    body = text.removeprefix(PREFIX)
    if not re.fullmatch(r"[A-Z2-7]*", body):
        _refuse("bad_character")
    if len(body) % 8 in (1, 3, 6):  # no number of bytes has so many characters
        _refuse("truncated")
    data = base64.b32decode(body + "=" * (-len(body) % 8))
    if to_text(data) != text:  # bits beyond the last byte
        _refuse("not_canonical")
    return data


def link(base_url: str, act_code: str, credential: str) -> str:
    """What the QR code holds: the check page's address, the credential behind its #."""
    return f"{base_url.rstrip('/')}/verifier/{act_code}/#{credential}"


def fit(text: str, field: str) -> str:
    """``text`` shortened to what ``field`` (of LIMITS) may hold, with an ellipsis if cut."""
    text, limit = unicodedata.normalize("NFC", text), LIMITS[field]
    if len(text.encode()) <= limit:
        return text
    cut = text.encode()[: limit - len("…".encode())].decode(errors="ignore")
    # No accent or vowel sign without its letter, no letter without its accent.
    while cut and unicodedata.combining(text[len(cut)]):
        cut = cut[:-1]
    return cut.rstrip() + "…"


def _refuse(why: str) -> NoReturn:
    raise CredentialError(why)


@cache
def _ecdsa() -> ec.ECDSA:
    try:
        return ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    except UnsupportedAlgorithm:  # OpenSSL before 3.2
        return ec.ECDSA(hashes.SHA256())


def _to_be_signed(protected: bytes, payload: bytes) -> bytes:
    """The Sig_structure of RFC 9052 §4.4, without external data."""
    return cbor.encode(["Signature1", protected, b"", payload])


def _check_signature(public: ec.EllipticCurvePublicKey, signature: bytes, data: bytes) -> None:
    halves = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    try:
        public.verify(encode_dss_signature(*halves), data, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        _refuse("altered")


def _parts(data: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """Key id, protected header, payload and signature, before any of it is believed."""
    if not data.startswith(_TAG_SIGN1):
        _refuse("malformed" if data else "truncated")
    match cbor.decode(data[1:]):
        case [bytes(protected), dict(unprotected), bytes(payload), bytes(signature)]:
            pass
        case _:
            _refuse("malformed")
    header = cbor.decode(protected)
    if unprotected or not isinstance(header, dict):
        _refuse("malformed")
    if header.get(ALG) != ES256:
        _refuse("wrong_algorithm")
    kid = header.get(KID)
    if header.keys() != {ALG, KID} or not isinstance(kid, bytes) or len(signature) != 64:
        _refuse("malformed")
    return kid, protected, payload, signature


def _payload(claims: Claims) -> dict[int, object]:
    act: list[object] = [int(claims.kind), _text(claims.title, "title"), int(claims.mode)]
    if claims.levels:
        if len(claims.levels) > MOST_DOMAINS:
            _refuse("too_long")
        if not all(0 <= level < 24 for _, level in claims.levels):
            _refuse("not_sayable")
        act.append([part for domain, level in claims.levels for part in (domain, level)])
        for domain, _ in claims.levels:
            _text(domain, "domain")
    payload: dict[int, object] = {
        ISSUER: _text(claims.issuer, "issuer"),
        ISSUED: _seconds(claims.issued),
        CODE: code.to_bytes(claims.code),
        ACT: act,
    }
    if claims.name:
        payload[NAME] = _text(claims.name, "name")
    if claims.expires:
        if claims.expires < claims.issued:
            _refuse("not_sayable")
        # RFC 8392 §3.1.4: no longer accepted from this moment on, the day after the last.
        payload[EXPIRY] = _seconds(claims.expires + dt.timedelta(days=1))
    return payload


def _text(text: str, field: str) -> str:
    if len(text.encode(errors="surrogatepass")) > LIMITS[field]:
        _refuse("too_long")
    if not _sayable(text) or unicodedata.normalize("NFC", text) != text:
        _refuse("not_sayable")
    return text


def _sayable(text: str) -> bool:
    return (
        bool(text.strip()) and not _UNSEEN.search(text) and not re.search("[\ud800-\udfff]", text)
    )


def _seconds(day: dt.date) -> int:
    if day < _EPOCH:
        _refuse("not_sayable")
    return (day - _EPOCH).days * _DAY


def _claims(payload: cbor.Value) -> Claims:
    """The claims of a payload whose signature is good; CredentialError malformed."""
    if not isinstance(payload, dict):
        _refuse("malformed")
    if payload.keys() - {NAME, EXPIRY} != {ISSUER, ISSUED, CODE, ACT}:
        _refuse("malformed")
    raw, act = payload[CODE], payload[ACT]
    if not isinstance(raw, bytes) or len(raw) != code.BYTES or not isinstance(act, list):
        _refuse("malformed")
    if len(act) not in (3, 4):
        _refuse("malformed")
    issued, end = _day(payload[ISSUED]), EXPIRY in payload and _day(payload[EXPIRY])
    if end and end <= issued:
        _refuse("malformed")
    try:
        kind, mode = Kind(_number(act[0])), Mode(_number(act[2]))
    except ValueError:
        _refuse("malformed")
    return Claims(
        code=code.from_bytes(raw),
        issuer=_read(payload[ISSUER]),
        kind=kind,
        title=_read(act[1]),
        name=_read(payload[NAME]) if NAME in payload else "",
        issued=issued,
        expires=end - dt.timedelta(days=1) if end else None,
        mode=mode,
        levels=_levels(act[3]) if len(act) == 4 else (),
    )


def _levels(value: cbor.Value) -> tuple[tuple[str, int], ...]:
    if not isinstance(value, list) or not value or len(value) % 2:
        _refuse("malformed")
    return tuple((_read(value[at]), _number(value[at + 1])) for at in range(0, len(value), 2))


def _number(value: cbor.Value) -> int:
    if not isinstance(value, int) or not 0 <= value < 24:
        _refuse("malformed")
    return value


def _read(value: cbor.Value) -> str:
    if not isinstance(value, str) or not _sayable(value):
        _refuse("malformed")
    return value


def _day(value: cbor.Value) -> dt.date:
    """The day of a number of seconds; a time within a day is not one."""
    if not isinstance(value, int) or value < 0 or value % _DAY or value > _DAY * 100_000:
        _refuse("malformed")
    return _EPOCH + dt.timedelta(days=value // _DAY)
