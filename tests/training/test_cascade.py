"""The session above another one, in a cascade: never itself, never one of its own descendants."""

from __future__ import annotations

import pytest
from django.urls import reverse

from kalan.base.errors import Refused
from kalan.people.actor import SYSTEM
from kalan.training.models import Session
from kalan.training.services.sessions import update_session
from tests.factories import people, training
from tests.training.test_planning_screens import client_of, plan
from tests.training.test_sessions import data

pytestmark = pytest.mark.django_db


def above(tree: people.Tree, session: Session, parent: Session) -> None:
    update_session(
        actor=SYSTEM,
        now=people.NOW,
        session=session,
        data=data(tree, code=session.code, parent=parent),
    )


@pytest.mark.parametrize("between", [0, 1, 3])
def test_a_cascade_never_comes_back_to_its_beginning(tree: people.Tree, between: int) -> None:
    line = [training.session(tree.sokone, code=f"C{n}") for n in range(between + 2)]
    for child, parent in zip(line[1:], line[:-1], strict=True):
        above(tree, child, parent)
    with pytest.raises(Refused) as caught:
        above(tree, line[0], line[-1])
    assert (caught.value.field, caught.value.message) == (
        "parent",
        f"La session {line[-1].code} descend déjà de cette session : elle ne peut pas en être "
        "aussi la session mère.",
    )
    line[0].refresh_from_db()
    assert line[0].parent is None


def test_the_form_says_so_on_the_field(tree: people.Tree) -> None:
    programme = training.programme(tree.country, per_diem=10000)
    first = training.session(tree.centre_sokone, code="A", programme=programme)
    training.session(tree.centre_sokone, code="B", programme=programme, parent=first)
    manager = client_of(people.account("programme", tree.country))
    wanted = plan(tree, parent="B", code="A", programme=str(programme.pk))
    page = manager.post(reverse("session-edit", kwargs={"uid": first.uid}), wanted)
    assert page.context["form"].errors["parent"] == [
        "La session B descend déjà de cette session : elle ne peut pas en être aussi la session "
        "mère. Choisissez une autre session mère, ou retirez d’abord celle de B."
    ]


def test_a_session_is_not_its_own_parent(tree: people.Tree) -> None:
    session = training.session(tree.sokone)
    with pytest.raises(Refused) as caught:
        above(tree, session, session)
    assert caught.value.message == "Une session ne peut pas être sa propre session mère."
