"""Figures: what is drawn is what was given, within the budget, and fit for a strict policy."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalan.base import figures, shapes
from kalan.base.figures import Bar, Line, MapValue, Stack

TITLES = {"title": "Agents formés", "description": "Par région, au 17 mars 2023."}


def parse(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


@pytest.fixture
def square_country(tmp_path: Path, settings: object) -> str:
    """Two squares side by side, and a third far away over the sea."""

    def square(code: str, west: float) -> dict[str, object]:
        ring = [[west, 0], [west + 1, 0], [west + 1, 1], [west, 1], [west, 0]]
        return {
            "type": "Feature",
            "properties": {"code": code, "name": f"Région {code}"},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }

    folder = tmp_path / "zz"
    folder.mkdir()
    features = [square("Z-1", 0), square("Z-2", 1), square("Z-3", 40)]
    (folder / "regions.geojson").write_text(json.dumps({"features": features}))
    settings.PACKS_DIR = tmp_path  # type: ignore[attr-defined]
    shapes.country_map.cache_clear()
    yield "zz"  # type: ignore[misc]
    shapes.country_map.cache_clear()


def test_bars_are_in_proportion_and_open_their_records() -> None:
    rows = [Bar("Fatick", 10, "/a/?x=1&y=2"), Bar("Kaolack", 5, "/b/")]
    root = parse(figures.bar_chart(rows, **TITLES))
    first, second = (float(rect.get("width", "")) for rect in root.iter("rect"))
    assert first == pytest.approx(2 * second, abs=0.1)
    assert [a.get("href") for a in root.iter("a")] == ["/a/?x=1&y=2", "/b/"]
    assert [" ".join(a.itertext()) for a in root.iter("a")] == ["Fatick 10", "Kaolack 5"]
    assert root.get("role") == "group"


def test_a_figure_without_links_is_an_image_with_title_and_description() -> None:
    root = parse(figures.bar_chart([Bar("Fatick", 10)], **TITLES))
    assert root.get("role") == "img"
    assert (root[0].text, root[1].text) == (TITLES["title"], TITLES["description"])


def test_parts_of_a_stack_follow_each_other() -> None:
    svg = figures.stacked_bars([Stack("Fatick", [306, 215])], series=["F", "H"], **TITLES)
    first, second = parse(svg).iter("rect")
    assert (first.get("class"), second.get("class")) == ("f1", "f2")
    assert float(second.get("x", "")) == float(first.get("width", ""))
    assert figures.series_legend(["F", "H"]) == [("f1", "F"), ("f2", "H")]


def test_a_gap_in_a_curve_is_not_a_zero() -> None:
    lines = [Line("Femmes", [1, None, 3, 4])]
    root = parse(figures.line_chart(["a", "b", "c", "d"], lines, **TITLES))
    curve = next(p for p in root.iter("path") if p.get("class") == "l1")
    assert re.sub(r"[^ML]", "", curve.get("d", "")) == "MML"
    assert len(list(root.iter("circle"))) == 3


def test_the_map_shades_by_class_and_sets_far_regions_in_boxes(square_country: str) -> None:
    values = {"Z-1": MapValue(100, url="/r/1/"), "Z-2": MapValue(20)}
    root = parse(figures.region_map(square_country, values, **TITLES))
    assert [p.get("class") for p in root.iter("path")] == ["q q5", "q q1", "q"]
    assert [p[0].text for p in root.iter("path")] == [
        "Région Z-1 : 100",
        "Région Z-2 : 20",
        "Région Z-3 : pas de donnée",
    ]
    assert [a.get("aria-label") for a in root.iter("a")] == ["Région Z-1 : 100"]
    drawn = shapes.country_map(square_country)
    assert drawn.shapes[0].path == "M0 240l240 0 0-240-240 0z"
    assert drawn.shapes[2].path == "M0 324l72 0 0-72-72 0z"
    assert drawn.height == 240 + shapes.GAP + shapes.INSET


def test_no_figure_needs_a_style_attribute(square_country: str) -> None:
    drawn = [
        figures.bar_chart([Bar("a", 1, "/")], **TITLES),
        figures.stacked_bars([Stack("a", [1, 2])], series=["F", "H"], **TITLES),
        figures.line_chart(["a", "b"], [Line("a", [1, 2])], **TITLES),
        figures.region_map(square_country, {"Z-1": MapValue(1)}, **TITLES),
    ]
    for svg in drawn:
        used = {name for node in parse(svg).iter() for name in node.attrib}
        assert used.isdisjoint({"style", "onclick", "onload", "id"})


def test_the_legend_of_whole_numbers_does_not_overlap() -> None:
    values = {"a": MapValue(214), "b": MapValue(3)}
    assert figures.map_legend(values) == [
        ("q", "pas de donnée"),
        ("q1", "0 à 50"),
        ("q2", "51 à 100"),
        ("q3", "101 à 150"),
        ("q4", "151 à 200"),
        ("q5", "201 à 250"),
    ]


def test_a_country_without_shapes_is_said(square_country: str) -> None:
    with pytest.raises(FileNotFoundError):
        figures.region_map("xx", {}, **TITLES)


@pytest.mark.parametrize(("country", "regions", "budget"), [("sn", 14, 3500), ("ml", 9, 3500)])
def test_maps_of_the_packs_stay_small(country: str, regions: int, budget: int) -> None:
    drawn = shapes.country_map(country)
    values = {
        s.code: MapValue(i * 13.0, url=f"/gestion/{s.code}/") for i, s in enumerate(drawn.shapes)
    }
    svg = figures.region_map(country, values, **TITLES)
    assert len(list(parse(svg).iter("path"))) == regions
    assert len(brotli.compress(svg.encode(), quality=5)) <= budget


LABELS = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=40)


@given(st.lists(st.tuples(LABELS, st.floats(0, 1e7), LABELS), max_size=20))
def test_any_bars_give_well_formed_svg_inside_its_frame(rows: list[tuple[str, float, str]]) -> None:
    root = parse(figures.bar_chart([Bar(a, v, u) for a, v, u in rows], **TITLES))
    for rect in root.iter("rect"):
        assert 0 <= float(rect.get("width", "")) <= figures.WIDTH


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e9)), min_size=1, max_size=24))
def test_any_curve_stays_inside_its_frame(values: list[float | None]) -> None:
    points = [str(index) for index in range(len(values))]
    root = parse(figures.line_chart(points, [Line("a", values)], **TITLES))
    for circle in root.iter("circle"):
        assert -0.1 <= float(circle.get("cx", "")) <= figures.WIDTH
        assert 0 <= float(circle.get("cy", "")) <= 150


@given(st.floats(0.001, 1e12))
def test_ticks_are_round_and_reach_the_top(top: float) -> None:
    ticks = figures.nice_ticks(top)
    assert ticks[0] == 0
    assert ticks[-1] >= top * (1 - 1e-9)
    assert len(ticks) <= 6
    breaks = figures.map_breaks([top])
    assert len(breaks) == 5
    assert breaks[-1] >= top * (1 - 1e-9)
