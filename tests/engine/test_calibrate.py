"""Calibration: the worked example, the tight optimum, invariances, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from kalan.engine.psychometrics.calibrate import design, information
from kalan.engine.psychometrics.calibrate.expectation import collapsed
from kalan.engine.psychometrics.calibrate.kernels import MODELS
from kalan.engine.psychometrics.calibrate.marginal import calibrate
from kalan.engine.psychometrics.calibrate.priors import Priors, product_priors
from kalan.engine.psychometrics.calibrate.problem import Problem
from kalan.engine.psychometrics.calibrate.result import Calibration
from kalan.engine.psychometrics.data import Bank, Floats, Responses
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.likelihood import log_likelihood
from kalan.engine.psychometrics.quadrature import normal_grid
from tests.engine.calibration import bank, draw, lsat6

THETA = np.linspace(-6, 6, 61)


def _persons(number: int, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).normal(size=number)


def _problem(responses: Responses, model: str, priors: Priors | None = None) -> Problem:
    prepared = design.prepare(responses, model, None, False, False)
    group = np.zeros(responses.n_persons, np.int64)
    return design.build(prepared, model, None, priors or Priors(), group, 1, THETA)


def _same(one: Calibration, other: Calibration, within: float = 1e-6) -> None:
    assert abs(one.loglik - other.loglik) < within
    np.testing.assert_allclose(one.parameters.a, other.parameters.a, atol=within)
    np.testing.assert_allclose(one.parameters.b, other.parameters.b, atol=10 * within)
    np.testing.assert_allclose(one.parameters.c, other.parameters.c, atol=within)
    np.testing.assert_allclose(one.se, other.se, rtol=1e-4, atol=1e-5)


def test_lsat6() -> None:
    patterns, number = lsat6()
    responses = Responses.from_dense(patterns, weight=number)
    two = calibrate(responses, "2PL")
    assert two.converged
    assert two.n_persons == 1000
    assert abs(two.loglik - -2466.653377513) < 1e-8
    a = [0.825659530, 0.722744203, 0.890874532, 0.688367982, 0.656855958]
    b = [-3.358811099, -1.370057623, -0.279666222, -1.866381007, -3.125906713]
    np.testing.assert_allclose(two.parameters.a, a, atol=1e-6)
    np.testing.assert_allclose(two.parameters.b[:, 0], b, atol=1e-6)
    one = calibrate(responses, "1PL")
    assert abs(one.loglik - -2466.937599582) < 1e-6
    assert np.ptp(one.parameters.a) == 0


@pytest.mark.parametrize("nodes", [41, 61])
def test_the_log_likelihood_of_the_published_recipe(nodes: int) -> None:
    """1 000 × 50 of the recipe: mirt reached -25601.0920 (measured elsewhere)."""
    rng = np.random.default_rng(1050)
    a, b = np.exp(rng.normal(0.1, 0.3, 50)), rng.normal(0, 1, 50)
    theta = rng.normal(0, 1, 1000)
    p = 1 / (1 + np.exp(-a * (theta[:, None] - b)))
    found = calibrate(
        Responses.from_dense((rng.random((1000, 50)) < p).astype(int)),
        nodes=nodes,
        standard_errors=False,
    )
    assert abs(found.loglik - -25601.092) < (0.02 if nodes == 41 else 1e-4)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("prior", [None, product_priors()])
def test_the_answer_is_a_top(model: str, prior: Priors | None) -> None:
    """Finite differences of the value, which is written once more here from the definition."""
    responses = draw(bank(model), _persons(700), missing=0.1)
    found = calibrate(responses, model, priors=prior)
    assert found.converged
    problem = _problem(responses, model, prior)
    assert found.log_posterior == pytest.approx(_definition(found, responses, prior), abs=1e-7)
    grid = normal_grid()
    likelihood = np.exp(log_likelihood(found.bank(), responses, grid.theta))
    assert found.loglik == pytest.approx(float(np.log(likelihood @ grid.weight).sum()), abs=1e-6)
    x = problem.pack(_phi(found, problem), np.zeros((1, 2)))
    free = ~(problem.guessing & (x <= 0))
    for place in np.flatnonzero(free):
        step = np.zeros_like(x)
        step[place] = 1e-4
        ends = [problem.evaluate(x + sign * step).value for sign in (1, -1)]
        assert abs(ends[0] - ends[1]) / 2e-4 < 2e-3, place
        assert max(ends) < found.log_posterior + 1e-6


def _phi(found: Calibration, problem: Problem) -> Floats:
    a, b, c = found.parameters.a, found.parameters.b, found.parameters.c
    d = np.nan_to_num(-a[:, None] * b)
    if found.model == "GPCM":
        d = np.cumsum(d, axis=1)
    columns = [a[:, None], d]
    if found.model == "3PL":
        columns.append(c[:, None])
    return np.concatenate(columns, axis=1)


def _definition(found: Calibration, responses: Responses, prior: Priors | None) -> float:
    from scipy.stats import lognorm, norm

    value = found.loglik
    if prior is None:
        return value
    a, b, c = found.parameters.a, found.parameters.b, found.parameters.c
    slopes = a[:1] if found.model == "1PL" else a
    value += lognorm.logpdf(slopes, s=prior.a[1], scale=np.exp(prior.a[0])).sum()  # type: ignore[index]
    value += norm.logpdf(b[np.isfinite(b)], *prior.b).sum()  # type: ignore[misc]
    if found.model == "3PL":
        value += norm.logpdf(np.log(c / (1 - c)), *prior.logit_c).sum()  # type: ignore[misc]
    return float(value)


@pytest.mark.parametrize("model", MODELS)
def test_the_information_is_the_second_derivative(model: str) -> None:
    responses = draw(bank(model, 4), _persons(400), missing=0.2)
    prior = product_priors()
    problem = _problem(responses, model, prior)
    at = problem.evaluate(problem.pack(problem.phi, problem.latent) + 0.05)
    found = information.observed(problem, at)
    for place, row in enumerate(found):
        step = np.zeros(problem.size)
        step[place] = 1e-5
        ends = [problem.evaluate(at.x + sign * step).gradient for sign in (1, -1)]
        np.testing.assert_allclose(row, (ends[1] - ends[0]) / 2e-5, atol=1e-3)


def test_both_informations_agree_in_large_samples() -> None:
    responses = draw(bank("2PL", 8), _persons(20_000))
    problem = _problem(responses, "2PL")
    at = problem.evaluate(problem.pack(problem.phi, problem.latent))
    found = calibrate(responses)
    x = problem.pack(_phi(found, problem), np.zeros((1, 2)))
    at = problem.evaluate(x)
    exact = np.sqrt(np.diag(np.linalg.inv(information.observed(problem, at))))
    crossed = np.sqrt(np.diag(np.linalg.inv(information.cross_product(problem, at))))
    np.testing.assert_allclose(crossed, exact, rtol=0.05)


@pytest.mark.parametrize("model", MODELS)
def test_the_likelihood_never_falls(model: str) -> None:
    found = calibrate(draw(bank(model, 5), _persons(500)), model, standard_errors=False)
    assert len(found.trace) >= 3
    assert np.diff(found.trace).min() > -1e-8


@pytest.mark.parametrize("model", MODELS)
def test_weights_order_and_sparsity_change_nothing(model: str) -> None:
    prior = product_priors() if model == "3PL" else None
    responses = draw(bank(model, 5), _persons(400), missing=0.15)
    one = calibrate(responses, model, priors=prior)
    twice = Responses.from_dense(
        np.repeat(responses.dense(), 2, axis=0),
        items=responses.items,
        weight=np.tile([0.4, 0.6], 400),
    )
    _same(one, calibrate(twice, model, priors=prior))
    rng = np.random.default_rng(8)
    columns, rows = rng.permutation(5), rng.permutation(400)
    mixed = Responses.from_dense(
        responses.dense()[rows][:, columns], items=[responses.items[i] for i in columns]
    )
    other = calibrate(mixed, model, priors=prior)
    back = [other.items.index(name) for name in one.items]
    np.testing.assert_allclose(other.parameters.a[back], one.parameters.a, atol=1e-6)
    assert abs(other.loglik - one.loglik) < 1e-7


@pytest.mark.parametrize("model", ["2PL", "GPCM"])
def test_dense_and_compressed_rows_agree(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    responses = draw(bank(model, 8), _persons(900), missing=0.3)
    dense = calibrate(responses, model)
    monkeypatch.setattr("kalan.engine.psychometrics.calibrate.expectation.DENSE_SHARE", 2.0)
    monkeypatch.setattr("kalan.engine.psychometrics.calibrate.marginal.EXACT", 0.0)
    sparse = calibrate(responses, model)
    assert sparse.information == "cross-product"
    assert abs(sparse.loglik - dense.loglik) < 1e-8
    np.testing.assert_allclose(sparse.parameters.a, dense.parameters.a, atol=1e-6)
    np.testing.assert_allclose(sparse.se[:, 0], dense.se[:, 0], rtol=0.4)


@pytest.mark.parametrize("model", ["GRM", "GPCM"])
def test_two_categories_are_the_two_parameter_model(model: str) -> None:
    responses = draw(bank("2PL"), _persons(600))
    _same(calibrate(responses, model), calibrate(responses, "2PL"), 1e-6)


def test_large_problems_begin_in_single_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    responses = draw(bank("2PL", 10), _persons(1500))
    slow = calibrate(responses, standard_errors=False)
    monkeypatch.setattr("kalan.engine.psychometrics.calibrate.marginal.LARGE", 0.0)
    monkeypatch.setattr("kalan.engine.psychometrics.calibrate.marginal.NEWTON", 0.0)
    quick = calibrate(responses, standard_errors=False)
    assert abs(quick.loglik - slow.loglik) < 1e-8
    np.testing.assert_allclose(quick.parameters.a, slow.parameters.a, atol=1e-6)


@pytest.mark.parametrize("model", ["1PL", "2PL", "3PL", "GRM", "GPCM"])
def test_anchors_stay_and_carry_the_scale(model: str) -> None:
    true = bank(model, 12)
    responses = draw(true, 0.5 + 0.8 * _persons(3000))
    anchors = true.take(range(8))
    found = calibrate(responses, model, anchors=anchors, priors=product_priors())
    np.testing.assert_allclose(found.parameters.a[:8], anchors.a, rtol=1e-12)
    np.testing.assert_allclose(found.parameters.b[:8], anchors.b, atol=1e-12)
    np.testing.assert_allclose(found.parameters.c[:8], anchors.c, atol=1e-12)
    assert np.isnan(found.se[:8]).all()
    (group,) = found.groups
    assert group.se_mean is not None
    assert group.se_sd is not None
    assert abs(group.mean - 0.5) < 4 * group.se_mean
    assert abs(group.sd - 0.8) < 4 * group.se_sd
    off = (found.parameters.b[8:] - true.b[8:]) / found.se[8:, 1:-1]
    assert np.nanmax(np.abs(off)) < 4.5


def test_everything_anchored_estimates_the_group_only() -> None:
    true = bank("2PL", 10)
    found = calibrate(draw(true, _persons(2000) - 1), anchors=true)
    assert found.converged
    assert abs(found.groups[0].mean + 1) < 0.1
    assert np.isnan(found.se).all()


def test_groups_have_their_own_means() -> None:
    true = bank("2PL", 12)
    theta = np.concatenate([_persons(2500), 0.7 + 1.3 * _persons(2500, 2)])
    names = ["a"] * 2500 + ["b"] * 2500
    responses = draw(true, theta)
    found = calibrate(responses, groups=names)
    first, second = found.groups
    assert (first.mean, first.sd, first.se_mean) == (0, 1, None)
    assert second.se_mean is not None
    assert second.se_sd is not None
    assert abs(second.mean - 0.7) < 4 * second.se_mean
    assert abs(second.sd - 1.3) < 4 * second.se_sd
    swapped = calibrate(responses, groups=names, reference="b")
    assert [group.name for group in swapped.groups] == ["b", "a"]
    # The same model in another metric: θ' = (θ − mean) / sd.
    assert abs(swapped.loglik - found.loglik) < 0.05
    np.testing.assert_allclose(swapped.parameters.a, found.parameters.a * second.sd, rtol=5e-3)
    shuffled = np.random.default_rng(1).permutation(5000)
    again = calibrate(responses.keep(shuffled), groups=[names[i] for i in shuffled], reference="a")
    assert abs(again.loglik - found.loglik) < 1e-7


def test_the_group_gradient_and_information_by_finite_differences() -> None:
    responses = draw(bank("GRM", 4), _persons(300))
    prepared = design.prepare(responses, "GRM", None, False, False)
    group = (np.arange(300) % 3 == 0).astype(np.int64)
    problem = design.build(prepared, "GRM", None, Priors(), group, 2, THETA)
    x = problem.pack(problem.phi, problem.latent)
    x[-2:] = 0.3, -0.2
    at = problem.evaluate(x)
    found = information.observed(problem, at)
    for place in (0, problem.size - 2, problem.size - 1):
        step = np.zeros(problem.size)
        step[place] = 1e-5
        up, down = problem.evaluate(x + step), problem.evaluate(x - step)
        assert abs((up.value - down.value) / 2e-5 - at.gradient[place]) < 1e-4
        np.testing.assert_allclose(found[place], (down.gradient - up.gradient) / 2e-5, atol=1e-3)


def test_collapsing_keeps_persons_and_groups_apart() -> None:
    responses = Responses.from_dense(
        [[0, 1], [0, 1], [-1, 1], [0, 1], [0, -1]], weight=[1, 2, 3, 4, 5]
    )
    joined, group = collapsed(responses, np.array([0, 0, 0, 1, 1]))
    rows = {
        (int(g), *row): weight
        for g, row, weight in zip(
            group, joined.dense().tolist(), joined.weight.tolist(), strict=True
        )
    }
    assert rows == {(0, 0, 1): 3, (0, -1, 1): 3, (1, 0, 1): 4, (1, 0, -1): 5}


def test_persons_without_an_answer_count_but_weigh_nothing() -> None:
    responses = draw(bank("2PL"), _persons(300))
    more = Responses.from_dense(
        np.vstack([responses.dense(), np.full((4, 6), -1)]), items=responses.items
    )
    one, other = calibrate(responses), calibrate(more)
    assert other.n_persons == 304
    assert other.without_answer == 4
    assert any("4 personne(s) sans réponse" in text for text in other.warnings)
    _same(one, other)


def test_few_answers_are_warned_of() -> None:
    for persons, word in ((150, "moins de 200"), (300, "moins de 500"), (600, None)):
        found = calibrate(draw(bank("2PL"), _persons(persons)), standard_errors=False)
        texts = [text for text in found.warnings if "Provisoire" in text]
        assert (word is None) == (not texts)
        assert word is None or word in texts[0]


def test_a_reversed_item_is_warned_of() -> None:
    table = draw(bank("2PL"), _persons(800)).dense()
    table[:, 2] = 1 - table[:, 2]
    found = calibrate(Responses.from_dense(table))
    assert found.parameters.a[2] < 0
    assert any("négative" in text and "q3" in text for text in found.warnings)
    with pytest.raises(DataError, match="q3"):
        found.bank()


def test_guessing_that_the_data_do_not_show_ends_at_zero() -> None:
    patterns, number = lsat6()
    found = calibrate(Responses.from_dense(patterns, weight=number), "3PL")
    assert found.converged
    assert found.parameters.c.min() == 0
    assert np.isnan(found.se[found.parameters.c == 0, -1]).all()


@pytest.mark.parametrize(
    ("table", "model", "message"),
    [
        ([[1, 1], [1, 0]], "2PL", "«.q1.».*réponse 1 partout .constante.*--drop-constant"),
        ([[1, -1], [0, -1]], "2PL", "«.q2.».*aucune réponse.*--drop-constant"),
        ([[1, 2], [0, 0]], "3PL", "«.q2.».*réponse 2, alors que 3PL attend 0 ou 1"),
        ([[1, 3], [0, 0], [1, 1]], "GRM", "«.q2.».*catégorie 2 n’est jamais.*--recode"),
        ([[1, 3], [2, 2], [1, 1]], "GPCM", "«.q1.».*catégorie 0 n’est jamais"),
    ],
)
def test_bad_items_are_named(table: list[list[int]], model: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        calibrate(Responses.from_dense(table), model)


def test_constant_items_left_out_and_categories_recoded() -> None:
    responses = draw(bank("GRM"), _persons(300))
    table = np.hstack([responses.dense(), np.ones((300, 1), int), np.full((300, 1), -1)])
    found = calibrate(Responses.from_dense(table), "GRM", drop_constant=True)
    assert found.items == responses.items
    assert found.dropped == ("q7", "q8")
    _same(found, calibrate(responses, "GRM"))
    with pytest.raises(DataError, match="aucune question"):
        calibrate(Responses.from_dense([[1, 1], [1, 1]]), drop_constant=True)
    gap = responses.dense().copy()
    gap[gap[:, 1] > 0, 1] += 2
    recoded = calibrate(Responses.from_dense(gap), "GRM", recode=True)
    assert any("renumérotées" in text and "q2" in text for text in recoded.warnings)
    _same(recoded, calibrate(responses, "GRM"))


def test_bad_anchors_and_groups_are_named() -> None:
    responses = draw(bank("2PL"), _persons(50))
    for anchors, message in (
        (Bank.logistic(1.0, [0.0], items=["z"]), "Aucune question"),
        (Bank.logistic(1.0, [0.0], 0.2), "«.q1.».*asymptote"),
        (bank("GRM", 2), "«.q1.».*autre modèle"),
    ):
        with pytest.raises(DataError, match=message):
            calibrate(responses, anchors=anchors)
    with pytest.raises(DataError, match="Groupe de référence"):
        calibrate(responses, groups=["a"] * 50, reference="z")
    with pytest.raises(DataError, match="pas de groupe"):
        calibrate(responses, groups=["a"] * 49 + [""])
    silent = Responses.from_dense(np.vstack([responses.dense(), np.full((1, 6), -1)]))
    with pytest.raises(DataError, match=r"Groupe «.b.».*aucune réponse|Groupe «.b.»"):
        calibrate(silent, groups=["a"] * 50 + ["b"])


def test_priors_are_checked() -> None:
    with pytest.raises(ValueError, match="not both"):
        Priors(logit_c=(0.0, 1.0), beta_c=(5.0, 17.0))
    with pytest.raises(ValueError, match="above 0"):
        Priors(a=(0.0, 0.0))
    with pytest.raises(ValueError, match="above 0"):
        Priors(beta_c=(0.0, 1.0))
    assert not Priors()


def test_a_beta_prior_holds_guessing() -> None:
    from scipy.stats import beta

    responses = draw(bank("3PL", 8), _persons(800))
    found = calibrate(responses, "3PL", priors=Priors(beta_c=(200.0, 800.0)))
    np.testing.assert_allclose(found.parameters.c, 0.2, atol=0.03)
    density = beta.logpdf(found.parameters.c, 200, 800).sum()
    assert found.log_posterior == pytest.approx(found.loglik + density, abs=1e-7)


@pytest.mark.parametrize("model", MODELS)
def test_far_too_few_answers_end_with_a_warning(model: str) -> None:
    for seed in range(2):
        rng = np.random.default_rng(seed)
        table = rng.integers(0, 2 if model.endswith("PL") else 3, (12, 3))
        found = calibrate(Responses.from_dense(table), model, drop_constant=True, recode=True)
        assert np.isfinite(found.parameters.a).all()
        assert np.isfinite(found.loglik)
        limitless = [text for text in found.warnings if "sans limite" in text]
        assert bool(limitless) == bool((found.parameters.a > 25).any())
        assert found.converged or any("pas convergé" in text for text in found.warnings)
