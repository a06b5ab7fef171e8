"""Lists of past sessions brought in."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from kalan.people.actor import Actor
from kalan.people.models import Agent, Post
from kalan.people.services import imports as services
from kalan.training.models import (
    AttendanceMark,
    DirtySession,
    HalfDay,
    Outsider,
    Presence,
    Registration,
    Session,
)
from tests.factories import people, training
from tests.factories.imports import checked, merged, verdicts
from tests.factories.people import NOW

HEAD = ["Code session", "Thème", "Dates", "Région", "Matricule", "Nom", "Prénoms", "Sexe",
        "Structure", "Organisme", "Présence"]  # fmt: skip
SOKONE = "Centre de santé de Sokone"


def line(**changed: Any) -> list[str]:
    usual = {
        "code": "DIR-01",
        "theme": "Outils numériques",
        "dates": "du 16 au 18 novembre 2022",
        "region": "Fatick",
        "matricule": "",
        "nom": "Diouf",
        "prenoms": "Awa",
        "sexe": "F",
        "structure": SOKONE,
        "organisme": "",
        "present": "oui",
    } | changed
    return list(usual.values())


@pytest.fixture
def region(tree: people.Tree) -> Actor:
    training.theme()
    return people.actor("region", tree.fatick)


def run_of(actor: Actor, *lines: list[str], **options: str) -> Any:
    return checked(actor, "past-sessions", [HEAD, *lines], **options)


def test_a_session_with_its_people_and_presences(tree: people.Tree, region: Actor) -> None:
    known = people.agent(tree.centre_sokone, matricule="A1", last_name="Sarr")
    programme = training.programme(tree.fatick)
    run = run_of(
        region,
        line(),
        line(matricule="A1", nom="Sarr", present="4"),
        line(
            nom="Ba", prenoms="Ali", sexe="M", structure="", organisme="Radio Fatick", present="1;6"
        ),
        line(nom="Fall", prenoms="Ndèye", present="non"),
        programme=str(programme.pk),
    )
    assert verdicts(run) == {2: "new", 3: "new", 4: "new", 5: "new"}
    merged(region, run)
    session = Session.objects.get()
    assert (session.code, session.state, session.start, session.end, session.node) == (
        "DIR-01",
        "closed",
        dt.date(2022, 11, 16),
        dt.date(2022, 11, 18),
        tree.fatick,
    )
    assert session.programme == programme
    assert HalfDay.objects.filter(session=session).count() == 6
    made = Agent.objects.get(last_name="Diouf", first_names="Awa", origin="import")
    assert made.to_reconcile
    assert Post.objects.get(agent=made).start == session.start
    numbers = {
        str(r.agent or r.outsider.full_name): r.presences.count()
        for r in Registration.objects.all()
    }
    assert numbers == {str(made): 6, str(known): 4, "Ali BA": 2, "Ndèye FALL": 0}
    assert Outsider.objects.get().body == "Radio Fatick"
    assert set(AttendanceMark.objects.values_list("source", flat=True)) == {"import"}
    assert DirtySession.objects.filter(session=session).exists()


def test_the_same_list_again_changes_nothing(tree: people.Tree, region: Actor) -> None:
    lines = [line(), line(nom="Ba", structure="", organisme="Radio"), line(matricule="N1", nom="X")]
    merged(region, run_of(region, *lines))
    assert verdicts(run_of(region, *lines)) == {2: "same", 3: "same", 4: "same"}


def test_one_person_in_two_sessions_is_one_agent(tree: people.Tree, region: Actor) -> None:
    second = line(code="DIR-02", dates="du 21 au 22 novembre 2022")
    merged(region, run_of(region, line(), second))
    assert Agent.objects.count() == 1
    assert Registration.objects.count() == 2


def test_a_likely_agent_is_asked_about(tree: people.Tree, region: Actor) -> None:
    known = people.agent(tree.centre_sokone, last_name="Diouf", first_names="Awa")
    run = run_of(region, line())
    assert verdicts(run) == {2: "doubt"}
    services.decide_all(actor=region, now=NOW, run=run, decision="first")
    merged(region, run)
    assert Registration.objects.get().agent == known
    assert Agent.objects.count() == 1


def test_one_person_at_two_places_on_one_half_day(tree: people.Tree, region: Actor) -> None:
    run = run_of(region, line(), line(code="DIR-02", dates="du 17 au 18 novembre 2022"))
    assert run.rows.get(number=3).detail["problems"][0]["reason"] == (
        "Le 17/11/2022 (matin), cette personne est déjà présente à « DIR-01 » (ligne 2)."
    )
    agent = people.agent(tree.centre_sokone, matricule="A1")
    other = training.session(tree.fatick, code="AUTRE", start=dt.date(2022, 11, 16), days=1)
    registration = training.registration(other, agent)
    Presence.objects.create(registration=registration, half_day=other.half_days.first())
    run = run_of(region, line(matricule="A1"))
    assert run.rows.get().detail["problems"][0]["reason"] == (
        "Le 16/11/2022 (matin), cette personne est déjà présente à « AUTRE »."
    )


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"dates": "du 18 au 16 novembre 2022"},
         "« du 18 au 16 novembre 2022 » finit avant de commencer."),
        ({"dates": "L’an mille vingt-deux et du 16 au 18 novembre"},
         "« 16 novembre mille vingt deux » tombe en l’an 1022, ce qui n’est pas vraisemblable."),
        ({"theme": "Jardinage"}, "« Jardinage » n’est pas un thème connu."),
        ({"region": "Kaolack"}, "« Kaolack » n’est pas un lieu de votre territoire."),
        ({"present": "8"}, "La session n’a que 6 demi-journées."),
        ({"present": "souvent"}, "« souvent » ne dit pas quelles demi-journées."),
        ({"structure": "Centre de santé de Guinguinéo"},
         "La structure « Centre de santé de Guinguinéo » est hors de votre territoire."),
    ],
)  # fmt: skip
def test_bad_lines_say_why(
    tree: people.Tree, region: Actor, changed: dict[str, str], reason: str
) -> None:
    problem = run_of(region, line(**changed)).rows.get().detail["problems"][0]
    assert problem["reason"] == reason


def test_a_person_twice_in_one_session(tree: people.Tree, region: Actor) -> None:
    run = run_of(region, line(), line())
    assert run.rows.get(number=3).detail["problems"][0]["reason"] == (
        "Cette personne est déjà dans la session à la ligne 2."
    )


def test_a_validated_session_is_not_touched(tree: people.Tree, region: Actor) -> None:
    merged(region, run_of(region, line()))
    Session.objects.update(state="validated", validated_at=NOW)
    run = run_of(region, line(), line(nom="Fall"))
    assert verdicts(run) == {2: "same", 3: "refused"}


def test_a_session_made_since_the_check_is_left_for_review(
    tree: people.Tree, region: Actor
) -> None:
    run = run_of(region, line())
    training.session(tree.fatick, code="DIR-01")
    merged(region, run)
    assert run.rows.get().action == "stale"
    assert Registration.objects.count() == 0
