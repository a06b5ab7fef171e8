"""Frameworks: loaded from packs, edited, copied, put in force, joined."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from kalan.base.errors import Refused
from kalan.people.actor import SYSTEM
from kalan.skills.models import Correspondence, Framework, FrameworkLevel, FrameworkNode
from kalan.skills.selectors.frameworks import crosswalk, tree_of
from kalan.skills.services import frameworks as services
from kalan.skills.services.framework_packs import load_frameworks
from kalan.skills.services.frameworks import FrameworkData, LevelData, NodeData
from tests.factories import people, skills
from tests.factories.people import NOW
from tests.support.signin import sign_in


def test_the_packs_load_twice_as_once(db: None) -> None:
    first = load_frameworks(actor=SYSTEM, now=NOW)
    assert sorted(first.nodes) == ["digcomp22", "direcct-sn", "sante-numerique-fr"]
    french = Framework.objects.get(code="sante-numerique-fr")
    tree = tree_of(french)
    assert [branch.node.code for branch in tree] == [
        "donnees",
        "cyber",
        "communication",
        "outils",
        "telesante",
    ]
    assert sum(branch.hours or 0 for branch in tree) == Decimal(28)
    assert (french.state, french.levels.count()) == ("active", 4)
    before = FrameworkNode.objects.count(), Correspondence.objects.count()
    FrameworkNode.objects.filter(code="donnees").update(name="Nos mots")
    second = load_frameworks(actor=SYSTEM, now=NOW)
    assert (set(second.nodes.values()), second.links) == ({0}, 0)
    assert (FrameworkNode.objects.count(), Correspondence.objects.count()) == before
    assert FrameworkNode.objects.get(framework=french, code="donnees").name == "Nos mots"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("code = ", "essai.toml n’est pas du TOML"),
        ('code = "x"\nversion = "1"\nname = "X"', "essai.toml : il manque 'domain'"),
        (
            'code = "x"\nversion = "1"\nname = "X"\n[[domain]]\ncode = "d"\nname = "D"\n'
            '[[domain.competency]]\ncode = "c"\nname = "C"\nparent = "nulle"',
            "le parent « nulle » de « c »",
        ),
    ],
)
def test_a_broken_pack_is_named_and_nothing_is_kept(
    db: None, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "essai.toml").write_text(text)
    with pytest.raises(Refused, match=said):
        load_frameworks(actor=SYSTEM, now=NOW, folder=tmp_path)
    assert Framework.objects.count() == 0


def test_a_new_version_holds_the_same_and_takes_over_when_put_in_force(db: None) -> None:
    old, other = skills.framework(), skills.framework("digcomp")
    source, target = old.nodes.get(code="d1"), other.nodes.get(code="d2")
    link = {"source": source, "target": target, "strength": "exact", "note": ""}
    services.set_correspondence(actor=SYSTEM, now=NOW, **link)
    new = services.new_version(actor=SYSTEM, framework=old, version="2", now=NOW)
    columns = ("kind", "code", "parent__code", "hours", "rank")
    assert list(new.nodes.order_by("code").values_list(*columns)) == list(
        old.nodes.order_by("code").values_list(*columns)
    )
    assert new.uid != old.uid
    assert [level.floor for level in new.levels.order_by("rank")] == [None, 0.0]
    assert crosswalk(new, other).links[0].source == new.nodes.get(code="d1")
    services.activate(actor=SYSTEM, framework=new, now=NOW)
    assert dict(Framework.objects.filter(code="sante").values_list("version", "state")) == {
        "1": "archived",
        "2": "active",
    }
    with pytest.raises(Refused, match="existe déjà"):
        services.new_version(actor=SYSTEM, framework=new, version="1", now=NOW)


def test_what_is_in_force_is_reworded_and_not_rebuilt(db: None) -> None:
    framework = skills.framework()
    domain = framework.nodes.get(code="d1")
    data = NodeData("d1", "Mieux dit", hours=Decimal(6))
    services.update_node(actor=SYSTEM, node=domain, data=data, now=NOW)
    assert framework.nodes.get(code="d1").name == "Mieux dit"
    for act in (
        lambda: services.update_node(
            actor=SYSTEM, node=domain, data=NodeData("d1", "x", hours=Decimal(7)), now=NOW
        ),
        lambda: services.remove_node(actor=SYSTEM, node=domain, now=NOW),
        lambda: services.add_node(
            actor=SYSTEM,
            framework=framework,
            parent=None,
            kind="domain",
            data=NodeData("d3", "x"),
            now=NOW,
        ),
    ):
        with pytest.raises(Refused, match="nouvelle version"):
            act()
    assert framework.nodes.filter(kind="domain").count() == 2


def test_nodes_stand_where_they_may(db: None, tree: people.Tree) -> None:
    draft = skills.framework(state="draft")
    domain, competency = draft.nodes.get(code="d1"), draft.nodes.get(code="d1.1")
    values = {"actor": SYSTEM, "framework": draft, "now": NOW}
    new = NodeData("d1.2", "Nouvelle")
    services.add_node(**values, parent=domain, kind="competency", data=new)
    assert draft.nodes.get(code="d1.2").rank == 2
    for parent, kind, code, said in (
        (None, "capacity", "x", "ne peut pas se placer"),
        (competency, "domain", "x", "ne peut pas se placer"),
        (domain, "competency", "d1.1", "déjà pris"),
    ):
        with pytest.raises(Refused, match=said):
            services.add_node(**values, parent=parent, kind=kind, data=NodeData(code, "x"))
    bank = skills.bank(tree.country, draft)
    skills.item(bank, domain=domain, competency=competency)
    with pytest.raises(Refused, match="1 question"):
        services.remove_node(actor=SYSTEM, node=domain, now=NOW)
    services.remove_node(actor=SYSTEM, node=draft.nodes.get(code="d2"), now=NOW)
    assert draft.nodes.filter(code__startswith="d2").count() == 0


@pytest.mark.parametrize(
    ("floors", "said"),
    [
        ([0.0, 1.0], "premier niveau"),
        ([None, 1.0, None], "premier niveau"),
        ([None, 1.0, 1.0], "monter"),
        ([None, 1.0, 0.5], "monter"),
    ],
)
def test_a_scale_rises(db: None, floors: list[float | None], said: str) -> None:
    framework = skills.framework()
    levels = [LevelData(f"n{rank}", f"N{rank}", floor) for rank, floor in enumerate(floors)]
    with pytest.raises(Refused, match=said):
        services.set_levels(actor=SYSTEM, framework=framework, levels=levels, now=NOW)
    assert framework.levels.count() == 2


def test_who_may_edit(tree: people.Tree) -> None:
    data = FrameworkData("nouveau", "1", "Nouveau")
    author = people.actor("author", tree.country)
    with pytest.raises(Refused, match="pas le droit"):
        services.create_framework(actor=author, data=data, now=NOW)
    programme = people.actor("programme", tree.country)
    services.create_framework(actor=programme, data=data, now=NOW)
    with pytest.raises(Refused, match="existe déjà"):
        services.create_framework(actor=programme, data=data, now=NOW)
    made = Framework.objects.get()
    with pytest.raises(Refused, match="aucun domaine"):
        services.activate(actor=programme, framework=made, now=NOW)


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_and_the_tree_cost_the_same_however_long(
    client: Client, tree: people.Tree, number: int, django_assert_num_queries: Any
) -> None:
    for rank in range(number):
        framework = skills.framework(f"f{rank}", domains=number)
    sign_in(client, people.account("programme", tree.country))
    client.get(reverse("framework-list"))
    with django_assert_num_queries(4):
        page = client.get(reverse("framework-list"))
    assert page.content.decode().count('<tr><th scope="row">') == number
    with django_assert_num_queries(9):
        page = client.get(reverse("framework-detail", args=[framework.uid]))
    assert page.content.decode().count('<details class="card"') == number


def test_the_screens_write_what_they_show(client: Client, tree: people.Tree) -> None:
    sign_in(client, people.account("programme", tree.country))
    values = {"code": "essai", "version": "1", "name": "Essai"}
    client.post(reverse("framework-create"), values)
    framework = Framework.objects.get(code="essai")
    node = {"code": "d1", "name": "Domaine", "hours": "6,5"}
    client.post(reverse("framework-domain-create", args=[framework.uid]), node)
    levels = {"n-TOTAL_FORMS": "2", "n-INITIAL_FORMS": "0", "n-0-code": "bas", "n-0-name": "Bas"}
    levels |= {"n-1-code": "haut", "n-1-name": "Haut", "n-1-floor": "0,5"}
    client.post(reverse("framework-levels", args=[framework.uid]), levels)
    assert list(FrameworkLevel.objects.order_by("rank").values_list("code", "floor")) == [
        ("bas", None),
        ("haut", 0.5),
    ]
    domain = framework.nodes.get()
    assert domain.hours == Decimal("6.5")
    node |= {"can_bas": "Fait avec aide", "advice_bas": "Un\n\nDeux"}
    client.post(reverse("framework-node", args=[framework.uid, domain.uid]), node)
    domain.refresh_from_db()
    assert domain.guidance == {"bas": {"can": "Fait avec aide", "advice": ["Un", "Deux"]}}
    client.post(reverse("framework-activate", args=[framework.uid]))
    framework.refresh_from_db()
    assert framework.state == "active"


def test_the_cross_walk_is_read_from_both_sides_and_exported(
    client: Client, tree: people.Tree
) -> None:
    left, right = skills.framework(), skills.framework("digcomp")
    sign_in(client, people.account("programme", tree.country))
    address = reverse("framework-crosswalk", args=[left.uid, right.uid])
    ends = {"source": left.nodes.get(code="d1").uid, "target": right.nodes.get(code="d2").uid}
    client.post(address, {**ends, "strength": "partial", "note": "à moitié"})
    back = reverse("framework-crosswalk", args=[right.uid, left.uid])
    assert "←◐" in client.get(back).content.decode()
    page = client.get(address).content.decode()
    assert "→◐" in page
    assert "Sans correspondance : 3 dans sante, 3 dans digcomp" in page
    lines = client.get(f"{address}?format=csv").content.decode("utf-8-sig").splitlines()
    assert lines[1] == "sante;d1;Élément d1;digcomp;d2;Élément d2;partiel;à moitié"
    client.post(address, {**ends, "strength": "", "note": ""})
    assert Correspondence.objects.count() == 0
