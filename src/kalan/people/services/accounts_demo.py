"""The demonstration's second factor: one known secret, worth nothing outside demo mode."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.conf import settings

from kalan.base.errors import Refused
from kalan.people.models import Account
from kalan.people.vault import seal

# Base32 (RFC 4648), printed by script/serve. Demo accounts are refused outside demo mode.
DEMO_TOTP_SECRET = "KALANDEMOKALANDEMOKALANDEMO23456"  # noqa: S105 - public on purpose
DEMO_PASSWORD = "kalan-demo"  # noqa: S105 - public on purpose


def enrol_demo_totp(*, account: Account) -> None:
    """Give a demo account the authenticator with the fixed secret. Idempotent."""
    if not (settings.KALAN_DEMO and account.is_demo):
        raise Refused("Le secret de démonstration ne sert qu’aux comptes de démonstration.")
    Authenticator.objects.get_or_create(
        user=account,
        type=Authenticator.Type.TOTP,
        defaults={"data": {"secret": seal(DEMO_TOTP_SECRET)}},
    )
