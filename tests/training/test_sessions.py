"""Planning a session and its life; who may; what is refused and says why."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalan.base.errors import Refused
from kalan.people.actor import SYSTEM
from kalan.training import policy
from kalan.training.models import (
    AnonymousCount,
    Correction,
    DirtySession,
    HalfDay,
    Presence,
    Registration,
    Session,
    SessionPlaces,
    SessionTrainer,
)
from kalan.training.selectors.programmes import programmes_visible_to
from kalan.training.selectors.sessions import countable_sessions, sessions_visible_to
from kalan.training.services import programmes as programme_services
from kalan.training.services.planning import correct_trainers
from kalan.training.services.programmes import PartnerData, ProgrammeData, TargetData
from kalan.training.services.schedule import TrainerData
from kalan.training.services.sessions import (
    SessionData,
    cancel_session,
    close_session,
    plan_session,
    postpone_session,
    reopen_session,
    update_session,
    validate_session,
)
from tests.factories import people, training

NOW = people.NOW
pytestmark = pytest.mark.django_db


def data(tree: people.Tree, **fields: object) -> SessionData:
    values: dict[str, object] = {
        "title": "Outils numériques",
        "theme": training.theme(),
        "node": tree.sokone,
        "start": dt.date(2023, 3, 13),
        "end": dt.date(2023, 3, 14),
        **fields,
    }
    return SessionData(**values)  # type: ignore[arg-type]


def held(tree: people.Tree, **fields: object) -> Session:
    """A past session with one person present on one half-day."""
    session = training.session(tree.sokone, **fields)
    present(session, people.agent(tree.centre_sokone))
    return session


def present(session: Session, agent: object) -> Registration:
    line = training.registration(session, agent)  # type: ignore[arg-type]
    half_day = HalfDay.objects.filter(session=session).earliest("date", "part")
    Presence.objects.create(registration=line, half_day=half_day)
    return line


def refusal(call: object, **kwargs: object) -> Refused:
    with pytest.raises(Refused) as caught:
        call(**kwargs)  # type: ignore[operator]
    return caught.value


# --- Planning -------------------------------------------------------------------------------


def test_planning_makes_half_days_trainers_and_places(tree: people.Tree) -> None:
    trainer = people.agent(tree.centre_guinguineo)
    session = plan_session(
        actor=people.actor("region", tree.fatick),
        now=NOW,
        data=data(
            tree,
            trainers=[
                TrainerData(agent=trainer),
                TrainerData(outside_name="Jean Dupont", half_days=[(dt.date(2023, 3, 13), "am")]),
            ],
            places=[(tree.centre_sokone, 5), (tree.poste_toubacouta, 0)],
        ),
    )
    assert list(session.half_days.order_by("pk").values_list("date", "part")) == [
        (dt.date(2023, 3, 13), "am"),
        (dt.date(2023, 3, 13), "pm"),
        (dt.date(2023, 3, 14), "am"),
        (dt.date(2023, 3, 14), "pm"),
    ]
    assert [
        (t.outside_name, t.hours, t.half_days.count())
        for t in SessionTrainer.objects.filter(session=session).order_by("pk")
    ] == [("", Decimal(16), 4), ("Jean Dupont", Decimal(4), 1)]
    assert list(
        SessionPlaces.objects.filter(session=session).values_list("structure__name", "places")
    ) == [("Centre de santé de Sokone", 5)]
    assert DirtySession.objects.filter(session=session, since=NOW).count() == 1
    assert session.code == "S-001"


def test_codes_follow_the_programme(tree: people.Tree) -> None:
    programme = training.programme(tree.country, code="direcct")
    codes = [
        plan_session(actor=SYSTEM, now=NOW, data=data(tree, programme=programme)).code
        for _ in range(2)
    ]
    assert codes == ["DIRECCT-001", "DIRECCT-002"]


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        (
            {"start": dt.date(2023, 3, 14), "end": dt.date(2023, 3, 13)},
            "end",
            "La session se termine le 13 mars 2023, avant de commencer le 14 mars 2023.",
        ),
        (
            {"start": dt.date(1022, 11, 16), "end": dt.date(1022, 11, 18)},
            "start",
            "L’année 1022 n’est pas plausible pour une session.",
        ),
        (
            {"half_days": [(dt.date(2023, 3, 20), "am")]},
            "half_days",
            "La demi-journée du 20 mars 2023 est hors des dates de la session.",
        ),
        ({"start": None, "end": None}, "half_days", "La session n’a aucune demi-journée."),
        (
            {"half_days": [(dt.date(2023, 3, 13), "am"), (dt.date(2023, 3, 13), "am")]},
            "half_days",
            "Une demi-journée est donnée deux fois.",
        ),
        ({"end": dt.date(2023, 12, 31)}, "end", "Cette session dure plus de deux mois."),
        ({"title": "  "}, "title", "La session n’a pas de titre."),
        (
            {"trainers": [TrainerData(outside_name=" ")]},
            "trainers",
            "Un formateur n’a pas de nom.",
        ),
    ],
)
def test_bad_plans_are_refused_and_nothing_is_stored(
    tree: people.Tree, fields: dict[str, object], field: str, message: str
) -> None:
    error = refusal(plan_session, actor=SYSTEM, now=NOW, data=data(tree, **fields))
    assert (error.field, error.message) == (field, message)
    assert Session.objects.count() == HalfDay.objects.count() == 0


def test_a_trainer_leads_one_session_at_a_time(tree: people.Tree) -> None:
    trainer = people.agent(tree.centre_sokone, last_name="Ndiaye")
    plan_session(
        actor=SYSTEM, now=NOW, data=data(tree, code="A", trainers=[TrainerData(agent=trainer)])
    )
    error = refusal(
        plan_session,
        actor=SYSTEM,
        now=NOW,
        data=data(tree, start=dt.date(2023, 3, 14), trainers=[TrainerData(agent=trainer)]),
    )
    assert error.message == (
        "Awa NDIAYE mène déjà la session A · Outils numériques le 14 mars 2023, matin."
    )
    later = data(
        tree,
        start=dt.date(2023, 3, 15),
        end=dt.date(2023, 3, 15),
        trainers=[TrainerData(agent=trainer)],
    )
    assert plan_session(actor=SYSTEM, now=NOW, data=later).trainers.count() == 1


def test_a_trainer_is_not_also_a_participant(tree: people.Tree) -> None:
    session = plan_session(actor=SYSTEM, now=NOW, data=data(tree))
    both = people.agent(tree.centre_sokone, last_name="Sarr")
    training.registration(session, both)
    error = refusal(
        update_session,
        actor=SYSTEM,
        now=NOW,
        session=session,
        data=data(tree, trainers=[TrainerData(agent=both)]),
    )
    assert error.field == "trainers"
    assert error.message.startswith("Awa SARR est sur la liste des participants")


def test_planning_keeps_to_the_actors_territory(tree: people.Tree) -> None:
    region = people.actor("region", tree.fatick)
    error = refusal(
        plan_session, actor=region, now=NOW, data=data(tree, node=tree.centre_guinguineo)
    )
    assert error.message == "Vous ne planifiez pas de session à Centre de santé de Guinguinéo."
    trainer = people.actor("trainer", tree.country)
    assert refusal(plan_session, actor=trainer, now=NOW, data=data(tree)).field == "node"


def test_a_programme_manager_plans_wherever_the_programme_goes(tree: people.Tree) -> None:
    programme = training.programme(tree.fatick)
    actor = people.actor("programme", tree.fatick)
    made = plan_session(
        actor=actor, now=NOW, data=data(tree, node=tree.guinguineo, programme=programme)
    )
    assert list(sessions_visible_to(actor)) == [made]


def test_changing_dates_keeps_marked_half_days(tree: people.Tree) -> None:
    from kalan.base.ids import uuid7
    from kalan.training.models import AttendanceMark

    session = plan_session(actor=SYSTEM, now=NOW, data=data(tree))
    line = training.registration(session, people.agent(tree.centre_sokone))
    AttendanceMark.objects.create(
        client_id=uuid7(),
        registration=line,
        half_day=session.half_days.get(date=dt.date(2023, 3, 13), part="am"),
        source="screen",
        received_at=NOW,
    )
    error = refusal(
        update_session,
        actor=SYSTEM,
        now=NOW,
        session=session,
        data=data(tree, start=dt.date(2023, 3, 14)),
    )
    assert error.message == (
        "Des présences sont notées le 13 mars 2023 : cette demi-journée ne peut pas être retirée."
    )
    assert session.half_days.count() == 4


# --- Scope ----------------------------------------------------------------------------------


def test_who_sees_which_session(tree: people.Tree) -> None:
    here = training.session(tree.sokone)
    there = training.session(tree.guinguineo)
    led = training.session(tree.guinguineo)
    trainer = people.agent(tree.centre_sokone)
    SessionTrainer.objects.create(session=led, agent=trainer)
    account = people.account("trainer", tree.sokone, agent=trainer)
    SessionPlaces.objects.create(session=there, structure=tree.centre_sokone, places=2)

    def seen(actor: people.Actor) -> set[int]:
        return set(sessions_visible_to(actor).values_list("pk", flat=True))

    assert seen(people.actor("region", tree.fatick)) == {here.pk}
    assert seen(people.actor("auditor", tree.country)) == {here.pk, there.pk, led.pk}
    assert seen(people.actor_for(account, today=NOW.date())) == {led.pk}
    assert seen(people.actor("structure", tree.centre_sokone)) == {there.pk}
    assert seen(people.actor("structure", tree.poste_toubacouta)) == set()
    assert seen(people.actor()) == set()
    manager = people.actor("structure", tree.poste_toubacouta)
    training.registration(led, people.agent(), structure=tree.poste_toubacouta)
    assert seen(manager) == {led.pk}


def test_a_trainer_without_sessions_sees_none(tree: people.Tree) -> None:
    training.session(tree.sokone)
    assert list(sessions_visible_to(people.actor("trainer", tree.country))) == []


# --- Life -----------------------------------------------------------------------------------


def test_postponing_moves_half_days_and_tells_why(tree: people.Tree) -> None:
    trainer = people.agent(tree.centre_sokone)
    session = plan_session(
        actor=SYSTEM, now=NOW, data=data(tree, trainers=[TrainerData(agent=trainer)])
    )
    after = postpone_session(
        actor=people.actor("region", tree.fatick),
        now=NOW,
        session=session,
        notice="Campagne de vaccination",
        start=dt.date(2023, 4, 3),
        end=dt.date(2023, 4, 3),
    )
    assert (after.state, after.notice, after.start) == (
        "postponed",
        "Campagne de vaccination",
        dt.date(2023, 4, 3),
    )
    assert after.half_days.count() == 2
    assert after.trainers.get().half_days.count() == 2


def test_cancelling_needs_a_notice_and_ends_the_session(tree: people.Tree) -> None:
    session = training.session(tree.sokone)
    actor = people.actor("region", tree.fatick)
    assert refusal(cancel_session, actor=actor, now=NOW, session=session, notice=" ").field == (
        "notice"
    )
    assert cancel_session(actor=actor, now=NOW, session=session, notice="Pluie").state == (
        "cancelled"
    )
    error = refusal(
        postpone_session,
        actor=actor,
        now=NOW,
        session=session,
        notice="Non",
        start=dt.date(2023, 4, 3),
        end=dt.date(2023, 4, 3),
    )
    assert error.message == "Cette session est annulée : elle ne peut pas être reportée."


def test_a_session_with_presences_is_neither_postponed_nor_cancelled(tree: people.Tree) -> None:
    session = held(tree)
    error = refusal(cancel_session, actor=SYSTEM, now=NOW, session=session, notice="Non")
    assert error.message == "Des présences sont déjà notées : la session a commencé."


def test_the_trainer_closes_and_the_region_validates(tree: people.Tree) -> None:
    session = held(tree)
    trainer = people.agent(tree.centre_guinguineo)
    row = SessionTrainer.objects.create(session=session, agent=trainer)
    account = people.account("trainer", tree.kaolack, agent=trainer)
    closer = people.actor_for(account, today=NOW.date())
    assert list(countable_sessions()) == []
    closed = close_session(
        actor=closer, now=NOW, session=session, led={row.pk: [(session.start, "am")]}
    )
    assert (closed.state, closed.closed_by) == ("closed", account)
    assert row.half_days.count() == 1
    assert list(countable_sessions()) == [session]
    with pytest.raises(Session.DoesNotExist):
        validate_session(actor=closer, now=NOW, session=session)
    validated = validate_session(
        actor=people.actor("region", tree.fatick), now=NOW, session=session
    )
    assert (validated.state, validated.validated_at) == ("validated", NOW)


def test_closing_needs_presences(tree: people.Tree) -> None:
    session = training.session(tree.sokone)
    error = refusal(close_session, actor=SYSTEM, now=NOW, session=session)
    assert error.message == "Aucune présence n’est notée."
    AnonymousCount.objects.create(session=session, label="une vingtaine de relais", unknown=20)
    assert close_session(actor=SYSTEM, now=NOW, session=session).state == "closed"


def test_closing_waits_for_the_last_day(tree: people.Tree) -> None:
    session = held(tree, start=dt.date(2023, 3, 20))
    error = refusal(close_session, actor=SYSTEM, now=NOW, session=session)
    assert error.message == "La session se termine le 21 mars 2023."


def test_closing_needs_a_trainer_with_work(tree: people.Tree) -> None:
    session = held(tree)
    SessionTrainer.objects.create(session=session, outside_name="Jean Dupont")
    error = refusal(close_session, actor=SYSTEM, now=NOW, session=session)
    assert error.message == "Aucun formateur n’a de demi-journée."


def test_nobody_is_at_two_places_at_once(tree: people.Tree) -> None:
    agent = people.agent(tree.centre_sokone, last_name="Faye")
    first, second = training.session(tree.sokone, code="A"), training.session(tree.sokone, code="B")
    present(first, agent)
    line = present(second, agent)
    error = refusal(close_session, actor=SYSTEM, now=NOW, session=first)
    assert error.message == (
        "Awa FAYE est noté présent aussi à la session B le 13 mars 2023, matin."
    )
    Presence.objects.filter(registration=line).update(
        half_day=HalfDay.objects.get(session=second, date=dt.date(2023, 3, 13), part="pm")
    )
    assert close_session(actor=SYSTEM, now=NOW, session=first).state == "closed"


def test_a_closed_session_goes_back_with_a_reason(tree: people.Tree) -> None:
    session = close_session(actor=SYSTEM, now=NOW, session=held(tree))
    assert refusal(reopen_session, actor=SYSTEM, now=NOW, session=session, reason="").field == (
        "reason"
    )
    again = reopen_session(actor=SYSTEM, now=NOW, session=session, reason="Feuille incomplète")
    assert (again.state, again.closed_at, again.notice) == ("planned", None, "Feuille incomplète")


def test_after_validation_a_change_needs_a_reason_and_is_logged(tree: people.Tree) -> None:
    session = held(tree)
    close_session(actor=SYSTEM, now=NOW, session=session)
    validate_session(actor=SYSTEM, now=NOW, session=session)
    DirtySession.objects.all().delete()
    actor = people.actor("region", tree.fatick)
    changed = data(tree, title="Cyber sécurité")
    error = refusal(update_session, actor=actor, now=NOW, session=session, data=changed)
    assert (error.code, error.field) == ("reason", "reason")
    assert (Session.objects.get().title, Correction.objects.count()) == ("Outils numériques", 0)
    update_session(actor=actor, now=NOW, session=session, data=changed, reason="Titre mal recopié")
    row = Correction.objects.get()
    assert (row.reason, row.by, row.change["fields"]["title"]) == (
        "Titre mal recopié",
        actor.account,
        ["Outils numériques", "Cyber sécurité"],
    )
    assert DirtySession.objects.count() == 1
    correct_trainers(
        actor=actor,
        now=NOW,
        session=session,
        trainers=[TrainerData(outside_name="Jean Dupont")],
        reason="Oublié",
    )
    assert Correction.objects.count() == 2


@given(actions=st.lists(st.sampled_from(sorted(policy.SESSION_TRANSITIONS)), max_size=12))
def test_no_sequence_of_acts_leaves_the_lawful_states(actions: list[str]) -> None:
    """Whatever is tried: a validated or cancelled session never moves again, and a session is
    validated only after it was closed."""
    state: str = Session.State.PLANNED
    seen = [state]
    for action in actions:
        after = policy.next_state(policy.SESSION_TRANSITIONS, action, state)
        if state in (Session.State.VALIDATED, Session.State.CANCELLED):
            assert after is None
        if after is not None:
            state = after
            seen.append(state)
    assert set(seen) <= set(Session.State.values)
    if Session.State.VALIDATED in seen:
        assert seen[seen.index(Session.State.VALIDATED) - 1] == Session.State.CLOSED


@given(actions=st.lists(st.sampled_from(sorted(policy.REGISTRATION_TRANSITIONS)), max_size=12))
def test_a_person_is_convoked_only_once_approved(actions: list[str]) -> None:
    state: str = Registration.State.DESIGNATED
    seen = [state]
    for action in actions:
        after = policy.next_state(policy.REGISTRATION_TRANSITIONS, action, state)
        if after is not None:
            state = after
            seen.append(state)
    if Registration.State.CONVOKED in seen:
        assert Registration.State.APPROVED in seen[: seen.index(Registration.State.CONVOKED)]
    if Registration.State.REPLACED in seen:
        assert seen[-1] == Registration.State.REPLACED


# --- Programmes -----------------------------------------------------------------------------


def programme_data(tree: people.Tree, **fields: object) -> ProgrammeData:
    values: dict[str, object] = {
        "code": "direcct",
        "name": "DIRECCT",
        "node": tree.country,
        "start": dt.date(2022, 11, 14),
        "end": dt.date(2023, 3, 17),
        **fields,
    }
    return ProgrammeData(**values)  # type: ignore[arg-type]


def test_a_programme_with_partners_targets_and_structures(tree: people.Tree) -> None:
    actor = people.actor("programme", tree.country)
    made = programme_services.create_programme(
        actor=actor,
        now=NOW,
        data=programme_data(
            tree,
            partners=[PartnerData("Union européenne", "funder"), PartnerData("AFD", "implementer")],
            targets=[
                TargetData("agents_trained", Decimal(500)),
                TargetData("agents_trained", Decimal(200), tree.fatick),
            ],
            target_structures=[tree.centre_sokone],
        ),
    )
    assert list(made.partners.order_by("pk").values_list("partner__name", "role")) == [
        ("Union européenne", "funder"),
        ("AFD", "implementer"),
    ]
    session = training.session(tree.sokone, programme=made)
    again = programme_data(tree, targets=[TargetData("agents_trained", Decimal(521))])
    programme_services.update_programme(actor=actor, now=NOW, programme=made, data=again)
    assert list(made.targets.values_list("indicator", "node", "value")) == [
        ("agents_trained", None, Decimal(521))
    ]
    assert (made.partners.count(), made.target_structures.count()) == (0, 0)
    assert list(DirtySession.objects.values_list("session", flat=True)) == [session.pk]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"end": dt.date(2022, 1, 1)}, "end"),
        ({"completion_percent": 0}, "completion_percent"),
        ({"per_diem": Decimal(-1)}, "per_diem"),
        ({"partners": [PartnerData("AFD", "boss")]}, "partners"),
        ({"partners": [PartnerData(" ", "funder")]}, "partners"),
        ({"targets": [TargetData("x", Decimal(1)), TargetData("x", Decimal(2))]}, "targets"),
        ({"targets": [TargetData("x", Decimal(-1))]}, "targets"),
    ],
)
def test_bad_programmes_are_refused(
    tree: people.Tree, fields: dict[str, object], field: str
) -> None:
    error = refusal(
        programme_services.create_programme,
        actor=SYSTEM,
        now=NOW,
        data=programme_data(tree, **fields),
    )
    assert error.field == field
    assert not programmes_visible_to(SYSTEM).exists()


def test_a_code_serves_one_programme(tree: people.Tree) -> None:
    training.programme(tree.country, code="direcct")
    error = refusal(
        programme_services.create_programme, actor=SYSTEM, now=NOW, data=programme_data(tree)
    )
    assert error.field == "code"


def test_programmes_are_made_on_ones_own_territory(tree: people.Tree) -> None:
    actor = people.actor("programme", tree.fatick)
    error = refusal(
        programme_services.create_programme, actor=actor, now=NOW, data=programme_data(tree)
    )
    assert error.field == "node"


def test_programmes_are_seen_where_they_reach(tree: people.Tree) -> None:
    programme = training.programme(tree.country)
    other = training.programme(tree.kaolack)
    training.session(tree.sokone, programme=programme)
    assert list(programmes_visible_to(people.actor("region", tree.fatick))) == [programme]
    assert set(programmes_visible_to(people.actor("auditor", tree.country))) == {programme, other}
    edit = programmes_visible_to(people.actor("programme", tree.kaolack), "programmes.edit")
    assert list(edit) == [other]
