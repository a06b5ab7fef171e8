"""Prices, strict limits, reports and what a bank can carry."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kalan.engine.psychometrics.blueprint import Blueprint, Quota, StopRules
from kalan.engine.psychometrics.commands.program import run
from kalan.engine.psychometrics.data import Bank
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.models import information
from kalan.engine.psychometrics.prices import prepare, strict_limit
from kalan.engine.psychometrics.quadrature import normal_grid
from kalan.engine.psychometrics.report import Group, Study, exposure, report, study
from kalan.engine.psychometrics.select import Plan, Tables
from kalan.engine.psychometrics.simulate import simulate
from tests.engine.test_select import make_bank


def standard_bank(areas: tuple[str, ...] = ()) -> Bank:
    """The standard 3PL bank, as in ``bench/bank.py``."""
    rng = np.random.default_rng(20261121)
    a, b = np.exp(rng.normal(0.2, 0.3, 500)), rng.normal(0, 1.2, 500)
    return Bank.logistic(a, b, rng.uniform(0.10, 0.25, 500), area=areas)


@pytest.mark.parametrize(
    ("cap", "quotas", "published"),
    [(None, False, 0.2282), (0.2, False, 0.2428), (0.1, False, 0.2706), (None, True, 0.2308)],
)
def test_strict_limits_as_published(cap: float | None, quotas: bool, published: float) -> None:
    bank = standard_bank(tuple("ABCDE" * 100))
    blueprint = Blueprint(30, 30, {x: Quota(6, 6) for x in "ABCDE"} if quotas else {}, cap=cap)
    assert strict_limit(bank, blueprint).rmse == pytest.approx(published, abs=5e-5)


def test_dual_prices_make_the_best_tests() -> None:
    """At every θ the tests of the programme hold the items worth most after their price."""
    bank, blueprint = make_bank(60), Blueprint(6, 6, cap=0.2)
    limit = strict_limit(bank, blueprint)
    w = normal_grid(41, 4.0).weight
    value = information(bank, limit.theta) - limit.price[:, None]
    best = np.sort(value, axis=0)[-6:].sum(axis=0)
    assert (limit.price >= -1e-9).all()
    # strong duality: priced tests plus what the caps are worth equal the optimum
    assert w @ best + 0.2 * limit.price.sum() == pytest.approx(w @ limit.information, rel=1e-6)


def test_an_impossible_programme_is_refused() -> None:
    with pytest.raises(DataError, match="ne peuvent pas être tenus ensemble"):
        strict_limit(make_bank(60), Blueprint(20, 20, cap=0.2))


def test_prices_lower_exposure_and_use_every_item() -> None:
    bank, blueprint = make_bank(100), Blueprint(8, 8, cap=0.2)
    theta = np.random.default_rng(1).normal(size=2000)
    plain = simulate(Plan(Tables(bank, normal_grid(61, 5.0)), blueprint), theta, _rng())
    plan, ledger = prepare(bank, blueprint, normal_grid(61, 5.0), persons=600)
    priced = simulate(plan, theta, _rng())
    held = simulate(plan, theta, _rng(), ledger=ledger)
    before, after = plain.exposure(100), priced.exposure(100)
    assert before.max() > 0.5 > 0.35 > after.max()
    assert (after == 0).sum() < (before == 0).sum() / 3
    assert held.exposure(100).max() <= 0.2 * 2200 / 2000


def _rng() -> np.random.Generator:
    return np.random.default_rng(2)


@pytest.fixture(scope="module")
def done() -> Study:
    groups = {"F": Group(-0.5, 1.0, 3.0), "M": Group(0.5, 1.0, 1.0)}
    blueprint = Blueprint(10, 12, {"A": Quota(4, 6)}, stop=StopRules(se=0.45))
    return study(make_bank(150), blueprint, 1500, groups=groups)


def test_a_report_against_its_definitions(done: Study) -> None:
    found, sittings = report(done), done.sittings
    error = sittings.theta - sittings.truth
    assert found["rmse"] == pytest.approx(np.sqrt((error**2).mean()))
    assert found["bias"] == pytest.approx(error.mean())
    assert 0.93 < found["coverage"] < 0.97
    assert sum(found["reasons"].values()) == pytest.approx(1)
    assert sum(row["persons"] for row in found["levels"]) == 1500
    rates = found["exposure"]
    used = sum(row["items"] for row in rates["distribution"])
    assert used + rates["never_used"] == 150
    assert sum(row["per_test"]["mean"] for row in found["areas"]) == pytest.approx(
        found["length"]["mean"]
    )
    groups = {row["group"]: row for row in found["groups"]}
    assert groups["F"]["persons"] > 2 * groups["M"]["persons"]
    json.dumps(found["groups"], allow_nan=False)


def test_overlap_is_the_mean_share_of_common_items() -> None:
    found = study(make_bank(60), Blueprint(6, 6), 150)
    sets = [set(row) for row in found.sittings.item.tolist()]
    common = [len(one & other) / 6 for k, one in enumerate(sets) for other in sets[:k]]
    # the formula counts a person with oneself: 1 / P of the pairs, all in common
    expected = np.mean(common) * (1 - 1 / 150) + 1 / 150
    assert exposure(found)["overlap"] == pytest.approx(expected)


@pytest.mark.parametrize("estimator", ["ML", "WLE", "MAP"])
def test_other_estimators(estimator: str) -> None:
    blueprint = replace(Blueprint(15, 15), estimator=estimator)
    found = report(study(make_bank(80), blueprint, 300))
    assert found["infinite"] < (60 if estimator == "ML" else 1)
    assert 0.2 < found["rmse"] < 0.8


def test_verdicts() -> None:
    good = report(study(make_bank(150), Blueprint(25, 25), 800))["verdict"]
    assert good["carries"] == "adaptive"
    rng = np.random.default_rng(1)
    weak = Bank.logistic(np.full(40, 0.4), rng.normal(size=40))
    poor = report(study(weak, Blueprint(15, 15), 800))["verdict"]
    assert poor["carries"] == "neither"
    assert any("fidélité" in reason for reason in poor["reasons"])
    spread = Bank.logistic(np.full(90, 1.5), rng.normal(size=90))
    blueprint = Blueprint(20, 20, stop=StopRules(se=0.2))
    fixed = report(study(spread, blueprint, 500))["verdict"]
    assert fixed["carries"] == "fixed forms"
    assert any("0.2" in reason for reason in fixed["reasons"])


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bank = make_bank(60)
    rows = zip(bank.items, bank.a, bank.b[:, 0], bank.c, bank.area, strict=True)
    text = "item,a,b,c,area\n" + "".join(f"{i},{a},{b},{c},{x}\n" for i, a, b, c, x in rows)
    (tmp_path / "bank.csv").write_text(text, encoding="utf-8")
    plan = tmp_path / "plan.json"
    plan.write_text('{"length": 6, "quotas": {"A": 2, "B": 2, "C": 2}}', encoding="utf-8")
    words = ["simulate", "--bank", str(tmp_path / "bank.csv"), "--blueprint", str(plan)]
    assert run([*words, "--n", "200", "--seed", "4"]) == 0
    first = capsys.readouterr().out
    found = json.loads(first)
    assert found["seed"] == 4
    assert found["n"] == 200
    assert {row["area"]: row["per_test"]["min"] for row in found["areas"]} == dict.fromkeys(
        "ABC", 2
    )
    assert run([*words, "--n", "200", "--seed", "4"]) == 0
    assert capsys.readouterr().out == first
    plan.write_text('{"length": 6, "quotas": {"A": 21}}', encoding="utf-8")
    assert run(words) == 1
    assert "Il en manque 1" in capsys.readouterr().err
    assert run([*words, "--groups", '{"F": {"sd": 0}}']) == 1
