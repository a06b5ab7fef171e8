"""Authorities, signers and revocation lists for tests: small keys, made once a session."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime(2026, 6, 15, 10, 0, tzinfo=UTC)  # the day of all these tests
YEAR = timedelta(days=365)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, eq=False)
class Party:
    """A certificate with its key, and those above it."""

    certificate: x509.Certificate
    key: Any
    above: tuple[x509.Certificate, ...] = ()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_der(self) -> bytes:
        return self.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


@functools.cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@functools.cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@functools.cache
def authority(name: str = "Autorité du ministère", under: str | None = None) -> Party:
    above = authority(under) if under else None
    return issue(name, above, ca=True, start=NOW - 5 * YEAR, end=NOW + 5 * YEAR)


@functools.cache
def signer(name: str = "Directeur de la planification", *, by: str = "Autorité du ministère",
           under: str | None = None, **changes: Any) -> Party:  # fmt: skip
    return issue(name, authority(by, under), **changes)


@functools.cache
def stamper(name: str = "Horodateur", by: str = "Autorité du ministère", **changes: Any) -> Party:
    purposes = (ExtendedKeyUsageOID.TIME_STAMPING,)
    return issue(name, authority(by), key=rsa_key(name), purposes=purposes, **changes)


def issue(
    name: str,
    by: Party | None,
    *,
    ca: bool = False,
    length: int | None = None,
    start: datetime = NOW - YEAR,
    end: datetime = NOW + YEAR,
    key: Any = None,
    usage: str = "digital_signature content_commitment",
    purposes: tuple[x509.ObjectIdentifier, ...] = (),
    more: tuple[tuple[x509.ExtensionType, bool], ...] = (),
) -> Party:
    key = key or ec_key(name)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signing = by.key if by else key
    usages = {"key_cert_sign", "crl_sign"} if ca else set(usage.split())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=length), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False
        )
    )
    if usages:
        builder = builder.add_extension(key_usage(usages), critical=True)
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=True)
    for extension, critical in more:
        builder = builder.add_extension(extension, critical)
    above = (by.certificate, *by.above) if by else ()
    return Party(builder.sign(signing, hashes.SHA256()), key, above)


def key_usage(wanted: set[str]) -> x509.KeyUsage:
    every = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement "
        "key_cert_sign crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{name: name in wanted for name in every.split()})


def revocation_list(by: Party, revoked: dict[Party, datetime], *, made: datetime = NOW) -> bytes:
    """A revocation list in DER, good for 30 days."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(by.certificate.subject)
        .last_update(made - timedelta(days=1))
        .next_update(made + timedelta(days=30))
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key()), critical=False
        )
        .add_extension(x509.CRLNumber(1), critical=False)
    )
    for party, moment in revoked.items():
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(party.certificate.serial_number)
            .revocation_date(moment)
            .build()
        )
    return builder.sign(by.key, hashes.SHA256()).public_bytes(Encoding.DER)
