"""Marks: all right is the top, blank is nothing, mending a part never costs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalan.skills.play.content import Stored, from_own
from kalan.skills.play.given import Given
from kalan.skills.play.grade import Grade, grade, ideal, top
from tests.skills.play_questions import KINDS, choice, own


def of_size(kind: str, right: int, wrong: int) -> Stored:
    """A question of ``kind`` with ``right`` parts and ``wrong`` decoys."""
    good, bad = [f"b{n}" for n in range(right)], [f"m{n}" for n in range(wrong)]
    more: dict[str, Any] = {
        "multiple": {"choices": [choice(t, True) for t in good] + [choice(t, False) for t in bad]},
        "matching": {
            "pairs": [{"left": t, "right": f"d{t}"} for t in good],
            "extra": bad,
        },
        "ordering": {"steps": good},
        "cloze": {
            "text": " ".join(f"{{{{{n + 1}}}}}" for n in range(right)),
            "gaps": [
                {"choices": [choice(t, True), choice("x", False), choice("y", False)]}
                if n % 2
                else {"answers": [t]}
                for n, t in enumerate(good)
            ],
        },
    }[kind]
    return from_own(own(kind, **more))


@st.composite
def answered(draw: st.DrawFn, kind: str) -> tuple[Stored, Given]:
    """A question and any answer that its form can post."""
    one = of_size(kind, draw(st.integers(2, 6)), draw(st.integers(1, 4)))
    content, given = one.content, Given()
    if kind == "multiple":
        names = [each["id"] for each in content["choices"]]
        given["choices"] = sorted(draw(st.sets(st.sampled_from(names), min_size=1)))
    elif kind == "matching":
        rights = st.sampled_from([None, *(each["id"] for each in content["rights"])])
        pairs = {left["id"]: draw(rights) for left in content["lefts"]}
        given["pairs"] = {left: right for left, right in pairs.items() if right}
    elif kind == "ordering":
        ranks = st.sampled_from([None, *range(1, len(content["steps"]) + 1)])
        chosen = {step["id"]: draw(ranks) for step in content["steps"]}
        given["ranks"] = {step: rank for step, rank in chosen.items() if rank}
    else:
        gaps: dict[str, str | list[str]] = {}
        for rank, gap in enumerate(content["gaps"], start=1):
            names = [each["id"] for each in gap.get("choices", [])] or ["b0", "b2", "non"]
            if value := draw(st.sampled_from([None, *names])):
                gaps[str(rank)] = value
        given["gaps"] = gaps
    return one, given


def mended(one: Stored, given: Given, draw: st.DrawFn) -> Given:
    """``given`` with one part made right (or as it was, when nothing is wrong)."""
    right = ideal(one)
    if "choices" in given:
        mine, wanted = set(given["choices"]), set(right["choices"])
        return {"choices": sorted(mine ^ {draw(st.sampled_from(sorted(mine ^ wanted)))})}
    if "ranks" in given:
        return {"ranks": _one_block(one.key["steps"], given["ranks"])}
    field = "pairs" if "pairs" in given else "gaps"
    place = draw(st.sampled_from(sorted(right[field])))  # type: ignore[literal-required]
    whole = {**given[field], place: right[field][place]}  # type: ignore[literal-required]
    return Given(**{field: whole})  # type: ignore[typeddict-item]


def _one_block(order: list[str], ranks: dict[str, int]) -> dict[str, int]:
    """A whole order in which a run of steps is moved to just after the step it follows."""
    if sorted(ranks.values()) != list(range(1, len(order) + 1)):
        return ideal_ranks(order)
    line = sorted(ranks, key=lambda step: ranks[step])
    for one, two in pairwise(order):
        at = line.index(two)
        if at and line[at - 1] == one:
            continue
        end = at + 1
        while end < len(line) and line[end] in order[order.index(line[end - 1]) + 1 :][:1]:
            end += 1
        block, rest = line[at:end], line[:at] + line[end:]
        if one in rest:
            here = rest.index(one) + 1
            line = rest[:here] + block + rest[here:]
            break
    return {step: rank for rank, step in enumerate(line, start=1)}


def ideal_ranks(order: list[str]) -> dict[str, int]:
    return {step: rank for rank, step in enumerate(order, start=1)}


@pytest.mark.parametrize("kind", ["multiple", "matching", "ordering", "cloze"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_mending_a_part_never_costs(kind: str, data: st.DataObject) -> None:
    one, mine = data.draw(answered(kind))
    found = grade(one, mine)
    assert 0 <= found.category <= found.top == top(one) <= 3
    assert 0 <= found.fraction <= 1
    assert (found.category == found.top) == found.right == (found.fraction == 1)
    if found.right:
        return
    better = grade(one, mended(one, mine, data.draw))
    assert better.fraction >= found.fraction
    assert better.category >= found.category
    if kind in ("matching", "cloze") and mine != mended(one, mine, data.draw):
        assert grade(one, ideal(one)).fraction > found.fraction


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_blank_is_nothing_and_all_right_the_top(kind: str) -> None:
    one = from_own(own(kind))
    assert grade(one, {}) == Grade(0, top(one), 0.0, False)
    assert grade(one, ideal(one)) == Grade(top(one), top(one), 1.0, True)


@pytest.mark.parametrize(("right", "wrong"), [(1, 1), (1, 5), (2, 3), (3, 3), (6, 1), (2, 1)])
def test_ticking_everything_brings_nothing(right: int, wrong: int) -> None:
    one = of_size("multiple", right, wrong)
    everything: Given = {"choices": sorted(one.key["weights"])}
    assert grade(one, everything) == Grade(0, min(3, right), 0.0, False)


def test_ticking_everything_brings_nothing_though_the_author_let_wrong_ones_cost_nothing() -> None:
    weights = [("a", 50.0), ("b", 50.0), ("c", 0.0), ("d", 0.0)]
    choices = [{**choice(text, weight > 0), "weight": weight} for text, weight in weights]
    one = from_own(own("multiple", choices=choices))
    names = one.key["order"]
    assert grade(one, {"choices": names}).fraction == 0
    assert grade(one, {"choices": names[:2]}) == Grade(2, 2, 1.0, True)
    assert grade(one, {"choices": names[:3]}) == Grade(1, 2, 0.5, False)
    assert grade(one, {"choices": names[:1]}) == Grade(1, 2, 0.5, False)


def test_multiple() -> None:
    """Three right of five: a wrong tick takes away half of the mark."""
    one = of_size("multiple", 3, 2)
    a, b, c, d, _ = one.key["order"]
    found = [grade(one, {"choices": ticked}) for ticked in ([a], [a, b], [a, b, c], [a, b, c, d])]
    assert [(each.category, round(each.fraction, 5)) for each in found] == [
        (1, 0.33333),
        (2, 0.66667),
        (3, 1.0),
        (1, 0.5),
    ]


@pytest.mark.parametrize(
    ("line", "category", "fraction"),
    [
        ("1234", 3, 1.0),
        ("2341", 2, 2 / 3),
        ("3412", 2, 2 / 3),
        ("1243", 1, 1 / 3),
        ("1324", 0, 0.0),
        ("4321", 0, 0.0),
    ],
)
def test_ordering(line: str, category: int, fraction: float) -> None:
    one = of_size("ordering", 4, 0)
    steps = one.key["steps"]
    ranks = {steps[int(which) - 1]: rank for rank, which in enumerate(line, start=1)}
    assert grade(one, {"ranks": ranks}) == Grade(category, 3, fraction, category == 3)


def test_two_steps_of_one_rank_follow_nothing() -> None:
    one = of_size("ordering", 4, 0)
    a, b, c, d = one.key["steps"]
    assert grade(one, {"ranks": {a: 1, b: 2, c: 3, d: 3}}).fraction == 1 / 3
    assert grade(one, {"ranks": dict.fromkeys((a, b, c, d), 1)}).fraction == 0


@pytest.mark.parametrize(
    ("right", "categories"),
    [(2, [0, 1, 2]), (3, [0, 1, 2, 3]), (4, [0, 0, 1, 2, 3]), (6, [0, 0, 1, 1, 2, 2, 3])],
)
def test_parts_fold_into_three_steps(right: int, categories: list[int]) -> None:
    one = of_size("matching", right, 1)
    pairs = list(ideal(one)["pairs"].items())
    found = [grade(one, {"pairs": dict(pairs[:n])}) for n in range(right + 1)]
    assert [each.category for each in found] == categories
    assert [each.fraction for each in found] == [n / right for n in range(right + 1)]


def test_gaps_count_by_their_weight() -> None:
    one = from_own(own("cloze"))
    one.key["gaps"][1]["mark"] = 3
    first = one.key["gaps"][0]["order"][0]
    assert grade(one, {"gaps": {"1": first}}) == Grade(0, 2, 0.25, False)
    assert grade(one, {"gaps": {"2": " JEU "}}) == Grade(1, 2, 0.75, False)


def test_a_single_choice_worth_half_is_not_right() -> None:
    choices = [{**choice("a", True), "weight": 100.0}, {**choice("b", True), "weight": 50.0}]
    one = from_own(own("single", choices=choices))
    assert grade(one, {"choice": one.key["order"][1]}) == Grade(0, 1, 0.5, False)
