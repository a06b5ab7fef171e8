"""A passkey at the click: right once, for one order, by one person, in time."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.ids import uuid7
from kalan.credentials.models import Act, Batch, SigningRun
from kalan.credentials.policy import FACTOR_ROLES
from kalan.credentials.services import ordering
from kalan.credentials.services.second_factor import Given
from kalan.people import policy
from kalan.people.actor import Actor
from kalan.people.models import Account
from kalan.people.services import passkeys
from kalan.people.services.passkeys import Asked
from tests.factories import credentials as make
from tests.factories import people
from tests.factories.passkeys import Passkey, visited
from tests.factories.people import NOW, Tree
from tests.support.signin import sign_in

pytestmark = pytest.mark.django_db
FORM = uuid7()


@pytest.fixture(autouse=True)
def _on_the_site() -> Iterator[None]:
    with visited():
        yield


@pytest.fixture
def batch(tree: Tree) -> Batch:
    return make.approved_batch(tree.fatick, acts=2)


@pytest.fixture
def actor(batch: Batch) -> Actor:
    return make.actor(batch.office.holders.get().account)


@pytest.fixture
def account(actor: Actor) -> Account:
    assert actor.account is not None
    return actor.account


@pytest.fixture
def passkey(account: Account) -> Passkey:
    return Passkey(account)


def ask(account: Account, batch: Batch, form: Any = FORM) -> Asked:
    return passkeys.ask(account=account, about=ordering.about([batch], form), now=NOW)


def click(
    actor: Actor, batch: Batch, asked: Asked, answer: str, *, form: Any = FORM, later: int = 1
) -> SigningRun:
    return ordering.confirm(
        actor=actor,
        batches=[batch],
        given=Given(challenge=asked.challenge, answer=answer),
        form_uid=form,
        now=NOW + dt.timedelta(seconds=later),
    )


def refusal(*args: Any, **kwargs: Any) -> str | None:
    with pytest.raises(Refused) as refused:
        click(*args, **kwargs)
    return refused.value.code


def test_a_passkey_signs(batch: Batch, actor: Actor, account: Account, passkey: Passkey) -> None:
    asked = ask(account, batch)
    options = asked.options["publicKey"]
    assert (options["rpId"], options["userVerification"]) == ("localhost", "required")
    run = click(actor, batch, asked, passkey.answer(asked))
    assert (run.factor, run.total, SigningRun.objects.count()) == ("webauthn", 2, 1)
    passkey.row.refresh_from_db()
    assert (passkey.row.data["sign_count"], passkey.row.last_used_at) == (2, run_time())


def run_time() -> dt.datetime:
    return NOW + dt.timedelta(seconds=1)


@dataclass
class Page:
    """What the signatory has before them: a batch to sign, and the challenge that it asked for."""

    batch: Batch
    account: Account
    passkey: Passkey
    asked: Asked


Sent = tuple[Asked, str, dict[str, Any]]


def _of_another(page: Page) -> Sent:
    return page.asked, Passkey(people.account("signatory", page.batch.node)).answer(page.asked), {}


def _asked_of_another(page: Page) -> Sent:
    other = people.account("signatory", page.batch.node)
    theirs = Passkey(other)
    asked = ask(other, page.batch)
    return asked, theirs.answer(asked), {}


def _for_another_order(page: Page) -> Sent:
    other = make.approved(make.batch(page.batch.node, office=page.batch.office, acts=1))
    asked = ask(page.account, other)
    return asked, page.passkey.answer(asked), {}


def _seen_otherwise(page: Page) -> Sent:
    page.batch.approved_at = NOW + dt.timedelta(seconds=5)
    page.batch.save(update_fields=["approved_at"])
    return page.asked, page.passkey.answer(page.asked), {}


def _on_another_page(page: Page) -> Sent:
    return page.asked, page.passkey.answer(page.asked), {"form": uuid7()}


def _with_another_challenge(page: Page) -> Sent:
    return page.asked, page.passkey.answer(ask(page.account, page.batch)), {}


def _made_up(page: Page) -> Sent:
    return (
        Asked(page.asked.options, page.asked.challenge + "x"),
        page.passkey.answer(page.asked),
        {},
    )


def _tampered(page: Page) -> Sent:
    said = json.loads(page.passkey.answer(page.asked))
    said["response"]["signature"] = said["response"]["signature"][:-6] + "AAAAAA"
    return page.asked, json.dumps(said), {}


def _without_verification(page: Page) -> Sent:
    return page.asked, page.passkey.answer(page.asked, verified=False), {}


def _by_a_copy(page: Page) -> Sent:
    page.passkey.row.data["sign_count"] = 40
    page.passkey.row.save()
    return page.asked, page.passkey.answer(page.asked), {}


def _inside_another_page(page: Page) -> Sent:
    return page.asked, page.passkey.answer(page.asked, inside=True), {}


def _unreadable(page: Page) -> Sent:
    return page.asked, '{"id": "x", "rawId": [], "response": 3}', {}


@pytest.mark.parametrize(
    "wrong",
    [
        _of_another, _asked_of_another, _for_another_order, _seen_otherwise, _on_another_page,
        _with_another_challenge, _made_up, _tampered, _without_verification, _by_a_copy,
        _inside_another_page, _unreadable,
    ],
)  # fmt: skip
def test_a_wrong_answer_signs_nothing_and_counts(
    batch: Batch,
    actor: Actor,
    account: Account,
    passkey: Passkey,
    wrong: Callable[[Page], Sent],
) -> None:
    asked, answer, more = wrong(Page(batch, account, passkey, ask(account, batch)))
    said = {refusal(actor, batch, asked, answer, **more) for _ in range(5)}
    assert said == {"wrong_code"}
    assert (SigningRun.objects.count(), Act.objects.exclude(number=None).count()) == (0, 0)
    asked = ask(account, batch)
    assert refusal(actor, batch, asked, passkey.answer(asked)) == "wait"


def test_an_answer_from_another_site_signs_nothing(
    batch: Batch, actor: Actor, account: Account, passkey: Passkey
) -> None:
    asked = ask(account, batch)
    for origin in ("http://127.0.0.1:8000", "https://localhost.example", "https://kalan.example"):
        assert refusal(actor, batch, asked, passkey.answer(asked, origin=origin)) == "wrong_code"
    assert click(actor, batch, asked, passkey.answer(asked, origin="https://localhost")).total == 2


def test_an_answer_serves_once_and_in_time(
    batch: Batch, actor: Actor, account: Account, passkey: Passkey
) -> None:
    asked = ask(account, batch)
    late = passkey.answer(asked)
    assert refusal(actor, batch, asked, late, later=120) == "late"
    Batch.objects.update(state="draft")
    answer = passkey.answer(asked)
    assert refusal(actor, batch, asked, answer) == "state"  # right, and so spent
    Batch.objects.update(state="approved")
    assert refusal(actor, batch, asked, answer) == "wrong_code"
    assert refusal(actor, batch, asked, passkey.answer(asked)) == "wrong_code"
    assert SigningRun.objects.count() == 0


def test_a_passkey_that_does_not_count_serves_too(
    batch: Batch, actor: Actor, account: Account
) -> None:
    passkey = Passkey(account, count=0)
    for code in ("state", None):
        Batch.objects.update(state="draft" if code else "approved")
        asked = ask(account, batch)
        answer = passkey.answer(asked)
        if code:
            assert refusal(actor, batch, asked, answer) == code
        else:
            assert click(actor, batch, asked, answer).factor == "webauthn"


def test_the_page_asks_for_what_the_person_has(
    batch: Batch, account: Account, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr(clock, "today", lambda: NOW.date())
    sign_in(client, account)
    address = f"{reverse('signing-confirm')}?lot={batch.uid}"
    form = {"lot": str(batch.uid), "form_uid": str(FORM), "seen": ordering.mark_of([batch])}
    assert client.post(address, {**form, "defi": "1"}).status_code == 422
    shown = []
    passkey = Passkey(account)
    for kinds in (["totp", "webauthn"], ["webauthn"], []):
        Authenticator.objects.filter(user=account).exclude(type__in=kinds).delete()
        answer = client.get(address)
        page = answer.content.decode()
        assert "(facultatif)" not in page
        shown.append(('name="code"' in page, "data-passkey-button" in page))
        if not kinds:
            assert answer.headers["Location"] == reverse("account_must_enrol")
        elif kinds == ["webauthn"]:
            nothing = client.post(address, form)
            assert (nothing.status_code, SigningRun.objects.count()) == (422, 0)
            said = client.post(address, {**form, "defi": "1"}, headers={"host": "localhost"}).json()
            asked = Asked(said["options"], said["challenge"])
            sent = {"challenge": asked.challenge, "credential": passkey.answer(asked)}
            client.post(address, {**form, **sent}, headers={"host": "localhost"})
            assert SigningRun.objects.get().factor == "webauthn"
            SigningRun.objects.update(finished_at=NOW)
            Batch.objects.update(state="approved")
    assert shown == [(True, True), (False, True), (False, False)]


def test_who_must_have_a_second_factor_gives_it_anew() -> None:
    assert FACTOR_ROLES == policy.SECOND_FACTOR_ROLES
