"""Edges of fit, DIF, linking, gain, subscores, forms and standards: weights, NaN, nothing there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from kalan.engine.psychometrics.data import GRADED, Bank, Responses
from kalan.engine.psychometrics.dif import logistic, mantel_haenszel
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.fit import person_fit, q3
from kalan.engine.psychometrics.forms import assemble, check_forms
from kalan.engine.psychometrics.gain import group_gain, personal_change
from kalan.engine.psychometrics.link import link, transformed
from kalan.engine.psychometrics.models import probabilities
from kalan.engine.psychometrics.quadrature import normal_grid
from kalan.engine.psychometrics.reliability import (
    decision_quality,
    drift,
    marginal_reliability,
)
from kalan.engine.psychometrics.scoring import Scores
from kalan.engine.psychometrics.standard import angoff
from kalan.engine.psychometrics.subscores import haberman, simulated_prmse

ITEMS = Bank.logistic(np.linspace(0.7, 1.6, 10), np.linspace(-1.5, 1.5, 10))


def table(persons: int, seed: int = 1) -> np.ndarray:  # type: ignore[type-arg]
    rng = np.random.default_rng(seed)
    p = probabilities(ITEMS, rng.normal(size=persons))[:, 1].T
    return (rng.random(p.shape) < p).astype(int)


def both(seed: int = 1, persons: int = 120) -> tuple[Responses, Responses]:
    """The same answers with weights 1 … 3, and with rows repeated."""
    answers, weight = table(persons, seed), np.arange(persons) % 3 + 1
    return (
        Responses.from_dense(answers, weight=weight, items=ITEMS.items),
        Responses.from_dense(np.repeat(answers, weight, axis=0), items=ITEMS.items),
    )


def test_q3_counts_weights_as_repeated_rows() -> None:
    heavy, long = both()
    assert q3(ITEMS, heavy) == pytest.approx(q3(ITEMS, long), abs=1e-9)


def test_gain_counts_weights_as_repeated_rows() -> None:
    (one, one_long), (two, two_long) = both(1), both(2)
    found = group_gain(ITEMS, one, ITEMS, two)
    long = group_gain(ITEMS, one_long, ITEMS, two_long)
    assert found.gain == pytest.approx(long.gain, abs=1e-6)
    assert found.se == pytest.approx(long.se, rel=1e-5)
    assert (found.n, found.clusters) == (long.n, long.clusters) == (240, 240)


def test_habermans_criterion_counts_weights_as_repeated_rows() -> None:
    domain_of = {item: "ab"[number % 2] for number, item in enumerate(ITEMS.items)}
    for heavy, long in zip(*(haberman(one, domain_of) for one in both()), strict=True):
        assert heavy.own == pytest.approx(long.own, abs=1e-12)
        assert heavy.total == pytest.approx(long.total, abs=1e-12)


def test_an_answer_that_was_all_but_certain_has_its_exact_variance() -> None:
    bank = Bank.logistic([2.0, 1.0], [-20.0, 0.0])
    at = Scores(np.array([0.0]), np.array([0.5]))
    found = person_fit(bank, Responses.from_dense([[0, 1]], items=bank.items), scores=at)
    expected = (np.exp(40.0) + 1.0) / 2  # P/(1 − P) = e⁴⁰ of the surprise, 1 of the other
    assert found.outfit[0] == pytest.approx(expected, rel=1e-9)


def test_logistic_dif_says_nothing_of_an_item_that_one_group_never_saw() -> None:
    answers, focal = table(80), np.arange(80) % 2 == 1
    match = answers.sum(axis=1)
    answers[focal, 3] = -1
    responses = Responses.from_dense(answers, items=ITEMS.items)
    for found in (
        logistic(responses, focal, match=match.astype(float))[3],
        mantel_haenszel(responses, focal, match=match)[3],
    ):
        assert (found.klass, found.p, found.chi2) == (None, None, None)


def test_linking_graded_items_out_of_banks_of_unequal_width() -> None:
    rng = np.random.default_rng(1)
    place = np.sort(rng.normal(size=(6, 2)), axis=1)
    target = Bank.polytomous(GRADED, np.linspace(0.8, 1.4, 6), place)
    wide = np.full((7, 4), np.nan)
    wide[:6, :2], wide[6] = place, [-1, 0, 1, 2]
    whole = Bank.polytomous(GRADED, np.append(target.a, 1.0), wide)
    source = transformed(whole, 1 / 1.2, -0.3 / 1.2)
    for method in ("haebara", "stocking-lord"):
        found = link(source, target, method)  # type: ignore[arg-type]
        assert (found.slope, found.intercept) == pytest.approx((1.2, 0.3), abs=1e-6)
    assert [one.flag for one in drift(whole, target)] == [False] * 6


def test_haebara_counts_every_category_of_a_graded_item() -> None:
    rng = np.random.default_rng(3)
    place = np.sort(rng.normal(size=(8, 3)), axis=1)
    one = Bank.polytomous(GRADED, np.linspace(0.8, 1.4, 8), place)
    two = Bank.polytomous(GRADED, one.a * rng.uniform(0.9, 1.1, 8), 1.1 * place + 0.2)
    found, grid = link(one, two, "haebara"), normal_grid()

    def loss(slope: float, intercept: float) -> float:
        gap = probabilities(two, grid.theta) - probabilities(
            transformed(one, slope, intercept), grid.theta
        )
        return float((gap**2 @ grid.weight).sum())

    best = loss(found.slope, found.intercept)
    for move in (-1e-3, 1e-3):
        assert loss(found.slope + move, found.intercept) > best
        assert loss(found.slope, found.intercept + move) > best


def test_items_that_agree_to_the_last_digits_do_not_drift() -> None:
    new = Bank.logistic(ITEMS.a, ITEMS.b[:, 0] + 1e-9 * np.arange(10) ** 3)
    assert not any(one.flag for one in drift(ITEMS, new))
    with pytest.raises(DataError, match=r"q1.*nombre de catégories"):
        drift(Bank.polytomous(GRADED, np.ones(3), [[0, 1]] * 3), ITEMS.take([0, 1, 2]))


NOBODY = Scores(np.array([np.nan, np.inf]), np.array([np.nan, np.inf]))
FEW = Responses.from_dense(table(5), items=ITEMS.items)
LIGHT = Responses.from_dense(table(5), items=ITEMS.items, weight=np.full(5, 2.0))
MANY = Responses.from_dense(table(40), items=ITEMS.items)
ALONE = {item: "seul" if item == "q1" else "autre" for item in ITEMS.items}


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: marginal_reliability(NOBODY), "au moins deux personnes"),
        (lambda: decision_quality(NOBODY, 0.0), "aucune estimation finie"),
        (lambda: group_gain(ITEMS, FEW, ITEMS, LIGHT), "le même poids"),
        (lambda: group_gain(ITEMS, FEW, ITEMS, FEW, cluster=np.zeros(4, int)), "une par personne"),
        (lambda: group_gain(ITEMS, FEW, ITEMS, FEW, cluster=np.zeros(5, int)), "deux structures"),
        (lambda: personal_change(ITEMS, FEW, ITEMS, MANY), "mêmes personnes"),
        (lambda: haberman(MANY, {"q1": "a"}), "q2.*domaine n’est pas déclaré"),
        (lambda: haberman(MANY, ALONE), "seul.*deux questions"),
        (lambda: haberman(FEW, ALONE), "au moins 30 personnes"),
        (lambda: simulated_prmse(ITEMS, np.array([[2.0, 0.0]])), "1 × 1"),
        (lambda: assemble(ITEMS, forms=1, length=4, target=np.zeros(4)), "au-dessus de 0"),
        (lambda: assemble(ITEMS, forms=1, length=4, target=np.ones(2)), "4 nombres"),
        (lambda: assemble(ITEMS, forms=0, length=4), "au moins une forme"),
        (lambda: angoff(ITEMS, np.full((3, 10), 0.5), judges=("x",)), "3 lignes d’avis pour 1"),
    ],
)
def test_what_cannot_be_computed_is_said(ask: Callable[[], object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        ask()


def test_no_form_at_all_is_lacking() -> None:
    assert len(check_forms(ITEMS, 1, 0, {})) == 1


def test_a_reliability_of_nothing_but_certainty() -> None:
    assert marginal_reliability(Scores(np.ones(3), np.zeros(3))) == 0.0
