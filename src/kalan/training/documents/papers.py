"""What each printed document says, as plain data for its template."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.formats import number_format

from kalan.base.dates import long_date, period, short_day, week_date
from kalan.base.packs import countries, read_pack
from kalan.people.models import Employer, Sex
from kalan.training.documents.compiler import pdf
from kalan.training.models import HalfDay, Registration, Session
from kalan.training.selectors.costs import WITHOUT_DECIMALS, PaymentList
from kalan.training.selectors.registrations import by_name, participants_of
from kalan.training.selectors.sessions import half_days_of, trainers_of

# Signature columns on one sheet of A4 laid flat; a longer session takes further sheets.
HALF_DAYS_A_SHEET = 6
BLANK_LINES = 5  # for people who come without being on the list
# Share of the width that the signatures leave, and size of the letters in points.
_SHARES = {"name": 1.3, "last_name": 1.0, "first_names": 1.0, "cadre": 1.0, "structure": 1.6}
_SMALL = {"cadre": 7.5, "structure": 7.5, "phone": 8.0}


def sheet_pdf(session: Session) -> bytes:
    """The attendance sheet to sign: the country's columns, one column per half-day."""
    pack = sheet_columns(_country(session))
    keys = [column["key"] for column in pack["columns"]]
    people = _on_list(session)
    rows = [
        [_cell(key, number, line) for key in keys] for number, line in enumerate(people, start=1)
    ]
    blanks = range(len(people) + 1, len(people) + 1 + BLANK_LINES)
    rows += [[str(number) if key == "number" else "" for key in keys] for number in blanks]
    half_days = [
        {"day": short_day(h.date), "part": HalfDay.Part(h.part).label}
        for h in half_days_of(session)
    ]
    sheets = range(0, len(half_days), HALF_DAYS_A_SHEET)
    return pdf(
        "sheet",
        {
            **common_of(session),
            "title": pack["title"],
            "signature": pack["signature"],
            "notice": pack["notice"],
            "columns": [
                {
                    "label": c["label"],
                    "share": _SHARES.get(c["key"], 0),
                    "size": _SMALL.get(c["key"], 9.0),
                }
                for c in pack["columns"]
            ],
            "rows": rows,
            "parts": [{"half_days": half_days[n : n + HALF_DAYS_A_SHEET]} for n in sheets],
        },
    )


def convocations_pdf(
    session: Session, registrations: Sequence[Registration], *, now: dt.datetime
) -> bytes:
    """One page per person of ``registrations``."""
    common = common_of(session)
    return pdf(
        "convocations",
        {
            **common,
            "issued": f"Le {long_date(timezone.localdate(now))}",
            "mode": session.get_mode_display(),
            "half_days": [
                f"{week_date(h.date)}, {HalfDay.Part(h.part).label}" for h in half_days_of(session)
            ],
            "organiser": session.organiser.name if session.organiser else common["ministry"],
            "notice": sheet_columns(_country(session))["notice"],
            "people": [
                {
                    "name": line.person,
                    "cadre": str(line.agent.cadre or "") if line.agent else "",
                    "structure": line.came_from,
                }
                for line in registrations
            ],
        },
    )


def payments_pdf(payments: PaymentList) -> bytes:
    """The payment list to sign: days × rate, and transport by origin."""
    session, currency = payments.session, payments.currency
    rows = [
        [
            str(number),
            row.name,
            row.structure,
            quantity(row.days),
            amount(row.per_diem, currency),
            amount(row.transport, currency),
            amount(row.total, currency),
            "",
        ]
        for number, row in enumerate(payments.rows, start=1)
    ]
    common = common_of(session)
    return pdf(
        "payments",
        {
            **common,
            "facts": [
                ["Formation", common["session"]],
                ["Session", session.code],
                ["Dates", common["dates"]],
                ["Lieu", common["place"]],
                ["Per diem par jour", money(payments.rate, currency)],
                ["Montants en", "FCFA" if currency == "XOF" else currency],
            ],
            "warnings": [f"{row.name} : {row.twice}" for row in payments.warnings],
            "rows": rows,
            "total_label": f"Total, {len(rows)} personne{'s' if len(rows) > 1 else ''}",
            "totals": [
                amount(value, currency)
                for value in (payments.per_diem, payments.transport, payments.total)
            ],
        },
    )


@lru_cache(maxsize=8)
def sheet_columns(country: str) -> dict[str, Any]:
    """The country pack's attendance sheet: title, columns (key, label), signature, notice."""
    path = Path(settings.PACKS_DIR) / country / "attendance_sheet.json"
    if not path.is_file():
        path = Path(settings.PACKS_DIR) / "sn" / "attendance_sheet.json"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _country(session: Session) -> str:
    return session.node.country if session.node.country in countries() else settings.KALAN_COUNTRY


def common_of(session: Session) -> dict[str, Any]:
    names = [trainer.name for trainer in trainers_of(session)]
    return {
        "ministry": read_pack(_country(session)).ministry,
        "programme": session.programme.name if session.programme else "",
        "session": session.title,
        "code": session.code,
        "theme": session.theme.name,
        "place": session.where,
        "dates": period(session.start, session.end),
        "trainers": ", ".join(names) or "à préciser",
        "foot": f"{session.code} · {session.title}",
    }


def _on_list(session: Session) -> list[Registration]:
    rows = participants_of(session).filter(state__in=Registration.COUNTED)
    return list(by_name(rows))


def _cell(key: str, number: int, line: Registration) -> str:
    person = line.agent or line.outsider
    assert person is not None  # held by the constraint registration_one_person
    values = {
        "number": str(number),
        "name": line.person,
        "first_names": person.first_names,
        "last_name": person.last_name.upper(),
        "sex": person.sex,
        "cadre": str(line.agent.cadre or "") if line.agent else "",
        "structure": line.came_from,
        "phone": person.phone,
        "matricule": (line.agent.matricule or "") if line.agent else "",
    }
    return values[key]


def employer_label(code: str) -> str:
    return str(Employer(code).label) if code else "–"


def sex_label(code: str) -> str:
    return str(Sex(code).label)


def amount(value: Decimal, currency: str) -> str:
    """12500 → « 12 500 »; cents only in currencies that have them."""
    decimals = 0 if currency in WITHOUT_DECIMALS else 2
    return str(number_format(value, decimals, use_l10n=True, force_grouping=True))


def money(value: Decimal, currency: str) -> str:
    unit = {"XOF": "FCFA", "EUR": "€"}.get(currency, currency)
    return f"{amount(value, currency)}\u00a0{unit}"


def quantity(value: Decimal) -> str:
    """1.50 → « 1,5 », 2.00 → « 2 »."""
    return f"{value.normalize():f}".replace(".", ",")
