"""The second factor asked for when acts are signed or ended, whatever the age of the session.

An application's code (RFC 6238) or a passkey (WebAuthn). Recovery codes are for getting back in,
not for signing: they are refused here.
"""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt
from django.db import transaction

from kalan.base.errors import Refused
from kalan.credentials import policy
from kalan.people.actor import Actor
from kalan.people.models import Account
from kalan.people.services import limits, passkeys
from kalan.people.services.one_time import code_key, first_use, served

ALLOWED = 5  # wrong answers in a quarter of an hour, codes and passkeys together
FRESH = dt.timedelta(minutes=2)  # between the proof and the order that it serves

T = TypeVar("T")


@dataclass(frozen=True)
class Given:
    """What the page sent: a ``code``, or a passkey's ``answer`` (JSON) to ``challenge``."""

    code: str = ""
    challenge: str = ""
    answer: str = ""


@dataclass(frozen=True)
class Ways:
    """With what a person can confirm."""

    code: bool
    passkey: bool


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


@dataclass(frozen=True)
class _Right:
    """A right answer that has not served yet."""

    account: Account
    answered: passkeys.Answered | None = None
    app: int = 0
    code: str = ""

    def spend(self, now: dt.datetime) -> Factor:
        """Use it up, in the transaction of what it confirms."""
        if self.answered is not None:
            passkeys.spend(self.answered, now=now)
            return Factor(self.account.pk, "webauthn", now)
        # Nor may the code with which somebody has just signed in: whoever saw it has it too.
        if not first_use(authenticator=self.app, code=self.code, now=now):
            raise _used()
        return Factor(self.account.pk, "totp", now)


def asked_of(actor: Actor) -> bool:
    """Whether who signs or administers, and so must have a second factor, gives it anew."""
    return actor.account is not None and actor.can(policy.FACTOR_ROLES)


def ways_of(actor: Actor) -> Ways:
    """With what ``actor`` can confirm (one query)."""
    kinds = set(Authenticator.objects.filter(user=actor.account).values_list("type", flat=True))
    return Ways(Authenticator.Type.TOTP in kinds, Authenticator.Type.WEBAUTHN in kinds)


def confirmed(
    *,
    account: Account,
    given: Given,
    about: str,
    now: dt.datetime,
    ready: Callable[[], Callable[[Factor], T]],
    done: Callable[[], T | None],
) -> T:
    """Do something once, on a second factor given for it.

    ``about``: what a passkey's challenge must have been made for. ``ready`` is called when the
    answer is right, outside any transaction: it looks at whatever is slow and returns what is to
    be done; that and the use of the answer are one transaction. ``done``: what this very page has
    led to, for a twin that comes in meanwhile. Raises Refused (``wrong_code``, ``late``; ``wait``
    after five wrong ones; ``no_factor``) and whatever ``ready`` and its work refuse: an answer
    that was right has served all the same, one that was wrong counts.
    """
    limited = [limits.limit("acts.factor", account.pk, ALLOWED)]
    right = None
    try:
        limits.check(limited, now=now)
        right = _right(account, given, about, now)
        work = ready()
        with transaction.atomic():
            made = work(right.spend(now))
            limits.forgive(limited)
            return made
    except Refused as refused:
        found = done()
        if found is not None:
            return found
        if right is not None:
            with suppress(Refused), transaction.atomic():
                right.spend(now)
        if refused.code in ("wrong_code", "wrong_passphrase"):
            limits.miss(limited, now=now)
        raise


def when_asked(
    actor: Actor,
    given: Given | None,
    *,
    about: str,
    now: dt.datetime,
    work: Callable[[Factor | None], T],
    done: Callable[[], T | None],
) -> T:
    """Do ``work``: at once, or, for who signs or administers, ``confirmed`` by what they ``given``
    (nothing: as a wrong code)."""
    if actor.account is None or not asked_of(actor):
        return work(None)
    return done() or confirmed(
        account=actor.account,
        given=given or Given(),
        about=about,
        now=now,
        ready=lambda: work,
        done=done,
    )


def noted(factor: Factor | None) -> dict[str, str]:
    """For the history: with what something was confirmed."""
    return {"factor": factor.kind} if factor else {}


def _right(account: Account, given: Given, about: str, now: dt.datetime) -> _Right:
    if given.answer:
        answered = passkeys.check(
            account=account, about=about, challenge=given.challenge, answer=given.answer, now=now
        )
        return _Right(account, answered=answered)
    row = Authenticator.objects.filter(user=account, type=Authenticator.Type.TOTP).first()
    if row is None:
        raise Refused(
            "Votre compte n’a pas d’application d’authentification.",
            remedy="Enregistrez-en une dans « Mon compte », ou utilisez votre clé d’accès.",
            field="code",
            code="no_factor",
        )
    typed = "".join(given.code.split())
    if not _is_current(decrypt(row.data["secret"]), typed, now):
        raise _wrong(
            "Ce code n’est pas le bon.",
            "Recopiez le code affiché en ce moment par votre application ; vérifiez que l’heure du "
            "téléphone est juste.",
        )
    if served(code_key(row.pk, typed), now=now):
        raise _used()
    return _Right(account, app=row.pk, code=typed)


def _used() -> Refused:
    return _wrong("Ce code a déjà servi.", "Attendez le code suivant (30 secondes).")


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
