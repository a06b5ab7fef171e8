"""From answers to parameters: known ones come back, on the scale, and what is wrong is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.models import probabilities
from kalan.engine.testing.calibration import study
from kalan.engine.testing.calibration_records import Answers, Study, Subject
from kalan.engine.testing.items import Item, bank_of, provisional


def truth(number: int = 30, *, points: int = 1, kind: str = "numeric") -> list[Item]:
    rng = np.random.default_rng(7)
    found = []
    for row in range(number):
        one = provisional(f"u{row:02}", f"Q{row:02}", "d1", kind,
                          difficulty=-2 + 4 * row / (number - 1), top=points)  # fmt: skip
        found.append(replace(one, a=float(np.exp(rng.normal(0.1, 0.2)))))
    return found


def sitting_for(
    items: list[Item], persons: int, *, each: int = 0, mean: float = 0.0, sd: float = 1.0,
    seed: int = 1, by_sex: dict[str, float] | None = None,
) -> Answers:  # fmt: skip
    """Answers drawn from the model; ``each`` items a person (0: all), drawn at random;
    ``by_sex``: how much harder an item is for the focal half."""
    rng = np.random.default_rng(seed)
    theta = rng.normal(mean, sd, persons)
    focal = rng.integers(0, 2, persons).astype(np.int8)
    rows = []
    for number, item in enumerate(items):
        moved = theta - (by_sex or {}).get(item.code, 0.0) * focal
        p = probabilities(bank_of([item], prudent=False), moved)[0]  # (K, P)
        category = (rng.random(persons)[None, :] > np.cumsum(p, axis=0)).sum(axis=0)
        asked = np.ones(persons, bool)
        if each:
            asked = rng.random(persons) < each / len(items)
        who = np.flatnonzero(asked)
        rows.append(np.column_stack([who, np.full(who.size, number), category[asked]]))
    table = np.concatenate(rows)
    return Answers(table[:, 0], table[:, 1], table[:, 2], focal)


def subjects(items: list[Item], adopted: list[Item] | None = None) -> list[Subject]:
    told = [
        provisional(one.uid, one.code, one.domain, one.kind, difficulty=one.place, top=one.top)
        for one in items
    ]
    if adopted is None:
        return [Subject(one) for one in told]
    return [Subject(one, two) for one, two in zip(told, adopted, strict=True)]


def off(found: Study, items: list[Item]) -> tuple[float, float]:
    """Largest error of a and of b over their standard errors' scale: plain distances."""
    true = {one.uid: one for one in items}
    gaps = [(line.item.a - true[line.item.uid].a, line.item.place - true[line.item.uid].place)
            for line in found.lines]  # fmt: skip
    table = np.abs(np.array(gaps))
    return float(table[:, 0].mean()), float(table[:, 1].mean())


def test_known_parameters_come_back_from_sparse_answers() -> None:
    items = truth()
    found = study(subjects(items), sitting_for(items, 3000, each=15))
    a, b = off(found, items)
    assert (a < 0.12, b < 0.12, found.scale.by, found.left_out) == (True, True, "expert", ())
    inside = [
        abs(line.item.place - items[row].place - found.scale.origin) < 3 * (line.item.se_b or 0)
        for row, line in enumerate(found.lines)
    ]
    assert (sum(inside) >= 28, {line.flags for line in found.lines}) == (True, {()})


def test_partial_credit_and_yes_no_are_calibrated_together() -> None:
    items = truth(12) + [
        replace(one, uid=f"p{one.uid}", code=f"P{one.code}") for one in truth(6, points=2)
    ]
    found = study(subjects(items), sitting_for(items, 2500))
    assert [line.model for line in found.lines] == ["2PL"] * 12 + ["GPCM"] * 6
    assert [len(line.item.b) for line in found.lines] == [1] * 12 + [2] * 6
    a, b = off(found, items)
    assert (a < 0.15, b < 0.15) == (True, True)


