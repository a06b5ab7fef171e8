"""The merge of imports is written in SQL: a column added to Agent or Post must reach it."""

from __future__ import annotations

from kalan.people.models import Agent, Post
from tests.factories import people
from tests.factories.imports import checked, merged


def test_one_agent_comes_in_and_moves(tree: people.Tree) -> None:
    actor = people.actor("region", tree.fatick)
    head = ["Matricule", "Nom", "Prénoms", "Structure", "Prise de service"]
    first = ["1", "Diouf", "Awa", "Centre de santé de Sokone", "01/10/2021"]
    merged(actor, checked(actor, "staff", [head, first]))
    moved = ["1", "Diouf", "Awa Marie", "Poste de santé de Toubacouta", "01/02/2023"]
    merged(actor, checked(actor, "staff", [head, moved]))
    assert Agent.objects.get().first_names == "Awa Marie"
    assert Post.objects.count() == 2
