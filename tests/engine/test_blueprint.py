"""Reading a blueprint, and what a bank lacks for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kalan.engine.psychometrics.blueprint import (
    Blueprint,
    Decision,
    Quota,
    StopRules,
    blueprint_from,
    read_blueprint,
)
from kalan.engine.psychometrics.data import Bank
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.feasibility import best_information, check, refuse
from kalan.engine.psychometrics.models import information
from tests.engine.test_select import make_bank


def test_a_full_blueprint(tmp_path: Path) -> None:
    file = tmp_path / "B.json"
    plan = {
        "length": {"min": 8, "max": 40},
        "quotas": {"A": 6, "B": {"min": 2, "max": 9}},
        "r_max": 0.2,
        "stop": {"se": 0.3, "decision": {"cut": 0.5}},
        "seed": 7,
    }
    file.write_text(json.dumps(plan), encoding="utf-8")
    found = read_blueprint(file)
    assert (found.minimum, found.maximum, found.cap, found.seed) == (8, 40, 0.2, 7)
    assert found.quotas == {"A": Quota(6, 6), "B": Quota(2, 9)}
    assert found.stop == StopRules(se=0.3, decision=Decision(0.5, 0.025))


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ([], "plan"),
        ({}, "length"),
        ({"length": 0}, "length"),
        ({"length": 2.5}, "length"),
        ({"length": True}, "length"),
        ({"length": {"min": 9}}, "length"),
        ({"length": {"min": 9, "max": 3}}, "length"),
        ({"length": 5, "long": 1}, "long"),
        ({"length": 5, "quotas": 3}, "quotas"),
        ({"length": 5, "quotas": {"A": -1}}, "quotas.A"),
        ({"length": 5, "quotas": {"A": {"least": 1}}}, "quotas.A.least"),
        ({"length": 5, "r_max": 1.5}, "r_max"),
        ({"length": 5, "r_max": 0}, "r_max"),
        ({"length": 5, "r_max": "x"}, "r_max"),
        ({"length": 5, "estimator": "MLE"}, "estimator"),
        ({"length": 5, "stop": {"decision": {}}}, "stop.decision.cut"),
        ({"length": 5, "stop": {"sprt": {"cut": 0, "alpha": 0.7}}}, "stop.sprt.alpha"),
        ({"length": 5, "blank": "skip"}, "blank"),
        ({"length": 5, "prior": {"sd": 0}}, "prior.sd"),
        ({"length": 5, "select_at": "cut"}, "select_at"),
    ],
)
def test_what_is_wrong_is_named_by_its_key(data: Any, path: str) -> None:
    with pytest.raises(DataError, match=f"« {path} »"):
        blueprint_from(data)


def test_an_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="introuvable"):
        read_blueprint(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="JSON"):
        read_blueprint(tmp_path / "bad.json")


BANK = make_bank(90)  # 30 items in each of A, B, C


@pytest.mark.parametrize(
    ("blueprint", "where", "what"),
    [
        (Blueprint(5, 91), "", "91 questions demandées, la banque en a 90"),
        (Blueprint(5, 40, {"A": Quota(31, 40)}), "Domaine « A »", "Il en manque 1"),
        (Blueprint(5, 40, {"Z": Quota(1, 2)}), "Domaine « Z »", "0 dans la banque"),
        (Blueprint(5, 10, {"A": Quota(6, 6), "B": Quota(5, 5)}), "", "11 questions"),
        (Blueprint(9, 9, {x: Quota(0, 2) for x in "ABC"}), "", "laissent 6 questions"),
        (Blueprint(9, 9, {"A": Quota(4, 4)}, cap=0.1), "Domaine « A »", "40 questions"),
        (Blueprint(20, 20, cap=0.2), "", "que 18 questions par test"),
        (Blueprint(5, 9, stop=StopRules(se=0.1)), "θ = -2.0", "erreur type"),
    ],
)
def test_what_a_bank_lacks_and_where(blueprint: Blueprint, where: str, what: str) -> None:
    lacks = check(BANK, blueprint)
    assert lacks
    assert lacks[0].where == where
    assert what in lacks[0].what
    with pytest.raises(DataError, match="ne peut pas porter"):
        refuse(BANK, blueprint)


def test_a_bank_that_carries_the_test() -> None:
    blueprint = Blueprint(9, 12, {"A": Quota(3, 3)}, cap=0.2, stop=StopRules(se=0.6))
    assert check(BANK, blueprint) == []
    refuse(BANK, blueprint)


def test_the_best_test_against_all_tests() -> None:
    from itertools import combinations

    bank = Bank.logistic(
        [1, 1.5, 2, 0.7, 1.2, 0.9], [0, 0.4, -1, 1, 0.1, -0.3], area=list("AAABBB")
    )
    theta = np.array([-0.5, 0.8])
    info, blueprint = information(bank, theta), Blueprint(4, 4, {"A": Quota(1, 2)})
    for q in range(2):
        tests = (t for t in combinations(range(6), 4) if 1 <= sum(i < 3 for i in t) <= 2)
        best = max(info[list(t), q].sum() for t in tests)
        assert best_information(bank, blueprint, theta)[q] == pytest.approx(best)
