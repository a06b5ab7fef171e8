"""Opening the key of a click: tried before anything is numbered."""

from __future__ import annotations

import datetime as dt

from kalan.base.errors import Refused
from kalan.credentials.models import SigningKey


def try_key(key: SigningKey, *, passphrase: str | None, now: dt.datetime) -> None:
    """Raise Refused when ``key`` cannot sign now: out of date, wrong passphrase, no token."""
    if key.unlock == SigningKey.Unlock.ASKED and not passphrase:
        raise Refused(
            "La phrase secrète de la clé manque.", field="passphrase", code="passphrase_needed"
        )
