"""A session's row for writing, once it is in scope."""

from __future__ import annotations

from kalan.people.actor import Actor
from kalan.training.models import Session
from kalan.training.selectors.sessions import sessions_visible_to


def locked(actor: Actor, capability: str, session: Session) -> Session:
    """The session, locked until the end of the transaction, if ``actor`` has ``capability`` there;
    else Session.DoesNotExist, shown as 404."""
    visible = sessions_visible_to(actor, capability)
    return visible.select_for_update(of=("self",)).get(pk=session.pk)
