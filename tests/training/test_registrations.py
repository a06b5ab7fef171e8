"""Designation, waiting list, approval, outsiders and anonymous counts."""

from __future__ import annotations

import datetime as dt

import pytest
from pytest_django import DjangoAssertNumQueries

from kalan.base.errors import Refused
from kalan.people.actor import SYSTEM
from kalan.people.models import Post
from kalan.training.models import (
    AnonymousCount,
    DirtySession,
    HalfDay,
    Outsider,
    Presence,
    Registration,
    Session,
    SessionPlaces,
    SessionTrainer,
)
from kalan.training.selectors.counting import completed
from kalan.training.selectors.registrations import (
    candidates,
    my_registrations,
    participants_of,
    places_of,
)
from kalan.training.services.outsiders import (
    AnonymousCountData,
    OutsiderData,
    add_outsider,
    remove_anonymous_count,
    set_anonymous_count,
)
from kalan.training.services.registrations import (
    approve,
    designate,
    promote,
    put_on_waiting_list,
    refuse,
    withdraw,
)
from tests.factories import people, training

NOW = people.NOW
pytestmark = pytest.mark.django_db


@pytest.fixture
def session(tree: people.Tree) -> Session:
    made = training.session(tree.guinguineo)
    SessionPlaces.objects.create(session=made, structure=tree.centre_sokone, places=2)
    return made


def attended(agent: object, *, of: int = 4, present: int = 4, **fields: object) -> Registration:
    """A line of a closed session of ``of`` half-days."""
    past = training.session(
        fields.pop("node"),  # type: ignore[arg-type]
        days=of // 2,
        start=dt.date(2022, 11, 14),
        state="closed",
        **fields,
    )
    line = training.registration(past, agent)  # type: ignore[arg-type]
    for half_day in HalfDay.objects.filter(session=past).order_by("date", "part")[:present]:
        Presence.objects.create(registration=line, half_day=half_day)
    return line


def refusal(call: object, **kwargs: object) -> Refused:
    with pytest.raises(Refused) as caught:
        call(now=NOW, **kwargs)  # type: ignore[operator]
    return caught.value


def test_a_manager_designates_own_staff_within_the_places(
    tree: people.Tree, session: Session
) -> None:
    agents = [people.agent(tree.centre_sokone) for _ in range(3)]
    manager = people.actor("structure", tree.centre_sokone)
    result = designate(actor=manager, now=NOW, session=session, agents=agents)
    assert [r.agent for r in result.placed] == agents[:2]
    assert [(r.agent, r.position) for r in result.waiting] == [(agents[2], 1)]
    assert set(session.registrations.values_list("state", "structure__name")) == {
        ("designated", "Centre de santé de Sokone"),
        ("waiting", "Centre de santé de Sokone"),
    }
    assert [(p.node, p.places, p.left) for p in places_of(session)] == [(tree.centre_sokone, 2, 0)]
    assert DirtySession.objects.count() == 1


def test_other_peoples_staff_cannot_be_designated(tree: people.Tree, session: Session) -> None:
    stranger = people.agent(tree.centre_guinguineo, last_name="Sow")
    late = people.agent(tree.centre_sokone, last_name="Fall")
    late.posts.update(start=session.end + dt.timedelta(days=1))
    said = [
        refusal(
            designate,
            actor=people.actor("structure", tree.centre_sokone),
            session=session,
            agents=[agent],
        ).message
        for agent in (stranger, late)
    ]
    assert said == [  # the name of a stranger is not told
        "Une des personnes cochées n’est pas en poste dans vos structures à la date de la session.",
        "Awa FALL n’est pas en poste dans vos structures à la date de la session.",
    ]
    assert session.registrations.count() == 0


def test_a_manager_out_of_scope_finds_no_session(tree: people.Tree, session: Session) -> None:
    agent = people.agent(tree.poste_toubacouta)
    with pytest.raises(Session.DoesNotExist):
        designate(
            actor=people.actor("structure", tree.poste_toubacouta),
            now=NOW,
            session=session,
            agents=[agent],
        )


def test_nobody_is_registered_twice(tree: people.Tree, session: Session) -> None:
    agent = people.agent(tree.centre_sokone, last_name="N'Diaye")
    designate(actor=SYSTEM, now=NOW, session=session, agents=[agent])
    error = refusal(designate, actor=SYSTEM, session=session, agents=[agent])
    assert error.message == ("Awa N'DIAYE est déjà sur la liste de cette session (désigné).")
    assert (error.code, session.registrations.count()) == ("twice", 1)
    twice = refusal(designate, actor=SYSTEM, session=session, agents=[agent, agent])
    assert twice.message == "Awa N'DIAYE est donné deux fois."
    assert refusal(designate, actor=SYSTEM, session=session, agents=[]).field == "agents"


