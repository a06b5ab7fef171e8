"""The second factor asked at the click, whatever the age of the session.

An application's code (RFC 6238) or a passkey. Recovery codes are for getting back in, not for
signing: they are refused here.
"""

from __future__ import annotations

import datetime as dt
import hmac
from dataclasses import dataclass

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt

from kalan.base.errors import Refused
from kalan.people.models import Account
from kalan.people.services import limits
from kalan.people.services.one_time import first_use

ALLOWED = 5  # wrong codes in a quarter of an hour
FRESH = dt.timedelta(minutes=2)  # between the proof and the order that it serves


@dataclass(frozen=True)
class Factor:
    """A second factor just proved by ``account_id`` at ``at``; ``kind``: "totp" or "webauthn"."""

    account_id: int
    kind: str
    at: dt.datetime

    def holds_for(self, account: Account | None, now: dt.datetime) -> bool:
        return (
            account is not None
            and account.pk == self.account_id
            and dt.timedelta(0) <= now - self.at <= FRESH
        )


def verify_totp(*, account: Account, code: str, now: dt.datetime) -> Factor:
    """Return the proof that ``code`` is the application's code of this moment (one period of
    30 seconds before or after is borne with).

    A code serves once, in whichever process it comes in. Raises Refused (code ``wrong_code``,
    ``wait`` after five wrong ones, ``no_factor`` without an application).
    """
    limited = [limits.limit("acts.totp", account.pk, ALLOWED)]
    limits.check(limited, now=now, what="essais de code")
    typed = "".join(code.split())
    row = Authenticator.objects.filter(user=account, type=Authenticator.Type.TOTP).first()
    if row is None:
        raise Refused(
            "Votre compte n’a pas d’application d’authentification.",
            remedy="Enregistrez-en une dans « Mon compte », ou utilisez votre clé d’accès.",
            field="code",
            code="no_factor",
        )
    if not _is_current(decrypt(row.data["secret"]), typed, now):
        limits.miss(limited, now=now)
        raise _wrong(
            "Ce code n’est pas le bon.",
            "Recopiez le code affiché en ce moment par votre application ; vérifiez que l’heure du "
            "téléphone est juste.",
        )
    # Nor may the code with which somebody has just signed in: whoever saw it typed has it too.
    if not first_use(authenticator=row.pk, code=typed, now=now):
        limits.miss(limited, now=now)
        raise _wrong("Ce code a déjà servi.", "Attendez le code suivant (30 secondes).")
    limits.forgive(limited)
    return Factor(account_id=account.pk, kind="totp", at=now)


def keep_after_refusal(*, account: Account, code: str, refused: Refused, now: dt.datetime) -> None:
    """Keep what a transaction that was rolled back forgot: a wrong code counts, a good one is
    spent although its order was refused."""
    if refused.code == "wrong_code":
        limits.miss([limits.limit("acts.totp", account.pk, ALLOWED)], now=now)
    elif refused.code not in ("wait", "no_factor"):
        row = Authenticator.objects.filter(user=account, type=Authenticator.Type.TOTP).first()
        typed = "".join(code.split())
        if row is not None and _is_current(decrypt(row.data["secret"]), typed, now):
            first_use(authenticator=row.pk, code=typed, now=now)


def _wrong(message: str, remedy: str) -> Refused:
    return Refused(message, remedy=remedy, field="code", code="wrong_code")


def _is_current(secret: str, code: str, now: dt.datetime) -> bool:
    """Whether ``code`` is that of this period, or of one that is borne with."""
    period = int(now.timestamp()) // int(app_settings.TOTP_PERIOD)
    tolerance = max(1, int(app_settings.TOTP_TOLERANCE))
    found = False
    for counter in range(period - tolerance, period + tolerance + 1):
        expected = format_hotp_value(hotp_value(secret, counter))
        if hmac.compare_digest(expected.encode(), code.encode()):
            found = True
    return found
