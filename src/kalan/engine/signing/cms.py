"""The CMS structure of a signature (RFC 5652, ETSI EN 319 122-1), made once for a batch.

What differs from one document to the next is a digest of 32 bytes and the signature itself: they
are spliced into bytes prepared once. Attributes: contentType, messageDigest,
signing-certificate-v2 (RFC 5035), algorithm protection (RFC 6211); no signing-time, which PAdES
keeps in the PDF (ETSI EN 319 142-1, 6.3).
"""

from __future__ import annotations

import hashlib

from kalan.engine.signing import der
from kalan.engine.signing.errors import SigningError
from kalan.engine.signing.keys import RSA, Identity, Key

_DATA, _SIGNED_DATA = "1.2.840.113549.1.7.1", "1.2.840.113549.1.7.2"
_CONTENT_TYPE, _DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
_CERTIFICATE_V2, _PROTECTION = "1.2.840.113549.1.9.16.2.47", "1.2.840.113549.1.9.52"
_SHA256, _RSA_SHA256 = "2.16.840.1.101.3.4.2.1", "1.2.840.113549.1.1.11"
_ECDSA_SHA256 = "1.2.840.10045.4.3.2"
_BLANK = bytes(range(1, 33))  # stands where the digest goes


class Skeleton:
    """All of a CMS signature but digest and signature. ``longest``: bytes at most."""

    def __init__(self, identity: Identity) -> None:
        self._key = identity.key
        digest_algorithm = der.tlv(0x30, der.oid(_SHA256))
        algorithm = _algorithm(identity.key)
        attributes = der.set_of(
            _attribute(_CONTENT_TYPE, der.oid(_DATA)),
            _attribute(_DIGEST, der.tlv(der.OCTETS, _BLANK)),
            _attribute(_CERTIFICATE_V2, _certificate_id(identity.certificate)),
            _attribute(_PROTECTION, _protection(digest_algorithm, algorithm)),
        )
        self._before, self._after = attributes.split(_BLANK)
        size = len(attributes)
        # What is signed is the SET OF; what is written is its content under the tag [0].
        self._signed = der.head(der.SET, size) + self._before
        issuer_serial = _issuer_serial(identity.certificate)
        self._signer_head = b"".join(
            (der.integer(1), issuer_serial, digest_algorithm, der.head(0xA0, size))
        )
        self._signer_tail = algorithm
        self._common = b"".join(
            (
                der.integer(1),
                der.tlv(der.SET, digest_algorithm),
                der.tlv(0x30, der.oid(_DATA)),
                der.tlv(0xA0, der.set_of(*identity.certificates)),
            )
        )
        self._frames: dict[int, tuple[bytes, bytes]] = {}
        self._longest = longest_signature(identity.key)
        self.longest = len(self._join(bytes(32), bytes(self._longest)))

    def sign(self, digest: bytes) -> bytes:
        """Return the CMS (DER) over a document whose SHA-256 is ``digest``: one key operation."""
        signature = self._key.sign(self._signed + digest + self._after)
        if len(signature) > self._longest:
            raise SigningError(
                "key_unusable",
                "La clé a rendu une signature plus longue que ne le permet son algorithme.",
                "Vérifiez le jeton et son module PKCS#11 ; rien n’a été signé.",
            )
        return self._join(digest, signature)

    def _join(self, digest: bytes, signature: bytes) -> bytes:
        frame = self._frames.get(len(signature))
        if frame is None:
            frame = self._frames[len(signature)] = self._frame(len(signature))
        return b"".join((frame[0], digest, frame[1], signature))

    def _frame(self, length: int) -> tuple[bytes, bytes]:
        """All before the digest and all between digest and signature, for that length."""
        middle = self._after + self._signer_tail + der.head(der.OCTETS, length)
        inside = len(self._signer_head) + len(self._before) + 32 + len(middle) + length
        signer = der.head(0x30, inside)
        signers = der.head(der.SET, len(signer) + inside)
        content = len(self._common) + len(signers) + len(signer) + inside
        data = der.head(0x30, content)
        explicit = der.head(0xA0, len(data) + content)
        kind = der.oid(_SIGNED_DATA)
        whole = der.head(0x30, len(kind) + len(explicit) + len(data) + content)
        before = (whole, kind, explicit, data, self._common, signers, signer)
        return b"".join((*before, self._signer_head, self._before)), middle


def longest_signature(key: Key) -> int:
    """Return the greatest length in bytes of a signature by this key (ECDSA: as DER)."""
    if key.kind == RSA:
        return key.size // 8
    number = key.size // 8 + 1  # a sign byte more, or the odd bits of P-521
    return len(der.tlv(0x30, bytes(2 * (number + 2))))


def _algorithm(key: Key) -> bytes:
    if key.kind == RSA:
        return der.tlv(0x30, der.oid(_RSA_SHA256), der.NULL)
    if key.kind.startswith("p-"):
        return der.tlv(0x30, der.oid(_ECDSA_SHA256))
    raise SigningError(
        "key_unusable",
        "Une clé Ed25519 ne peut pas signer un PDF : les lecteurs courants ne la lisent pas.",
        "Prenez une clé RSA ou P-256 pour les documents.",
    )


def _attribute(kind: str, value: bytes) -> bytes:
    return der.tlv(0x30, der.oid(kind), der.tlv(der.SET, value))


def _certificate_id(certificate: bytes) -> bytes:
    """SigningCertificateV2 with SHA-256, the default of RFC 5035, left out as DER asks."""
    digest = der.tlv(der.OCTETS, hashlib.sha256(certificate).digest())
    return der.tlv(0x30, der.tlv(0x30, der.tlv(0x30, digest)))


def _protection(digest_algorithm: bytes, algorithm: bytes) -> bytes:
    start, end = der.span(algorithm, 0)
    return der.tlv(0x30, digest_algorithm, der.tlv(0xA1, algorithm[start:end]))


def _issuer_serial(certificate: bytes) -> bytes:
    """Issuer and serial number, byte for byte as the certificate has them."""
    fields = der.children(der.children(certificate)[0])
    if fields[0][0] == 0xA0:  # version
        fields = fields[1:]
    return der.tlv(0x30, fields[2], fields[0])
