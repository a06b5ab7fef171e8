"""Second factors: real TOTP codes, recovery codes, the duty to enrol, the reset."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client

from kalan.base.errors import Refused
from kalan.base.models import Message
from kalan.people.models import Account, RoleGrant, SignInEvent
from kalan.people.services.accounts_demo import DEMO_TOTP_SECRET
from kalan.people.services.accounts_second_factor import reset_second_factor
from tests.factories import people

START = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)


@pytest.fixture
def now() -> Any:
    cache.clear()  # codes already used, kept by the key of an account of another test
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def code(secret: str = DEMO_TOTP_SECRET, at: dt.datetime | None = None) -> str:
    moment = at or dt.datetime.now(tz=dt.UTC)
    return format_hotp_value(hotp_value(secret, int(moment.timestamp()) // 30))


def sign_in(client: Client, account: Account) -> Any:
    return client.post("/connexion/", {"identifier": account.email, "password": "kalan-demo"})


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.fixture
def admin(tree: people.Tree) -> Account:
    return people.account("admin", tree.country)


def test_a_code_of_the_day_lets_in(client: Client, admin: Account, now: Any) -> None:
    assert sign_in(client, admin).url == "/connexion/code/"
    assert not is_in(client)
    assert client.get("/connexion/code/").status_code == 200
    assert client.post("/connexion/code/", {"code": code()}).url == "/gestion/"
    assert is_in(client)


def test_the_password_alone_opens_nothing(client: Client, admin: Account, now: Any) -> None:
    sign_in(client, admin)
    assert client.get("/mon-espace/compte/").url == "/connexion/?next=/mon-espace/compte/"
    wrong = client.post("/connexion/code/", {"code": "000000"})
    assert "Code incorrect." in wrong.content.decode()
    assert not is_in(client)


@pytest.mark.parametrize(("seconds", "good"), [(-60, False), (-30, True), (30, True), (60, False)])
def test_the_clock_of_the_phone_may_drift_by_one_step(
    client: Client, admin: Account, now: Any, seconds: int, good: bool
) -> None:
    sign_in(client, admin)
    client.post("/connexion/code/", {"code": code(at=START + dt.timedelta(seconds=seconds))})
    assert is_in(client) is good


@pytest.mark.parametrize("later", [1, 31, 59])
def test_a_code_serves_once(client: Client, admin: Account, now: Any, later: int) -> None:
    used = code(at=START + dt.timedelta(seconds=30))
    sign_in(client, admin)
    client.post("/connexion/code/", {"code": used})
    assert is_in(client)
    now.shift(dt.timedelta(seconds=later))
    thief = Client()
    sign_in(thief, admin)
    thief.post("/connexion/code/", {"code": used})
    assert not is_in(thief)


def test_ten_wrong_codes_then_wait(client: Client, admin: Account, now: Any) -> None:
    sign_in(client, admin)
    for _ in range(10):
        client.post("/connexion/code/", {"code": "000000"})
    client.post("/connexion/code/", {"code": code()})
    assert not is_in(client)
    now.shift(dt.timedelta(minutes=16))
    sign_in(client, admin)
    client.post("/connexion/code/", {"code": code()})
    assert is_in(client)


def test_leaving_for_another_account(client: Client, admin: Account, now: Any) -> None:
    sign_in(client, admin)
    assert client.post("/connexion/annuler/").url == "/connexion/"
    assert client.get("/connexion/code/").url == "/connexion/"


def test_the_shared_phone_is_remembered_over_the_code(
    client: Client, admin: Account, now: Any
) -> None:
    form = {"identifier": admin.email, "password": "kalan-demo", "shared": "on"}
    client.post("/connexion/", form)
    response = client.post("/connexion/code/", {"code": code()})
    assert response.cookies["sessionid"]["max-age"] == ""


# --- the duty to enrol --------------------------------------------------------------------------


@pytest.fixture
def bare(tree: people.Tree) -> Account:
    """A signatory without a second factor."""
    account = people.account()
    RoleGrant.objects.create(
        account=account,
        role="signatory",
        node=tree.country,
        start=people.LONG_AGO,
        granted_at=people.NOW,
    )
    Account.objects.filter(pk=account.pk).update(second_factor_required=True)
    return account


def enrol(client: Client) -> str:
    page = client.get("/compte/second-facteur/application/")
    secret = page.context["form"].secret
    done = client.post("/compte/second-facteur/application/", {"code": code(secret)})
    assert done.url == "/compte/second-facteur/codes/"
    return str(secret)


def test_who_must_enrol_is_sent_there_before_anything_else(
    client: Client, bare: Account, now: Any, django_capture_on_commit_callbacks: Any
) -> None:
    assert sign_in(client, bare).url == "/mon-espace/"
    for url in ("/mon-espace/compte/", "/mon-espace/compte/telephone/"):
        assert client.get(url).url == "/compte/second-facteur/obligatoire/"
    assert client.get("/compte/second-facteur/obligatoire/").status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        enrol(client)
    assert client.get("/mon-espace/compte/").status_code == 200
    assert client.get("/compte/second-facteur/obligatoire/").url == "/compte/second-facteur/"
    kinds = SignInEvent.objects.filter(account=bare).order_by("pk").values_list("kind", flat=True)
    assert sorted(kinds) == ["codes_printed", "factor_added"]


def test_the_new_factor_is_asked_for_next_time(client: Client, bare: Account, now: Any) -> None:
    sign_in(client, bare)
    secret = enrol(client)
    other = Client()
    assert sign_in(other, bare).url == "/connexion/code/"
    now.shift(dt.timedelta(seconds=60))
    other.post("/connexion/code/", {"code": code(secret)})
    assert is_in(other)


def test_the_secret_is_sealed_in_the_database(client: Client, bare: Account, now: Any) -> None:
    sign_in(client, bare)
    secret = enrol(client)
    stored = Authenticator.objects.get(user=bare, type="totp").data["secret"]
    assert secret not in stored
    assert stored.startswith("gAAAA")


def test_printed_recovery_codes_serve_once_each(client: Client, bare: Account, now: Any) -> None:
    sign_in(client, bare)
    enrol(client)
    page = client.get("/compte/second-facteur/codes/").content.decode()
    codes = re.findall(r"<code>(\d{4}) (\d{4})</code>", page)
    assert len(codes) == 10
    spoken = " ".join(codes[3])
    for expected in (True, False):
        other = Client()
        sign_in(other, bare)
        other.post("/connexion/code/", {"code": spoken})
        assert is_in(other) is expected


def test_the_last_factor_that_a_role_asks_for_stays(
    client: Client, bare: Account, now: Any
) -> None:
    sign_in(client, bare)
    enrol(client)
    url = "/compte/second-facteur/application/retirer/"
    assert "Votre rôle demande un second facteur" in client.get(url).content.decode()
    client.post(url)
    assert Authenticator.objects.filter(user=bare, type="totp").count() == 1


def test_others_may_take_theirs_away(client: Client, db: None, now: Any) -> None:
    account = people.account()
    sign_in(client, account)
    enrol(client)
    assert client.post("/compte/second-facteur/application/retirer/").status_code == 302
    assert Authenticator.objects.filter(user=account).count() == 0


def test_changing_factors_later_asks_for_the_password(client: Client, db: None, now: Any) -> None:
    account = people.account()
    sign_in(client, account)
    now.shift(dt.timedelta(minutes=11))
    asked = client.get("/compte/second-facteur/application/")
    assert asked.url == "/compte/confirmer/?next=%2Fcompte%2Fsecond-facteur%2Fapplication%2F"
    wrong = client.post(asked.url, {"password": "faux"})
    assert wrong.status_code == 200
    right = client.post(asked.url, {"password": "kalan-demo"})
    assert right.url == "/compte/second-facteur/application/"
    assert client.get(right.url).status_code == 200


@pytest.mark.parametrize(
    "url",
    [
        "/compte/second-facteur/",
        "/compte/second-facteur/cles/",
        "/compte/second-facteur/cles/ajouter/",
        "/compte/second-facteur/codes/nouveaux/",
    ],
)
def test_the_pages_of_factors_answer(client: Client, db: None, now: Any, url: str) -> None:
    sign_in(client, people.account())
    assert client.get(url).status_code == 200


def test_the_page_of_passkeys_says_what_they_need(client: Client, db: None, now: Any) -> None:
    sign_in(client, people.account())
    page = client.get("/compte/second-facteur/cles/ajouter/").content.decode()
    assert "demande une adresse en https (ou localhost)" in page
    # Nothing inline: the strict policy would refuse it.
    assert re.findall(r"<script(?![^>]*(?:src=|application/json))", page) == []


# --- the reset ----------------------------------------------------------------------------------


def test_a_reset_is_logged_told_and_ends_the_sessions(
    client: Client, tree: people.Tree, admin: Account, now: Any
) -> None:
    sign_in(client, admin)
    client.post("/connexion/code/", {"code": code()})
    other = people.actor("admin", tree.country)
    reset_second_factor(actor=other, now=START, account=admin, reason="téléphone volé")
    assert not Authenticator.objects.filter(user=admin).exists()
    assert client.get("/mon-espace/compte/").status_code == 302
    event = SignInEvent.objects.get(kind="factor_reset")
    assert (event.account, event.by, event.reason, event.at) == (
        admin,
        other.account,
        "téléphone volé",
        START,
    )
    message = Message.objects.get()
    assert (message.recipient, message.channel) == (admin.email, "email")
    assert "téléphone volé" in message.body
    # The password alone opens, and leads to enrolling.
    sign_in(client, admin)
    assert client.get("/mon-espace/compte/").url == "/compte/second-facteur/obligatoire/"


@pytest.mark.parametrize("role", ["region", "structure", "programme", "signatory"])
def test_only_administrators_reset(tree: people.Tree, role: str) -> None:
    account = people.account(agent=people.agent(tree.centre_sokone))
    people.second_factor(account)
    with pytest.raises(Refused):
        reset_second_factor(
            actor=people.actor(role, tree.country), now=START, account=account, reason="x"
        )
    assert Authenticator.objects.filter(user=account).count() == 1


def test_a_reset_asks_why_and_not_for_oneself(tree: people.Tree, admin: Account) -> None:
    other = people.actor("admin", tree.country)
    for account, reason in ((admin, " "), (other.account, "perdu")):
        with pytest.raises(Refused):
            reset_second_factor(actor=other, now=START, account=account, reason=reason)
    assert Authenticator.objects.count() == 2


def test_the_only_administrator_is_rescued_from_the_server(
    tree: people.Tree, admin: Account
) -> None:
    call_command("reset_second_factor", admin.email, reason="téléphone perdu", verbosity=0)
    assert not Authenticator.objects.filter(user=admin).exists()
    event = SignInEvent.objects.get(kind="factor_reset")
    assert (event.account, event.by, event.reason) == (admin, None, "téléphone perdu")
    with pytest.raises(CommandError):
        call_command("reset_second_factor", "inconnu@sante.sn", reason="x")
