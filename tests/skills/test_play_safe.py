"""Nothing an author or an imported file writes leaves its place in the page."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kalan.skills.play.content import Stored, from_own, from_question
from kalan.skills.play.grade import ideal
from kalan.skills.play.show import question, review
from tests.engine.test_formats_round_trip import kinds, questions, settled
from tests.skills.play_questions import own

HOSTILE = [
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "<svg onload=alert(1)>",
    '"><input name=r value=z>',
    "</label></fieldset><form action=//x>",
    "<a href='javascript:alert(1)'>x</a>",
    "</select><textarea>",
    "<p style='position:fixed'>",
    "{img:1}{#1}{#9}<b title='{#1}{img:1}'>",
    "<style>*{display:none}</style>",
    "&lt;script&gt;",
]
ALLOWED = set(
    "fieldset legend label input span br small div select option b p i em strong u s sub sup code"  # noqa: SIM905
    " kbd bdo ul ol li pre blockquote dl dt dd a table caption thead tbody tfoot tr th td".split()
)
FIELDS = ("input", "select")
hostile = st.lists(st.sampled_from([*HOSTILE, "mot", " "]), min_size=1, max_size=4).map("".join)


class Tags(HTMLParser):
    """Tags and attributes as a browser would find them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.addresses: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]


def check(kept: Stored, fields: int) -> None:
    shown = Tags(question(kept.content, seed=1))
    told = Tags(review(kept, ideal(kept)))
    for found in (shown, told):
        assert set(found.tags) <= ALLOWED
        assert not {name for name in found.attributes if name.startswith("on")}
        assert not found.attributes & {"style", "action", "formaction", "srcdoc", "autofocus"}
        assert all(one.split(":")[0] != "javascript" for one in found.addresses)
    assert sum(tag in FIELDS for tag in shown.tags) == fields
    assert sum(tag in FIELDS for tag in told.tags) == 0


@pytest.mark.parametrize("html", [True, False])
@pytest.mark.parametrize("kind", ["single", "matching", "ordering", "cloze", "short", "numeric"])
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_hostile_words_of_a_form(kind: str, html: bool, data: st.DataObject) -> None:
    def bad(start: str) -> str:
        return start + data.draw(hostile)

    one = own(kind, html=html, explanation=bad("e"), source=bad("s"))
    fields = {"single": 3, "matching": 2, "ordering": 4, "cloze": 2}.get(kind, 1)
    one["text"] = bad("q") if kind != "cloze" else f"{{{{1}}}} {{{{2}}}} {data.draw(hostile)}"
    if kind == "single":
        one["choices"] = [
            {"text": bad(f"c{n}"), "right": not n, "feedback": bad("f")} for n in range(3)
        ]
    if kind == "matching":
        one["pairs"] = [{"left": bad(f"l{n}"), "right": bad(f"r{n}")} for n in range(2)]
    if kind == "ordering":
        one["steps"] = [bad(f"s{n}") for n in range(4)]
    if kind == "cloze":
        choices = [{"text": bad(f"g{n}"), "right": not n} for n in range(2)]
        one["gaps"] = [{"choices": choices}, {"answers": [bad("a")]}]
        assume("{#" not in one["text"])
    if kind == "short":
        one["answers"] = [bad("a")]
    if kind == "numeric":
        one["unit"] = bad("u")
    check(from_own(one), fields)


@pytest.mark.parametrize("kind", [k for k in kinds() if k not in ("essay", "description")])
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_any_words_of_a_file(kind: str, data: st.DataObject) -> None:
    kept = from_question(settled(data.draw(questions(kind))))
    content = kept.content
    items = content.get("choices") or content.get("lefts") or content.get("steps")
    fields = 2 if kept.kind == "truefalse" else len(items) if items else 1
    check(kept, fields)
