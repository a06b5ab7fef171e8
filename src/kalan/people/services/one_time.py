"""A code of an authenticator application serves once: to sign in, to confirm, or to sign acts."""

from __future__ import annotations

import datetime as dt

from allauth.mfa import app_settings
from django.db import IntegrityError, transaction

from kalan.people.models import AttemptWindow
from kalan.people.vault import fingerprint


def first_use(*, authenticator: int, code: str, now: dt.datetime) -> bool:
    """Whether ``code`` has not served yet with ``authenticator`` (its key); it has from now on.

    RFC 6238 §5.2. The library forgets a used code after one period; with a tolerance of one period
    on each side it would be good again later. It also skips spaces and signs: so does this. Kept in
    the database: a cache may drop it, and one in memory is each process's own.
    """
    digits = "".join(sign for sign in code if sign.isalnum())
    key = fingerprint("totp.used", f"{authenticator}:{digits}")
    periods = 2 * int(app_settings.TOTP_TOLERANCE) + 1
    until = now + dt.timedelta(seconds=int(app_settings.TOTP_PERIOD) * periods)
    if AttemptWindow.objects.filter(key=key, until__lte=now).update(until=until):
        return True
    try:
        with transaction.atomic():
            AttemptWindow.objects.create(key=key, count=1, until=until)
    except IntegrityError:
        return False
    return True