def test_who_withdrew_may_be_designated_again(tree: people.Tree, session: Session) -> None:
    agent = people.agent(tree.centre_sokone)
    first = designate(actor=SYSTEM, now=NOW, session=session, agents=[agent]).placed
    withdraw(actor=SYSTEM, now=NOW, session=session, registrations=first)
    assert session.registrations.get().state == "withdrawn"
    designate(actor=SYSTEM, now=NOW, session=session, agents=[agent])
    assert session.registrations.get().state == "designated"


def test_a_trainer_is_not_designated(tree: people.Tree, session: Session) -> None:
    agent = people.agent(tree.centre_sokone, last_name="Ba")
    SessionTrainer.objects.create(session=session, agent=agent)
    error = refusal(designate, actor=SYSTEM, session=session, agents=[agent])
    assert error.message.startswith("Awa BA est formateur de cette session")


def test_capacity_sends_to_the_waiting_list(tree: people.Tree) -> None:
    session = training.session(tree.sokone, capacity=1)
    agents = [people.agent(tree.centre_sokone) for _ in range(2)]
    result = designate(actor=SYSTEM, now=NOW, session=session, agents=agents)
    assert (len(result.placed), len(result.waiting)) == (1, 1)


def test_the_list_is_settled_once_the_session_is_closed(
    tree: people.Tree, session: Session
) -> None:
    Session.objects.update(state="closed")
    session.refresh_from_db()
    error = refusal(
        designate, actor=SYSTEM, session=session, agents=[people.agent(tree.centre_sokone)]
    )
    assert error.message == "Cette session est clôturée par le formateur : sa liste est arrêtée."


def test_the_programme_approves_and_refuses(tree: people.Tree, session: Session) -> None:
    agents = [people.agent(tree.centre_sokone) for _ in range(2)]
    first, second = designate(actor=SYSTEM, now=NOW, session=session, agents=agents).placed
    actor = people.actor("programme", tree.country)
    assert approve(actor=actor, now=NOW, session=session, registrations=[first]) == 1
    assert refuse(actor=actor, now=NOW, session=session, registrations=[second]) == 1
    states = dict(session.registrations.values_list("pk", "state"))
    assert states == {first.pk: "approved", second.pk: "refused"}
    again = refusal(approve, actor=actor, session=session, registrations=[first])
    assert again.code == "transition"
    with pytest.raises(Session.DoesNotExist):
        approve(
            actor=people.actor("structure", tree.centre_sokone),
            now=NOW,
            session=session,
            registrations=[first],
        )


def test_a_manager_withdraws_own_staff_only(tree: people.Tree, session: Session) -> None:
    SessionPlaces.objects.create(session=session, structure=tree.centre_guinguineo, places=1)
    agent = people.agent(tree.centre_guinguineo)
    line = designate(actor=SYSTEM, now=NOW, session=session, agents=[agent]).placed
    manager = people.actor("structure", tree.centre_sokone)
    error = refusal(withdraw, actor=manager, session=session, registrations=line)
    assert error.message == "Choisissez des personnes de la liste."
    assert session.registrations.get().state == "designated"


def test_a_free_place_goes_to_the_first_who_waits(tree: people.Tree, session: Session) -> None:
    agents = [people.agent(tree.centre_sokone) for _ in range(4)]
    result = designate(actor=SYSTEM, now=NOW, session=session, agents=agents)
    full = refusal(promote, actor=SYSTEM, session=session)
    assert full.message == "Aucune place n’est libre pour les personnes en attente."
    blocked = refusal(approve, actor=SYSTEM, session=session, registrations=[result.waiting[1]])
    assert blocked.code == "full"
    withdraw(actor=SYSTEM, now=NOW, session=session, registrations=result.placed[:1])
    assert promote(actor=SYSTEM, now=NOW, session=session).agent == agents[2]
    put_on_waiting_list(actor=SYSTEM, now=NOW, session=session, registrations=result.placed[1:])
    waiting = session.registrations.filter(state="waiting").order_by("position")
    assert [r.agent for r in waiting] == [agents[3], agents[1]]


def test_outsiders_once_each(tree: people.Tree, session: Session) -> None:
    data = OutsiderData(last_name="Touré", first_names="Ami", sex="F", body="Radio Kaolack")
    line = add_outsider(actor=SYSTEM, now=NOW, session=session, data=data)
    assert (line.state, line.outsider.body if line.outsider else "") == (
        "approved",
        "Radio Kaolack",
    )
    error = refusal(add_outsider, actor=SYSTEM, session=session, data=data)
    assert error.message == "Ami Touré est déjà sur la liste de cette session."
    empty = refusal(add_outsider, actor=SYSTEM, session=session, data=OutsiderData(" ", "Ami"))
    assert (empty.field, Outsider.objects.count()) == ("last_name", 1)


