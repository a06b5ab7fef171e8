"""What the planning views share."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect

from kalan.base.errors import Refused
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


def posted(request: ActorRequest) -> QueryDict | None:
    """The form as sent, empty or not; None before it is sent."""
    return request.POST if request.method == "POST" else None


def some(number: int, one: str, many: str) -> str:
    """« 0 personne », « 1 personne », « 2 personnes »: the French plural begins at two."""
    return f"{number} {many if number >= 2 else one}"


def attempt(
    request: ActorRequest, said: str, to: str, act: Callable[[], Any], **kwargs: Any
) -> HttpResponse:
    """Run a service that has no form of its own: say what was done, or what was refused.

    What the service does not find in the actor's scope is a page not found.
    """
    try:
        act()
    except ObjectDoesNotExist as error:
        raise Http404 from error
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, said)
    response: HttpResponse = redirect(to, **kwargs)
    return response
