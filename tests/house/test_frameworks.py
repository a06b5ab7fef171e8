"""Frameworks and the observation grid as files follow docs/decisions/0014-referentiels.md."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.house.test_questions import QUESTIONS, read, typography_faults

PACKS = QUESTIONS.parent
CROSSWALK = PACKS / "frameworks" / "crosswalk.toml"
FILES = sorted(set((PACKS / "frameworks").glob("*.toml")) - {CROSSWALK})
NAMES = [path.stem for path in FILES]
FRENCH = PACKS / "frameworks" / "sante-numerique-fr.toml"

HEAD = {"code", "name", "version", "edition", "language", "licence", "summary", "source"}
HEAD |= {"legal_basis", "level", "domain"}
DOMAIN = {"code", "number", "name", "summary", "competency"}
COMPETENCY = {"code", "name", "definition", "source", "unchecked"}
MAY_HAVE = {"capacity_wording", "translation"}
DOMAIN_MAY_HAVE = {"name_en", "hours", "level"}
COMPETENCY_MAY_HAVE = {"name_en", "parent", "capacity"}

Table = dict[str, Any]


def competencies(framework: Table) -> Iterator[Table]:
    for domain in framework["domain"]:
        yield from domain["competency"]


def codes(framework: Table) -> list[str]:
    """Codes of domains, competencies and capacities, in the order of the file."""
    found = [domain["code"] for domain in framework["domain"]]
    for competency in competencies(framework):
        found.append(competency["code"])
        found += [capacity["code"] for capacity in competency.get("capacity", [])]
    return found


def twice(values: list[str]) -> list[str]:
    return [value for value, times in Counter(values).items() if times > 1]


def french(table: Any) -> Any:
    """``table`` without the titles in English."""
    if isinstance(table, dict):
        return {key: french(value) for key, value in table.items() if key != "name_en"}
    return [french(each) for each in table] if isinstance(table, list) else table


# --- faults: one function a rule, each says what is wrong ------------------------------------


def key_faults(framework: Table) -> Iterator[str]:
    if framework.keys() - MAY_HAVE != HEAD:
        yield f"head {sorted(framework.keys() ^ HEAD)}"
    for domain in framework["domain"]:
        if domain.keys() - DOMAIN_MAY_HAVE != DOMAIN:
            yield f"{domain['code']} {sorted(domain.keys() ^ DOMAIN)}"
    for competency in competencies(framework):
        if competency.keys() - COMPETENCY_MAY_HAVE != COMPETENCY:
            yield f"{competency['code']} {sorted(competency.keys() ^ COMPETENCY)}"
        for capacity in competency.get("capacity", []):
            if capacity.keys() != {"code", "text"} or not capacity["text"].startswith("Je "):
                yield f"capacity {capacity}"


def code_faults(framework: Table) -> Iterator[str]:
    if again := twice(codes(framework)):
        yield f"codes given twice: {again}"
    if again := twice([competency["name"] for competency in competencies(framework)]):
        yield f"names given twice: {again}"
    for domain in framework["domain"]:
        above: set[str] = set()
        for competency in domain["competency"]:
            if "parent" in competency and competency["parent"] not in above:
                yield f"{competency['code']} stands under {competency['parent']!r}"
            above.add(competency["code"])


def level_faults(framework: Table) -> Iterator[str]:
    levels = framework["level"]
    if [level["rank"] for level in levels] != list(range(1, len(levels) + 1)):
        yield "ranks of levels"
    floors = [level["floor"] for level in levels[1:] if "floor" in level]
    if "floor" in levels[0] or floors != sorted(set(floors)):
        yield "floors rise from the second level"
    if floors and len(floors) != len(levels) - 1:
        yield "a level without floor"
    wanted = [level["code"] for level in levels]
    for domain in framework["domain"]:
        given = [each["level"] for each in domain.get("level", [])]
        if given and given != wanted:
            yield f"{domain['code']} has levels {given}"
        for each in domain.get("level", []):
            if not each["can_do"] or len(each["advice"]) != 2:
                yield f"{domain['code']} {each['level']}: a can-do and two advices"


# What the columns of the data base hold.
LIMITS = {"code": 40, "name": 200, "licence": 200}


def length_faults(framework: Table) -> Iterator[str]:
    for key, limit in LIMITS.items():
        if not 0 < len(framework[key]) <= limit:
            yield f"{key} of {len(framework[key])} characters"
    for level in framework["level"]:
        if len(level["code"]) > 20 or len(level["name"]) > 60:
            yield f"level {level['code']}"


RULES = [key_faults, code_faults, level_faults, length_faults]


def faults(framework: Table) -> list[str]:
    return [fault for rule in RULES for fault in rule(framework)]


# --- the frameworks --------------------------------------------------------------------------


def test_the_three_frameworks_are_there() -> None:
    assert NAMES == ["digcomp22", "direcct-sn", "sante-numerique-fr"]
    assert [read(path)["code"] for path in FILES] == NAMES


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_every_framework_follows_the_decision(path: Path) -> None:
    framework = read(path)
    assert faults(framework) == []
    assert list(typography_faults(french(framework))) == []


def test_the_french_framework_has_five_domains_and_twenty_eight_hours() -> None:
    framework = read(FRENCH)
    assert [(domain["code"], domain["hours"]) for domain in framework["domain"]] == [
        ("donnees", 6),
        ("cyber", 5),
        ("communication", 5),
        ("outils", 6),
        ("telesante", 6),
    ]
    assert sum(domain["hours"] for domain in framework["domain"]) == 28
    assert [len(domain["level"]) for domain in framework["domain"]] == [4, 4, 4, 4, 4]


def test_digcomp_has_five_areas_twenty_one_competences_and_eight_levels() -> None:
    framework = read(PACKS / "frameworks" / "digcomp22.toml")
    counts = [len(domain["competency"]) for domain in framework["domain"]]
    assert (counts, sum(counts), len(framework["level"])) == ([3, 6, 4, 4, 4], 21, 8)
    assert [competency["code"].split(".")[0] for competency in competencies(framework)] == [
        domain["code"] for domain in framework["domain"] for _ in domain["competency"]
    ]


def test_direcct_has_its_three_themes() -> None:
    framework = read(PACKS / "frameworks" / "direcct-sn.toml")
    assert [domain["code"] for domain in framework["domain"]] == [
        "outils-numeriques",
        "bases-e-sante",
        "cybersecurite",
    ]


def test_what_is_from_memory_says_so() -> None:
    """The sub-competences of the arrêté were not read; the rest of the file is Kalan's."""
    framework = read(FRENCH)
    assert {
        competency["code"] for competency in competencies(framework) if competency["unchecked"]
    } == {
        competency["code"] for competency in competencies(framework) if "parent" not in competency
    }


