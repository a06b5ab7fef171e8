"""The planning screens: what they cost, what they store, what they say of bad input."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from kalan.base.models import Message
from kalan.people.models import Account
from kalan.training.models import (
    AnonymousCount,
    Correction,
    CostLine,
    HalfDay,
    Presence,
    Programme,
    Registration,
    Session,
    SessionPlaces,
    SessionTrainer,
    Target,
    TransportRate,
)
from tests.factories import people, training
from tests.support.signin import sign_in

NOW = people.NOW
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("journal")]
# What every staff page reads before its own content: the session, the account, its grants.
FRAME = 3


def client_of(account: Account) -> Client:
    client = Client()
    sign_in(client, account)
    return client


@pytest.fixture
def manager(tree: people.Tree) -> Client:
    """A programme manager of the whole country."""
    return client_of(people.account("programme", tree.country))


def session_of(tree: people.Tree, **fields: Any) -> Session:
    programme = fields.pop("programme", None) or training.programme(tree.country, per_diem=10000)
    return training.session(tree.centre_sokone, programme=programme, **fields)


def present(session: Session, agent: Any = None, **fields: Any) -> Registration:
    line = training.registration(session, agent or people.agent(session.node), **fields)
    for half_day in HalfDay.objects.filter(session=session):
        Presence.objects.create(registration=line, half_day=half_day)
    return line


def url(name: str, session: Session, **more: Any) -> str:
    return reverse(name, kwargs={"uid": session.uid, **more})


def body(response: Any) -> str:
    assert response.status_code == 200, response
    return str(response.content.decode())


# --- Costs of the lists ---------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 3])
def test_session_list_costs_the_same(
    tree: people.Tree,
    manager: Client,
    number: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(number):
        training.registration(session_of(tree), people.agent(tree.centre_sokone))
    manager.get(reverse("session-list"))
    with django_assert_num_queries(FRAME + 4):
        page = body(manager.get(reverse("session-list")))
    assert page.count("Outils numériques</a>") == number


@pytest.mark.parametrize("number", [1, 3])
def test_programme_list_costs_the_same(
    tree: people.Tree,
    manager: Client,
    number: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(number):
        training.programme(tree.country)
    with django_assert_num_queries(FRAME + 1):
        page = body(manager.get(reverse("programme-list")))
    assert page.count("Programme d’essai</a>") == number


@pytest.mark.parametrize("number", [1, 3])
def test_session_page_costs_the_same(
    tree: people.Tree,
    manager: Client,
    number: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    session = session_of(tree, days=number)
    for _ in range(number):
        present(session)
        SessionPlaces.objects.create(
            session=session, structure=people.node(tree.sokone, "structure", "Poste"), places=2
        )
        trainer = SessionTrainer.objects.create(
            session=session, agent=people.agent(tree.centre_guinguineo)
        )
        trainer.half_days.set(session.half_days.all())
        AnonymousCount.objects.create(session=session, label="relais", unknown=20)
    with django_assert_num_queries(FRAME + 16):
        page = body(manager.get(url("session-detail", session)))
    assert page.count("Awa DIOUF") >= number


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize(
    ("name", "queries"),
    [
        ("session-participants", 5),
        ("session-designate", 5),
        ("session-trainers", 4),
        ("session-costs", 4),
        ("session-convoke", 9),
        ("session-history", 2),
    ],
)
def test_the_parts_of_a_session_cost_the_same(
    tree: people.Tree,
    manager: Client,
    number: int,
    name: str,
    queries: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    session = session_of(tree)
    for rank in range(number):
        present(session, state="approved")
        people.agent(tree.centre_sokone)
        SessionTrainer.objects.create(session=session, outside_name=f"Jean {rank}")
        CostLine.objects.create(session=session, category="room", planned=1000)
        Correction.objects.create(session=session, at=NOW, reason="Oubli", change={"what": "x"})
    address = url(name, session)
    manager.get(address)
    with django_assert_num_queries(FRAME + queries):
        assert manager.get(address).status_code == 200


@pytest.mark.parametrize("number", [1, 3])
def test_message_list_costs_the_same(
    tree: people.Tree,
    manager: Client,
    number: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    session = session_of(tree)
    for rank in range(number):
        Message.objects.create(
            channel="sms",
            template="convocation",
            recipient=f"+22177000000{rank}",
            body="Bonjour",
            subject_ref=f"training.session:{session.uid}",
            subject_id=session.pk,
            created_at=NOW,
        )
    with django_assert_num_queries(FRAME + 1):
        page = body(manager.get(reverse("message-list")))
    assert page.count("+22177000000") == number


# --- Planning -------------------------------------------------------------------------------


def plan(tree: people.Tree, **fields: str) -> dict[str, str]:
    return {
        "title": "Cyber sécurité",
        "theme": str(training.theme().pk),
        "node": "Centre de santé de Sokone",
        "start": "2023-03-13",
        "end": "14/03/2023",
        "mode": "room",
        "language": "fr",
        **fields,
    }


def test_planning_by_the_screen(tree: people.Tree, manager: Client) -> None:
    response = manager.post(
        reverse("session-plan"),
        plan(tree, organiser="Région médicale", new_theme="Télésanté", theme=""),
    )
    session = Session.objects.get()
    assert response.headers["Location"] == url("session-trainers", session)
    assert (session.node, session.start, session.end) == (
        tree.centre_sokone,
        dt.date(2023, 3, 13),
        dt.date(2023, 3, 14),
    )
    assert session.organiser is not None
    assert (session.organiser.name, session.theme.name) == ("Région médicale", "Télésanté")
    assert session.public is False


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"end": "2023-03-12"}, "avant de commencer le 13 mars 2023. Vérifiez la date de fin."),
        ({"start": "1022-11-16", "end": "1022-11-18"}, "L’année 1022 n’est pas plausible"),
        ({"start": "treize mars"}, "Écrivez une date, par exemple 17/03/2023."),
        ({"node": "Centre de sante de Sokonne"}, "Vouliez-vous dire : Centre de santé de Sokone"),
        ({"node": "Paris"}, "« Paris » n’est pas connu dans votre territoire."),
        ({"theme": ""}, "Choisissez un thème, ou écrivez-en un nouveau."),
        ({"parent": "XYZ"}, "Aucune session n’a le code « XYZ »."),
        ({"title": ""}, "Ce champ est obligatoire."),
    ],
)
def test_what_is_wrong_is_said_on_the_form(
    tree: people.Tree, manager: Client, fields: dict[str, str], message: str
) -> None:
    page = body(manager.post(reverse("session-plan"), plan(tree, **fields)))
    assert message in page
    assert Session.objects.count() == 0


def test_two_places_of_one_name_are_asked_about(tree: people.Tree, manager: Client) -> None:
    people.node(tree.guinguineo, "structure", "Centre de santé de Sokone")
    page = body(manager.post(reverse("session-plan"), plan(tree)))
    assert "Plusieurs lieux s’appellent" in page
    wanted = plan(tree, node="Centre de santé de Sokone (Guinguinéo)")
    manager.post(reverse("session-plan"), wanted)
    assert Session.objects.get().node.path.startswith(tree.kaolack.path)


def test_editing_stretches_the_half_days(tree: people.Tree, manager: Client) -> None:
    session = session_of(tree)
    HalfDay.objects.filter(session=session, date=dt.date(2023, 3, 13), part="pm").delete()
    programme = str(session.programme_id)
    manager.post(url("session-edit", session), plan(tree, end="2023-03-15", programme=programme))
    assert list(session.half_days.order_by("date", "part").values_list("date__day", "part")) == [
        (13, "am"),
        (14, "am"),
        (14, "pm"),
        (15, "am"),
        (15, "pm"),
    ]


def test_half_days_are_ticked(tree: people.Tree, manager: Client) -> None:
    session = session_of(tree)
    chosen = {"half_days": ["2023-03-13-am", "2023-03-14-am"]}
    manager.post(url("session-half-days", session), chosen)
    assert session.half_days.count() == 2
    page = body(manager.post(url("session-half-days", session), {}))
    assert "Cochez au moins une demi-journée." in page
    assert session.half_days.count() == 2


def test_trainers_without_script(tree: people.Tree, manager: Client) -> None:
    session = session_of(tree)
    address = url("session-trainers", session)
    trainer = people.agent(tree.centre_guinguineo, last_name="Sarr")
    assert "Awa SARR" in body(manager.get(address + "?q=sarr"))
    manager.post(address, {"ajouter": str(trainer.uid)})
    manager.post(address, {"outside_name": "Jean Dupont", "employer": "project"})
    assert [t.name for t in session.trainers.order_by("pk")] == ["Awa SARR", "Jean Dupont"]
    manager.post(
        address,
        {
            "demi-1": ["2023-03-13-am"],
            "heures-1": "3,5",
            "employeur-1": "state",
            "demi-2": ["2023-03-14-am", "2023-03-14-pm"],
            "heures-2": "abc",
        },
    )
    for nonsense in ("NaN", "sNaN", "Infinity", "-1", "9" * 5000):
        answer = manager.post(
            address,
            {
                "demi-1": ["2023-03-13-am"],
                "heures-1": nonsense,
                "employeur-1": "state",
                "demi-2": ["2023-03-14-am", "2023-03-14-pm"],
            },
        )
        assert answer.status_code == 302
    rows = session.trainers.order_by("pk")
    assert [(t.hours, t.employer, t.half_days.count()) for t in rows] == [
        (Decimal("3.5"), "state", 1),
        (Decimal("16"), "", 2),
    ]
    manager.post(address, {"retirer": "1", "demi-2": ["2023-03-14-am"], "heures-2": "4"})
    assert [t.name for t in session.trainers.all()] == ["Jean Dupont"]


def test_places_are_kept_for_structures(tree: people.Tree, manager: Client) -> None:
    session = session_of(tree, capacity=6)
    address = url("session-places", session)
    assert "Poste de santé de Toubacouta" in body(manager.get(address + "?q=toubacouta"))
    key = f"places-{tree.poste_toubacouta.uid}"
    manager.post(address, {key: "5"})
    assert list(session.places.values_list("structure__name", "places")) == [
        ("Poste de santé de Toubacouta", 5)
    ]
    for wrong, message in (
        ("7", "dépassent la capacité de la session (6)"),
        ("x", "écrivez un"),
        ("9" * 5000, "écrivez un"),
    ):
        assert message in body(manager.post(address, {key: wrong}, follow=True))
    assert session.places.get().places == 5


# --- The list of participants ---------------------------------------------------------------


def test_designate_then_retain_then_convoke(tree: people.Tree, manager: Client) -> None:
    session = session_of(tree, start=dt.date(2100, 3, 13))
    SessionPlaces.objects.create(session=session, structure=tree.centre_sokone, places=1)
    structure = client_of(people.account("structure", tree.centre_sokone))
    agents = [
        people.agent(tree.centre_sokone, last_name=name, email=f"{name}@exemple.sn")
        for name in ("aa", "bb")
    ]
    page = body(
        structure.post(
            url("session-designate", session),
            {"agents": [str(agent.uid) for agent in agents]},
            follow=True,
        )
    )
    assert "1 personne désignée, 1 en liste d’attente faute de place." in page
    lines = {line.agent_id: line for line in session.registrations.all()}
    retained = {"lignes": [str(lines[agents[0].pk].uid)], "action": "retenir"}
    page = body(manager.post(url("session-participants", session), retained, follow=True))
    assert "1 personne retenue." in page
    refused = {"lignes": [str(lines[agents[1].pk].uid)], "action": "retenir"}
    answer = manager.post(url("session-participants", session), refused)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Il n’y a plus de place pour Awa BB." in page
    page = body(manager.get(url("session-convoke", session)))
    assert "aa@exemple.sn" in page
    manager.post(url("session-convoke", session), {"channels": ["email"]})
    assert Message.objects.get().recipient == "aa@exemple.sn"
    session.refresh_from_db()
    assert session.state == "convoked"


def test_a_structure_manager_does_not_retain(tree: people.Tree) -> None:
    session = session_of(tree)
    line = training.registration(session, people.agent(tree.centre_sokone), state="designated")
    structure = client_of(people.account("structure", tree.centre_sokone))
    address = url("session-participants", session)
    assert "Ne pas retenir" not in body(structure.get(address))
    answer = structure.post(address, {"lignes": [str(line.uid)], "action": "retenir"})
    assert answer.status_code == 404
    line.refresh_from_db()
    assert line.state == "designated"


def test_the_list_goes_out_as_a_table(tree: people.Tree, manager: Client) -> None:
    session = session_of(tree)
    present(session, people.agent(tree.centre_sokone, last_name="=cmd()", first_names=""))
    text = manager.get(url("session-participants", session) + "?format=csv").content.decode()
    assert "'=CMD();F;infirmier d’État;;convoqué;4;4" in text


def test_outsiders_and_numbers(tree: people.Tree, manager: Client) -> None:
    session = session_of(tree)
    outsider = {"first_names": "Ami", "last_name": "Touré", "body": "Radio", "mode": "room"}
    manager.post(url("session-outsider", session), outsider)
    page = body(manager.post(url("session-outsider", session), outsider))
    assert "Ami Touré est déjà sur la liste de cette session." in page
    numbers = {"label": "relais", "women": "0", "men": "0", "unknown": "0"}
    page = body(manager.post(url("session-anonymous", session), numbers))
    assert "Écrivez au moins un nombre de personnes." in page
    manager.post(url("session-anonymous", session), {**numbers, "unknown": "20"})
    line = session.anonymous_counts.get()
    manager.post(url("session-anonymous-edit", session, count=line.uid), {**numbers, "men": "9"})
    line.refresh_from_db()
    assert (line.men, line.unknown) == (9, 0)
    gone = {**numbers, "men": "9", "retirer": "1"}
    manager.post(url("session-anonymous-edit", session, count=line.uid), gone)
    assert session.anonymous_counts.count() == 0


# --- Life -----------------------------------------------------------------------------------


def test_trainer_closes_and_region_validates(tree: people.Tree) -> None:
    session = session_of(tree)
    present(session)
    own = people.agent(tree.centre_guinguineo)
    SessionTrainer.objects.create(session=session, agent=own)
    trainer = client_of(people.account("trainer", tree.kaolack, agent=own))
    assert "Clôturer" in body(trainer.get(url("session-detail", session)))
    page = body(trainer.post(url("session-close", session), {}, follow=True))
    assert "Aucun formateur n’a de demi-journée." in page
    trainer.post(url("session-close", session), {"demi-1": ["2023-03-13-am"]})
    session.refresh_from_db()
    assert session.state == "closed"
    assert trainer.post(url("session-validate", session)).status_code == 404
    region = client_of(people.account("region", tree.fatick))
    assert "lundi 13 mars, matin : 1 présent" in body(region.get(url("session-validate", session)))
    region.post(url("session-validate", session))
    session.refresh_from_db()
    assert session.state == "validated"


def test_postpone_cancel_and_reopen_ask_first(tree: people.Tree, manager: Client) -> None:
    session = session_of(tree)
    page = body(manager.post(url("session-cancel", session), {"notice": ""}))
    assert "Ce champ est obligatoire." in page
    wrong = {"start": "2023-05-03", "end": "2023-05-01", "notice": "Pluie"}
    page = body(manager.post(url("session-postpone", session), wrong))
    assert "avant de commencer" in page
    manager.post(url("session-postpone", session), {**wrong, "end": "2023-05-03"})
    session.refresh_from_db()
    assert (session.state, session.start) == ("postponed", dt.date(2023, 5, 3))
    assert "Pluie" in body(manager.get(url("session-detail", session)))
    manager.post(url("session-cancel", session), {"notice": "Fin"})
    session.refresh_from_db()
    assert session.state == "cancelled"
    closed = session_of(tree, state="closed", closed_at=NOW)
    manager.post(url("session-reopen", closed), {"reason": "Feuille incomplète"})
    closed.refresh_from_db()
    assert closed.state == "planned"


def test_a_validated_session_asks_for_the_reason(tree: people.Tree, manager: Client) -> None:
    session = session_of(tree, state="validated", validated_at=NOW)
    changed = plan(tree, programme=str(session.programme_id))
    page = body(manager.post(url("session-edit", session), changed))
    assert "Motif de la correction" in page
    assert Correction.objects.count() == 0
    manager.post(url("session-edit", session), {**changed, "reason": "Mauvais titre"})
    assert Correction.objects.get().reason == "Mauvais titre"
    assert "Mauvais titre" in body(manager.get(url("session-history", session)))


# --- Money ----------------------------------------------------------------------------------


def test_costs_by_the_screen(tree: people.Tree, manager: Client) -> None:
    session = session_of(tree)
    cost = {"category": "room", "planned": "50 000", "spent": "0", "currency": "XOF"}
    manager.post(url("session-costs", session), cost)
    line = CostLine.objects.get()
    assert line.planned == Decimal(50000)
    page = body(manager.post(url("session-costs", session), {**cost, "planned": "10,5"}))
    assert "Le franc CFA n’a pas de centimes." in page
    manager.post(url("cost-edit", session, line=line.uid), {**cost, "spent": "45000"})
    line.refresh_from_db()
    assert line.spent == Decimal(45000)
    manager.post(url("cost-remove", session, line=line.uid))
    assert CostLine.objects.count() == 0


def test_an_auditor_reads_costs_and_changes_none(tree: people.Tree) -> None:
    session = session_of(tree)
    auditor = client_of(people.account("auditor", tree.country))
    assert "Ajouter une dépense" not in body(auditor.get(url("session-costs", session)))
    cost = {"category": "room", "planned": "1", "spent": "0", "currency": "XOF"}
    assert auditor.post(url("session-costs", session), cost).status_code == 404
    assert CostLine.objects.count() == 0


def test_the_payment_list_waits_for_validation(tree: people.Tree, manager: Client) -> None:
    session = session_of(tree, state="closed")
    present(session)
    assert "se fait sur les présences validées" in body(
        manager.get(url("session-payments", session))
    )
    Session.objects.update(state="validated", validated_at=NOW)
    page = body(manager.get(url("session-payments", session))).replace("\u202f", " ")
    assert "20 000" in page
    text = manager.get(url("session-payments", session) + "?format=csv").content.decode()
    assert ";2,00;20000;0;;20000;" in text
    assert manager.get(url("session-payments-pdf", session)).content.startswith(b"%PDF")


# --- Programmes -----------------------------------------------------------------------------


def test_a_programme_by_the_screen(tree: people.Tree, manager: Client) -> None:
    form = {
        "name": "DIRECCT",
        "code": "direcct",
        "node": "Sénégal",
        "start": "2022-11-14",
        "end": "2023-03-17",
        "funders": "Union européenne",
        "implementers": "AFD ; Enabel",
        "completion_percent": "80",
        "currency": "XOF",
        "per_diem": "10 000",
        "sms_monthly_ceiling": "0",
    }
    page = body(manager.post(reverse("programme-create"), {**form, "end": "2021-01-01"}))
    assert "Le programme se termine avant de commencer." in page
    manager.post(reverse("programme-create"), form)
    programme = Programme.objects.get()
    at = {"uid": programme.uid}
    assert sorted(programme.partners.values_list("partner__name", "role")) == [
        ("AFD", "implementer"),
        ("Enabel", "implementer"),
        ("Union européenne", "funder"),
    ]
    manager.post(reverse("programme-targets", kwargs=at), {"indicator": "sessions", "value": "20"})
    manager.post(reverse("programme-targets", kwargs=at), {"indicator": "sessions", "value": "19"})
    assert Target.objects.get().value == Decimal(19)
    structures = reverse("programme-structures", kwargs=at)
    assert "Centre de santé de Sokone" in body(manager.get(structures + "?q=sokone"))
    manager.post(structures, {"ajouter": [str(tree.centre_sokone.uid), "n’importe quoi"]})
    fare = {"origin": "Centre de santé de Sokone", "amount": "2500"}
    manager.post(reverse("programme-transport", kwargs=at), fare)
    assert TransportRate.objects.get().amount == Decimal(2500)
    manager.post(reverse("programme-edit", kwargs=at), {**form, "name": "DIRECCT 2"})
    programme.refresh_from_db()
    assert (programme.name, programme.targets.count(), programme.target_structures.count()) == (
        "DIRECCT 2",
        1,
        1,
    )
    manager.post(structures, {"retirer": str(tree.centre_sokone.uid)})
    manager.post(reverse("programme-targets", kwargs=at), {"indicator": "sessions", "value": "0"})
    assert (programme.targets.count(), programme.target_structures.count()) == (0, 0)
    assert "DIRECCT 2" in body(manager.get(reverse("programme-detail", kwargs=at)))


# --- Messages -------------------------------------------------------------------------------


def test_wordings_by_the_screen(manager: Client) -> None:
    address = reverse("wording-edit", kwargs={"code": "convocation", "channel": "sms"})
    page = body(manager.post(address, {"body": "Bonjour {prenom}"}))
    assert "« {prenom} » n’est pas connu de ce message." in page
    manager.post(address, {"body": "Venez {dates}"})
    assert "modifié" in body(manager.get(reverse("wording-list")))
    manager.post(address, {"reprendre": "1"})
    assert "modifié" not in body(manager.get(reverse("wording-list")))


def test_my_calendar_and_my_convocation(tree: people.Tree) -> None:
    session = session_of(tree)
    agent = people.agent(tree.centre_sokone)
    line = training.registration(session, agent, state="approved")
    me = client_of(people.account(agent=agent))
    calendar = me.get(url("my-session-calendar", session))
    assert calendar.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert me.get(url("my-convocation", session)).status_code == 404
    Registration.objects.filter(pk=line.pk).update(state="convoked")
    assert me.get(url("my-convocation", session)).content.startswith(b"%PDF")
    other = client_of(people.account(agent=people.agent(tree.centre_sokone)))
    assert other.get(url("my-session-calendar", session)).status_code == 404


def test_a_code_cannot_break_the_name_of_a_file(tree: people.Tree, manager: Client) -> None:
    session = session_of(tree, code='S"; filename="../x.exe\r\nX: y')
    for name, kind in (("session-calendar", ""), ("session-participants", "?format=csv")):
        answer = manager.get(url(name, session) + kind)
        assert answer.status_code == 200
        given = answer["Content-Disposition"].partition("filename=")[2]
        assert (given[0], given.count('"')) == ('"', 2)
        assert not set(given) & set("\r\n/\\")
        assert "X" not in answer


@pytest.mark.parametrize("name", ["session-designate", "session-trainers", "session-places"])
def test_a_nul_in_an_address_is_refused(tree: people.Tree, manager: Client, name: str) -> None:
    address = url(name, session_of(tree))
    assert manager.get(address + "?q=%00&cadre=%00").status_code == 400
