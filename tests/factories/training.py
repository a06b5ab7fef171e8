"""Sessions with half-days and participants, made directly in the database."""

from __future__ import annotations

import datetime as dt
from itertools import count

from kalan.people.models import Agent, OrgNode
from kalan.training.models import HalfDay, Programme, Registration, Session, Theme
from tests.factories.people import NOW, unlogged

_numbers = count(1)


@unlogged
def theme(code: str = "outils", name: str = "Outils numériques") -> Theme:
    return Theme.objects.get_or_create(code=code, defaults={"name": name})[0]


@unlogged
def programme(node: OrgNode, **fields: object) -> Programme:
    values: dict[str, object] = {
        "code": f"prog{next(_numbers)}",
        "name": "Programme d’essai",
        "node": node,
        "start": dt.date(2022, 11, 14),
        "end": dt.date(2023, 3, 17),
        **fields,
    }
    return Programme.objects.create(**values)


@unlogged
def session(
    node: OrgNode,
    *,
    days: int = 2,
    start: dt.date = dt.date(2023, 3, 13),
    **fields: object,
) -> Session:
    """A planned session of ``days`` days (two half-days each) at ``node``."""
    number = next(_numbers)
    values: dict[str, object] = {
        "code": f"S{number}",
        "title": "Outils numériques",
        "theme": theme(),
        "node": node,
        "start": start,
        "end": start + dt.timedelta(days=days - 1),
        "created_at": NOW,
        **fields,
    }
    made = Session.objects.create(**values)
    HalfDay.objects.bulk_create(
        HalfDay(session=made, date=start + dt.timedelta(days=day), part=part)
        for day in range(days)
        for part in ("am", "pm")
    )
    return made


@unlogged
def registration(session: Session, agent: Agent, **fields: object) -> Registration:
    values: dict[str, object] = {"state": "convoked", "created_at": NOW, **fields}
    return Registration.objects.create(session=session, agent=agent, **values)
