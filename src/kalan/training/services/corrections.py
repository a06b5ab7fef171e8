"""After validation, every change needs a reason and leaves a row that is never edited."""

from __future__ import annotations

import datetime as dt
from typing import Any

from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.training.models import Correction, Session
from kalan.training.selectors.sessions import sessions_visible_to


def require_changeable(
    *, actor: Actor, now: dt.datetime, session: Session, change: dict[str, Any], reason: str = ""
) -> Correction | None:
    """Let a change through; on a validated session, log it with its ``reason``.

    ``change`` is a JSON object that says what changes, e.g. ``{"what": "trainer", …}``. Call it
    inside the transaction of the change. Refuses on a cancelled session, on a validated session
    without reason, and to whoever may not correct.
    """
    if session.state == Session.State.CANCELLED:
        raise Refused("Cette session est annulée : elle ne se modifie plus.", code="cancelled")
    if session.state != Session.State.VALIDATED:
        return None
    if not sessions_visible_to(actor, "sessions.correct").filter(pk=session.pk).exists():
        raise Refused(
            "Cette session est validée : elle ne se modifie plus.",
            remedy="Demandez une correction au responsable régional.",
            code="validated",
        )
    if not reason.strip():
        raise Refused(
            "Cette session est validée : une correction demande un motif.",
            field="reason",
            remedy="Écrivez pourquoi vous corrigez.",
            code="reason",
        )
    return Correction.objects.create(
        session=session, at=now, by=actor.account, reason=reason.strip()[:300], change=change
    )
