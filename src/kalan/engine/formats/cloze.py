"""Gaps inside a text, Moodle's « Cloze »: ``{1:SHORTANSWER:=yes~%50%perhaps#why}``."""

from __future__ import annotations

import re
from html import unescape

from kalan.engine.formats.question import BLANKS, Answer, BrokenQuestionError, Gap, few, made

_SHORT = {"NM": "NUMERICAL", "SA": "SHORTANSWER", "MW": "SHORTANSWER"}
_SHORT |= {"SAC": "SHORTANSWER_C", "MWC": "SHORTANSWER_C"}
for _end in ("", "V", "H", "S", "VS", "HS"):
    _SHORT[f"MC{_end}"] = "MULTICHOICE" + (f"_{_end}" if _end else "")
    if "V" not in _end:
        _SHORT[f"MR{_end}"] = "MULTIRESPONSE" + (f"_{_end}" if _end else "")
TYPES = frozenset(_SHORT.values())
_NAMES = "|".join(sorted({*_SHORT, *TYPES}, key=len, reverse=True))
_START = re.compile(rf"\{{([0-9]*):({_NAMES}):")
# An answer ends at ~ # or }, unless a backslash or the & of an entity stands before.
_FRACTION = re.compile(r"=|%(-?[0-9]+(?:[.,][0-9]*)?)%")
_ANSWER = re.compile(r".+?(?<!\\)(?<!&)(?<!&amp;)(?=[~#}])", re.S)
_FEEDBACK = re.compile(r".*?(?<!\\)(?=[~}])", re.S)
_NUMERIC = re.compile(r"(-?[0-9.,]+(?:[eE][-+]?[0-9]+)?)(?::(-?[0-9.,]+(?:[eE][-+]?[0-9]+)?))?")
_SIGNS = {sign: f"&#{ord(sign)};" for sign in "&{}#~=%\\"} | {"<": "&lt;", ">": "&gt;"}
_LITERAL = re.compile(r"\{#([0-9]+)\}")


def take_gaps(text: str) -> tuple[str, tuple[Gap, ...]]:
    """(``text`` with ``{#1}``, ``{#2}``… in place of its gaps, the gaps).

    Raises ``BrokenQuestionError``.
    """
    # The author's own {#1} is no gap: a word joiner, which nothing shows, keeps it apart.
    text = _LITERAL.sub("{\u2060#\\1}", text)
    gaps: list[Gap] = []
    kept: list[str] = []
    here = 0
    while start := _START.search(text, here):
        found = _one(text, start)
        if found is None:  # Moodle leaves it in the text: then its answers would be shown
            raise BrokenQuestionError(
                f"Le trou «\u00a0{text[start.start() :][:30]}…\u00a0» n’est pas bien formé."
            )
        gap, end = found
        few(len(gaps))
        gaps.append(gap)
        kept += [text[here : start.start()], f"{{#{len(gaps)}}}"]
        here = end
    return "".join([*kept, text[here:]]), tuple(gaps)


def _one(text: str, start: re.Match[str]) -> tuple[Gap, int] | None:
    weight, name = start.groups()
    kind = _SHORT.get(name, name)
    here = start.end()
    answers = []
    while True:
        fraction = 0.0
        if share := _FRACTION.match(text, here):
            fraction = float(share[1].replace(",", ".")) if share[1] else 100.0
            here = share.end()
        words = _ANSWER.match(text, here)
        if not words:
            return None
        here = words.end()
        feedback = ""
        if text[here] == "#":
            said = _FEEDBACK.match(text, here + 1)
            if not said:
                return None
            feedback, here = _read(said.group(0)), said.end()
        answers.append(_answer(kind, words.group(0), fraction, feedback))
        if text[here] == "}":
            return Gap(kind, tuple(answers), int(weight or 1)), here + 1
        few(len(answers))
        here += 1


def _answer(kind: str, words: str, fraction: float, feedback: str) -> Answer:
    said = made(feedback)
    if kind == "NUMERICAL" and (numbers := _NUMERIC.fullmatch(words.strip(BLANKS))):
        value, margin = (one.replace(",", ".") if one else "0" for one in numbers.groups())
        try:
            return Answer(made(value, "plain"), fraction, said, float(margin))
        except ValueError:
            raise BrokenQuestionError(f"«\u00a0{words}\u00a0» n’est pas un nombre.") from None
    rich = kind.startswith("MULTI")
    return Answer(made(_read(words), "html" if rich else "plain"), fraction, said)


def _read(words: str) -> str:
    return unescape(words).replace("\\}", "}").replace("\\#", "#")


def put_gaps(text: str, gaps: tuple[Gap, ...]) -> str:
    """``text`` with every ``{#n}`` replaced by its gap as Moodle writes it."""
    return _LITERAL.sub(lambda found: write_gap(gaps[int(found[1]) - 1]), text)


def write_gap(gap: Gap) -> str:
    parts = []
    for one in gap.answers:
        share = {0.0: "", 100.0: "="}.get(one.fraction, f"%{one.fraction:.7g}%")
        words = one.text.text if gap.type == "NUMERICAL" else _write(one.text.text)
        if gap.type == "NUMERICAL" and words != "*":
            words += f":{one.tolerance:.12g}"
        feedback = "#" + _write(one.feedback.text) if one.feedback.text else ""
        parts.append(share + words + feedback)
    return f"{{{gap.weight}:{gap.type}:{'~'.join(parts)}}}"


def _write(words: str) -> str:
    # The reader takes entities back first, then \} and \#: a backslash of the text is doubled.
    words = words.replace("\\}", "\\\\}").replace("\\#", "\\\\#")
    return "".join(_SIGNS.get(sign, sign) for sign in words)
