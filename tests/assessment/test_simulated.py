"""Simulated sittings: what a person would have left behind, and a flag on each row."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from django.db.models import Count
from django.test import Client

from kalan.assessment.demo import ability
from kalan.assessment.models import Answer, DomainResult, Result, Sitting
from kalan.assessment.selectors.frozen import frozen_of
from kalan.assessment.selectors.screens import current, log_of
from kalan.assessment.services import endings, sittings
from kalan.assessment.services.results import outcome_of
from kalan.assessment.services.simulated import Taker, record
from kalan.engine.testing.walk import End, Walk
from kalan.skills.play.grade import grade
from kalan.skills.play.shape import Stored
from tests.factories import assessment, people
from tests.factories.people import NOW
from tests.support.signin import sign_in


@pytest.fixture
def test_(tree: people.Tree) -> object:
    return assessment.published(tree.country)


def _takers(number: int, **fields: object) -> list[Taker]:
    return [Taker(_flat(), NOW + dt.timedelta(hours=n), **fields) for n in range(number)]  # type: ignore[arg-type]


def _flat() -> dict[str, float]:
    class Same(dict[str, float]):
        def __missing__(self, key: str) -> float:
            return 0.0

    return Same()


def test_rows_say_that_nobody_took_them(test_: object) -> None:
    made = record(test=test_, takers=_takers(5), context="campaign", seed=1)
    assert [one.state for one in made] == ["finished"] * 5
    assert {one.simulated for one in Sitting.objects.all()} == {True}
    assert {one.simulated for one in Answer.objects.all()} == {True}
    assert {one.simulated for one in Result.objects.all()} == {True}


def test_answers_log_and_marks_agree(test_: object) -> None:
    record(test=test_, takers=_takers(6), context="campaign", seed=2)
    for sitting in Sitting.objects.all():
        frozen = frozen_of(sitting.frozen_id)
        log = log_of(sitting)
        # The walk accepts the log entry by entry, and has nothing left to ask.
        assert isinstance(Walk(frozen, sitting.seed, log).next(), End)
        rows = sitting.answers.select_related("version").order_by("number")
        assert [row.number for row in rows] == list(range(1, len(log) + 1))
        assert [row.category for row in rows] == [entry[2] for entry in log]
        for row in rows:
            mark = grade(Stored(row.version.content, row.version.key), row.given or {})
            assert (mark.category, mark.fraction) == (row.category, row.fraction)


def test_results_are_those_of_the_ordinary_scoring(test_: object) -> None:
    (sitting,) = record(test=test_, takers=_takers(1), context="campaign", seed=3)
    kept = Result.objects.get(sitting=sitting)
    found = outcome_of(sitting)
    assert kept.answers == found.answered
    assert kept.theta == pytest.approx(found.theta, abs=0.05)
    assert DomainResult.objects.filter(result=kept).count() == len(found.domains)


def test_one_who_leaves_goes_on_like_anybody(test_: object) -> None:
    (sitting,) = record(test=test_, takers=_takers(1, upto=2), context="campaign", seed=4)
    assert (sitting.state, sitting.step) == ("running", 2)
    screen = current(sitting=sitting, now=NOW)
    assert screen.number == 3  # type: ignore[union-attr]
    assert not Result.objects.exists()
    endings.end(sitting=sitting, state=Sitting.State.STOPPED, now=NOW)
    assert Result.objects.get(sitting=sitting).answers == 2


def test_its_person_reads_that_it_is_simulated(test_: object) -> None:
    account = people.account()
    sitting = assessment.finished(test_, account)  # type: ignore[arg-type]
    pages = ("/test/", "/mon-espace/", f"/test/{sitting.uid}/")
    client = Client()
    sign_in(client, account)
    for simulated in (False, True):
        Sitting.objects.update(simulated=simulated)
        found = [
            "simulé</span>" in text or "réponses simulées" in text
            for text in (client.get(page).content.decode() for page in pages)
        ]
        assert found == [simulated] * 3


def test_the_same_seed_gives_the_same_sittings(test_: object) -> None:
    one, two = (record(test=test_, takers=_takers(3), context="x", seed=5) for _ in range(2))
    assert [row.log for row in one] == [row.log for row in two]


def test_few_writes_however_many_people(test_: object, django_assert_num_queries: object) -> None:
    record(test=test_, takers=_takers(1), context="x", seed=6)
    for number in (1, 4):
        with django_assert_num_queries(9):  # type: ignore[operator]
            record(test=test_, takers=_takers(number), context="x", seed=number)


def test_people_of_other_cadres_differ() -> None:
    draw = random.Random(1)
    doctors = [ability(draw, cadre="med-gen")["cyber"] for _ in range(2000)]
    carers = [ability(draw, cadre="asc")["cyber"] for _ in range(2000)]
    assert sum(doctors) / 2000 - sum(carers) / 2000 == pytest.approx(0.95, abs=0.1)


def test_an_able_person_gets_more_right(test_: object) -> None:
    low = Taker(dict.fromkeys(_codes(test_), -2.5), NOW)
    high = Taker(dict.fromkeys(_codes(test_), 2.5), NOW)
    record(test=test_, takers=[low] * 20 + [high] * 20, context="x", seed=8)
    means = list(Result.objects.order_by("pk").values_list("theta", flat=True))
    assert sum(means[20:]) / 20 - sum(means[:20]) / 20 > 1.5
    counts = Answer.objects.values("sitting").annotate(n=Count("pk"))
    assert {row["n"] for row in counts} == {Result.objects.all()[0].answers}


def _codes(test_: object) -> list[str]:
    row = sittings.frozen_for(test_)  # type: ignore[arg-type]
    return [domain.code for domain in frozen_of(row.pk).domains]