def test_every_competency_of_a_question_is_in_its_domain_and_every_competency_is_asked() -> None:
    named = {
        domain["code"]: {each["name"] for each in domain["competency"] if "parent" in each}
        for domain in read(FRENCH)["domain"]
    }
    asked = {
        content["domain"]: {question["competency"] for question in content["question"]}
        for content in map(read, sorted(QUESTIONS.glob("fr/*.toml")))
    }
    assert asked == named


# --- the cross-walk --------------------------------------------------------------------------


def test_every_end_of_the_crosswalk_stands() -> None:
    known = {f"{path.stem}/{code}" for path in FILES for code in codes(read(path))}
    crosswalk = read(CROSSWALK)
    assert crosswalk.keys() == {"version", "language", "licence", "source", "link"}
    links = crosswalk["link"]
    assert {frozenset(link) for link in links} == {frozenset({"from", "to", "strength", "note"})}
    assert [end for link in links for end in (link["from"], link["to"]) if end not in known] == []
    assert twice([f"{link['from']} {link['to']}" for link in links]) == []
    assert {link["strength"] for link in links} == {"exact", "partial"}
    assert [link for link in links if not 0 < len(link["note"]) <= 300] == []
    assert [link for link in links if link["from"].split("/")[0] == link["to"].split("/")[0]] == []
    assert list(typography_faults(crosswalk)) == []


