"""Domains scored together: the brute-force posterior, honest SDs, borrowed strength, PRMSE."""

from __future__ import annotations

import numpy as np
import pytest

from kalan.engine.psychometrics.data import Bank, Floats, Responses
from kalan.engine.psychometrics.domains import (
    POINTS,
    domain_likelihoods,
    estimate_population,
    expectation_propagation,
    score_domains,
)
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.models import probabilities
from kalan.engine.psychometrics.subscores import haberman, simulated_prmse

FIVE = ("communication", "cyber", "données", "outils", "télésanté")


def bank(domains: tuple[str, ...], each: int, seed: int = 1) -> Bank:
    rng = np.random.default_rng(seed)
    number = each * len(domains)
    return Bank.logistic(
        np.exp(rng.normal(0.2, 0.3, number)), rng.normal(0, 1.2, number), area=domains * each
    )


def equal(domains: int, r: float) -> Floats:
    return np.full((domains, domains), r) + (1 - r) * np.eye(domains)


def sample(test: Bank, true: Floats, seed: int = 2) -> Responses:
    domains = sorted(set(test.area))
    rng = np.random.default_rng(seed)
    theta = true[:, [domains.index(area) for area in test.area]]  # (P, n)
    p = np.stack([probabilities(test.take([i]), theta[:, i])[0, 1] for i in range(test.n_items)])
    return Responses.from_dense(rng.random(theta.shape) < p.T, items=test.items)


@pytest.mark.parametrize("r", [0.0, 0.6, 0.9])
def test_two_domains_against_the_whole_grid(r: float) -> None:
    test = bank(("a", "b"), 6)
    responses = sample(test, np.random.default_rng(0).multivariate_normal([0, 0], equal(2, r), 30))
    log_l = domain_likelihoods(test, responses, ("a", "b"))
    x, y = np.meshgrid(POINTS, POINTS, indexing="ij")
    inverse = np.linalg.inv(equal(2, r))
    log_prior = -0.5 * (inverse[0, 0] * x**2 + 2 * inverse[0, 1] * x * y + inverse[1, 1] * y**2)
    found = score_domains(test, responses, equal(2, r))
    for person in range(30):
        log_w = log_prior + log_l[person, 0][:, None] + log_l[person, 1][None, :]
        w = np.exp(log_w - log_w.max())
        w /= w.sum()
        mean = (w * x).sum(), (w * y).sum()
        sd = np.sqrt((w * (x - mean[0]) ** 2).sum()), np.sqrt((w * (y - mean[1]) ** 2).sum())
        assert found.theta[person] == pytest.approx(mean, abs=2e-3)
        assert found.sd[person] == pytest.approx(sd, abs=2e-3)


def test_the_sd_claimed_is_the_error_made_over_five_domains() -> None:
    """Goal: within 5 % of the simulated RMSE, a short test of 4 items a domain."""
    test = bank(FIVE, 4)
    true = np.random.default_rng(5).multivariate_normal(np.zeros(5), equal(5, 0.7), 2000)
    found = score_domains(test, sample(test, true), equal(5, 0.7), exact=False)
    rmse = np.sqrt(((found.theta - true) ** 2).mean(axis=0))
    claimed = np.sqrt((found.sd**2).mean(axis=0))
    assert np.abs(claimed / rmse - 1).max() < 0.05


def test_true_domains_that_differ_by_a_sd_and_a_half_are_recovered() -> None:
    """A population stronger by 1.5 SD in one domain: its means come out, persons' scores follow."""
    test = bank(FIVE, 12)
    place = np.array([0.0, 0.0, 1.5, 0.0, 0.0])
    true = np.random.default_rng(4).multivariate_normal(place, equal(5, 0.6), 700)
    responses = sample(test, true)
    population = estimate_population(test, responses, tolerance=3e-3)
    assert np.abs(population.mean - place).max() < 0.15
    found = score_domains(test, responses, population.covariance, mean=population.mean, exact=False)
    gap = found.theta.mean(axis=0) - found.theta.mean()
    assert gap[2] - np.delete(gap, 2).mean() == pytest.approx(1.5, abs=0.15)
    inside = np.abs(found.theta - true) < 1.96 * found.sd
    assert 0.93 < inside.mean() < 0.97


