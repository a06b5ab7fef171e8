"""A structure as a dot in the outline of its region: a small SVG, no script, no style."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from kalan.base import packs
from kalan.people.models import OrgNode

_WIDTH = 240.0
_TALLEST = 240.0


@dataclass(frozen=True)
class DotMap:
    """``outline`` is the d of a path; x and y place the dot; all in pixels."""

    width: int
    height: int
    outline: str
    x: float
    y: float


def dot_map(node: OrgNode, region: OrgNode | None) -> DotMap | None:
    """Return the map of ``node`` in ``region``; None without a position or without a shape."""
    if region is None or node.latitude is None or node.longitude is None:
        return None
    code = region.codes.filter(system="iso3166-2").values_list("value", flat=True).first()
    rings = _rings(region.country, code) if code else []
    if not rings:
        return None
    points = [point for ring in rings for point in ring]
    west, east = min(p[0] for p in points), max(p[0] for p in points)
    south, north = min(p[1] for p in points), max(p[1] for p in points)
    # A degree of longitude is shorter than one of latitude: by the cosine of the latitude.
    squeeze = math.cos(math.radians((south + north) / 2))
    scale = min(_WIDTH / ((east - west) * squeeze), _TALLEST / (north - south))

    def place(longitude: float, latitude: float) -> tuple[float, float]:
        return (
            round((longitude - west) * squeeze * scale + 4, 1),
            round((north - latitude) * scale + 4, 1),
        )

    outline = "".join(
        "M" + "L".join(f"{x:g} {y:g}" for x, y in (place(*point[:2]) for point in ring)) + "Z"
        for ring in rings
    )
    x, y = place(node.longitude, node.latitude)
    width = int((east - west) * squeeze * scale) + 8
    return DotMap(width, int((north - south) * scale) + 8, outline, x, y)


def _rings(country: str, code: str) -> list[list[list[float]]]:
    for feature in packs.shapes(country)["features"]:
        if feature["properties"]["code"] == code:
            geometry: dict[str, Any] = feature["geometry"]
            many = geometry["coordinates"]
            polygons = [many] if geometry["type"] == "Polygon" else many
            return [polygon[0] for polygon in polygons]
    return []
