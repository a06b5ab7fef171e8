"""Answer sheets keyed in: every type of question, and what cannot be read."""

from __future__ import annotations

import pytest

from kalan.assessment.models import Answer, Result, Sitting
from kalan.assessment.services import paper
from kalan.base.errors import Refused
from kalan.people.actor import SYSTEM
from kalan.skills.play.content import from_own
from kalan.skills.play.grade import grade, ideal
from kalan.skills.play.shape import KINDS, Stored
from tests.factories import assessment, people
from tests.factories.people import NOW
from tests.skills.play_questions import own, pack, stored


def line(stored: Stored) -> paper.Line:
    return paper.Line(7, 0, 0, stored)


def test_what_the_key_prints_is_read_as_right_for_every_question_of_the_packs() -> None:
    for code in pack():
        one = stored(code)
        words = paper.written(one, ideal(one))
        assert grade(one, paper.read_paper(line(one), words)).right, (code, words)


@pytest.mark.parametrize(
    ("kind", "words", "share"),
    [
        ("single", "  ", 0.0),
        ("truefalse", "vrai", 1.0),
        ("truefalse", "F.", 0.0),
        ("numeric", "12,5 heures", 1.0),
        ("short", "Ordonance", 1.0),
        ("matching", "", 0.0),
        ("ordering", "", 0.0),
        ("cloze", " ; jeu", 0.5),
    ],
)
def test_how_sheets_are_written(kind: str, words: str, share: float) -> None:
    one = from_own(own(kind))
    assert grade(one, paper.read_paper(line(one), words)).fraction == share


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("single", "AB"),
        ("single", "Z"),
        ("multiple", "A9"),
        ("multiple", "AA"),
        ("truefalse", "peut-être"),
        ("matching", "9A"),
        ("matching", "0A"),
        ("matching", "AB"),
        ("ordering", "AABC"),
        ("ordering", "ABCDE"),
        ("cloze", "A ; b ; c"),
    ],
)
def test_what_cannot_be_read_names_the_question_and_the_remedy(kind: str, words: str) -> None:
    one = from_own(own(kind))
    with pytest.raises(Refused) as refused:
        paper.read_paper(line(one), words)
    assert refused.value.message == f"Question 7 : « {words} » ne se lit pas."
    assert refused.value.remedy == (f"Écrivez par exemple {paper.EXAMPLES[kind]}, ou laissez vide.")


def test_every_kind_has_an_example_and_a_reader() -> None:
    assert set(paper.EXAMPLES) == set(KINDS)


@pytest.mark.django_db
def test_a_sheet_becomes_a_sitting_with_its_result(tree: people.Tree) -> None:
    test = assessment.published(tree.country, "fixed")
    agent = people.agent(tree.centre_sokone)
    lines = paper.form_lines(test, "B")
    right = [paper.written(one.stored, ideal(one.stored)) for one in lines]
    sitting = paper.key_in(
        actor=SYSTEM, test=test, form="B", answers=[*right[:4], "A"], now=NOW, agent=agent
    )
    assert (sitting.source, sitting.state, sitting.form) == ("paper", "finished", 1)
    assert (sitting.agent, sitting.structure) == (agent, tree.centre_sokone)
    result = Result.objects.get(sitting=sitting)
    assert (result.answers, round(result.percent or 0, 1)) == (6, 66.7)
    rows = Answer.objects.order_by("number").values_list("number", "fraction")
    assert list(rows) == [(1, 1.0), (2, 1.0), (3, 1.0), (4, 1.0), (5, 0.0), (6, 0.0)]


@pytest.mark.django_db
def test_a_sheet_that_cannot_be_read_stores_nothing(tree: people.Tree) -> None:
    test = assessment.published(tree.country, "fixed")
    common = {"actor": SYSTEM, "test": test, "now": NOW, "agent": people.agent()}
    with pytest.raises(Refused, match="Question 2 : « Q » ne se lit pas"):
        paper.key_in(form="A", answers=["A", "Q"], **common)
    with pytest.raises(Refused, match="7 réponses pour 6 questions"):
        paper.key_in(form="A", answers=["A"] * 7, **common)
    with pytest.raises(Refused, match="cette forme"):
        paper.key_in(form="D", answers=["A"], **common)
    with pytest.raises(Refused, match="pas le droit"):
        paper.key_in(
            form="A", answers=["A"], **{**common, "actor": assessment.actor(people.account())}
        )
    assert (Sitting.objects.count(), Answer.objects.count()) == (0, 0)
