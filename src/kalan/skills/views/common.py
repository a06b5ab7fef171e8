"""What the views of the room share."""

from __future__ import annotations

import uuid

from django.shortcuts import get_object_or_404

from kalan.people.http import ActorRequest
from kalan.skills.models import Framework, Item, ItemBank
from kalan.skills.selectors.frameworks import frameworks_visible_to
from kalan.skills.selectors.items import banks_visible_to, items_visible_to


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
