"""The click: who may, with which second factor; two at once, and one twice."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from allauth.mfa.models import Authenticator

from kalan.base.errors import Refused
from kalan.base.ids import uuid7
from kalan.credentials.models import Act, Batch, Office, OfficeHolder, SigningRun
from kalan.credentials.selectors import keys
from kalan.credentials.selectors.signing import awaiting_signature, runs_visible_to
from kalan.credentials.services import offices, ordering
from kalan.credentials.services.second_factor import Factor, Given, confirmed
from kalan.people.actor import Actor
from kalan.people.models import Account, AttemptWindow
from kalan.people.services.one_time import first_use
from tests.factories import credentials as make
from tests.factories import people
from tests.factories.people import LONG_AGO, NOW, Tree
from tests.support.server import Server, python


@pytest.mark.process
@pytest.mark.parametrize(
    ("fixture", "vendor"), [("offline", "sqlite"), ("offline_postgresql", "postgresql")]
)
def test_clicks_at_the_same_moment(
    fixture: str, vendor: str, request: pytest.FixtureRequest
) -> None:
    server: Server = request.getfixturevalue(fixture)
    said = json.loads(python(server.home, "-m", "tests.credentials.crowd", **server.settings))
    year = said["numbers"][0][3:7]
    assert said["vendor"] == vendor
    lost, won = said["orders"][1], said["orders"][0]
    if lost == "signed":
        lost, won = won, lost
    assert won == "signed"
    assert lost.startswith("taken: « Attestations d’essai » vient d’être signé par ")
    assert said["clicks"] == [said["form"], said["form"]]
    assert (said["runs"], said["jobs"], said["runs_of_batches"]) == (3, 3, 1)
    assert said["free"] == ["written", "in a transaction: False", "signed: 1"]
    assert said["numbers"] == [f"SN-{year}-{n:06d}" for n in range(1, 47)]
    assert said["codes"] == said["places"] == 46
    assert said["writes"] == list(range(1, 9))
    # Of three who prepare the same forty acts one gets them; the others see them set aside.
    assert said["drafts"] == ["0 + 40", "0 + 40", "40 + 0"]
    # An answer that was right serves once, even where the order that it confirmed is refused.
    assert said["refused"] == ["state", "wrong_code"]
    assert said["problems"] == []
    assert said["meanwhile"] == {
        "revoke while its replacement is signed": ["True", "replaced"],
        "click while a delegation ends": ["forbidden", "approved"],
        "rotate while a key is revoked": [
            "refused: La clé « Ministère volé » n’est plus en service",
            "revoked",
        ],
        "try again while it is tried again": [1],
        "give up while it is tried again": [
            "refused: La signature est en cours.",
            "planned",
        ],
    }


@pytest.fixture
def batch(tree: Tree) -> Batch:
    return make.approved_batch(tree.fatick, acts=2)


def signatory(batch: Batch) -> Actor:
    return make.actor(batch.office.holders.get().account)


def verify_totp(*, account: Account, code: str, now: dt.datetime) -> Factor:
    """The factor with which something is done once ``code`` was given for it."""

    def work(factor: Factor) -> Factor:
        return factor

    return confirmed(
        account=account,
        given=Given(code=code),
        about="test",
        now=now,
        ready=lambda: work,
        done=lambda: None,
    )


@pytest.mark.django_db
def test_a_code_is_asked_for_at_the_click_and_serves_once(batch: Batch) -> None:
    actor = signatory(batch)
    assert actor.account is not None
    account = actor.account
    for code in ("000000", "", "12345", make.totp(NOW - dt.timedelta(minutes=5))):
        with pytest.raises(Refused) as refused:
            verify_totp(account=account, code=code, now=NOW)
        assert refused.value.code == "wrong_code"
    typed = f"{make.totp()[:3]} {make.totp()[3:]}"
    assert verify_totp(account=account, code=typed, now=NOW) == Factor(account.pk, "totp", NOW)
    with pytest.raises(Refused, match="déjà servi"):
        verify_totp(account=account, code=make.totp(), now=NOW)


@pytest.mark.django_db
def test_five_wrong_codes_and_one_waits(batch: Batch) -> None:
    account = signatory(batch).account
    assert account is not None
    for _ in range(5):
        with pytest.raises(Refused):
            verify_totp(account=account, code="000000", now=NOW)
    with pytest.raises(Refused) as refused:
        verify_totp(account=account, code=make.totp(), now=NOW)
    assert refused.value.code == "wait"
    later = NOW + dt.timedelta(minutes=16)
    assert verify_totp(account=account, code=make.totp(later), now=later).at == later


@pytest.mark.django_db
def test_a_factor_of_another_time_or_person_orders_nothing(batch: Batch) -> None:
    actor = signatory(batch)
    assert actor.account is not None
    own = actor.account.pk
    for factor in (
        Factor(own, "totp", NOW - dt.timedelta(minutes=3)),
        Factor(own, "totp", NOW + dt.timedelta(minutes=3)),
        Factor(own + 1, "totp", NOW),
    ):
        with pytest.raises(Refused) as refused:
            ordering.order(actor=actor, batches=[batch], factor=factor, now=NOW)
        assert refused.value.code == "stale_factor"
    assert (SigningRun.objects.count(), Act.objects.filter(number=None).count()) == (0, 2)


@pytest.mark.django_db
def test_the_same_form_sent_twice_is_one_click(batch: Batch) -> None:
    actor, form = signatory(batch), uuid7()
    sent = {
        "actor": actor,
        "batches": [batch],
        "given": Given(make.totp()),
        "form_uid": form,
        "now": NOW,
    }
    first = ordering.confirm(**sent)  # type: ignore[arg-type]
    assert ordering.confirm(**sent) == first  # type: ignore[arg-type]
    assert SigningRun.objects.count() == 1


@pytest.mark.django_db
def test_wrong_codes_count_and_a_refused_order_spends_its_code(batch: Batch) -> None:
    actor = signatory(batch)
    Batch.objects.update(state="draft")
    for code, said in (
        (make.totp(), "state"),
        (make.totp(), "wrong_code"),
        ("000000", "wrong_code"),
    ):
        with pytest.raises(Refused) as refused:
            ordering.confirm(
                actor=actor, batches=[batch], given=Given(code), form_uid=uuid7(), now=NOW
            )
        assert refused.value.code == said
    assert sorted(AttemptWindow.objects.values_list("count", flat=True)) == [1, 2]


@pytest.mark.django_db
def test_a_passphrase_is_tried_only_with_a_right_code_which_it_spends(tree: Tree) -> None:
    batch = make.approved_batch(tree.fatick, acts=1, key=make.keys_of(unlock="asked"))
    sent = {"actor": signatory(batch), "batches": [batch], "now": NOW}
    wrong = "une autre phrase que celle de la clé"
    tries = [("000000", wrong), (make.totp(), wrong), (make.totp(), wrong)]
    said = []
    for code, passphrase in [*tries, (make.totp(), make.PASSPHRASE)]:
        with pytest.raises(Refused) as refused:
            ordering.confirm(
                **sent,  # type: ignore[arg-type]
                given=Given(code),
                form_uid=uuid7(),
                passphrase=passphrase,
            )
        said.append(refused.value.code)
    assert said == ["wrong_code", "wrong_passphrase", "wrong_code", "wrong_code"]
    assert AttemptWindow.objects.filter(count=4).count() == 1  # each counts
    again = ordering.confirm(
        **sent,  # type: ignore[arg-type]
        given=Given(make.totp(NOW + dt.timedelta(seconds=30))),
        form_uid=uuid7(),
        passphrase=make.PASSPHRASE,
    )
    assert (again.total, AttemptWindow.objects.filter(count=4).count()) == (1, 0)


@pytest.mark.django_db
def test_a_key_changed_after_it_was_opened_signs_nothing(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = make.approved_batch(tree.fatick, acts=1, key=make.keys_of())
    really, other = keys.open_identity, make.keys_of("Autre ministère")

    def meanwhile(*args: Any) -> Any:
        Office.objects.update(key=other)
        return really(*args)

    monkeypatch.setattr(keys, "open_identity", meanwhile)
    with pytest.raises(Refused, match="vient de changer"):
        make.ordered(batch)
    assert SigningRun.objects.count() == 0


@pytest.mark.django_db
def test_the_code_of_the_sign_in_signs_nothing(batch: Batch) -> None:
    account = signatory(batch).account
    assert account is not None
    app = Authenticator.objects.get(user=account, type="totp")
    assert first_use(authenticator=app.pk, code=make.totp(), now=NOW)
    with pytest.raises(Refused, match="déjà servi"):
        verify_totp(account=account, code=make.totp(), now=NOW)
    later = make.totp(NOW + dt.timedelta(seconds=30))
    verify_totp(account=account, code=later, now=NOW)
    assert not first_use(authenticator=app.pk, code=f"{later[:3]}-{later[3:]}", now=NOW)


@pytest.mark.django_db
@pytest.mark.parametrize("desk", ["prepared_by", "checked_by", "approved_by"])
def test_who_prepared_or_approved_does_not_sign(batch: Batch, desk: str) -> None:
    actor = signatory(batch)
    assert actor.account is not None
    Batch.objects.update(**{desk: actor.account})
    factor = Factor(actor.account.pk, "totp", NOW)
    with pytest.raises(Refused, match="une autre personne le signe"):
        ordering.order(actor=actor, batches=[batch], factor=factor, now=NOW)
    batch.refresh_from_db()
    assert (batch.state, SigningRun.objects.count()) == ("approved", 0)


@pytest.mark.django_db
def test_a_batch_approved_anew_is_not_the_one_that_was_read(batch: Batch) -> None:
    actor = signatory(batch)
    assert actor.account is not None
    read = ordering.mark_of([batch])
    Batch.objects.update(approved_at=NOW + dt.timedelta(seconds=1))
    assert ordering.mark_of(list(Batch.objects.all())) != read
    factor = Factor(actor.account.pk, "totp", NOW)
    with pytest.raises(Refused, match="n’attend plus de signature"):
        ordering.order(actor=actor, batches=[batch], factor=factor, now=NOW)
    assert SigningRun.objects.count() == 0


@pytest.mark.django_db
def test_the_page_of_somebody_else_gives_no_click(tree: Tree, batch: Batch) -> None:
    form = uuid7()
    first = {"given": Given(make.totp()), "form_uid": form, "now": NOW}
    ordering.confirm(actor=signatory(batch), batches=[batch], **first)  # type: ignore[arg-type]
    other = make.approved_batch(tree.fatick, acts=1)
    sent = {"given": Given(make.totp()), "form_uid": form, "now": NOW}
    with pytest.raises(Refused, match="déjà servi à une autre signature"):
        ordering.confirm(actor=signatory(other), batches=[other], **sent)  # type: ignore[arg-type]
    other.refresh_from_db()
    assert (other.state, SigningRun.objects.count()) == ("approved", 1)


@pytest.mark.django_db
def test_a_click_over_several_territories_is_followed_by_who_sees_them_all(tree: Tree) -> None:
    signing = make.office(tree.country)
    holder = make.holder(signing)
    nodes = (tree.fatick, tree.centre_sokone)
    batches = [make.approved(make.batch(node, office=signing, acts=1)) for node in nodes]
    run = ordering.order(
        actor=make.actor(holder.account),
        batches=batches,
        factor=Factor(holder.account_id, "totp", NOW),
        now=NOW,
    )
    seen = {
        role: list(runs_visible_to(people.actor(role, node)))
        for role, node in (
            ("structure", tree.centre_sokone),
            ("region", tree.fatick),
            ("programme", tree.country),
        )
    }
    assert seen == {"structure": [], "region": [run], "programme": [run]}


@pytest.mark.django_db
def test_only_who_holds_the_office_that_day_signs(tree: Tree, batch: Batch) -> None:
    holder = batch.office.holders.get()
    actor = make.actor(holder.account)
    assert list(awaiting_signature(actor, today=NOW.date())) == [batch]
    admin = people.actor("admin", tree.country)
    offices.end_holder(actor=admin, holder=holder, end=NOW.date(), now=NOW)
    assert list(awaiting_signature(actor, today=NOW.date())) == [batch]
    tomorrow = NOW + dt.timedelta(days=1)
    assert list(awaiting_signature(actor, today=tomorrow.date())) == []
    factor = Factor(holder.account_id, "totp", tomorrow)
    with pytest.raises(Refused, match="ne tenez pas aujourd’hui"):
        ordering.order(actor=actor, batches=[batch], factor=factor, now=tomorrow)
    with pytest.raises(Refused, match="n’a pas le rôle"):
        offices.appoint(
            actor=admin, office=batch.office, account=people.account("region", tree.fatick),
            capacity="interim", name="M. Sow", title="Chef", start=tomorrow.date(), now=NOW,
        )  # fmt: skip
    other = people.account("signatory", tree.fatick)
    offices.appoint(
        actor=admin, office=batch.office, account=other, capacity="interim", name="M. Ali SOW",
        title="Chef de division", start=tomorrow.date(), now=NOW,
    )  # fmt: skip
    run = ordering.order(
        actor=make.actor(other, now=tomorrow),
        batches=[batch],
        factor=Factor(other.pk, "totp", tomorrow),
        now=tomorrow,
    )
    assert (run.name, run.title, run.capacity) == ("M. Ali SOW", "Chef de division", "interim")
    OfficeHolder.objects.update(name="Autre")
    run.refresh_from_db()
    assert run.name == "M. Ali SOW"


@pytest.mark.django_db
def test_an_office_has_one_holder_in_title(tree: Tree) -> None:
    admin, office = people.actor("admin", tree.country), make.office(tree.fatick)
    make.holder(office)
    with pytest.raises(Refused, match="tient déjà cette fonction en titre"):
        offices.appoint(
            actor=admin, office=office, account=people.account("signatory", tree.fatick),
            capacity="title", name="M. Sow", title="Chef", start=LONG_AGO, now=NOW,
        )  # fmt: skip
