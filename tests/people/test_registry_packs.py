"""Country packs: what they hold, and that loading them is complete and can be repeated."""

from __future__ import annotations

from collections import Counter

import pytest

from kalan.base import packs
from kalan.base.errors import Refused
from kalan.base.text import fold
from kalan.people.actor import SYSTEM
from kalan.people.models import (
    Cadre,
    OrgNode,
    OrgNodeCode,
    OrgNodePeriod,
    ProcessingActivity,
    StructureType,
)
from kalan.people.packs import load_demo_structures, load_pack
from kalan.people.selectors.territory import territory_on
from tests.factories import people

COUNTRIES = ["fr", "ml", "sn"]
DISTRICTS = {
    "Fatick": [
        "Diakhao",
        "Dioffior",
        "Fatick",
        "Foundiougne",
        "Gossas",
        "Niakhar",
        "Passy",
        "Sokone",
    ],
    "Kaffrine": ["Birkilane", "Kaffrine", "Koungheul", "Malem Hodar"],
    "Kaolack": ["Guinguinéo", "Kaolack", "Ndoffane", "Nioro du Rip"],
}


def _rings(geometry: dict[str, object]) -> list[list[list[float]]]:
    coordinates = geometry["coordinates"]
    polygons = [coordinates] if geometry["type"] == "Polygon" else coordinates
    return [ring for polygon in polygons for ring in polygon]


def test_the_packs_at_hand() -> None:
    assert packs.countries() == COUNTRIES


@pytest.mark.parametrize("country", COUNTRIES)
def test_shapes_are_closed_rings_in_degrees_with_codes_of_regions(country: str) -> None:
    features = packs.shapes(country)["features"]
    for feature in features:
        assert sorted(feature["properties"]) == ["code", "name"]
        for ring in _rings(feature["geometry"]):
            assert len(ring) >= 4
            assert ring[0] == ring[-1]
            assert all(-180 <= x <= 180 and -90 <= y <= 90 for x, y in ring)
    coded = {
        row["codes"].split(";")[0].removeprefix("iso3166-2=")
        for row in packs.rows(country, "nodes")
        if row["kind"] == "region"
    }
    drawn = {feature["properties"]["code"] for feature in features}
    without_shape = {
        "sn": set(),
        "ml": {"ML-9", "ML-10"},
        "fr": {"FR-PM", "FR-BL", "FR-MF", "FR-WF", "FR-PF", "FR-NC"},
    }
    assert coded - drawn == without_shape[country]
    assert drawn - coded == set()


@pytest.mark.parametrize("country", COUNTRIES)
def test_codes_and_keys_are_unique_and_isco_codes_have_four_digits(country: str) -> None:
    for name, column in (
        ("nodes", "key"),
        ("structure_types", "code"),
        ("cadres", "code"),
        ("processing", "code"),
    ):
        values = [row[column] for row in packs.rows(country, name)]
        assert [value for value, times in Counter(values).items() if times > 1] == []
        assert len(values) > 5
    codes = [c for row in packs.rows(country, "nodes") for c in row["codes"].split(";")]
    assert len(codes) == len(set(codes))
    isco = {row["isco08"] for row in packs.rows(country, "cadres")} - {""}
    assert {len(code) for code in isco} == {4}
    for row in packs.rows(country, "processing"):
        assert [name for name, text in row.items() if not text.strip()] == []


def test_the_sixteen_districts_of_the_three_regions() -> None:
    rows = packs.rows("sn", "nodes")
    regions = {row["key"]: row["name"] for row in rows if row["kind"] == "region"}
    found: dict[str, list[str]] = {}
    for row in rows:
        if row["kind"] == "district":
            found.setdefault(regions[row["parent"]], []).append(row["name"])
    assert {region: sorted(names) for region, names in found.items()} == DISTRICTS
    assert len(regions) == 14


