"""A sitting from its log: the same path every time, quotas exact, nothing twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

import pytest

from kalan.engine.psychometrics.errors import DataError
from kalan.engine.testing.frozen import Frozen
from kalan.engine.testing.walk import Ask, End, Entry, Pause, Walk, form_for, lacks

from .testing_bank import NAMES, frozen, level, sit

PURPOSES = ["positioning_short", "positioning_full", "certification", "fixed"]


def given(log: Sequence[Entry]) -> list[int]:
    return [entry[1] for entry in log if entry[0] in "ar"]


@pytest.mark.parametrize("purpose", PURPOSES)
def test_the_same_seed_and_log_give_the_same_path(purpose: str) -> None:
    made = frozen(purpose)
    again = Frozen.from_json(made.to_json())
    log = sit(Walk(made, "séance 7"), level(0.3), 5)
    for cut in range(0, len(log), 3):
        walk = Walk(again, "séance 7", log[:cut])
        now = walk.next()
        trusted = Walk(again, "séance 7", log[:cut], check=False)
        assert trusted.next() == now
        assert trusted.progress() == walk.progress()
        if isinstance(now, Pause):
            assert log[cut] == ["s"]
        else:
            assert isinstance(now, Ask)
            assert log[cut][1] == now.item
    assert Walk(again, "séance 7", log).next() == End("complete")


@pytest.mark.parametrize("purpose", PURPOSES)
def test_quotas_are_exact_and_no_item_comes_twice(purpose: str) -> None:
    made = frozen(purpose)
    each = {"positioning_short": 4, "positioning_full": 12, "certification": 6, "fixed": 4}
    for seed in range(12):
        log = sit(Walk(made, seed), level(seed / 4 - 1.5), seed)
        items = given(log)
        assert len(set(items)) == len(items)
        count = Counter(made.items[item].domain for item in items)
        assert count == dict.fromkeys(NAMES, each[purpose])


def test_different_seeds_start_differently() -> None:
    made = frozen("positioning_short")
    first = {Walk(made, seed).next() for seed in range(30)}
    assert len(first) > 5


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_replaced_item_never_comes_back_and_the_test_stays_as_long(purpose: str) -> None:
    made = frozen(purpose, 18)
    walk = Walk(made, "r")
    whole = len(sit(Walk(made, "r"), level(0), 1))
    log: list[Entry] = []
    for turn in range(2):
        for _ in range(turn * 2 + 1):
            now = walk.next()
            assert isinstance(now, Ask)
            log.append(walk.replace(now.item))
            assert walk.next() != now
        now = walk.next()
        assert isinstance(now, Ask)
        assert now.number == turn + 1
        log.append(walk.answer(now.item, 0))
    log += sit(walk, level(0), 1)
    items = given(log)
    assert len(set(items)) == len(items)
    assert sum(entry[0] != "r" for entry in log) == whole
    assert walk.progress().replaced == 4
    assert Walk(made, "r", log).next() == walk.next()


def test_only_accessible_items_are_given_on_demand() -> None:
    for purpose in PURPOSES:
        made = frozen(purpose)
        walk = Walk(made, 3, accessible_only=True)
        log = sit(walk, level(0), 1)
        assert all(made.items[item].accessible for item in given(log))
    short = frozen("positioning_short")
    assert len(sit(Walk(short, 3, accessible_only=True), level(0), 1)) == 20


def test_too_few_accessible_items_end_the_stage_and_are_announced() -> None:
    made = frozen("positioning_full")  # 14 questions a domain, every fifth not accessible
    found = lacks(made, accessible_only=True)
    assert found[0] == (
        "Il manque 1 question(s) accessible(s) du domaine «\u00a0Données de santé\u00a0»\u00a0: "
        "le test sera plus court."
    )
    assert lacks(made) == []
    walk = Walk(made, 1, accessible_only=True)
    sit(walk, level(0), 1, steps=11)
    assert walk.next() == Pause("donnees", "cyber", "exhausted")


def test_items_seen_before_are_left_out_while_others_remain() -> None:
    made = frozen("positioning_short")
    log = sit(Walk(made, "a"), level(0), 1)
    seen = frozenset(made.items[item].uid for item in given(log))
    second = given(sit(Walk(made, "a", exclude=seen), level(0), 1))
    assert not set(second) & set(given(log))
    codes = frozenset(made.items[item].code for item in given(log))
    assert given(sit(Walk(made, "a", exclude=codes), level(0), 1)) == second
    assert lacks(made, exclude=seen) == []


def test_items_seen_before_come_back_when_nothing_else_is_left() -> None:
    made = frozen("positioning_short")
    cyber = [item.uid for item in made.items if item.domain == "cyber"]
    seen = frozenset(cyber[2:])
    assert lacks(made, exclude=seen) == [
        "Il manque 2 question(s) jamais vue(s) du domaine «\u00a0Cybersécurité en santé\u00a0»"
        "\u00a0: des questions déjà vues reviendront."
    ]
    walk, log = Walk(made, "b", exclude=seen), []
    flagged = []
    for _ in range(20):
        now = walk.next()
        assert isinstance(now, Ask)
        if now.seen:
            flagged.append(made.items[now.item].uid)
        log.append(walk.answer(now.item, 0))
    assert walk.next() == End("complete")
    assert len(flagged) == 2
    assert set(flagged) < seen
    assert Walk(made, "b", log, exclude=seen).next() == End("complete")
    assert Walk(made, "b", log, exclude=seen, check=False).next() == End("complete")


def test_a_stage_stops_when_it_is_precise_enough() -> None:
    made = frozen("positioning_full")
    loose = Frozen.from_json(made.to_json().replace('"sd_target":2400', '"sd_target":4000'))
    assert loose.version != made.version
    walk = Walk(loose, 1)
    log = sit(walk, level(0), 1, steps=8)
    assert ["s"] in log
    stops = [place for place, entry in enumerate(log) if entry == ["s"]]
    assert stops[0] >= 6


def test_pauses_and_progress() -> None:
    made = frozen("positioning_full")
    walk = Walk(made, 9)
    sit(walk, level(0), 2, steps=12)
    assert walk.next() == Pause("donnees", "cyber", "complete")
    assert (walk.progress().answered, walk.progress().of) == (12, 60)
    assert (walk.progress().stage, walk.progress().stages) == (1, 5)
    with pytest.raises(DataError, match="pas la question posée"):
        walk.answer(0, 0)
    walk.proceed()
    now = walk.next()
    assert isinstance(now, Ask)
    assert (now.number, now.of, now.stage) == (1, 12, "cyber")
    with pytest.raises(DataError, match="pas de pause"):
        walk.proceed()


def test_what_a_log_cannot_hold_is_refused_by_its_place() -> None:
    made = frozen("positioning_short")
    log = sit(Walk(made, "c"), level(0), 1, steps=6)
    now = Walk(made, "c", log).next()
    assert isinstance(now, Ask)
    code, top = made.items[now.item].code, made.items[now.item].top
    other = next(n for n in range(70) if n not in {*given(log), now.item})
    cases = {
        ("a", now.item, top + 1): f"Étape 7 du journal, question «\u00a0{code}\u00a0»",
        ("a", now.item, -1): f"catégories 0 à {top}",
        ("a", other, 0): "n’a pas été posée",
        ("r", other): "n’a pas été posée",
        ("a", log[0][1], 0): "n’a pas été posée",
        ("a", 999, 0): "la question 999 n’est pas dans ce test",
        ("s",): "pas de pause ici",
        ("z", 1): "n’existe pas",
        ("a", "x", 0): "n’existe pas",
    }
    for entry, words in cases.items():
        with pytest.raises(DataError) as refused:
            Walk(made, "c", [*log, entry])
        assert words in str(refused.value)
    touched = [*log]
    touched[2] = ["a", other, 0]
    with pytest.raises(DataError, match="Étape 3 du journal"):
        Walk(made, "c", touched)
    with pytest.raises(DataError, match="déjà donnée"):
        Walk(made, "c", [*log, log[0]], check=False)
    with pytest.raises(DataError, match="pas la question posée"):
        Walk(made, "c", log).answer(other, 0)


def test_the_form_of_a_fixed_test() -> None:
    made = frozen("fixed")
    (stage,) = made.stages
    assert {form_for(made, seed) for seed in range(20)} == {0, 1}
    first = given(sit(Walk(made, "d", form=0), level(0), 1))
    assert first == list(stage.forms[0])
    seen = frozenset(made.items[item].uid for item in stage.forms[0])
    for seed in range(6):
        assert given(sit(Walk(made, seed, exclude=seen), level(0), 1)) == list(stage.forms[1])
    with pytest.raises(DataError, match="2 forme"):
        Walk(made, "d", form=2)


def test_a_fixed_form_without_reserve_gets_shorter_and_says_so() -> None:
    made = frozen("fixed", 8)  # both forms take every question
    walk = Walk(made, "e", form=0)
    now = walk.next()
    assert isinstance(now, Ask)
    walk.replace(now.item)
    assert len(sit(walk, level(0), 1)) == 19
    assert walk.next() == End("exhausted")


def test_a_long_sitting_is_replayed_in_milliseconds() -> None:
    made = frozen("positioning_full", 0)
    log = sit(Walk(made, "f"), level(0), 1, steps=43)
    assert sum(entry[0] == "a" for entry in log) == 40
    Walk(made, "f", log).next()
    best = 1.0
    for _ in range(20):
        start = time.process_time()
        Walk(made, "f", log).next()
        best = min(best, time.process_time() - start)
    assert best <= 0.03  # 0.8 ms on a quiet machine (bench/replay.py measures it)
