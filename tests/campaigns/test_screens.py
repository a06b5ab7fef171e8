"""The screens: preparing a campaign from end to end, lists at a constant number of queries."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from django.db import connection
from django.test import Client
from pypdf import PdfReader

from kalan.base import clock
from kalan.campaigns.models import Campaign, Participant
from kalan.people.models import Account
from tests.factories import campaigns, people
from tests.factories.people import NOW, Tree
from tests.support.signin import sign_in

LATER = dt.date(2120, 1, 1)


@pytest.fixture
def manager(tree: Tree, client: Client) -> Account:
    account = people.account("region", tree.fatick)
    sign_in(client, account)
    return account


def test_a_campaign_is_prepared_and_opened_by_its_four_steps(
    tree: Tree, client: Client, manager: Account
) -> None:
    test = campaigns.test_of(tree.country)
    people.agent(tree.centre_sokone, matricule="A1", email="awa@exemple.sn")
    people.agent(tree.poste_toubacouta)
    data = {"name": "Printemps", "node": "Fatick (Sénégal)", "step1": f"test:{test.pk}"}
    answer = client.post("/gestion/campagnes/nouvelle/", {**data, "node": "Fatick"})
    made = Campaign.objects.get()
    assert answer["Location"] == f"/gestion/campagnes/{made.uid}/groupe/"
    group = answer["Location"]
    counted = client.post(group, {"node": "Fatick", "compter": "1"})
    assert "<strong>2 personnes</strong>" in counted.content.decode()
    assert Participant.objects.count() == 0
    answer = client.post(group, {"node": "Fatick"})
    assert answer["Location"] == f"/gestion/campagnes/{made.uid}/regles/"
    assert Participant.objects.count() == 2
    rules = answer["Location"]
    wrong = {"opens_on": "2120-02-01", "closes_on": "2120-01-01", "sharing": "participant"}
    page = client.post(rules, wrong).content.decode()
    assert "La fin est avant le début" in page
    today = clock.today()
    right = {"opens_on": today, "closes_on": today + dt.timedelta(days=20), "sharing": "manager"}
    answer = client.post(rules, right)
    assert answer["Location"] == f"/gestion/campagnes/{made.uid}/ouvrir/"
    answer = client.post(answer["Location"])
    made.refresh_from_db()
    assert (made.state, made.sharing, made.anyone) == ("open", "manager", False)
    page = client.get(answer["Location"]).content.decode()
    assert made.code in page
    answer = client.post(f"/gestion/campagnes/{made.uid}/inviter/", {"channels": ["email"]})
    assert Participant.objects.filter(invited_at__isnull=False).count() == 1


def test_several_places_are_kept(tree: Tree, client: Client, manager: Account) -> None:
    made = campaigns.campaign(tree.fatick)
    for place in (tree.centre_sokone, tree.poste_toubacouta):
        people.agent(place)
    url = f"/gestion/campagnes/{made.uid}/groupe/"
    lines = "Poste de santé de Toubacouta\n\ncentre de sante de sokone"
    client.post(url, {"node": "Centre de santé de Sokone", "more": lines})
    rules = made.groups.order_by("rank").values_list("node", flat=True)
    assert list(rules) == [tree.centre_sokone.pk, tree.poste_toubacouta.pk]
    assert ">\nPoste de santé de Toubacouta (Sokone)</textarea>" in client.get(url).content.decode()
    page = client.post(url, {"node": "Fatick", "more": "Tombouctou"}).content.decode()
    assert "«\u00a0Tombouctou\u00a0»" in page
    assert made.groups.count() == 2


def test_wrong_matricules_are_named(tree: Tree, client: Client, manager: Account) -> None:
    made = campaigns.campaign(tree.fatick)
    people.agent(tree.centre_sokone, matricule="A1")
    page = client.post(f"/gestion/campagnes/{made.uid}/groupe/", {"agents": "A1\nB2"})
    assert "n’a ces matricules\u00a0: B2." in page.content.decode()
    assert Participant.objects.count() == 0
    empty = client.post(f"/gestion/campagnes/{made.uid}/groupe/", {})
    assert empty.status_code == 302  # no group: people come by the code


def test_ended_and_unknown_codes_have_a_page(tree: Tree, client: Client) -> None:
    ended = campaigns.campaign(tree.fatick)  # ended in 2023
    answer = client.get(f"/campagne/{ended.code}/")
    assert answer.status_code == 410
    assert "terminée depuis le 31 mars 2023" in answer.content.decode()
    answer = client.get("/campagne/QQQQQQQ/")
    assert answer.status_code == 404
    assert "Ce code n’est pas celui d’une campagne." in answer.content.decode()


def test_documents_are_made(tree: Tree, client: Client, manager: Account) -> None:
    made = campaigns.campaign(tree.fatick, message="« Tous » #utile *ici*")
    for name in ("kit.pdf", "fiches.pdf?nombre=30&par-page=12", "fiches.pdf?nombre=x&par-page=7"):
        answer = client.get(f"/gestion/campagnes/{made.uid}/{name}")
        assert answer["Content-Type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF-")


def pages(content: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]


def test_the_kit_says_the_code_and_the_rule(tree: Tree) -> None:
    from kalan.campaigns.documents.kit import kit_pdf, slips_pdf

    made = campaigns.campaign(tree.fatick, sharing="manager")
    text = " ".join(pages(kit_pdf(made, now=NOW)))
    assert f"{made.code[:4]} {made.code[4:]}" in text
    assert "Les responsables qui suivent la campagne voient" in text
    assert len(pages(slips_pdf(made, number=9, a_page=8))) == 2


@pytest.mark.parametrize("count", [1, 3])
def test_lists_ask_the_same_number_of_questions(
    tree: Tree,
    client: Client,
    manager: Account,
    count: int,
    django_assert_num_queries: object,
) -> None:
    first = campaigns.campaign(tree.fatick, closes_on=LATER)
    for _ in range(count):
        campaigns.result(campaigns.participant(first, people.agent(tree.centre_sokone)),
                         shared=True)  # fmt: skip
    for _ in range(count - 1):
        campaigns.campaign(tree.fatick, closes_on=LATER)
    base = f"/gestion/campagnes/{first.uid}/"
    for url, expected in (
        ("/gestion/campagnes/", LIST),
        (base, DETAIL),
        (f"{base}participants/", PEOPLE),
        (f"{base}resultats/", RESULTS),
    ):
        with django_assert_num_queries(expected):  # type: ignore[operator]
            assert client.get(url).status_code == 200


LIST, DETAIL, PEOPLE, RESULTS = 4, 10, 11, 9


def test_the_home_shows_one_s_campaigns(tree: Tree, client: Client) -> None:
    agent = people.agent(tree.centre_sokone)
    account = people.account(agent=agent)
    made = campaigns.campaign(tree.fatick, closes_on=LATER, name="Printemps")
    campaigns.participant(made, agent)
    sign_in(client, account)
    page = client.get("/mon-espace/").content.decode()
    assert f'href="/campagne/{made.code}/"' in page
    assert "à faire" in page


def test_a_person_shares_takes_back_and_leaves(tree: Tree, client: Client) -> None:
    agent = people.agent(tree.centre_sokone)
    account = people.account(agent=agent)
    made = campaigns.campaign(tree.fatick, closes_on=LATER)
    place = campaigns.participant(made, agent)
    campaigns.result(place)
    sign_in(client, account)
    url = f"/campagne/{made.code}/"
    assert "Partager mon résultat" in client.get(url).content.decode()
    client.post(f"{url}partage/")
    place.refresh_from_db()
    assert place.shared_at is not None
    client.post(f"{url}partage/", {"reprendre": "1"})
    place.refresh_from_db()
    assert place.shared_at is None
    assert client.post(f"{url}quitter/")["Location"] == "/mon-espace/"
    place.refresh_from_db()
    assert place.state == "withdrawn"


def test_somebody_else_s_campaign_is_not_found(tree: Tree, client: Client) -> None:
    made = campaigns.campaign(tree.fatick, closes_on=LATER)
    sign_in(client, people.account())
    for path in ("partage/", "etape/1/"):
        assert client.post(f"/campagne/{made.code}/{path}").status_code == 404
    assert client.get(f"/campagne/{made.code}/quitter/").status_code == 404


def test_a_key_beyond_the_database_is_a_bad_request(
    tree: Tree, client: Client, manager: Account
) -> None:
    made = campaigns.campaign(tree.fatick, state="draft", opened_at=None)
    url = f"/gestion/campagnes/{made.uid}/groupe/"
    reply = client.post(url, {"node": "Fatick", "cadres": ["9" * 30]})
    if connection.vendor == "sqlite":
        assert reply.status_code == 400
    else:  # Django knows that no key of PostgreSQL is as long: the form says so
        assert (reply.status_code, list(reply.context["form"].errors)) == (200, ["cadres"])
    assert made.groups.count() == 0


def test_who_manages_one_structure_need_not_name_it(tree: Tree, client: Client) -> None:
    sign_in(client, people.account("structure", tree.centre_sokone))
    campaigns.test_of(tree.country, title="Avant et après", purpose="fixed")
    campaigns.test_of(tree.country, title="Positionnement")
    form = client.get("/gestion/campagnes/nouvelle/").context["form"]
    assert form["node"].value() == "Centre de santé de Sokone"
    groups = dict(form.fields["step1"].choices[1:])
    assert [title for _, title in groups["Tests"]] == ["Positionnement", "Avant et après"]
