"""Group gain is found where mean EAP falls short; intervals cover; a person's change is tested."""

from __future__ import annotations

import numpy as np
import pytest

from kalan.engine.psychometrics.data import Bank, Responses
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.gain import (
    POINTS,
    _prior,
    _scores,
    group_gain,
    personal_change,
)
from kalan.engine.psychometrics.models import probabilities
from kalan.engine.psychometrics.scoring import score
from kalan.engine.testing.items import bank_of, provisional


def bank(seed: int, number: int = 15) -> Bank:
    rng = np.random.default_rng(seed)
    return Bank.logistic(
        np.exp(rng.normal(0.2, 0.3, number)),
        rng.normal(0, 1.2, number),
        rng.uniform(0.1, 0.25, number),
    )


def answers(test: Bank, theta: np.ndarray, seed: int) -> Responses:  # type: ignore[type-arg]
    p = probabilities(test, theta)[:, 1].T
    return Responses.from_dense(np.random.default_rng(seed).random(p.shape) < p, items=test.items)


def waves(seed: int, persons: int, gain: float, spread: float = 0.0) -> list[object]:
    rng = np.random.default_rng(seed)
    one = rng.normal(size=persons)
    facility = np.arange(persons) // 10
    two = 0.8 * one + rng.normal(0, 0.6, persons) + gain
    two += rng.normal(0, spread, persons // 10 + 1)[facility]
    first, second = bank(1), bank(2)
    return [first, answers(first, one, seed + 1), second, answers(second, two, seed + 2), facility]


def test_the_gain_is_not_shrunk() -> None:
    *data, _ = waves(0, 4000, 0.30)
    found = group_gain(*data)  # type: ignore[arg-type]
    shrunk = np.diff([score(data[k], data[k + 1]).theta.mean() for k in (0, 2)])[0]  # type: ignore[arg-type]
    assert abs(found.gain - 0.30) < 2.5 * found.se
    assert shrunk < 0.9 * found.gain
    assert found.sds[0] == pytest.approx(1.0, abs=0.06)
    assert found.correlation == pytest.approx(0.8, abs=0.06)
    assert (found.n, found.clusters) == (4000, 4000)


def test_derivatives_are_those_of_the_likelihood() -> None:
    rng = np.random.default_rng(3)
    one, two = rng.random((5, POINTS.size)), rng.random((5, POINTS.size))
    at = np.array([0.1, 0.4, -0.1, 0.2, 0.7])
    _, gradient = _scores(at, one, two)
    for k in range(5):
        move = np.eye(5)[k] * 1e-6
        slope = (_scores(at + move, one, two)[0] - _scores(at - move, one, two)[0]) / 2e-6
        assert np.abs(slope - gradient[:, k]).max() < 1e-7
        (low, before, _), (high, after, _) = (_prior(at + sign * move) for sign in (-1, 1))
        assert (high - low) / 2e-6 == pytest.approx(_prior(at)[1][k], abs=1e-7)
        assert (after - before)[k] / 2e-6 == pytest.approx(_prior(at)[2][k], abs=1e-7)


def test_clusters_widen_the_interval() -> None:
    *data, facility = waves(5, 800, 0.3, spread=0.5)
    alone = group_gain(*data)  # type: ignore[arg-type]
    together = group_gain(*data, cluster=facility)  # type: ignore[arg-type]
    assert together.gain == alone.gain
    assert together.clusters == 80
    assert together.se > 1.2 * alone.se


@pytest.mark.slow
def test_intervals_cover_nineteen_times_in_twenty() -> None:
    inside = 0
    for seed in range(200):
        *data, _ = waves(1000 + 10 * seed, 200, 0.3)
        found = group_gain(*data)  # type: ignore[arg-type]
        inside += found.low <= 0.3 <= found.high
    assert 0.91 <= inside / 200 <= 0.985


def session(seed: int, persons: int, correlation: float) -> list[object]:
    """A training's people, true gain 0.6: 20 questions before and 20 others after, of difficulty
    known to experts only."""
    rng = np.random.default_rng(seed)
    one = rng.normal(size=persons)
    two = correlation * one + np.sqrt(1 - correlation**2) * rng.normal(size=persons) + 0.6
    found: list[object] = []
    for theta in (one, two):
        kinds = [("single", 4), ("truefalse", 2), ("multiple", 0), ("single", 3)] * 5
        test = bank_of(
            [
                provisional(str(n), str(n), "d", kind, difficulty=rng.normal(), options=options)
                for n, (kind, options) in enumerate(kinds)
            ]
        )
        found += [test, answers(test, theta, int(rng.integers(1 << 30)))]
    return found


@pytest.mark.parametrize(("persons", "correlation"), [(12, 0.6), (24, 0.6), (24, 0.97), (80, 0.97)])
def test_the_interval_of_a_small_group_is_as_wide_as_its_error(
    persons: int, correlation: float
) -> None:
    """Where the likelihood alone ends at a bound, in a third of these groups and more, a standard
    error was as small as 0.0001."""
    found = [group_gain(*session(seed, persons, correlation)) for seed in range(40)]  # type: ignore[arg-type]
    error = float(np.std([one.gain for one in found], ddof=1))
    widths = np.array([one.se for one in found])
    assert widths.min() > 0.3 * error
    assert widths.mean() == pytest.approx(error, rel=0.25)
    assert sum(one.low <= 0.6 <= one.high for one in found) >= 35
    assert max(abs(one.correlation) for one in found) < 0.99
    assert min(min(one.sds) for one in found) > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("persons", [12, 24, 40, 80])
def test_small_groups_are_covered_nineteen_times_in_twenty(persons: int) -> None:
    found = [group_gain(*session(5000 + seed, persons, 0.6)) for seed in range(400)]  # type: ignore[arg-type]
    gains = np.array([one.gain for one in found])
    assert 0.925 <= np.mean([one.low <= 0.6 <= one.high for one in found]) <= 0.98
    assert abs(gains.mean() - 0.6) < 3 * gains.std() / 20


def test_the_interval_is_students() -> None:
    *data, facility = waves(5, 100, 0.3)
    found = group_gain(*data)  # type: ignore[arg-type]
    assert (found.high - found.gain) / found.se == pytest.approx(1.984217, abs=1e-6)  # 99 degrees
    found = group_gain(*data, cluster=facility)  # type: ignore[arg-type]
    assert (found.high - found.gain) / found.se == pytest.approx(2.262157, abs=1e-6)  # 9


@pytest.mark.parametrize("right", [0, 1])
def test_a_test_that_everyone_passes_or_fails_measures_no_gain(right: int) -> None:
    first, one, second, _ = session(1, 12, 0.6)
    same = Responses.from_dense(np.full((12, 20), right), items=second.items)  # type: ignore[attr-defined]
    with pytest.raises(DataError, match="ne mesure pas le niveau de ce groupe"):
        group_gain(first, one, second, same)  # type: ignore[arg-type]


def test_someone_absent_the_second_time_counts_for_the_first() -> None:
    first, one, second, two, _ = waves(2, 300, 0.3)
    table = two.dense()  # type: ignore[attr-defined]
    table[:100] = -1
    found = group_gain(first, one, second, Responses.from_dense(table, items=second.items))  # type: ignore[arg-type, attr-defined]
    assert found.n == 300
    assert abs(found.gain - 0.3) < 3 * found.se


def test_one_persons_change() -> None:
    test = Bank.logistic(1.5, np.linspace(-2, 2, 40))
    before = Responses.from_dense([[1] * 10 + [0] * 30, [1] * 20 + [0] * 20], items=test.items)
    after = Responses.from_dense([[1] * 32 + [0] * 8, [1] * 21 + [0] * 19], items=test.items)
    found = personal_change(test, before, test, after)
    assert found.real.tolist() == [True, False]
    assert found.change[0] > 1.5


def test_other_persons_are_refused() -> None:
    test = bank(1)
    one = Responses.from_dense(np.ones((2, 15)), items=test.items)
    with pytest.raises(DataError, match="mêmes personnes"):
        group_gain(test, one, test, one.keep(np.array([0])))
    nobody = Responses.from_dense(-np.ones((2, 15)), items=test.items)
    with pytest.raises(DataError, match="des réponses avant comme après"):
        group_gain(test, one, test, nobody)
