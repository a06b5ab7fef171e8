"""A signed-in session without going through the sign-in pages (those have tests of their own)."""

from __future__ import annotations

from django.test import Client

from kalan.people.models import Account


def sign_in(client: Client, account: Account) -> None:
    """Sign ``account`` in as somebody who has also given their second factor."""
    client.force_login(account)
