"""The accounts of a territory on the screen."""

from __future__ import annotations

import datetime as dt
import io
import re
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from openpyxl import load_workbook

from kalan.people.models import Account, ActivationSlip, RoleGrant
from kalan.people.selectors.core import actor_for
from kalan.people.services.accounts_slips import find_slip
from tests.factories import people
from tests.support.signin import sign_in


@pytest.fixture(autouse=True)
def _fresh() -> None:
    cache.clear()


@pytest.fixture
def boss(client: Client, tree: people.Tree) -> Account:
    account = people.account("structure", tree.centre_sokone, display_name="Zeynab CISSÉ")
    sign_in(client, account)
    return account


def names(response: Any) -> list[str]:
    return [one.display_name for one in response.context["page"].rows]


def staff_member(tree: people.Tree, name: str, **more: Any) -> Account:
    agent = people.agent(tree.centre_sokone, last_name=name, first_names="Awa")
    return people.account(agent=agent, display_name=f"Awa {name}", **more)


def test_the_list_shows_the_territory_only(client: Client, tree: people.Tree, boss: Any) -> None:
    staff_member(tree, "SARR")
    people.account("trainer", tree.centre_guinguineo, display_name="Modou FALL")
    assert names(client.get("/gestion/comptes/")) == ["Awa SARR", "Zeynab CISSÉ"]


@pytest.mark.parametrize("q", ["n'diaye", "N’Diaye", "ndiaye@", "ߊߥߊ", "605123/a", "77 123 45 67"])
def test_the_search_takes_what_people_know(
    client: Client, tree: people.Tree, boss: Any, q: str
) -> None:
    agent = people.agent(
        tree.centre_sokone, last_name="N’Diaye", first_names="ߊߥߊ", matricule="605123/A"
    )
    people.account(
        agent=agent, display_name=agent.full_name, email="ndiaye@sante.sn", phone="+221771234567"
    )
    staff_member(tree, "SARR")
    assert names(client.get("/gestion/comptes/", {"q": q})) == ["ߊߥߊ N’DIAYE"]


def test_filters_by_role_and_state(client: Client, tree: people.Tree, boss: Any) -> None:
    staff_member(tree, "ACTIVE")
    closed = staff_member(tree, "CLOSED", is_active=False)
    never = staff_member(tree, "NEVER")
    never.set_unusable_password()
    never.save()
    phone = staff_member(tree, "PHONE", phone="+221771234567")
    factor = staff_member(tree, "FACTOR", second_factor_required=True)
    for query, expected in {
        "role=structure": [boss.display_name],
        "state=closed": [closed.display_name],
        "state=never": [never.display_name],
        "state=phone": [phone.display_name],
        "state=factor": [factor.display_name],
    }.items():
        assert names(client.get(f"/gestion/comptes/?{query}")) == expected, query


@pytest.mark.parametrize("people_here", [1, 3])
def test_the_list_costs_the_same_however_long(
    client: Client,
    tree: people.Tree,
    boss: Any,
    people_here: int,
    django_assert_num_queries: Any,
) -> None:
    for number in range(people_here):
        one = staff_member(tree, f"SARR{number}")
        RoleGrant.objects.create(
            account=one,
            role="trainer",
            node=tree.centre_sokone,
            start=people.LONG_AGO,
            granted_at=people.NOW,
        )
    with django_assert_num_queries(6):
        client.get("/gestion/comptes/")


@pytest.mark.parametrize("grants", [1, 3])
def test_the_detail_costs_the_same_however_many_roles(
    client: Client, tree: people.Tree, boss: Any, grants: int, django_assert_num_queries: Any
) -> None:
    one = staff_member(tree, "SARR")
    for number in range(grants):
        RoleGrant.objects.create(
            account=one,
            role="trainer",
            node=tree.centre_sokone,
            start=people.LONG_AGO + dt.timedelta(days=number),
            granted_at=people.NOW,
            granted_by=boss,
        )
    with django_assert_num_queries(8):
        client.get(f"/gestion/comptes/{one.uid}/")


def test_the_export_says_what_the_list_says(client: Client, tree: people.Tree, boss: Any) -> None:
    staff_member(tree, "=SARR", email=None)
    response = client.get("/gestion/comptes/?format=xlsx&q=sarr")
    rows = list(load_workbook(io.BytesIO(response.content)).active.values)
    assert rows[0] == (
        "Nom",
        "Matricule",
        "E-mail",
        "Téléphone",
        "Téléphone confirmé",
        "Structure",
        "Rôles",
        "État",
        "Second facteur",
        "Dernière connexion",
    )
    assert [row[0] for row in rows[1:]] == ["Awa =SARR"]
    assert rows[1][5:9] == ("Centre de santé de Sokone", "", "actif", "non")


def test_a_slip_on_the_screen_is_one_that_works(
    client: Client, tree: people.Tree, boss: Any
) -> None:
    one = staff_member(tree, "SARR")
    assert client.get(f"/gestion/comptes/{one.uid}/fiche/").status_code == 200
    assert ActivationSlip.objects.count() == 0
    page = client.post(f"/gestion/comptes/{one.uid}/fiche/", {"valid_days": 10})
    assert "no-store" in page["Cache-Control"]
    codes = re.findall(r"slip-code\">([A-Z2-9]{5}-[A-Z2-9]{5})<", page.content.decode())
    slip = find_slip(now=dt.datetime.now(tz=dt.UTC), code=codes[0], address="a")
    assert (slip.account, slip.created_by, len(codes)) == (one, boss, 1)


