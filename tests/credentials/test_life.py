"""After issue: revoking, undoing that within a day, replacing; in the events and the register."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.test import Client

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.models import Message
from kalan.credentials.models import Act, ActEvent, Batch, RegisterEntry
from kalan.credentials.services import life, register, replacing, signing
from kalan.credentials.services.second_factor import Given
from kalan.people.actor import Actor
from kalan.people.selectors.core import actor_for
from tests.factories import acts, credentials, people
from tests.factories.credentials import training_data
from tests.factories.people import NOW
from tests.support.signin import sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("journal")]

UID = uuid.UUID("01890000-0000-7000-8000-000000000001")


@pytest.fixture(autouse=True)
def _at_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr(clock, "today", lambda: NOW.date())


@pytest.fixture
def act(tree: people.Tree) -> Act:
    holder = people.agent(tree.centre_sokone, last_name="Ndiaye", email="awa@exemple.sn")
    return acts.act(
        tree.fatick,
        holder,
        structure=tree.centre_sokone,
        data=training_data("Awa NDIAYE", matricule="612345X"),
    )


@pytest.fixture
def programme(tree: people.Tree) -> Actor:
    return people.actor("programme", tree.fatick)


def revoke(actor: Actor, act: Act, **more: Any) -> ActEvent:
    """With the code of this moment, for those whom it is asked of."""
    values = {
        "given": Given(credentials.totp()),
        "now": NOW,
        "uid": UID,
        "reason": "error",
        "text": "Mauvaise session",
        "number": str(act.number),
        **more,
    }
    return life.revoke(actor=actor, act=act, **values)


def status(act: Act) -> str:
    return str(Act.objects.get(pk=act.pk).status)


def entries() -> list[tuple[str, str]]:
    rows = RegisterEntry.objects.order_by("seq")
    return [(row.kind, row.body["act"]) for row in rows]


def test_a_revocation_stands_in_the_act_its_events_and_the_register(
    act: Act, programme: Actor
) -> None:
    event = revoke(programme, act)
    assert (status(act), event.reason, event.by) == ("revoked", "error", programme.account)
    assert entries() == [("revoked", act.number)]
    chain = [one for one in register.verify(files=False).problems if one.startswith("Registre")]
    assert chain == []
    assert list(Message.objects.values_list("template", "recipient")) == [
        ("act_revoked", "awa@exemple.sn")
    ]


def test_sent_twice_it_is_done_once(act: Act, programme: Actor) -> None:
    first, second = revoke(programme, act), revoke(programme, act)
    assert first.pk == second.pk
    assert entries() == [("revoked", act.number)]
    with pytest.raises(Refused, match="déjà révoqué"):
        revoke(programme, act, uid=uuid.uuid4())


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"number": "SN-2023-999999"}, "number"),
        ({"reason": "humeur"}, "reason"),
        ({"text": "oui"}, "text"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_stored(
    act: Act, programme: Actor, given: dict[str, str], field: str
) -> None:
    with pytest.raises(Refused) as refused:
        revoke(programme, act, **given)
    assert refused.value.field == field
    assert (status(act), ActEvent.objects.count(), entries()) == ("valid", 0, [])


def test_only_the_territory_s_programme_signatory_or_administrator_revokes(
    act: Act, tree: people.Tree
) -> None:
    for role, node in (("region", tree.fatick), ("programme", tree.kaolack)):
        with pytest.raises(Act.DoesNotExist):
            revoke(people.actor(role, node), act)
    revoke(people.actor("signatory", tree.fatick), act)
    assert status(act) == "revoked"


def test_who_signs_or_administers_gives_a_fresh_second_factor_too(
    act: Act, tree: people.Tree, client: Client
) -> None:
    """For each of the three; what is refused leaves no trace, what was done stands once."""
    admin = people.account("admin", tree.country)
    sign_in(client, admin)
    address = f"/gestion/actes/acte/{act.uid}/"
    common = {"uid": str(uuid.uuid4()), "text": "Mauvaise session"}
    forms = {
        "remplacer": {**common, "name": "Awa NDIAYE", "reason": "Accent oublié"},
        "revoquer": {**common, "uid": str(UID), "reason": "error", "number": str(act.number)},
        "retablir": {**common, "uid": str(uuid.uuid4())},
    }
    for step, (path, form) in enumerate(forms.items()):
        code = credentials.totp(NOW + dt.timedelta(seconds=30 * (step - 1)))
        said = [
            client.post(f"{address}{path}/", {**form, "code": given}).status_code
            for given in ("", "000000", code, code)
        ]
        # The last is the same page sent twice: done once, and no code is looked at.
        assert said == [422, 422, 302, 302]
    assert entries() == [("revoked", act.number), ("reinstated", act.number)]
    assert (status(act), Batch.objects.filter(source="replacement").count()) == ("valid", 1)
    kept = LogEntry.objects.filter(additional_data__factor="totp").count()
    assert kept == 3
    with pytest.raises(Refused) as refused:
        revoke(actor_for(admin, today=NOW.date()), act, uid=uuid.uuid4(), given=None)
    assert refused.value.code == "wrong_code"
    page = client.get(f"{address}revoquer/").content.decode()
    assert ('name="code"' in page, "data-passkey-button" in page) == (True, False)


def test_an_undone_revocation_stays_in_the_register(act: Act, tree: people.Tree) -> None:
    admin = people.actor("admin", tree.country)
    revoke(admin, act)
    said = {**minutes(23 * 60), "text": "Confusion de numéros"}
    life.reinstate(actor=admin, act=act, uid=uuid.uuid4(), **said)
    assert status(act) == "valid"
    assert entries() == [("revoked", act.number), ("reinstated", act.number)]


def test_after_a_day_or_by_somebody_else_it_is_not_undone(
    act: Act, programme: Actor, tree: people.Tree
) -> None:
    revoke(programme, act)
    admin, signatory = people.actor("admin", tree.country), acts_signatory(act)
    may = {
        "programme": life.may_undo(programme, fresh(act), now=NOW),
        "signatory of the office": life.may_undo(signatory, fresh(act), now=NOW),
        "administrator": life.may_undo(admin, fresh(act), now=NOW),
        "a day later": life.may_undo(admin, fresh(act), now=NOW + dt.timedelta(hours=25)),
    }
    assert may == {
        "programme": False,
        "signatory of the office": True,
        "administrator": True,
        "a day later": False,
    }
    with pytest.raises(Refused, match="ne s’annule plus"):
        life.reinstate(
            actor=programme, now=NOW, act=act, uid=uuid.uuid4(), text="Erreur de ma part"
        )


def test_a_revoked_act_does_not_come_back_beside_a_newer_one(act: Act, tree: people.Tree) -> None:
    admin = people.actor("admin", tree.country)
    revoke(admin, act)
    newer = acts.act(tree.fatick, act.agent, record=act.record, number="SN-2023-900007")
    first, second, third = (minutes(number) for number in (1, 2, 3))
    said: dict[str, Any] = {"actor": admin, "act": act, "uid": uuid.uuid4()}
    with pytest.raises(Refused, match="L’acte SN-2023-900007 a été signé depuis"):
        life.reinstate(**said, **first, text="Confusion de numéros")
    with pytest.raises(Refused, match="révoquez d’abord SN-2023-900007"):
        replace(admin, act, **second, uid=uuid.uuid4())
    Act.objects.filter(pk=newer.pk).update(state="draft")
    with pytest.raises(Refused, match="en préparation dans «\u00a0Outils numériques"):
        life.reinstate(**said, **third, text="Confusion de numéros")
    assert (status(act), entries()) == ("revoked", [("revoked", act.number)])
    Act.objects.filter(pk=newer.pk).update(state="signed", status="revoked")
    life.reinstate(**said, **minutes(4), text="Confusion de numéros")
    assert status(act) == "valid"


def minutes(number: int) -> dict[str, Any]:
    """That much later, with the code of that moment."""
    now = NOW + dt.timedelta(minutes=number)
    return {"now": now, "given": Given(credentials.totp(now))}


def fresh(act: Act) -> Act:
    return Act.objects.select_related("batch__node").get(pk=act.pk)


def acts_signatory(act: Act) -> Actor:
    assert act.batch.run is not None
    return actor_for(act.batch.run.account, today=NOW.date())


def replace(actor: Actor, act: Act, **more: Any) -> Batch:
    values = {
        "now": NOW,
        "uid": UID,
        "changes": {"name": "Awa N’DIAYE", "matricule": "1"} | more.pop("changes", {}),
        "reason": "Apostrophe oubliée",
        **more,
    }
    values["changes"].pop("matricule")
    return replacing.replace(actor=actor, act=act, **values)


def test_a_replacement_is_a_draft_of_one_with_the_correction(act: Act, programme: Actor) -> None:
    batch = replace(programme, act)
    new = batch.acts.get()
    assert (batch.state, batch.source, batch.office) == ("draft", "replacement", act.batch.office)
    assert (new.name, new.initials, new.record) == ("Awa N’DIAYE", "A. N.", act.record)
    assert new.data["holder"]["matricule"] == "612345X"  # what was not corrected stays
    assert (status(act), replace(programme, act).pk) == ("valid", batch.pk)
    with pytest.raises(Refused, match="déjà en préparation"):
        replace(programme, act, uid=uuid.uuid4())


def test_the_old_act_ends_when_the_new_one_is_signed(act: Act, programme: Actor) -> None:
    batch = replace(programme, act)
    replacing.complete_replacement(batch=batch, now=NOW)
    assert status(act) == "valid"
    new = sign(batch, act)
    for _ in range(2):
        replacing.complete_replacement(batch=batch, now=NOW)
    event = ActEvent.objects.get(kind="replaced")
    assert (status(act), event.act, event.other) == ("replaced", act, new)
    assert entries() == [("replaced", act.number)]


def test_the_click_s_last_transaction_ends_the_old_act(act: Act, programme: Actor) -> None:
    batch = replace(programme, act)
    sign(batch, act)
    Batch.objects.filter(pk=batch.pk).update(state="ordered")
    assert signing.finish(batch=batch, now=NOW)
    assert status(act) == "replaced"
    kinds = RegisterEntry.objects.order_by("seq").values_list("kind", flat=True)
    assert list(kinds) == ["signed", "replaced"]


def sign(batch: Batch, like: Act) -> Act:
    """Bring a replacement to where the job of a click leaves it."""
    Batch.objects.filter(pk=batch.pk).update(
        state="signed", run=like.batch.run, signed_at=NOW, merkle_root="1" * 64, approved_at=NOW
    )
    Act.objects.filter(batch=batch).update(
        number="SN-2023-900001", code="9" * 24, state="signed", pack=like.pack, start=0, size=1,
        sha256="f" * 64, signed_at=NOW,
    )  # fmt: skip
    batch.refresh_from_db()
    return batch.acts.get()


def test_the_staff_page_shows_everything_and_revokes(
    act: Act, tree: people.Tree, client: Client
) -> None:
    sign_in(client, people.account("programme", tree.fatick))
    address = f"/gestion/actes/acte/{act.uid}/"
    page = client.get(address).content.decode()
    assert "Rien depuis la signature." in page
    assert "Aucun\u00a0: la date est celle du registre (niveau B\u2011B)" in page
    page = client.get(f"{address}revoquer/").content.decode()
    assert "fraude établie" in page
    form = {"uid": str(UID), "reason": "fraud", "text": "Feuille falsifiée", "number": "faux"}
    assert client.post(f"{address}revoquer/", form).status_code == 422
    answer = client.post(f"{address}revoquer/", {**form, "number": str(act.number)})
    assert (answer.status_code, status(act)) == (302, "revoked")
    page = client.get(address).content.decode()
    assert "Feuille falsifiée" in page
    assert "fraude établie" in page


def test_one_act_costs_the_same_whatever_happened(
    act: Act, tree: people.Tree, client: Client, django_assert_num_queries: Any
) -> None:
    sign_in(client, people.account("programme", tree.fatick))
    address = f"/gestion/actes/acte/{act.uid}/"
    client.get(address)
    for number in (1, 3):
        for _ in range(number):
            ActEvent.objects.create(act=act, kind="delivered", text="email", at=NOW)
        with django_assert_num_queries(11):
            client.get(address)
