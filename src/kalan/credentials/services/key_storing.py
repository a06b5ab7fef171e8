"""A key's folder and its row, written together; the folder of an authority that Kalan made.

Files first, the row last: what is written here goes away again when the row cannot be had
(`new_folders`).
"""

from __future__ import annotations

import datetime as dt
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from kalan.base.errors import Refused
from kalan.base.ids import uuid7
from kalan.credentials import keystore
from kalan.credentials.models import SigningKey
from kalan.credentials.selectors import keys as selectors
from kalan.engine.signing import authority as authorities
from kalan.engine.signing import keyfiles
from kalan.engine.signing import keys as engine
from kalan.engine.signing.keys import Identity, SoftwareKey

CRL_DAYS = 400  # a list is made anew at each change; the authority's key is asked for then only


@dataclass(frozen=True)
class TokenPlace:
    """Where a key lies that stays in its token."""

    module: str
    token: str
    label: str = ""


@contextmanager
def new_folders() -> Iterator[list[Path]]:
    """Remove the folders made meanwhile unless all went well."""
    made: list[Path] = []
    try:
        yield made
    except BaseException:
        for folder in made:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def keep_document_key(
    identity: Identity,
    *,
    now: dt.datetime,
    made: list[Path],
    passphrase: str,
    unlock: str,
    name: str,
    level: str,
    token: TokenPlace | None = None,
) -> SigningKey:
    """Write a document key's file (unless it stays in its token), then its row."""
    if identity.key.kind not in (engine.RSA, engine.P256):
        raise Refused(
            "Cette clé ne peut pas signer de documents ici.", remedy="Il faut RSA ou P-256."
        )
    uid = uuid7()
    folder = _folder(uid, made)
    if token is None:
        assert isinstance(identity.key, SoftwareKey)
        _write_key(folder, identity.key.private, passphrase)
    if unlock == SigningKey.Unlock.SERVER:
        keystore.keep_passphrase(folder, passphrase)
    return SigningKey.objects.create(
        uid=uid,
        name=name,
        purpose=SigningKey.Purpose.DOCUMENT,
        level=level,
        unlock=unlock,
        folder=folder,
        created_at=now,
        **_certified(identity),
        **_place(token),
    )


def _certified(identity: Identity) -> dict[str, Any]:
    """Columns that tell the public half of a key and what certifies it."""
    certificate = x509.load_der_x509_certificate(identity.certificate)
    return {
        "algorithm": identity.key.kind,
        "kid": engine.kid_of(identity.key.public),
        "public_key": _public_pem(identity.key.public),
        "certificate": _pem(identity.certificate),
        "chain": "".join(map(_pem, identity.chain)),
        "not_before": certificate.not_valid_before_utc,
        "not_after": certificate.not_valid_after_utc,
    }


def _place(token: TokenPlace | None) -> dict[str, str]:
    """Columns that tell where the private half lies."""
    if token is None:
        return {"kind": SigningKey.Kind.FILE}
    return {
        "kind": SigningKey.Kind.TOKEN,
        "token_module": token.module,
        "token_label": token.token,
        "token_key": token.label,
    }


def keep_bare_key(
    purpose: SigningKey.Purpose,
    kind: str,
    name: str,
    typed: str,
    now: dt.datetime,
    made: list[Path],
) -> SigningKey:
    """Make a key without certificate, which the server uses on its own."""
    private = authorities.new_key(kind)
    public = private.public_key()
    key = SigningKey(
        uid=uuid7(),
        name=name,
        purpose=purpose,
        algorithm=kind,
        kid=engine.kid_of(public),
        public_key=_public_pem(public),
        created_at=now,
    )
    key.folder = _folder(key.uid, made)
    passphrase = selectors.file_passphrase(key, typed)
    _write_key(key.folder, private, passphrase, derived=True)
    keystore.keep_passphrase(key.folder, passphrase)
    key.save()
    return key


def _folder(uid: uuid.UUID, made: list[Path]) -> str:
    folder = keystore.root() / str(uid)
    made.append(folder)
    keyfiles.make_folder(folder)
    return folder.name


def _write_key(folder: str, private: Any, passphrase: str, *, derived: bool = False) -> None:
    sealed = keyfiles.seal(private, passphrase, derived=derived)
    keyfiles.write(keystore.root() / folder / keystore.KEY, sealed)


def keep_authority(above: Identity, passphrase: str, now: dt.datetime, made: list[Path]) -> None:
    """Write an authority that Kalan made: its sealed key, its certificate and a first list."""
    certificate = x509.load_der_x509_certificate(above.certificate)
    folder = selectors.authority_folder(certificate)
    made.append(keystore.root() / folder)
    assert isinstance(above.key, SoftwareKey)
    _write_key(folder, above.key.private, passphrase)
    keyfiles.write(keystore.root() / folder / "certificate.pem", _pem(above.certificate).encode())
    write_crl(above, folder, now)


def authority_of(key: SigningKey, passphrase: str) -> tuple[Identity, str]:
    """Open the authority that issued a key; Refused when Kalan does not hold it."""
    issuer = selectors.certificates_of(key)[-1]
    folder = selectors.authority_folder(issuer)
    path = keystore.root() / folder / keystore.KEY
    if not path.is_file():
        raise Refused(
            "Kalan ne tient pas l’autorité qui a émis ce certificat.",
            remedy="Demandez-le à cette autorité, puis\u00a0: kalan keys import … --replaces.",
        )
    der = issuer.public_bytes(serialization.Encoding.DER)
    return engine.open_pkcs8(path.read_bytes(), passphrase, der), folder


def write_crl(above: Identity, folder: str, now: dt.datetime) -> None:
    """Write the authority's list anew from the keys that are revoked."""
    own = x509.load_der_x509_certificate(above.certificate)
    revoked = []
    for key in SigningKey.objects.filter(
        state=SigningKey.State.REVOKED, purpose=SigningKey.Purpose.DOCUMENT
    ):
        leaf = selectors.certificates_of(key)[0]
        if leaf.issuer == own.subject and key.ended_at:
            revoked.append(authorities.Revoked(leaf.serial_number, key.ended_at))
    made = authorities.crl(above, revoked, number=int(now.timestamp()), now=now, days=CRL_DAYS)
    keyfiles.write(keystore.root() / folder / keystore.CRL, made)


def _pem(der: bytes) -> str:
    found = x509.load_der_x509_certificate(der)
    return found.public_bytes(serialization.Encoding.PEM).decode()


def _public_pem(public: Any) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return str(public.public_bytes(serialization.Encoding.PEM, form).decode())
