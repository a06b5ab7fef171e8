"""Where keys lie under KALAN_HOME/keys, and how a passphrase is kept sealed on this server.

keys/<uid>/key.p8            the private key, encrypted (PKCS#8)
keys/<uid>/key.pass          its passphrase, sealed: only where the server may sign on its own
keys/<uid>/revoked           when and why it was revoked: a backup from before does not undo it
keys/authority-<kid>/…       the same for an authority that Kalan made, with its list (crl.der)
keys/server.seal             half of what opens every ``.pass``; the other half is SECRET_KEY

A backup takes the encrypted keys and never ``.pass`` nor ``server.seal`` (`travels`): whoever
steals one, database and secret key included, still lacks the passphrase.
"""

from __future__ import annotations

import base64
import datetime as dt
import secrets
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from kalan.engine.signing import keyfiles
from kalan.engine.signing.errors import SigningError
from kalan.engine.signing.keys import certificates_in

KEY, PASS, CRL, SEAL = "key.p8", "key.pass", "crl.der", "server.seal"
REVOKED = "revoked"


def root() -> Path:
    return Path(settings.KALAN_HOME) / "keys"


def travels(name: str) -> bool:
    """Whether a file of the folder goes into a backup."""
    last = name.rsplit("/", 1)[-1]
    return not last.endswith((".pass", ".seal")) and not last.startswith(".")


def travelling(name: str) -> Iterator[tuple[str, Path]]:
    """The files that a backup takes, as (name in the archive, path): encrypted keys and lists.

    A private key in the clear stays behind; `bare_files` tells of it.
    """
    for path in sorted(root().rglob("*")):
        place = path.relative_to(root()).as_posix()
        if path.is_file() and travels(place) and not keyfiles.is_bare(path.read_bytes()):
            yield f"{name}/{place}", path


def put_back(folder: Path) -> None:
    """Put the keys of a backup in their place. Those made since stay: no key is ever lost so; nor
    is a list of revoked certificates that is newer than the backup's."""
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if path.is_file() and travels(place.as_posix()) and not _newer(root() / place, path):
            keyfiles.write(root() / place, path.read_bytes())


def _newer(here: Path, saved: Path) -> bool:
    if here.name != CRL or not here.is_file():
        return False
    try:
        ours, theirs = (x509.load_der_x509_crl(path.read_bytes()) for path in (here, saved))
    except ValueError:
        return False
    return ours.last_update_utc > theirs.last_update_utc


def note_revoked(folder: str, *, at: dt.datetime, reason: str) -> None:
    """Leave word beside a key that it was revoked."""
    keyfiles.write(root() / folder / REVOKED, f"{at.isoformat()} {reason}".encode())


def revoked(folder: str) -> tuple[dt.datetime, str] | None:
    """When and why the key of that folder was revoked, or None."""
    path = root() / folder / REVOKED
    if not folder or not path.is_file():
        return None
    at, _, reason = path.read_text().partition(" ")
    return dt.datetime.fromisoformat(at), reason


def stamping_roots() -> list[bytes]:
    """Certificates (DER) of who answers for time-stamps: KALAN_HOME/tsa/*.pem.

    Not under keys/: who is found there may sign acts, and a provider certifies anybody.
    """
    paths = sorted((Path(settings.KALAN_HOME) / "tsa").glob("*.pem"))
    return [der for path in paths for der in certificates_in(path.read_bytes())]


def stamping_lists() -> list[bytes]:
    """Revocation lists (DER) of the time-stamping authority: KALAN_HOME/tsa/*.crl."""
    paths = sorted((Path(settings.KALAN_HOME) / "tsa").glob("*.crl"))
    return [path.read_bytes() for path in paths]


def _box() -> Fernet:
    local = keyfiles.write_once(root() / SEAL, secrets.token_bytes(32))
    made = HKDF(hashes.SHA256(), 32, salt=local, info=b"kalan passphrase of a key")
    return Fernet(base64.urlsafe_b64encode(made.derive(settings.SECRET_KEY.encode())))


def seal(passphrase: str) -> str:
    """Return a passphrase that only this server can read again, not the reader of a backup."""
    return _box().encrypt(passphrase.encode()).decode()


def unseal(token: str) -> str:
    """Return what was sealed; SigningError when this server cannot."""
    try:
        return _box().decrypt(token.encode()).decode()
    except InvalidToken:
        raise SigningError(
            "passphrase_needed",
            "La phrase secrète gardée sur ce serveur ne se lit plus.",
            "Donnez-la de nouveau : kalan keys unlock.",
        ) from None


def sealed_passphrase(folder: str) -> str | None:
    """Return the passphrase kept for the key of that folder, or None."""
    path = root() / folder / PASS
    return unseal(path.read_text()) if folder and path.is_file() else None


def keep_passphrase(folder: str, passphrase: str) -> None:
    """Seal a passphrase beside its key, for the server to sign on its own."""
    keyfiles.write(root() / folder / PASS, seal(passphrase).encode())


def bare_files() -> list[str]:
    """Names of files under keys/ that hold a private key in the clear."""
    files = sorted(path for path in root().rglob("*") if path.is_file())
    return [
        path.relative_to(root()).as_posix() for path in files if keyfiles.is_bare(path.read_bytes())
    ]


def open_to_others() -> list[str]:
    """Names of files and folders under keys/ that others on this machine may read."""
    places = sorted(root().rglob("*")) if root().exists() else []
    return [
        path.relative_to(root()).as_posix() or "."
        for path in ([root()] if root().exists() else []) + places
        if path.stat().st_mode & 0o077
    ]
