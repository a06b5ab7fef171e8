"""Revocation lists (RFC 5280 §5), read with cryptography. A list that names a certificate revokes
it from the date it gives, however old the list; a list that is out of date says nothing good."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from kalan.engine.signing.verify.verdict import Doubt, Reason

Crl = x509.CertificateRevocationList


def crls(blobs: Iterable[bytes]) -> list[Crl]:
    """Read revocation lists, DER or PEM; ValueError when one cannot."""
    pem_or_der = ((b"-----BEGIN" in blob[:200], blob) for blob in blobs)
    return [
        x509.load_pem_x509_crl(blob) if is_pem else x509.load_der_x509_crl(blob)
        for is_pem, blob in pem_or_der
    ]


def revocation(
    lists: Sequence[Crl],
    path: Sequence[x509.Certificate],
    moment: datetime,
    others: Sequence[x509.Certificate] = (),
) -> str:
    """Look for the certificates of ``path`` (trusted one first) in the lists of their issuers.

    Raises Doubt when one was revoked at ``moment``; returns "good" when current lists were there
    for all, else "not_checked". ``others``: certificates among which who signed a list may be.
    """
    looked = 0
    for issuer, one in pairwise(path):
        current = False
        for listing in lists:
            if not _lists_for(listing, issuer, others):
                continue
            entry = listing.get_revoked_certificate_by_serial_number(one.serial_number)
            if entry is not None and entry.revocation_date_utc <= moment and not _lifted(entry):
                raise Doubt(Reason.REVOKED, f"revoked on {entry.revocation_date_utc:%Y-%m-%d}")
            until = listing.next_update_utc
            current |= until is not None and listing.last_update_utc <= moment <= until
        looked += current
    return "good" if looked and looked == len(path) - 1 else "not_checked"


def _lists_for(listing: Crl, issuer: x509.Certificate, others: Sequence[x509.Certificate]) -> bool:
    """Whether a list is the issuer's: signed with its key, or with one that it certified for that
    under its own name."""
    if listing.issuer != issuer.subject:
        return False
    delegates = [
        one
        for one in others
        if one.subject == issuer.subject and one != issuer and issued(one, issuer)
        if _signs_lists(one)
    ]
    for key in (issuer.public_key(), *(one.public_key() for one in delegates)):
        if isinstance(key, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey)):
            try:
                if listing.is_signature_valid(key):
                    return True
            except (ValueError, TypeError):
                continue
    return False


def _signs_lists(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return False


def issued(one: x509.Certificate, by: x509.Certificate) -> bool:
    """Whether the signature of ``one`` is by the key of ``by``, and the names agree."""
    try:
        one.verify_directly_issued_by(by)
    except Exception:  # whatever is wrong with it, it was not issued by that one
        return False
    return True


def _lifted(entry: x509.RevokedCertificate) -> bool:
    try:
        reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        return False
    return reason is x509.ReasonFlags.remove_from_crl
