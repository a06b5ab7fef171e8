"""``judge_own``: the same question as ``judge`` for acts that Kalan signed, strictly and fast.

Own code all the way (``shape``, ``asn1``, cryptography's primitives), so that it and ``judge``,
which rests on pyHanko, are two opinions: tests hold them to the same answer. A certificate chain is
checked once a process; each file then costs one SHA-256 and one key operation.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kalan.engine.signing.verify import asn1, lists
from kalan.engine.signing.verify.asn1 import Value
from kalan.engine.signing.verify.revisions import suspicion
from kalan.engine.signing.verify.shape import own_shape
from kalan.engine.signing.verify.verdict import (
    Doubt,
    Reason,
    SignatureVerdict,
    Verdict,
    of_signatures,
)


def _hex(text: str) -> bytes:
    return bytes.fromhex(text)


DATA = _hex("06092a864886f70d010701")
SIGNED_DATA = _hex("06092a864886f70d010702")
SHA256 = (_hex("300d06096086480165030402010500"), _hex("300b0609608648016503040201"))
RSA_SHA256 = _hex("300d06092a864886f70d01010b0500")
ECDSA_SHA256 = _hex("300a06082a8648ce3d040302")
CONTENT_TYPE = _hex("06092a864886f70d010903")
MESSAGE_DIGEST = _hex("06092a864886f70d010904")
CERTIFICATE_V2 = _hex("060b2a864886f70d010910022f")
PROTECTION = _hex("06092a864886f70d010934")
SEQUENCE, SET, INTEGER, OCTETS, FIRST = 0x30, 0x31, 0x02, 0x04, 0xA0
MOST_STEPS = 6  # of a chain
READ_EXTENSIONS = (
    x509.KeyUsage,
    x509.BasicConstraints,
    x509.ExtendedKeyUsage,
    x509.CertificatePolicies,
    x509.AuthorityKeyIdentifier,
    x509.SubjectKeyIdentifier,
)
# What an authority may issue: RFC 5280 has them critical, and obeyed when they are not.
NARROWING = (x509.NameConstraints, x509.PolicyConstraints, x509.InhibitAnyPolicy)
OTHER_PURPOSES = {
    ExtendedKeyUsageOID.SERVER_AUTH,
    ExtendedKeyUsageOID.CODE_SIGNING,
    ExtendedKeyUsageOID.TIME_STAMPING,
    ExtendedKeyUsageOID.OCSP_SIGNING,
}


Extension = TypeVar("Extension", bound=x509.ExtensionType)


class Cms(NamedTuple):
    """The parts of a CMS signature that are checked against something else."""

    certificates: tuple[bytes, ...]
    leaf: bytes
    digest: bytes
    signed: bytes  # the attributes, as they are signed
    algorithm: bytes
    signature: bytes


def judge_own(
    pdf: bytes,
    *,
    trust: Sequence[bytes],
    at: datetime | None = None,
    crls: Sequence[bytes] = (),
) -> Verdict:
    """Judge an act of ours, B-B; never raises. ``at``: the moment at which the register proves
    that it existed (default: now); ``trust``, ``crls``: DER or PEM. Another shape is not valid: ask
    ``judge`` about files that others made or that were raised to a higher level."""
    moment = at or datetime.now(UTC)
    try:
        return _judge(pdf, tuple(trust), moment, tuple(crls))
    except Doubt as doubt:
        vague = doubt.reason is Reason.MALFORMED  # perhaps the bytes say more
        return Verdict(suspicion(pdf) if vague else doubt.reason, detail=doubt.detail)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # of any kind: what cannot be read is not valid
        return Verdict(suspicion(pdf), detail=f"{type(error).__name__}: {error}"[:200])


def _judge(
    pdf: bytes, trust: tuple[bytes, ...], moment: datetime, crls: tuple[bytes, ...]
) -> Verdict:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    shape = own_shape(pdf)
    cms = read_cms(shape.cms)
    view = memoryview(pdf)
    digest = hashlib.sha256(view[: shape.hole_start])
    digest.update(view[shape.hole_end :])
    reason, detail, state = Reason.OK, "", "not_checked"
    leaf = _certificate(cms.leaf)
    try:
        if digest.digest() != cms.digest or not _signed_by(leaf, cms):
            raise Doubt(Reason.ALTERED, "the digest or the signature is wrong")
        state = _answer(cms, trust, moment, crls)
    except Doubt as doubt:
        reason, detail = doubt.reason, doubt.detail
    one = SignatureVerdict(
        "signature",
        reason,
        signer=_common_name(leaf),
        signed_at=_date(pdf[shape.base_end :]),
        level="B-B" if reason is Reason.OK else None,
        issuer=leaf.issuer.rfc4514_string()[:300],
        serial=f"{leaf.serial_number:x}",
        expires=leaf.not_valid_after_utc,
        revocation=state,
        detail=detail,
    )
    return of_signatures((one,))


def read_cms(der: bytes) -> Cms:
    """Read a CMS SignedData of the one form that a PAdES B-B signature by one signer has; anything
    else raises Doubt or ValueError."""
    kind, content = _take(asn1.value(der, SEQUENCE).body, None, FIRST)
    version, digests, encapsulated, certificates, signers = _take(
        asn1.value(content.body, SEQUENCE).body, INTEGER, SET, SEQUENCE, FIRST, SET
    )
    _must(kind.whole == SIGNED_DATA and version.body == b"\x01", "CMS: kind or version")
    _must(digests.body in SHA256 and encapsulated.body == DATA, "CMS: digest or content")
    (signer,) = asn1.parts(signers.body)
    _must(signer.tag == SEQUENCE, "CMS: signer")
    version, name, digest, attributes, algorithm, signature = _take(
        signer.body, INTEGER, SEQUENCE, SEQUENCE, FIRST, SEQUENCE, OCTETS
    )
    _must(version.body == b"\x01" and digest.whole in SHA256, "CMS: signer's version or digest")
    held = tuple(one.whole for one in asn1.parts(certificates.body))
    values = _attributes(attributes, digest, algorithm)
    leaf = _leaf(held, name, values[CERTIFICATE_V2])
    signed = bytes([SET]) + attributes.whole[1:]
    said = asn1.value(values[MESSAGE_DIGEST].whole, OCTETS).body
    return Cms(held, leaf, said, signed, algorithm.whole, signature.body)


def _take(body: bytes, *tags: int | None) -> list[Value]:
    """The values of a body, which must be these and no others."""
    found = asn1.parts(body)
    _must(
        len(found) == len(tags)
        and all(tag in (None, one.tag) for tag, one in zip(tags, found, strict=True)),
        "CMS: a field too many, or of another kind",
    )
    return found


def _must(holds: bool, why: str) -> None:
    if not holds:
        raise Doubt(Reason.MALFORMED, why)


def _attributes(attributes: Value, digest: Value, algorithm: Value) -> dict[bytes, Value]:
    """The signed attributes: those of PAdES B-B, each once, in the order of DER."""
    encoded = asn1.parts(attributes.body)
    _must(encoded == sorted(encoded, key=lambda one: one.whole), "signed attributes: order")
    values: dict[bytes, Value] = {}
    for one in encoded:
        kind, held = _take(one.body, None, SET)
        (value,) = asn1.parts(held.body)
        _must(kind.whole not in values, "a signed attribute twice")
        values[kind.whole] = value
    needed = {CONTENT_TYPE, MESSAGE_DIGEST, CERTIFICATE_V2}
    _must(needed <= values.keys() <= needed | {PROTECTION}, "signed attributes: not those of B-B")
    _must(values[CONTENT_TYPE].whole == DATA, "content type")
    if PROTECTION in values:
        inside = _take(values[PROTECTION].body, SEQUENCE, 0xA1)
        same = inside[0].body == digest.body and inside[1].body == algorithm.body
        _must(same, "the algorithms are not those that were signed")
    return values


def _leaf(held: tuple[bytes, ...], name: Value, named: Value) -> bytes:
    """The signer's certificate: the one that the signed attributes name by its hash."""
    (certificates,) = _take(asn1.value(named.whole, SEQUENCE).body, SEQUENCE)
    parts = asn1.parts(asn1.parts(certificates.body)[0].body)
    if parts[0].tag == SEQUENCE:
        _must(parts[0].whole in SHA256, "signing-certificate: digest")
        parts = parts[1:]
    _must(parts[0].tag == OCTETS and len(parts) <= 2, "signing-certificate")
    found = [one for one in held if hashlib.sha256(one).digest() == parts[0].body]
    _must(bool(found), "the signing certificate is another one")
    fields = asn1.parts(asn1.parts(asn1.value(found[0], SEQUENCE).body)[0].body)
    fields = fields[1:] if fields[0].tag == FIRST else fields
    _must(name.body == fields[2].whole + fields[0].whole, "the signer is named otherwise")
    return found[0]


