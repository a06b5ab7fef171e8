"""The public home, the learner's and the staff's: what each shows, and to whom."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from kalan.credentials.models import Batch
from kalan.people.actor import Actor
from kalan.people.selectors.core import actor_for
from kalan.training.models import Session, SessionTrainer
from kalan.web import home, nav
from tests.factories import acts, people, training

pytestmark = pytest.mark.django_db
TODAY = dt.date(2023, 3, 20)
DAY = dt.timedelta(days=1)


def labels(actor: Actor) -> list[tuple[int, str]]:
    return [(todo.count, todo.label) for todo in home.todos(actor, today=TODAY)]


@pytest.fixture
def sessions(tree: people.Tree) -> dict[str, Session]:
    """In Fatick: one over, one closed, one today, one next week; and one over in Kaolack."""
    make = training.session
    return {
        "over": make(tree.centre_sokone, start=TODAY - 7 * DAY, state="convoked"),
        "closed": make(tree.centre_sokone, start=TODAY - 14 * DAY, state="closed"),
        "today": make(tree.centre_sokone, start=TODAY, state="convoked"),
        "next": make(tree.centre_sokone, start=TODAY + 7 * DAY),
        "elsewhere": make(tree.centre_guinguineo, start=TODAY - 7 * DAY, state="convoked"),
    }


@pytest.mark.usefixtures("sessions")
def test_a_regional_manager_sees_what_waits_in_the_region(tree: people.Tree) -> None:
    people.agent(tree.centre_sokone, to_reconcile=True)
    people.agent(tree.centre_guinguineo, to_reconcile=True)
    assert labels(people.actor("region", tree.fatick)) == [
        (1, "session a lieu aujourd’hui"),
        (1, "session terminée reste à clôturer"),
        (1, "session clôturée reste à valider"),
        (1, "session commence dans les 14 jours"),
        (1, "personne ajoutée sur place est à rapprocher"),
    ]


@pytest.mark.usefixtures("sessions")
def test_two_are_said_in_the_plural(tree: people.Tree) -> None:
    found = labels(people.actor("admin", tree.country))
    assert found[1] == (2, "sessions terminées restent à clôturer")


def test_a_trainer_sees_only_the_sessions_they_lead(
    tree: people.Tree, sessions: dict[str, Session]
) -> None:
    agent = people.agent(tree.centre_sokone)
    account = people.account("trainer", tree.country, agent=agent)
    actor = actor_for(account, today=TODAY)
    assert labels(actor) == []
    SessionTrainer.objects.create(session=sessions["today"], agent=agent)
    assert labels(actor) == [(1, "session a lieu aujourd’hui")]


def test_designations_wait_for_the_programme(
    tree: people.Tree, sessions: dict[str, Session]
) -> None:
    for key, state in (("next", "designated"), ("next", "approved"), ("over", "designated")):
        agent = people.agent(tree.centre_sokone)
        training.registration(sessions[key], agent, state=state)
    found = labels(people.actor("programme", tree.country))
    assert (1, "désignation attend une décision") in found


def test_batches_of_acts_wait_for_who_may_approve_or_sign_them(tree: people.Tree) -> None:
    waiting = acts.batch(tree.fatick, state="checked")
    acts.batch(tree.kaolack, state="checked")
    ready = acts.batch(tree.fatick, state="approved")
    signatory = actor_for(ready.office.holders.get().account, today=TODAY)
    preparer = people.actor("region", tree.fatick)
    Batch.objects.filter(pk=waiting.pk).update(prepared_by=preparer.account)
    assert labels(signatory) == [(1, "lot d’actes à signer")]
    assert labels(people.actor("region", tree.fatick)) == [(1, "lot d’actes à viser")]
    assert labels(preparer) == []


@pytest.mark.parametrize("number", [1, 3])
def test_the_staff_home_costs_the_same_however_much_there_is(
    tree: people.Tree, number: int, django_assert_num_queries: object
) -> None:
    for _ in range(number):
        session = training.session(tree.centre_sokone, start=TODAY - 7 * DAY, state="convoked")
        agent = people.agent(tree.centre_sokone, to_reconcile=True)
        training.registration(session, agent)
    client = Client()
    client.force_login(people.account("admin", tree.country))
    with time_machine.travel(people.NOW, tick=False), django_assert_num_queries(14):  # type: ignore[operator]
        assert client.get("/gestion/").status_code == 200


def learner(tree: people.Tree) -> tuple[Client, Session]:
    agent = people.agent(tree.centre_sokone, first_names="Awa", last_name="Diouf")
    session = training.session(tree.centre_sokone, start=TODAY + DAY, title="Bases de e-santé")
    training.registration(session, agent)
    client = Client()
    client.force_login(people.account(agent=agent, display_name="Awa DIOUF"))
    return client, session


def test_a_learner_sees_own_sessions_and_no_other(tree: people.Tree) -> None:
    client, _ = learner(tree)
    other = training.session(tree.centre_sokone, start=TODAY + DAY, title="Cybersécurité")
    training.registration(other, people.agent(tree.centre_sokone))
    with time_machine.travel(people.NOW, tick=False):
        text = client.get("/mon-espace/").content.decode()
    assert "Bonjour Awa DIOUF" in text
    assert "<strong>Bases de e-santé</strong>" in text
    assert "Cybersécurité" not in text


def test_a_cancelled_session_says_so_with_its_notice(tree: people.Tree) -> None:
    client, session = learner(tree)
    Session.objects.filter(pk=session.pk).update(state="cancelled", notice="Salle inondée.")
    with time_machine.travel(people.NOW, tick=False):
        text = client.get("/mon-espace/").content.decode()
    assert '<span class="badge badge-bad">annulée</span>' in text
    assert "Salle inondée." in text


@pytest.mark.parametrize("number", [1, 3])
def test_the_learner_home_costs_the_same_however_many_sessions(
    tree: people.Tree, number: int, django_assert_num_queries: object
) -> None:
    agent = people.agent(tree.centre_sokone)
    for index in range(number):
        for days in (-7, 7):
            start = TODAY + (days + 20 * index * (1 if days > 0 else -1)) * DAY
            session = training.session(tree.centre_sokone, start=start)
            training.registration(session, agent)
    client = Client()
    client.force_login(people.account(agent=agent))
    with time_machine.travel(people.NOW, tick=False), django_assert_num_queries(10):  # type: ignore[operator]
        text = client.get("/mon-espace/").content.decode()
    assert text.count("<strong>Outils numériques</strong>") == 2 * number


def test_an_account_without_an_agent_has_a_home_too(tree: people.Tree) -> None:
    client = Client()
    client.force_login(people.account(display_name="Partenaire"))
    assert "Aucune formation prévue pour vous." in client.get("/mon-espace/").content.decode()


def test_the_public_home_without_a_programme_says_what_comes() -> None:
    text = Client().get("/").content.decode()
    assert "Aucun programme n’a encore de chiffres publics." in text


def test_the_menu_shows_what_the_role_opens(tree: people.Tree) -> None:
    def shown(role: str) -> list[str]:
        groups = nav.groups_for(people.actor(role, tree.country), "/gestion/")
        return [item.label for group in groups for item in group.items]

    assert "Données personnelles" in shown("admin")
    assert "Données personnelles" not in shown("structure")
    assert "Agents" in shown("structure")
    assert "Agents" not in shown("author")
    assert "Historique" in shown("auditor")
    assert "Historique" not in shown("structure")


def test_the_menu_marks_the_screen_one_is_in(tree: people.Tree) -> None:
    groups = nav.groups_for(people.actor("admin", tree.country), "/gestion/fusions/123/")
    current = [item.label for group in groups for item in group.items if item.current]
    assert current == ["Fusions"]


@pytest.mark.usefixtures("sessions")
def test_each_number_opens_a_list_of_as_many(tree: people.Tree) -> None:
    """Sessions and agents; designations are counted by person and listed by session."""
    people.agent(tree.centre_sokone, to_reconcile=True)
    account = people.account("region", tree.fatick)
    client = Client()
    client.force_login(account)
    with time_machine.travel(people.NOW, tick=False):
        found = home.todos(actor_for(account, today=TODAY), today=TODAY)
        listed = []
        for todo in found:
            context = client.get(todo.url).context
            listed.append(len(context["page"].rows))
    assert listed == [todo.count for todo in found]
    assert len(found) == 5


def test_every_line_of_the_menu_and_every_duty_leads_somewhere() -> None:
    for line in nav.LINES:
        assert reverse(line.url_name, args=line.args)
    for duty in home.DUTIES:
        assert reverse(duty.url_name, args=duty.args)


def test_my_space_leads_to_resources_and_to_the_open_questionnaire(
    tree: people.Tree, client: Client
) -> None:
    agent = people.agent(tree.centre_sokone)
    training.registration(training.session(tree.centre_sokone, start=TODAY - DAY), agent)
    training.registration(training.session(tree.centre_sokone, start=TODAY - 90 * DAY), agent)
    training.registration(
        training.session(tree.centre_sokone, start=TODAY - 5 * DAY, state="cancelled"), agent
    )
    waiting = training.session(tree.centre_sokone, start=TODAY)
    training.registration(waiting, agent, state="waiting")
    open_ = Session.objects.get(start=TODAY - DAY)
    client.force_login(people.account("trainer", tree.country, agent=agent))
    with time_machine.travel(dt.datetime(2023, 3, 20, 10, tzinfo=dt.UTC), tick=False):
        page = client.get("/mon-espace/").content.decode()
    assert page.count('href="/ressources/outils/"') == 3
    assert page.count("Donner mon avis") == 1
    assert f'href="/avis/{open_.link_code}/"' in page
