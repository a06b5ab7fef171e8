"""What the check page may know of an act: found by its code or by the hash of its file.

No actor: whoever holds the code or the file may ask, and sees what ``services.verifying`` tells.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from kalan.credentials.models import Act, ActEvent, Batch, SigningKey

# The holder of an act; what the page says of them depends on the act's ``shown``.
_WITH = (
    "agent",
    "batch__node",
    "batch__office__node",
    "batch__run__key",
    "batch__version__template",
)


def _issued() -> QuerySet[Act]:
    """Acts that left: a draft, a planned or a failed one is as unknown as none at all."""
    return Act.objects.filter(state__in=[Act.State.SIGNED, Act.State.VOID]).select_related(*_WITH)


def act_by_code(code: str) -> Act | None:
    """The act of a normalised code ("" finds none), in one query either way."""
    return _issued().filter(code=code or "-").first()


def act_by_hash(sha256: str) -> Act | None:
    """The act whose stored file has this SHA-256 (hexadecimal)."""
    return _issued().filter(sha256=sha256).first()


@dataclass(frozen=True)
class Ended:
    """Why an act no longer holds: the last revocation or replacement."""

    at: dt.datetime
    reason: str
    other: Act | None


def ended(act: Act) -> Ended | None:
    """The event that ended ``act``; None while it stands."""
    kinds = {
        Act.Status.REVOKED: ActEvent.Kind.REVOKED,
        Act.Status.REPLACED: ActEvent.Kind.REPLACED,
    }
    kind = kinds.get(Act.Status(act.status))
    if kind is None:
        return None
    event = (
        ActEvent.objects.filter(act=act, kind=kind)
        .select_related("other")
        .order_by("-at", "-pk")
        .first()
    )
    return Ended(event.at, event.reason, event.other) if event else None


def is_pending(act: Act) -> bool:
    """Whether the act has its file but its batch is not in the register as signed yet."""
    return act.batch.state != Batch.State.SIGNED


def document_keys() -> Iterable[SigningKey]:
    """Keys whose certificates signed acts, or may have: whatever their state."""
    return SigningKey.objects.filter(purpose=SigningKey.Purpose.DOCUMENT).order_by("pk")
