"""Which tests a person sees, manages, uses or may take."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from kalan.assessment.models import FrozenTest, Test
from kalan.assessment.policy import CAPABILITIES
from kalan.people.actor import Actor
from kalan.people.models import OrgNode


def visible_tests(actor: Actor, capability: str = "tests.view") -> QuerySet[Test]:
    """Tests of nodes that the actor covers; to look at, also published ones of nodes above.

    A ministry's test is used in every region; only those who cover its node change it.
    """
    roles = CAPABILITIES[capability]
    condition = actor.scope(roles, "node__")
    if capability == "tests.view" and not actor.system:
        above = list(_ancestors(actor.paths(roles)))
        condition |= Q(node__path__in=above) & ~Q(state=Test.State.DRAFT)
    return Test.objects.filter(condition)


def usable_tests(actor: Actor, *purposes: str) -> QuerySet[Test]:
    """Published tests that the actor may give to people of their territory."""
    found = visible_tests(actor).filter(state=Test.State.PUBLISHED)
    return found.filter(purpose__in=purposes) if purposes else found


def open_tests() -> QuerySet[Test]:
    """Published tests that anyone who has signed in may take."""
    return Test.objects.filter(state=Test.State.PUBLISHED, open=True)


def current_frozen(test: Test) -> FrozenTest | None:
    """What a sitting that begins now follows; without its body."""
    return FrozenTest.objects.filter(test=test, current=True, form="").defer("body").first()


def _ancestors(paths: Iterable[str]) -> Iterable[str]:
    for path in paths:
        for end in range(OrgNode.steplen, len(path), OrgNode.steplen):
            yield path[:end]
