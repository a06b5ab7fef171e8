"""Who answers for a certificate at a moment: path (RFC 5280, by pyhanko-certvalidator), then
revocation lists (``lists``).

The rules, in short:

* the path ends at a certificate that the caller trusts, and nobody else is trusted;
* every certificate of the path, the trusted one included, is within its dates at that moment:
  past them it is ``expired``, before them ``untrusted``;
* a list that names a certificate of the path with a date not after that moment makes it
  ``revoked``, however old the list; no list, or an old one that does not name it, leaves it valid
  and ``revocation`` says ``not_checked``. Nothing is fetched.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from asn1crypto import pem
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import (
    ExpiredError,
    PathBuildingError,
    RevokedError,
    ValidationError,
)
from pyhanko_certvalidator.validate import async_validate_path

from kalan.engine.signing.verify.lists import issued, revocation
from kalan.engine.signing.verify.verdict import Doubt, Reason

MOST_CERTIFICATES = 64  # in one pool: paths are searched among them
KEYS = (rsa.RSAPublicKey, ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey)
MOST_STEPS = 8  # of a path


@dataclass
class Pool:
    """All that a file and the caller bring: trusted certificates, others, revocation lists."""

    trusted: list[asn1_x509.Certificate]
    others: list[asn1_x509.Certificate] = field(default_factory=list)
    lists: list[x509.CertificateRevocationList] = field(default_factory=list)
    ocsp: list[bytes] = field(default_factory=list)
    lists_held: bool = False  # whether the file itself holds validation data

    def add(self, certificates: Iterable[asn1_x509.Certificate]) -> None:
        held = {one.sha256 for one in self.others}
        self.others += [one for one in certificates if one.sha256 not in held]
        if len(self.others) > MOST_CERTIFICATES:
            raise Doubt(Reason.MALFORMED, "too many certificates")


def certificates(blobs: Iterable[bytes]) -> list[asn1_x509.Certificate]:
    """Read certificates, DER or PEM (a PEM text may hold several); ValueError when one cannot."""
    found = []
    for blob in blobs:
        ders = (
            [der for _, _, der in pem.unarmor(blob, multiple=True)] if pem.detect(blob) else [blob]
        )
        for der in ders:
            x509.load_der_x509_certificate(der)  # a second reader must agree
            found.append(asn1_x509.Certificate.load(der, strict=True))
    return found


def no_strangers(pool: Pool, brought: Sequence[asn1_x509.Certificate], leaf: bytes) -> None:
    """Check that each certificate of a CMS is the leaf or signed by another that is at hand: what
    nobody vouches for could be changed without notice."""
    known = [as_read(one) for one in (*pool.trusted, *brought, *pool.others)]
    for one in brought:
        if one.dump() != leaf and not any(issued(as_read(one), by) for by in known):
            raise Doubt(Reason.MALFORMED, "CMS: a certificate that belongs to no chain")


def as_read(certificate: asn1_x509.Certificate) -> x509.Certificate:
    return x509.load_der_x509_certificate(certificate.dump())


def answer_for(pool: Pool, leaf: asn1_x509.Certificate, moment: datetime) -> str:
    """Raise Doubt unless somebody trusted answers for ``leaf`` at ``moment``; return what is known
    of its revocation ("good", "not_checked")."""
    try:
        path = asyncio.run(_path(pool, leaf, moment))
    except RevokedError as error:
        aside = error.is_side_validation  # it is who signed a list that was revoked
        raise Doubt(Reason.UNTRUSTED if aside else Reason.REVOKED, _line(error)) from error
    except ExpiredError as error:
        aside = error.is_side_validation
        raise Doubt(Reason.UNTRUSTED if aside else Reason.EXPIRED, _line(error)) from error
    except (ValidationError, PathBuildingError) as error:
        raise Doubt(Reason.UNTRUSTED, _line(error)) from error
    if len(path) > MOST_STEPS:
        raise Doubt(Reason.UNTRUSTED, "the path is too long")
    for one in path:
        if moment > one.not_valid_after_utc:
            raise Doubt(Reason.EXPIRED, f"expired: {one.subject.rfc4514_string()}")
        if moment < one.not_valid_before_utc:
            raise Doubt(Reason.UNTRUSTED, f"not valid yet: {one.subject.rfc4514_string()}")
        key = one.public_key()
        short = isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < 256
        short |= isinstance(key, rsa.RSAPublicKey) and key.key_size < 2048
        if short or not isinstance(key, KEYS):
            raise Doubt(Reason.UNTRUSTED, "a key of the path is too weak")
    return revocation(pool.lists, path, moment, [as_read(one) for one in pool.others])


async def _path(
    pool: Pool, leaf: asn1_x509.Certificate, moment: datetime
) -> list[x509.Certificate]:
    """The path from the trusted certificate to the leaf, checked by pyhanko-certvalidator."""
    context = ValidationContext(
        trust_roots=pool.trusted,
        other_certs=pool.others,
        moment=moment,
        best_signature_time=moment,
        allow_fetching=False,
        ocsps=pool.ocsp,
        revocation_mode="soft-fail",
        retroactive_revinfo=True,
    )
    failure: ValidationError | None = None
    paths = context.path_builder.async_build_paths_lazy(leaf)
    try:
        async for path in paths:
            try:
                await async_validate_path(context, path)
            except ValidationError as error:
                failure = failure if isinstance(failure, (RevokedError, ExpiredError)) else error
                continue
            return [as_read(one) for one in path.iter_certs(include_root=True)]
    finally:
        await paths.cancel()  # type: ignore[no-untyped-call]
    raise failure or ValidationError("no path to a trusted certificate")


def _line(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error))[:200]
