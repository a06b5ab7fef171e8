"""Sending a failed message again; the wording of messages."""

from __future__ import annotations

import datetime as dt

from kalan.base.errors import Refused
from kalan.base.models import Message
from kalan.base.notifications import outbox, templates
from kalan.people.actor import Actor
from kalan.training import policy
from kalan.training.selectors.messages import messages_visible_to
from kalan.training.services.history import act


@act
def resend_message(*, actor: Actor, now: dt.datetime, message: Message) -> None:
    """Try a failed message again."""
    row = messages_visible_to(actor, "messages.resend").get(pk=message.pk)
    outbox.resend(message=row, now=now)


@act
def save_wording(
    *, actor: Actor, now: dt.datetime, code: str, channel: str, subject: str, body: str
) -> None:
    """Change the wording of a message for this installation."""
    _require(actor)
    templates.save_wording(
        code=code, channel=channel, subject=subject, body=body, by=actor.account, now=now
    )


@act
def reset_wording(*, actor: Actor, now: dt.datetime, code: str, channel: str) -> None:
    """Go back to the country pack's wording."""
    _require(actor)
    templates.reset_wording(code=code, channel=channel)


def _require(actor: Actor) -> None:
    if not actor.can(policy.CAPABILITIES["messages.templates"]):
        raise Refused("Votre rôle ne permet pas de changer les messages.", code="forbidden")
