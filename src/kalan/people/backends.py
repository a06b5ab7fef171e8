"""How Django checks a password and reloads the signed-in account."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import BaseBackend
from django.db.models import Q
from django.http import HttpRequest

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.people.models import Account


def may_sign_in() -> Q:
    """Active accounts; those of the demonstration only in demo mode."""
    return Q(is_active=True) if settings.KALAN_DEMO else Q(is_active=True, is_demo=False)


class AccountBackend(BaseBackend):
    """E-mail, matricule or verified phone, with the limits on failed attempts."""

    def authenticate(
        self, request: HttpRequest | None, identifier: str = "", password: str = "", **_: Any
    ) -> Account | None:
        """Return the account when exactly one matches (the sign-in page asks otherwise)."""
        # The service stands above this file, which Django loads by its name.
        from kalan.people.services.accounts_signin import accounts_matching

        try:
            found = accounts_matching(
                identifier=identifier,
                password=password,
                address=request.META.get("REMOTE_ADDR", "") if request else "",
                now=clock.now(),
            )
        except Refused:
            return None
        return found[0] if len(found) == 1 else None

    def get_user(self, user_id: int) -> Account | None:
        """Return the account of a session: deactivation ends it at the next request."""
        return Account.objects.filter(may_sign_in(), pk=user_id).first()
