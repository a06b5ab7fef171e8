"""Outlines of a country's regions, read from its pack and turned into short SVG paths.

Equirectangular projection with the cosine of the middle latitude: at the scale of a country on a
phone nobody can tell it from a finer one. Coordinates are rounded to whole units, then repeated
and collinear points go, which brings Senegal to about 2 KB compressed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

WIDTH = 480
# Regions farther than this from the main land (degrees) are drawn in small boxes under it.
APART = 4.0
INSET = 72
GAP = 12

Point = tuple[float, float]
Ring = list[Point]


@dataclass(frozen=True)
class Shape:
    code: str
    name: str
    path: str


@dataclass(frozen=True)
class CountryMap:
    width: int
    height: int
    shapes: tuple[Shape, ...]


@dataclass(frozen=True)
class _Region:
    code: str
    name: str
    rings: list[Ring]

    @property
    def box(self) -> tuple[float, float, float, float]:
        """West, south, east, north, in degrees."""
        xs = [x for ring in self.rings for x, _ in ring]
        ys = [y for ring in self.rings for _, y in ring]
        return min(xs), min(ys), max(xs), max(ys)


@lru_cache(maxsize=8)
def country_map(country: str) -> CountryMap:
    """The map of packs/<country>/regions.geojson; FileNotFoundError when there is none."""
    path = Path(settings.PACKS_DIR) / country / "regions.geojson"
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    return draw([_region(feature) for feature in features])


def draw(regions: list[_Region]) -> CountryMap:
    """Lay out the main land over the full width, what lies far away in boxes below it."""
    main, far = _split(regions)
    shapes, height = _place(main, 0, 0, WIDTH, None)
    for index, region in enumerate(far):
        column, row = index % 5, index // 5
        x, y = column * (INSET + GAP), height + GAP + row * (INSET + GAP)
        shapes += _place([region], x, y, INSET, INSET)[0]
    if far:
        height += (GAP + INSET) * (1 + (len(far) - 1) // 5)
    return CountryMap(WIDTH, height, tuple(shapes))


def _region(feature: dict[str, Any]) -> _Region:
    geometry = feature["geometry"]
    polygons = geometry["coordinates"]
    if geometry["type"] == "Polygon":
        polygons = [polygons]
    rings = [[(point[0], point[1]) for point in ring] for polygon in polygons for ring in polygon]
    properties = feature["properties"]
    return _Region(str(properties["code"]), str(properties["name"]), rings)


def _split(regions: list[_Region]) -> tuple[list[_Region], list[_Region]]:
    """The largest group of regions near each other, and the others."""
    groups: list[list[_Region]] = []
    for region in regions:
        near = [group for group in groups if any(_near(region, other) for other in group)]
        merged = [region, *(other for group in near for other in group)]
        groups = [group for group in groups if group not in near] + [merged]
    main = max(groups, key=len, default=[])
    return [r for r in regions if r in main], [r for r in regions if r not in main]


def _near(one: _Region, two: _Region) -> bool:
    west, south, east, north = one.box
    west2, south2, east2, north2 = two.box
    return (
        west - APART < east2
        and west2 - APART < east
        and south - APART < north2
        and south2 - APART < north
    )


def _place(
    regions: list[_Region], left: int, top: int, width: int, height: int | None
) -> tuple[list[Shape], int]:
    """Draw ``regions`` into a box (``height`` None: as high as they need)."""
    boxes = [region.box for region in regions]
    west, south = min(box[0] for box in boxes), min(box[1] for box in boxes)
    east, north = max(box[2] for box in boxes), max(box[3] for box in boxes)
    squeeze = math.cos(math.radians((south + north) / 2))
    scale = width / ((east - west) * squeeze)
    if height is not None:
        scale = min(scale, height / (north - south))

    def project(point: Point) -> tuple[int, int]:
        x, y = point
        return round(left + (x - west) * squeeze * scale), round(top + (north - y) * scale)

    shapes = []
    for region in regions:
        rings = [list(_thin([project(point) for point in ring])) for ring in region.rings]
        rings = [ring for ring in rings if len(ring) > 2]
        path = "".join(_path(ring) for ring in rings)
        shapes.append(Shape(region.code, region.name, path))
    return shapes, round((north - south) * scale)


def _thin(points: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Drop the closing point, repeated points and points on a straight line."""
    kept: list[tuple[int, int]] = []
    for point in points:
        if kept and point == kept[-1]:
            continue
        if len(kept) > 1:
            (x1, y1), (x2, y2), (x3, y3) = kept[-2], kept[-1], point
            if (x2 - x1) * (y3 - y2) == (y2 - y1) * (x3 - x2):
                kept.pop()
        kept.append(point)
    if len(kept) > 1 and kept[0] == kept[-1]:
        kept.pop()
    yield from kept


def _path(ring: list[tuple[int, int]]) -> str:
    """A closed path in relative steps: "M12 40l3-1 2 5z"."""
    (x, y), text = ring[0], ""
    for next_x, next_y in ring[1:]:
        for step in (next_x - x, next_y - y):
            text += f" {step}" if step >= 0 and text else str(step)
        x, y = next_x, next_y
    return f"M{ring[0][0]} {ring[0][1]}l{text}z"
