"""Papers of exams: attendance sheet, invigilator's kit, Angoff sheet, jury's minutes."""

from __future__ import annotations

import datetime as dt
import html
import re
from pathlib import Path
from typing import Any

from django.conf import settings

from kalan.assessment.models import Candidate, CutPanel, Exam
from kalan.assessment.selectors.exams import candidates_of
from kalan.assessment.selectors.jury import Line, cut_of, lines, simulated
from kalan.assessment.selectors.panels import sheet
from kalan.assessment.services.exam_room import INCIDENTS
from kalan.base.dates import long_date
from kalan.base.documents import compiler
from kalan.base.packs import read_pack

HERE = Path(__file__).parent
BLANKS = 3
SIMULATED = "Calibrage simulé : résultats de démonstration, sans valeur"
_TAG = re.compile(r"<[^>]+>")


def _pdf(template: str, exam: Exam | None, data: dict[str, Any]) -> bytes:
    country = exam.node.country if exam else data.pop("country")
    return compiler.pdf(HERE / f"{template}.typ", {"ministry": read_pack(country).ministry, **data})


def _exam(exam: Exam) -> dict[str, Any]:
    return {
        "exam": exam.title,
        "test": exam.test.title,
        "place": exam.place or exam.node.name,
        "date": long_date(exam.date),
        "invigilator": str(exam.invigilator) if exam.invigilator else "",
        "minutes": exam.test.minutes or 0,
        "simulated": SIMULATED if simulated(exam) else "",
    }


def _aids(row: Candidate) -> str:
    found = []
    if row.extra_percent:
        found.append(f"temps + {row.extra_percent} %")
    if row.accessible_only:
        found.append("questions accessibles")
    if row.assistive:
        found.append("technologie d’assistance")
    return ", ".join(found)


def sheet_pdf(exam: Exam) -> bytes:
    """The attendance sheet to sign, with blank lines."""
    rows = [
        {
            "number": str(n),
            "name": str(row.account),
            "matricule": (row.account.agent.matricule or "") if row.account.agent else "",
            "aids": _aids(row),
        }
        for n, row in enumerate(candidates_of(exam), start=1)
    ]
    last = len(rows)
    rows += [
        {"number": str(last + n), "name": "", "matricule": "", "aids": ""}
        for n in range(1, BLANKS + 1)
    ]
    return _pdf("exam_sheet", exam, {**_exam(exam), "rows": rows})


def kit_pdf(exam: Exam) -> bytes:
    """Code, address, steps, rules to read out, and an incident form to fill by hand."""
    return _pdf(
        "exam_kit",
        exam,
        {
            **_exam(exam),
            "code": exam.code,
            "address": f"{settings.KALAN_BASE_URL.rstrip('/')}/test/examen/",
            "replacements": exam.replacements,
            "categories": list(INCIDENTS.values()),
            "aids": [
                {"name": str(row.account), "aids": _aids(row)}
                for row in candidates_of(exam)
                if _aids(row)
            ],
        },
    )


def minutes_pdf(exam: Exam, *, now: dt.datetime) -> bytes:
    """The jury's minutes: rules, cut, every candidate's decision with its reasons, signatures."""
    rows = lines(exam, now=now)
    cut = cut_of(exam)
    return _pdf(
        "minutes",
        exam,
        {
            **_exam(exam),
            "state": exam.get_state_display(),
            "issued": long_date(now.date()),
            "cut": f"{cut.score} (intervalle à 95 % : {cut.low} à {cut.high})" if cut else "—",
            "enrolled": len(rows),
            "sat": sum(1 for line in rows if line.sat),
            "counts": [
                [label, sum(1 for line in rows if line.candidate.decision == code)]
                for code, label in Candidate.Decision.choices
                if code
            ],
            "rows": [_minute(line) for line in rows],
        },
    )


def _minute(line: Line) -> dict[str, str]:
    row = line.candidate
    score = "" if line.score is None else f"{line.score} ({line.low} à {line.high})"
    events = [
        f"{number} {what}"
        for number, what in (
            (line.incidents, "incident(s)"),
            (line.replaced, "remplacée(s)"),
            (line.lost, "page quittée"),
        )
        if number
    ]
    return {
        "name": str(row.account),
        "score": score,
        "risk": "" if line.proposal is None else f"{line.proposal.percent} %",
        "decision": row.get_decision_display() if line.sat else "absent",
        "events": ", ".join(events),
        "note": row.decision_note,
    }


def angoff_pdf(panel: CutPanel) -> bytes:
    """The rating sheet: each question with its choices, and a box for the judge's per cent."""
    found = sheet(panel)
    return _pdf(
        "angoff",
        None,
        {
            "country": panel.test.node.country,
            "test": panel.test.title,
            "panel": panel.name,
            "judges": [column.judge.name for column in found.columns],
            "rows": [
                {
                    "rank": str(row.rank),
                    "code": row.code,
                    "text": plain(row.stored.content["text"]),
                    "choices": [plain(one) for one in choices(row.stored.content)],
                    "points": row.top,
                }
                for row in found.rows
            ],
        },
    )


def plain(text: str) -> str:
    """A question's text without its marks."""
    return html.unescape(_TAG.sub("", text)).strip()


def choices(content: Any) -> list[str]:
    """What is listed under a question: choices, steps, or what is to be matched."""
    for name in ("choices", "steps", "lefts"):
        if content.get(name):
            return [str(one["text"]) for one in content[name]]
    return []
