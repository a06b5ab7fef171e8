"""Linking recovers a known transformation; drift is seen; few common items are said."""

from __future__ import annotations

import numpy as np
import pytest

from kalan.engine.psychometrics.data import GRADED, PARTIAL_CREDIT, Bank, Responses
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.link import METHODS, LinkMethod, link, transformed
from kalan.engine.psychometrics.models import probabilities
from kalan.engine.psychometrics.reliability import (
    cronbach_alpha,
    decision_quality,
    drift,
    marginal_reliability,
)
from kalan.engine.psychometrics.scoring import Scores


def bank(kind: str, number: int = 25) -> Bank:
    rng = np.random.default_rng(4)
    a, b = np.exp(rng.normal(0.1, 0.3, number)), rng.normal(size=number)
    if kind == "3PL":
        return Bank.logistic(a, b, rng.uniform(0.1, 0.25, number))
    if kind == "GRM":
        return Bank.polytomous(GRADED, a, np.sort(rng.normal(size=(number, 3)), axis=1))
    if kind == "GPCM":
        return Bank.polytomous(PARTIAL_CREDIT, a, rng.normal(size=(number, 3)))
    return Bank.logistic(a, b)


@pytest.mark.parametrize("kind", ["2PL", "3PL", "GRM", "GPCM"])
@pytest.mark.parametrize("method", METHODS)
def test_a_known_transformation_is_found(kind: str, method: LinkMethod) -> None:
    target = bank(kind)
    source = transformed(target, 1 / 1.3, -0.4 / 1.3)  # so that θ_to = 1.3·θ_from + 0.4
    found = link(source, target, method)
    assert found.slope == pytest.approx(1.3, abs=1e-6)
    assert found.intercept == pytest.approx(0.4, abs=1e-6)


def test_a_transformation_changes_no_probability() -> None:
    one = bank("3PL")
    theta = np.linspace(-3, 3, 7)
    moved = transformed(one, 1.3, 0.4)
    assert np.abs(probabilities(one, theta) - probabilities(moved, 1.3 * theta + 0.4)).max() < 1e-14


def test_curves_withstand_one_bad_item_better_than_moments() -> None:
    target = bank("2PL")
    source = transformed(target, 1.0, 0.0)
    source.b[3] += 4.0
    gaps = {method: abs(link(source, target, method).intercept) for method in METHODS}
    assert gaps["haebara"] < gaps["mean-sigma"]
    assert gaps["stocking-lord"] < gaps["mean-sigma"]


def test_one_common_item_is_refused_and_few_are_said() -> None:
    one, two = bank("2PL", 25), bank("2PL", 25)
    renamed = Bank.logistic(two.a, two.b[:, 0], items=["q1", *(f"z{n}" for n in range(24))])
    with pytest.raises(DataError, match="1 question commune"):
        link(one, renamed)
    renamed = Bank.logistic(two.a, two.b[:, 0], items=["q1", "q2", *(f"z{n}" for n in range(23))])
    assert link(one, renamed).warnings == (
        "2 questions communes seulement : au moins 5 sont conseillées.",
    )


def test_short_forms_too_need_five_common_items() -> None:
    one, two = bank("2PL", 5), bank("2PL", 5)
    renamed = Bank.logistic(two.a, two.b[:, 0], items=["q1", "q2", "z1", "z2", "z3"])
    assert len(link(one, renamed).warnings) == 1
    assert link(one, two).warnings == ()


def test_another_model_for_a_common_item_is_refused() -> None:
    with pytest.raises(DataError, match="« q1 » : modèle"):
        link(bank("GRM"), bank("GPCM"))


def test_drift_flags_the_item_that_moved() -> None:
    old, new = bank("2PL"), bank("2PL")
    new.b[:] += np.random.default_rng(0).normal(0, 0.02, new.b.shape)
    new.b[7] += 0.8
    found = drift(old, new)
    assert [one.item for one in found if one.distance > 0.10] == ["q8"]
    assert found[7].flag


def test_alpha_by_hand() -> None:
    table = np.array([[1, 1, 1], [1, 1, 0], [0, 1, 0], [0, 0, 0]])
    share = table.mean(axis=0)
    expected = 1.5 * (1 - (share * (1 - share)).sum() / table.sum(axis=1).var())
    assert cronbach_alpha(Responses.from_dense(table)) == pytest.approx(expected)


def test_reliability_and_decisions() -> None:
    scores = Scores(np.array([-1.0, 1.0]), np.array([0.5, 0.5]))
    assert marginal_reliability(scores) == pytest.approx(1 / 1.25)
    quality = decision_quality(scores, 0.0)
    assert quality.accuracy == pytest.approx(0.9772498680518208)
    assert quality.consistency == pytest.approx(0.9772498680518208**2 + 0.0227501319481792**2)
