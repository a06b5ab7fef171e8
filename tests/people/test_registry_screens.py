"""The registry's screens: scope, constant queries, forms that say what is wrong."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from kalan.people.actor import SYSTEM
from kalan.people.models import Agent, OrgNode, OrgNodeCode, OrgNodePeriod, Post
from kalan.people.packs import load_demo_structures, load_pack
from kalan.people.services.registry_structures import create_structure
from tests.factories import people
from tests.factories.people import NOW, Tree

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("journal")]


def _client(role: str, at: OrgNode) -> Client:
    client = Client()
    client.force_login(people.account(role, at))
    return client


def _text(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize(
    "address",
    [
        "/gestion/structures/",
        "/gestion/agents/",
        "/gestion/agents/a-rapprocher/",
        "/gestion/cadres/",
    ],
)
def test_lists_open_empty_and_ask_to_sign_in(tree: Tree, address: str) -> None:
    assert Client().get(address).status_code == 302
    response = _client("region", tree.fatick).get(address)
    assert response.status_code == 200
    assert _text(response).count("<h1>") == 1


def test_a_structure_manager_sees_their_own_and_404_elsewhere(tree: Tree) -> None:
    mine, theirs = people.agent(tree.centre_sokone), people.agent(tree.centre_guinguineo)
    client = _client("structure", tree.centre_sokone)
    page = _text(client.get("/gestion/agents/"))
    assert mine.full_name in page
    assert theirs.full_name not in page
    assert client.get(f"/gestion/agents/{mine.uid}/").status_code == 200
    for rest in ("", "modifier/", "postes/nouveau/", "confirmer/"):
        assert client.get(f"/gestion/agents/{theirs.uid}/{rest}").status_code == 404
    page = _text(client.get("/gestion/structures/"))
    assert "Centre de santé de Sokone" in page
    assert "Guinguinéo" not in page
    assert client.get(f"/gestion/structures/{tree.centre_sokone.uid}/").status_code == 200
    assert client.get(f"/gestion/structures/{tree.centre_guinguineo.uid}/").status_code == 404
    # The tree is written by regional managers; history is not theirs either.
    for rest in ("modifier/", "situation/", "fermer/", "codes/", "historique/"):
        assert client.get(f"/gestion/structures/{tree.centre_sokone.uid}/{rest}").status_code == 404
    assert client.get(f"/gestion/agents/{mine.uid}/historique/").status_code == 404


def test_exports_hold_the_scope_and_the_filter_too(tree: Tree) -> None:
    people.agent(tree.centre_sokone, last_name="Sarr", first_names="Awa")
    people.agent(tree.centre_sokone, last_name="Ndour", first_names="=Awa")
    people.agent(tree.centre_guinguineo, last_name="Faye", first_names="Awa")
    client = _client("structure", tree.centre_sokone)
    rows = _text(client.get("/gestion/agents/?format=csv")).lstrip("\ufeff").splitlines()
    assert [line.split(";")[:2] for line in rows[1:]] == [["Ndour", "'=Awa"], ["Sarr", "Awa"]]
    rows = _text(client.get("/gestion/agents/?format=csv&q=SARR")).splitlines()
    assert [line.split(";")[0] for line in rows[1:]] == ["Sarr"]
    response = client.get("/gestion/structures/?format=xlsx")
    assert response["Content-Disposition"] == 'attachment; filename="structures.xlsx"'


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=ndiaye", ["Awa N’DIAYE"]),
        ("q=N'Diaye+awa", ["Awa N’DIAYE"]),
        ("q=612345", ["Binta FAYE"]),
        ("q=77+123+45+67", ["Awa N’DIAYE"]),
        ("sexe=M", ["Omar SARR"]),
        ("sexe=inconnu", []),
        ("rapprocher=oui", ["Omar SARR"]),
        ("structure=toubacouta", ["Omar SARR"]),
        ("statut=parti", ["Ami SECK"]),
        ("cadre=sfe", ["Binta FAYE"]),
        ("lieu={sokone}", ["Awa N’DIAYE", "Binta FAYE", "Omar SARR"]),
        ("lieu={guinguineo}", []),
        ("tri=recents", ["Omar SARR", "Binta FAYE", "Awa N’DIAYE"]),
    ],
)
def test_agents_are_searched_and_filtered(tree: Tree, query: str, expected: list[str]) -> None:
    people.agent(tree.centre_sokone, last_name="N’Diaye", first_names="Awa", phone="+221771234567")
    people.agent(
        tree.centre_sokone,
        last_name="Faye",
        first_names="Binta",
        matricule="612345",
        cadre=people.cadre("sfe", "sage-femme d’État"),
    )
    people.agent(
        tree.poste_toubacouta, last_name="Sarr", first_names="Omar", sex="M", to_reconcile=True
    )
    people.agent(tree.centre_sokone, last_name="Seck", first_names="Ami", status="left")
    query = query.format(sokone=tree.sokone.uid, guinguineo=tree.guinguineo.uid)
    response = _client("region", tree.country).get(f"/gestion/agents/?{query}")
    found = [row.agent.full_name for row in response.context["rows"]]
    assert found == (expected if "tri" in query else sorted(expected, key=lambda n: n.split()[1]))


def test_a_misspelt_structure_is_proposed(tree: Tree) -> None:
    client = _client("region", tree.fatick)
    response = client.get("/gestion/structures/?q=centre+sante+soconne")
    assert [row.node for row in response.context["rows"]] == []
    assert [row.node for row in response.context["likely"]] == [tree.centre_sokone]
    response = client.get("/gestion/structures/?q=xyzzy")
    assert response.context["likely"] == []
    assert "Aucune structure ne répond à ces critères." in _text(response)


def test_the_tree_is_browsed_by_place(tree: Tree) -> None:
    client = _client("region", tree.country)
    response = client.get("/gestion/structures/")
    assert [(n.name, k) for n, k in response.context["children"]] == [("Fatick", 2), ("Kaolack", 1)]
    response = client.get(f"/gestion/structures/?lieu={tree.fatick.uid}")
    assert [(n.name, k) for n, k in response.context["children"]] == [("Sokone", 2)]
    assert len(response.context["rows"]) == 2
    out = _client("region", tree.kaolack).get(f"/gestion/structures/?lieu={tree.fatick.uid}")
    assert "Ce lieu n’est pas dans votre territoire." in _text(out)
    assert out.context["rows"] == []


LISTS = [
    ("/gestion/agents/", 10),
    ("/gestion/structures/", 11),
    ("/gestion/agents/a-rapprocher/", 8),
    ("/gestion/agents/?format=csv", 8),
    ("/gestion/structures/?format=csv", 7),
]


@pytest.mark.parametrize(("address", "queries"), LISTS)
def test_lists_cost_the_same_for_one_and_for_three(
    tree: Tree, address: str, queries: int, django_assert_num_queries: object
) -> None:
    client = _client("region", tree.kaolack)
    people.agent(tree.centre_guinguineo, to_reconcile=True)
    client.get(address)  # warms what is read once per process
    with django_assert_num_queries(queries):  # type: ignore[operator]
        client.get(address)
    for number in range(2):
        place = people.node(tree.guinguineo, "structure", f"Poste de santé {number}")
        people.agent(place, to_reconcile=True)
    with django_assert_num_queries(queries):  # type: ignore[operator]
        client.get(address)


def test_details_cost_the_same_for_one_and_for_three(
    tree: Tree, django_assert_num_queries: object
) -> None:
    client = _client("region", tree.fatick)
    kind = tree.centre_sokone.type
    centre = people.node(tree.sokone, "structure", "Centre de Bettenty", type=kind)
    agent = people.agent(centre)
    addresses = [
        (f"/gestion/structures/{centre.uid}/", 10),
        (f"/gestion/agents/{agent.uid}/", 8),
        (f"/gestion/agents/{agent.uid}/historique/", 8),
        (f"/gestion/structures/{centre.uid}/historique/", 10),
    ]
    for years in ((2001, 2003), ()):
        for address, queries in addresses:
            client.get(address)
            with django_assert_num_queries(queries):  # type: ignore[operator]
                assert client.get(address).status_code == 200
        for year in years:
            people.agent(centre)
            day = dt.date(year, 1, 1)
            Post.objects.create(
                agent=agent, structure=tree.poste_toubacouta, start=day, end=day, is_main=False
            )
            OrgNodePeriod.objects.create(node=centre, start=day, end=day + dt.timedelta(days=9))


def test_an_agent_is_registered_from_the_screen(tree: Tree) -> None:
    people.cadre()
    client = _client("structure", tree.centre_sokone)
    page = _text(client.get("/gestion/agents/nouveau/"))
    assert 'value="Centre de santé de Sokone"' in page  # the only one: filled in
    response = client.post(
        "/gestion/agents/nouveau/",
        {
            "last_name": "Diop",
            "first_names": "Fatou",
            "sex": "F",
            "cadre": "ide",
            "phone": "771234567",
            "structure": "centre de sante de sokone",
            "start": "01/02/2020",
        },
    )
    agent = Agent.objects.get()
    assert response["Location"] == f"/gestion/agents/{agent.uid}/"
    post = Post.objects.get()
    assert (agent.full_name, agent.phone, post.structure, post.start) == (
        "Fatou DIOP",
        "+221771234567",
        tree.centre_sokone,
        dt.date(2020, 2, 1),
    )


def test_a_near_name_is_proposed_and_never_guessed(tree: Tree) -> None:
    client = _client("region", tree.fatick)
    asked = {
        "last_name": "Diop",
        "first_names": "Fatou",
        "structure": "Poste sante Toubakouta",
        "start": "2020-02-01",
    }
    response = client.post("/gestion/agents/nouveau/", asked)
    assert Agent.objects.count() == 0
    form = response.context["form"]
    assert form.errors["structure"] == [
        "Aucune structure ne porte exactement le nom « Poste sante Toubakouta » : "
        "choisissez ci-dessous, ou corrigez le nom."
    ]
    page = _text(response)
    assert f'type="radio" name="structure_pick" value="{tree.poste_toubacouta.uid}"' in page
    picked = {
        **asked,
        "structure_asked": asked["structure"],
        "structure_pick": str(tree.poste_toubacouta.uid),
    }
    client.post("/gestion/agents/nouveau/", picked)
    assert Post.objects.get().structure == tree.poste_toubacouta
    # A choice made for another text, or out of territory, is not taken.
    other = {**picked, "structure": "Xyz"}
    assert client.post("/gestion/agents/nouveau/", other).status_code == 200
    stolen = {**picked, "structure_pick": str(tree.centre_guinguineo.uid)}
    assert client.post("/gestion/agents/nouveau/", stolen).status_code == 200
    assert Agent.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"birth_year": "1022"}, "birth_year", "L’année de naissance 1022 n’est pas plausible."),
        ({"start": "1022-11-16"}, "start", "L’année 1022 n’est pas plausible."),
        ({"start": "31/02/2020"}, "start", "Cette date n’existe pas."),
        ({"phone": "abc"}, "phone", "« abc » n’est pas un numéro de téléphone."),
        ({"matricule": "612345"}, "matricule", "Le matricule 612345 est déjà attribué"),
        ({"structure": "Nulle part"}, "structure", "Aucune structure nommée « Nulle part »"),
    ],
)
def test_a_form_says_what_is_wrong_at_the_field(
    tree: Tree, fields: dict[str, str], field: str, message: str
) -> None:
    people.agent(tree.centre_sokone, matricule="612345")
    asked = {"last_name": "Diop", "first_names": "Awa", "structure": tree.centre_sokone.name}
    response = _client("region", tree.fatick).post("/gestion/agents/nouveau/", {**asked, **fields})
    assert response.context["form"].errors[field][0].startswith(message)
    assert Agent.objects.count() == 1


def test_overlapping_posts_are_refused_on_the_screen(tree: Tree) -> None:
    agent = people.agent(tree.centre_sokone)
    client = _client("region", tree.fatick)
    address = f"/gestion/agents/{agent.uid}/postes/nouveau/"
    asked = {"structure": tree.poste_toubacouta.name, "start": "2022-01-01", "is_main": "on"}
    response = client.post(address, asked)
    assert (
        response.context["form"]
        .errors["start"][0]
        .startswith(
            "Ce poste principal chevauche celui à « Centre de santé de Sokone », du 01/01/2015"
        )
    )
    del asked["is_main"]
    assert client.post(address, asked).status_code == 302
    assert Post.objects.filter(agent=agent).count() == 2


def test_a_post_is_corrected_and_ended(tree: Tree) -> None:
    agent = people.agent(tree.centre_sokone)
    post = Post.objects.get()
    client = _client("structure", tree.centre_sokone)
    address = f"/gestion/agents/{agent.uid}/postes/{post.uid}/"
    client.post(
        address,
        {"structure": tree.centre_sokone.name, "start": "2016-03-01", "is_main": "on"},
    )
    assert client.get(f"{address}terminer/").status_code == 200
    bad = client.post(f"{address}terminer/", {"end": "2015-01-01"})
    assert "avant de commencer" in bad.context["form"].errors["end"][0]
    client.post(f"{address}terminer/", {"end": "2020-06-30", "left": "on"})
    post.refresh_from_db()
    agent.refresh_from_db()
    assert (post.start, post.end, agent.status) == (
        dt.date(2016, 3, 1),
        dt.date(2020, 6, 30),
        "left",
    )
    # Another manager's post cannot be reached, even of an agent one sees.
    other = Post.objects.create(
        agent=agent, structure=tree.centre_guinguineo, start=dt.date(2010, 1, 1), is_main=False
    )
    assert client.get(f"/gestion/agents/{agent.uid}/postes/{other.uid}/").status_code == 404


def test_a_structure_is_created_and_its_situation_changed_once_confirmed(tree: Tree) -> None:
    client = _client("region", tree.fatick)
    client.post(
        "/gestion/structures/nouvelle/",
        {
            "name": "Case de santé de Bambougar",
            "type": "cs",
            "sector": "community",
            "parent": str(tree.sokone.uid),
            "latitude": "13,91",
            "longitude": "−16.32",
            "code_system": "msas",
            "code_value": "0417",
        },
    )
    node = OrgNode.objects.get(name="Case de santé de Bambougar")
    assert (node.latitude, node.longitude, node.get_parent(), node.codes.get().value) == (
        13.91,
        -16.32,
        tree.sokone,
        "0417",
    )
    address = f"/gestion/structures/{node.uid}/situation/"
    asked = {
        "type": "cs",
        "sector": "public",
        "parent": str(tree.sokone.uid),
        "effective_on": "2022-01-01",
        "reason": "reprise par l’État",
    }
    response = client.post(address, asked)
    assert "Secteur : communautaire → public" in _text(response)
    assert OrgNodePeriod.objects.filter(node=node).count() == 1
    client.post(address, {**asked, "confirmed": "on"})
    assert list(
        OrgNodePeriod.objects.filter(node=node).order_by("start").values_list("sector", flat=True)
    ) == ["community", "public"]
    # A parent out of territory is not offered.
    stolen = {**asked, "parent": str(tree.guinguineo.uid), "confirmed": "on"}
    assert "parent" in client.post(address, stolen).context["form"].errors
    page = _text(client.get(f"/gestion/structures/{node.uid}/historique/"))
    assert "reprise par l’État" in page
    assert "<td>communautaire</td><td>public</td>" in page


def test_closing_asks_first_and_can_be_taken_back(tree: Tree) -> None:
    people.agent(tree.centre_sokone)
    client = _client("region", tree.fatick)
    address = f"/gestion/structures/{tree.centre_sokone.uid}/"
    assert "Agents en poste aujourd’hui : 1" in _text(client.get(f"{address}fermer/"))
    refused = client.post(f"{address}fermer/", {"on": "2023-01-31"})
    assert refused.context["form"].non_field_errors()[0].startswith("Un poste y court encore")
    client.post(f"{address}fermer/", {"on": "2023-01-31", "end_posts": "on"})
    assert OrgNode.objects.get(pk=tree.centre_sokone.pk).closed_on == dt.date(2023, 1, 31)
    assert "Centre de santé de Sokone" not in [
        row.node.name for row in client.get("/gestion/structures/").context["rows"]
    ]
    assert client.get(f"{address}rouvrir/").status_code == 405
    client.post(f"{address}rouvrir/")
    assert OrgNode.objects.get(pk=tree.centre_sokone.pk).closed_on is None


def test_codes_are_added_and_taken_away_after_asking(tree: Tree) -> None:
    client = _client("region", tree.fatick)
    address = f"/gestion/structures/{tree.centre_sokone.uid}/"
    client.post(f"{address}codes/", {"system": "DHIS2", "value": "a/b c"})
    assert OrgNodeCode.objects.get().system == "dhis2"
    link = f"{address}codes/retirer/?source=dhis2&code=a%2Fb%20c"
    assert f'href="{link.replace("&", "&amp;")}"' in _text(client.get(address))
    assert client.get(link).status_code == 200
    client.post(link)
    assert OrgNodeCode.objects.count() == 0
    assert client.get(link).status_code == 404
    assert "Code retiré : dhis2 : a/b c" in _text(client.get(f"{address}historique/"))


def test_history_tells_who_when_before_and_after_in_french(tree: Tree) -> None:
    agent = people.agent(tree.centre_sokone, last_name="Diop", first_names="Awa")
    sfe = people.cadre("sfe", "sage-femme d’État")
    client = Client()
    account = people.account("region", tree.fatick, display_name="Mme Thiam")
    client.force_login(account)
    client.post(
        f"/gestion/agents/{agent.uid}/modifier/",
        {
            "last_name": "Diop",
            "first_names": "Awa",
            "sex": "M",
            "cadre": sfe.code,
            "birth_year": "1988",
            "status": "active",
            "reason": "erreur de saisie",
        },
    )
    line = client.get(f"/gestion/agents/{agent.uid}/historique/").context["lines"][0]
    assert (line.who, line.act, line.subject, line.reason) == (
        "Mme Thiam",
        "modification",
        "agent",
        "erreur de saisie",
    )
    assert sorted((c.label, c.before, c.after) for c in line.changes) == [
        ("année de naissance", "", "1988"),
        ("cadre", "infirmier d’État", "sage-femme d’État"),
        ("sexe", "femme", "homme"),
    ]


def test_people_to_reconcile_are_shown_with_their_namesakes(tree: Tree) -> None:
    known = people.agent(tree.centre_sokone, last_name="Diop", first_names="Awa")
    new = people.agent(tree.centre_sokone, last_name="Diop", first_names="Awa", to_reconcile=True)
    hidden = people.agent(tree.centre_guinguineo, last_name="Diop", first_names="Awa")
    client = _client("region", tree.fatick)
    response = client.get("/gestion/agents/a-rapprocher/")
    (found,) = response.context["rows"]
    assert (found.row.agent, found.namesakes) == (new, [known])
    assert str(hidden.uid) not in _text(response)
    assert f"/gestion/fusion/agents/?a={known.uid}&amp;b={new.uid}" in _text(response)
    client.post(f"/gestion/agents/{new.uid}/confirmer/")
    assert client.get("/gestion/agents/a-rapprocher/").context["rows"] == []


def test_the_map_shows_the_region_and_a_dot_inside_it() -> None:
    load_pack("sn", actor=SYSTEM, now=NOW)
    made = load_demo_structures("sn", actor=SYSTEM, now=NOW)
    sokone = next(node for node in made if node.name.endswith("Sokone"))
    client = _client("region", OrgNode.objects.get(kind="country"))
    found = client.get(f"/gestion/structures/{sokone.uid}/").context["map"]
    assert 0 < found.x < found.width
    assert 0 < found.y < found.height
    assert found.outline.startswith("M")
    assert len(found.outline) < 4000
    without = next(node for node in made if node.latitude is None)
    assert client.get(f"/gestion/structures/{without.uid}/").context["map"] is None


def test_cadres_are_listed_with_isco_and_exported() -> None:
    load_pack("sn", actor=SYSTEM, now=NOW)
    client = _client("auditor", OrgNode.objects.get(kind="country"))
    response = client.get("/gestion/cadres/")
    assert [c.title for c in response.context["cadres"]][:2] == [
        "médecin généraliste",
        "médecin spécialiste",
    ]
    rows = _text(client.get("/gestion/cadres/?format=csv")).splitlines()
    assert len(rows) == 24


def test_a_trainer_reads_structures_without_their_staff(tree: Tree) -> None:
    agent = people.agent(tree.centre_sokone)
    client = _client("trainer", tree.fatick)
    page = _text(client.get(f"/gestion/structures/{tree.centre_sokone.uid}/"))
    assert agent.full_name not in page
    assert client.get("/gestion/agents/").status_code == 404


def test_a_structure_made_now_shows_always_as_its_beginning(tree: Tree) -> None:
    made = create_structure(actor=SYSTEM, now=NOW, parent=tree.sokone, name="Poste X")
    page = _text(_client("region", tree.fatick).get(f"/gestion/structures/{made.uid}/"))
    assert '<th scope="row">toujours</th><td>aujourd’hui</td>' in page
