"""Certificates that end: who is listed, the exam offered, what the holder and the pages say."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest
from django.test import Client

from kalan.assessment.models import Candidate, Exam, Test
from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.models import Message
from kalan.credentials.models import Act, ActEvent
from kalan.credentials.selectors import renewals as reads
from kalan.credentials.services import renewals
from kalan.people.actor import Actor
from kalan.people.models import Agent, OrgNode
from kalan.skills.models import Framework
from tests.factories import acts, people, skills
from tests.factories.people import NOW
from tests.support.signin import sign_in

pytestmark = pytest.mark.django_db

TODAY = NOW.date()
LIST = "/gestion/actes/a-renouveler/"


@pytest.fixture(autouse=True)
def _at_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr(clock, "today", lambda: TODAY)


def exam(node: OrgNode, framework: str = "sante", **fields: Any) -> Exam:
    """An exam of the framework of that code, planned for ten days from now."""
    on = Framework.objects.filter(code=framework).first() or skills.framework(framework)
    test = Test.objects.create(
        code=f"certif-{Test.objects.count()}", title="Certification", purpose="certification",
        state="published", bank=skills.bank(node, on), node=node, created_at=NOW,
        published_at=NOW,
    )  # fmt: skip
    values = {"title": f"Examen {framework}", "date": TODAY + dt.timedelta(days=10), **fields}
    return Exam.objects.create(test=test, node=node, created_at=NOW, **values)


def certificate(on: Exam, days: int, structure: OrgNode | None = None, **fields: Any) -> Act:
    """A certificate of that exam that ends ``days`` from today, of somebody with an account."""
    agent = fields.pop("agent", None)
    if agent is None:
        agent = people.agent(structure, email="awa@exemple.sn", phone="+221771234567")
        people.account(agent=agent)
    batch = acts.batch(on.node, kind="competence", exam=on)
    end = TODAY + dt.timedelta(days=days)
    return acts.act(batch, agent, structure=structure, valid_until=end, **fields)


@pytest.fixture
def past(tree: people.Tree) -> Exam:
    return exam(tree.fatick, date=TODAY - dt.timedelta(days=900), state="closed")


@pytest.fixture
def coming(past: Exam, tree: people.Tree) -> Exam:
    return exam(tree.fatick, place="Salle informatique")


@pytest.fixture
def region(tree: people.Tree) -> Actor:
    return people.actor("region", tree.fatick)


def ends(actor: Actor, **wanted: Any) -> list[int]:
    """Days until the end of each act that the actor's list holds."""
    rows = reads.listed(reads.to_renew(actor, today=TODAY), today=TODAY)
    found = reads.narrowed(rows, wanted, today=TODAY).order_by("valid_until", "pk")
    return [(act.valid_until - TODAY).days for act in found if act.valid_until]


def test_the_list_holds_what_ends_soon_or_ended_lately(
    past: Exam, tree: people.Tree, region: Actor
) -> None:
    for days in (-732, -731, -92, -1, 0, 30, 31, 180, 181):
        certificate(past, days, tree.centre_sokone)
    revoked = certificate(past, 5, tree.centre_sokone)
    Act.objects.filter(pk=revoked.pk).update(status="revoked")
    gone = certificate(past, 6, tree.centre_sokone)
    Agent.objects.filter(acts=gone).update(status="left")
    assert ends(region) == [-731, -92, -1, 0, 30, 31, 180]
    assert [ends(region, window=one) for one in ("30", "e3", "e6")] == [
        [0, 30], [-1], [-92, -1]
    ]  # fmt: skip
    assert ends(people.actor("region", tree.kaolack)) == []
    # Who manages the structure sees its people, in a batch of the region.
    assert ends(people.actor("structure", tree.centre_sokone)) == ends(region)
    assert ends(people.actor("structure", tree.poste_toubacouta)) == []


def test_a_newer_one_of_the_same_framework_renews_another_does_not(
    past: Exam, tree: people.Tree, region: Actor
) -> None:
    old = certificate(past, 20, tree.centre_sokone)
    certificate(exam(tree.fatick, "autre"), 900, agent=old.agent)
    assert ends(region) == [20]
    newer = certificate(past, 900, agent=old.agent)
    assert ends(region) == []
    Act.objects.filter(pk=newer.pk).update(status="revoked")
    assert ends(region) == [20]


def test_an_offer_enrols_tells_and_does_neither_twice(
    past: Exam, coming: Exam, tree: people.Tree, region: Actor
) -> None:
    old = certificate(past, 20, tree.centre_sokone)
    without = certificate(past, -3, agent=people.agent(tree.centre_sokone))
    asked = [old.uid, without.uid]
    on = reads.exams_to_offer(region, ["sante"], today=TODAY).get()
    given: dict[str, Any] = {"acts": asked, "exam": on, "enrol": True, "channels": ["email"]}
    first = renewals.offer(actor=region, now=NOW, **given)
    again = renewals.offer(actor=region, now=NOW, **given)
    assert [(one.added, one.sent, one.without) for one in (first, again)] == [
        (1, 1, [without.name]), (0, 0, [without.name])
    ]  # fmt: skip
    assert list(Candidate.objects.values_list("exam", "account__agent")) == [
        (coming.pk, old.agent_id)
    ]
    message = Message.objects.get()
    assert old.agent is not None
    assert (message.template, message.recipient) == ("act_renewal", old.agent.account.email)
    assert "Vous y êtes inscrit(e)." in message.body
    assert list(ActEvent.objects.values_list("act", "kind", "text")) == [
        (old.pk, "offered", "Examen sante, 30/03/2023\u00a0: inscription et e-mail")
    ]
    assert [ends(region, stage=stage) for stage in ("rien", "propose", "inscrit")] == [
        [-3], [20], [20]
    ]  # fmt: skip


