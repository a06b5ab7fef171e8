"""Dates in French sentences."""

from __future__ import annotations

import datetime as dt

from django.utils.formats import date_format


def _day(day: dt.date) -> str:
    return "1er" if day.day == 1 else str(day.day)


def long_date(day: dt.date) -> str:
    """« 13 mars 2023 », « 1er mars 2023 »."""
    return f"{_day(day)} {date_format(day, 'F Y')}"


def week_date(day: dt.date) -> str:
    """« lundi 13 mars »."""
    return f"{date_format(day, 'l')} {_day(day)} {date_format(day, 'F')}"


def short_day(day: dt.date) -> str:
    """« lun. 13 mars »."""
    return f"{date_format(day, 'l')[:3]}. {_day(day)} {date_format(day, 'F')}"


def period(start: dt.date, end: dt.date) -> str:
    """« le 13 mars 2023 », « du 13 au 14 mars 2023 », « du 30 mars 2023 au 2 avril 2023 »."""
    if start == end:
        return f"le {long_date(start)}"
    if (start.year, start.month) == (end.year, end.month):
        return f"du {_day(start)} au {long_date(end)}"
    return f"du {long_date(start)} au {long_date(end)}"
