"""What the views of the room share."""

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
from kalan.skills.models import Framework, Item, ItemBank
from kalan.skills.selectors.frameworks import frameworks_visible_to
from kalan.skills.selectors.items import banks_visible_to, items_visible_to


def posted(request: ActorRequest) -> QueryDict | None:
    """The form as sent, empty or not; None before it is sent."""
    return request.POST if request.method == "POST" else None


def framework_or_404(
    request: ActorRequest, uid: uuid.UUID, capability: str = "frameworks.view"
) -> Framework:
    return get_object_or_404(frameworks_visible_to(request.actor, capability), uid=uid)


def bank_or_404(request: ActorRequest, uid: uuid.UUID, capability: str = "items.view") -> ItemBank:
    rows = banks_visible_to(request.actor, capability).select_related("framework", "node")
    return get_object_or_404(rows, uid=uid)


def item_or_404(request: ActorRequest, uid: uuid.UUID, capability: str = "items.view") -> Item:
    rows = items_visible_to(request.actor, capability).select_related(
        "bank__framework", "bank__node", "domain", "competency", "current", "created_by"
    )
    return get_object_or_404(rows, uid=uid)


def attempt(
    request: ActorRequest, said: str, to: str, act: Callable[[], Any], **kwargs: Any
) -> HttpResponse:
    """Run a service that has no form of its own: say what was done, or what was refused."""
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
