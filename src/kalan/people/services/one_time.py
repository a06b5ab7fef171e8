"""What serves once: a code of an authenticator application (to sign in, to confirm, or to sign
acts), a challenge that a passkey answered.

Kept in the database: a cache may drop it, and one in memory is each process's own.
"""

from __future__ import annotations

import datetime as dt

from allauth.mfa import app_settings
from django.db import IntegrityError, transaction

from kalan.people.models import AttemptWindow
from kalan.people.vault import fingerprint


def first_use(*, authenticator: int, code: str, now: dt.datetime) -> bool:
    """Whether ``code`` has not served yet with ``authenticator`` (its key); it has from now on.

    RFC 6238 §5.2. The library forgets a used code after one period; with a tolerance of one period
    on each side it would be good again later. It also skips spaces and signs: so does this.
    """
    periods = 2 * int(app_settings.TOTP_TOLERANCE) + 1
    until = now + dt.timedelta(seconds=int(app_settings.TOTP_PERIOD) * periods)
    return serves_first(code_key(authenticator, code), until=until, now=now)


def code_key(authenticator: int, code: str) -> str:
    """What stands for a code of that authenticator in ``served``."""
    return f"{authenticator}:{''.join(sign for sign in code if sign.isalnum())}"


def serves_first(what: str, *, until: dt.datetime, now: dt.datetime) -> bool:
    """Whether ``what`` has not served yet; it has from now on, and is remembered to ``until``."""
    key = _key(what)
    if AttemptWindow.objects.filter(key=key, until__lte=now).update(until=until):
        return True
    try:
        with transaction.atomic():
            AttemptWindow.objects.create(key=key, count=1, until=until)
    except IntegrityError:
        return False
    return True


def served(what: str, *, now: dt.datetime) -> bool:
    """Whether ``what`` has served, without using it."""
    return AttemptWindow.objects.filter(key=_key(what), until__gt=now).exists()


def _key(what: str) -> str:
    return fingerprint("totp.used", what)
