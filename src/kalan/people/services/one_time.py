"""A code of an authenticator application serves once: to sign in, to confirm, or to sign acts."""

from __future__ import annotations

from allauth.mfa import app_settings
from django.core.cache import cache


def first_use(*, authenticator: int, code: str) -> bool:
    """Whether ``code`` has not served yet with ``authenticator`` (its key); it has from now on.

    RFC 6238 §5.2. The library forgets a used code after one period; with a tolerance of one period
    on each side it would be good again later. It also skips spaces and signs: so does this.
    """
    digits = "".join(sign for sign in code if sign.isalnum())
    span = app_settings.TOTP_PERIOD * (2 * app_settings.TOTP_TOLERANCE + 1)
    return bool(cache.add(f"kalan.totp.used:{authenticator}:{digits}", 1, timeout=span))