def test_every_domain_leads_to_digcomp() -> None:
    links = read(CROSSWALK)["link"]
    led = {link["from"] for link in links if link["to"].startswith("digcomp22/")}
    for name in ("sante-numerique-fr", "direcct-sn"):
        domains = read(PACKS / "frameworks" / f"{name}.toml")["domain"]
        assert [d["code"] for d in domains if f"{name}/{d['code']}" not in led] == []


# --- the observation grid --------------------------------------------------------------------

GRIDS = sorted((PACKS / "observation").glob("*.toml"))
GESTURE = {"code", "domain", "competency", "text", "observed", "not_observed", "applicable"}


@pytest.mark.parametrize("path", GRIDS, ids=[path.stem for path in GRIDS])
def test_the_observation_grid_follows_the_decision(path: Path) -> None:
    grid = read(path)
    head = {"code", "version", "name", "language", "licence", "summary", "source"}
    assert grid.keys() == head | {"scale", "instructions", "gesture"}
    assert grid["language"] == path.stem
    assert [each["code"] for each in grid["scale"]] == ["yes", "no", "na"]
    assert grid["instructions"].keys() == {"both", "trainer", "supervisor", "paper"}
    gestures = grid["gesture"]
    assert 5 <= len(gestures) <= 12
    assert [gesture for gesture in gestures if gesture.keys() != GESTURE] == []
    assert [gesture for gesture in gestures if not all(gesture.values())] == []
    assert twice([gesture["code"] for gesture in gestures]) == []
    assert list(typography_faults(grid)) == []


def test_every_gesture_shows_a_competency_and_every_domain_has_one() -> None:
    named = {
        (domain["code"], each["name"])
        for domain in read(FRENCH)["domain"]
        for each in domain["competency"]
    }
    gestures = [gesture for path in GRIDS for gesture in read(path)["gesture"]]
    shown = {(gesture["domain"], gesture["competency"]) for gesture in gestures}
    assert shown - named == set()
    assert {domain for domain, _ in shown} == {domain for domain, _ in named}


# --- the rules themselves --------------------------------------------------------------------


def small(**changes: Any) -> Table:
    competency = {"code": "A-1", "name": "a", "definition": "", "source": "", "unchecked": False}
    domain = {"code": "a", "number": 1, "name": "A", "summary": "", "competency": [competency]}
    level = {"rank": 1, "code": "un", "name": "Un", "meaning": ""}
    texts = dict.fromkeys(HEAD - {"level", "domain"}, "x")
    return {**texts, "level": [level], "domain": [domain], **changes}


def test_a_small_framework_is_well_formed() -> None:
    assert faults(small()) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"strange": 1}, "head ['strange']"),
        ({"code": "x" * 41}, "code of 41 characters"),
        ({"level": [{"rank": 2, "code": "b", "name": "B"}]}, "ranks of levels"),
        (
            {"level": [{"rank": 1, "code": "b", "name": "B", "floor": 0.0}]},
            "floors rise from the second level",
        ),
    ],
)
def test_a_wrong_head_is_seen(change: Table, fault: str) -> None:
    assert faults(small(**change)) == [fault]


def test_a_code_given_twice_and_a_parent_below_are_seen() -> None:
    framework = tomllib.loads(
        """
        [[domain]]
        code = "a"
        [[domain.competency]]
        code = "A-1"
        name = "un"
        parent = "1.1"
        [[domain.competency]]
        code = "A-1"
        name = "deux"
        """
    )
    assert list(code_faults(framework)) == ["codes given twice: ['A-1']", "A-1 stands under '1.1'"]
