"""A signed-in session without going through the sign-in pages (those have tests of their own)."""

from __future__ import annotations

import time

from django.test import Client

from kalan.people.models import Account


def sign_in(client: Client, account: Account) -> None:
    """Sign ``account`` in as somebody who has also given their second factor, just now."""
    client.force_login(account)
    session = client.session
    # What django-allauth asks before it lets anybody change second factors.
    session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]
    session["account_authentication_methods_user"] = str(account.pk)
    session.save()
