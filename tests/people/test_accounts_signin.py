"""Each way in, the shared telephone, and what a stranger can learn at the door (nothing)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.contrib.auth.hashers import MD5PasswordHasher, make_password
from django.contrib.sessions.models import Session
from django.test import Client

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.people.hashers import OwaspArgon2Hasher
from kalan.people.models import Account, SignInEvent
from kalan.people.services.accounts_signin import accounts_matching
from tests.factories import people

WRONG = (
    "Identifiant ou mot de passe incorrect. Vérifiez les deux, ou demandez une nouvelle fiche "
    "d’activation à votre responsable."
)


def sign_in(client: Client, identifier: str, password: str = "kalan-demo", **more: Any) -> Any:
    data = {"identifier": identifier, "password": password, **more}
    return client.post("/connexion/", data)


def signed_in_as(client: Client) -> Account | None:
    key = client.session.get("_auth_user_id")
    return Account.objects.get(pk=key) if key else None


@pytest.fixture
def awa(tree: people.Tree) -> Account:
    agent = people.agent(tree.centre_sokone, matricule="605123/A", last_name="N’Diaye")
    return people.account(
        agent=agent,
        email="awa@sante.sn",
        phone="+221771234567",
        phone_verified_at=people.NOW,
        display_name="Awa N’DIAYE ߊߥߊ",
    )


@pytest.mark.parametrize(
    "identifier",
    [
        "awa@sante.sn",
        " Awa@Sante.SN ",
        "605123/A",
        "605123/a",
        "605 123/A",
        "77 123 45 67",
        "771234567",
        "+221 77 123 45 67",
        "00221771234567",
    ],
)
def test_every_identifier_signs_in(client: Client, awa: Account, identifier: str) -> None:
    response = sign_in(client, identifier)
    assert (response.status_code, response.url) == (302, "/mon-espace/")
    assert signed_in_as(client) == awa


def test_a_number_not_verified_identifies_nobody(client: Client, awa: Account) -> None:
    Account.objects.update(phone_verified_at=None)
    sign_in(client, "77 123 45 67")
    assert signed_in_as(client) is None


@pytest.mark.parametrize("phone", ["+22376123456", "+33612345678"])
def test_local_numbers_of_other_countries_are_read(client: Client, db: None, phone: str) -> None:
    account = people.account(phone=phone, phone_verified_at=people.NOW)
    local = {"+22376123456": "76 12 34 56", "+33612345678": "06 12 34 56 78"}[phone]
    sign_in(client, local)
    assert signed_in_as(client) == account


@pytest.mark.parametrize(
    ("identifier", "password"),
    [
        ("awa@sante.sn", "faux"),
        ("inconnue@sante.sn", "kalan-demo"),
        ("605123/A", "faux"),
        ("77 123 45 67", "faux"),
        ("77 999 99 99", "kalan-demo"),
        ("' OR 1=1 --", "kalan-demo"),
        ("ߊߥߊ", "kalan-demo"),
    ],
)
def test_every_failure_says_the_same(
    client: Client, awa: Account, identifier: str, password: str
) -> None:
    response = sign_in(client, identifier, password)
    assert response.status_code == 200
    assert response.context["form"].non_field_errors() == [WRONG]
    assert signed_in_as(client) is None


def test_a_nul_in_the_identifier_is_only_wrong(client: Client, awa: Account) -> None:
    with pytest.raises(Refused) as caught:
        accounts_matching(identifier="awa\0", password="x", address="a", now=people.NOW)
    assert str(caught.value) == WRONG


def test_a_closed_account_looks_like_no_account(client: Client, awa: Account) -> None:
    Account.objects.update(is_active=False)
    response = sign_in(client, "awa@sante.sn")
    assert response.context["form"].non_field_errors() == [WRONG]


def test_closing_an_account_ends_its_session_at_the_next_page(client: Client, awa: Account) -> None:
    sign_in(client, "awa@sante.sn")
    assert client.get("/mon-espace/compte/").status_code == 200
    Account.objects.update(is_active=False)
    assert client.get("/mon-espace/compte/").url == "/connexion/?next=/mon-espace/compte/"


class CountingHasher(MD5PasswordHasher):
    """Counts the slow work: the time that a stranger could measure."""

    algorithm = "counting"
    hashed = 0

    def encode(self, password: str, salt: str) -> str:
        type(self).hashed += 1
        return super().encode(password, salt)


@pytest.mark.parametrize(
    ("identifier", "hashes"),
    [
        ("connu@sante.sn", 1),
        ("inconnu@sante.sn", 1),
        ("sans-mot-de-passe@sante.sn", 1),
        ("fermé", 1),
        ("77 123 45 67", 2),  # one person's
        ("77 765 43 21", 2),  # shared by two
        ("77 999 99 99", 2),  # nobody's
    ],
)
def test_a_refusal_costs_the_same_whoever_exists(
    settings: Any, tree: people.Tree, identifier: str, hashes: int
) -> None:
    path = f"{CountingHasher.__module__}.{CountingHasher.__qualname__}"
    settings.PASSWORD_HASHERS = [path]
    verified = {"phone_verified_at": people.NOW}
    people.account(email="connu@sante.sn", phone="+221771234567", **verified)
    people.account(phone="+221777654321", **verified)
    people.account(phone="+221777654321", **verified)
    people.account(agent=people.agent(matricule="fermé"), is_active=False)
    empty = people.account(email="sans-mot-de-passe@sante.sn")
    empty.set_unusable_password()
    empty.save()
    CountingHasher.hashed = 0
    with pytest.raises(Refused):
        accounts_matching(identifier=identifier, password="faux", address="a", now=people.NOW)
    assert CountingHasher.hashed == hashes


# --- the shared telephone -----------------------------------------------------------------------


def share(password: str, name: str) -> Account:
    account = people.account(
        phone="+221771112233", phone_verified_at=people.NOW, display_name=name, email=None
    )
    account.set_password(password)
    account.save()
    return account


def test_two_people_on_one_phone_are_told_apart_by_their_password(client: Client, db: None) -> None:
    share("un mot de passe", "Fatou SARR")
    modou = share("un autre mot", "Modou SARR")
    sign_in(client, "77 111 22 33", "un autre mot")
    assert signed_in_as(client) == modou


def test_the_same_password_asks_which_name_and_names_nobody_else(client: Client, db: None) -> None:
    fatou = share("le même mot", "Fatou SARR")
    share("le même mot", "Modou D’ALMEIDA")
    share("un autre mot", "Ibrahima FALL")
    response = sign_in(client, "77 111 22 33", "le même mot", next="/chiffres/")
    assert response.url == "/connexion/qui/"
    page = client.get("/connexion/qui/")
    names = [label for _, label in page.context["form"].fields["account"].choices]
    assert names == ["Fatou SARR", "Modou D’ALMEIDA"]
    assert b"FALL" not in page.content
    response = client.post("/connexion/qui/", {"account": str(fatou.uid)})
    assert response.url == "/chiffres/"
    assert signed_in_as(client) == fatou


def test_a_name_that_was_not_offered_is_refused(client: Client, db: None) -> None:
    share("le même mot", "Fatou SARR")
    share("le même mot", "Modou SARR")
    other = share("un autre mot", "Ibrahima FALL")
    sign_in(client, "77 111 22 33", "le même mot")
    assert client.post("/connexion/qui/", {"account": str(other.uid)}).status_code == 200
    assert signed_in_as(client) is None


def test_without_a_password_the_page_of_names_is_closed(client: Client, db: None) -> None:
    share("le même mot", "Fatou SARR")
    assert client.get("/connexion/qui/").url == "/connexion/"


def test_the_choice_of_a_name_lasts_five_minutes(client: Client, db: None) -> None:
    fatou = share("le même mot", "Fatou SARR")
    share("le même mot", "Modou SARR")
    start = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
    with time_machine.travel(start, tick=False):
        sign_in(client, "77 111 22 33", "le même mot")
    with time_machine.travel(start + dt.timedelta(minutes=6), tick=False):
        response = client.post("/connexion/qui/", {"account": str(fatou.uid)})
        assert response.url == "/connexion/"
    assert signed_in_as(client) is None


def test_a_shared_phone_has_a_session_without_lifetime_in_the_cookie(
    client: Client, awa: Account
) -> None:
    response = sign_in(client, "awa@sante.sn", shared="on")
    cookie = response.cookies["sessionid"]
    assert (cookie["max-age"], cookie["expires"]) == ("", "")
    plain = Client()
    assert sign_in(plain, "awa@sante.sn").cookies["sessionid"]["max-age"] == 14 * 24 * 3600


def test_a_shared_phone_signs_out_after_thirty_idle_minutes(client: Client, awa: Account) -> None:
    start = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
    minutes = lambda count: start + dt.timedelta(minutes=count)  # noqa: E731
    with time_machine.travel(start, tick=False):
        sign_in(client, "awa@sante.sn", shared="on")
    # Each page opens thirty minutes more.
    for count in (20, 40, 60):
        with time_machine.travel(minutes(count), tick=False):
            assert client.get("/mon-espace/compte/").status_code == 200
    with time_machine.travel(minutes(91), tick=False):
        assert client.get("/mon-espace/compte/").status_code == 302


def test_signing_out_of_a_shared_phone_leaves_nothing(client: Client, awa: Account) -> None:
    sign_in(client, "awa@sante.sn", shared="on")
    response = client.post("/deconnexion/")
    assert response["Clear-Site-Data"] == '"cache", "storage"'
    assert response.cookies["sessionid"].value == ""
    assert Session.objects.count() == 0
    assert client.get("/mon-espace/compte/").status_code == 302


def test_signing_out_of_ones_own_phone_keeps_what_is_not_sent(client: Client, awa: Account) -> None:
    sign_in(client, "awa@sante.sn")
    assert client.get("/deconnexion/").status_code == 200
    assert signed_in_as(client) == awa
    response = client.post("/deconnexion/")
    assert "Clear-Site-Data" not in response
    assert signed_in_as(client) is None


def test_pages_of_a_shared_phone_are_not_kept_by_the_browser(client: Client, awa: Account) -> None:
    sign_in(client, "awa@sante.sn", shared="on")
    assert client.get("/mon-espace/compte/")["Cache-Control"] == "no-store"


@pytest.mark.parametrize("target", ["https://ailleurs.example/", "//ailleurs.example/", "/\\x"])
def test_the_way_back_stays_on_this_site(client: Client, awa: Account, target: str) -> None:
    assert sign_in(client, "awa@sante.sn", next=target).url == "/mon-espace/"


def test_demo_accounts_are_refused_outside_demo_mode(
    client: Client, settings: Any, db: None
) -> None:
    people.account(email="agent@demo.kalan", is_demo=True)
    settings.KALAN_DEMO = False
    response = sign_in(client, "agent@demo.kalan")
    assert response.context["form"].non_field_errors() == [WRONG]
    settings.KALAN_DEMO = True
    assert sign_in(client, "agent@demo.kalan").status_code == 302
    assert client.get("/mon-espace/compte/").status_code == 200
    settings.KALAN_DEMO = False
    assert client.get("/mon-espace/compte/").status_code == 302


@pytest.mark.parametrize("host", ["192.168.1.10:8000", "kalan.local"])
def test_signing_in_over_plain_http_in_a_room(awa: Account, host: str) -> None:
    """The server reached by its address on the local network: no certificate there."""
    phone = Client(enforce_csrf_checks=True, headers={"host": host, "origin": f"http://{host}"})
    page = phone.get("/connexion/")
    assert page.cookies["csrftoken"]["secure"] == ""
    token = page.context["csrf_token"]
    form = {"identifier": "awa@sante.sn", "password": "kalan-demo", "csrfmiddlewaretoken": token}
    response = phone.post("/connexion/", form)
    assert (response.status_code, response.url) == (302, "/mon-espace/")
    assert response.cookies["sessionid"]["secure"] == ""
    assert phone.get("/mon-espace/compte/").status_code == 200
    elsewhere = phone.post("/deconnexion/", headers={"origin": "http://ailleurs.example"})
    assert elsewhere.status_code == 403


# --- limits -------------------------------------------------------------------------------------


def test_ten_failures_on_one_account_then_wait(client: Client, awa: Account) -> None:
    with time_machine.travel(dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC), tick=False) as now:
        for _ in range(9):
            assert sign_in(client, "awa@sante.sn", "faux").status_code == 200
        tenth = sign_in(client, "awa@sante.sn", "faux")
        assert tenth.status_code == 429
        assert tenth.context["form"].non_field_errors() == [
            "Trop d’essais. Réessayez dans 15 minutes."
        ]
        now.shift(dt.timedelta(minutes=13, seconds=30))
        # The right password too, and by another identifier of the same account.
        for identifier in ("awa@sante.sn", "605123/A"):
            waiting = sign_in(client, identifier)
            assert waiting.context["form"].non_field_errors() == [
                "Trop d’essais. Réessayez dans 2 minutes."
            ]
        now.shift(dt.timedelta(minutes=1, seconds=31))
        assert sign_in(client, "awa@sante.sn").status_code == 302
    assert SignInEvent.objects.filter(account=awa, kind="refused").count() == 10


def test_an_unknown_identifier_is_made_to_wait_alike(client: Client, db: None) -> None:
    codes = [sign_in(client, "inconnue@sante.sn", "faux").status_code for _ in range(11)]
    assert codes == [200] * 9 + [429] * 2


def test_success_forgets_the_failures(client: Client, awa: Account) -> None:
    for _ in range(9):
        sign_in(client, "awa@sante.sn", "faux")
    assert sign_in(client, "awa@sante.sn").status_code == 302
    client.post("/deconnexion/")
    assert sign_in(client, "awa@sante.sn", "faux").status_code == 200


@pytest.mark.one_database
@time_machine.travel(people.NOW, tick=False)
def test_sixty_people_behind_one_hotspot_all_get_in(db: None) -> None:
    """Every third mistyping, all from one address within the same minute."""
    accounts = [people.account(email=f"p{number}@sante.sn") for number in range(60)]
    for number, account in enumerate(accounts):
        phone = Client(REMOTE_ADDR="10.0.0.1")
        if number % 3 == 0:
            assert sign_in(phone, account.email, "faux").status_code == 200
        assert sign_in(phone, account.email).status_code == 302
        assert signed_in_as(phone) == account


def test_the_password_hash_is_the_one_that_owasp_asks() -> None:
    encoded = make_password("x", hasher=OwaspArgon2Hasher())
    assert encoded.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


def test_an_address_that_guesses_on_and_on_is_stopped(db: None) -> None:
    now = clock.now()
    for number in range(200):
        with pytest.raises(Refused):
            accounts_matching(
                identifier=f"n{number}@x.sn", password="x", address="10.0.0.9", now=now
            )
    with pytest.raises(Refused) as caught:
        accounts_matching(identifier="autre@x.sn", password="x", address="10.0.0.9", now=now)
    assert caught.value.code == "wait"
    with pytest.raises(Refused) as caught:
        accounts_matching(identifier="autre@x.sn", password="x", address="10.0.0.8", now=now)
    assert caught.value.code == "wrong"


# --- the page -----------------------------------------------------------------------------------


def test_the_sign_in_page_needs_no_script_and_is_small(client: Client, db: None) -> None:
    response = client.get("/connexion/", headers={"accept-encoding": "br"})
    headers = sum(len(name) + len(value) + 4 for name, value in response.items())
    cookies = sum(len(str(one)) for one in response.cookies.values())
    assert b"<script" not in Client().get("/connexion/").content
    assert len(response.content) + headers + cookies <= 14 * 1024


def test_signing_in_takes_a_constant_number_of_queries(
    client: Client, awa: Account, django_assert_num_queries: Any
) -> None:
    client.get("/connexion/")
    sign_in(Client(), "awa@sante.sn")
    # Limits, account, factors, roles (where to arrive), session, device, last sign-in with its
    # history; savepoints too.
    with django_assert_num_queries(QUERIES):
        sign_in(client, "awa@sante.sn")
    for _ in range(3):
        sign_in(Client(), "awa@sante.sn")
    with django_assert_num_queries(QUERIES):
        sign_in(Client(), "awa@sante.sn")


QUERIES = 21
