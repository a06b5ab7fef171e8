"""A signed-in session without going through the sign-in pages (those have tests of their own)."""

from __future__ import annotations

import time
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from django.utils.crypto import get_random_string

from kalan.people.models import Account
from kalan.people.sessions import SessionStore


def new_session(account: Account) -> Session:
    """A session, not stored, of somebody who has also given their second factor, just now.

    It is what ``Client.force_login`` arrives at with a dozen queries.
    """
    number = str(account.pk)
    held = {
        SESSION_KEY: number,
        BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
        HASH_SESSION_KEY: account.get_session_auth_hash(),
        # What django-allauth asks before it lets anybody change second factors.
        "account_authentication_methods": [{"method": "password", "at": time.time()}],
        "account_authentication_methods_user": number,
    }
    return Session(
        session_key=get_random_string(32),
        session_data=SessionStore().encode(held),
        expire_date=timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE),
    )


def use_session(client: Client, session: Session | None) -> None:
    """Let ``client`` go on with nothing but ``session`` (None: as nobody)."""
    client.cookies.clear()
    if session is not None:
        client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key


def sign_in(client: Client, account: Account) -> None:
    """Sign ``account`` in."""
    session = new_session(account)
    session.save(force_insert=True)
    use_session(client, session)
