"""One's own account: notice, password, phone, e-mail, devices."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
import time_machine
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from kalan.base.models import Message
from kalan.people.models import Account, AttemptWindow, Device
from kalan.people.services.privacy import erase_account
from kalan.people.tasks.accounts import tidy_access
from tests.factories import people

PASSWORD = "kalan-demo"
NEW = "quatre mots sans rapport"


def sign_in(account: Account, **headers: Any) -> Client:
    client = Client(**headers)
    client.post("/connexion/", {"identifier": account.email, "password": PASSWORD})
    return client


@pytest.fixture
def account(db: None) -> Account:
    return people.account(email="awa@sante.sn", display_name="Awa N’DIAYE")


def test_the_notice_comes_before_anything_at_the_first_sign_in(db: None) -> None:
    fresh = people.account(notice_seen_at=None)
    client = sign_in(fresh)
    asked = client.get("/mon-espace/compte/?a=b")
    assert asked.url == "/mon-espace/information/?next=%2Fmon-espace%2Fcompte%2F%3Fa%3Db"
    assert "J’ai lu" in client.get(asked.url).content.decode()
    done = client.post("/mon-espace/information/", {"next": "/mon-espace/compte/?a=b"})
    assert done.url == "/mon-espace/compte/?a=b"
    assert client.get(done.url).status_code == 200
    fresh.refresh_from_db()
    assert fresh.notice_seen_at is not None


def test_a_new_password_signs_out_the_other_devices(account: Account) -> None:
    here, there = sign_in(account), sign_in(account)
    form = {"current": PASSWORD, "new": NEW, "again": NEW}
    assert here.post("/mon-espace/compte/mot-de-passe/", form).url == "/mon-espace/compte/"
    assert here.get("/mon-espace/compte/").status_code == 200
    assert there.get("/mon-espace/compte/").status_code == 302
    account.refresh_from_db()
    assert account.check_password(NEW)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"current": "faux"}, "current"),
        ({"new": "court", "again": "court"}, "new"),
        ({"again": "autre chose"}, "again"),
    ],
)
def test_a_refused_password_names_its_field(
    account: Account, change: dict[str, str], field: str
) -> None:
    form = {"current": PASSWORD, "new": NEW, "again": NEW, **change}
    page = sign_in(account).post("/mon-espace/compte/mot-de-passe/", form)
    assert list(page.context["form"].errors) == [field]
    account.refresh_from_db()
    assert account.check_password(PASSWORD)


def test_a_new_phone_waits_for_verification(account: Account) -> None:
    Account.objects.update(phone="+221771234567", phone_verified_at=people.NOW)
    client = sign_in(account)
    client.post("/mon-espace/compte/telephone/", {"phone": "+221 77 123 45 67"})
    account.refresh_from_db()
    assert account.phone_verified_at == people.NOW
    client.post("/mon-espace/compte/telephone/", {"phone": "77 765 43 21"})
    account.refresh_from_db()
    assert (account.phone, account.phone_verified_at) == ("+221777654321", None)
    said = client.post("/mon-espace/compte/telephone/", {"phone": "12"}).content.decode()
    assert "«\u00a012\u00a0» n’est pas un numéro de téléphone." in said


def link_of(message: Message) -> str:
    return re.search(r"https?://[^/]+(/\S+)", message.body)[1]  # type: ignore[index]


def test_an_email_changes_when_its_link_is_confirmed_by_the_same_person(account: Account) -> None:
    client = sign_in(account)
    client.post("/mon-espace/compte/e-mail/", {"email": "Awa2@sante.sn"})
    message = Message.objects.get()
    assert message.recipient == "awa2@sante.sn"
    link = link_of(message)
    account.refresh_from_db()
    assert account.email == "awa@sante.sn"
    # Who receives the link by mistake, or a program that opens links, changes nothing.
    other = sign_in(people.account())
    other.post(link)
    assert client.get(link).status_code == 200
    account.refresh_from_db()
    assert account.email == "awa@sante.sn"
    for _ in range(2):
        client.post(link)
        account.refresh_from_db()
        assert account.email == "awa2@sante.sn"


def test_an_old_link_is_refused(account: Account) -> None:
    start = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
    with time_machine.travel(start, tick=False) as now:
        client = sign_in(account)
        client.post("/mon-espace/compte/e-mail/", {"email": "awa2@sante.sn"})
        now.shift(dt.timedelta(days=3, seconds=1))
        page = client.post(link_of(Message.objects.get()), follow=True).content.decode()
    assert "Ce lien n’est plus valable." in page
    account.refresh_from_db()
    assert account.email == "awa@sante.sn"


def test_asking_for_anothers_address_tells_nothing_on_the_page(account: Account) -> None:
    people.account(email="prise@sante.sn")
    client = sign_in(account)
    taken = client.post("/mon-espace/compte/e-mail/", {"email": "prise@sante.sn"}, follow=True)
    free = client.post("/mon-espace/compte/e-mail/", {"email": "libre@sante.sn"}, follow=True)
    said = [str(one) for page in (taken, free) for one in page.context["messages"]]
    assert said == [
        "Un lien est parti à prise@sante.sn. L’adresse change quand vous l’ouvrez.",
        "Un lien est parti à libre@sante.sn. L’adresse change quand vous l’ouvrez.",
    ]


def test_devices_are_listed_and_signed_out_from_afar(account: Account) -> None:
    phone = sign_in(account, HTTP_USER_AGENT="Mozilla/5.0 (Linux; Android 12) Chrome/110 Safari")
    laptop = sign_in(account, HTTP_USER_AGENT="Mozilla/5.0 (Windows NT 10.0) Firefox/128.0")
    page = laptop.get("/mon-espace/compte/").content.decode()
    assert page.index("Firefox sur Windows") < page.index("Chrome sur Android")
    assert page.count("cet appareil") == 1
    assert laptop.post("/mon-espace/compte/appareils/").status_code == 302
    assert phone.get("/mon-espace/compte/").status_code == 302
    assert laptop.get("/mon-espace/compte/").status_code == 200
    assert Device.objects.filter(account=account).count() == 1


def test_what_has_expired_is_dropped_at_night(account: Account) -> None:
    start = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
    with time_machine.travel(start, tick=False) as now:
        sign_in(account)
        Client().post("/connexion/", {"identifier": "x", "password": "y"})
        tidy_access(now=start + dt.timedelta(days=1))
        assert (Device.objects.count(), AttemptWindow.objects.count()) == (1, 0)
        now.shift(dt.timedelta(days=15))
        tidy_access(now=start + dt.timedelta(days=15))
    assert Device.objects.count() == 0


def test_erasing_an_account_ends_every_way_in(account: Account) -> None:
    client = sign_in(account)
    SocialAccount.objects.create(user=account, provider="psc", uid="psc-1")
    erase_account(account)
    assert (SocialAccount.objects.count(), Device.objects.count()) == (0, 0)
    assert client.get("/mon-espace/compte/").status_code == 302
