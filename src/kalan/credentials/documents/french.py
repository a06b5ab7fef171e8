"""Dates and numbers in French sentences, without Django: child processes that render use these."""

from __future__ import annotations

import datetime as dt

_MONTHS = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)
_DAYS = ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"]
NBSP = "\u00a0"


def read(day: str) -> dt.date:
    """A date written as in ISO 8601; ValueError otherwise."""
    return dt.date.fromisoformat(day)


def _day(day: dt.date) -> str:
    return "1er" if day.day == 1 else str(day.day)


def long_date(day: dt.date) -> str:
    """« 13 mars 2023 », « 1er mars 2023 »."""
    return f"{_day(day)} {_MONTHS[day.month - 1]} {day.year}"


def short_day(day: dt.date) -> str:
    """« lun. 13 mars »."""
    return f"{_DAYS[day.weekday()][:3]}. {_day(day)} {_MONTHS[day.month - 1]}"


def period(start: dt.date, end: dt.date) -> str:
    """« le 13 mars 2023 », « du 13 au 14 mars 2023 », « du 30 mars 2023 au 2 avril 2023 »."""
    if start == end:
        return f"le {long_date(start)}"
    if (start.year, start.month) == (end.year, end.month):
        return f"du {_day(start)} au {long_date(end)}"
    return f"du {long_date(start)} au {long_date(end)}"


def hours(value: float) -> str:
    """« 18 heures », « 1 heure », « 13 heures 30 »."""
    minutes = round(value * 60)
    whole, rest = divmod(minutes, 60)
    word = "heure" if whole < 2 else "heures"
    return f"{whole}{NBSP}{word}" + (f"{NBSP}{rest:02d}" if rest else "")


def half_days(count: int) -> str:
    """« 1 demi-journée », « 6 demi-journées »."""
    return f"{count}{NBSP}demi-journée" + ("s" if count >= 2 else "")


def lowered(office: str) -> str:
    """« Le Directeur » in the middle of a sentence: « le Directeur »."""
    for article in ("Le ", "La ", "L’", "L'"):
        if office.startswith(article):
            return article.lower() + office[len(article) :]
    return office
