"""The factories stand and the scope rule holds: the first thing to look at when all is red."""

from __future__ import annotations

from kalan.people.actor import path_range
from kalan.people.selectors.core import agents_visible_to
from tests.factories import people


def test_a_manager_sees_their_structure_only(tree: people.Tree) -> None:
    here = people.agent(tree.centre_sokone)
    people.agent(tree.centre_guinguineo)
    actor = people.actor("structure", tree.centre_sokone)
    assert list(agents_visible_to(actor, today=people.NOW.date())) == [here]


def test_path_range_covers_the_subtree_and_nothing_else() -> None:
    assert path_range("00010009") == ("00010009", "0001000A")
    assert path_range("0001000Z") == ("0001000Z", "00010010")