def test_the_demonstration_list_has_fifteen_structures_none_alike() -> None:
    rows = packs.rows("sn", "demo_structures")
    assert len(rows) == 15
    assert len({fold(row["name"]) for row in rows}) == 15
    assert len({row["code"] for row in rows}) == 15
    matched = [row["osm"] for row in rows if row["osm"]]
    assert len(matched) == len(set(matched)) == 5
    keys = {row["key"] for row in packs.rows("sn", "nodes") if row["kind"] == "district"}
    assert {row["district"] for row in rows} - keys == set()
    types = {row["code"] for row in packs.rows("sn", "structure_types")}
    assert {row["type"] for row in rows} - types == set()
    assert Counter(row["district"][:5] for row in rows) == {"sn-fk": 7, "sn-ka": 4, "sn-kl": 4}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("country", "expected"),
    [("sn", (1, 14, 16)), ("ml", (1, 11, 0)), ("fr", (1, 24, 101))],
)
def test_loading_twice_gives_one_sound_tree(country: str, expected: tuple[int, int, int]) -> None:
    first = load_pack(country, actor=SYSTEM, now=people.NOW)
    again = load_pack(country, actor=SYSTEM, now=people.NOW)
    counts = Counter(OrgNode.objects.values_list("kind", flat=True))
    assert (counts["country"], counts["region"], counts["district"]) == expected
    assert first.added["nodes"] == sum(expected)
    assert again.total == 0
    assert [found for found in OrgNode.find_problems() if found] == []
    assert OrgNodePeriod.objects.count() == sum(expected)
    assert StructureType.objects.count() == len(packs.rows(country, "structure_types"))
    assert Cadre.objects.count() == len(packs.rows(country, "cadres"))
    assert ProcessingActivity.objects.count() == 8


@pytest.mark.django_db
def test_the_three_packs_stand_side_by_side() -> None:
    for country in COUNTRIES:
        load_pack(country, actor=SYSTEM, now=people.NOW)
    assert list(OrgNode.objects.filter(depth=1).values_list("name", flat=True).order_by("pk")) == [
        "France",
        "Mali",
        "Sénégal",
    ]
    fatick = OrgNodeCode.objects.get(system="iso3166-2", value="SN-FK").node
    assert [node.name for node in fatick.get_children().order_by("path")] == DISTRICTS["Fatick"]
    assert [found for found in OrgNode.find_problems() if found] == []


@pytest.mark.django_db
def test_demo_structures_hang_in_their_district_and_are_made_once() -> None:
    load_pack("sn", actor=SYSTEM, now=people.NOW)
    made = load_demo_structures("sn", actor=SYSTEM, now=people.NOW)
    again = load_demo_structures("sn", actor=SYSTEM, now=people.NOW)
    assert [node.pk for node in again] == [node.pk for node in made]
    assert OrgNode.objects.filter(kind="structure").count() == 15
    assert [found for found in OrgNode.find_problems() if found] == []
    names = dict(OrgNode.objects.values_list("pk", "name"))
    places = territory_on([node.pk for node in made], people.NOW.date())
    regions = Counter(names[place.region_id] for place in places.values() if place.region_id)
    assert regions == {"Fatick": 7, "Kaffrine": 4, "Kaolack": 4}


@pytest.mark.django_db
def test_what_people_changed_survives_a_reload() -> None:
    load_pack("sn", actor=SYSTEM, now=people.NOW)
    line = ProcessingActivity.objects.get(country="sn", code="formations")
    line.receipt_number, line.retention = "CDP-2023-017", "Cinq ans"
    line.save()
    load_pack("sn", actor=SYSTEM, now=people.NOW)
    line.refresh_from_db()
    assert (line.receipt_number, line.retention) == ("CDP-2023-017", "Cinq ans")


@pytest.mark.django_db
def test_only_an_administrator_loads_a_pack(tree: people.Tree) -> None:
    with pytest.raises(Refused):
        load_pack("ml", actor=people.actor("region", tree.country), now=people.NOW)
    assert OrgNode.objects.filter(country="ml").count() == 0


def test_a_country_without_a_pack_is_named() -> None:
    with pytest.raises(LookupError, match="xx"):
        packs.read_pack("xx")
    with pytest.raises(LookupError):
        packs.read_pack("../sn")
