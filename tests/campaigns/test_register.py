"""Independent professionals open their own account."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client

from kalan.base.errors import Refused
from kalan.base.models import Message
from kalan.campaigns.models import Participant
from kalan.people.models import Account
from kalan.people.services import accounts_register
from kalan.people.services.accounts_signin import accounts_matching
from tests.factories import assessment, campaigns, people
from tests.factories.people import NOW, Tree

PASSWORD = "quatre mots sans rapport"


def register(contact: str = "77 123 45 67", **more: object) -> Account:
    values: dict[str, object] = {
        "now": NOW,
        "address": "1.2.3.4",
        "name": "Ndèye Libre",
        "contact": contact,
        "password": PASSWORD,
        **more,
    }
    return accounts_register.register(**values)


def test_a_phone_opens_the_account_that_its_password_opens(db: None) -> None:
    made = register()
    assert (made.agent, made.phone, made.self_registered, made.phone_verified_at) == (
        None,
        "+221771234567",
        True,
        None,
    )
    other = register(password="un autre mot de passe")
    found = accounts_matching(identifier="771234567", password=PASSWORD, address="1.2.3.4", now=NOW)
    assert found == [made]
    assert other != made


def test_accounts_opened_on_a_number_do_not_shut_out_its_verified_owner(db: None) -> None:
    owner = people.account(phone="+221771234567", phone_verified_at=NOW)
    for number in range(9):
        register(password=f"mot de passe numéro {number}")
    found = accounts_matching(
        identifier="771234567", password="kalan-demo", address="5.6.7.8", now=NOW
    )
    assert found == [owner]


def test_an_email_identifies_once_its_link_is_followed_with_the_password(db: None) -> None:
    made = register("Ndeye@Exemple.sn")
    assert made.email is None
    body = Message.objects.get(recipient="ndeye@exemple.sn").body
    token = re.search(r"/inscription/([^/]+)/", body)
    assert token is not None
    with pytest.raises(Refused, match="Mot de passe incorrect"):
        accounts_register.confirm_registration(now=NOW, token=token[1], password="autre chose")
    for _ in range(2):  # the link opened twice
        accounts_register.confirm_registration(now=NOW, token=token[1], password=PASSWORD)
    made.refresh_from_db()
    assert made.email == "ndeye@exemple.sn"


def test_a_taken_address_is_said_to_its_owner_only(db: None) -> None:
    people.account(email="awa@exemple.sn")
    made = register("awa@exemple.sn")
    assert made.email is None
    assert "a déjà un compte" in Message.objects.get(recipient="awa@exemple.sn").body


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": " "}, "name"),
        ({"contact": ""}, "contact"),
        ({"contact": "12"}, "contact"),
        ({"contact": "awa@"}, "contact"),
        ({"password": "court"}, "password"),
    ],
)
def test_what_is_missing_is_named(db: None, wrong: dict[str, str], field: str) -> None:
    with pytest.raises(Refused) as refused:
        register(**wrong)
    assert refused.value.field == field
    assert Account.objects.count() == 0


def test_registrations_are_limited_by_address(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts_register, "ACCOUNTS_PER_ADDRESS", 2)
    for _ in range(2):
        register()
    with pytest.raises(Refused, match="Trop d’inscriptions"):
        register()
    register(address="9.9.9.9")
    later = NOW + dt.timedelta(minutes=16)
    register(now=later)


def test_a_link_that_is_no_link_is_refused(db: None) -> None:
    with pytest.raises(Refused, match="n’est plus valable"):
        accounts_register.confirm_registration(now=NOW, token="faux", password=PASSWORD)


def test_from_the_campaign_s_page_to_its_test(tree: Tree, client: Client) -> None:
    """Code, register, back to the campaign, begin."""
    made = campaigns.campaign(
        tree.fatick, test=assessment.published(tree.country), closes_on=dt.date(2120, 1, 1),
        opens_on=dt.date(2023, 3, 1),
    )  # fmt: skip
    made.closes_on = dt.date(2120, 1, 1)
    answer = client.post("/campagne/", {"code": made.code.lower()})
    assert answer["Location"] == f"/campagne/{made.code}/"
    page = client.get(answer["Location"]).content.decode()
    assert f'href="/inscription/?next=%2Fcampagne%2F{made.code}%2F"' in page
    answer = client.post(
        "/inscription/",
        {
            "name": "Ndèye Libre",
            "contact": "77 123 45 67",
            "password": PASSWORD,
            "notice": "on",
            "next": f"/campagne/{made.code}/",
        },
    )
    assert answer["Location"] == f"/campagne/{made.code}/"
    assert "Commencer" in client.get(answer["Location"]).content.decode()
    answer = client.post(f"/campagne/{made.code}/")
    place = Participant.objects.get()
    assert answer["Location"] == f"/test/{place.sittings.get().sitting.uid}/"
    assert place.person == "Ndèye Libre"


def test_a_slip_leads_back_to_the_campaign(tree: Tree, client: Client) -> None:
    from kalan.people.actor import SYSTEM
    from kalan.people.services.accounts_slips import open_accounts

    made = campaigns.campaign(tree.fatick, closes_on=dt.date(2120, 1, 1))
    agent = people.agent(tree.centre_sokone)
    today = dt.datetime.now(tz=dt.UTC)
    slip = open_accounts(actor=SYSTEM, now=today, agents=[agent])[0]
    client.get(f"/campagne/{made.code}/")
    answer = client.post(
        f"/activer/{slip.code}/", {"password": PASSWORD, "again": PASSWORD, "notice": "on"}
    )
    assert answer["Location"] == f"/campagne/{made.code}/"
    assert client.cookies["suite"].value == ""


def test_nobody_is_sent_elsewhere(tree: Tree, client: Client) -> None:
    client.cookies["suite"] = "//mechant.example/"
    answer = client.post(
        "/inscription/",
        {"name": "Awa", "contact": "77 123 45 67", "password": PASSWORD, "notice": "on",
         "next": "https://mechant.example/"},
    )  # fmt: skip
    assert answer["Location"] == "/mon-espace/"
