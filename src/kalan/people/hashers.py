"""Argon2id at OWASP's minimum: 19 MiB, t = 2, p = 1."""

from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher


class OwaspArgon2Hasher(Argon2PasswordHasher):
    """OWASP Password Storage Cheat Sheet, Argon2id: m = 19456 KiB, t = 2, p = 1."""

    time_cost = 2
    memory_cost = 19456
    parallelism = 1
