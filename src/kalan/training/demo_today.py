"""A second, invented programme with work for each demonstration account, dated from today."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from kalan.people.actor import SYSTEM
from kalan.people.demo import World, add_agent
from kalan.people.models import Agent, OrgNode
from kalan.training.models import MarkSource, Programme, Session, Theme
from kalan.training.services import (
    attendance,
    attendance_walkins,
    programmes,
    registrations,
    sessions,
)
from kalan.training.services.attendance_walkins import WalkIn
from kalan.training.services.convocations import convoke_session
from kalan.training.services.programmes import PartnerData, ProgrammeData
from kalan.training.services.schedule import TrainerData
from kalan.training.services.sessions import SessionData


def build_today(world: World, *, now: dt.datetime) -> Programme:
    """A session today, one to validate, one to approve, one to come, one cancelled."""
    today = now.date()
    programme = _programme(world, today)
    home = next(node for node in world.structures if node.name == "Centre de santé de Sokone")
    theme = programmes.ensure_theme(
        actor=SYSTEM, code="sante-numerique", name="Santé numérique au quotidien"
    )
    staff = [add_agent(world, home, sex=sex, now=now) for sex in "FFMFFMFMFFMFFMFFMFFM"]
    _held(world, programme, theme, home, staff, now)
    _today(world, programme, theme, home, staff, now)
    _to_approve(world, programme, theme, home, staff, now)
    _cancelled(world, programme, theme, home, now)
    return programme


def _programme(world: World, today: dt.date) -> Programme:
    return programmes.create_programme(
        actor=SYSTEM,
        now=dt.datetime.combine(today - dt.timedelta(days=60), dt.time(9), tzinfo=dt.UTC),
        data=ProgrammeData(
            code="essai",
            name="Santé numérique au quotidien (programme inventé)",
            node=world.country,
            start=today - dt.timedelta(days=45),
            end=today + dt.timedelta(days=180),
            audience="Agents des centres de santé",
            is_demo=True,
            per_diem=Decimal(10000),
            sms_monthly_ceiling=Decimal(25000),
            partners=(PartnerData(name="Ministère de la Santé (démonstration)", role="funder"),),
            target_structures=world.structures[:4],
        ),
    )


def _plan(
    world: World,
    programme: Programme,
    theme: Theme,
    node: OrgNode,
    *,
    code: str,
    start: dt.date,
    days: int,
    now: dt.datetime,
    capacity: int | None = None,
    trainers: tuple[Agent, ...] | None = None,
) -> Session:
    leaders = trainers if trainers is not None else (world.trainers[0], world.trainers[1])
    return sessions.plan_session(
        actor=SYSTEM,
        now=now,
        data=SessionData(
            title=f"{theme.name} : {node.name}",
            theme=theme,
            node=node,
            start=start,
            end=start + dt.timedelta(days=days - 1),
            code=code,
            programme=programme,
            place=f"Salle de réunion, {node.name}",
            capacity=capacity,
            trainers=tuple(TrainerData(agent=agent) for agent in leaders),
            places=((node, capacity),) if capacity else (),
        ),
    )


def _listed(session: Session, agents: list[Agent], now: dt.datetime) -> None:
    placed = registrations.designate(actor=SYSTEM, now=now, session=session, agents=agents).placed
    registrations.approve(actor=SYSTEM, now=now, session=session, registrations=placed)


def _held(
    world: World,
    programme: Programme,
    theme: Theme,
    home: OrgNode,
    staff: list[Agent],
    now: dt.datetime,
) -> None:
    """Held some days ago and closed by its trainer: the region has yet to validate it."""
    start = now.date() - dt.timedelta(days=12)
    early = now - dt.timedelta(days=30)
    session = _plan(world, programme, theme, home, code="ESSAI-01", start=start, days=2, now=early)
    _listed(session, staff[:12], early)
    half_days = list(session.half_days.order_by("date", "part").values_list("pk", flat=True))
    people = list(session.registrations.order_by("pk").values_list("pk", flat=True))
    grid = {pk: half_days[: 4 if rank % 5 else 3] for rank, pk in enumerate(people)}
    attendance_walkins.add_walk_in(
        actor=SYSTEM,
        now=now - dt.timedelta(days=12),
        session=session,
        data=WalkIn(
            last_name="Badji",
            first_names="Seynabou",
            sex="F",
            structure="Poste de santé voisin",
            phone="77 000 00 00",
        ),
    )
    closing = now - dt.timedelta(days=10)
    attendance.set_presences(
        actor=SYSTEM, now=closing, session=session, grid=grid, source=MarkSource.SCREEN
    )
    sessions.close_session(actor=SYSTEM, now=closing, session=session)


def _today(
    world: World,
    programme: Programme,
    theme: Theme,
    home: OrgNode,
    staff: list[Agent],
    now: dt.datetime,
) -> None:
    """Today and tomorrow: ``formateur`` has a list to mark."""
    early = now - dt.timedelta(days=14)
    session = _plan(
        world, programme, theme, home, code="ESSAI-02", start=now.date(), days=2, now=early
    )
    _listed(session, staff[2:], early)
    convoke_session(actor=SYSTEM, now=early, session=session, channels=("whatsapp",))


def _to_approve(
    world: World,
    programme: Programme,
    theme: Theme,
    home: OrgNode,
    staff: list[Agent],
    now: dt.datetime,
) -> None:
    """In three weeks: designated, more people than places, nobody approved yet."""
    session = _plan(
        world,
        programme,
        theme,
        home,
        code="ESSAI-03",
        start=now.date() + dt.timedelta(days=21),
        days=3,
        now=now,
        capacity=10,
        trainers=(world.trainers[2], world.trainers[3]),
    )
    registrations.designate(actor=SYSTEM, now=now, session=session, agents=staff[:13])


def _cancelled(
    world: World, programme: Programme, theme: Theme, home: OrgNode, now: dt.datetime
) -> None:
    early = now - dt.timedelta(days=20)
    session = _plan(
        world,
        programme,
        theme,
        home,
        code="ESSAI-04",
        start=now.date() + dt.timedelta(days=7),
        days=1,
        now=early,
        trainers=(world.trainers[4],),
    )
    sessions.cancel_session(
        actor=SYSTEM, now=early, session=session, notice="La salle n’est plus disponible."
    )