def test_anonymous_counts_keep_their_words(tree: people.Tree, session: Session) -> None:
    data = AnonymousCountData("une vingtaine de relais", unknown=20, approximate=True)
    line = set_anonymous_count(actor=SYSTEM, now=NOW, session=session, data=data)
    better = AnonymousCountData("22 relais", women=12, men=10)
    set_anonymous_count(actor=SYSTEM, now=NOW, session=session, data=better, count=line)
    assert list(AnonymousCount.objects.values_list("label", "women", "men", "unknown")) == [
        ("22 relais", 12, 10, 0)
    ]
    none = refusal(
        set_anonymous_count, actor=SYSTEM, session=session, data=AnonymousCountData("relais")
    )
    assert none.field == "unknown"
    remove_anonymous_count(actor=SYSTEM, now=NOW, session=session, count=line)
    assert AnonymousCount.objects.count() == 0


def test_candidates_say_how_often_they_were_trained(tree: people.Tree, session: Session) -> None:
    never = people.agent(tree.centre_sokone, last_name="A")
    twice = people.agent(tree.centre_sokone, last_name="B")
    below = people.agent(tree.centre_sokone, last_name="C")
    people.agent(tree.centre_guinguineo, last_name="Ailleurs")
    leads = people.agent(tree.centre_sokone, last_name="Formatrice")
    SessionTrainer.objects.create(session=session, agent=leads)
    listed = people.agent(tree.centre_sokone, last_name="Inscrite")
    training.registration(session, listed)
    attended(twice, node=tree.sokone)
    attended(twice, node=tree.sokone)
    attended(below, node=tree.sokone, present=3)  # 75 % of four half-days: under 80 %
    manager = people.actor("structure", tree.centre_sokone)
    rows = candidates(manager, session).order_by("search", "pk")
    assert [(r.last_name, r.times_trained) for r in rows] == [("A", 0), ("B", 2), ("C", 0)]
    assert list(candidates(manager, session, never=True).order_by("search")) == [never, below]
    assert list(candidates(manager, session, search="b")) == [twice]
    assert list(candidates(manager, session, cadre="medecin")) == []


def test_candidates_were_in_post_that_day(tree: people.Tree, session: Session) -> None:
    gone = people.agent(tree.centre_sokone)
    Post.objects.filter(agent=gone).update(end=dt.date(2023, 3, 1))
    manager = people.actor("structure", tree.centre_sokone)
    assert list(candidates(manager, session)) == []


@pytest.mark.parametrize("number", [1, 3])
def test_the_lists_cost_the_same_however_long(
    tree: people.Tree,
    session: Session,
    number: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(number):
        agent = people.agent(tree.centre_sokone)
        attended(agent, node=tree.sokone)
        training.registration(session, people.agent(tree.centre_sokone))
    manager = people.actor("structure", tree.centre_sokone)
    with django_assert_num_queries(1):
        assert [r.cadre and r.times_trained for r in candidates(manager, session)] == [1] * number
    with django_assert_num_queries(1):
        rows = [(str(r.agent), r.present, r.held) for r in participants_of(session)]
    assert len(rows) == number
    with django_assert_num_queries(2):
        places_of(session)


def test_completion_needs_the_programmes_share(tree: people.Tree) -> None:
    programme = training.programme(tree.country, completion_percent=60)
    agent = people.agent(tree.centre_sokone)
    attended(agent, node=tree.sokone, of=10, present=6, programme=programme)
    attended(agent, node=tree.sokone, of=10, present=5, programme=programme)
    attended(agent, node=tree.sokone, of=10, present=8)
    attended(agent, node=tree.sokone, of=10, present=7)
    rows = completed(Registration.objects.all()).order_by("pk")
    assert [(r.present, r.held) for r in rows] == [(6, 10), (8, 10)]


def test_my_own_sessions(tree: people.Tree, session: Session) -> None:
    agent = people.agent(tree.centre_sokone)
    mine = training.registration(session, agent)
    training.registration(session, people.agent(tree.centre_sokone))
    training.registration(training.session(tree.sokone), agent, state="refused")
    account = people.account(agent=agent)
    actor = people.actor_for(account, today=NOW.date())
    assert list(my_registrations(actor)) == [mine]
    assert list(my_registrations(people.actor())) == []
