"""Activation slips: once, dated, hashed, limited, and never a way to a higher role."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
import time_machine
from django.test import Client

from kalan.base.errors import Refused
from kalan.base.qr import qr_svg
from kalan.people.actor import SYSTEM
from kalan.people.models import Account, ActivationSlip, Post, RoleGrant, SignInEvent
from kalan.people.selectors.core import actor_for
from kalan.people.services.accounts import create_account
from kalan.people.services.accounts_slips import activate, find_slip, open_accounts, print_slip
from tests.factories import people

NOW = people.NOW
NEW = "quatre mots sans rapport"
DAY = dt.timedelta(days=1)


@pytest.fixture
def awa(tree: people.Tree) -> Account:
    agent = people.agent(tree.centre_sokone, last_name="N’Diaye", first_names="Awa ߊߥߊ")
    account = people.account(agent=agent, email=None, display_name=agent.full_name)
    account.set_unusable_password()
    account.save()
    return account


def printed(account: Account, **more: Any) -> str:
    return print_slip(actor=SYSTEM, now=NOW, account=account, **more)[1]


def test_a_slip_opens_the_account_once(awa: Account) -> None:
    code = printed(awa)
    activate(now=NOW, code=code, password=NEW, address="a")
    awa.refresh_from_db()
    assert awa.check_password(NEW)
    with pytest.raises(Refused) as caught:
        activate(now=NOW, code=code, password="encore une autre phrase", address="a")
    assert caught.value.code == "used"
    awa.refresh_from_db()
    assert awa.check_password(NEW)
    kinds = SignInEvent.objects.filter(account=awa).order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["slip_printed", "activated"]


def test_the_code_is_nowhere_in_the_database(awa: Account) -> None:
    code = printed(awa)
    slip = ActivationSlip.objects.get()
    assert re.fullmatch("[0-9a-f]{64}", slip.code_hash)
    assert code.lower() not in slip.code_hash
    assert len(code) == 10


@pytest.mark.parametrize("typed", ["{0}", "{1}-{2}", " {1} {2} ", "{3}"])
def test_the_code_is_read_as_people_type_it(awa: Account, typed: str) -> None:
    code = printed(awa)
    text = typed.format(code, code[:5], code[5:], code.lower())
    assert find_slip(now=NOW, code=text, address="a").account == awa


def test_a_slip_expires(awa: Account) -> None:
    code = printed(awa, valid_days=30)
    assert find_slip(now=NOW + 30 * DAY - dt.timedelta(seconds=1), code=code, address="a")
    with pytest.raises(Refused) as caught:
        find_slip(now=NOW + 30 * DAY, code=code, address="a")
    assert str(caught.value) == (
        "Cette fiche est périmée. Demandez-en une nouvelle à votre responsable."
    )


@pytest.mark.parametrize("days", [0, 91])
def test_a_slip_lasts_one_to_ninety_days(awa: Account, days: int) -> None:
    with pytest.raises(Refused):
        printed(awa, valid_days=days)
    assert ActivationSlip.objects.count() == 0


def test_printing_a_new_slip_ends_the_old_one(awa: Account) -> None:
    old, new = printed(awa), printed(awa)
    with pytest.raises(Refused) as caught:
        find_slip(now=NOW, code=old, address="a")
    assert caught.value.code == "replaced"
    assert find_slip(now=NOW, code=new, address="a").account == awa


def test_wrong_codes_are_limited_by_address(awa: Account) -> None:
    code = printed(awa)
    for _ in range(200):
        with pytest.raises(Refused):
            find_slip(now=NOW, code="ABCDEFGHJK", address="10.0.0.9")
    with pytest.raises(Refused) as caught:
        find_slip(now=NOW, code=code, address="10.0.0.9")
    assert str(caught.value) == "Trop d’essais de code. Réessayez dans 15 minutes."
    assert find_slip(now=NOW, code=code, address="10.0.0.8").account == awa


@pytest.mark.parametrize("password", ["court", "password12", "1234567890"])
def test_a_weak_password_uses_nothing_up(awa: Account, password: str) -> None:
    code = printed(awa)
    with pytest.raises(Refused) as caught:
        activate(now=NOW, code=code, password=password, address="a")
    assert caught.value.field == "password"
    assert find_slip(now=NOW, code=code, address="a").account == awa


def test_a_phone_given_at_activation_waits_for_verification(awa: Account) -> None:
    activate(now=NOW, code=printed(awa), password=NEW, address="a", phone="77 123 45 67")
    awa.refresh_from_db()
    assert (awa.phone, awa.phone_verified_at) == ("+221771234567", None)


def test_a_phone_that_is_none_is_refused_before_the_slip_is_used(awa: Account) -> None:
    code = printed(awa)
    with pytest.raises(Refused) as caught:
        activate(now=NOW, code=code, password=NEW, address="a", phone="12")
    assert caught.value.field == "phone"
    assert find_slip(now=NOW, code=code, address="a").account == awa


# --- who prints for whom ------------------------------------------------------------------------


def manager(tree: people.Tree) -> Any:
    return people.actor("structure", tree.centre_sokone)


def test_a_manager_prints_for_their_own_staff(tree: people.Tree, awa: Account) -> None:
    slip, _ = print_slip(actor=manager(tree), now=NOW, account=awa)
    assert slip.expires_at == NOW + 30 * DAY


@pytest.mark.parametrize("role", ["region", "programme", "auditor", "signatory", "admin", "author"])
def test_a_slip_is_no_way_to_a_higher_role(tree: people.Tree, awa: Account, role: str) -> None:
    RoleGrant.objects.create(
        account=awa, role=role, node=tree.centre_sokone, start=people.LONG_AGO, granted_at=NOW
    )
    with pytest.raises(Refused) as caught:
        print_slip(actor=manager(tree), now=NOW, account=awa)
    assert caught.value.code == "forbidden"
    assert ActivationSlip.objects.count() == 0


def test_nor_to_the_same_role_on_a_larger_territory(tree: people.Tree, awa: Account) -> None:
    RoleGrant.objects.create(
        account=awa, role="trainer", node=tree.fatick, start=people.LONG_AGO, granted_at=NOW
    )
    with pytest.raises(Refused):
        print_slip(actor=manager(tree), now=NOW, account=awa)
    region = people.actor("region", tree.fatick)
    assert print_slip(actor=region, now=NOW, account=awa)[0].account == awa


def test_a_role_that_has_not_begun_counts(tree: people.Tree, awa: Account) -> None:
    RoleGrant.objects.create(
        account=awa, role="admin", node=tree.country, start=NOW.date() + 9 * DAY, granted_at=NOW
    )
    with pytest.raises(Refused):
        print_slip(actor=manager(tree), now=NOW, account=awa)


def test_the_manager_of_elsewhere_prints_nothing(tree: people.Tree, awa: Account) -> None:
    elsewhere = people.actor("structure", tree.centre_guinguineo)
    with pytest.raises(Refused):
        print_slip(actor=elsewhere, now=NOW, account=awa)


def test_a_former_manager_loses_hold_of_who_moved(tree: people.Tree, awa: Account) -> None:
    Post.objects.filter(agent=awa.agent).update(end=NOW.date() - DAY)
    assert print_slip(actor=manager(tree), now=NOW, account=awa)[0].account == awa
    Post.objects.create(agent=awa.agent, structure=tree.centre_guinguineo, start=NOW.date())
    with pytest.raises(Refused):
        print_slip(actor=manager(tree), now=NOW, account=awa)


def test_a_trainer_prints_nothing(tree: people.Tree, awa: Account) -> None:
    with pytest.raises(Refused):
        print_slip(actor=people.actor("trainer", tree.centre_sokone), now=NOW, account=awa)


def test_slips_for_a_whole_structure(tree: people.Tree, awa: Account) -> None:
    people.account(email="prise@sante.sn")
    agents = [
        people.agent(tree.centre_sokone, email="Prise@sante.sn", phone="+221771234567"),
        people.agent(tree.centre_sokone, email="libre@sante.sn"),
        people.agent(tree.centre_sokone),
    ]
    slips = open_accounts(actor=manager(tree), now=NOW, agents=agents)
    assert [one.account.agent for one in slips] == agents
    assert [one.account.email for one in slips] == [None, "libre@sante.sn", None]
    assert [one.account.phone for one in slips] == ["+221771234567", "", ""]
    assert len({one.code for one in slips}) == 3
    assert not slips[0].account.has_usable_password()


def test_one_person_of_elsewhere_and_nobody_gets_a_slip(tree: people.Tree) -> None:
    agents = [people.agent(tree.centre_sokone), people.agent(tree.centre_guinguineo)]
    with pytest.raises(Refused):
        open_accounts(actor=manager(tree), now=NOW, agents=agents)
    assert (Account.objects.filter(agent__in=agents).count(), ActivationSlip.objects.count()) == (
        0,
        0,
    )


# --- opening one account ------------------------------------------------------------------------


def test_an_account_for_an_agent_who_has_one_is_refused(tree: people.Tree, awa: Account) -> None:
    with pytest.raises(Refused) as caught:
        create_account(actor=manager(tree), now=NOW, display_name="Awa", agent=awa.agent)
    assert caught.value.message == "Awa ߊߥߊ N’DIAYE a déjà un compte."


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"display_name": "  "}, "display_name"),
        ({"email": "pas une adresse"}, "email"),
        ({"email": "PRISE@sante.sn"}, "email"),
        ({"phone": "12"}, "phone"),
    ],
)
def test_bad_input_names_its_field_and_stores_nothing(
    db: None, fields: dict[str, str], field: str
) -> None:
    people.account(email="prise@sante.sn")
    with pytest.raises(Refused) as caught:
        create_account(actor=SYSTEM, now=NOW, **{"display_name": "Awa", **fields})
    assert caught.value.field == field
    assert caught.value.remedy
    assert Account.objects.count() == 1


def test_only_administrators_open_accounts_without_an_agent(tree: people.Tree) -> None:
    with pytest.raises(Refused):
        create_account(actor=manager(tree), now=NOW, display_name="Partenaire")
    admin = people.actor("admin", tree.country)
    made = create_account(actor=admin, now=NOW, display_name="O’Brien ߞߊߟߊ߲", email="O@x.org")
    assert (made.display_name, made.email, made.notice_seen_at) == (
        "O’Brien ߞߊߟߊ߲",
        "o@x.org",
        None,
    )
    assert not made.has_usable_password()


def test_demo_accounts_are_ready_to_use(db: None) -> None:
    made = create_account(
        actor=SYSTEM,
        now=NOW,
        display_name="Agent",
        email="agent@demo.kalan",
        password="kalan-demo",
        is_demo=True,
    )
    assert (made.check_password("kalan-demo"), made.notice_seen_at) == (True, NOW)


# --- the pages ----------------------------------------------------------------------------------


def test_from_the_paper_to_ones_own_page(client: Client, tree: people.Tree, awa: Account) -> None:
    with time_machine.travel(NOW, tick=False):
        code = printed(awa)
        typed = client.post("/activer/", {"code": f"{code[:5]} {code[5:]}"})
        assert typed.url == f"/activer/{code}/"
        page = client.get(typed.url)
        assert "Bonjour Awa ߊߥߊ N’DIAYE" in page.content.decode()
        form = {"password": NEW, "again": NEW, "phone": "", "notice": "on"}
        done = client.post(typed.url, form)
        assert done.url == "/mon-espace/"
        assert client.get("/mon-espace/compte/").status_code == 200
        # The second of two taps.
        assert client.post(typed.url, form).url == "/mon-espace/"
        awa.refresh_from_db()
        assert (awa.notice_seen_at, actor_for(awa, today=NOW.date()).agent_id) == (
            NOW,
            awa.agent_id,
        )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"again": "autre chose encore"}, "Les deux mots de passe diffèrent. Retapez-les."),
        ({"password": "court", "again": "court"}, "Ce mot de passe est trop court."),
        ({"notice": ""}, "Ce champ est obligatoire."),
        ({"phone": "12"}, "n’est pas un numéro de téléphone."),
    ],
)
def test_what_is_wrong_is_said_and_the_slip_stays_good(
    client: Client, awa: Account, change: dict[str, str], said: str
) -> None:
    with time_machine.travel(NOW, tick=False):
        code = printed(awa)
        form = {"password": NEW, "again": NEW, "phone": "", "notice": "on", **change}
        response = client.post(f"/activer/{code}/", form)
        assert said in response.content.decode()
        assert find_slip(now=NOW, code=code, address="a").used_at is None


def test_an_unknown_code_says_what_to_do(client: Client, db: None) -> None:
    response = client.get("/activer/ABCDEFGHJK/")
    assert response.status_code == 404
    assert "Ce code n’est pas connu." in response.content.decode()


def test_a_slip_does_not_pass_over_the_second_factor(client: Client, tree: people.Tree) -> None:
    admin = people.account("admin", tree.country)
    code = print_slip(actor=SYSTEM, now=NOW, account=admin)[1]
    with time_machine.travel(NOW, tick=False):
        form = {"password": NEW, "again": NEW, "phone": "", "notice": "on"}
        assert client.post(f"/activer/{code}/", form).url == "/connexion/code/"
        assert client.get("/mon-espace/compte/").status_code == 302


def test_the_qr_code_says_the_address() -> None:
    svg = qr_svg("https://kalan.sante.sn/activer/ABCDEFGHJK/")
    assert svg.startswith('<svg class="qr" viewBox="0 0 ')
    assert "id=" not in svg
