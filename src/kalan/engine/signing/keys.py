"""A key that signs, with the certificates that say whose it is.

Opened once a process: opening an RSA-3072 file costs a hundred signatures. The private key is in
memory only (PEM, PKCS#12, PKCS#8) or never leaves its token (PKCS#11: `tokens.py`).
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from kalan.engine.signing.errors import SigningError

RSA, P256, ED25519 = "rsa", "p-256", "ed25519"
_CURVES = {256: P256, 384: "p-384", 521: "p-521"}


class Key(Protocol):
    """What signs. ``kind``: rsa, p-256, p-384, p-521 or ed25519; ``size`` in bits."""

    kind: str
    size: int
    public: Any  # of the library cryptography

    def sign(self, data: bytes) -> bytes:
        """RSA PKCS#1 v1.5 or ECDSA (DER), with SHA-256; Ed25519 as it is."""

    def close(self) -> None:
        """Give the key back; a token logs out."""


class SoftwareKey:
    """A private key in memory."""

    def __init__(self, private: Any) -> None:
        self.private, self.public = private, private.public_key()
        self.kind, self.size = kind_of(private)
        self._sign: Any = private.sign
        self._how: tuple[Any, ...] = ()
        if self.kind == RSA:
            self._how = (padding.PKCS1v15(), hashes.SHA256())
        elif self.kind != ED25519:
            self._how = (ec.ECDSA(hashes.SHA256()),)

    def sign(self, data: bytes) -> bytes:
        signed: bytes = self._sign(data, *self._how)
        return signed

    def close(self) -> None:
        """Nothing to give back."""


@dataclass(frozen=True)
class Identity:
    """A key, its certificate and those above it (DER; the issuer first, the root last)."""

    key: Key
    certificate: bytes
    chain: tuple[bytes, ...] = ()

    @property
    def certificates(self) -> tuple[bytes, ...]:
        return (self.certificate, *self.chain)

    def close(self) -> None:
        self.key.close()


@dataclass(frozen=True)
class KeyPlace:
    """All that a process without a database needs to open a key. Can be sent to a child process.

    ``kind``: "file" (PKCS#8 at ``path``) or "token" (PKCS#11). ``passphrase``: the passphrase of
    the file or the PIN of the token.
    """

    kind: str
    certificate: bytes
    chain: tuple[bytes, ...] = ()
    path: str = ""
    module: str = ""
    token: str = ""
    label: str = ""
    passphrase: str | None = field(default=None, repr=False)

    def open(self) -> Identity:
        """Return the identity; SigningError when the key cannot be had."""
        if self.kind == "token":
            from kalan.engine.signing.tokens import open_token

            found = open_token(
                self.module, token=self.token, pin=self.passphrase, label=self.label,
                certificates=(self.certificate, *self.chain),
            )  # fmt: skip
            return found
        return open_pkcs8(self._raw(), self.passphrase, self.certificate, self.chain)

    def private(self) -> Any:
        """Return the private key of a file without certificate (QR codes, badges)."""
        return load_pkcs8(self._raw(), self.passphrase)

    def _raw(self) -> bytes:
        try:
            return Path(self.path).read_bytes()
        except OSError:
            raise SigningError(
                "key_absent",
                f"Le fichier de la clé est introuvable ou illisible\u00a0: {self.path}.",
                "Remettez-le en place depuis une sauvegarde, ou importez la clé de nouveau.",
            ) from None


def kind_of(key: Any) -> tuple[str, int]:
    """Return (kind, bits) of a private or public key; SigningError for one not to be used."""
    if isinstance(key, (rsa.RSAPrivateKey, rsa.RSAPublicKey)):
        if key.key_size < 2048:
            raise SigningError(
                "key_unusable",
                f"Cette clé RSA n’a que {key.key_size} bits : elle n’est plus sûre.",
                "Utilisez une clé RSA d’au moins 2 048 bits (3 072 de préférence) ou P-256.",
            )
        return RSA, key.key_size
    if isinstance(key, (ec.EllipticCurvePrivateKey, ec.EllipticCurvePublicKey)):
        kind = _CURVES.get(key.curve.key_size)
        if kind and key.curve.name == f"secp{key.curve.key_size}r1":
            return kind, key.curve.key_size
    if isinstance(key, (ed25519.Ed25519PrivateKey, ed25519.Ed25519PublicKey)):
        return ED25519, 256
    raise SigningError(
        "key_unusable",
        "Kalan ne sait pas signer avec une clé de ce genre.",
        "Utilisez une clé RSA, P-256 ou, pour les badges, Ed25519.",
    )


