"""What a group gained between two tests, and what one person did.

The mean of EAP estimates understates a gain, since each is drawn towards the prior. Here the two
means are estimated by marginal likelihood on fixed item parameters: (θ₁, θ₂) bivariate normal
(Andersen 1985; Embretson 1991). The interval is a sandwich over independent clusters (Huber 1967,
White 1982): the facility when persons share one; Student's t with one degree less than there are.

In a group of some tens the likelihood alone is often largest at a correlation of 1 or an SD of 0,
where it has no curvature to tell an error from. A weak prior √σ₁·√σ₂·√(1 − ρ²) keeps the maximum
inside (boundary avoidance: Chung et al. 2013, gamma on an SD; Chung et al. 2015, Wishart on a
covariance). On the correlation it is theirs, |Σ|^½; on each SD half of theirs, for |Σ|^½ makes the
SDs of a dozen persons 6 % too large, and half leaves them true (decision 0010). Each mean has
N(0, 3²), three times the spread of people: it only speaks where a short test was all but guessed.
The prior enters the middle of the sandwich as one more observation would: where answers tell
nothing of a mean, its error is the prior's and not 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.data import Bank, Floats, Responses
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.likelihood import log_likelihood
from kalan.engine.psychometrics.scoring import score

Z95 = 1.959963984540054
POINTS = np.linspace(-6.0, 6.0, 61)
PRIOR_SD, PRIOR_CORRELATION = 0.5, 0.5  # exponents of σ₁σ₂ and of 1 − ρ²
PRIOR_MEAN = 1 / 3.0**2  # precision
# μ₁, μ₂, ln σ₁, ln σ₂, artanh ρ. A normal narrower than half a step of POINTS (0.1) falls between
# them and its likelihood is an accident of where they lie: hence no σ below, no ρ above 0.987.
BOUNDS = ((-5.0, 5.0), (-5.0, 5.0), (-2.3, 1.5), (-2.3, 1.5), (-2.5, 2.5))


@dataclass(frozen=True)
class GroupGain:
    """``gain`` = μ₂ − μ₁ with its standard error and 95 % interval, on the θ scale; ``means``,
    ``sds`` of both moments and their ``correlation``; ``n`` persons, ``clusters`` of them."""

    gain: float
    se: float
    low: float
    high: float
    means: tuple[float, float]
    sds: tuple[float, float]
    correlation: float
    n: int
    clusters: int


@dataclass(frozen=True, eq=False)
class PersonalChange:
    """(P) change θ̂₂ − θ̂₁ by WLE, its standard error, and whether it is real at 95 %."""

    change: Floats
    se: Floats
    real: NDArray[np.bool_]


def personal_change(
    before: Bank, first: Responses, after: Bank, second: Responses
) -> PersonalChange:
    """|change| > 1.96·√(SE₁² + SE₂²); NaN where a test has no answer."""
    _check_pairs(first, second)
    one, two = score(before, first, "WLE"), score(after, second, "WLE")
    change, se = two.theta - one.theta, np.hypot(one.se, two.se)
    return PersonalChange(change, se, np.abs(change) > Z95 * se)


def group_gain(
    before: Bank,
    first: Responses,
    after: Bank,
    second: Responses,
    *,
    cluster: NDArray[np.int64] | None = None,
) -> GroupGain:
    """Gain of the persons of ``first`` and ``second`` (same order; someone absent from one test has
    no answer there and still counts for the other).

    Refused where all but all answers of a moment are right, or wrong: its mean has no estimate."""
    _check_pairs(first, second)
    likelihoods = [
        _likelihood(bank.aligned(responses.items), responses)
        for bank, responses in ((before, first), (after, second))
    ]
    there = [(np.diff(r.start) > 0) & (first.weight > 0) for r in (first, second)]
    answered = there[0] | there[1]
    if first.weight[answered].sum() < 2 or not there[0].any() or not there[1].any():
        raise DataError("Il faut au moins deux personnes, et des réponses avant comme après.")
    one, two = likelihoods[0][answered], likelihoods[1][answered]
    weight = first.weight[answered]
    where = None if cluster is None else _clusters(cluster, answered)
    found = _maximise(one, two, weight)
    covariance = _sandwich(found, one, two, weight, where)
    persons = round(float(weight.sum()))
    groups = persons if where is None else int(where.max()) + 1
    contrast = np.array([-1.0, 1.0, 0.0, 0.0, 0.0])
    gain, se = float(contrast @ found), float(np.sqrt(contrast @ covariance @ contrast))
    half = _student(groups - 1) * se
    sds = float(np.exp(found[2])), float(np.exp(found[3]))
    return GroupGain(
        gain, se, gain - half, gain + half, (float(found[0]), float(found[1])), sds,
        float(np.tanh(found[4])), persons, groups,
    )  # fmt: skip


def _student(degrees: int) -> float:
    from scipy.special import stdtrit  # only here: scipy takes long to load

    return float(stdtrit(degrees, 0.975))


def _check_pairs(first: Responses, second: Responses) -> None:
    if first.n_persons != second.n_persons:
        raise DataError("Avant et après : les mêmes personnes sont attendues, dans le même ordre.")
    if not np.array_equal(first.weight, second.weight):
        raise DataError("Avant et après : une personne doit avoir le même poids aux deux tests.")


def _clusters(cluster: NDArray[np.int64], answered: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Clusters of those who answered, numbered from 0."""
    named = np.asarray(cluster)
    if named.shape != answered.shape:
        raise DataError("Structures : une par personne est attendue, dans le même ordre.")
    _, number = np.unique(named[answered], return_inverse=True)
    if number.max() < 1:
        raise DataError("Un intervalle demande au moins deux structures (ou aucune déclarée).")
    return np.asarray(number, np.int64)


