"""Tests taken are part of what is told to a person, merged with them, and made anonymous."""

from __future__ import annotations

import pytest

from kalan.assessment.models import Answer, Result, Sitting
from kalan.assessment.services.subjects import AssessmentPart
from kalan.people.services.privacy import own_data
from tests.factories import assessment, people
from tests.factories.people import NOW

pytestmark = pytest.mark.django_db


def test_own_data_lists_the_tests_of_agents_and_of_accounts_alone(tree: people.Tree) -> None:
    test = assessment.published(tree.country)
    agent = people.agent(tree.centre_sokone)
    account, alone = people.account(agent=agent), people.account()
    for one in (account, alone):
        assessment.finished(test, one)
    for who, structure in (((agent, account), "Centre de santé de Sokone"), ((None, alone), "")):
        (row,) = own_data(*who)["Tests passés"]
        assert (row["test"], row["état"], row["réponses"]) == (test.title, "terminé", 6)
        assert (row["structure"], row["pour cent des points"]) == (structure, 100.0)


def test_merging_moves_the_tests_and_undoing_takes_them_back(tree: people.Tree) -> None:
    kept, absorbed = people.agent(tree.centre_sokone), people.agent(tree.centre_sokone)
    sitting = assessment.finished(
        assessment.published(tree.country), people.account(agent=absorbed)
    )
    part = AssessmentPart()
    both = {"kept_id": kept.pk, "absorbed_id": absorbed.pk, "now": NOW}
    assert part.summary([kept.pk, absorbed.pk]) == {kept.pk: {}, absorbed.pk: {"tests passés": 1}}
    moved = part.merge_agents(**both)
    assert Sitting.objects.get().agent == kept
    part.undo_merge_agents(**both, moved=moved)
    assert (Sitting.objects.get(), Sitting.objects.get().agent) == (sitting, absorbed)


def test_erasing_keeps_the_counts_and_not_the_person(tree: people.Tree) -> None:
    agent = people.agent(tree.centre_sokone)
    assessment.finished(assessment.published(tree.country), people.account(agent=agent))
    cleared = AssessmentPart().erase(agent_id=agent.pk, now=NOW)
    assert cleared == {"tests passés": 1, "remarques de surveillants": 0}
    row = Sitting.objects.get()
    assert (row.agent, row.account, row.structure) == (None, None, tree.centre_sokone)
    assert (Answer.objects.count(), Result.objects.count()) == (6, 1)
