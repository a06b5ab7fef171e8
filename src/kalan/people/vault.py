"""Secrets at rest: sealed when Kalan must read them again, an HMAC when it must only compare.

Both hang on SECRET_KEY: changing it ends every second factor and every printed slip.
"""

from __future__ import annotations

import base64
from functools import lru_cache

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.crypto import salted_hmac


@lru_cache(maxsize=2)
def _box(secret: str) -> Fernet:
    derived = HKDF(
        algorithm=hashes.SHA256(), length=32, salt=None, info=b"kalan second factor"
    ).derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(derived))


def seal(text: str) -> str:
    """Return ``text`` encrypted and authenticated (Fernet)."""
    return _box(settings.SECRET_KEY).encrypt(text.encode()).decode()


def unseal(token: str) -> str:
    """Return what was sealed; raises cryptography.fernet.InvalidToken for anything else."""
    return _box(settings.SECRET_KEY).decrypt(token.encode()).decode()


def fingerprint(purpose: str, value: str) -> str:
    """Return the HMAC-SHA-256 of ``value`` in hexadecimal, of no use for another purpose."""
    return salted_hmac(f"kalan.{purpose}", value, algorithm="sha256").hexdigest()
