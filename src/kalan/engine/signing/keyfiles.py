"""Key files: PKCS#8 under a passphrase, written whole or not at all, for their owner alone.

A private key is never on disk in the clear, not for an instant.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import secrets
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from kalan.engine.signing import der
from kalan.engine.signing.errors import SigningError

# OWASP Password Storage Cheat Sheet, 2023: PBKDF2-HMAC-SHA256, 600 000 rounds. Every openssl reads
# it, so the ministry is not tied to Kalan for its own key; 0.2 s for each opening.
ROUNDS = 600_000
# For a passphrase that was itself derived with ROUNDS: stretching it again guards nothing.
DERIVED_ROUNDS = 1_000
SHORTEST = 12  # characters of a passphrase
_PEM_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_PBES2, _PBKDF2 = "1.2.840.113549.1.5.13", "1.2.840.113549.1.5.12"
_HMAC_SHA256, _AES256_CBC = "1.2.840.113549.2.9", "2.16.840.1.101.3.4.1.42"


def refuse_weak(passphrase: str) -> None:
    """SigningError unless the passphrase is long enough to guard a key in a backup."""
    if len(passphrase) < SHORTEST or len(set(passphrase)) < 5:
        raise SigningError(
            "weak_passphrase",
            f"La phrase secrète doit compter au moins {SHORTEST} caractères variés.",
            "Prenez quatre ou cinq mots au hasard, par exemple.",
        )


def seal(private: Any, passphrase: str, *, derived: bool = False) -> bytes:
    """Return the key as PKCS#8 (DER), encrypted: PBES2, PBKDF2, AES-256-CBC (RFC 8018).

    ``derived``: the passphrase is no person's, but 256 bits derived from one with ROUNDS.
    """
    refuse_weak(passphrase)
    rounds = DERIVED_ROUNDS if derived else ROUNDS
    plain = private.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    salt, start = secrets.token_bytes(16), secrets.token_bytes(16)
    secret = PBKDF2HMAC(hashes.SHA256(), 32, salt, rounds).derive(passphrase.encode())
    short = 16 - len(plain) % 16
    box = Cipher(algorithms.AES(secret), modes.CBC(start)).encryptor()
    sealed = box.update(plain + bytes([short]) * short) + box.finalize()
    return der.tlv(0x30, _scheme(salt, start, rounds), der.tlv(der.OCTETS, sealed))


def _scheme(salt: bytes, start: bytes, count: int) -> bytes:
    prf = der.tlv(0x30, der.oid(_HMAC_SHA256), der.NULL)
    rounds = der.tlv(0x30, der.tlv(der.OCTETS, salt), der.integer(count), prf)
    return der.tlv(
        0x30,
        der.oid(_PBES2),
        der.tlv(
            0x30,
            der.tlv(0x30, der.oid(_PBKDF2), rounds),
            der.tlv(0x30, der.oid(_AES256_CBC), der.tlv(der.OCTETS, start)),
        ),
    )


def is_bare(raw: bytes) -> bool:
    """Whether a file holds a private key in the clear (PEM, PKCS#8, PKCS#1 or SEC 1)."""
    if b"PRIVATE KEY-----" in raw:
        return raw.count(b"BEGIN ENCRYPTED PRIVATE KEY") < len(_PEM_KEY.findall(raw))
    try:
        return der.children(raw)[0] in (der.integer(0), der.integer(1))
    except (ValueError, IndexError):
        return False


def write(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read: whole, on the disk, or not there at all."""
    make_folder(path.parent)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise SigningError(
            "not_written",
            f"Le fichier {path} n’a pas pu être écrit ({error.strerror}).",
            "Vérifiez la place sur le disque et les droits du dossier ; rien n’a été gardé.",
        ) from error


def write_once(path: Path, content: bytes) -> bytes:
    """Write a file unless it is there; return what it then holds. Several processes may try."""
    if not path.exists():
        mine = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        write(mine, content)
        with contextlib.suppress(FileExistsError):
            os.link(mine, path)
        mine.unlink()
    return path.read_bytes()


def derived(passphrase: str, purpose: bytes) -> str:
    """Return a passphrase of its own for one key, from which the first cannot be told."""
    made = PBKDF2HMAC(hashes.SHA256(), 32, b"kalan key " + purpose, ROUNDS)
    return base64.urlsafe_b64encode(made.derive(passphrase.encode())).decode()


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner may enter; those above keep their rights."""
    if not folder.parent.exists():
        make_folder(folder.parent)
    if not folder.exists():
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)  # whatever the umask adds or takes


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
