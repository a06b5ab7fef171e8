"""What the views of this room share."""

from __future__ import annotations

import uuid
from typing import Any

from django.shortcuts import get_object_or_404

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
