"""Plans are read, items frozen, and what cannot be is refused by name."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from kalan.engine.psychometrics.data import Bank
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.models import probabilities
from kalan.engine.testing.freezing import borrowed_sd, freeze, lacking
from kalan.engine.testing.frozen import Frozen, cached
from kalan.engine.testing.items import bank_of, provisional
from kalan.engine.testing.levels import LEVELS, level_probabilities
from kalan.engine.testing.plan import PURPOSES, plan_from, plan_of, plan_text, preset

from .testing_bank import NAMES, frozen, questions, small

SHORT = preset("positioning_short", NAMES)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_every_preset_is_a_plan(purpose: Any) -> None:
    body = preset(purpose, NAMES)
    plan = plan_of(plan_text(body))
    assert plan == plan_from(body)
    assert [(domain.code, domain.name) for domain in plan.domains] == list(NAMES.items())
    length = {
        "positioning_short": (20, 20),
        "positioning_full": (30, 60),
        "certification": (30, 30),
        "fixed": (20, 20),
        "practice": (10, 10),
    }
    assert (plan.shortest, plan.longest) == length[purpose]


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"purpose": "examen"}, "purpose"),
        ({"lenght": 3}, "lenght"),
        ({"length": 0}, "length"),
        ({"length": 10}, "length"),
        ({"length": 30}, "length"),
        ({"length": {"min": 21, "max": 20}}, "length"),
        ({"domains": {}}, "domains"),
        ({"domains": {"cyber": 4}}, "domains.cyber"),
        ({"domains": {"cyber": {"name": ""}}}, "domains.cyber.name"),
        ({"domains": {"cyber": {"min": 5, "max": 4}}}, "domains.cyber"),
        ({"domains": {"cyber": {"min": -1, "max": 4}}}, "domains.cyber.min"),
        ({"r_max": 2}, "r_max"),
        ({"sd_target": "petit"}, "sd_target"),
        ({"minutes": 0}, "minutes"),
        ({"feedback": 1}, "feedback"),
        ({"population": {"correlation": 1}}, "population.correlation"),
        ({"population": {"mean": {"cyber": "x"}}}, "population.mean.cyber"),
        ({"population": {"covariance": [[1]]}}, "population.covariance"),
        ({"population": {"covariance": "x"}}, "population.covariance"),
        ({"levels": [{"code": "a", "name": "A"}]}, "levels"),
        ({"levels": [{"code": "a", "name": "A"}, {"code": "b", "name": "B"}]}, "levels.1.floor"),
        (
            {"levels": [{"code": "a", "name": "A", "floor": 0}, {"code": "b", "name": "B"}]},
            "levels.0.floor",
        ),
    ],
)
def test_a_bad_plan_names_its_key(change: dict[str, Any], key: str) -> None:
    with pytest.raises(DataError) as refused:
        plan_from(SHORT | change)
    assert f"«\u00a0{key}\u00a0»" in str(refused.value)


def test_a_plan_that_is_no_json_or_says_a_key_twice() -> None:
    with pytest.raises(DataError, match="ligne 1, colonne 2"):
        plan_of("{purpose")
    with pytest.raises(DataError, match="«\u00a0seed\u00a0»\u00a0: présent deux fois"):
        plan_of('{"seed": 1, "seed": 2}')
    with pytest.raises(DataError, match="«\u00a0domains\u00a0»\u00a0: absent"):
        plan_from({"purpose": "fixed"})


def test_what_the_bank_lacks_is_said_domain_by_domain() -> None:
    items = [item for item in small(4) if item.code != small(4)[-1].code]
    plan = replace(plan_from(SHORT), cap=None)
    assert lacking(small(4), plan) == []
    assert lacking(items, plan) == ["il manque 1 question du domaine «\u00a0Télésanté\u00a0»"]
    with pytest.raises(DataError, match="il manque 1 question du domaine «\u00a0Télésanté\u00a0»"):
        freeze(items, plan)
    capped = lacking(small(4), replace(plan, cap=0.25))
    assert capped == [
        f"il manque 12 questions du domaine «\u00a0{name}\u00a0»\u00a0: sans elles, une question "
        "serait donnée à plus de 25\u00a0% des personnes"
        for name in NAMES.values()
    ]
    fixed = plan_from(preset("fixed", NAMES) | {"forms": 3})
    assert lacking(small(11), fixed) == [
        f"il manque 1 question du domaine «\u00a0{name}\u00a0»" for name in NAMES.values()
    ]


@pytest.mark.parametrize("purpose", ["positioning_short", "positioning_full", "fixed"])
def test_frozen_makes_the_round_trip(purpose: str) -> None:
    made = frozen(purpose)
    text = made.to_json()
    back = Frozen.from_json(text)
    assert back.to_json() == text
    assert back.version == made.version
    assert back.items == made.items
    assert back.rules == made.rules
    assert back.levels == made.levels
    assert [stage.forms for stage in back.stages] == [stage.forms for stage in made.stages]
    assert [stage.tables for stage in back.stages] == [stage.tables for stage in made.stages]
    for one, two in zip(back.stages, made.stages, strict=True):
        if one.package and two.package:
            assert one.package.to_json() == two.package.to_json()


def test_the_same_items_and_plan_freeze_to_the_same_version() -> None:
    plan = replace(plan_from(SHORT), cap=None)
    one, two = freeze(small(4), plan), freeze(tuple(reversed(small(4))), plan)
    assert one.version == two.version
    assert freeze(small(4), replace(plan, minutes=20)).version != one.version


def test_a_frozen_test_is_read_once_and_held_against_its_version() -> None:
    made = frozen("positioning_short")
    reads = []

    def read() -> str:
        reads.append(1)
        return made.to_json()

    assert cached(made.version, read) is cached(made.version, read)
    assert len(reads) == 1
    with pytest.raises(DataError, match="n’est plus celui de sa version"):
        cached("0" * 64, read)
    with pytest.raises(DataError, match="format"):
        Frozen.from_json('{"format": "autre"}')


def test_expert_parameters() -> None:
    single = provisional("u", "A", "cyber", "single", difficulty=-0.5, options=4)
    assert (single.model, single.a, single.b, single.c) == ("logistic", 1.0, (-0.5,), 0.25)
    assert provisional("u", "A", "cyber", "truefalse", difficulty=0).c == 0.5
    assert provisional("u", "A", "cyber", "numeric", difficulty=0, options=4).c == 0.0
    parts = provisional("u", "A", "cyber", "matching", difficulty=0.7, top=4)
    assert (parts.model, parts.a) == ("gpcm", 4**-0.25)
    assert parts.place == pytest.approx(0.7)
    half = probabilities(bank_of([parts], prudent=False), np.array([0.7]))[0, :, 0]
    assert half == pytest.approx(np.array([1, 4, 6, 4, 1]) / 16)  # binomial: half of the points
    assert single.provisional
    assert not replace(single, se_a=0.1, se_b=0.1, n=500).provisional
    assert replace(single, se_a=0.1, se_b=0.1, n=499).provisional
    with pytest.raises(DataError, match="«\u00a0difficulty\u00a0»"):
        provisional("u", "A", "cyber", "single", difficulty=9)


def test_the_expected_curve_is_near_its_quadrature() -> None:
    item = provisional("u", "A", "cyber", "single", difficulty=0.4, options=4)
    theta = np.linspace(-4, 4, 33)
    node, weight = np.polynomial.hermite_e.hermegauss(21)
    weight = weight / weight.sum()
    wanted = np.zeros(33)
    for z1, w1 in zip(node, weight, strict=True):
        for z2, w2 in zip(node, weight, strict=True):
            drawn = Bank.logistic(np.exp(0.3 * z1), 0.4 + 0.6 * z2, 0.25)
            wanted += w1 * w2 * probabilities(drawn, theta)[0, 1]
    found = probabilities(bank_of([item]), theta)[0, 1]
    assert np.abs(found - wanted).max() < 0.01


def test_levels_and_what_is_borrowed() -> None:
    sure = level_probabilities(LEVELS, 0.7, 0.01)
    assert sure == pytest.approx((0, 0, 1, 0), abs=1e-9)
    wide = level_probabilities(LEVELS, 0.0, 1.0)
    assert wide == pytest.approx((0.2119, 0.3674, 0.3057, 0.1151), abs=1e-4)
    alone = np.eye(5)
    assert borrowed_sd(alone, 0, 0.4) == pytest.approx(1.0)
    joined = 0.4 * np.eye(5) + 0.6
    assert borrowed_sd(joined, 2, 0.4) == pytest.approx(0.7166, abs=1e-4)


def test_fixed_forms_are_parallel_and_share_nothing() -> None:
    made = frozen("fixed")
    (stage,) = made.stages
    assert [len(form) for form in stage.forms] == [20, 20]
    assert not set(stage.forms[0]) & set(stage.forms[1])
    for form, table in zip(stage.forms, stage.tables, strict=True):
        count = Counter(made.items[item].domain for item in form)
        assert count == dict.fromkeys(NAMES, 4)
        assert len(table) == 1 + sum(made.items[item].top for item in form)
        assert all(one.theta < two.theta for one, two in pairwise(table))
    assert all(
        row.equivalent in (None, pytest.approx(row.sum, abs=1e-3)) for row in stage.tables[0]
    )


def test_the_text_is_json_with_what_it_must_hold() -> None:
    body = json.loads(frozen("positioning_full").to_json())
    assert sorted(body) == sorted(
        ["format", "rules", "domains", "levels", "population", "items", "exp", "stages"]
    )
    assert [stage["code"] for stage in body["stages"]] == list(NAMES)
    assert body["items"][0]["provisional"] is True
    assert len(questions()) == 234
