"""A ministry's first authority: a key that signs certificates, made by Kalan for a start.

Its certificates say « essai ou usage interne » in the authority's own name, so that any reader of
a PDF shows it: whoever wants more brings a key of an accredited provider.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kalan.engine.signing.errors import SigningError
from kalan.engine.signing.keys import ED25519, P256, Identity, SoftwareKey

INTERNAL = "essai ou usage interne"
AUTHORITY_NAME = f"Autorité interne ({INTERNAL})"
RSA_3072 = "rsa-3072"
ALGORITHMS = (RSA_3072, P256, ED25519, "rsa-2048")
AUTHORITY_YEARS, SIGNING_YEARS = 10, 3
_LONGEST_NAME = 64  # RFC 5280, ub-common-name and ub-organization-name
_NOTICE = (
    "Certificat émis par une autorité que l’organisme a créée avec Kalan : "
    "essai ou usage interne. Aucun prestataire accrédité ne le garantit."
)
_EARLIER = dt.timedelta(hours=1)  # clocks of readers may be late


class Revoked(NamedTuple):
    """A certificate taken back: its serial number, when, and why (a reason of RFC 5280)."""

    serial: int
    at: dt.datetime
    reason: str = "unspecified"


def new_key(algorithm: str) -> Any:
    """Return a new private key: rsa-3072, p-256, ed25519 or, for tests, rsa-2048."""
    if algorithm.startswith("rsa-") and algorithm in ALGORITHMS:
        return rsa.generate_private_key(public_exponent=65537, key_size=int(algorithm[4:]))
    if algorithm == P256:
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == ED25519:
        return ed25519.Ed25519PrivateKey.generate()
    raise ValueError(f"unknown algorithm {algorithm!r}")


def new_authority(
    *, organisation: str, now: dt.datetime, algorithm: str = RSA_3072, country: str = ""
) -> Identity:
    """Make an authority valid ten years, signed by itself. ``country``: two letters."""
    private = new_key(algorithm)
    name = _name(AUTHORITY_NAME, organisation, country)
    usage = _usage(key_cert_sign=True, crl_sign=True)
    builder = _builder(name, name, private.public_key(), now, AUTHORITY_YEARS)
    made = (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(_policy(), critical=False)
        .sign(private, _hash(private))
    )
    return Identity(SoftwareKey(private), _der(made))


def issue(
    authority: Identity,
    *,
    name: str,
    organisation: str,
    now: dt.datetime,
    algorithm: str = RSA_3072,
    country: str = "",
    years: int = SIGNING_YEARS,
    stamping: bool = False,
) -> Identity:
    """Make a key and its certificate: to sign documents or, ``stamping``, times (RFC 3161).

    The certificate ends with the authority's at the latest.
    """
    above = x509.load_der_x509_certificate(authority.certificate)
    private = new_key(algorithm)
    subject = _name(name, organisation, country)
    builder = _builder(subject, above.subject, private.public_key(), now, years, above)
    usage = _usage(digital_signature=True, content_commitment=True)
    builder = (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(_policy(), critical=False)
    )
    if stamping:
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True
        )
    signing = _private(authority)
    made = builder.sign(signing, _hash(signing))
    return Identity(SoftwareKey(private), _der(made), authority.certificates)


def crl(
    authority: Identity,
    revoked: Sequence[Revoked],
    *,
    number: int,
    now: dt.datetime,
    days: int = 30,
) -> bytes:
    """Return the authority's list of certificates taken back (DER), good for ``days``."""
    above = x509.load_der_x509_certificate(authority.certificate)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(above.subject)
        .last_update(now)
        .next_update(now + dt.timedelta(days=days))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(_authority_id(above), critical=False)
    )
    for one in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(one.serial).revocation_date(one.at)
        if one.reason != "unspecified":
            flag = x509.CRLReason(x509.ReasonFlags[one.reason])
            entry = entry.add_extension(flag, critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    signing = _private(authority)
    made = builder.sign(signing, _hash(signing))
    return made.public_bytes(serialization.Encoding.DER)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: Any,
    now: dt.datetime,
    years: int,
    above: x509.Certificate | None = None,
) -> x509.CertificateBuilder:
    now = now.astimezone(dt.UTC).replace(microsecond=0)
    first, last = now - _EARLIER, now + dt.timedelta(days=years * 365)
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    if above is not None:
        first = max(first, above.not_valid_before_utc)
        last = min(last, above.not_valid_after_utc)
    if last <= first:
        raise SigningError(
            "expired",
            "L’autorité a expiré : elle ne peut plus émettre de certificat.",
            "Créez-en une nouvelle avec kalan keys create.",
        )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(first)
        .not_valid_after(last)
        .add_extension(identifier, critical=False)
        .add_extension(_authority_id(above, public), critical=False)
    )


def _authority_id(above: x509.Certificate | None, own: Any = None) -> x509.AuthorityKeyIdentifier:
    if above is None:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(own)
    identifier = above.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _name(common: str, organisation: str, country: str) -> x509.Name:
    for words in (common, organisation):
        if not 0 < len(words.strip()) <= _LONGEST_NAME:
            raise SigningError(
                "name_too_long",
                f"Un certificat ne peut pas porter ce nom : « {words} ».",
                f"Donnez un nom de 1 à {_LONGEST_NAME} caractères (abrégez au besoin).",
            )
    parts = [
        (NameOID.COMMON_NAME, common.strip()),
        (NameOID.ORGANIZATION_NAME, organisation.strip()),
    ]
    if country:
        parts.append((NameOID.COUNTRY_NAME, country.upper()))
    return x509.Name([x509.NameAttribute(kind, words.strip()) for kind, words in reversed(parts)])


def _usage(**said: bool) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: said.get(name, False) for name in names})


def _policy() -> x509.CertificatePolicies:
    notice = x509.UserNotice(None, _NOTICE)
    anything = x509.ObjectIdentifier("2.5.29.32.0")
    return x509.CertificatePolicies([x509.PolicyInformation(anything, [notice])])


def _private(authority: Identity) -> Any:
    if not isinstance(authority.key, SoftwareKey):
        raise SigningError(
            "key_unusable",
            "Seule une autorité dont Kalan détient la clé peut émettre un certificat ici.",
            "Demandez le certificat à l’autorité qui tient le jeton.",
        )
    return authority.key.private


def _hash(private: Any) -> Any:
    return None if isinstance(private, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)
