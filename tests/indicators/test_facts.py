"""Facts are dated by the session; roll-ups moved by differences equal roll-ups counted whole."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kalan.indicators.models import Cell, FiguresState, Participation, SessionFact
from kalan.indicators.services import cells, facts, refresh
from kalan.people.models import Agent, OrgNodePeriod, Post
from kalan.training.models import DirtySession, Presence, Session
from tests.factories import indicators as made
from tests.factories import people, training
from tests.factories.people import NOW

pytestmark = pytest.mark.django_db


def test_completion_is_integer_arithmetic() -> None:
    assert [facts.completed(p, 5, 80) for p in range(6)] == [False] * 4 + [True, True]
    assert facts.completed(2, 3, 67) is False  # 66.67 %
    assert facts.completed(0, 0, 80) is False


def test_age_bands_follow_the_year_of_the_session() -> None:
    day = dt.date(2023, 3, 17)
    assert [facts.age_band(year, day) for year in (None, 1999, 1998, 1968, 1969)] == [
        "",
        "<25",
        "25-34",
        "55+",
        "45-54",
    ]


def test_a_fact_takes_the_post_of_the_sessions_last_half_day(tree: people.Tree) -> None:
    nurse = people.agent(birth_year=1985)
    sage_femme = people.cadre("sf", "sage-femme")
    Post.objects.create(
        agent=nurse,
        structure=tree.centre_sokone,
        cadre=sage_femme,
        start=dt.date(2020, 1, 1),
        end=dt.date(2023, 3, 31),
    )
    Post.objects.create(agent=nurse, structure=tree.centre_guinguineo, start=dt.date(2023, 4, 1))
    made.held(tree.kaolack, None, {nurse: 4})
    made.count_now()
    fact = Participation.objects.get()
    assert (fact.structure_id, fact.district_id, fact.region_id, fact.country_id) == (
        tree.centre_sokone.pk,
        tree.sokone.pk,
        tree.fatick.pk,
        tree.country.pk,
    )
    assert (fact.cadre_id, fact.age_band, fact.day) == (
        sage_femme.pk,
        "35-44",
        dt.date(2023, 3, 14),
    )
    assert SessionFact.objects.get().region_id == tree.kaolack.pk


def test_a_district_that_changed_region_counts_where_it_was(tree: people.Tree) -> None:
    period = OrgNodePeriod.objects.get(node=tree.sokone)
    period.end = dt.date(2023, 1, 1)
    period.save()
    OrgNodePeriod.objects.create(node=tree.sokone, start=period.end, parent=tree.kaolack)
    agent = people.agent(tree.centre_sokone)
    made.held(tree.sokone, None, {agent: 4}, start=dt.date(2022, 12, 12))
    made.held(tree.sokone, None, {agent: 4}, start=dt.date(2023, 3, 13))
    made.count_now()
    regions = Participation.objects.order_by("day").values_list("region_id", flat=True)
    assert list(regions) == [tree.fatick.pk, tree.kaolack.pk]


def test_merged_agents_count_once(tree: people.Tree) -> None:
    kept, absorbed = people.agent(tree.centre_sokone), people.agent(tree.centre_sokone)
    made.held(tree.sokone, None, {kept: 4})
    made.held(tree.sokone, None, {absorbed: 4})
    Agent.objects.filter(pk=absorbed.pk).update(status="merged", merged_into=kept)
    made.count_now()
    cell = Cell.objects.get(programme_id=0, node_id=0, period="all", part="", dimension="")
    assert (cell.registrations, cell.trained, cell.women) == (2, 1, 1)


def test_a_session_reopened_loses_its_facts(tree: people.Tree) -> None:
    session = made.held(tree.sokone, None, {people.agent(tree.centre_sokone): 4})
    made.count_now()
    Session.objects.filter(pk=session.pk).update(state="convoked")
    made.dirty(session)
    made.count_now()
    assert (Participation.objects.count(), SessionFact.objects.count(), Cell.objects.count()) == (
        0,
        0,
        0,
    )


def test_refresh_empties_the_list_and_does_nothing_twice(
    tree: people.Tree, django_assert_num_queries: object
) -> None:
    made.held(tree.sokone, None, {people.agent(tree.centre_sokone): 4})
    assert refresh.refresh(now=NOW) == 1
    assert DirtySession.objects.count() == 0
    assert refresh.refresh(now=NOW) == 0
    with django_assert_num_queries(3):  # type: ignore[operator]
        assert refresh.ensure_fresh(now=NOW) == refresh.Freshness(version=1, stale=0)


def test_a_long_backlog_counts_the_rollups_once(
    tree: people.Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    agents = [people.agent(tree.centre_sokone) for _ in range(3)]
    for agent in agents:
        made.held(tree.sokone, None, dict.fromkeys(agents, 4) | {agent: 1})
    monkeypatch.setattr(refresh, "WHOLE", 1)
    monkeypatch.setattr(refresh, "BATCH", 1)
    assert refresh.refresh(now=NOW) == 3
    state = FiguresState.objects.get()
    assert state.facts_version == state.cells_version
    assert _standing() == cells.count_all()


def test_the_nightly_check_is_silent_when_all_is_well(tree: people.Tree) -> None:
    made.held(tree.sokone, None, {people.agent(tree.centre_sokone): 4})
    assert refresh.check(now=NOW, seed=1) == ""


def test_the_nightly_check_alarms_on_a_difference_and_repairs(tree: people.Tree) -> None:
    session = made.held(tree.sokone, None, {people.agent(tree.centre_sokone): 4})
    made.count_now()
    Presence.objects.filter(half_day__session=session).first().delete()  # nobody listed it
    Cell.objects.filter(dimension="sex", part="").update(trained=7)
    assert refresh.check(now=NOW, seed=1) == f"faits de la session {session.code}, 91 agrégat(s)"
    assert _standing() == cells.count_all()
    assert refresh.check(now=NOW, seed=1) == ""


def _standing() -> dict[cells.Key, dict[str, int]]:
    return {
        cells.key_of(cell): {m: getattr(cell, m) for m in cells.MEASURES}
        for cell in Cell.objects.all()
    }


@given(st.data())
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_rollups_moved_equal_rollups_counted(tree: people.Tree, data: st.DataObject) -> None:
    """Any sequence of sessions held, marks taken away and sessions reopened."""
    with transaction.atomic():  # each sequence begins with an empty house
        _moved_and_counted(tree, data)
        transaction.set_rollback(True)


def _moved_and_counted(tree: people.Tree, data: st.DataObject) -> None:
    structures = [tree.centre_sokone, tree.poste_toubacouta, tree.centre_guinguineo]
    agents = [
        people.agent(structures[i % 3], sex="FM"[i % 2] if i < 5 else "", birth_year=1960 + 8 * i)
        for i in range(6)
    ]
    programmes = [training.programme(tree.country), None]
    sessions: list[Session] = []
    for _ in range(data.draw(st.integers(1, 5))):
        if sessions and data.draw(st.booleans()):
            session = data.draw(st.sampled_from(sessions))
            if data.draw(st.booleans()):
                Presence.objects.filter(half_day__session=session).order_by("pk")[:1].get().delete()
            else:
                Session.objects.filter(pk=session.pk).update(state="cancelled")
            made.dirty(session)
        else:
            who = data.draw(st.dictionaries(st.sampled_from(agents), st.integers(3, 4), min_size=2))
            day = data.draw(st.sampled_from([dt.date(2022, 12, 5), dt.date(2023, 1, 9)]))
            programme = data.draw(st.sampled_from(programmes))
            sessions.append(made.held(tree.sokone, programme, who, start=day))
        made.count_now()
        assert _standing() == cells.count_all()


def _mend_sex(agent: Agent, tree: people.Tree) -> None:
    agent.sex = "M"
    agent.save()


def _take_post_away(agent: Agent, tree: people.Tree) -> None:
    agent.posts.get().delete()


def _mend_structure(agent: Agent, tree: people.Tree) -> None:
    post = agent.posts.get()
    post.structure = tree.centre_guinguineo
    post.save()


@pytest.mark.parametrize(
    ("mend", "after"),
    [(_mend_sex, (0, 1, 1)), (_take_post_away, (1, 0, 0)), (_mend_structure, (1, 0, 0))],
)
def test_corrections_of_the_register_move_figures(
    tree: people.Tree,
    mend: Callable[[Agent, people.Tree], None],
    after: tuple[int, int, int],
) -> None:
    agent = people.agent(tree.centre_sokone)
    made.held(tree.sokone, None, {agent: 4})
    made.count_now()
    assert _figures(tree) == (1, 1, 1)  # women; facts of Fatick, of Sokone's centre
    mend(agent, tree)
    assert refresh.ensure_fresh(now=NOW).stale == 0
    assert _figures(tree) == after
    assert _standing() == cells.count_all()


def _figures(tree: people.Tree) -> tuple[int, int, int]:
    women = Cell.objects.get(programme_id=0, node_id=0, period="all", part="", dimension="").women
    facts = Participation.objects
    return (
        women,
        facts.filter(region_id=tree.fatick.pk).count(),
        facts.filter(structure_id=tree.centre_sokone.pk).count(),
    )


def test_a_district_moved_by_correction_moves_its_figures(tree: people.Tree) -> None:
    made.held(tree.sokone, None, {people.agent(tree.centre_sokone): 4})
    made.count_now()
    period = OrgNodePeriod.objects.get(node=tree.sokone)
    period.parent = tree.kaolack
    period.save()
    refresh.ensure_fresh(now=NOW)
    assert Participation.objects.get().region_id == tree.kaolack.pk


def test_a_new_phone_number_moves_nothing(tree: people.Tree) -> None:
    agent = people.agent(tree.centre_sokone)
    made.held(tree.sokone, None, {agent: 4})
    made.count_now()
    agent.phone = "+221771234567"
    agent.save()
    assert refresh.ensure_fresh(now=NOW).version == 1
