"""A session under way, with a trainer who leads it and people on its list."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from uuid import UUID

from kalan.base.files import store
from kalan.base.ids import uuid7
from kalan.people.actor import Actor
from kalan.people.models import Account
from kalan.people.selectors.core import actor_for
from kalan.training.models import (
    AttendanceMark,
    HalfDay,
    Presence,
    Registration,
    Resource,
    Session,
    SessionSheet,
    SessionTrainer,
)
from kalan.training.selectors.attendance import half_day_code
from kalan.training.services.attendance import MarkData
from tests.factories import people, training
from tests.factories.people import NOW, unlogged


@dataclass
class Room:
    """One session at Sokone, its trainer, its people and half-days."""

    tree: people.Tree
    session: Session
    account: Account
    actor: Actor
    persons: list[Registration]
    half_days: list[HalfDay] = field(default_factory=list)

    @property
    def codes(self) -> list[str]:
        return [half_day_code(row) for row in self.half_days]

    def present(self, session: Session | None = None) -> set[tuple[int, str]]:
        """(position in the list, half-day code) of every presence of the session."""
        numbers = {person.pk: number for number, person in enumerate(self.persons)}
        return {
            (numbers[row.registration_id], half_day_code(row.half_day))
            for row in Presence.objects.filter(
                registration__session=session or self.session
            ).select_related("half_day")
        }

    def mark(self, person: int = 0, half_day: int = 0, client_id: UUID | None = None) -> MarkData:
        return MarkData(
            client_id=client_id or uuid7(),
            registration=self.persons[person].uid,
            half_day=self.codes[half_day],
        )


@unlogged
def trainer(session: Session, tree: people.Tree) -> Account:
    """An account with the trainer's role, whose agent leads ``session``."""
    agent = people.agent(tree.centre_sokone, first_names="Moussa", sex="M")
    account = people.account("trainer", tree.country, agent=agent)
    SessionTrainer.objects.create(session=session, agent=agent, hours=6)
    return account


@unlogged
def marked(row: Registration, half_day: HalfDay) -> None:
    """A mark from a phone, and the presence that follows from it."""
    AttendanceMark.objects.create(
        client_id=uuid7(), registration=row, half_day=half_day, source="phone", received_at=NOW
    )
    Presence.objects.create(registration=row, half_day=half_day)


@unlogged
def room(
    tree: people.Tree,
    *,
    count: int = 3,
    days: int = 2,
    start: dt.date = dt.date(2023, 3, 13),
    **fields: object,
) -> Room:
    session = training.session(tree.centre_sokone, days=days, start=start, **fields)
    account = trainer(session, tree)
    persons = [
        training.registration(session, people.agent(tree.centre_sokone)) for _ in range(count)
    ]
    return Room(
        tree=tree,
        session=session,
        account=account,
        actor=actor_for(account, today=NOW.date()),
        persons=persons,
        half_days=list(session.half_days.order_by("date", "part")),
    )


@unlogged
def paper(session: Session) -> None:
    """A scanned page on ``session``, and a handout on its theme's page (one for all)."""
    scan = store(
        content=b"%PDF-1.7", name="feuille.pdf", kind="scan", by=None, now=NOW, content_type=PDF
    )
    SessionSheet.objects.create(session=session, file=scan, added_at=NOW)
    if not session.theme.resources.exists():
        file = store(
            content=b"%PDF-1.7",
            name="support.pdf",
            kind="resource",
            by=None,
            now=NOW,
            content_type=PDF,
        )
        Resource.objects.create(theme=session.theme, title="Support de cours", file=file)


PDF = "application/pdf"
