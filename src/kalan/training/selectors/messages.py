"""Messages about sessions, scoped as the sessions are."""

from __future__ import annotations

from django.db.models import QuerySet

from kalan.base.models import Message
from kalan.people.actor import Actor
from kalan.training.selectors.sessions import sessions_visible_to


def messages_visible_to(actor: Actor, capability: str = "messages.view") -> QuerySet[Message]:
    """Messages of this room about the sessions in scope."""
    return Message.objects.filter(
        subject_ref__startswith="training.session:",
        subject_id__in=sessions_visible_to(actor, capability).values("pk"),
    )
