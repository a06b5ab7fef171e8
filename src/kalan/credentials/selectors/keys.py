"""Keys: which there are, what state they are in, and where a process finds them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from django.db.models import QuerySet

from kalan.credentials import keystore
from kalan.credentials.models import SigningKey
from kalan.credentials.policy import CAPABILITIES
from kalan.engine.signing import keyfiles
from kalan.engine.signing.errors import SigningError
from kalan.engine.signing.keys import Identity, KeyPlace, certificates_in
from kalan.people.actor import Actor

SOON = dt.timedelta(days=60)

_STATES = {
    "ready": "prête",
    "asked": "phrase secrète demandée à chaque signature",
    "locked": "phrase secrète de la clé à donner (kalan keys unlock)",
    "missing": "fichier de la clé absent",
    "expired": "certificat expiré",
    "not_yet_valid": "certificat pas encore valable",
    "retired": "remplacée",
    "revoked": "révoquée",
}


@dataclass(frozen=True)
class KeyState:
    """What can be done with a key now. ``code``: a key of the table above."""

    key: SigningKey
    code: str
    ends_soon: bool = False

    @property
    def label(self) -> str:
        return _STATES[self.code]

    @property
    def can_sign(self) -> bool:
        return self.code in ("ready", "asked", "locked")

    @property
    def needs_passphrase(self) -> bool:
        """Whether the click must ask for the passphrase (or the token's PIN)."""
        return self.code in ("asked", "locked")


def signing_keys(actor: Actor) -> QuerySet[SigningKey]:
    """All keys, those in service first, the newest first; nothing for who may not see them."""
    found = SigningKey.objects.select_related("replaced_by").order_by("state", "-created_at", "-pk")
    return found if actor.can(CAPABILITIES["keys.view"]) else found.none()


def active(purpose: str) -> SigningKey | None:
    """The key in service for QR codes or badges (one at most), or the newest for documents."""
    return (
        SigningKey.objects.filter(purpose=purpose, state=SigningKey.State.ACTIVE)
        .order_by("-created_at", "-pk")
        .first()
    )


def state_of(key: SigningKey, *, now: dt.datetime) -> KeyState:
    """Look at the files too: what a restored server lacks shows here."""
    if key.state != SigningKey.State.ACTIVE:
        return KeyState(key, key.state)
    if key.not_after and now > key.not_after:
        return KeyState(key, "expired")
    if key.not_before and now < key.not_before:
        return KeyState(key, "not_yet_valid")
    soon = bool(key.not_after and key.not_after - now < SOON)
    folder = keystore.root() / key.folder
    if key.kind == SigningKey.Kind.FILE and not (folder / keystore.KEY).is_file():
        return KeyState(key, "missing", soon)
    if key.unlock == SigningKey.Unlock.ASKED:
        return KeyState(key, "asked", soon)
    return KeyState(key, "ready" if _readable(key) else "locked", soon)


def wants_passphrase(key: SigningKey, *, now: dt.datetime) -> bool:
    """Whether whoever signs must type the passphrase (or the PIN): always, or since a restore."""
    return state_of(key, now=now).needs_passphrase


def _readable(key: SigningKey) -> bool:
    try:
        return keystore.sealed_passphrase(key.folder) is not None
    except SigningError:
        return False


def place_of(key: SigningKey, passphrase: str | None = None) -> KeyPlace:
    """Return all that a process without a database needs to open the key.

    ``passphrase``: as the person typed it; else the one sealed on this server. SigningError
    (passphrase_needed) when there is neither.
    """
    if passphrase and key.kind == SigningKey.Kind.FILE:
        passphrase = file_passphrase(key, passphrase)
    passphrase = passphrase or keystore.sealed_passphrase(key.folder)
    if not passphrase:
        raise SigningError(
            "passphrase_needed",
            f"La clé « {key.name} » attend sa phrase secrète.",
            "Donnez-la au moment de signer, ou une fois pour toutes : kalan keys unlock."
            if key.purpose == SigningKey.Purpose.DOCUMENT
            else "Elle se donne sur le serveur : kalan keys unlock.",
        )
    return KeyPlace(
        kind=key.kind,
        certificate=next(iter(certificates_in(key.certificate.encode())), b""),
        chain=tuple(certificates_in(key.chain.encode())),
        path=str(keystore.root() / key.folder / keystore.KEY) if key.folder else "",
        module=key.token_module,
        token=key.token_label,
        label=key.token_key,
        passphrase=passphrase,
    )


def file_passphrase(key: SigningKey, typed: str) -> str:
    """The passphrase of the key's file.

    Keys of QR codes and badges sign without a person, so theirs lies sealed on the server: it is
    derived from the one that was typed, which cannot be told from it.
    """
    if key.purpose == SigningKey.Purpose.DOCUMENT:
        return typed
    return keyfiles.derived(typed, key.uid.bytes)


def open_identity(key: SigningKey, passphrase: str | None = None) -> Identity:
    """Open a document key with its certificates; SigningError when that cannot be."""
    return place_of(key, passphrase).open()


def certificates_of(key: SigningKey) -> list[x509.Certificate]:
    """The key's certificate, then those above it."""
    found = certificates_in(key.certificate.encode()) + certificates_in(key.chain.encode())
    return [x509.load_der_x509_certificate(der) for der in found]


def authority_folder(certificate: x509.Certificate) -> str:
    """The folder of the authority with that certificate."""
    identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return f"authority-{identifier.value.digest.hex()[:16]}"


def crls() -> list[bytes]:
    """The lists (DER) of the authorities that Kalan made here."""
    return [path.read_bytes() for path in sorted(keystore.root().glob(f"*/{keystore.CRL}"))]


def trusted() -> list[bytes]:
    """The roots (DER) above the document keys of this server, retired and revoked ones too."""
    keys = SigningKey.objects.filter(purpose=SigningKey.Purpose.DOCUMENT).order_by("pk")
    found = [certificates_of(key)[-1] for key in keys]
    return list(dict.fromkeys(one.public_bytes(serialization.Encoding.DER) for one in found))
