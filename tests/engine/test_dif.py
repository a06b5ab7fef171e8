"""DIF: the formulas written out again, what it finds, what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import chi2

from kalan.engine.psychometrics.data import Bank, Responses
from kalan.engine.psychometrics.dif import logistic, mantel_haenszel
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.models import probabilities


def sample(shift: float = 0.0, persons: int = 1600) -> tuple[Responses, np.ndarray]:  # type: ignore[type-arg]
    """20 items; for the focal half the first is harder by ``shift``."""
    rng = np.random.default_rng(2)
    a, b = np.exp(rng.normal(0.1, 0.2, 20)), rng.normal(size=20)
    theta, focal = rng.normal(size=persons), np.arange(persons) % 2 == 1
    moved = b.copy()
    moved[0] += shift
    table = np.empty((persons, 20), int)
    for group, place in ((False, b), (True, moved)):
        who = focal == group
        p = probabilities(Bank.logistic(a, place), theta[who])[:, 1].T
        table[who] = rng.random(p.shape) < p
    return Responses.from_dense(table), focal


def test_mantel_haenszel_by_its_table() -> None:
    responses, focal = sample(0.6)
    table, total = responses.dense(), responses.dense().sum(axis=1)
    found = mantel_haenszel(responses, focal)[3]
    up = down = gap = variance = 0.0
    for stratum in range(21):
        x, g = table[total == stratum, 3], focal[total == stratum]
        n = x.size
        a, b = (x[~g] == 1).sum(), (x[~g] == 0).sum()
        c, d = (x[g] == 1).sum(), (x[g] == 0).sum()
        if n < 2:
            continue
        up, down = up + a * d / n, down + b * c / n
        gap += a - (a + b) * (a + c) / n
        variance += (a + b) * (c + d) * (a + c) * (b + d) / (n**2 * (n - 1))
    statistic = max(abs(gap) - 0.5, 0) ** 2 / variance
    assert found.mh_or == pytest.approx(up / down, rel=1e-12)
    assert found.delta == pytest.approx(-2.35 * np.log(up / down), rel=1e-12)
    assert found.chi2 == pytest.approx(statistic, rel=1e-9)
    assert found.p == pytest.approx(chi2.sf(statistic, 1), rel=1e-9)


def test_a_published_two_by_two_by_k_table() -> None:
    """Berkeley admissions by department (Bickel and others 1975): the common odds ratio of
    men over women is 0.9047 and, with the correction, the statistic 1.4269 (R, mantelhaen.test)."""
    rows = [
        (512, 313, 89, 19), (353, 207, 17, 8), (120, 205, 202, 391),
        (138, 279, 131, 244), (53, 138, 94, 299), (22, 351, 24, 317),
    ]  # fmt: skip
    answers, focal, stratum = [], [], []
    for department, cells in enumerate(rows):
        for cell, number in enumerate(cells):
            answers += [1 - cell % 2] * number
            focal += [cell > 1] * number
            stratum += [department] * number
    responses = Responses.from_dense(np.array(answers)[:, None])
    (found,) = mantel_haenszel(responses, np.array(focal), match=np.array(stratum))
    assert found.mh_or == pytest.approx(0.9047, abs=5e-5)
    assert found.chi2 == pytest.approx(1.4269, abs=5e-5)
    assert found.p == pytest.approx(0.2323, abs=5e-5)
    assert found.klass == "A"


def test_weights_are_repeated_rows() -> None:
    responses, focal = sample(0.4, 300)
    table, weight = responses.dense(), np.arange(300) % 3
    heavy = Responses.from_dense(table, weight=weight)
    long = Responses.from_dense(np.repeat(table, weight, axis=0))
    for method in (mantel_haenszel, logistic):
        one, two = method(heavy, focal)[0], method(long, np.repeat(focal, weight))[0]
        assert one.chi2 == pytest.approx(two.chi2, rel=1e-9)
        assert one.mh_or == pytest.approx(two.mh_or, rel=1e-9)


@pytest.mark.parametrize("method", [mantel_haenszel, logistic])
def test_the_moved_item_is_found_and_the_others_are_not(method: object) -> None:
    responses, focal = sample(1.2, 4000)
    found = method(responses, focal)  # type: ignore[operator]
    assert found[0].klass in ("B", "C")
    assert found[0].delta < -1
    assert [one.klass for one in found[1:]] == ["A"] * 19


def test_large_dif_is_class_c_and_purified_out_of_the_sum() -> None:
    responses, focal = sample(2.0, 4000)
    assert mantel_haenszel(responses, focal)[0].klass == "C"
    pure = mantel_haenszel(responses, focal, purify=True)
    assert pure[0].klass == "C"
    assert np.mean([abs(one.delta) for one in pure[1:] if one.delta]) < np.mean(
        [abs(one.delta) for one in mantel_haenszel(responses, focal)[1:] if one.delta]
    )


def test_swapping_the_groups_turns_the_sign() -> None:
    responses, focal = sample(0.8)
    one, two = mantel_haenszel(responses, focal)[0], mantel_haenszel(responses, ~focal)[0]
    assert one.delta == pytest.approx(-two.delta, rel=1e-12)  # type: ignore[operator]
    assert one.chi2 == pytest.approx(two.chi2, rel=1e-12)


def test_logistic_is_the_likelihood_ratio() -> None:
    responses, focal = sample(0.5, 800)
    table = responses.dense()
    s, y, g = table.sum(axis=1), table[:, 2], focal.astype(float)

    def best(x: np.ndarray) -> float:  # type: ignore[type-arg]
        def loss(beta: np.ndarray) -> float:  # type: ignore[type-arg]
            return float(-(y * (x @ beta) - np.logaddexp(0, x @ beta)).sum())

        return -minimize(loss, np.zeros(x.shape[1]), method="BFGS", options={"gtol": 1e-8}).fun

    z = (s - s.mean()) / s.std()
    base = np.column_stack([np.ones_like(z), z])
    statistic = 2 * (best(np.column_stack([base, g, z * g])) - best(base))
    assert logistic(responses, focal)[2].chi2 == pytest.approx(statistic, abs=1e-5)


def test_an_item_all_right_says_nothing() -> None:
    responses, focal = sample(0.0, 200)
    table = responses.dense()
    table[:, 5] = 1
    for method in (mantel_haenszel, logistic):
        found = method(Responses.from_dense(table), focal)[5]
        assert (found.chi2, found.p, found.klass) == (None, None, None)


def test_one_group_only_is_refused() -> None:
    responses, focal = sample(0.0, 50)
    with pytest.raises(DataError, match="Les deux groupes"):
        mantel_haenszel(responses, np.zeros_like(focal))


def test_scored_items_are_refused_by_name() -> None:
    with pytest.raises(DataError, match="« q2 »"):
        mantel_haenszel(Responses.from_dense([[1, 2], [0, 1]]), np.array([True, False]))