def _signed_by(leaf: x509.Certificate, cms: Cms) -> bool:
    key = leaf.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey) and cms.algorithm == RSA_SHA256:
            key.verify(cms.signature, cms.signed, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey) and cms.algorithm == ECDSA_SHA256:
            key.verify(cms.signature, cms.signed, ec.ECDSA(hashes.SHA256()))
        else:
            raise Doubt(Reason.MALFORMED, "signature algorithm")
    except InvalidSignature:
        return False
    return True


def _answer(cms: Cms, trust: tuple[bytes, ...], moment: datetime, crls: tuple[bytes, ...]) -> str:
    path = _path(cms.leaf, cms.certificates, trust)
    for one in path:
        if moment > one.not_valid_after_utc:
            raise Doubt(Reason.EXPIRED, f"expired: {one.subject.rfc4514_string()}")
        if moment < one.not_valid_before_utc:
            raise Doubt(Reason.UNTRUSTED, f"not valid yet: {one.subject.rfc4514_string()}")
    if not crls:
        return "not_checked"
    others = [_certificate(one) for one in cms.certificates]
    return lists.revocation(_lists(crls), path, moment, others)


@functools.lru_cache(maxsize=64)
def _path(
    leaf: bytes, held: tuple[bytes, ...], trust: tuple[bytes, ...]
) -> tuple[x509.Certificate, ...]:
    """The chain from a trusted certificate to the leaf, dates aside (RFC 5280 §6.1, in the little
    that our authorities use; a critical extension beyond that is refused)."""
    trusted = [one for blob in trust for one in _anchors(blob)]
    others = [_certificate(one) for one in held]
    first = _certificate(leaf)
    _fit_to_sign(first)
    path = [first]
    while path[0] not in trusted:
        above = next(
            (by for by in (*trusted, *others) if by not in path and lists.issued(path[0], by)), None
        )
        if above is None or len(path) == MOST_STEPS:
            raise Doubt(Reason.UNTRUSTED, "no path to a trusted certificate")
        _fit_to_issue(above, len(path) - 1)
        path.insert(0, above)
    for one in others:  # what nobody vouches for could be changed without notice
        known = any(lists.issued(one, by) for by in (*trusted, *others))
        _must(known or _der(one) == leaf, "CMS: a certificate that belongs to no chain")
    return tuple(path)


