"""The picker and the simulation in step: one set of rules, written twice, must agree."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalan.engine.psychometrics.blueprint import (
    Blueprint,
    Decision,
    Quota,
    Sprt,
    StopRules,
)
from kalan.engine.psychometrics.data import GRADED, Bank, Responses
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.exposure import Eligibility, Ledger
from kalan.engine.psychometrics.feasibility import check
from kalan.engine.psychometrics.models import information
from kalan.engine.psychometrics.quadrature import normal_grid
from kalan.engine.psychometrics.scoring import score
from kalan.engine.psychometrics.select import Picker, Plan, Tables
from kalan.engine.psychometrics.simulate import simulate
from kalan.engine.psychometrics.stop import REASONS

GRID = normal_grid(61, 5.0)


def make_bank(number: int = 120, areas: str = "ABC", seed: int = 3) -> Bank:
    rng = np.random.default_rng(seed)
    return Bank.logistic(
        np.exp(rng.normal(0.2, 0.3, number)),
        rng.normal(0, 1.2, number),
        rng.uniform(0.1, 0.25, number),
        area=[areas[i % len(areas)] for i in range(number)],
    )


def sit(picker: Picker, answers: Iterator[int]) -> None:
    while picker.next() is not None:
        picker.answer(next(answers))


BLUEPRINTS = {
    "fixed": Blueprint(12, 12),
    "quotas": Blueprint(
        12, 12, {"A": Quota(2, 3), "B": Quota(6, 8), "C": Quota(1, 2)}, spread_until=6
    ),
    "precision": Blueprint(4, 20, {"A": Quota(2, 9)}, stop=StopRules(se=0.5)),
    "plateau": Blueprint(4, 20, stop=StopRules(flat=0.03, window=2)),
    "floor": Blueprint(4, 20, stop=StopRules(information=0.45)),
    "decision": Blueprint(4, 20, stop=StopRules(decision=Decision(0.3, 0.1))),
    "cut": Blueprint(4, 20, stop=StopRules(decision=Decision(0.3, 0.1)), select_at="cut"),
    "sprt": Blueprint(4, 20, stop=StopRules(sprt=Sprt(0.0, 0.5, 0.1, 0.1))),
}


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_a_picker_does_what_the_simulation_in_step_does(name: str) -> None:
    """The same draws and the same answers: same items, same estimate, same reason to stop."""
    blueprint = BLUEPRINTS[name]
    tables = Tables(make_bank(), GRID, noise=0.05, variants=4, widths=(0.0, 0.4, 0.8))
    plan = Plan(tables, blueprint)
    persons = 40
    theta = np.random.default_rng(1).normal(size=persons)
    together = simulate(plan, theta, np.random.default_rng(2))
    draws = np.random.default_rng(2).random((2, blueprint.maximum, persons))[0]
    for person in range(persons):
        picker = Picker(plan, draws=iter(draws[:, person].tolist()).__next__)
        length = int(together.length[person])
        sit(picker, iter(together.category[person].tolist()))
        assert picker.items == together.item[person, :length].tolist()
        assert picker.reason == REASONS[together.reason[person]]
        assert picker.theta == pytest.approx(together.theta[person], abs=1e-9)
        assert picker.se == pytest.approx(together.se[person], abs=1e-7)
    if name != "fixed" and name != "quotas":
        assert len(set(together.length.tolist())) > 1  # the rule does end tests


def test_the_estimate_is_the_eap_of_the_answers() -> None:
    bank = make_bank()
    picker = Picker(Plan(Tables(bank, GRID), Blueprint(15, 15)))
    rng = random.Random(4)
    sit(picker, iter(lambda: rng.randrange(2), -1))
    row = np.full((1, bank.n_items), -1)
    row[0, picker.items] = picker.categories
    found = score(bank, Responses.from_dense(row, items=bank.items), grid=GRID)
    assert picker.theta == pytest.approx(float(found.theta[0]), abs=1e-10)
    assert picker.se == pytest.approx(float(found.se[0]), abs=1e-8)


def test_without_constraints_the_next_item_is_the_most_informative_one() -> None:
    bank = make_bank()
    picker = Picker(Plan(Tables(bank, GRID), Blueprint(10, 10, spread=1)))
    rng = random.Random(5)
    while (item := picker.next()) is not None:
        nearest = GRID.theta[np.abs(GRID.theta - picker.theta).argmin()]
        info = information(bank, np.array([nearest]))[:, 0]
        info[picker.items] = -1
        assert item == int(info.argmax())
        picker.answer(rng.randrange(2))


def test_polytomous_items_and_blanks() -> None:
    rng = np.random.default_rng(6)
    bank = Bank.polytomous(GRADED, 1.4, np.sort(rng.normal(size=(30, 3)), axis=1))
    tables = Tables(bank, GRID)
    wrong = Picker(Plan(tables, Blueprint(5, 5, spread=1)))
    zero = Picker(Plan(tables, Blueprint(5, 5, spread=1)))
    silent = Picker(Plan(tables, Blueprint(5, 5, spread=1, blank="missing")))
    for picker, answer in ((wrong, None), (zero, 0), (silent, None)):
        picker.next()
        picker.answer(answer)
    assert wrong.theta == zero.theta < 0
    assert silent.theta == pytest.approx(0.0, abs=1e-12)
    assert silent.categories == [-1]
    assert silent.next() not in silent.items
    with pytest.raises(DataError, match="catégories 0 à 3"):
        silent.answer(4)


@st.composite
def blueprints(draw: st.DrawFn) -> tuple[Bank, Blueprint]:
    """A small bank, and quotas that it may or may not carry."""
    bank = make_bank(draw(st.integers(6, 40)), "ABCD", draw(st.integers(0, 99)))
    quotas = {}
    for area in draw(st.sets(st.sampled_from("ABCD"))):
        least = draw(st.integers(0, 4))
        quotas[area] = Quota(least, least + draw(st.integers(0, 3)))
    length = draw(st.integers(1, 14))
    minimum = draw(st.integers(1, length))
    stop = StopRules(se=draw(st.sampled_from([None, 0.8])))
    return bank, Blueprint(minimum, length, quotas, stop=stop, spread_until=3)


@settings(max_examples=150, deadline=None)
@given(blueprints(), st.randoms(use_true_random=False))
def test_quotas_are_met_whenever_the_check_says_that_they_can(
    case: tuple[Bank, Blueprint], rng: random.Random
) -> None:
    bank, blueprint = case
    lacks = check(bank, blueprint)
    if any("erreur type" not in lack.what for lack in lacks):
        return
    picker = Picker(Plan(Tables(bank, normal_grid(21, 4.0)), blueprint), seed=rng.randrange(99))
    sit(picker, iter(lambda: rng.randrange(2), -1))
    assert blueprint.minimum <= len(picker.items) <= blueprint.maximum
    assert len(set(picker.items)) == len(picker.items)
    got = Counter(bank.area[item] for item in picker.items)
    for area, quota in blueprint.quotas.items():
        assert quota.minimum <= got[area] <= quota.maximum


def test_thousands_of_tests_meet_quotas_and_the_cap() -> None:
    bank = make_bank(200, "AABBC")
    quotas = {"A": Quota(4, 5), "B": Quota(3, 6), "C": Quota(2, 2)}
    blueprint = Blueprint(10, 10, quotas, cap=0.15, spread_until=3)
    plan = Plan(Tables(bank, GRID), blueprint)
    persons = 3000
    ledger = Ledger.warm(0.15, np.full(200, 0.05), 100)
    theta = np.random.default_rng(1).normal(size=persons)
    found = simulate(plan, theta, np.random.default_rng(2), ledger=ledger)
    assert found.relaxed == 0
    assert all(len(set(row)) == 10 for row in found.item.tolist())
    area = plan.tables.area[found.item]
    for number, name in enumerate(plan.tables.areas):
        got = (area == number).sum(axis=1)
        assert got.min() >= quotas[name].minimum
        assert got.max() <= quotas[name].maximum
    given = np.bincount(found.item.ravel(), minlength=200)
    assert given.max() <= 0.15 * (persons + 100) - 0.05 * 100 + 1e-9
    again = simulate(
        plan,
        theta,
        np.random.default_rng(2),
        ledger=Ledger.warm(0.15, np.full(200, 0.05), 100),
    )
    assert np.array_equal(found.item, again.item)
    assert np.array_equal(found.theta, again.theta)


def test_persons_one_after_another_keep_the_cap() -> None:
    bank = make_bank(100)
    plan = Plan(Tables(bank, GRID), Blueprint(8, 8, cap=0.2))
    ledger, rng, persons = Ledger.warm(0.2, np.full(100, 0.08), 50), random.Random(1), 400
    given = np.zeros(100)
    for person in range(persons):
        ledger.open_block(1)
        picker = Picker(plan, seed=person, closed=ledger.closed())
        sit(picker, iter(lambda: rng.randrange(2), -1))
        ledger.close_block(np.array(picker.items))
        given[picker.items] += 1
        assert picker.relaxed == 0
    assert given.max() <= 0.2 * (persons + 50) - 0.08 * 50 + 1e-9


def test_a_sitting_without_an_open_item_passes_over_the_cap_not_over_the_quotas() -> None:
    bank = make_bank(12)
    quotas = {"A": Quota(2, 2), "B": Quota(1, 1), "C": Quota(1, 1)}
    picker = Picker(Plan(Tables(bank, GRID), Blueprint(4, 4, quotas)), closed=b"\1" * 12)
    sit(picker, iter(lambda: 1, 0))
    assert picker.relaxed >= 1
    assert Counter(bank.area[item] for item in picker.items) == {"A": 2, "B": 1, "C": 1}


def test_the_same_seed_gives_the_same_sitting() -> None:
    plan = Plan(Tables(make_bank(), GRID, noise=0.1, variants=8), Blueprint(9, 9))
    paths = []
    for seed in (7, 7, 8):
        picker = Picker(plan, seed=seed)
        sit(picker, iter(lambda: 1, 0))
        paths.append(picker.items)
    assert paths[0] == paths[1] != paths[2]


def test_the_first_item_is_drawn_among_twenty() -> None:
    plan = Plan(Tables(make_bank(), GRID), Blueprint(9, 9))
    first = Counter(Picker(plan, seed=seed).next() for seed in range(600))
    assert set(first) == set(plan.tables.order[0, 30, :20].tolist())
    assert max(first.values()) < 60


def test_eligibility_by_lot_lowers_the_rates() -> None:
    plan = Plan(Tables(make_bank(150), GRID), Blueprint(8, 8))
    theta = np.random.default_rng(1).normal(size=3000)
    rule = Eligibility.cold(0.2, 150)
    simulate(plan, theta, np.random.default_rng(2), eligibility=rule, block=50)
    rule.learns = False
    after = simulate(plan, theta, np.random.default_rng(3), eligibility=rule)
    assert after.exposure(150).max() < 0.27
    assert simulate(plan, theta, np.random.default_rng(3)).exposure(150).max() > 0.4
