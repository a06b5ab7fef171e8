"""Item and person fit against brute force over all patterns, and against what each should see."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import chi2

from kalan.engine.psychometrics.data import GRADED, PARTIAL_CREDIT, Bank, Responses
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.fit import item_fit, person_fit, q3, sx2
from kalan.engine.psychometrics.models import probabilities
from kalan.engine.psychometrics.quadrature import normal_grid
from kalan.engine.psychometrics.scoring import score
from kalan.engine.psychometrics.sums import (
    category_parts,
    leave_one_out,
    sum_distribution,
    sum_score_eap,
)
from kalan.engine.psychometrics.tails import benjamini_hochberg, chi_square_tail


def draw(bank: Bank, persons: int, seed: int = 5) -> Responses:
    rng = np.random.default_rng(seed)
    p = probabilities(bank, rng.normal(size=persons))
    drawn = (rng.random((bank.n_items, 1, persons)) > p.cumsum(axis=1)).sum(axis=1)
    return Responses.from_dense(np.minimum(drawn, bank.top[:, None]).T, items=bank.items)


def standard(number: int, seed: int = 3) -> Bank:
    rng = np.random.default_rng(seed)
    return Bank.logistic(np.exp(rng.normal(0.1, 0.3, number)), rng.normal(size=number))


def test_tails_are_scipys() -> None:
    for df in (1, 2, 3, 4, 7, 10, 31):
        for value in (0.0, 0.01, 1.0, 5.5, 40.0, 200.0):
            assert chi_square_tail(value, df) == pytest.approx(chi2.sf(value, df), rel=1e-10)


def test_adjusted_p_values() -> None:
    assert benjamini_hochberg([0.01, None, 0.04, 0.03]) == pytest.approx([0.03, None, 0.04, 0.04])


def test_sum_distribution_is_the_sum_over_all_patterns() -> None:
    bank = Bank.polytomous(PARTIAL_CREDIT, [1.0, 0.7, 1.4], [[0, 1], [-1, 0.5], [0.3, np.nan]])
    theta = np.array([-1.0, 0.4])
    parts = category_parts(bank, theta)
    brute = np.zeros((6, 2))
    for pattern in itertools.product(range(3), range(3), range(2)):
        brute[sum(pattern)] += np.prod([parts[i][k] for i, k in enumerate(pattern)], axis=0)
    assert np.abs(sum_distribution(parts, 2) - brute).max() < 1e-15
    for i, rest in enumerate(leave_one_out(parts)):
        others = [part for j, part in enumerate(parts) if j != i]
        assert np.abs(rest - sum_distribution(others, 2)).max() < 1e-15


def test_a_sum_scores_eap_is_the_mean_over_its_patterns() -> None:
    bank, grid = standard(4), normal_grid()
    table = np.array(list(itertools.product((0, 1), repeat=4)))
    p = probabilities(bank, grid.theta)
    like = np.array([np.prod([p[i, x] for i, x in enumerate(row)], axis=0) for row in table])
    found, share = sum_score_eap(bank, grid)
    for total in range(5):
        weight = like[table.sum(axis=1) == total].sum(axis=0) * grid.weight
        assert share[total] == pytest.approx(weight.sum(), abs=1e-14)
        assert found.theta[total] == pytest.approx(weight @ grid.theta / weight.sum(), abs=1e-12)


def test_sx2_is_its_definition() -> None:
    """Expected shares by brute force over all 2⁵ patterns; no cell is small enough to merge."""
    bank, grid = standard(5), normal_grid()
    responses = draw(bank, 4000)
    table = responses.dense()
    p = probabilities(bank, grid.theta)
    patterns = np.array(list(itertools.product((0, 1), repeat=5)))
    like = np.array(
        [np.prod([p[i, x] for i, x in enumerate(row)], axis=0) @ grid.weight for row in patterns]
    )
    for item, (statistic, df, tail) in enumerate(sx2(bank, responses)):
        expected = 0.0
        for total in range(1, 5):
            same = patterns.sum(axis=1) == total
            share = like[same & (patterns[:, item] == 1)].sum() / like[same].sum()
            group = table[table.sum(axis=1) == total, item]
            expected += group.size * (group.mean() - share) ** 2 / (share * (1 - share))
        assert statistic == pytest.approx(expected, rel=1e-10)
        assert df == 2
        assert tail == pytest.approx(chi2.sf(expected, 2), rel=1e-9)


@pytest.mark.parametrize("family", [GRADED, PARTIAL_CREDIT])
def test_sx2_of_scored_items_holds_its_level(family: int) -> None:
    rng = np.random.default_rng(1)
    steps = np.sort(rng.normal(0, 1, (12, 3)), axis=1)
    bank = Bank.polytomous(family, np.exp(rng.normal(0.1, 0.2, 12)), steps)
    p = [x for seed in range(6) for *_, x in sx2(bank, draw(bank, 1500, seed))]
    assert 0.25 < np.mean([x for x in p if x is not None]) < 0.75


def test_sx2_sees_an_item_that_the_model_does_not_describe() -> None:
    bank = standard(15)
    responses = draw(bank, 3000)
    table = responses.dense()
    table[:, 4] = np.random.default_rng(0).integers(0, 2, 3000)
    tails = [p for *_, p in sx2(bank, Responses.from_dense(table))]
    assert tails[4] is not None
    assert tails[4] < 1e-12
    assert item_fit(bank, Responses.from_dense(table, items=bank.items))[4].outfit > 1.2  # type: ignore[operator]


def test_sx2_needs_someone_who_answered_all() -> None:
    with pytest.raises(DataError, match="aucune n’a répondu à toutes"):
        sx2(standard(2), Responses.from_dense([[1, -1], [-1, 0]]))


def test_lz_and_lz_star_from_snijders_formulas() -> None:
    bank = standard(25)
    responses = draw(bank, 40)
    theta = score(bank, responses, "ML").theta
    found = person_fit(bank, responses, "ML")
    for person, x in enumerate(responses.dense()):
        if not np.isfinite(theta[person]):
            assert np.isnan(found.lz[person])
            continue
        p = 1 / (1 + np.exp(-bank.a * (theta[person] - bank.b[:, 0])))
        w, first = np.log(p / (1 - p)), bank.a * p * (1 - p)
        r = first / (p * (1 - p))
        c = (first * w).sum() / (first * r).sum()
        gap, pq = ((x - p) * w).sum(), p * (1 - p)
        assert found.lz[person] == pytest.approx(gap / np.sqrt((pq * w**2).sum()), rel=1e-8)
        star = gap / np.sqrt((pq * (w - c * r) ** 2).sum())
        assert found.lz_star[person] == pytest.approx(star, abs=1e-8)


@pytest.mark.parametrize("method", ["ML", "MAP", "WLE"])
def test_lz_star_is_standard_where_lz_is_too_narrow(method: str) -> None:
    bank = standard(30)
    found = person_fit(bank, draw(bank, 3000), method)  # type: ignore[arg-type]
    lz, star = (x[np.isfinite(x)] for x in (found.lz, found.lz_star))
    assert abs(star.mean()) < 0.12
    assert 0.9 < star.std() < 1.08
    assert abs(star.std() - 1) < abs(lz.std() - 1) + 0.02


def test_a_person_who_answers_backwards_is_seen() -> None:
    bank = standard(30)
    order = np.argsort(bank.b[:, 0])
    odd = np.zeros(30)
    odd[order[15:]] = 1  # only the hard half right
    found = person_fit(bank, Responses.from_dense([odd], items=bank.items))
    assert found.lz_star[0] < -4
    assert found.outfit[0] > 2


def test_infit_and_outfit_are_near_one_under_the_model() -> None:
    bank = standard(20)
    found = item_fit(bank, draw(bank, 3000))
    infit = [one.infit for one in found if one.infit is not None]
    # An item pulls the estimate towards its own answer, the more the steeper it is.
    assert 0.9 < np.mean(infit) < 1.0
    assert int(np.argmin(infit)) == int(np.argmax(bank.a))


def test_local_dependence_shows_in_q3() -> None:
    bank = standard(10)
    table = draw(bank, 2000).dense()
    table[:, 1] = table[:, 0]
    found = q3(bank, Responses.from_dense(table, items=bank.items))
    assert found[0, 1] > 0.5
    others = found[np.triu_indices(10, 1)]
    assert np.sort(others)[-2] < 0.1
