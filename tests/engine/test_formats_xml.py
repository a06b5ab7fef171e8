"""Moodle XML: every type, every variant of gaps, broken and hostile files."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from kalan.engine.formats.cloze import TYPES, take_gaps
from kalan.engine.formats.files import judged
from kalan.engine.formats.question import EMPTY, BrokenQuestionError, File, Found, Question, Text
from kalan.engine.formats.xml_read import read_xml
from kalan.engine.formats.xml_write import write_xml

PNG = "iVBORw0KGgo="


def quiz(*questions: str) -> str:
    return '<?xml version="1.0" encoding="UTF-8"?>\n<quiz>\n' + "\n".join(questions) + "\n</quiz>"


def question(kind: str, inside: str, text: str = "<p>q</p>", name: str = "n") -> str:
    return (
        f'<question type="{kind}"><name><text>{name}</text></name><questiontext format="html">'
        f"<text><![CDATA[{text}]]></text></questiontext>{inside}</question>"
    )


def answer(text: str, fraction: float = 100, inside: str = "") -> str:
    return f'<answer fraction="{fraction}"><text>{text}</text>{inside}</answer>'


def found(*questions: str) -> Found:
    return judged(read_xml(quiz(*questions)))


def one(*questions: str) -> Question:
    read = found(*questions)
    assert read.refused == []
    (only,) = read.questions
    again = judged(read_xml("".join(write_xml([only], pytest.fail))))
    assert again.questions == [only]
    return only


def test_multichoice() -> None:
    said = "<feedback format='plain_text'><text>no &lt;b&gt;</text></feedback>"
    inside = "<single>true</single><shuffleanswers>0</shuffleanswers><penalty>0.3333333</penalty>"
    inside += (
        "<answernumbering>ABCD</answernumbering><hidden>1</hidden><defaultgrade>2</defaultgrade>"
    )
    inside += answer("&lt;b&gt;a&lt;/b&gt;") + answer("b", -33.333, said)
    inside += "<tags><tag><text>t1</text></tag><tag><text>é &amp; à</text></tag></tags>"
    q = one(question("multichoice", inside + "<idnumber>id 1</idnumber>"))
    assert (q.single, q.shuffle, q.numbering, q.hidden, q.mark) == (True, False, "ABCD", True, 2)
    assert (q.penalty, q.tags, q.id_number) == (0.3333333, ("t1", "é & à"), "id 1")
    assert [a.fraction for a in q.answers] == [100, -33.33333]
    assert q.answers[0].text == Text("<b>a</b>", "html")
    assert q.answers[1].feedback == Text("no <b>", "plain")
    several = one(
        question("multichoice", "<single>false</single>" + answer("a", 50) + answer("b", 50))
    )
    assert not several.single


def test_truefalse_in_either_order_and_in_french() -> None:
    q = one(question("truefalse", answer("false", 0) + answer("true", 100)))
    assert [(a.text.text, a.fraction) for a in q.answers] == [("true", 100), ("false", 0)]
    old = one(question("truefalse", answer("Vrai", 0) + answer("Faux", 100)))
    assert [(a.text.text, a.fraction) for a in old.answers] == [("true", 0), ("false", 100)]


def test_short_numerical_matching() -> None:
    q = one(question("shortanswer", "<usecase>1</usecase>" + answer("a&lt;b") + answer("*", 0)))
    assert q.case
    assert [a.text for a in q.answers] == [Text("a<b", "plain"), Text("*", "plain")]
    units = "<units><unit><multiplier>0.01</multiplier><unit_name>cm</unit_name></unit></units>"
    n = one(question("numerical", answer("1,5", 100, "<tolerance>0.1</tolerance>") + units))
    assert (n.answers[0].text.text, n.answers[0].tolerance) == ("1.5", 0.1)
    assert (n.units[0].name, n.units[0].multiplier) == ("cm", 0.01)
    sub = "<subquestion format='html'><text>{}</text><answer><text>{}</text></answer></subquestion>"
    pairs = sub.format("a", "1") + sub.format("b", "2") + sub.format("", "3") + sub.format("", "")
    m = one(question("matching", pairs))
    assert [(p.left.text, p.right) for p in m.pairs] == [("a", "1"), ("b", "2"), ("", "3")]


def test_ordering_essay_description_category() -> None:
    steps = "".join(answer(f"s{n}", n) for n in (1, 2, 3))
    assert [s.text for s in one(question("ordering", steps)).steps] == ["s1", "s2", "s3"]
    assert one(question("essay", "")).kind == "essay"
    assert one(question("description", "")).kind == "description"
    into = '<question type="category"><category><text>$course$/top/A B</text></category></question>'
    assert one(into, question("essay", "")).category == "$course$/top/A B"
    assert found(into, into, question("essay", "")).categories == ["$course$/top/A B"]


def test_files_stay_with_their_text() -> None:
    file = f'<file name="a.png" path="/" encoding="base64">{PNG}</file>'
    picture = '<img src="@@PLUGINFILE@@/a.png" alt="x">'
    text = f'<questiontext format="html"><text><![CDATA[{picture}]]></text>{file}</questiontext>'
    q = one(f'<question type="essay"><name><text>n</text></name>{text}</question>')
    assert q.text == Text(picture, "html", (File("a.png", PNG),))
    bad = found(
        question("essay", "").replace("</questiontext>", file[:-12] + "!</file></questiontext>")
    )
    assert "base64" in bad.refused[0].reason
    old = one(question("essay", f"<image>p/a.png</image><image_base64>{PNG}</image_base64>"))
    assert old.text.files == (File("p_a.png", PNG),)


@pytest.mark.parametrize("kind", sorted(TYPES - {"NUMERICAL"}))
def test_every_variant_of_gap(kind: str) -> None:
    q = one(question("cloze", "", f"a {{2:{kind}:=yes#good~%50%half~no\\}}\\#&#125;#why\\}}}} b"))
    (gap,) = q.gaps
    assert (q.text.text, gap.type, gap.weight, q.mark) == ("a {#1} b", kind, 2, 2)
    assert [(a.text.text, a.fraction, a.feedback.text) for a in gap.answers] == [
        ("yes", 100, "good"),
        ("half", 50, ""),
        ("no}#}", 0, "why}"),
    ]


def test_short_names_of_gaps_numbers_and_entities() -> None:
    q = one(
        question("cloze", "", "{:MC:=a &amp; b~c} {1:MRHS:=x~=y} {1:NM:=3:0.5~%50%*#no} {:MWC:=é}")
    )
    assert [gap.type for gap in q.gaps] == [
        "MULTICHOICE",
        "MULTIRESPONSE_HS",
        "NUMERICAL",
        "SHORTANSWER_C",
    ]
    assert q.gaps[0].answers[0].text.text == "a &amp; b"  # HTML
    assert [(a.text.text, a.tolerance) for a in q.gaps[2].answers] == [("3", 0.5), ("*", 0)]


def test_gaps_that_hide_signs_come_back() -> None:
    text = "{1:SA:=AT&amp;T~%0%\\}a&#61;1%~&#126;#&lt;b&gt;\\#} and {#1} {#2}"
    q = one(question("cloze", "", text))
    assert [a.text.text for a in q.gaps[0].answers] == ["AT&T", "}a=1%", "~"]
    assert q.text.text == "{#1} and {\u2060#1} {\u2060#2}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no gap", "Aucun trou"),
        ("{1:SA:}", "bien formé"),
        ("{1:SA:=a", "bien formé"),
        ("{1:SA:%50%a}", "100"),
        ("{1:NM:=abc}", "abc"),
        ("{1:MR:a~b}", "aucune bonne"),
        ("{1:MC:=a}", "au moins deux"),
        ("{1:MULTICHOICE}", "Aucun trou"),
    ],
)
def test_broken_gaps(text: str, reason: str) -> None:
    (refusal,) = found(question("cloze", "", text)).refused
    assert reason in refusal.reason


def test_a_gap_of_no_end_is_not_shown_to_learners() -> None:
    with pytest.raises(BrokenQuestionError):
        take_gaps("{1:MC:=secret")


def test_broken_questions_between_good_ones() -> None:
    text = quiz(
        question("essay", "", name="one"),
        question("calculated", "", name="two"),
        question("multichoice", answer("a", 50) + answer("b", 0), name="three"),
        question("essay", "", name="four"),
        question("essay", "").replace("<name><text>n</text></name>", ""),
        question("shortanswer", '<answer fraction="x"><text>a</text></answer>', name="six"),
    )
    read = judged(read_xml(text))
    assert [q.name for q in read.questions] == ["one", "four"]
    assert [(r.line, r.name) for r in read.refused] == [
        (4, "two"),
        (5, "three"),
        (7, ""),
        (8, "six"),
    ]


def test_a_broken_file_is_read_question_by_question() -> None:
    into = '<question type="category"><category><text>C</text></category></question>'
    text = quiz(
        into,
        question("essay", "", name="one"),
        question("essay", "<b>", name="two"),
        question("essay", "&nbsp;", name="three"),
        question("essay", "", name="four"),
    )
    read = judged(read_xml(text))
    assert [(q.name, q.category) for q in read.questions] == [("one", "C"), ("four", "C")]
    assert [(r.line, r.name) for r in read.refused] == [(5, "two"), (6, "three")]
    cut = judged(read_xml(quiz(question("essay", "", name="one"))[:-4]))
    assert [q.name for q in cut.questions] == ["one"]
    assert len(cut.refused) == 1


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE quiz [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE quiz [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE quiz SYSTEM "http://example.org/x.dtd">',
    ],
)
def test_document_types_and_entities_are_refused(head: str) -> None:
    text = quiz(question("essay", "", text="&b;&x;")).replace("<quiz>", head + "\n<quiz>")
    read = judged(read_xml(text))
    assert read.questions == []
    assert "DOCTYPE" in read.refused[0].reason


def test_deep_or_foreign_xml_is_refused() -> None:
    deep = judged(read_xml(quiz(question("essay", "<a>" * 5000 + "</a>" * 5000))))
    assert deep.questions == []
    assert "Trop de balises" in deep.refused[0].reason
    assert judged(read_xml("<html><p>no</p></html>")).refused


def test_what_is_written_is_what_moodle_expects() -> None:
    q = one(question("multichoice", answer("]]&gt;") + answer("b", 0)))
    root = ET.fromstring("".join(write_xml([q], pytest.fail)))
    (only,) = root.findall("question")
    tags = [child.tag for child in only]
    assert tags[:3] == ["name", "questiontext", "generalfeedback"]
    for tag in ("single", "shuffleanswers", "answernumbering", "correctfeedback", "defaultgrade"):
        assert tag in tags
    assert {child.get("format") for child in only.iter() if child.get("format")} == {"html"}
    assert only.findtext("answer/text") == "]]&gt;"  # HTML: its > is an entity
    assert q.general == EMPTY