def test_the_sheet_of_a_structure(client: Client, tree: people.Tree, boss: Any) -> None:
    agents = [people.agent(tree.centre_sokone) for _ in range(9)]
    people.agent(tree.poste_toubacouta)
    url = f"/gestion/comptes/fiches/{tree.centre_sokone.uid}/"
    assert len(client.get(url).context["agents"]) == 9
    nobody = client.post(url, {"valid_days": 30})
    assert "Cochez au moins une personne." in nobody.content.decode()
    chosen = [str(one.uid) for one in agents[:8]]
    sheet = client.post(url, {"valid_days": 30, "who": chosen}).content.decode()
    assert sheet.count('<article class="slip">') == sheet.count('<svg class="qr"') == 8
    assert "/activer/" in sheet
    left = client.get(url).context
    assert ([one.pk for one in left["agents"]], len(left["accounts"])) == ([agents[8].pk], 8)
    # Another structure's people cannot be slipped in.
    foreign = people.agent(tree.centre_guinguineo)
    client.post(url, {"valid_days": 30, "who": [str(foreign.uid)]})
    assert not Account.objects.filter(agent=foreign).exists()


def test_an_administrator_opens_a_partners_account_and_gives_a_role(
    client: Client, tree: people.Tree
) -> None:
    admin = people.account("admin", tree.country)
    sign_in(client, admin)
    form = {"display_name": "Zoé O’Brien", "email": "zoe@partenaire.org", "phone": ""}
    url = client.post("/gestion/comptes/nouveau/", form).url
    account = Account.objects.get(email="zoe@partenaire.org")
    assert url == f"/gestion/comptes/{account.uid}/"
    page = client.get(f"{url}roles/nouveau/?q=fatick")
    assert [node.name for node in page.context["nodes"]] == ["Fatick"]
    grant = {
        "role": "auditor",
        "node": str(tree.fatick.uid),
        "start": "2023-01-01",
        "end": "",
        "post": "",
        "reason": "Évaluation finale",
    }
    assert client.post(f"{url}roles/nouveau/?q=fatick", grant).url == url
    assert actor_for(account, today=people.NOW.date()).grants == (("auditor", tree.fatick.path),)
    held = RoleGrant.objects.get(account=account)
    ended = client.post(f"{url}roles/{held.uid}/retirer/", {"reason": "Fin de mission"})
    assert ended.url == url
    assert actor_for(account, today=people.NOW.date()).grants == ()
    assert "Fin de mission" in client.get(url).content.decode()


def test_a_role_is_given_with_the_post(client: Client, tree: people.Tree) -> None:
    sign_in(client, people.account("region", tree.fatick))
    one = staff_member(tree, "SARR")
    url = f"/gestion/comptes/{one.uid}/roles/nouveau/"
    page = client.get(url)
    assert [node.name for node in page.context["nodes"]] == [
        "Fatick",
        "Sokone",
        "Centre de santé de Sokone",
    ]
    choices = page.context["form"].fields["post"].choices
    grant = {
        "role": "structure",
        "node": str(tree.centre_sokone.uid),
        "start": "2023-01-01",
        "end": "",
        "post": choices[0][0],
        "reason": "Nommée",
    }
    client.post(url, grant)
    held = RoleGrant.objects.get(account=one)
    assert (held.post, held.node) == (one.agent.posts.get(), tree.centre_sokone)


def test_closing_and_reopening_ask_first(client: Client, tree: people.Tree, boss: Any) -> None:
    one = staff_member(tree, "SARR")
    url = f"/gestion/comptes/{one.uid}/"
    assert client.get(f"{url}desactiver/").status_code == 200
    one.refresh_from_db()
    assert one.is_active
    client.post(f"{url}desactiver/", {"reason": "Retraite"})
    one.refresh_from_db()
    assert not one.is_active
    client.post(f"{url}reactiver/", {"reason": "Revenue"})
    one.refresh_from_db()
    assert one.is_active


def test_attesting_a_phone_opens_the_door(client: Client, tree: people.Tree, boss: Any) -> None:
    one = staff_member(tree, "SARR", phone="+221771234567")
    client.post(f"/gestion/comptes/{one.uid}/telephone/")
    phone = Client()
    phone.post("/connexion/", {"identifier": "77 123 45 67", "password": "kalan-demo"})
    assert phone.session["_auth_user_id"] == str(one.pk)


def test_what_is_above_is_said_and_nothing_changes(
    client: Client, tree: people.Tree, boss: Any
) -> None:
    above = people.account("region", tree.fatick, agent=people.agent(tree.centre_sokone))
    url = f"/gestion/comptes/{above.uid}/"
    assert "au-dessus du vôtre" in client.get(url).content.decode()
    for path, data in {
        "fiche/": {"valid_days": 30},
        "desactiver/": {"reason": "x"},
        "coordonnees/": {"display_name": "X", "email": "moi@x.org", "phone": ""},
    }.items():
        said = client.post(url + path, data).content.decode()
        assert "Cette personne a un rôle au-dessus du vôtre" in said, path
    before = above.email
    above.refresh_from_db()
    assert (above.email, above.is_active, ActivationSlip.objects.count()) == (before, True, 0)


def test_a_corrected_number_has_to_be_verified_again(
    client: Client, tree: people.Tree, boss: Any
) -> None:
    one = staff_member(tree, "SARR", phone="+221771234567", phone_verified_at=people.NOW)
    form = {"display_name": "Awa SARR", "email": "Awa.Sarr@sante.sn", "phone": "77 765 43 21"}
    client.post(f"/gestion/comptes/{one.uid}/coordonnees/", form)
    one.refresh_from_db()
    assert (one.email, one.phone, one.phone_verified_at) == (
        "awa.sarr@sante.sn",
        "+221777654321",
        None,
    )