def open_pem(pem: bytes, passphrase: str | None = None, certificates: bytes = b"") -> Identity:
    """Open a PEM that holds a private key and its certificates, or the key alone beside them."""
    try:
        private = serialization.load_pem_private_key(pem, _secret(passphrase))
    except TypeError:
        raise _passphrase(passphrase) from None
    except (ValueError, UnsupportedAlgorithm):
        if b"ENCRYPTED" in pem:
            raise _passphrase(passphrase) from None
        raise SigningError(
            "malformed",
            "Ce fichier ne contient pas de clé privée PEM lisible.",
            "Un fichier PEM contient « BEGIN PRIVATE KEY » et ses certificats.",
        ) from None
    return identity(SoftwareKey(private), certificates_in(pem) + certificates_in(certificates))


def open_pkcs12(raw: bytes, passphrase: str | None = None) -> Identity:
    """Open a PKCS#12 file (.p12, .pfx): a key, its certificate and those above it."""
    try:
        private, leaf, others = pkcs12.load_key_and_certificates(raw, _secret(passphrase))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        # The library says "Invalid password or PKCS12 data" for both: a file that is no DER
        # sequence at all is not a matter of passphrase.
        if raw[:1] != b"\x30" or "Could not deserialize" in str(error):
            raise SigningError(
                "malformed",
                "Ce fichier n’est pas un fichier PKCS#12 (.p12 ou .pfx).",
                "Demandez-le de nouveau à celui qui l’a émis.",
            ) from None
        raise _passphrase(passphrase) from None
    if private is None or leaf is None:
        raise SigningError(
            "malformed",
            "Ce fichier PKCS#12 ne contient pas à la fois une clé privée et son certificat.",
            "Exportez-le de nouveau, avec la clé privée.",
        )
    found = [one.public_bytes(serialization.Encoding.DER) for one in (leaf, *others)]
    return identity(SoftwareKey(private), found)


def open_pkcs8(
    raw: bytes, passphrase: str | None, certificate: bytes, chain: tuple[bytes, ...] = ()
) -> Identity:
    """Open a key file that Kalan wrote itself (`write_pkcs8`), beside its certificates.

    The RSA primes are not proved again, which takes 0.13 s: the file was written from a checked
    key, and a key that does not belong to the certificate is refused.
    """
    private = load_pkcs8(raw, passphrase)
    return identity(SoftwareKey(private), [certificate, *chain])


