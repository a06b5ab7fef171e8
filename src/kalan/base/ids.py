"""Identifiers: time-ordered UUIDv7 (RFC 9562 §5.7) for facts, random codes for people to type."""

from __future__ import annotations

import secrets
import uuid

import uuid_utils

# No 0/O, 1/I/L: the code is read from paper and typed on a phone.
CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def uuid7() -> uuid.UUID:
    """Return a new UUIDv7 as the standard library's type."""
    return uuid.UUID(bytes=uuid_utils.uuid7().bytes)


def random_code(length: int = 10) -> str:
    """Return ``length`` characters drawn uniformly from CODE_ALPHABET (4.95 bits each)."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(length))
