"""What the views of this room share."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect

from kalan.base.errors import Refused
from kalan.campaigns.models import Campaign
from kalan.campaigns.selectors.campaigns import campaigns_visible_to, may_edit
from kalan.people.http import ActorRequest


def campaign_or_404(
    request: ActorRequest, uid: uuid.UUID, capability: str = "campaigns.view"
) -> Campaign:
    rows = campaigns_visible_to(request.actor, capability).select_related("node")
    return get_object_or_404(rows, uid=uid)


def about(request: ActorRequest, campaign: Campaign, here: str) -> dict[str, Any]:
    """What every page of a campaign needs: the campaign, its tabs, whether it may be changed."""
    return {"campaign": campaign, "here": here, "may_edit": may_edit(request.actor, campaign)}


def posted(request: ActorRequest) -> QueryDict | None:
    """The form as sent, empty or not; None before it is sent."""
    return request.POST if request.method == "POST" else None


def some(number: int, one: str, many: str) -> str:
    """« 0 personne », « 1 personne », « 2 personnes »: the French plural begins at two."""
    return f"{number} {many if number >= 2 else one}"


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
