"""Moodle XML, written so that Moodle imports it without a message."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from xml.sax.saxutils import escape, quoteattr

from kalan.engine.formats.cloze import put_gaps
from kalan.engine.formats.question import (
    EMPTY,
    Answer,
    Format,
    Question,
    Refusal,
    Text,
    default_name,
)

_FORMATS: dict[Format, str] = {
    "html": "html",
    "plain": "plain_text",
    "markdown": "markdown",
    "moodle": "moodle_auto_format",
}
_TYPES = {"multianswer": "cloze"}
_SAFE = re.compile(r"[\w .,;:!?'()/$@-]*", re.ASCII)
PENALTY = 0.3333333


def write_xml(questions: Iterable[Question], left_out: Callable[[Refusal], None]) -> Iterator[str]:
    """Pieces of the file. Every kind fits: ``left_out`` is never called."""
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<quiz>\n'
    category = ""
    for question in questions:
        if question.category != category:
            category = question.category
            yield '  <question type="category">\n    <category>\n'
            yield f"      <text>{_words(category)}</text>\n    </category>\n"
            yield '    <info format="html">\n      <text></text>\n    </info>\n'
            yield "    <idnumber></idnumber>\n  </question>\n"
        yield from _question(question)
    yield "</quiz>\n"


def _words(text: str) -> str:
    if _SAFE.fullmatch(text):
        return text
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def _inside(text: Text) -> str:
    files = "".join(
        f"\n      <file name={quoteattr(one.name)} path={quoteattr(one.path)} "
        f'encoding="base64">{one.data}</file>'
        for one in text.files
    )
    return f"<text>{_words(text.text)}</text>{files}"


def _block(tag: str, text: Text, attributes: str = "", more: str = "") -> str:
    head = f'<{tag}{attributes} format="{_FORMATS[text.format]}">'
    return f"    {head}\n      {_inside(text)}\n{more}    </{tag}>\n"


def _plain(value: float) -> str:
    return repr(int(value)) if value == int(value) else repr(value)


def _question(question: Question) -> Iterator[str]:
    text = question.text
    if question.kind == "multianswer":
        text = Text(put_gaps(text.text, question.gaps), text.format, text.files)
    yield f'  <question type="{_TYPES.get(question.kind, question.kind)}">\n'
    name = question.name or default_name(text.text)
    yield f"    <name>\n      <text>{_words(name)}</text>\n    </name>\n"
    yield _block("questiontext", text)
    yield _block("generalfeedback", question.general)
    if question.kind != "multianswer":
        yield f"    <defaultgrade>{_plain(question.mark)}</defaultgrade>\n"
    if question.penalty is not None:
        yield f"    <penalty>{_plain(question.penalty)}</penalty>\n"
    yield f"    <hidden>{int(question.hidden)}</hidden>\n"
    yield f"    <idnumber>{escape(question.id_number)}</idnumber>\n"
    yield from _OWN.get(question.kind, _nothing)(question)
    if question.tags:
        yield "    <tags>\n"
        yield from (f"      <tag><text>{_words(tag)}</text></tag>\n" for tag in question.tags)
        yield "    </tags>\n"
    yield "  </question>\n"


def _nothing(question: Question) -> Iterator[str]:
    return iter(())


def _answer(answer: Answer, rich: bool = False, more: str = "") -> str:
    form = _FORMATS[answer.text.format] if rich else "moodle_auto_format"
    feedback = f'      <feedback format="{_FORMATS[answer.feedback.format]}">\n        '
    feedback += f"{_inside(answer.feedback)}\n      </feedback>\n"
    head = f'    <answer fraction="{_plain(answer.fraction)}" format="{form}">\n      '
    return f"{head}{_inside(answer.text)}\n{feedback}{more}    </answer>\n"


def _combined() -> str:
    tags = ("correctfeedback", "partiallycorrectfeedback", "incorrectfeedback")
    return "".join(_block(tag, EMPTY) for tag in tags)


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _choices(question: Question) -> Iterator[str]:
    yield f"    <single>{_flag(question.single)}</single>\n"
    yield f"    <shuffleanswers>{_flag(question.shuffle)}</shuffleanswers>\n"
    yield f"    <answernumbering>{question.numbering}</answernumbering>\n"
    yield "    <showstandardinstruction>0</showstandardinstruction>\n"
    yield _combined()
    yield from (_answer(one, rich=True) for one in question.answers)


def _answers(question: Question) -> Iterator[str]:
    return (_answer(one) for one in question.answers)


def _shorts(question: Question) -> Iterator[str]:
    yield f"    <usecase>{int(question.case)}</usecase>\n"
    yield from _answers(question)


def _numbers(question: Question) -> Iterator[str]:
    for one in question.answers:
        yield _answer(one, more=f"      <tolerance>{_plain(one.tolerance)}</tolerance>\n")
    if question.units:
        yield "    <units>\n"
        for unit in question.units:
            yield f"      <unit>\n        <multiplier>{_plain(unit.multiplier)}</multiplier>\n"
            yield f"        <unit_name>{escape(unit.name)}</unit_name>\n      </unit>\n"
        yield "    </units>\n"
    yield "    <unitgradingtype>0</unitgradingtype>\n    <unitpenalty>0.1</unitpenalty>\n"
    # 0: the unit may be written; 3: there is none.
    yield f"    <showunits>{0 if question.units else 3}</showunits>\n    <unitsleft>0</unitsleft>\n"


def _pairs(question: Question) -> Iterator[str]:
    yield f"    <shuffleanswers>{_flag(question.shuffle)}</shuffleanswers>\n"
    yield _combined()
    for one in question.pairs:
        answer = f"      <answer>\n        <text>{_words(one.right)}</text>\n      </answer>\n"
        yield _block("subquestion", one.left, more=answer)


def _steps(question: Question) -> Iterator[str]:
    yield "    <layouttype>VERTICAL</layouttype>\n    <selecttype>ALL</selecttype>\n"
    yield f"    <selectcount>{len(question.steps)}</selectcount>\n"
    yield "    <gradingtype>RELATIVE_NEXT_EXCLUDE_LAST</gradingtype>\n"
    yield "    <showgrading>SHOW</showgrading>\n    <numberingstyle>none</numberingstyle>\n"
    yield _combined()
    yield "    <shownumcorrect>1</shownumcorrect>\n"
    for rank, one in enumerate(question.steps, start=1):
        yield _block("answer", one, attributes=f' fraction="{rank}"')


def _essay(question: Question) -> Iterator[str]:
    yield "    <responseformat>editor</responseformat>\n"
    yield "    <responserequired>1</responserequired>\n"
    yield "    <responsefieldlines>15</responsefieldlines>\n    <attachments>0</attachments>\n"
    yield "    <attachmentsrequired>0</attachmentsrequired>\n"
    yield _block("graderinfo", EMPTY) + _block("responsetemplate", EMPTY)


_OWN: dict[str, Callable[[Question], Iterator[str]]] = {
    "multichoice": _choices,
    "truefalse": _answers,
    "shortanswer": _shorts,
    "numerical": _numbers,
    "matching": _pairs,
    "ordering": _steps,
    "essay": _essay,
}
