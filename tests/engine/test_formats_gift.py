"""GIFT is read as Moodle reads it, and written so that it is read back."""

from __future__ import annotations

import pytest

from kalan.engine.formats.files import judged
from kalan.engine.formats.gift_read import read_gift
from kalan.engine.formats.gift_write import write_gift
from kalan.engine.formats.question import EMPTY, Answer, Question, Refusal, Text, made


def one(text: str) -> Question:
    found = judged(read_gift(text))
    assert found.refused == []
    (question,) = found.questions
    return question


def shares(question: Question) -> list[tuple[str, float]]:
    return [(answer.text.text, answer.fraction) for answer in question.answers]


def refused(text: str) -> list[Refusal]:
    found = judged(read_gift(text))
    assert found.questions == []
    return found.refused


def test_the_simple_types() -> None:
    assert shares(one("Who?{~Grant ~Jefferson =no one}")) == [
        ("Grant", 0),
        ("Jefferson", 0),
        ("no one", 100),
    ]
    assert one("Grant is buried here.{FALSE}").answers[1].fraction == 100
    assert one("// c\nIt is.{T}").answers[0].fraction == 100
    assert shares(one("Who?{=no one =nobody}")) == [("no one", 100), ("nobody", 100)]
    assert one("Write.{}").kind == "essay"
    assert one("Read this first.").kind == "description"


def test_weights_and_feedback() -> None:
    several = one("Who?{~%50%a#yes ~%50%b ~%-100%c#no ####because}")
    assert not several.single
    assert shares(several) == [("a", 50), ("b", 50), ("c", -100)]
    assert several.answers[2].feedback.text == "no"
    assert several.general.text == "because"
    assert shares(one("q{=%100%one =%33.333%two}")) == [("one", 100), ("two", 33.33333)]


def test_true_false_feedback_goes_to_the_right_answer() -> None:
    false = one("q{F#you were wrong#you were right####all}")
    assert [answer.feedback.text for answer in false.answers] == [
        "you were wrong",
        "you were right",
    ]
    assert one("q{T#wrong#right}").answers[0].feedback.text == "right"


def test_numbers() -> None:
    def numbers(text: str) -> list[tuple[str, float, float]]:
        return [(a.text.text, a.tolerance, a.fraction) for a in one(text).answers]

    assert numbers("q{#3:2}") == [("3", 2, 100)]
    assert numbers("q{#1..5}") == [("3", 2, 100)]
    assert numbers("q{#-1.5}") == [("-1.5", 0, 100)]
    assert numbers("q{#0.1..0.3}") == [("0.2", 0.1, 100)]
    several = one("q{# =1822:0#right =%50%1822:2#near ~#far}")
    assert numbers("q{#\n=1822:0\n=%50%1822:2\n~#far}") == [
        ("1822", 0, 100),
        ("1822", 2, 50),
        ("*", 0, 0),
    ]
    assert [a.feedback.text for a in several.answers] == ["right", "near", "far"]


def test_matching_and_ordering() -> None:
    pairs = one("Match.{\n=Canada -> Ottawa\n=Italy->Rome\n= -> Paris\n}").pairs
    assert [(pair.left.text, pair.right) for pair in pairs] == [
        ("Canada", "Ottawa"),
        ("Italy", "Rome"),
        ("", "Paris"),
    ]
    order = one(
        "Sort.{>3 ALL VERTICAL RELATIVE_NEXT_EXCLUDE_LAST SHOW none\nfirst\nsecond\nthird\n}"
    )
    assert order.kind == "ordering"
    assert [step.text for step in order.steps] == ["first", "second", "third"]


def test_the_missing_word_and_lines() -> None:
    word = one("::n::[html]<b>Grant</b> is {~buried =entombed\n~living} in\nthe tomb.")
    assert word.text == Text("<b>Grant</b> is _____ in\nthe tomb.", "html")
    assert word.name == "n"
    assert one("Who is\nhere ?\n{=me}").text.text == "Who is\nhere ?"
    assert one(r"a\nb{}").text.text == "a\nb"