def test_who_may_not_enrol_may_still_tell(past: Exam, tree: people.Tree, settings: Any) -> None:
    """The exam is the country's: the region offers it to its people, the country enrols."""
    settings.KALAN_SMS_PART_COST, settings.KALAN_SMS_MONTHLY_CEILING = 20, 30
    national, actor = exam(tree.country), people.actor("region", tree.fatick)
    old = certificate(past, 20, tree.centre_sokone)
    exam(tree.kaolack)  # another region's is not offered
    on = reads.exams_to_offer(actor, ["sante"], today=TODAY).get()
    given: dict[str, Any] = {"actor": actor, "now": NOW, "acts": [old.uid], "exam": on}
    assert on == national
    for refused, more in (
        ("Vous n’inscrivez pas", {"enrol": True}),
        ("Choisissez", {"enrol": False}),
        ("Les SMS coûteraient", {"enrol": False, "channels": ["sms"]}),
        ("Personne à qui", {"enrol": False, "channels": ["email"], "acts": []}),
    ):
        with pytest.raises(Refused, match=refused):
            renewals.offer(**{**given, **more})
    assert (Candidate.objects.count(), Message.objects.count(), ActEvent.objects.count()) == (
        0, 0, 0
    )  # fmt: skip
    renewals.offer(**given, enrol=False, channels=["email"])
    assert "Demandez votre inscription" in Message.objects.get().body


@pytest.mark.usefixtures("coming")
def test_the_screens_list_export_and_offer(
    past: Exam, tree: people.Tree, client: Client, django_assert_num_queries: Any
) -> None:
    sign_in(client, people.account("region", tree.fatick))
    assert "n’expire dans les six mois" in client.get(LIST).content.decode()
    for more in (1, 2):
        for _ in range(more):
            old = certificate(past, 20, tree.centre_sokone)
        with django_assert_num_queries(6):
            page = client.get(LIST).content.decode()
    assert page.count("rien n’est proposé") == 6  # three rows, for wide and narrow screens
    assert (
        "Aucun certificat à renouveler ne correspond"
        in client.get(f"{LIST}?window=e3").content.decode()
    )
    file = client.get(f"{LIST}?format=csv&tri=nom").content.decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(file), delimiter=";"))
    assert (len(lines), lines[0][:2], lines[1][6:8]) == (
        4, ["Nom", "Matricule"], ["09/04/2023", "20"]
    )  # fmt: skip
    offer = f"{LIST}proposer/"
    assert "Cochez des personnes" in client.get(offer).content.decode()
    page = client.get(f"{offer}?acte={old.uid}").content.decode()
    assert "Salle informatique" in page
    form = {"acte": str(old.uid), "exam": str(Exam.objects.get(state="planned").uid)}
    assert client.post(offer, form).status_code == 422
    done = client.post(offer, {**form, "enrol": "on", "channels": "email"}, follow=True)
    assert "1 personne inscrite, 1 message envoyé." in done.content.decode()


def test_the_holder_reads_what_is_on_offer_and_whom_to_ask(
    past: Exam, tree: people.Tree, client: Client, django_assert_num_queries: Any
) -> None:
    old = certificate(past, -3, tree.centre_sokone)
    assert old.agent is not None
    sign_in(client, old.agent.account)

    def page() -> str:
        return client.get("/mes-documents/").content.decode()

    said = page()
    assert "Ce document a expiré le 17 mars 2023" in said
    assert "Aucun examen n’est encore prévu" in said
    assert "la personne qui gère votre structure" in said
    chief = people.account("structure", tree.centre_sokone, display_name="Fatou SOW")
    people.account("region", tree.fatick, display_name="Moussa BA")
    coming = exam(tree.fatick)
    exam(tree.kaolack)
    said = page()
    assert said.count("Examen sante, 30 mars 2023") == 1
    assert f"demandez à {chief.display_name} ({tree.centre_sokone.name})." in said
    Candidate.objects.create(exam=coming, account=old.agent.account)
    for days in (4, 5):
        certificate(past, days, agent=old.agent)
        with django_assert_num_queries(11):
            said = page()
    assert said.count("Vous êtes inscrit(e)") == 1  # on the last to end alone


def test_a_new_certificate_refers_to_the_one_it_renews(
    past: Exam, tree: people.Tree, client: Client
) -> None:
    old = certificate(past, 20, tree.centre_sokone)
    assert old.agent_id is not None
    assert reads.previous(past, [old.agent_id]) == {old.agent_id: old.pk}
    newer = certificate(past, 900, agent=old.agent, renews=old)
    assert Act.objects.get(pk=old.pk).status == "valid"  # to its own last day
    sign_in(client, people.account("region", tree.fatick))
    one, other = f"/gestion/actes/acte/{old.uid}/", f"/gestion/actes/acte/{newer.uid}/"
    assert f'<dt>Renouvelé par</dt><dd><a href="{other}">' in client.get(one).content.decode()
    assert f'<dt>Renouvelle</dt><dd><a href="{one}">' in client.get(other).content.decode()
    assert old.agent is not None
    sign_in(client, old.agent.account)
    said = client.get("/mes-documents/").content.decode()
    assert f"Renouvelé\u00a0: le n° {newer.number} est valable jusqu’au" in said
    assert f"Il renouvelle le n° {old.number}" in said
    assert "il faut repasser un examen" not in said
    assert newer.number not in client.get(f"/verifier/{old.code}/").content.decode()  # type: ignore[operator]