def test_one_persons_uneven_profile_is_seen_though_drawn_together() -> None:
    test = bank(FIVE, 20)
    true = np.zeros((300, 5))
    true[:, 2] = 1.5
    found = score_domains(test, sample(test, true), equal(5, 0.6), exact=False)
    mean = found.theta.mean(axis=0)
    assert int(np.argmax(mean)) == 2
    assert 0.8 < mean[2] - np.delete(mean, 2).mean() < 1.5


def test_each_domain_borrows_strength() -> None:
    test = bank(FIVE, 4)
    true = np.random.default_rng(6).multivariate_normal(np.zeros(5), equal(5, 0.8), 1500)
    responses = sample(test, true)
    alone = score_domains(test, responses, np.eye(5), exact=False)
    together = score_domains(test, responses, equal(5, 0.8), exact=False)
    rmse = [np.sqrt(((one.theta - true) ** 2).mean()) for one in (alone, together)]
    assert rmse[1] < 0.85 * rmse[0]
    assert together.sd.mean() < alone.sd.mean()


def test_a_domain_without_an_answer_leans_on_the_others_and_says_so() -> None:
    test = bank(("a", "b"), 10)
    table = np.ones((1, 20))
    table[0, 1::2] = -1
    found = score_domains(test, Responses.from_dense(table, items=test.items), equal(2, 0.8))
    assert 0 < found.theta[0, 1] < found.theta[0, 0]
    assert found.theta[0, 1] == pytest.approx(0.8 * found.theta[0, 0], abs=5e-3)
    assert found.sd[0, 1] > found.sd[0, 0]


def test_the_correlation_is_found() -> None:
    test = bank(("a", "b", "c"), 12)
    sigma = np.array([[1, 0.8, 0.4], [0.8, 1, 0.5], [0.4, 0.5, 1]])
    true = np.random.default_rng(7).multivariate_normal(np.zeros(3), sigma, 3000)
    assert (
        np.abs(estimate_population(test, sample(test, true), free=False).covariance - sigma).max()
        < 0.06
    )


def test_propagation_alone_is_close_to_the_corrected_moments() -> None:
    test = bank(FIVE, 4)
    true = np.random.default_rng(8).multivariate_normal(np.zeros(5), equal(5, 0.7), 40)
    responses = sample(test, true)
    fast = score_domains(test, responses, equal(5, 0.7), exact=False)
    slow = score_domains(test, responses, equal(5, 0.7))
    assert np.abs(fast.theta - slow.theta).max() < 0.02
    assert np.abs(fast.sd - slow.sd).max() < 0.02


def test_uncorrelated_domains_are_scored_each_on_its_own() -> None:
    test = bank(("a", "b"), 8)
    responses = sample(test, np.zeros((5, 2)))
    log_l = domain_likelihoods(test, responses, ("a", "b"))
    m, *_ = expectation_propagation(log_l, np.eye(2), np.zeros(2))
    w = np.exp(log_l - log_l.max(axis=2, keepdims=True) - 0.5 * POINTS**2)
    assert np.abs(m - (w @ POINTS) / w.sum(axis=2)).max() < 1e-6


def test_subscores_that_only_repeat_the_total_are_not_reportable() -> None:
    same = simulated_prmse(bank(FIVE, 4), equal(5, 0.98), persons=1500)
    apart = simulated_prmse(bank(FIVE, 12), equal(5, 0.3), persons=1500)
    assert [one.reportable for one in same] == [False] * 5
    assert [one.reportable for one in apart] == [True] * 5
    for one in (*same, *apart):
        assert one.joint is not None
        assert one.joint >= one.own - 0.02


def test_habermans_criterion_on_observed_sums() -> None:
    for r, expected in ((0.99, False), (0.2, True)):
        test = bank(("a", "b", "c"), 10)
        true = np.random.default_rng(9).multivariate_normal(np.zeros(3), equal(3, r), 3000)
        found = haberman(sample(test, true), dict(zip(test.items, test.area, strict=True)))
        assert [one.reportable for one in found] == [expected] * 3


def test_correlations_that_cannot_be_are_refused() -> None:
    test = bank(("a", "b", "c"), 2)
    nobody = Responses.from_dense(-np.ones((1, 6)), items=test.items)
    with pytest.raises(DataError, match="défini positif"):
        score_domains(test, nobody, np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1.0]]))
    with pytest.raises(DataError, match="3 × 3"):
        score_domains(test, nobody, np.eye(2))
    with pytest.raises(DataError, match="son domaine"):
        score_domains(test, nobody, np.eye(2), domains=("a", "b"))