def load_pkcs8(raw: bytes, passphrase: str | None) -> Any:
    """Return the private key of a PKCS#8 file of our own; SigningError on a wrong passphrase."""
    try:
        return serialization.load_der_private_key(
            raw, _secret(passphrase), unsafe_skip_rsa_key_validation=True
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _passphrase(passphrase) from None


def identity(key: Key, certificates: Iterable[bytes]) -> Identity:
    """Join a key with the certificate that is its own and the chain above it, in order."""
    parsed = [_parse(der) for der in dict.fromkeys(certificates)]
    if not parsed:
        raise SigningError(
            "certificate_absent",
            "La clé est là, mais pas son certificat.",
            "Donnez aussi le certificat (PEM) reçu avec la clé.",
        )
    mine = spki(key.public)
    own = [one for one in parsed if spki(one.public_key()) == mine]
    if not own:
        raise SigningError(
            "key_mismatch",
            "Le certificat n’est pas celui de cette clé.",
            "Vérifiez que le certificat et la clé viennent de la même demande.",
        )
    # A renewed certificate stands beside the old one: the newest is meant.
    leaf = max(own, key=lambda one: one.not_valid_after_utc)
    chain = _chain(leaf, [one for one in parsed if one is not leaf])
    return Identity(key, _der(leaf), tuple(map(_der, chain)))


def kid_of(public: Any) -> str:
    """Return what names a public key: base64url of the SHA-256 of its SubjectPublicKeyInfo."""
    digest = hashlib.sha256(spki(public)).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def spki(public: Any) -> bytes:
    """Return the SubjectPublicKeyInfo (DER): what names a key outside Kalan."""
    found: bytes = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return found


def _chain(leaf: x509.Certificate, others: list[x509.Certificate]) -> list[x509.Certificate]:
    """Return those above the leaf, each one the issuer of the one before."""
    found: list[x509.Certificate] = []
    below = leaf
    while below.issuer != below.subject:
        above = next((one for one in others if _issued(below, one) and one not in found), None)
        if above is None:
            break
        found.append(above)
        below = above
    return found


def _issued(below: x509.Certificate, above: x509.Certificate) -> bool:
    try:
        below.verify_directly_issued_by(above)
    except Exception:  # any doubt: not its issuer (names, algorithm, signature)
        return False
    return True


def certificates_in(pem: bytes) -> list[bytes]:
    """Return the certificates of a PEM file (DER); a DER certificate is taken as it is."""
    if pem[:1] == b"\x30":
        return [_der(_parse(pem))]
    if b"BEGIN CERTIFICATE" not in pem:
        return []
    try:
        return [_der(one) for one in x509.load_pem_x509_certificates(pem)]
    except ValueError:
        raise _bad_certificate() from None


def _parse(der: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError:
        raise _bad_certificate() from None


def _bad_certificate() -> SigningError:
    return SigningError(
        "malformed",
        "Un certificat de ce fichier est abîmé.",
        "Demandez-le de nouveau à l’autorité qui l’a émis.",
    )


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def refuse_unfit(certificate: bytes, *, at: dt.datetime) -> None:
    """SigningError unless the certificate may sign documents at that instant."""
    found = _parse(certificate)
    refuse_outside(found.not_valid_before_utc, found.not_valid_after_utc, at)
    try:
        if found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            raise _not_for_signing("Ce certificat est celui d’une autorité.")
    except x509.ExtensionNotFound:
        pass
    try:
        usage = found.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return
    if not (usage.digital_signature or usage.content_commitment):
        raise _not_for_signing("Ce certificat n’est pas fait pour signer (usage de la clé).")


def refuse_unfit_above(chain: Iterable[bytes], *, at: dt.datetime) -> None:
    """SigningError unless every authority above the certificate is within its dates."""
    for one in chain:
        found = _parse(one)
        refuse_outside(found.not_valid_before_utc, found.not_valid_after_utc, at)


def refuse_outside(first: dt.datetime, last: dt.datetime, at: dt.datetime) -> None:
    if at > last:
        raise SigningError(
            "expired",
            f"Le certificat a expiré le {last:%d/%m/%Y}.",
            "Renouvelez-le (kalan keys rotate) ou importez le nouveau.",
        )
    if at < first:
        raise SigningError(
            "not_yet_valid",
            f"Le certificat n’est valable qu’à partir du {first:%d/%m/%Y}.",
            "Vérifiez l’heure du serveur, ou attendez cette date.",
        )


def _not_for_signing(message: str) -> SigningError:
    return SigningError(
        "not_for_signing",
        message,
        "Il faut un certificat de signature (digitalSignature ou nonRepudiation).",
    )


def _secret(passphrase: str | None) -> bytes | None:
    return passphrase.encode() if passphrase else None


def _passphrase(given: str | None) -> SigningError:
    if not given:
        return SigningError(
            "passphrase_needed",
            "Cette clé est protégée par une phrase secrète, qui n’a pas été donnée.",
            "Donnez la phrase secrète de la clé.",
        )
    return SigningError(
        "wrong_passphrase",
        "La phrase secrète n’ouvre pas cette clé.",
        "Vérifiez-la (majuscules, clavier) et recommencez ; rien n’a été signé.",
    )
