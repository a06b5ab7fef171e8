"""What the pages that check without a network need: public keys, codes of revoked acts.

No actor: all of it is published.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import cast

from cryptography.hazmat.primitives.serialization import load_pem_public_key

from kalan.credentials.models import Act, RegisterEntry, SigningKey
from kalan.engine.signing.published import Public

# An act that ended so long ago is refused for its date: the list need not carry it on.
FORGOTTEN = dt.timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Published:
    """A key of QR codes or badges as others see it (``engine.signing.published``)."""

    public: Public
    since: dt.date | None
    until: dt.date | None
    revoked: bool


def published_keys() -> list[Published]:
    """Keys of QR codes and of badges, the one in service first; retired ones stay."""
    found = SigningKey.objects.filter(
        purpose__in=[SigningKey.Purpose.QR, SigningKey.Purpose.BADGE]
    ).order_by("state", "-created_at", "-pk")
    return [_published(key) for key in found]


def _published(key: SigningKey) -> Published:
    ends = key.ended_at if key.state == SigningKey.State.RETIRED else key.not_after
    return Published(
        public=cast(Public, load_pem_public_key(key.public_key.encode())),
        since=key.not_before.astimezone(dt.UTC).date() if key.not_before else None,
        until=ends.astimezone(dt.UTC).date() if ends else None,
        revoked=key.state == SigningKey.State.REVOKED,
    )


def last_entry() -> int:
    """The number of the last entry of the register; 0 before the first."""
    rows = RegisterEntry.objects.order_by("-seq").values_list("seq", flat=True)
    return rows.first() or 0


def revoked_codes(*, now: dt.datetime) -> list[str]:
    """Codes of acts that were revoked or replaced and whose date has not long passed."""
    found = (
        Act.objects.filter(status__in=[Act.Status.REVOKED, Act.Status.REPLACED])
        .exclude(valid_until__lt=now.date() - FORGOTTEN)
        .exclude(code=None)
        .order_by("code")
        .values_list("code", flat=True)
    )
    return [code for code in found if code]
