"""Import → store → export → import: equal, for every kind and any text."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kalan.engine.formats.cloze import TYPES
from kalan.engine.formats.question import Answer, BrokenQuestionError, File, Question, Text
from kalan.engine.formats.sanitise import cleaned
from kalan.skills.play.content import (
    Stored,
    UnsupportedQuestionError,
    from_own,
    from_question,
    problems,
    to_own,
    to_question,
    words,
)
from kalan.skills.play.given import describe
from kalan.skills.play.grade import grade, ideal
from kalan.skills.play.show import question, review
from tests.engine.test_formats_round_trip import gaps, kinds, questions, settled, through_xml
from tests.skills.play_questions import KINDS, own

ASKED = [kind for kind in kinds() if kind not in ("essay", "description")]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk" + (
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def there_and_back(one: Question) -> None:
    kept = from_question(one)
    through_json = Stored(json.loads(json.dumps(kept.content)), json.loads(json.dumps(kept.key)))
    assert through_json == kept
    back = to_question(through_json, one.id_number, one.category)
    assert back == one
    assert from_question(back) == kept
    assert through_xml(back).questions == [one]
    right = ideal(kept)
    if not problems(kept):
        assert grade(kept, right).right
    assert isinstance(describe(kept.content, right), str)
    assert question(kept.content, seed=1)
    assert review(kept, right)
    assert isinstance(words(kept), str)


@pytest.mark.parametrize("kind", ASKED)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_every_kind(kind: str, data: st.DataObject) -> None:
    there_and_back(settled(data.draw(questions(kind))))


@pytest.mark.parametrize("kind", sorted(TYPES))
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_every_gap(kind: str, data: st.DataObject) -> None:
    gap = data.draw(gaps(kind))
    text = Text("a {#1} b", "html")
    there_and_back(settled(Question("multianswer", "n", text, gaps=(gap,), mark=float(gap.weight))))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_form_gives_back_what_it_was_given(kind: str) -> None:
    kept = from_own(own(kind))
    edited = {**to_own(kept), "code": "T-1", "competency": "C"}
    assert from_own(edited) == kept


def test_weights_case_and_accents_of_a_form() -> None:
    answers = ["Été", {"text": "printemps", "weight": 50.0, "feedback": "<b>Presque</b>"}]
    one = own("short", answers=answers, html=True, case=True, accents=True, typos=False)
    kept = from_own(one)
    assert kept.key == {
        "answers": [
            {"text": "Été", "weight": 100.0},
            {"text": "printemps", "weight": 50.0, "feedback": "<b>Presque</b>"},
        ],
        "case": True,
        "accents": True,
        "explanation": "Parce que.",
        "source": "Guide",
        "meta": {"tags": ["C"]},
    }
    assert from_own({**to_own(kept), "code": "T-1", "competency": "C"}) == kept


def test_html_of_a_form_is_cleaned() -> None:
    one = own("single", html=True, text="<p onclick=a()>Où <script>x</script><b>va</b>-t-il ?</p>")
    assert from_own(one).content["text"] == "Où <b>va</b>-t-il ?"
    assert from_own(own("single", text="<b>")).content["text"] == "&lt;b&gt;"


def test_pictures_are_stored_apart_and_come_back() -> None:
    inline = f'<p>Voir <img src="data:image/png;base64,{PIXEL}" alt="Un point" width="9"></p>'
    named = '<p>Et <img src="@@PLUGINFILE@@/mon%20plan.png" alt="Plan" width="20" height="10"></p>'
    one = cleaned(
        Question(
            "truefalse",
            "n",
            Text(inline + named, "html", (File("mon plan.png", PIXEL),)),
            general=Text(inline, "html"),
            answers=from_truth(),
        )
    )
    bytes_of: dict[str, str] = {}

    def keep(file: File) -> str:
        bytes_of[f"uid-{file.name}"] = file.data
        return f"uid-{file.name}"

    kept = from_question(one, keep)
    assert kept.content["text"] == "<p>Voir {img:1}</p><p>Et {img:2}</p>"
    assert kept.content["images"] == [
        {"uid": "uid-image.png", "alt": "Un point", "width": 9},
        {"uid": "uid-mon plan.png", "alt": "Plan", "width": 20, "height": 10},
    ]
    assert kept.key["images"] == [{"uid": "uid-image.png", "alt": "Un point", "width": 9}]
    assert PIXEL not in json.dumps([kept.content, kept.key])
    assert to_question(kept, one.id_number, "", bytes_of.__getitem__) == one
    assert '<img loading=lazy src="/i/uid-mon plan.png" alt="Plan" width=20 height=10>' in question(
        kept.content, seed=1, address=lambda uid: f"/i/{uid}"
    )


def from_truth() -> tuple[Answer, Answer]:
    return (Answer(Text("true", "plain"), 100.0), Answer(Text("false", "plain"), 0.0))


@pytest.mark.parametrize("kind", ["essay", "description"])
def test_what_kalan_does_not_ask_is_refused(kind: str) -> None:
    one = Question(kind, "n", Text("x"))  # type: ignore[arg-type]
    with pytest.raises(UnsupportedQuestionError, match=r"réponse courte|leçon"):
        from_question(one)


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(BrokenQuestionError, match="drag"):
        from_own({**own("single"), "type": "drag"})


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_editing_an_imported_question_keeps_how_it_is_graded(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from([kind for kind in ASKED if kind != "numerical"]))
    kept = from_question(settled(data.draw(questions(kind))))
    assume(not problems(kept))
    again = from_own({**to_own(kept), "code": "X", "competency": ""})
    assert not problems(again)
    assert grade(again, ideal(again)).right
