"""Personal data: one's own copy, requests with deadlines, erasure that keeps counts."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from auditlog.models import LogEntry
from django.test import Client

from kalan.base import files
from kalan.base.errors import Refused
from kalan.base.models import ImportRow, ImportRun, Message
from kalan.people.models import Account, Agent, DataRequest, DuplicatePair, Post
from kalan.people.services import privacy
from kalan.people.services.history import note
from kalan.training.models import Platform, PlatformAccount, Registration
from tests.factories import people, training

pytestmark = pytest.mark.usefixtures("journal")


def _world(tree: people.Tree) -> Agent:
    agent = people.agent(
        tree.centre_sokone,
        last_name="Senghor",
        first_names="Khady",
        matricule="555K",
        phone="+221770000001",
        birth_year=1985,
    )
    people.account(agent=agent, display_name="Khady Senghor")
    session = training.session(tree.centre_sokone)
    training.registration(session, agent)
    programme = training.programme(tree.country)
    platform = Platform.objects.create(programme=programme, code="moodle", name="Moodle")
    PlatformAccount.objects.create(
        platform=platform, username="ksenghor", name="Khady Senghor", agent=agent
    )
    Message.objects.create(
        channel="sms",
        template="convocation",
        recipient=agent.phone,
        body="Khady Senghor, vous êtes convoquée",
        person_ref=privacy.person_ref(agent),
        created_at=people.NOW,
    )
    stored = files.store(
        content=b"Senghor;Khady", name="agents.csv", kind="import", by=None, now=people.NOW
    )
    run = ImportRun.objects.create(kind="staff", file=stored, created_at=people.NOW)
    ImportRow.objects.create(
        run=run,
        number=2,
        raw={"Nom": "Senghor"},
        clean={"last_name": "Senghor", "first_names": "Khady"},
    )
    other = people.agent(tree.centre_sokone)
    DuplicatePair.objects.create(
        kind="agent",
        first_id=min(agent.pk, other.pk),
        second_id=max(agent.pk, other.pk),
        score=90,
    )
    note(actor=people.actor("admin", tree.country), subject=agent, text="essai")
    return agent


def _everything() -> str:
    """All text of the tables that may name a person."""
    parts: list[object] = []
    for model in (Agent, Account, Message, ImportRow, PlatformAccount, LogEntry, DataRequest, Post):
        parts += list(model.objects.values())
    return str(parts)


def test_erasure_leaves_no_trace_of_the_name_and_keeps_the_counts(tree: people.Tree) -> None:
    agent = _world(tree)
    run = ImportRun.objects.get()
    assert run.file is not None
    kept_path = run.file.file.path
    assert "Senghor" in _everything()
    said = f"désignés\u00a0: {agent}, Aïcha BARRY"
    note(actor=people.actor("admin", tree.country), subject=tree.fatick, text=said)

    privacy.erase_agent(
        actor=people.actor("admin", tree.country),
        now=people.NOW,
        agent=agent,
        reason="demande de la personne",
    )

    text = _everything()
    for trace in ("Senghor", "Khady", "555K", "770000001", "ksenghor"):
        assert trace not in text, trace
    assert "désignés\\xa0: (anonymisé), Aïcha BARRY" in text
    agent.refresh_from_db()
    assert (agent.status, agent.sex, agent.birth_year) == ("erased", "F", None)
    assert Registration.objects.filter(agent=agent).count() == 1
    assert PlatformAccount.objects.count() == 1
    assert Post.objects.filter(agent=agent).count() == 1
    assert DuplicatePair.objects.count() == 0
    with pytest.raises(FileNotFoundError):
        open(kept_path)  # noqa: PTH123, SIM115 - the file itself must be gone


def test_only_the_administrator_erases(tree: people.Tree) -> None:
    agent = people.agent(tree.centre_sokone)
    with pytest.raises(Refused, match="administrateur"):
        privacy.erase_agent(
            actor=people.actor("region", tree.fatick), now=people.NOW, agent=agent, reason="demande"
        )
    agent.refresh_from_db()
    assert agent.status == "active"


def test_erasure_asks_for_the_name_and_answers_404_elsewhere(
    tree: people.Tree, client: Client
) -> None:
    agent = people.agent(tree.centre_sokone, last_name="Faye", first_names="Astou")
    address = f"/gestion/agents/{agent.uid}/anonymiser/"
    client.force_login(people.account("structure", tree.centre_sokone))
    assert client.get(address).status_code == 404
    client.force_login(people.account("admin", tree.country))
    refused = client.post(address, {"reason": "demande", "name": "Astou Diop"})
    assert "Recopiez le nom exact" in refused.content.decode()
    done = client.post(address, {"reason": "demande", "name": "astou faye"})
    assert done.status_code == 302
    agent.refresh_from_db()
    assert agent.full_name == "Agent ANONYME"


def test_a_person_reads_and_copies_all_that_is_known(tree: people.Tree, client: Client) -> None:
    agent = _world(tree)
    account = Account.objects.get(agent=agent)
    client.force_login(account)
    page = client.get("/mes-donnees/").content.decode()
    for expected in ("555K", "Centre de santé de Sokone", "ksenghor", "vous êtes convoquée"):
        assert expected in page
    copy = json.loads(client.get("/mes-donnees/copie/").content)
    assert copy["Fiche d’agent"][0]["matricule"] == "555K"
    assert [row["identifiant"] for row in copy["Comptes de plateforme"]] == ["ksenghor"]


def test_a_request_is_noted_once_with_its_deadline_and_answered(
    tree: people.Tree, client: Client
) -> None:
    account = people.account(agent=people.agent(tree.centre_sokone))
    client.force_login(account)
    for _ in range(2):
        client.post("/mes-donnees/demande/", {"kind": "rectify", "text": "Mon prénom est Awa"})
    request = DataRequest.objects.get()
    assert request.due_on - request.opened_at.date() == dt.timedelta(days=30)

    client.force_login(people.account("admin", tree.country))
    assert "rectification" in client.get("/gestion/donnees-personnelles/").content.decode().lower()
    address = f"/gestion/donnees-personnelles/{request.uid}/"
    bare = client.post(address, {"granted": "non", "outcome": "non"})
    assert "Un refus doit être motivé" in bare.content.decode()
    client.post(address, {"granted": "oui", "outcome": "Prénom corrigé."})
    request.refresh_from_db()
    assert (request.state, request.outcome) == ("done", "Prénom corrigé.")


def test_retention_clears_what_is_old_and_keeps_what_is_not(tree: people.Tree) -> None:
    agent = _world(tree)
    later = people.NOW + dt.timedelta(days=400)
    assert privacy.apply_retention(now=later, rules={"messages": 24, "imports": 24}) == {
        "messages": 0,
        "imports": 0,
    }
    done = privacy.apply_retention(now=later, rules={"messages": 12, "imports": 12})
    assert done == {"messages": 1, "imports": 2}
    agent.refresh_from_db()
    assert agent.last_name == "Senghor"
    Post.objects.filter(agent=agent).update(end=dt.date(2023, 3, 31))
    privacy.apply_retention(now=later, rules={"left_agents": 12})
    agent.refresh_from_db()
    assert agent.status == "erased"


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_of_requests_costs_the_same_for_any_length(
    tree: people.Tree, client: Client, django_assert_num_queries: object, rows: int
) -> None:
    for _ in range(rows):
        owner = people.account(agent=people.agent(tree.centre_sokone))
        DataRequest.objects.create(
            kind="access",
            account=owner,
            agent=owner.agent,
            opened_at=people.NOW,
            due_on=people.NOW.date(),
        )
    client.force_login(people.account("admin", tree.country))
    with django_assert_num_queries(5):  # type: ignore[operator]
        assert client.get("/gestion/donnees-personnelles/").status_code == 200