def _likelihood(bank: Bank, responses: Responses) -> Floats:
    """(P, Q) likelihoods, each row divided by its largest: the ratio is all that counts."""
    log_l = log_likelihood(bank, responses, POINTS)
    return np.asarray(np.exp(log_l - log_l.max(axis=1, keepdims=True)), np.float64)


def _density(parameters: Floats) -> tuple[Floats, Floats]:
    """(Q, Q) bivariate normal weights summing to 1, and (5, Q, Q) derivatives of their logarithm.

    Parameters: μ₁, μ₂, ln σ₁, ln σ₂, artanh ρ. The weights are made to sum to 1, hence each
    derivative has its mean taken away.
    """
    m1, m2, s1, s2, z = parameters
    sd1, sd2, rho = np.exp(s1), np.exp(s2), np.tanh(z)
    x = ((POINTS - m1) / sd1)[:, None]
    y = ((POINTS - m2) / sd2)[None, :]
    rest = 1 - rho**2
    log_a = -(x**2 - 2 * rho * x * y + y**2) / (2 * rest)
    a = np.exp(log_a - log_a.max())
    a /= a.sum()
    zero = np.zeros_like(a)
    slope = np.stack(
        [
            (x - rho * y) / (rest * sd1) + zero,
            (y - rho * x) / (rest * sd2) + zero,
            (x**2 - rho * x * y) / rest + zero,
            (y**2 - rho * x * y) / rest + zero,
            # d/dρ times dρ/dz, where dρ/dz = 1 − ρ²
            (x * y * (1 + rho**2) - rho * (x**2 + y**2)) / rest,
        ]
    )
    return a, slope - (slope * a).sum(axis=(1, 2))[:, None, None]


def _scores(parameters: Floats, one: Floats, two: Floats) -> tuple[Floats, Floats]:
    """(P) log-likelihoods and (P, 5) their derivatives (Fisher's identity)."""
    a, slope = _density(parameters)
    whole = ((one @ a) * two).sum(axis=1)
    gradient = np.stack([((one @ (a * part)) * two).sum(axis=1) / whole for part in slope], axis=1)
    return np.log(whole), gradient


def _prior(parameters: Floats) -> tuple[float, Floats, Floats]:
    """Logarithm of the weak prior, (5) its derivatives and (5) second ones (the rest are 0)."""
    m1, m2, s1, s2, z = parameters
    rho = np.tanh(z)
    rest = 1 - rho**2
    value = PRIOR_SD * (s1 + s2) + PRIOR_CORRELATION * np.log(rest)
    value -= PRIOR_MEAN * (m1**2 + m2**2) / 2
    means = [-PRIOR_MEAN * m1, -PRIOR_MEAN * m2]
    slope = np.array([*means, PRIOR_SD, PRIOR_SD, -2 * PRIOR_CORRELATION * rho])
    curve = np.array([-PRIOR_MEAN, -PRIOR_MEAN, 0.0, 0.0, -2 * PRIOR_CORRELATION * rest])
    return float(value), slope, curve


def _maximise(one: Floats, two: Floats, weight: Floats) -> Floats:
    from scipy.optimize import minimize  # only here: scipy takes long to load

    total = weight.sum()

    def loss(parameters: Floats) -> tuple[float, Floats]:
        value, gradient = _scores(parameters, one, two)
        prior, slope, _ = _prior(parameters)
        return -float(weight @ value + prior) / total, -(weight @ gradient + slope) / total

    start = np.array([0.0, 0.2, 0.0, 0.0, 0.8])
    done = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=BOUNDS,
        options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 500},
    )  # fmt: skip
    if not _inside(done.x)[:2].all():
        raise DataError(
            "Avant ou après, presque toutes les réponses sont justes, ou presque toutes fausses : "
            "ce test ne mesure pas le niveau de ce groupe, son gain ne peut être estimé."
        )
    return np.asarray(done.x, np.float64)


def _inside(parameters: Floats) -> NDArray[np.bool_]:
    low, high = np.array(BOUNDS).T
    return np.asarray((parameters > low + 1e-6) & (parameters < high - 1e-6))


def _sandwich(
    found: Floats, one: Floats, two: Floats, weight: Floats, cluster: NDArray[np.int64] | None
) -> Floats:
    """(5, 5) covariance H⁻¹ B H⁻¹, B summed over clusters with the usual g/(g − 1). Without
    clusters each person is one: a pattern of weight w stands for w of them, not for one of w.
    A parameter at its bound all the same is taken as known: the others keep their full error."""
    step = 1e-4
    hessian = np.empty((5, 5))
    for k in range(5):
        move = np.eye(5)[k] * step
        up, down = (_scores(found + sign * move, one, two)[1] for sign in (1, -1))
        hessian[k] = -(weight @ (up - down)) / (2 * step)
    prior = -np.diag(_prior(found)[2])
    hessian = (hessian + hessian.T) / 2 + prior
    gradient = _scores(found, one, two)[1]
    if cluster is None:
        groups = float(weight.sum())
        middle = (gradient * weight[:, None]).T @ gradient
    else:
        groups = float(cluster.max()) + 1
        summed = np.zeros((int(groups), 5))
        np.add.at(summed, cluster, gradient * weight[:, None])
        middle = summed.T @ summed
    middle = middle * groups / (groups - 1) + prior
    free = np.flatnonzero(_inside(found))
    inverse = np.zeros((5, 5))
    inverse[np.ix_(free, free)] = np.linalg.inv(hessian[np.ix_(free, free)])
    return np.asarray(inverse @ middle @ inverse, np.float64)
