"""Papers of a whole session: attendance sheet, report, decision to send people to it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.utils import timezone

from kalan.base.dates import long_date, short_day, week_date
from kalan.credentials.documents.contract import Section
from kalan.credentials.models import ActTemplate
from kalan.credentials.services.sources.common import Planned, holder
from kalan.credentials.services.sources.registrations import EXPECTED, named
from kalan.training.models import HalfDay, Presence, Registration, Session
from kalan.training.selectors.counting import completed, with_presence
from kalan.training.selectors.sessions import trainers_of

_K = ActTemplate.Kind


def paper(
    session: Session,
    kind: str,
    facts: dict[str, Any],
    halves: list[HalfDay],
    options: dict[str, Any],
) -> Planned:
    """The one act of ``kind`` (sheet, report or decision) about ``session`` as a whole."""
    data: dict[str, Any] = {"kind": kind, "training": facts}
    if kind == _K.SHEET:
        data |= _sheet(session, halves)
    elif kind == _K.REPORT:
        data |= _report(session, halves)
    else:
        rows = Registration.objects.filter(session=session, state__in=EXPECTED)
        data["people"] = [
            {"matricule": "", "cadre": "", "structure": ""}
            | holder(row.agent, name=row.person, structure=row.came_from)
            for row in named(rows)
        ]
    return Planned(record=f"{kind}:session:{session.uid}", data=data)


def half_day_in_words(half: HalfDay) -> str:
    """« lundi 13 mars, matin »."""
    return f"{week_date(half.date)}, {HalfDay.Part(half.part).label}"


def _lines(session: Session) -> list[Any]:
    rows = Registration.objects.filter(session=session, state__in=Registration.COUNTED)
    return list(named(with_presence(rows)))


def _sheet(session: Session, halves: list[HalfDay]) -> dict[str, Any]:
    came = set(
        Presence.objects.filter(registration__session=session).values_list(
            "registration", "half_day"
        )
    )
    closed = session.closed_at or session.validated_at
    return {
        "columns": [
            {"day": short_day(half.date), "part": HalfDay.Part(half.part).label} for half in halves
        ],
        "lines": [
            {
                "name": row.person,
                "cadre": str(row.agent.cadre or "") if row.agent else "",
                "structure": row.came_from,
                "marks": ["P" if (row.pk, half.pk) in came else "A" for half in halves],
            }
            for row in _lines(session)
        ],
        "trainers": [
            {"name": row.name, "half_days": str(len(row.half_days.all()))}
            for row in trainers_of(session)
        ],
        "closed_on": (timezone.localdate(closed) if closed else session.end).isoformat(),
    }


def _report(session: Session, halves: list[HalfDay]) -> dict[str, Any]:
    rows = _lines(session)
    done = set(completed(Registration.objects.filter(session=session)).values_list("pk", flat=True))
    return {
        "facts": _identity(session),
        "sections": [
            _section("Chiffres", "lr", _figures(rows, done)),
            _section("Demi-journées", "lr", _days(session, halves)),
            _section("Participants", "llrl", _people(rows, done)),
        ],
    }


def _identity(session: Session) -> list[list[str]]:
    closed = session.closed_at
    return [
        ["Session", session.code],
        ["Thème", session.theme.name],
        ["Mode", session.get_mode_display()],
        ["Présidence", session.president],
        ["Clôture", long_date(timezone.localdate(closed)) if closed else "–"],
    ]


def _section(heading: str, align: str, table: list[list[str]]) -> Section:
    return {"heading": heading, "text": [], "table": table, "align": align}


def _figures(rows: list[Any], done: set[int]) -> list[list[str]]:
    came = [row for row in rows if row.present]
    women = sum(1 for row in came if (row.agent or row.outsider).sex == "F")
    return [
        ["Indicateur", "Nombre"],
        ["Inscrits", str(len(rows))],
        ["Présents au moins une demi-journée", str(len(came))],
        ["dont femmes", str(women)],
        ["Formés (règle du programme remplie)", str(len(done))],
    ]


def _days(session: Session, halves: list[HalfDay]) -> list[list[str]]:
    came = Presence.objects.filter(registration__session=session)
    present = Counter(came.values_list("half_day", flat=True))
    return [
        ["Demi-journée", "Présents"],
        *([half_day_in_words(half), str(present[half.pk])] for half in halves),
    ]


def _people(rows: list[Any], done: set[int]) -> list[list[str]]:
    """One line a registration, with the half-days attended out of those held."""
    return [
        ["Nom", "Structure", "Présences", "Formé"],
        *(
            [
                row.person,
                row.came_from,
                f"{row.present} / {row.held}",
                "oui" if row.pk in done else "non",
            ]
            for row in rows
        ),
    ]