def test_escapes_formats_and_names() -> None:
    hard = one(r"::\:\: a\#b::[markdown]1 \= 1, \{x\}, \~y \\(x^2\\) \(z{=\=\~\#\:\{\}#\#yes}")
    assert hard.name == ":: a#b"
    assert hard.text == Text(r"1 = 1, {x}, ~y \(x^2\) \(z", "markdown")
    assert hard.answers == (Answer(made("=~#:{}", "plain"), 100, Text("#yes", "markdown")),)
    assert one("[plain]a <b>{~[html]<i>x</i> =y}").answers[0].text == Text("<i>x</i>", "html")
    assert one("[other] text{T}").text == Text("[other] text", "moodle")
    assert one("A question without a name{T}").name == "A question without a name"


def test_categories() -> None:
    found = judged(read_gift("$CATEGORY: $course$/top/A\n\nq{T}\n\n$CATEGORY: B\n\nr{T}\n\ns{F}"))
    assert found.categories == ["$course$/top/A", "B"]
    assert [q.category for q in found.questions] == ["$course$/top/A", "B", "B"]
    lost = judged(read_gift("$CATEGORY: A\n::q::text{T}"))
    assert [(r.line, r.name) for r in lost.refused] == [(2, "q")]


def test_broken_questions_between_good_ones() -> None:
    text = "good{T}\n\n::bad::no end{=a\n\n// why\n::worse::q{~a ~b}\n\nfine{=x}\n\nnot}this\n"
    found = judged(read_gift(text))
    assert [q.text.text for q in found.questions] == ["good", "fine"]
    assert [(r.line, r.name) for r in found.refused] == [(3, "bad"), (6, "worse"), (10, "not}this")]
    assert all(r.reason.endswith(".") for r in found.refused)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("q{~a =}", "au moins deux"),
        ("q{=only ~}", "au moins deux"),
        ("q{=}", "Aucune réponse"),
        ("q{~a}", "au moins deux"),
        ("q{=%50%a =%20%b}", "Aucune bonne réponse"),
        ("q{~%30%a ~%50%b}", "80"),
        ("q{=%33%a =b}", "33.3333"),
        ("q{#abc}", "abc"),
        ("q{#}", "Aucune réponse numérique"),
        ("q{#5..1}", "tolérance"),
        ("q{=a->b}", "deux paires"),
        ("q{=a->b =c}", "flèche"),
        ("q{=a-> =c->d}", "pas de réponse"),
        ("q}a{", "avant"),
        ("{=a}", "pas de texte"),
        ("q{> \na}", "deux étapes"),
    ],
)
def test_each_fault_has_its_reason(text: str, reason: str) -> None:
    (found,) = refused(text)
    assert reason in found.reason
    assert found.line == 1


def test_what_gift_cannot_hold_is_left_out() -> None:
    arrow = Answer(made("a->b", "plain"), 100)
    questions = [
        Question("shortanswer", "arrow", made("q"), answers=(arrow,), line=4),
        Question("multianswer", "gaps", made("q {#1}")),
        Question("shortanswer", "case", made("q"), answers=(arrow,), case=True),
        Question("description", "general", made("q"), general=made("g")),
        Question("ordering", "steps", made("q"), steps=(made("a}"), made("b"))),
    ]
    left: list[Refusal] = []
    assert "".join(write_gift(questions, left.append)) == ""
    assert [r.name for r in left] == ["arrow", "gaps", "case", "general", "steps"]
    assert left[0].line == 4


def test_numbers_and_tags_stand_in_comments() -> None:
    q = one("// [id:CYB 1] why [tag:accès] [tag:b-c]\n::n::q{T}")
    assert (q.id_number, q.tags) == ("CYB 1", ("accès", "b-c"))
    assert one("".join(write_gift([q], pytest.fail))) == q
    assert one("// [id:other]\n\nq{T}").id_number == ""


def test_words_that_look_like_signs_come_back() -> None:
    answers = (
        Answer(Text("%50% off", "moodle"), 0.0, EMPTY),
        Answer(Text("[html]", "moodle"), 100.0, Text("// no", "moodle")),
    )
    first = Question("multichoice", "//", Text("::a:: // b", "moodle"), answers=answers)
    assert one("".join(write_gift([first], pytest.fail))) == first
