"""Closed sessions with presences, so that figures have something to count."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from itertools import count
from typing import Any

from kalan.base import files
from kalan.base.ids import uuid7
from kalan.indicators.models import DeclaredFigure, FrozenFigures
from kalan.indicators.services.refresh import refresh
from kalan.people.models import Agent, OrgNode
from kalan.training.models import (
    CostLine,
    DirtySession,
    HalfDay,
    Outsider,
    Presence,
    Programme,
    Registration,
    SatisfactionAnswer,
    Session,
    SessionTrainer,
)
from tests.factories import training
from tests.factories.people import NOW, unlogged

_numbers = count(1)


@unlogged
def held(
    node: OrgNode,
    programme: Programme | None,
    people: Mapping[Agent | Outsider, int],
    **fields: Any,
) -> Session:
    """A validated session of two days (four half-days); ``people``: half-days each attended."""
    fields = {"state": Session.State.VALIDATED, "validated_at": NOW, "closed_at": NOW, **fields}
    session = training.session(node, programme=programme, **fields)
    for person, half_days in people.items():
        register(session, person, half_days)
    dirty(session)
    return session


@unlogged
def register(session: Session, person: Agent | Outsider, half_days: int = 0) -> Registration:
    who = {"agent": person} if isinstance(person, Agent) else {"outsider": person}
    made = Registration.objects.create(session=session, state="convoked", created_at=NOW, **who)
    some = HalfDay.objects.filter(session=session).order_by("date", "part")[:half_days]
    Presence.objects.bulk_create(Presence(registration=made, half_day=one) for one in some)
    return made


@unlogged
def outsider(**fields: object) -> Outsider:
    values = {"last_name": f"Presse{next(_numbers)}", "first_names": "Léa", "created_at": NOW}
    return Outsider.objects.create(**{**values, **fields})


@unlogged
def trainer(session: Session, agent: Agent | None = None, **fields: object) -> SessionTrainer:
    """Leads the first half-day of ``session``, unless ``half_days`` says how many."""
    number = int(str(fields.pop("half_days", 1)))
    made = SessionTrainer.objects.create(session=session, agent=agent, **fields)
    made.half_days.set(session.half_days.order_by("date", "part")[:number])
    dirty(session)
    return made


def dirty(session: Session) -> None:
    DirtySession.objects.get_or_create(session=session, defaults={"since": NOW})


def count_now(now: dt.datetime = NOW) -> None:
    refresh(now=now)


@unlogged
def answer(session: Session, scores: dict[str, int]) -> SatisfactionAnswer:
    made = SatisfactionAnswer.objects.create(
        client_id=uuid7(), session=session, scores=scores, source="phone", received_on=NOW.date()
    )
    dirty(session)
    return made


@unlogged
def cost(session: Session, spent: Decimal, currency: str = "XOF") -> CostLine:
    made = CostLine.objects.create(
        session=session, category="room", spent=spent, planned=spent, currency=currency
    )
    dirty(session)
    return made


@unlogged
def kept(programme: Programme, node: OrgNode, name: str) -> None:
    """A frozen and a declared figure, as they stand once somebody made them."""
    FrozenFigures.objects.create(
        programme=programme,
        label=f"Arrêté {name}",
        figures={"agents_formes": "12"},
        basis={"trained": {}, "others": [], "sessions": [], "registrations": []},
        frozen_at=NOW,
    )
    document = files.store(content=b"%PDF-1.7", name="rapport.pdf", kind="report", by=None, now=NOW)
    DeclaredFigure.objects.create(
        label="Agents formés",
        indicator="agents_formes",
        node=node,
        value=340,
        period="2019",
        source=f"Rapport {name}",
        document=document,
        declared_at=NOW,
    )