def test_adopted_items_hold_the_scale_and_one_that_drifted_is_left_out() -> None:
    items = truth()
    before = [replace(one, n=900, se_a=0.1, se_b=0.1) for one in items]
    easier = [replace(one, b=(one.b[0] - (1.0 if one.code == "Q15" else 0.0),)) for one in items]
    # The people are stronger and closer to each other than those of the first calibration.
    found = study(subjects(items, before), sitting_for(easier, 4000, mean=0.8, sd=0.7))
    a, b = off(found, easier)
    assert (found.scale.by, "Q15" in found.scale.drifted) == ("anchors", True)
    assert abs(found.scale.origin - 0.8) < 0.08
    assert abs(found.scale.slope - 0.7) < 0.08
    assert (a < 0.15, b < 0.15) == (True, True)
    assert [line.item.code for line in found.lines if "moved" in line.flags] == ["Q15"]


def test_a_wrong_key_and_a_group_at_a_disadvantage_are_seen() -> None:
    items = truth()
    answers = sitting_for(items, 3000, by_sex={"Q10": 1.2})
    wrong = answers.item == 20
    answers.category[wrong] = 1 - answers.category[wrong]
    found = {line.item.code: line for line in study(subjects(items), answers).lines}
    flagged = {code: line.flags for code, line in found.items() if line.flags}
    assert flagged["Q10"] == ("dif",)
    assert "low_slope" in flagged["Q20"]
    assert sorted(flagged) == ["Q10", "Q20"]
    assert float(found["Q10"].dif["delta"]) < -1.5  # harder for the focal group
    assert (found["Q20"].past_gate, found["Q00"].past_gate) == (False, True)


def test_what_cannot_be_calibrated_is_left_out_with_its_reason() -> None:
    items = truth(12)
    answers = sitting_for(items, 600)
    answers.category[answers.item == 3] = 1
    few = (answers.item != 4) | (answers.sitting < 12)
    kept = few & (answers.item != 5)
    some = Answers(answers.sitting[kept], answers.item[kept], answers.category[kept], answers.focal)
    found = study(subjects(items), some)
    assert [(one.code, one.answers, one.reason) for one in found.left_out] == [
        ("Q03", 600, "toutes les réponses ont la même note : rien ne s’y mesure"),
        ("Q04", 12, "moins de 30 réponses"),
        ("Q05", 0, "aucune réponse"),
    ]
    none = np.zeros(0, np.int64)
    with pytest.raises(DataError, match="rien ne peut être calibré"):
        study(subjects(items), Answers(none, none, none, np.zeros(0, np.int8)))


def test_a_category_that_nobody_reached_leaves_the_item_provisional() -> None:
    items = truth(8) + [
        replace(one, uid=f"p{one.uid}", code=f"P{one.code}") for one in truth(2, points=3)
    ]
    answers = sitting_for(items, 900)
    answers.category[(answers.item == 8) & (answers.category == 2)] = 1
    line = study(subjects(items), answers).lines[8]
    assert (dict(line.mapping), "collapsed" in line.flags, line.adoptable) == (
        {0: 0, 1: 1, 3: 2}, True, False,
    )  # fmt: skip


def test_guessing_is_looked_for_only_where_asked_and_with_enough_answers() -> None:
    plain, guessed = truth(15), truth(15, kind="single")
    for number, one in enumerate(guessed):
        guessed[number] = replace(one, uid=f"s{one.uid}", code=f"S{one.code}", c=0.25)
    items = plain + guessed
    answers: Any = sitting_for(items, 4000)
    found = study(subjects(items), answers, guessing=True)
    assert [line.model for line in found.lines] == ["2PL"] * 15 + ["3PL"] * 15
    c = np.mean([line.item.c for line in found.lines[15:]])
    assert abs(c - 0.25) < 0.06
    few = study(subjects(items), sitting_for(items, 900), guessing=True)
    assert ({line.model for line in few.lines}, "3PL" in " ".join(few.warnings)) == ({"2PL"}, True)
