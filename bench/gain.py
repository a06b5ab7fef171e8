"""Group gain, and domains scored together, against what they replace: mean EAP, domains alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.result import Result
from kalan.engine.psychometrics.data import Bank, Responses
from kalan.engine.psychometrics.domains import estimate_population, score_domains
from kalan.engine.psychometrics.gain import group_gain
from kalan.engine.psychometrics.models import probabilities
from kalan.engine.psychometrics.scoring import score

TRUE = 0.30
PROGRAMMES = 100  # of GROUP persons, for bias and coverage
GROUP = 400
DOMAINS = 5
Floats = NDArray[np.float64]


def _bank(rng: np.random.Generator, number: int, areas: int = 1) -> Bank:
    return Bank.logistic(
        np.exp(rng.normal(0.2, 0.3, number)),
        rng.normal(0, 1.2, number),
        rng.uniform(0.10, 0.25, number),
        area=[f"d{n % areas}" for n in range(number)],
    )


def _answers(rng: np.random.Generator, bank: Bank, theta: Floats) -> Responses:
    """``theta`` (P) for all items, or (P, n)."""
    if theta.ndim == 1:
        p = probabilities(bank, theta)[:, 1].T
    else:
        p = np.stack(
            [probabilities(bank.take([i]), theta[:, i])[0, 1] for i in range(bank.n_items)]
        ).T
    return Responses.from_dense(rng.random(p.shape) < p, items=bank.items)


def run(options: Sequence[str]) -> Iterator[Result]:
    for items in (10, 20, 30):
        yield from _gain(items)
    yield from _domains()


def _gain(items: int) -> Iterator[Result]:
    """Programmes whose true mean gain is TRUE; both tests of ``items`` items, no item twice."""
    rng = np.random.default_rng(items)
    marginal, plain, inside = [], [], 0
    for _ in range(PROGRAMMES):
        first, second = _bank(rng, items), _bank(rng, items)
        one = rng.normal(size=GROUP)
        two = 0.8 * one + rng.normal(0, 0.6, GROUP) + TRUE
        truth = float((two - one).mean())
        before, after = _answers(rng, first, one), _answers(rng, second, two)
        found = group_gain(first, before, second, after)
        marginal.append(found.gain - truth)
        inside += found.low <= TRUE <= found.high
        means = [score(first, before).theta.mean(), score(second, after).theta.mean()]
        plain.append(means[1] - means[0] - truth)
    peer = "différence des moyennes EAP, même tirage"
    biases = (100 * abs(float(np.mean(errors))) / TRUE for errors in (marginal, plain))
    ours, theirs = biases
    yield Result(f"gain, {items} questions : biais", ours, "% du gain", peer, theirs, True)
    error = 100 * float(np.std(marginal)) / np.sqrt(PROGRAMMES) / TRUE
    yield Result(f"gain, {items} questions : erreur de simulation du biais", error, "% du gain")
    yield Result(
        f"gain, {items} questions : intervalles à 95 % qui couvrent", inside / PROGRAMMES, "part"
    )


def _domains() -> Iterator[Result]:
    rng = np.random.default_rng(5)
    sigma = np.full((DOMAINS, DOMAINS), 0.7) + 0.3 * np.eye(DOMAINS)
    for each in (4, 8):
        bank = _bank(rng, each * DOMAINS, DOMAINS)
        true = rng.multivariate_normal(np.zeros(DOMAINS), sigma, 4000)
        spread = true[:, [int(area[1:]) for area in bank.area]]
        answers = _answers(rng, bank, spread)
        joint = score_domains(bank, answers, sigma, exact=False)
        alone = score_domains(bank, answers, np.eye(DOMAINS), exact=False)
        rmse, single = (float(np.sqrt(((s.theta - true) ** 2).mean())) for s in (joint, alone))
        peer = "chaque domaine seul, même tirage"
        yield Result(f"domaines, {each} questions chacun : RMSE", rmse, "θ", peer, single, True)
        honest = np.sqrt((joint.sd**2).mean(axis=0)) / np.sqrt(
            ((joint.theta - true) ** 2).mean(axis=0)
        )
        worst = float(honest[np.argmax(np.abs(honest - 1))])
        yield Result(f"domaines, {each} questions chacun : SD annoncé / RMSE, au pire", worst, "")
    yield from _apart(rng)


def _apart(rng: np.random.Generator) -> Iterator[Result]:
    """One domain 1.5 SD above the others in the population."""
    bank = _bank(rng, 12 * DOMAINS, DOMAINS)
    place = np.where(np.arange(DOMAINS) == 2, 1.5, 0.0)
    true = rng.multivariate_normal(place, np.full((5, 5), 0.6) + 0.4 * np.eye(5), 2000)
    answers = _answers(rng, bank, true[:, [int(area[1:]) for area in bank.area]])
    found = estimate_population(bank, answers, tolerance=1e-3)
    scores = score_domains(bank, answers, found.covariance, mean=found.mean, exact=False).theta
    gap = scores[:, 2].mean() - np.delete(scores, 2, axis=1).mean()
    # One ability projected on every domain shows no gap at all: its error is the whole gap.
    yield Result(
        "domaines distants de 1,5 : erreur sur l’écart",
        abs(float(gap) - 1.5),
        "θ",
        "une seule capacité, projetée",
        1.5,
        True,
    )
