"""A passkey asked for anew, for one thing and no other (WebAuthn Level 2, §7.2).

Signing in with a passkey is django-allauth's. This is for what asks for a second factor whatever
the age of the session: the challenge says who must answer, for what, and until when. Whose site it
is (origin, relying party) and the signature are python-fido2's to check, with allauth's settings.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from django.core import signing

from kalan.base.errors import Refused
from kalan.people.models import Account
from kalan.people.services.one_time import served, serves_first

logger = logging.getLogger(__name__)

LASTS = dt.timedelta(minutes=2)
_SALT = "kalan.people.passkeys"
_COUNT = "sign_count"  # beside what allauth keeps of the passkey


@dataclass(frozen=True)
class Asked:
    """``options``: for the browser's ``navigator.credentials.get``. ``challenge``: sealed, to be
    sent back with the answer."""

    options: dict[str, Any]
    challenge: str


@dataclass(frozen=True)
class Answered:
    """A right answer that has not served yet."""

    authenticator: int
    challenge: str
    count: int
    until: dt.datetime


def ask(*, account: Account, about: str, now: dt.datetime) -> Asked:
    """Make a challenge that ``account`` can answer for ``about`` within LASTS; nothing is stored.

    To be called in a request: the site is the one that it came to. Raises Refused (``no_factor``)
    without a passkey.
    """
    auth = _library()
    credentials = auth.get_credentials(account)
    if not credentials:
        raise Refused(
            "Votre compte n’a pas de clé d’accès.",
            remedy="Enregistrez-en une dans « Mon compte », ou donnez un code.",
            code="no_factor",
        )
    options, state = auth.get_server().authenticate_begin(
        credentials=credentials, user_verification="required"
    )
    said = {
        "challenge": state["challenge"],
        "account": str(account.uid),
        "about": about,
        "until": (now + LASTS).isoformat(),
    }
    # What the library gives out speaks JSON, with bytes as base64url.
    public = json.loads(json.dumps(dict(options), default=dict))["publicKey"]
    public["timeout"] = int(LASTS.total_seconds() * 1000)
    return Asked({"publicKey": public}, signing.dumps(said, salt=_SALT))


def check(
    *, account: Account, about: str, challenge: str, answer: str, now: dt.datetime
) -> Answered:
    """Return what was answered, once it is right: this account's passkey, to our challenge for
    ``about``, in time, with the person verified (fingerprint, PIN). It is not spent yet.

    Raises Refused: ``wrong_code``; ``late`` when the challenge is too old.
    """
    said = _opened(challenge)
    if said.get("account") != str(account.uid) or said.get("about") != about:
        raise wrong()
    until = dt.datetime.fromisoformat(said["until"])
    if now >= until:
        raise Refused(
            "Votre clé d’accès a répondu trop tard.",
            remedy="Recommencez : elle se donne dans les deux minutes.",
            code="late",
        )
    row, count = _verified(account, said["challenge"], answer)
    if served(_key(said["challenge"]), now=now) or _behind(row, count):
        raise wrong()
    return Answered(row.pk, said["challenge"], count, until)


def spend(answered: Answered, *, now: dt.datetime) -> None:
    """Note that an answer has served, and how far its passkey has counted.

    To be called in the transaction of what it confirms. Raises Refused (``wrong_code``) when it
    has served before, or when the count shows a copy of the passkey (§6.1.1).
    """
    row = Authenticator.objects.select_for_update().filter(pk=answered.authenticator).first()
    first = serves_first(_key(answered.challenge), until=answered.until, now=now)
    if row is None or not first or _behind(row, answered.count):
        raise wrong()
    row.data[_COUNT] = answered.count
    row.last_used_at = now
    row.save(update_fields=["data", "last_used_at"])


def wrong() -> Refused:
    """The one answer to every wrong answer: it says nothing of why."""
    return Refused(
        "Votre clé d’accès n’a pas été reconnue pour cette opération.",
        remedy="Recommencez, ou prenez le code de votre application.",
        code="wrong_code",
    )


def _library() -> Any:
    """Late: with python-fido2 comes a list of ten thousand names, which no command needs."""
    from allauth.mfa.webauthn.internal import auth

    return auth


def _opened(challenge: str) -> dict[str, Any]:
    try:
        said = signing.loads(challenge, salt=_SALT)
    except signing.BadSignature:
        raise wrong() from None
    return said if isinstance(said, dict) else {}


def _key(challenge: str) -> str:
    return f"passkey:{challenge}"


def _behind(row: Authenticator, count: int) -> bool:
    """Whether the passkey has already counted as far: somebody answers with a copy of it. Those
    that do not count (kept by a telephone's maker) always say 0."""
    kept = row.data.get(_COUNT)
    if kept is None:
        kept = row.wrap().authenticator_data.counter
    return bool((kept or count) and count <= kept)


def _verified(account: Account, challenge: str, answer: str) -> tuple[Authenticator, int]:
    """The passkey of ``account`` that answered, and its count."""
    auth = _library()
    state = {"challenge": challenge, "user_verification": "required"}
    credentials = auth.get_credentials(account)
    try:
        response = auth.AuthenticationResponse.from_dict(json.loads(answer))
        if response.response.client_data.cross_origin:
            raise ValueError("asked for inside a page of somebody else")
        bound = auth.get_server().authenticate_complete(state, credentials, response)
        count = int(response.response.authenticator_data.counter)
    except Exception as error:  # python-fido2 raises of any kind on bytes it cannot read
        logger.info("a passkey of account %s was refused: %s", account.pk, error)
        raise wrong() from error
    row = auth.get_authenticator_by_credential_id(account, bound.credential_id)
    if row is None:
        raise wrong()
    return row, count
