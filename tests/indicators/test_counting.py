"""One test for each counting rule."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from kalan.indicators.definitions import BY_CODE, DEFINITIONS
from kalan.indicators.models import Participation
from kalan.indicators.ratios import WomenShare, percent
from kalan.indicators.selectors.board import Board, board
from kalan.indicators.selectors.counts import Counts
from kalan.indicators.selectors.counts import people as count_people
from kalan.indicators.selectors.coverage import coverage
from kalan.indicators.selectors.records import records
from kalan.indicators.selectors.scope import Filters, reach_of
from kalan.people.actor import SYSTEM
from kalan.people.models import DuplicatePair, Post
from kalan.training.models import (
    AnonymousCount,
    Platform,
    PlatformAccount,
    Programme,
    Registration,
    Session,
    TargetStructure,
)
from tests.factories import indicators as made
from tests.factories import people, training

pytestmark = pytest.mark.django_db
DAY = dt.date(2023, 3, 20)


@pytest.fixture
def programme(tree: people.Tree) -> Programme:
    return training.programme(tree.country)


def figures(**filters: object) -> Board:
    made.count_now()
    return board(reach_of(SYSTEM, Filters(**filters)), day=DAY)  # type: ignore[arg-type]


def test_a_session_counts_once_held_and_closed(tree: people.Tree, programme: Programme) -> None:
    for state in ("planned", "convoked", "closed", "validated", "postponed", "cancelled"):
        made.held(tree.sokone, programme, {}, state=state)
    assert figures().sessions.held == 2


def test_a_session_is_dated_by_its_last_half_day(tree: people.Tree, programme: Programme) -> None:
    made.held(tree.sokone, programme, {}, start=dt.date(2022, 12, 31))  # ends on 1 January
    assert figures(start=dt.date(2022, 1, 1), end=dt.date(2022, 12, 31)).sessions.held == 0
    assert figures(start=dt.date(2023, 1, 1), end=dt.date(2023, 12, 31)).sessions.held == 1


def test_an_agent_trained_in_several_sessions_counts_once_per_filter(
    tree: people.Tree, programme: Programme
) -> None:
    agent = people.agent(tree.centre_sokone)
    made.held(tree.sokone, programme, {agent: 4}, start=dt.date(2022, 12, 5))
    made.held(tree.sokone, programme, {agent: 4}, start=dt.date(2023, 1, 9))
    found = figures().people
    assert (found.total.trained, found.total.completions) == (1, 2)
    assert {month: one.trained for month, one in found.month.items()} == {
        "2022-12": 1,
        "2023-01": 1,
    }


@pytest.mark.parametrize(("half_days", "trained"), [(0, 0), (3, 0), (4, 1)])
def test_trained_means_the_programmes_rule_was_met(
    tree: people.Tree, programme: Programme, half_days: int, trained: int
) -> None:
    made.held(tree.sokone, programme, {people.agent(tree.centre_sokone): half_days})
    assert figures().people.total.trained == trained


def test_the_rule_is_the_programmes_own(tree: people.Tree) -> None:
    lenient = training.programme(tree.country, completion_percent=75)
    made.held(tree.sokone, lenient, {people.agent(tree.centre_sokone): 3})
    assert figures().people.total.trained == 1


def test_named_outsiders_are_other_participants(tree: people.Tree, programme: Programme) -> None:
    made.held(
        tree.sokone,
        programme,
        {people.agent(tree.centre_sokone): 4, made.outsider(): 4, made.outsider(): 1},
    )
    found = figures().people.total
    assert (found.trained, found.others, found.registrations) == (1, 1, 3)


def test_anonymous_counts_stand_alone_and_say_when_rounded(
    tree: people.Tree, programme: Programme
) -> None:
    session = made.held(tree.sokone, programme, {people.agent(tree.centre_sokone): 4})
    AnonymousCount.objects.create(
        session=session, label="une vingtaine de relais", women=12, men=8, approximate=True
    )
    found = figures()
    assert (found.sessions.anonymous, found.sessions.approximate) == (20, True)
    assert (found.people.total.trained, found.people.total.registrations) == (1, 1)


def test_every_registration_is_an_inscription_no_shows_included(
    tree: people.Tree, programme: Programme
) -> None:
    session = made.held(tree.sokone, programme, {people.agent(tree.centre_sokone): 4})
    for state in Registration.State:
        training.registration(session, people.agent(tree.centre_sokone), state=state)
    # Designated, approved and convoked; not waiting, replaced, withdrawn or refused.
    assert figures().people.total.registrations == 1 + 3


def test_breakdowns_are_as_on_the_sessions_date(tree: people.Tree, programme: Programme) -> None:
    """A midwife of Sokone is trained, moves to Guinguinéo as head, is trained again."""
    agent = people.agent()
    before, after = people.cadre("sf", "sage-femme"), people.cadre("mc", "maîtresse sage-femme")
    Post.objects.create(
        agent=agent,
        structure=tree.centre_sokone,
        cadre=before,
        start=dt.date(2020, 1, 1),
        end=dt.date(2022, 12, 31),
    )
    Post.objects.create(
        agent=agent, structure=tree.centre_guinguineo, cadre=after, start=dt.date(2023, 1, 1)
    )
    made.held(tree.sokone, programme, {agent: 4}, start=dt.date(2022, 12, 5))
    made.held(tree.sokone, programme, {agent: 4}, start=dt.date(2023, 1, 9))
    found = figures().people
    assert found.total.trained == 1
    # The lines exceed the total: one person stands on several.
    assert {pk: one.trained for pk, one in found.territory.items()} == {
        tree.fatick.pk: 1,
        tree.kaolack.pk: 1,
    }
    assert {key: one.trained for key, one in found.cadre.items()} == {
        str(before.pk): 1,
        str(after.pk): 1,
    }


def test_the_share_of_women_is_among_known_sexes(tree: people.Tree, programme: Programme) -> None:
    who = [people.agent(tree.centre_sokone, sex=sex) for sex in "F" * 20 + "M" * 20]
    who.append(people.agent(tree.centre_sokone, sex=""))
    made.held(tree.sokone, programme, dict.fromkeys(who, 4))
    total = figures().people.total
    assert (total.trained, total.women, total.unknown) == (41, 20, 1)
    assert total.share.exact == Decimal("50.00")  # 20 of 40, one unknown beside it


def test_above_five_percent_unknown_the_range_is_given() -> None:
    share = WomenShare(women=10, known=19, unknown=1)  # exactly 5 %: two decimals
    assert (share.exact, share.doubtful) == (Decimal("52.63"), False)
    doubtful = WomenShare(women=10, known=18, unknown=2)
    assert (doubtful.exact, doubtful.low, doubtful.high) == (
        None,
        Decimal("50.00"),
        Decimal("60.00"),
    )


def test_percentages_round_half_up() -> None:
    assert [percent(306, 521), percent(305, 520), percent(1, 800), percent(3, 0)] == [
        Decimal("58.73"),
        Decimal("58.65"),
        Decimal("0.13"),
        None,
    ]


def test_a_structure_is_reached_when_one_of_its_agents_is_trained(
    tree: people.Tree, programme: Programme
) -> None:
    made.held(
        tree.sokone,
        programme,
        {people.agent(tree.centre_sokone): 4, people.agent(tree.poste_toubacouta): 3},
    )
    for structure in (tree.centre_sokone, tree.centre_guinguineo):
        TargetStructure.objects.create(programme=programme, structure=structure)
    found = figures()
    assert (found.people.total.structures, found.targeted) == (1, 2)


def test_a_trainer_led_at_least_one_half_day_and_is_shown_by_employer(
    tree: people.Tree, programme: Programme
) -> None:
    first, second = (made.held(tree.sokone, programme, {}) for _ in range(2))
    trainer = people.agent(tree.centre_sokone)
    made.trainer(first, trainer, employer="state")
    made.trainer(second, trainer, employer="state")
    made.trainer(first, outside_name="Moussa Fall", employer="project")
    made.trainer(second, outside_name="MOUSSA  FALL", employer="project")
    made.trainer(first, people.agent(tree.centre_sokone), half_days=0)  # announced only
    found = figures()
    assert (found.trainer_total, found.trainers) == (2, {"state": 1, "project": 1})


def test_nobody_is_trainer_and_trainee_of_one_session(
    tree: people.Tree, programme: Programme
) -> None:
    trainer = people.agent(tree.centre_sokone)
    led = made.held(tree.sokone, programme, {trainer: 4, people.agent(tree.centre_sokone): 4})
    made.trainer(led, trainer)
    assert figures().people.total.trained == 1
    made.held(tree.sokone, programme, {trainer: 4})  # followed as a participant
    assert figures().people.total.trained == 2


def test_accounts_are_the_platforms_created_activated_active(
    tree: people.Tree, programme: Programme
) -> None:
    moodle = Platform.objects.create(programme=programme, code="moodle", name="Moodle")
    day = dt.date(2023, 1, 5)
    for name, fields in {
        "never": {},
        "opened": {"activated_on": day},
        "used": {"activated_on": day, "last_used_on": dt.date(2023, 3, 1)},
        "demo": {"is_demo": True, "activated_on": day, "last_used_on": day},
    }.items():
        PlatformAccount.objects.create(platform=moodle, username=name, created_on=day, **fields)
    found = figures().accounts
    assert (found.platforms, found.created, found.activated, found.active) == (1, 3, 2, 1)
    later = figures(start=dt.date(2023, 2, 1), end=dt.date(2023, 2, 28)).accounts
    assert (later.created, later.activated, later.active) == (0, 0, 1)


def test_coverage_is_of_those_in_post_that_day(tree: people.Tree, programme: Programme) -> None:
    stays, leaves, never = (people.agent(tree.centre_sokone) for _ in range(3))
    made.held(tree.sokone, programme, {stays: 4, leaves: 4, never: 2})
    Post.objects.filter(agent=leaves).update(end=dt.date(2023, 3, 16))
    Post.objects.filter(agent=stays).update(status="civil")
    found = figures().coverage
    assert (found.trained, found.in_post, found.leavers, found.share) == (
        1,
        2,
        1,
        Decimal("50.00"),
    )
    assert found.source == "registre Kalan au 20/03/2023"
    assert found.includes == (
        "statuts comptés : fonctionnaire, statut non renseigné ; "
        "sans agent communautaire ni contractuel"
    )


def test_coverage_of_a_cadre_calls_nobody_of_another_a_leaver(
    tree: people.Tree, programme: Programme
) -> None:
    nurse, midwife = people.cadre(), people.cadre("sf", "sage-femme d’État")
    here = people.agent(tree.centre_sokone, cadre=nurse)
    changed = people.agent(tree.centre_sokone, cadre=nurse)
    left = people.agent(tree.centre_sokone, cadre=nurse)
    other = people.agent(tree.centre_sokone, cadre=midwife, sex="M")
    made.held(tree.sokone, programme, dict.fromkeys([here, changed, left, other], 4))
    made.count_now()
    Post.objects.filter(agent=left).update(end=dt.date(2023, 3, 16))
    Post.objects.filter(agent=changed).update(cadre=midwife)
    found = {
        asked: coverage(reach_of(SYSTEM, Filters(**filters)), DAY)  # type: ignore[arg-type]
        for asked, filters in {
            "nurses": {"cadre": nurse.pk},
            "midwives": {"cadre": midwife.pk},
            "men": {"sex": "M"},
        }.items()
    }
    assert {name: (one.trained, one.in_post, one.leavers) for name, one in found.items()} == {
        "nurses": (1, 1, 1),
        "midwives": (2, 2, 0),
        "men": (1, 1, 0),
    }


def test_coverage_never_passes_a_hundred(tree: people.Tree, programme: Programme) -> None:
    moved = people.agent(tree.centre_sokone)
    made.held(tree.sokone, programme, {moved: 4})
    Post.objects.filter(agent=moved).update(end=dt.date(2023, 3, 15))
    Post.objects.create(agent=moved, structure=tree.centre_guinguineo, start=dt.date(2023, 3, 16))
    made.count_now()
    here = coverage(reach_of(SYSTEM, Filters(node=tree.fatick)), DAY)
    there = coverage(reach_of(SYSTEM, Filters(node=tree.kaolack)), DAY)
    assert (here.trained, here.in_post, here.leavers, here.share) == (0, 0, 1, None)
    assert (there.trained, there.in_post, there.share) == (1, 1, Decimal("100.00"))


def test_figures_of_people_say_how_many_pairs_are_in_doubt(
    tree: people.Tree, programme: Programme
) -> None:
    agents = [people.agent(tree.centre_sokone) for _ in range(4)]
    made.held(tree.sokone, programme, dict.fromkeys(agents[:3], 4))
    for first, second, state in ((0, 1, "open"), (1, 2, "distinct"), (2, 3, "open")):
        DuplicatePair.objects.create(
            kind="agent",
            first_id=agents[first].pk,
            second_id=agents[second].pk,
            score=0.9,
            state=state,
        )
    # The last pair holds somebody who was never trained: it cannot swell the figure.
    assert figures().duplicates == 1


def test_completion_and_trainee_days(tree: people.Tree, programme: Programme) -> None:
    agents = [people.agent(tree.centre_sokone) for _ in range(3)]
    made.held(tree.sokone, programme, dict(zip(agents, (4, 3, 0), strict=True)))
    total = figures().people.total
    assert (total.completion, total.trainee_days) == (Decimal("33.33"), Decimal("3.5"))


def test_satisfaction_is_silent_below_five_answers(tree: people.Tree, programme: Programme) -> None:
    session = made.held(tree.sokone, programme, {})
    for number in range(5):
        assert figures().sessions.satisfaction is None
        made.answer(session, {"a": 4, "b": 5 - number % 2})
    assert figures().sessions.satisfaction == Decimal("4.30")


def test_cost_per_person_trained(tree: people.Tree, programme: Programme) -> None:
    agents = [people.agent(tree.centre_sokone) for _ in range(3)]
    session = made.held(tree.sokone, programme, dict.fromkeys(agents, 4))
    made.cost(session, Decimal(100_000))
    made.cost(session, Decimal(50), currency="EUR")
    found = figures()
    assert (found.cost_per_person, found.sessions.other_currency) == (Decimal(33_333), True)


def test_no_text_says_that_people_have_the_skills() -> None:
    said = " ".join(f"{d.label} {d.rule} {d.caveat}" for d in DEFINITIONS)
    assert "La présence ne prouve pas la compétence" in BY_CODE["agents_formes"].caveat
    assert "sont compétents" not in said


# Which number of rows the list behind a figure must have.
@pytest.mark.parametrize(
    ("code", "rows"),
    [
        ("sessions", 2),
        ("agents_formes", 4),
        ("femmes", 2),
        ("part_femmes", 3),
        ("sexe_inconnu", 1),
        ("structures", 2),
        ("structures_beneficiaires", 1),
        ("formateurs", 2),
        ("autres_participants", 1),
        ("anonymes", 1),
        ("inscriptions", 7),
        ("comptes", 2),
        ("comptes_actives", 1),
        ("comptes_actifs", 1),
        ("feuilles", 2),
        ("doublons", 1),
        ("couverture", 5),
    ],
)
def test_each_figure_opens_onto_as_many_records(
    tree: people.Tree, programme: Programme, code: str, rows: int
) -> None:
    agents = [people.agent(tree.centre_sokone, sex=sex) for sex in ("F", "F", "M", "")]
    absent = people.agent(tree.centre_guinguineo)
    Post.objects.filter(agent=agents[0]).update(structure=tree.poste_toubacouta)
    first = made.held(tree.sokone, programme, {**dict.fromkeys(agents, 4), made.outsider(): 4})
    made.held(tree.sokone, programme, {agents[0]: 4, absent: 0})
    made.trainer(first, outside_name="Moussa Fall")
    made.trainer(first, outside_name="Astou Ba")
    AnonymousCount.objects.create(session=first, label="une dizaine", women=10, approximate=True)
    TargetStructure.objects.create(programme=programme, structure=tree.centre_sokone)
    moodle = Platform.objects.create(programme=programme, code="moodle", name="Moodle")
    PlatformAccount.objects.create(platform=moodle, username="a")
    PlatformAccount.objects.create(
        platform=moodle, username="b", activated_on=DAY, last_used_on=DAY
    )
    DuplicatePair.objects.create(
        kind="agent", first_id=agents[0].pk, second_id=agents[1].pk, score=0.9
    )
    made.count_now()
    reach = reach_of(SYSTEM, Filters(programme=programme))
    found = records(BY_CODE[code], reach, day=DAY)
    assert found.rows.count() == rows
    lines = list(found.all_lines())
    assert len(lines) == rows
    assert {len(line.cells) for line in lines} == {len(found.headers)}


NARROWED = (
    (),
    ("theme",),
    ("women",),
    ("unknown",),
    ("region",),
    ("region", "theme"),
    ("region", "women"),
    ("district",),
    ("programme",),
    ("programme", "region", "theme"),
)


@pytest.mark.parametrize("names", NARROWED, ids=lambda names: "+".join(names) or "whole")
@pytest.mark.parametrize("whole_year", [False, True])
def test_facts_and_rollups_agree(
    tree: people.Tree, programme: Programme, names: tuple[str, ...], whole_year: bool
) -> None:
    """The same question asked of roll-ups and of facts has the same answer."""
    agents = [people.agent(tree.centre_sokone, sex=sex) for sex in ("F", "F", "M", "")]
    poste = people.agent(tree.poste_toubacouta)
    far = people.agent(tree.centre_guinguineo)
    nowhere = people.agent(None)
    other = training.theme("donnees", "Données")
    made.held(tree.sokone, programme, dict.fromkeys([*agents, poste, far, nowhere], 4))
    made.held(tree.sokone, None, dict.fromkeys(agents[:2], 4), start=dt.date(2023, 1, 9))
    made.held(tree.guinguineo, programme, {agents[0]: 4, far: 4, poste: 1}, theme=other)
    made.held(tree.sokone, None, {agents[3]: 4, far: 2}, start=dt.date(2022, 5, 9), theme=other)
    made.count_now()
    known: dict[str, tuple[str, object]] = {
        "theme": ("theme", other.pk),
        "women": ("sex", "F"),
        "unknown": ("sex", "U"),
        "region": ("node", tree.fatick),
        "district": ("node", tree.sokone),
        "programme": ("programme", programme),
    }
    asked: dict[str, Any] = dict(known[name] for name in names)
    first, last = dt.date(2023, 1, 1), dt.date(2023, 12, 31)
    rolled_days = {"start": first, "end": last} if whole_year else {}
    # The same facts by days that make no whole year: nothing was held on 31 December.
    wide = {"start": first, "end": dt.date(2023, 12, 30)} if whole_year else {"end": last}
    rolled = count_people(reach_of(SYSTEM, Filters(**asked, **rolled_days)))
    counted = count_people(reach_of(SYSTEM, Filters(**asked, **wide)))
    assert (rolled.rolled_up, counted.rolled_up) == (True, False)
    assert rolled.total == counted.total != Counts()
    for name in ("sex", "age", "cadre", "theme", "territory", "month"):
        without = {k: replace_structures(v) for k, v in getattr(counted, name).items()}
        assert {k: replace_structures(v) for k, v in getattr(rolled, name).items()} == without


def replace_structures(counts: Counts) -> Counts:
    """Roll-ups by sex, age, cadre, theme and territory hold no count of structures."""
    return replace(counts, structures=0)


def test_a_session_of_no_programme_counts_in_the_whole_only(tree: people.Tree) -> None:
    made.held(tree.sokone, None, {people.agent(tree.centre_sokone): 4})
    assert figures().people.total.trained == 1
    assert Participation.objects.get().programme_id is None
    assert Session.objects.get().programme is None
