"""The signed list of revoked acts that phones carry."""

from __future__ import annotations

import datetime as dt
from hashlib import sha256

from django.conf import settings
from django.core.cache import cache

from kalan.base.errors import Refused
from kalan.credentials.models import SigningKey
from kalan.credentials.selectors import keys
from kalan.credentials.selectors.offline import last_entry, revoked_codes
from kalan.engine.signing import revocation
from kalan.engine.signing.errors import SigningError

# A list as old as this is signed anew though nothing changed: its date says how fresh it is.
FRESH = dt.timedelta(hours=1)


def revocations(*, now: dt.datetime) -> dict[str, str]:
    """The list as it stands, signed by the key of QR codes; Refused when there is none to sign.

    Signed anew when the register has grown, else once an hour: opening the key's file is slow.
    Phones keep the newest list they saw, so a revocation taken back must not bring back the list
    from before it, signed earlier: the codes are the same, the register is not.
    """
    key = keys.active(SigningKey.Purpose.QR)
    if key is None:
        raise Refused("Aucune clé de QR codes n’est en service.", remedy="Utilisez kalan keys.")
    codes = revoked_codes(now=now)
    hour = int(now.timestamp() // FRESH.total_seconds())
    said = f"{settings.KALAN_BASE_URL} {key.kid} {hour} {last_entry()} {codes}"
    state = sha256(said.encode()).hexdigest()
    found: dict[str, str] | None = cache.get(f"revoked:{state}")
    if found is None:
        try:
            private = keys.place_of(key).private()
        except SigningError as error:
            raise Refused(error.message, remedy=error.remedy, code=error.code) from error
        found = revocation.revocation_list(codes, private, issuer=settings.KALAN_BASE_URL, now=now)
        cache.set(f"revoked:{state}", found, FRESH.total_seconds())
    return found
