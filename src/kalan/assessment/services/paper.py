"""A test taken on paper, keyed in all at once: "B", "AC", "V", "12,5", "1B 2A 3C", "CABD".

Choices carry letters on paper in the order of the printed form (``lettered``).
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from kalan.assessment.models import Answer, Result, Sitting, Test
from kalan.assessment.policy import CAPABILITIES
from kalan.assessment.selectors.frozen import frozen_of, stored_of, version_id
from kalan.assessment.selectors.screens import walk_of
from kalan.assessment.services import endings, sittings
from kalan.base.errors import Refused
from kalan.base.ids import uuid7
from kalan.engine.testing.walk import Ask
from kalan.people.actor import Actor
from kalan.people.models import Account, Agent
from kalan.skills.play.given import Given, UnreadableAnswerError, read
from kalan.skills.play.grade import grade
from kalan.skills.play.shape import FALSE, TRUE, Choice, Content, Stored

_WORD = re.compile(r"[^\W_]+")
_PAIR = re.compile(r"(\d+)\s*[-=:→]?\s*([A-Za-z])")


@dataclass(frozen=True)
class Line:
    """Question ``number`` of a printed form."""

    number: int
    item: int
    version: int
    stored: Stored


def lettered(choices: Sequence[Choice]) -> list[tuple[str, Choice]]:
    """Choices with the letters that they carry on paper."""
    return [(chr(ord("A") + rank), one) for rank, one in enumerate(choices)]


def form_lines(test: Test, form: str) -> list[Line]:
    """The questions of a printed form, in order. Raises Refused when there is no such form."""
    frozen_row = sittings.frozen_for(test)
    return lines_of(frozen_row.pk, sittings.form_number(form or "A") or 0)


def lines_of(frozen_id: int, form: int) -> list[Line]:
    """The questions of form ``form`` (from 0) of a frozen test; Refused when it has none such."""
    frozen = frozen_of(frozen_id)
    forms = next((stage.forms for stage in frozen.stages if stage.forms), ())
    if form >= len(forms):
        raise Refused("Ce test n’a pas cette forme sur papier.", field="form", code="form")
    return [
        Line(number, item, version_id(frozen_id, item), stored_of(version_id(frozen_id, item)))
        for number, item in enumerate(forms[form], start=1)
    ]


def key_in(
    *,
    actor: Actor,
    test: Test,
    form: str,
    answers: Sequence[str],
    now: dt.datetime,
    context: str = "session",
    account: Account | None = None,
    agent: Agent | None = None,
    taken_at: dt.datetime | None = None,
) -> Sitting:
    """Store a sitting taken on paper, with its result.

    ``answers``: what is written on the answer sheet, question by question; "" is blank. Raises
    Refused, naming the question and how to write it, when one cannot be read or there are too
    many: nothing is stored. ``taken_at``: the day of the test, ``now`` when not said.
    """
    if not actor.can(CAPABILITIES["tests.view"]):
        raise Refused("Vous n’avez pas le droit de saisir ce test.", code="forbidden")
    lines = form_lines(test, form)
    if len(answers) > len(lines):
        raise Refused(
            f"{len(answers)} réponses pour {len(lines)} questions.",
            field="answers",
            remedy="Vérifiez la forme imprimée en haut de la feuille.",
        )
    written = [*answers, *[""] * (len(lines) - len(answers))]
    given = [read_paper(line, words) for line, words in zip(lines, written, strict=True)]
    day = taken_at or now
    with transaction.atomic():
        row = sittings.create(
            test=test, now=now, context=context, account=account,
            agent=agent or (account.agent if account else None), by_link=False,
            form=sittings.form_number(form or "A"), accessible_only=False, extra_percent=0,
            without=(), simulated=False, source=Sitting.Source.PAPER,
        )  # fmt: skip
        rows, log = _answers(row, lines, given, day)
        Answer.objects.bulk_create(rows)
        row.log = json.dumps(log, separators=(",", ":"))
        row.step, row.state = len(log), Sitting.State.FINISHED
        row.started_at = row.finished_at = day
        row.save(update_fields=["log", "step", "state", "started_at", "finished_at"])
        endings.close(row, now)
    return row


def result_of(sitting: Sitting) -> Result:
    """The result of a sitting that was keyed in."""
    return Result.objects.get(sitting=sitting, current=True)


def _answers(
    row: Sitting, lines: list[Line], given: list[Given], at: dt.datetime
) -> tuple[list[Answer], list[list[Any]]]:
    walk = walk_of(row, [])
    rows, log = [], []
    for line, said in zip(lines, given, strict=True):
        asked = walk.next()
        if not isinstance(asked, Ask) or asked.item != line.item:
            raise Refused("Cette forme ne se saisit pas d’après papier.", code="form")
        mark = grade(line.stored, said)
        category = min(mark.category, walk.frozen.items[line.item].top)
        log.append(walk.answer(line.item, category))
        rows.append(
            Answer(
                uid=uuid7(),
                sitting=row,
                number=line.number,
                version_id=line.version,
                given=said or None,
                category=mark.category,
                fraction=mark.fraction,
                at=at,
            )
        )
    return rows, log


def read_paper(line: Line, words: str) -> Given:
    """What a line of an answer sheet says; Refused names the question and shows an example."""
    words = words.strip()
    if not words:
        return Given()
    content = line.stored.content
    try:
        data = _READERS[content["kind"]](content, words)
        return read(content["kind"], content, data)
    except (UnreadableAnswerError, KeyError, IndexError, ValueError) as error:
        raise Refused(
            f"Question {line.number} : « {words[:40]} » ne se lit pas.",
            field="answers",
            remedy=f"Écrivez par exemple {EXAMPLES[content['kind']]}, ou laissez vide.",
        ) from error


EXAMPLES = {
    "single": "« B »",
    "multiple": "« AC »",
    "truefalse": "« V » ou « F »",
    "numeric": "« 12,5 »",
    "short": "le mot donné",
    "matching": "« 1B 2A 3C »",
    "ordering": "« CABD », la première étape d’abord",
    "cloze": "« B ; mot ; A », un trou après l’autre",
}

# What the printed form says under a question of each kind.
HOW = {
    "single": "Une seule réponse : écrivez sa lettre.",
    "multiple": "Plusieurs réponses possibles : écrivez leurs lettres.",
    "truefalse": "Vrai (V) ou faux (F).",
    "numeric": "Écrivez le nombre.",
    "short": "Écrivez la réponse.",
    "matching": "Écrivez les paires, par exemple 1B 2A 3C.",
    "ordering": "Écrivez les lettres dans l’ordre, la première étape d’abord.",
    "cloze": "Un trou après l’autre, séparés par des points-virgules.",
}


def _letter(letter: str, choices: Sequence[Choice]) -> str:
    return {name: one["id"] for name, one in lettered(choices)}[letter.upper()]


def _letters(words: str) -> list[str]:
    found = "".join(_WORD.findall(words)).upper()
    if len(set(found)) < len(found):
        raise ValueError(words)
    return list(found)


def _single(content: Content, words: str) -> dict[str, Any]:
    (letter,) = _letters(words)
    return {"r": _letter(letter, content["choices"])}


def _multiple(content: Content, words: str) -> dict[str, Any]:
    return {"r": [_letter(letter, content["choices"]) for letter in _letters(words)]}


def _truth(content: Content, words: str) -> dict[str, Any]:
    return {"r": {"V": TRUE, "VRAI": TRUE, "F": FALSE, "FAUX": FALSE}[words.strip(" .").upper()]}


def _typed(content: Content, words: str) -> dict[str, Any]:
    return {"r": words}


def _matching(content: Content, words: str) -> dict[str, Any]:
    if _PAIR.sub("", words).strip(" ,;./"):
        raise ValueError(words)
    data = {}
    for number, letter in _PAIR.findall(words):
        if not int(number):
            raise ValueError(words)
        left = content["lefts"][int(number) - 1]["id"]
        data[f"r{left}"] = _letter(letter, content["rights"])
    return data


def _ordering(content: Content, words: str) -> dict[str, Any]:
    steps = content["steps"]
    return {
        f"r{_letter(letter, steps)}": str(rank)
        for rank, letter in enumerate(_letters(words), start=1)
    }


def _cloze(content: Content, words: str) -> dict[str, Any]:
    data: dict[str, Any] = {}
    said = [part.strip() for part in words.split(";")]
    if len(said) > len(content["gaps"]):
        raise ValueError(words)
    for rank, part in enumerate(said, start=1):
        gap = content["gaps"][rank - 1]
        if not part:
            continue
        if gap["kind"] == "choice":
            data[f"r{rank}"] = _letter(part, gap["choices"])
        elif gap["kind"] == "several":
            data[f"r{rank}"] = [_letter(one, gap["choices"]) for one in _letters(part)]
        else:
            data[f"r{rank}"] = part
    return data


_READERS = {
    "single": _single,
    "multiple": _multiple,
    "truefalse": _truth,
    "numeric": _typed,
    "short": _typed,
    "matching": _matching,
    "ordering": _ordering,
    "cloze": _cloze,
}


def written(stored: Stored, given: Given) -> str:
    """An answer as one writes it on the sheet; the printed key shows the right ones so."""
    content = stored.content
    if not given:
        return ""
    match content["kind"]:
        case "single":
            return _name(given["choice"], content["choices"])
        case "multiple":
            return "".join(sorted(_name(one, content["choices"]) for one in given["choices"]))
        case "truefalse":
            return "V" if given["choice"] == TRUE else "F"
        case "numeric" | "short":
            return given["text"]
        case "matching":
            pairs = [
                f"{rank}{_name(given['pairs'][left['id']], content['rights'])}"
                for rank, left in enumerate(content["lefts"], start=1)
                if left["id"] in given["pairs"]
            ]
            return " ".join(pairs)
        case "ordering":
            order = sorted(given["ranks"], key=lambda step: given["ranks"][step])
            return "".join(_name(step, content["steps"]) for step in order)
        case "cloze":
            return " ; ".join(
                _gap_written(gap.get("choices"), given["gaps"].get(str(rank), ""))
                for rank, gap in enumerate(content["gaps"], start=1)
            )


def _name(which: str, choices: Sequence[Choice]) -> str:
    return next(letter for letter, one in lettered(choices) if one["id"] == which)


def _gap_written(choices: Sequence[Choice] | None, value: str | list[str]) -> str:
    if not value or choices is None:
        return value if isinstance(value, str) else ""
    if isinstance(value, str):
        return _name(value, choices)
    return "".join(sorted(_name(one, choices) for one in value))
