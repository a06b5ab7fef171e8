"""What a sitting says: levels with their confidence, domains of their own, decisions, change."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import numpy as np
import pytest

from kalan.engine.psychometrics.domains import score_domains
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.testing.change import change, group, responses
from kalan.engine.testing.freezing import freeze
from kalan.engine.testing.outcome import by_uid, decision, outcome, outcomes, rescore, scaled
from kalan.engine.testing.plan import plan_from, preset
from kalan.engine.testing.study import publishable, settle, study
from kalan.engine.testing.walk import Ask, Entry, Walk

from .testing_bank import NAMES, calibrated, frozen, level, questions, sit, small


def test_the_outcome_is_that_of_the_engine() -> None:
    made = frozen("positioning_full")
    log = sit(Walk(made, 1), level(0.5), 3)
    found = outcome(made, log)
    mean, covariance = made.prior
    wanted = score_domains(
        made.bank, responses(made, [log]), covariance, domains=tuple(NAMES), mean=mean
    )
    assert [d.theta for d in found.domains] == pytest.approx(wanted.theta[0].tolist(), abs=1e-9)
    assert [d.sd for d in found.domains] == pytest.approx(wanted.sd[0].tolist(), abs=1e-9)
    assert found.theta == pytest.approx(wanted.theta[0].mean(), abs=1e-9)
    assert found.se == pytest.approx(wanted.covariance[0].mean() ** 0.5, abs=1e-9)
    assert found.score == scaled(found.theta or 0)
    assert (found.low, found.high) == pytest.approx(
        (found.theta - 1.959964 * found.se, found.theta + 1.959964 * found.se), abs=1e-5
    )
    assert found.provisional == 1.0
    for one in found.domains:
        assert sum(one.probabilities) == pytest.approx(1)
        assert one.probability == max(one.probabilities)
        assert one.to_confirm == ((one.sd or 0) > 0.5)
        assert (one.neighbour is not None) == ((one.probability or 0) < 0.6)
    assert json.loads(json.dumps(found.to_dict()))["answered"] == 60


def test_someone_strong_in_one_domain_is_seen_so() -> None:
    made = frozen("positioning_full")
    ability = level(-1.0) | {"cyber": 2.0}
    strong, weak, low = [], [], []
    for seed in range(12):
        found = outcome(made, sit(Walk(made, seed), ability, seed))
        by_code = {one.code: one for one in found.domains}
        strong.append(by_code["cyber"].theta)
        weak.append(np.mean([one.theta for one in found.domains if one.code != "cyber"]))
        low.append(by_code["cyber"].sd)
    # A projection of one score would put them on the same place.
    assert np.mean(strong) - np.mean(weak) > 1.3
    assert max(low) < 0.65


def test_per_cent_counts_each_question_for_one() -> None:
    made = frozen("fixed")
    walk, log, shares = Walk(made, 1, form=0), list[Entry](), []
    while isinstance(now := walk.next(), Ask):
        top = made.items[now.item].top
        category = top if len(log) % 2 else top // 2
        shares.append(category / top)
        log.append(walk.answer(now.item, category))
    found = outcome(made, log)
    assert found.share == pytest.approx(sum(shares) / 20)
    assert found.points == sum(entry[2] for entry in log)


def test_nothing_answered_is_not_measured() -> None:
    made = frozen("positioning_full")
    empty = outcome(made, [])
    assert (empty.theta, empty.score, empty.share, empty.level) == (None, None, None, None)
    assert [one.measured for one in empty.domains] == [False] * 5
    part = outcome(made, sit(Walk(made, 1), level(1), 1, steps=12))
    assert [one.measured for one in part.domains] == [True, False, False, False, False]
    assert part.domains[1].theta is None
    with pytest.raises(DataError, match="Aucune réponse"):
        decision(empty, 0.0)


def test_an_old_sitting_under_new_parameters() -> None:
    made = frozen("fixed")
    log = sit(Walk(made, 1, form=0), level(0.5), 1)
    answers = by_uid(made, log)
    assert rescore(made, answers) == outcome(made, log)
    items = [
        replace(item, a=1.8 * item.a, se_a=0.1, se_b=0.1, n=900) for item in reversed(made.items)
    ]
    new = freeze(items, plan_from(preset("fixed", NAMES)))
    found, old = rescore(new, answers), outcome(made, log)
    assert found.share == old.share
    assert found.provisional == 0.0
    assert (found.se or 9) < (old.se or 0)
    with pytest.raises(DataError, match="INCONNU"):
        rescore(new, [("INCONNU", 1)])


def test_a_category_that_does_not_fit_is_refused() -> None:
    made = frozen("fixed")
    with pytest.raises(DataError, match="catégories"):
        outcome(made, [["a", 0, 9]])


def test_the_decision_counts_both_errors() -> None:
    made = frozen("positioning_full")
    found = outcome(made, sit(Walk(made, 1), level(1.5), 1))
    assert found.theta is not None
    assert found.se is not None
    far = decision(found, found.theta - 4)
    assert (far.verdict, far.near) == ("pass", False)
    below = decision(found, found.theta + found.se, 0.0)
    assert (below.verdict, below.near) == ("fail", True)
    assert below.probability == pytest.approx(0.1587, abs=1e-4)
    doubtful = decision(found, found.theta + found.se, found.se * 3**0.5)
    assert doubtful.probability == pytest.approx(0.3085, abs=1e-4)
    assert doubtful.risk == doubtful.probability


def test_one_person_before_and_after() -> None:
    made = frozen("fixed")
    before = sit(Walk(made, 1, form=0), level(-1.5), 4)
    after = sit(Walk(made, 1, form=1), level(2.0), 4)
    found = change(made, before, made, after)
    assert found is not None
    assert found.real
    assert found.low == pytest.approx(found.change - 1.959964 * found.se, abs=1e-5)
    assert found.score == round(100 * found.change)
    assert change(made, [], made, after) is None


def test_the_gain_of_a_group() -> None:
    made = frozen("fixed")
    rng = np.random.default_rng(2)
    pairs = []
    for seed in range(60):
        ability = float(rng.normal(-0.5, 1))
        one = sit(Walk(made, seed, form=seed % 2), level(ability), seed)
        two = sit(Walk(made, seed, form=1 - seed % 2), level(ability + 0.8), 1000 + seed)
        pairs.append((one, two))
    found = group(made, made, pairs, [n % 6 for n in range(60)])
    assert (found.n, found.clusters) == (60, 6)
    assert found.low < 0.8 < found.high
    assert found.high - found.low < 1.0
    with pytest.raises(DataError, match="deux personnes"):
        group(made, made, pairs[:1])


def test_an_outcome_costs_milliseconds() -> None:
    made = frozen("positioning_full")
    log = sit(Walk(made, 1), level(0), 1)
    outcome(made, log)
    best = 1.0
    for _ in range(5):
        start = time.process_time()
        outcome(made, log)
        best = min(best, time.process_time() - start)
    assert best <= 0.2  # 4 ms on a quiet machine


# The simulator


def test_the_full_bank_holds_its_cap_and_its_claims() -> None:
    made = freeze(calibrated(), plan_from(preset("certification", NAMES)))
    found = study(made, 1200, seed=5)
    assert found["exposure"]["max"] <= 0.21
    assert found["length"] == {"mean": 30.0, "min": 30, "max": 30, "counts": [[30, 1200]]}
    assert [one["length"] for one in found["domains"]] == [6.0] * 5
    assert 0.9 < found["overall"]["ratio"] < 1.1
    assert found["overall"]["rmse"] < 0.36
    assert found["overall"]["coverage"] == pytest.approx(0.95, abs=0.02)
    assert (found["carries"], found["use"], found["provisional"]) == (True, "adaptive", 0.0)
    assert publishable(made, found) == []


def test_guesses_are_judged_as_guesses() -> None:
    made = frozen("positioning_full")
    found = study(made, 1000)
    assert 0.9 < found["overall"]["ratio"] < 1.1
    assert all(0.88 < one["ratio"] < 1.12 for one in found["domains"])
    assert found["provisional"] == 1.0
    assert found["warnings"][-1] == "100\u00a0% des questions sont provisoires."


def test_the_short_form_is_carried_by_the_bank_of_guesses() -> None:
    made = freeze(questions(), plan_from(preset("positioning_short", NAMES)))
    found = study(made, 1200)
    assert (found["carries"], found["reasons"]) == (True, [])
    assert found["exposure"]["max"] <= 0.31
    assert found["overall"]["rmse"] < 0.42
    assert all(one["to_confirm"] > 0.9 for one in found["domains"])  # 4 questions a domain
    assert publishable(made, found) == []


def test_a_short_weak_test_is_not_carried_and_says_why() -> None:
    body = preset("certification", NAMES)
    for domain in body["domains"].values():
        domain["min"] = domain["max"] = 1
    made = freeze(questions(), replace(plan_from(body), cap=None))
    found = study(made, 400)
    assert (found["carries"], found["use"]) == (False, "fixed")
    assert found["reasons"][0].startswith("fidélité simulée de 0,")
    assert found["advice"].startswith("Utilisez des formes fixes parallèles")
    refused = publishable(made, found)
    assert refused[0].startswith("234 question(s) provisoire(s)")
    assert publishable(made, found, demo=True) == found["reasons"]


def test_no_cap_means_items_seen_by_nearly_everybody_and_the_study_shows_it() -> None:
    free = study(frozen("positioning_short", 0), 400)
    assert free["exposure"]["max"] > 0.5
    assert free["exposure"]["never"] > 100


def test_fixed_forms_take_the_place_of_what_the_bank_does_not_carry() -> None:
    body = preset("certification", NAMES) | {"r_max": 0.5, "population": {"correlation": 0.2}}
    for domain in body["domains"].values():
        domain["min"] = domain["max"] = 2
    made, verdict = settle(small(), plan_from(body), persons=400)
    assert [stage.mode for stage in made.stages] == ["fixed"]
    assert [len(form) for form in made.stages[0].forms] == [10, 10]
    assert made.rules.purpose == "certification"
    assert verdict["use"] == "fixed"
    assert verdict["instead"][0].startswith("fidélité simulée de 0,")
    assert len(sit(Walk(made, 1), level(0), 1)) == 10
    held, same = settle(small(), plan_from(body | {"purpose": "practice"}), persons=200)
    assert (held.stages[0].mode, "instead" in same) == ("adaptive", False)


def test_the_full_form_may_be_fixed_domain_by_domain() -> None:
    body = preset("positioning_full", NAMES) | {"r_max": 0.5}
    for domain in body["domains"].values():
        domain["min"] = domain["max"] = 6
    made = freeze(small(), plan_from(body), fixed=True)
    assert [stage.code for stage in made.stages] == list(NAMES)
    assert [len(stage.forms) for stage in made.stages] == [2] * 5
    log = sit(Walk(made, 4), level(0), 1)
    assert sum(entry[0] == "a" for entry in log) == 30
    assert log[6] == ["s"]
    assert [one.answered for one in outcome(made, log).domains] == [6] * 5


def test_many_sittings_scored_at_once_are_scored_as_one_by_one() -> None:
    made = frozen("positioning_short")
    logs = [sit(Walk(made, seed), level(0.1 * seed), seed) for seed in range(4)]
    logs.insert(2, [])
    for one, log in zip(outcomes(made, logs), logs, strict=True):
        alone = outcome(made, log)
        assert (one.answered, one.share, one.level) == (alone.answered, alone.share, alone.level)
        assert (one.theta, one.se) == pytest.approx((alone.theta, alone.se), abs=1e-8)
        assert [d.theta for d in one.domains] == pytest.approx([d.theta for d in alone.domains])
    quick = outcomes(made, logs, exact=False)
    for one, other in zip(quick, outcomes(made, logs), strict=True):
        assert (one.theta is None) == (other.theta is None)
        assert one.theta == pytest.approx(other.theta, abs=0.05)
