"""Any text comes back: every type through Moodle XML, and through GIFT what GIFT can hold."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kalan.engine.formats.aiken import read_aiken, write_aiken
from kalan.engine.formats.checks import SHARES, checked
from kalan.engine.formats.cloze import TYPES
from kalan.engine.formats.files import judged
from kalan.engine.formats.gift_read import read_gift, written
from kalan.engine.formats.gift_write import write_gift
from kalan.engine.formats.question import (
    EMPTY,
    FORMATS,
    Answer,
    BrokenQuestionError,
    File,
    Found,
    Gap,
    Pair,
    Question,
    Refusal,
    Text,
    Unit,
    made,
)
from kalan.engine.formats.sanitise import cleaned
from kalan.engine.formats.xml_read import read_xml
from kalan.engine.formats.xml_write import write_xml

FEW = 12  # examples of each type in every run
SIGNS = "~=#{}:\\n%->/[]<&;>'\"$*@!|_ \t\n\r.,01aàé€\u00a0’"
PIECES = ["####", "->", "//", "\\n", "\\\\", "::", "[html]", "%50%", "]]>", "{1:SA:=x}", "{#1}"]
PIECES += ["&amp;", "&#35;", "<b>x</b>", "$CATEGORY:", "\n\n", "\\(x^2\\)", "ANSWER: A", "A. "]
words = st.lists(
    st.one_of(st.text(SIGNS, max_size=6), st.sampled_from(PIECES), st.text(max_size=4)),
    min_size=1,
    max_size=5,
).map("".join)
maybe = st.one_of(st.just(""), words)
texts = st.builds(made, words, st.sampled_from(FORMATS))
remarks = st.builds(made, maybe, st.sampled_from(FORMATS))
numbers = st.floats(-1e6, 1e6).map(lambda value: written(round(value, 6)))
tolerances = st.floats(0, 100).map(lambda value: round(value, 6))
wrong = st.sampled_from([-share for share in SHARES if share] + [s for s in SHARES if s < 100])


def answers(
    text: st.SearchStrategy[Text], right: float = 100.0
) -> st.SearchStrategy[tuple[Answer, ...]]:
    first = st.builds(Answer, text, st.just(right), remarks)
    others = st.lists(st.builds(Answer, text, wrong, remarks), min_size=1, max_size=4)
    return st.tuples(others, first).map(lambda both: (*both[0], both[1]))


plain = words.map(lambda text: made(text, "plain"))
truth = st.builds(
    lambda true, one, two: (
        Answer(made("true", "plain"), 100.0 if true else 0.0, one),
        Answer(made("false", "plain"), 0.0 if true else 100.0, two),
    ),
    st.booleans(),
    remarks,
    remarks,
)
values = st.lists(
    st.builds(Answer, numbers.map(lambda n: made(n, "plain")), st.just(100.0), remarks, tolerances),
    min_size=1,
    max_size=3,
).map(tuple)
halves = st.tuples(texts, texts).map(lambda two: tuple(Answer(one, 50.0) for one in two))


def gaps(kind: str) -> st.SearchStrategy[Gap]:
    said = st.builds(made, maybe, st.just("html"))
    if kind == "NUMERICAL":
        number = numbers.map(lambda value: made(value, "plain"))
        one = st.builds(Answer, number, st.just(100.0), said, tolerances)
        return st.builds(Gap, st.just(kind), st.tuples(one), st.integers(1, 9))
    rich = st.builds(made, words, st.just("html")) if kind.startswith("MULTI") else plain
    some = st.lists(st.builds(Answer, rich, wrong, said), min_size=1, max_size=3)
    first = st.builds(Answer, rich, st.just(100.0), said)
    both = st.tuples(some, first).map(lambda two: (*two[0], two[1]))
    return st.builds(Gap, st.just(kind), both, st.integers(1, 9))


def kinds() -> dict[str, dict[str, st.SearchStrategy[object]]]:
    pairs = st.lists(st.builds(Pair, texts, words), min_size=2, max_size=4).map(tuple)
    return {
        "multichoice": {"answers": answers(texts), "shuffle": st.booleans()},
        "multichoice, several": {"answers": halves, "single": st.just(False)},
        "truefalse": {"answers": truth},
        "shortanswer": {"answers": answers(plain)},
        "numerical": {"answers": values},
        "matching": {"pairs": pairs},
        "ordering": {"steps": st.lists(texts, min_size=2, max_size=5).map(tuple)},
        "essay": {},
        "description": {},
    }


def questions(kind: str) -> st.SearchStrategy[Question]:
    return st.builds(
        Question, st.just(kind.split(",")[0]), words, texts, general=remarks, **kinds()[kind]
    )


def settled(question: Question) -> Question:
    """The question as a reader would give it, or no example."""
    try:
        question = checked(cleaned(question))
    except BrokenQuestionError:
        assume(False)
    assume(question.name and question.text != EMPTY)
    return question


def through_xml(question: Question) -> Found:
    return judged(read_xml("".join(write_xml([question], pytest.fail))))


@pytest.mark.parametrize("kind", kinds())
@settings(max_examples=FEW, deadline=None)
@given(data=st.data())
def test_moodle_xml(kind: str, data: st.DataObject) -> None:
    question = settled(data.draw(questions(kind)))
    back = through_xml(question)
    assert back.refused == []
    assert back.questions == [question]


@pytest.mark.parametrize("kind", sorted(TYPES))
@settings(max_examples=FEW // 2, deadline=None)
@given(data=st.data())
def test_gaps_through_moodle_xml(kind: str, data: st.DataObject) -> None:
    gap = data.draw(gaps(kind))
    text = Text("a {#1} b", data.draw(st.sampled_from(FORMATS)))
    question = Question("multianswer", "n", text, gaps=(gap,), mark=float(gap.weight))
    question = settled(question)
    assert through_xml(question).questions == [question]


@settings(max_examples=FEW, deadline=None)
@given(
    tags=st.lists(words, max_size=3).map(tuple),
    category=words,
    unit=words,
    id_number=words,
    path=st.sampled_from(["/", "/a b/"]),
    name=st.text("abc é&<\"'.", min_size=1, max_size=9).map(str.strip).filter(bool),
)
def test_the_rest_of_a_question(
    tags: tuple[str, ...], category: str, unit: str, id_number: str, path: str, name: str
) -> None:
    question = Question(
        "numerical",
        "n",
        Text("q", files=(File(name, "iVBORw0KGgo=", path),)),
        category=category,
        answers=(Answer(made("1", "plain"), 100.0),),
        units=(Unit(unit, 0.1),),
        mark=2.5,
        penalty=0.25,
        hidden=True,
        tags=tags,
        id_number=id_number,
    )
    question = settled(question)
    assert through_xml(question).questions == [question]


@pytest.mark.parametrize("kind", kinds())
@settings(max_examples=FEW, deadline=None)
@given(data=st.data())
def test_gift(kind: str, data: st.DataObject) -> None:
    question = replace(settled(data.draw(questions(kind))), shuffle=True)
    if kind == "ordering":  # the steps of GIFT have one format
        steps = tuple(replace(step, format="moodle") for step in question.steps)
        question = settled(replace(question, steps=steps))
    left: list[Refusal] = []
    text = "".join(write_gift([question], left.append))
    back = judged(read_gift(text))
    assert back.refused == []
    assert back.questions == ([] if left else [question])


@settings(max_examples=FEW, deadline=None)
@given(st.lists(questions("multichoice"), max_size=3))
def test_aiken(drawn: list[Question]) -> None:
    some = [settled(question) for question in drawn]
    left: list[Refusal] = []
    back = judged(read_aiken("".join(write_aiken(some, left.append))))
    assert back.refused == []
    assert len(back.questions) == len(some) - len(left)


@settings(max_examples=2 * FEW, deadline=None)
@given(st.lists(st.one_of(words, st.sampled_from(["{", "}", "\n\n", "=a", "~b"])), max_size=12))
def test_no_text_stops_a_reader(pieces: list[str]) -> None:
    text = "".join(pieces)
    for read in (read_gift, read_aiken, read_xml):
        for question in judged(read(text)).questions:
            back = through_xml(question)
            assert back.questions == [question]
