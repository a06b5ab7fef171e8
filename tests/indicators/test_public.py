"""/chiffres/ and /chiffres.json."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from kalan.people.models import OrgNodeCode
from kalan.training.models import Platform, PlatformAccount, Presence, Programme
from tests.factories import indicators as made
from tests.factories import people, training

pytestmark = pytest.mark.django_db

KEYS = [
    "code",
    "nom",
    "sessions",
    "structures",
    "agents_formes",
    "femmes",
    "part_femmes",
    "sexe_inconnu",
    "autres_participants",
    "formateurs",
    "plateformes",
    "comptes",
    "inscriptions",
]


@pytest.fixture
def programme(tree: people.Tree) -> Programme:
    """Fatick: 12 women and 8 men trained; Kaolack: 5 women and 7 men; 1 no-show; 6 accounts."""
    OrgNodeCode.objects.create(node=tree.fatick, system="iso3166-2", value="SN-FK")
    OrgNodeCode.objects.create(node=tree.kaolack, system="iso3166-2", value="SN-KL")
    found = training.programme(tree.country, code="direcct", name="DIRECCT", public=True)
    for place, women, men in ((tree.centre_sokone, 12, 8), (tree.centre_guinguineo, 5, 7)):
        agents = [people.agent(place, sex="F" if i < women else "M") for i in range(women + men)]
        session = made.held(place, found, dict.fromkeys(agents, 4))
        if place == tree.centre_sokone:
            made.register(session, people.agent(place))
        for number in range(5):
            made.trainer(session, outside_name=f"Formateur {place.pk} {number}")
    moodle = Platform.objects.create(programme=found, code="moodle", name="Moodle")
    here = [people.agent(tree.centre_sokone) for _ in range(6)]
    for number, agent in enumerate(here):
        PlatformAccount.objects.create(
            platform=moodle, username=f"u{number}", agent=agent, created_on=dt.date(2023, 1, 5)
        )
    return found


def test_the_json_has_the_keys_of_the_contract(client: Client, programme: Programme) -> None:
    answer = client.get("/chiffres.json")
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    assert answer["Access-Control-Allow-Origin"] == "*"
    found = answer.json()
    assert list(found) == ["programmes"]
    (one,) = found["programmes"]
    assert list(one) == [*KEYS, "arrete_le", "territoires"]
    assert [list(row) for row in one["territoires"]] == [KEYS, KEYS]
    assert {key: one[key] for key in [*KEYS, "arrete_le"]} == {
        "code": "direcct",
        "nom": "DIRECCT",
        "sessions": 2,
        "structures": 2,
        "agents_formes": 32,
        "femmes": 17,
        "part_femmes": 53.13,  # 53.125, half up
        "sexe_inconnu": 0,
        "autres_participants": 0,
        "formateurs": 10,
        "plateformes": 1,
        "comptes": 6,
        "inscriptions": 33,
        "arrete_le": None,
    }
    assert one["territoires"][0] == {
        "code": "SN-FK",
        "nom": "Fatick",
        "sessions": 1,
        "structures": 1,
        "agents_formes": 20,
        "femmes": 12,
        "part_femmes": 60.0,
        "sexe_inconnu": 0,
        "autres_participants": 0,
        "formateurs": 5,
        "plateformes": 1,
        "comptes": 6,
        "inscriptions": 21,
    }


def test_the_json_is_revalidated_by_content(client: Client, programme: Programme) -> None:
    etag = client.get("/chiffres.json")["ETag"]
    same = client.get("/chiffres.json", headers={"If-None-Match": etag})
    assert (same.status_code, same.content) == (304, b"")
    session = programme.sessions.order_by("pk")[0]
    Presence.objects.filter(half_day__session=session).order_by("pk")[:1].get().delete()
    made.dirty(session)
    changed = client.get("/chiffres.json", headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.json()["programmes"][0]["agents_formes"] == 31


def test_small_cells_are_null_with_a_second_cell(
    client: Client, tree: people.Tree, programme: Programme
) -> None:
    far = people.node(people.node(tree.country, "region", "Kaffrine"), "structure", "Poste")
    made.held(far, programme, {people.agent(far): 4, people.agent(far): 4})
    one = client.get("/chiffres.json").json()["programmes"][0]
    assert [(t["nom"], t["agents_formes"], t["femmes"]) for t in one["territoires"]] == [
        ("Fatick", 20, 12),
        ("Kaffrine", None, None),
        ("Kaolack", None, None),
    ]
    assert (one["agents_formes"], one["femmes"]) == (34, 19)


def test_programmes_that_are_not_public_are_not_there(client: Client, tree: people.Tree) -> None:
    hidden = training.programme(tree.country)
    made.held(tree.sokone, hidden, {people.agent(tree.centre_sokone): 4})
    assert client.get("/chiffres.json").json() == {"programmes": []}
    assert hidden.name not in client.get("/chiffres/").content.decode()


def test_the_page_prints_percentages_the_french_way(client: Client, programme: Programme) -> None:
    page = client.get("/chiffres/").content.decode()
    assert page.count("53,13\u00a0%") == 1
    assert page.count("60,00\u00a0%") == 1
    assert "20 formés</title>" in page  # the map's region


def test_the_number_of_queries_does_not_follow_the_data(
    client: Client,
    tree: people.Tree,
    programme: Programme,
    django_assert_num_queries: object,
) -> None:
    client.get("/chiffres.json")
    with django_assert_num_queries(14):  # type: ignore[operator]
        client.get("/chiffres.json")
    other = training.programme(tree.country, public=True)
    made.held(tree.sokone, other, {people.agent(tree.poste_toubacouta): 4})
    made.count_now()
    with django_assert_num_queries(14):  # type: ignore[operator]
        client.get("/chiffres.json")
