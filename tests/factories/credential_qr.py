"""Credentials of QR codes: a good one, and one for each way in which a credential can be bad.

The Python reader and the page's script are held to the same list (``cases``).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from PIL import Image, ImageOps

from kalan.engine.signing import cbor, cose, qr

NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
CURVE = ec.SECP256R1()
# Fixed keys: the same credential in every run, and in the documentation.
KEY = ec.derive_private_key(0x4B616C616E, CURVE)
OTHER = ec.derive_private_key(0x4B616C616F, CURVE)
OLD = ec.derive_private_key(0x4B616C6170, CURVE)
STOLEN = ec.derive_private_key(0x4B616C6171, CURVE)
KEYS = cose.keyring(
    [
        cose.TrustedKey(KEY.public_key()),
        cose.TrustedKey(OLD.public_key(), dt.date(2024, 1, 1), dt.date(2025, 12, 31)),
        cose.TrustedKey(STOLEN.public_key(), revoked=True),
    ]
)
GOOD = cose.Claims(
    code="3K7Q9XZATB2MW5E8RC4NV0HG",
    issuer="MSAS Sénégal",
    kind=cose.Kind.SKILLS,
    title="Santé numérique : socle commun",
    name="Aïssatou N’DIAYE",
    issued=dt.date(2026, 11, 22),
    expires=dt.date(2029, 11, 21),
    mode=cose.Mode.MINISTRY,
    levels=(("Données", 3), ("Sécurité", 2), ("Usages", 4)),
)
HEADER: dict[int, object] = {1: -7, 4: cose.key_id(KEY.public_key())}


@dataclass(frozen=True)
class Case:
    name: str
    text: str
    says: str  # "ok", or the code of the refusal
    code: str | None = None  # that of the address


def picture(text: str, scale: int) -> bytes:
    """A PNG of the code of ``text`` with its quiet zone, ``scale`` pixels a module."""
    side, pixels = qr.qr_pixels(text, scale)
    file = BytesIO()
    drawn = Image.frombytes("L", (side, side), pixels)
    ImageOps.expand(drawn, 4 * scale, 255).save(file, "PNG")
    return file.getvalue()


def payload(**changed: Any) -> dict[int, object]:
    """The payload of GOOD by number, some of it changed: k1=…, act=…; None leaves it out."""
    act: list[object] = [3, GOOD.title, 2, ["Données", 3, "Sécurité", 2, "Usages", 4]]
    whole: dict[int, object] = dict(cose._payload(GOOD)) | {cose.ACT: act}
    for name, value in changed.items():
        key = cose.ACT if name == "act" else int(name[1:])
        whole = {k: v for k, v in whole.items() if k != key} | (
            {} if value is None else {key: value}
        )
    return whole


def signed(
    body: bytes | dict[int, object],
    *,
    header: bytes | dict[int, object] = HEADER,
    unprotected: dict[int, object] | None = None,
    key: ec.EllipticCurvePrivateKey = KEY,
) -> bytes:
    """COSE_Sign1 bytes, honestly signed over whatever is given."""
    protected = header if isinstance(header, bytes) else cbor.encode(header)
    raw = body if isinstance(body, bytes) else cbor.encode(body)
    der = key.sign(
        cbor.encode(["Signature1", protected, b"", raw]),
        ec.ECDSA(hashes.SHA256(), deterministic_signing=True),
    )
    r, s = decode_dss_signature(der)
    parts = [protected, unprotected or {}, raw, r.to_bytes(32) + s.to_bytes(32)]
    return b"\xd2" + cbor.encode(parts)


def cases() -> list[Case]:
    """Every case by name."""
    return [*_good(), *_text(), *_structure(), *_keys(), *_contents(), *_times()]


def _good() -> list[Case]:
    bare = replace(GOOD, levels=(), expires=None, kind=cose.Kind.TRAINING, mode=cose.Mode.HAND)
    scripts = replace(GOOD, name="ߊߥߊ ߖߊߙߊ", title="شهادة حضور", issuer="𞤆𞤵𞤤𞤢𞤪")
    last_day = replace(GOOD, issued=dt.date(2025, 11, 23), expires=dt.date(2026, 11, 23))
    return [
        Case("good", cose.sign(GOOD, KEY), "ok"),
        Case("good, of its address", cose.sign(GOOD, KEY), "ok", GOOD.code),
        Case("no end, no levels", cose.sign(bare, KEY), "ok"),
        Case("N'Ko, Arabic, Adlam", cose.sign(scripts, KEY), "ok"),
        Case("about nobody", cose.sign(replace(bare, name=""), KEY), "ok"),
        Case("last day", cose.sign(last_day, KEY), "ok"),
        Case("old key, in its time", cose.sign(_dated(dt.date(2025, 6, 1)), OLD), "ok"),
        Case("by hand-made bytes", cose.to_text(signed(payload())), "ok"),
    ]


def _text() -> list[Case]:
    good = cose.sign(GOOD, KEY)
    data = cose.from_text(good)
    return [
        Case("empty", "", "not_a_credential"),
        Case("something else", "https://example.org/", "not_a_credential"),
        Case("lower case", good.lower(), "not_a_credential"),
        Case("a later format", "K2." + good[3:], "unknown_version"),
        Case("huge", "K1." + "A" * 100_000, "too_large"),
        Case("one too many", "K1." + "A" * (cose.LONGEST - 2), "too_large"),
        Case("no such character", good[:40] + "1" + good[41:], "bad_character"),
        Case("a line end", good + "\n", "bad_character"),
        Case("padding", good + "=", "bad_character"),
        Case("nothing in it", "K1.", "truncated"),
        Case("cut by one", "K1." + "A" * 9, "truncated"),
        Case("cut in the middle", cose.to_text(data[: len(data) // 2]), "truncated"),
        Case("last byte missing", cose.to_text(data[:-1]), "truncated"),
        Case("a byte more", cose.to_text(data + b"\0"), "trailing_bytes"),
        Case("twice", cose.to_text(data + data), "trailing_bytes"),
        Case("bits left over", "K1.2B", "not_canonical"),
    ]


def _structure() -> list[Case]:
    body, header = cbor.encode(payload()), cbor.encode(HEADER)
    kid = HEADER[4]
    none = cbor.encode({1: -7, 4: b""})
    made = {
        "no tag": (signed(body)[1:], "malformed"),
        "another tag": (b"\xd1" + signed(body)[1:], "malformed"),
        "three parts": (b"\xd2" + cbor.encode([header, {}, body]), "malformed"),
        "no payload": (b"\xd2" + cbor.encode([header, {}, [], b"x" * 64]), "malformed"),
        "short signature": (b"\xd2" + cbor.encode([header, {}, body, b"x" * 63]), "malformed"),
        "empty signature": (b"\xd2" + cbor.encode([header, {}, body, b""]), "malformed"),
        "zero signature": (b"\xd2" + cbor.encode([header, {}, body, bytes(64)]), "altered"),
        "unprotected header": (signed(body, unprotected={4: kid}), "malformed"),
        "no algorithm": (signed(body, header={4: kid}), "wrong_algorithm"),
        "EdDSA": (signed(body, header={1: -8, 4: kid}), "wrong_algorithm"),
        "no signature at all": (signed(body, header={1: 0, 4: kid}), "wrong_algorithm"),
        "RS256": (signed(body, header={1: -257, 4: kid}), "wrong_algorithm"),
        "no key id": (signed(body, header={1: -7}), "malformed"),
        "key id as text": (signed(body, header={1: -7, 4: "k"}), "malformed"),
        "header with more": (signed(body, header={1: -7, 4: kid, 2: [1]}), "malformed"),
        "header is a list": (signed(body, header=cbor.encode([1, -7])), "malformed"),
        "header cut": (signed(body, header=header[:-1]), "truncated"),
        "header and more": (signed(body, header=header + b"\0"), "trailing_bytes"),
        "algorithm twice": (
            signed(body, header=b"\xa2\x01\x26\x01\x26"),
            "duplicate_key",
        ),
        "header out of order": (
            signed(body, header=b"\xa2\x04\x48" + bytes(8) + b"\x01\x26"),
            "not_canonical",
        ),
        "indefinite list": (b"\xd2\x9f" + signed(body)[2:] + b"\xff", "not_canonical"),
        "long length": (b"\xd2\x98\x04" + signed(body)[2:], "not_canonical"),
        "a float": (b"\xd2\x84\xfb" + bytes(8), "malformed"),
        "reserved length": (b"\xd2\x84\x5c" + bytes(8), "malformed"),
        "a list of 2^53 things": (b"\xd2\x9b\x00\x20" + bytes(6), "malformed"),
        "a list of 2^32 things": (b"\xd2\x9b\x00\x00\x00\x01" + bytes(4), "truncated"),
        "bytes without end": (b"\xd2\x84\x5a\xff\xff\xff\xff", "truncated"),
        "very deep": (b"\xd2" + b"\x81" * 300, "malformed"),
        "empty key id": (signed(body, header=none), "unknown_key"),
    }
    return [Case(name, cose.to_text(data), says) for name, (data, says) in made.items()]


def _keys() -> list[Case]:
    stranger = signed(payload(), key=OTHER)  # says KEY, is not by it
    changed = cose.from_text(cose.sign(GOOD, KEY)).replace(b"DIAYE", b"DIALO")
    level = cose.from_text(cose.sign(GOOD, KEY)).replace(b"Usages\x04", b"Usages\x05")
    hand = cose.sign(_dated(dt.date(2026, 6, 1)), OLD)
    return [
        Case("unknown key", cose.sign(GOOD, OTHER), "unknown_key"),
        Case("by another key", cose.to_text(stranger), "altered"),
        Case("another name", cose.to_text(changed), "altered"),
        Case("another level", cose.to_text(level), "altered"),
        Case("old key", hand, "key_out_of_date"),
        Case("key not yet made", cose.sign(_dated(dt.date(2023, 6, 1)), OLD), "key_out_of_date"),
        Case("stolen key", cose.sign(GOOD, STOLEN), "key_revoked"),
    ]


def _contents() -> list[Case]:
    body = cbor.encode(payload())
    iss = cbor.encode(GOOD.issuer)
    made: dict[str, tuple[bytes | dict[int, object], str]] = {
        "payload is a list": (cbor.encode([1]), "malformed"),
        "payload cut": (body[:-1], "truncated"),
        "payload and more": (body + b"\0", "trailing_bytes"),
        "empty payload": (b"", "truncated"),
        "issuer twice": (
            b"\xa7\x01" + iss + b"\x01" + iss + body[2 + len(iss) :],
            "duplicate_key",
        ),
        "out of order": (b"\xa2\x04\x01\x01\x02", "not_canonical"),
        "long number": (b"\xa1\x18\x01\x00", "not_canonical"),
        "text without end": (b"\xa1\x01\x7f\x61a\xff", "not_canonical"),
        "text as key": (b"\xa1\x61a\x00", "malformed"),
        "not UTF-8": (b"\xa1\x01\x62\xc3\x28", "bad_utf8"),
        "overlong UTF-8": (b"\xa1\x01\x62\xc0\xaf", "bad_utf8"),
        "half a pair": (b"\xa1\x01\x63\xed\xa0\x80", "bad_utf8"),
        "a tag inside": (b"\xa1\x01\xc0\x00", "malformed"),
        "true": (b"\xa1\x01\xf5", "malformed"),
        "no issuer": (payload(k1=None), "malformed"),
        "no code": (payload(k7=None), "malformed"),
        "no act": (payload(act=None), "malformed"),
        "short code": (payload(k7=bytes(14)), "malformed"),
        "code as text": (payload(k7=GOOD.code), "malformed"),
        "something more": (payload(k99=1), "malformed"),
        "empty name": (payload(k2=""), "malformed"),
        "blank name": (payload(k2=" "), "malformed"),
        "name turned round": (payload(k2="Awa \u202eEYAID"), "malformed"),
        "control in the name": (payload(k2="Awa\x00"), "malformed"),
        "name is a number": (payload(k2=7), "malformed"),
        "hour of the day": (payload(k6=1795305601), "malformed"),
        "before 1970": (payload(k6=-86400), "malformed"),
        "in ten thousand years": (payload(k4=86400 * 100_001), "malformed"),
        "ends before it begins": (payload(k4=86400), "malformed"),
        "act of two parts": (payload(act=[3, "Titre"]), "malformed"),
        "act of five": (payload(act=[3, "Titre", 2, ["A", 1], 0]), "malformed"),
        "unknown kind": (payload(act=[9, "Titre", 2]), "malformed"),
        "unknown mode": (payload(act=[3, "Titre", 9]), "malformed"),
        "no levels in levels": (payload(act=[3, "Titre", 2, []]), "malformed"),
        "half a level": (payload(act=[3, "Titre", 2, ["A"]]), "malformed"),
        "level as text": (payload(act=[3, "Titre", 2, ["A", "1"]]), "malformed"),
        "level of 24": (payload(act=[3, "Titre", 2, ["A", 24]]), "malformed"),
        "level below zero": (payload(act=[3, "Titre", 2, ["A", -1]]), "malformed"),
    }
    return [Case(name, cose.to_text(signed(body)), says) for name, (body, says) in made.items()]


def _times() -> list[Case]:
    over = replace(GOOD, issued=dt.date(2025, 11, 22), expires=dt.date(2026, 11, 22))
    return [
        Case("over since yesterday", cose.sign(over, KEY), "expired"),
        Case("from tomorrow", cose.sign(_dated(dt.date(2026, 11, 24)), KEY), "ok"),
        Case("from later", cose.sign(_dated(dt.date(2026, 11, 25)), KEY), "not_yet"),
        Case("another's address", cose.sign(GOOD, KEY), "other_code", "0" * 24),
    ]


def _dated(day: dt.date) -> cose.Claims:
    return replace(GOOD, issued=day, expires=dt.date(2029, 11, 21))
