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


_ENDS = {
    Act.Status.REVOKED: ActEvent.Kind.REVOKED,
    Act.Status.REPLACED: ActEvent.Kind.REPLACED,
}


def ended(acts: Iterable[Act]) -> dict[int, Ended]:
    """The event that ended each of ``acts``; those that stand are not in it (one query or none)."""
    kinds = {act.pk: _ENDS[Act.Status(act.status)] for act in acts if act.status in _ENDS}
    if not kinds:
        return {}
    found = {}
    events = ActEvent.objects.filter(act__in=kinds, kind__in=_ENDS.values())
    for event in events.select_related("other").order_by("at", "pk"):
        if kinds[event.act_id] == event.kind:
            found[event.act_id] = Ended(event.at, event.reason, event.other)
    return found


def is_pending(act: Act) -> bool:
    """Whether the act has its file but its batch is not in the register as signed yet."""
    return act.batch.state != Batch.State.SIGNED


def document_keys() -> Iterable[SigningKey]:
    """Keys whose certificates signed acts, or may have: whatever their state."""
    return SigningKey.objects.filter(purpose=SigningKey.Purpose.DOCUMENT).order_by("pk")
