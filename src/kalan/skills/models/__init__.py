"""Frameworks and the item bank."""

from __future__ import annotations

from kalan.skills.models.frameworks import (
    Correspondence,
    Framework,
    FrameworkLevel,
    FrameworkNode,
)
from kalan.skills.models.items import (
    Item,
    ItemBank,
    ItemCalibration,
    ItemMedia,
    ItemReview,
    ItemStatistics,
    ItemVersion,
)

__all__ = [
    "Correspondence",
    "Framework",
    "FrameworkLevel",
    "FrameworkNode",
    "Item",
    "ItemBank",
    "ItemCalibration",
    "ItemMedia",
    "ItemReview",
    "ItemStatistics",
    "ItemVersion",
]