def _fit_to_sign(leaf: x509.Certificate) -> None:
    usage = _extension(leaf, x509.KeyUsage)
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        raise Doubt(Reason.UNTRUSTED, "key usage: not for signing")
    purposes = _extension(leaf, x509.ExtendedKeyUsage)
    if purposes is not None and set(purposes) <= OTHER_PURPOSES:
        raise Doubt(Reason.UNTRUSTED, "extended key usage: not for documents")
    _understood(leaf)


def _fit_to_issue(above: x509.Certificate, below: int) -> None:
    """``below``: authorities between this one and the signer."""
    constraints, usage = _extension(above, x509.BasicConstraints), _extension(above, x509.KeyUsage)
    if constraints is None or not constraints.ca or (usage is not None and not usage.key_cert_sign):
        raise Doubt(Reason.UNTRUSTED, "a certificate that may not issue others")
    if constraints.path_length is not None and constraints.path_length < below:
        raise Doubt(Reason.UNTRUSTED, "the path is too long")
    _understood(above)


def _understood(one: x509.Certificate) -> None:
    if any(ext.critical and not isinstance(ext.value, READ_EXTENSIONS) for ext in one.extensions):
        raise Doubt(Reason.UNTRUSTED, "a critical extension that is not understood")
    if any(isinstance(ext.value, NARROWING) for ext in one.extensions):  # marked critical or not
        raise Doubt(Reason.UNTRUSTED, "an authority limited in a way that is not looked at")
    algorithm, key = one.signature_hash_algorithm, one.public_key()
    if not isinstance(algorithm, (hashes.SHA256, hashes.SHA384, hashes.SHA512)):
        raise Doubt(Reason.UNTRUSTED, "a weak digest in the path")
    long = isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048
    long |= isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= 256
    if not long:
        raise Doubt(Reason.UNTRUSTED, "a key of the path is too weak")


def _extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


@functools.lru_cache(maxsize=256)
def _certificate(der: bytes) -> x509.Certificate:
    return x509.load_der_x509_certificate(der)


def _anchors(blob: bytes) -> list[x509.Certificate]:
    """The certificates of a blob that the caller trusts: DER, or PEM with one or several."""
    return x509.load_pem_x509_certificates(blob) if b"-----BEGIN" in blob else [_certificate(blob)]


@functools.lru_cache(maxsize=4)
def _lists(blobs: tuple[bytes, ...]) -> list[lists.Crl]:
    return lists.crls(blobs)


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def _common_name(leaf: x509.Certificate) -> str:
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        found = leaf.subject.get_attributes_for_oid(kind)
        if found:
            return str(found[0].value)[:200]
    return ""


def _date(update: bytes) -> datetime | None:
    """The date that the signature claims (/M), when it is written as ours is."""
    at = update.find(b"/M(D:")
    text = update[at + 5 : at + 20].decode("latin-1")
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC) if at >= 0 else None
    except ValueError:
        return None
