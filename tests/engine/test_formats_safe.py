"""Nothing that runs gets through, whatever the format and the place it stands in."""

from __future__ import annotations

import pytest

from kalan.engine.formats import question
from kalan.engine.formats.aiken import read_aiken
from kalan.engine.formats.files import judged
from kalan.engine.formats.gift_read import read_gift
from kalan.engine.formats.question import Pair, Question, Text, UnreadableFileError
from kalan.engine.formats.sanitise import clean_html, clean_text, cleaned, plain_words
from kalan.engine.formats.xml_read import read_xml

HOSTILE = [
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    '<a href="javascript:alert(1)">x</a>',
    '<a href="java&#115;cript:alert(1)">x</a>',
    '<a href=" java\tscript:alert(1)">x</a>',
    '<iframe src="https://example.org"></iframe>',
    '<svg onload="alert(1)"><script>alert(1)</script></svg>',
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    '<img src="data:image/svg+xml;base64,PHN2Zz4=">',
    '<a href="data:text/html;base64,PHN2Zz4=">x</a>',
    '<p style="background:url(javascript:alert(1))">x</p>',
    '<form action="https://example.org"><input name="p"></form>',
]
BAD = ("<script", "onerror", "onload", "script:", "<iframe", "<svg", "<form", "<input", "style")


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("form", ["html", "moodle", "markdown"])
def test_what_runs_goes(text: str, form: str) -> None:
    safe = clean_text(Text(f"a {text} b", form)).text  # type: ignore[arg-type]
    assert safe.startswith("a")
    assert not [sign for sign in (*BAD, "data:") if sign in safe.lower()]
    assert clean_text(Text(safe, form)).text == safe  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    ["[x](javascript:alert(1))", "[x]( <JavaScript:1>)", "[x]: java&#115;cript:1", "<vbscript:x>"],
)
def test_markdown_has_no_address_that_runs(text: str) -> None:
    assert "script:" not in clean_text(Text(text, "markdown")).text.lower()


@pytest.mark.parametrize(
    "text",
    [
        "<p>a <b>b</b> <sub>2</sub></p><table><tbody><tr><td>x</td></tr></tbody></table>",
        '<img src="@@PLUGINFILE@@/a%20b.png" alt="é" width="10">',
        '<img src="data:image/png;base64,iVBORw0KGgo=" alt="">',
        '<a href="https://example.org/?a=1&amp;b=2">x</a>',
        r"\(a^2 + b_1\) et $$\frac{x}{y}$$ et \[z\]",
        '<audio src="@@PLUGINFILE@@/a.mp3" controls=""></audio>',
        "a\u00a0: b",
    ],
)
def test_what_is_harmless_stays(text: str) -> None:
    assert clean_html(text) == text


def test_a_formula_keeps_its_less_than() -> None:
    assert clean_html(r"\(x<y\) z") == r"\(x&lt;y\) z"


def test_text_that_is_not_html_is_left_alone() -> None:
    for form in ("moodle", "markdown", "plain"):
        words = "1 < 2 & 3 > 2, R&D &lt;"
        assert clean_text(Text(words, form)).text == words  # type: ignore[arg-type]
    assert clean_text(Text("<script>", "plain")).text == "<script>"


def test_names_and_pairs_lose_their_tags() -> None:
    assert plain_words("a <b>c</b>\n<script>x</script> 1 < 2 <scr<b>ipt>") == "a c 1 < 2 ipt>"
    q = cleaned(
        Question("matching", "<i>n</i>", Text("q"), pairs=(Pair(Text("l"), "<script>x</script>r"),))
    )
    assert (q.name, q.pairs[0].right) == ("n", "r")


def test_every_place_of_a_question_is_cleaned() -> None:
    bad = "<script>x</script>\\="
    text = f"::n{bad}::q{bad}{{~%50%a{bad}#f{bad} ~%50%b####g{bad}}}"
    (q,) = judged(read_gift(text)).questions
    assert "script" not in repr(q)


def test_tags_without_end_are_refused_before_they_cost_anything() -> None:
    found = judged(read_gift("good{T}\n\n[html]" + "<div>" * 20_000 + "{T}"))
    assert [q.name for q in found.questions] == ["good"]
    assert "balises" in found.refused[0].reason


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("q{" + "~a" * 2000 + "=b}", "q{>\n" + "a\n" * 2000 + "}"):
        (refused,) = judged(read_gift(text)).refused
        assert "1000" in refused.reason
    (refused,) = judged(read_aiken("Question\n" + "A) a\n" * 2000 + "ANSWER: A")).refused
    assert "1000" in refused.reason
    holder = "<quiz><question type='cloze'><name/><questiontext><text>{}</text></questiontext>{}"
    for text, more in (("{1:MC:=a" + "~b" * 2000 + "}", ""), ("q", "<a/>" * 30_000)):
        found = judged(read_xml(holder.format(text, more) + "</question></quiz>"))
        assert (found.questions, len(found.refused)) == ([], 1)
    monkeypatch.setattr(question, "QUESTIONS", 3)
    with pytest.raises(UnreadableFileError, match="partagez"):
        read_gift("q{T}\n\n" * 4)
