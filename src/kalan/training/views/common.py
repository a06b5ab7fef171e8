"""What the planning views share."""

from __future__ import annotations

import uuid

from django.shortcuts import get_object_or_404

from kalan.people.http import ActorRequest
from kalan.training.models import Programme, Session
from kalan.training.selectors.programmes import programmes_visible_to
from kalan.training.selectors.sessions import sessions_visible_to

RELATED = ("theme", "programme__node", "node", "organiser", "parent", "closed_by", "validated_by")


def session_or_404(
    request: ActorRequest, uid: uuid.UUID, capability: str = "sessions.view"
) -> Session:
    rows = sessions_visible_to(request.actor, capability).select_related(*RELATED)
    return get_object_or_404(rows, uid=uid)


def programme_or_404(
    request: ActorRequest, uid: uuid.UUID, capability: str = "programmes.view"
) -> Programme:
    rows = programmes_visible_to(request.actor, capability).select_related("node")
    return get_object_or_404(rows, uid=uid)
