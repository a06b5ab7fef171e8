"""The Senegal programme of the source texts, with invented people (DIRECCT, 2022-2023).

The head counts below say how many people to invent for each session; 521, 306 and the like stand
nowhere: they come out of the counting, with what reality holds (people in two sessions, no-shows,
people under the rule, outsiders, an anonymous count).
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from decimal import Decimal

from kalan.people.actor import SYSTEM
from kalan.people.demo import World, add_agent
from kalan.people.models import Agent, OrgNode
from kalan.training.models import MarkSource, Programme, Registration, Session, Theme
from kalan.training.services import (
    attendance,
    outsiders,
    platforms,
    programmes,
    registrations,
    sessions,
)
from kalan.training.services.outsiders import AnonymousCountData, OutsiderData
from kalan.training.services.platforms import PlatformAccountData
from kalan.training.services.programmes import PartnerData, ProgrammeData, TargetData
from kalan.training.services.schedule import TrainerData
from kalan.training.services.sessions import SessionData

START, END = dt.date(2022, 11, 14), dt.date(2023, 3, 17)
PLANNED = dt.datetime(2022, 10, 17, 9, 0, tzinfo=dt.UTC)

THEMES = {
    "outils-numeriques": "Outils numériques",
    "bases-e-sante": "Bases de la e-santé",
    "cybersecurite": "Cybersécurité",
}


@dataclass(frozen=True)
class Planned:
    """One session to hold: people trained for the first time (women, men) and people who come
    back from the structure's first session."""

    structure: str  # kalan-demo code
    theme: str
    start: dt.date
    days: int
    women: int
    men: int
    back: int = 0


def _on(month: int, day: int) -> dt.date:
    return dt.date(2022 if month > 6 else 2023, month, day)


SESSIONS = (
    Planned("sn-demo-01", "outils-numeriques", _on(11, 14), 3, 19, 13),
    Planned("sn-demo-02", "outils-numeriques", _on(11, 21), 3, 17, 12),
    Planned("sn-demo-05", "outils-numeriques", _on(11, 28), 3, 17, 12),
    Planned("sn-demo-03", "outils-numeriques", _on(12, 5), 3, 15, 11),
    Planned("sn-demo-13", "bases-e-sante", _on(12, 5), 3, 15, 10),
    Planned("sn-demo-09", "outils-numeriques", _on(12, 12), 5, 18, 13),
    Planned("sn-demo-14", "outils-numeriques", _on(12, 19), 3, 17, 11),
    Planned("sn-demo-10", "outils-numeriques", _on(1, 9), 3, 14, 10),
    Planned("sn-demo-04", "bases-e-sante", _on(1, 16), 3, 16, 11),
    Planned("sn-demo-11", "bases-e-sante", _on(1, 16), 3, 17, 13),
    Planned("sn-demo-01", "bases-e-sante", _on(1, 23), 5, 19, 13, back=8),
    Planned("sn-demo-06", "outils-numeriques", _on(1, 30), 3, 15, 11),
    Planned("sn-demo-12", "cybersecurite", _on(2, 6), 3, 13, 9),
    Planned("sn-demo-02", "cybersecurite", _on(2, 13), 3, 17, 12, back=15),
    Planned("sn-demo-15", "bases-e-sante", _on(2, 20), 5, 17, 11),
    Planned("sn-demo-07", "cybersecurite", _on(2, 27), 3, 14, 10),
    Planned("sn-demo-03", "bases-e-sante", _on(2, 27), 3, 15, 11, back=15),
    Planned("sn-demo-08", "cybersecurite", _on(3, 6), 3, 13, 9),
    Planned("sn-demo-01", "cybersecurite", _on(3, 13), 5, 18, 13, back=8),
)

OUTSIDERS = (
    ("Mame Diarra", "Sow", "F", "Radio communautaire du Sine"),
    ("Ousseynou", "Kébé", "M", "Radio communautaire du Sine"),
    ("Aminata", "Cissokho", "F", "Mairie de Kaolack"),
    ("Babacar", "Lô", "M", "Mairie de Kaolack"),
    ("Coumba", "Thiaw", "F", "Association des badienou gokh"),
    ("Ndèye Fatou", "Ndour", "F", "Association des badienou gokh"),
    ("Modou", "Seck", "M", "Partenaire technique invité"),
    ("Élise", "Martin", "F", "Partenaire technique invité"),
    ("Adama", "N’Diaye", "M", "Presse régionale"),
    ("Rokhaya", "Mbengue", "F", "Presse régionale"),
)


def build_direcct(world: World) -> tuple[Programme, dict[str, list[Agent]]]:
    """Plan, hold, close and validate the sessions; return the programme and who was trained."""
    by_code = {
        code.value: node
        for node in world.structures
        for code in node.codes.all()
        if code.system == "kalan-demo"
    }
    programme = _programme(world)
    themes = {
        code: programmes.ensure_theme(actor=SYSTEM, code=code, name=name)
        for code, name in THEMES.items()
    }
    trained: dict[str, list[Agent]] = {code: [] for code in by_code}
    first: dict[str, list[Agent]] = {}
    faithful: Agent | None = None
    for number, plan in enumerate(SESSIONS):
        structure = by_code[plan.structure]
        new = [add_agent(world, structure, sex="F") for _ in range(plan.women)]
        new += [add_agent(world, structure, sex="M") for _ in range(plan.men)]
        back = first.get(plan.structure, [])
        offset = 7 if number == len(SESSIONS) - 1 else 0
        people = new + back[offset : offset + plan.back]
        first.setdefault(plan.structure, new)
        if plan.structure == "sn-demo-01" and faithful is None:
            faithful = new[7]  # comes to the three sessions at home, and to Guinguinéo
        if plan.structure == "sn-demo-13" and faithful is not None:
            people.append(faithful)
        absent = _also_listed(world, structure, number)
        session = _plan(world, programme, themes[plan.theme], structure, plan, number)
        _hold(world, session, people, absent, number)
        trained[plan.structure] += new
    for structure in world.structures:
        for _ in range(world.random.randint(6, 14)):  # never trained
            add_agent(world, structure, sex=world.random.choice("FFM"))
    return programme, trained


def build_platform(
    world: World, programme: Programme, trained: dict[str, list[Agent]], *, accounts: int = 610
) -> None:
    """The programme's Moodle: accounts of most people trained, of the trainers, and others.

    Some people trained have none; some accounts belong to nobody of the registry.
    """
    platform = programmes.create_platform(
        actor=SYSTEM, now=PLANNED, programme=programme, name="Moodle du ministère", code="moodle"
    )
    people = [agent for agents in trained.values() for agent in agents]
    holders = [agent for rank, agent in enumerate(people) if rank % 24] + world.trainers
    rows = [_account(world, agent, rank) for rank, agent in enumerate(holders)]
    rows += [
        PlatformAccountData(
            username=f"invite{rank:03d}", name="Compte d’essai", created_on=PLANNED.date()
        )
        for rank in range(accounts - len(rows))
    ]
    platforms.record_accounts(
        actor=SYSTEM,
        now=dt.datetime.combine(END, dt.time(18), tzinfo=dt.UTC),
        platform=platform,
        rows=rows,
    )


def _account(world: World, agent: Agent, rank: int) -> PlatformAccountData:
    created = START + dt.timedelta(days=world.random.randint(0, 100))
    activated = created + dt.timedelta(days=world.random.randint(0, 9))
    used = activated + dt.timedelta(days=world.random.randint(0, 200))
    return PlatformAccountData(
        username=f"u{rank + 1:04d}",
        name=agent.full_name,
        agent=agent,
        created_on=created,
        activated_on=activated if rank % 6 else None,
        last_used_on=used if rank % 6 and rank % 4 else None,
    )


def _also_listed(world: World, structure: OrgNode, number: int) -> list[Agent]:
    """Registered people who will not meet the rule: one who never comes, mostly one who leaves."""
    sexes = "FM" if number < 15 else "F"
    return [add_agent(world, structure, sex=sex) for sex in sexes]


def _programme(world: World) -> Programme:
    return programmes.create_programme(
        actor=SYSTEM,
        now=PLANNED,
        data=ProgrammeData(
            code="direcct",
            name="DIRECCT",
            node=world.country,
            start=START,
            end=END,
            strategy_axis="Stratégie Sénégal Numérique 2025",
            audience="Agents des structures de santé de Fatick, Kaffrine et Kaolack",
            objectives=(
                "Utiliser les outils numériques, connaître les bases de la e-santé, "
                "se prémunir des attaques informatiques."
            ),
            public=True,
            is_demo=True,
            per_diem=Decimal(10000),
            sms_monthly_ceiling=Decimal(50000),
            partners=(
                PartnerData(name="Union européenne", role="funder"),
                PartnerData(name="AFD", role="implementer"),
                PartnerData(name="Enabel", role="implementer"),
            ),
            targets=(
                TargetData("sessions", Decimal(20)),
                TargetData("agents_formes", Decimal(500)),
                TargetData("part_femmes", Decimal(50)),
                TargetData("structures", Decimal(15)),
            ),
            target_structures=world.structures,
        ),
    )


def _plan(
    world: World,
    programme: Programme,
    theme: Theme,
    structure: OrgNode,
    plan: Planned,
    number: int,
) -> Session:
    one, two = (world.trainers[(2 * number + k) % len(world.trainers)] for k in (0, 1))
    return sessions.plan_session(
        actor=SYSTEM,
        now=PLANNED,
        data=SessionData(
            title=f"{theme.name} : {structure.name}",
            theme=theme,
            node=structure,
            start=plan.start,
            end=plan.start + dt.timedelta(days=plan.days - 1),
            code=f"DIRECCT-{number + 1:02d}",
            programme=programme,
            place=f"Salle de réunion, {structure.name}",
            trainers=(TrainerData(agent=one), TrainerData(agent=two)),
            public=True,
        ),
    )


def _evening(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(17, 30), tzinfo=dt.UTC)


def _hold(
    world: World, session: Session, people: list[Agent], absent: list[Agent], number: int
) -> None:
    """Designate, approve, mark from the paper sheet, close, validate."""
    before = _evening(session.start - dt.timedelta(days=15))
    listed = registrations.designate(
        actor=SYSTEM, now=before, session=session, agents=[*people, *absent]
    )
    registrations.approve(actor=SYSTEM, now=before, session=session, registrations=listed.placed)
    guests = _guests(session, number, before)
    grid = _grid(world.random, session, listed.placed, {a.pk for a in absent})
    grid |= _guest_grid(session, guests, number)
    closing = _evening(session.end)
    attendance.set_presences(
        actor=SYSTEM, now=closing, session=session, grid=grid, source=MarkSource.PAPER
    )
    sessions.close_session(actor=SYSTEM, now=closing, session=session)
    sessions.validate_session(actor=SYSTEM, now=closing + dt.timedelta(days=4), session=session)


def _guests(session: Session, number: int, now: dt.datetime) -> list[Registration]:
    """Some sessions had partners in the room, one a number of people whose names nobody took."""
    invited = OUTSIDERS[number // 3 * 2 :][:2] if number % 3 == 1 else ()
    guests = [
        outsiders.add_outsider(
            actor=SYSTEM,
            now=now,
            session=session,
            data=OutsiderData(
                last_name=last_name,
                first_names=first_names,
                sex=sex,
                body=body,
                level="partner" if "Partenaire" in body else "local",
            ),
        )
        for first_names, last_name, sex, body in invited
    ]
    if number == 4:
        outsiders.set_anonymous_count(
            actor=SYSTEM,
            now=now,
            session=session,
            data=AnonymousCountData(
                label="une vingtaine de relais communautaires",
                unknown=20,
                approximate=True,
                level="local",
                sector="community",
            ),
        )
    return guests


def _grid(
    draw: random.Random,
    session: Session,
    placed: list[Registration],
    absent: set[int],
) -> dict[int, list[int]]:
    """{registration: half-days present}, with people exactly at the rule and under it."""
    half_days = list(session.half_days.order_by("date", "part").values_list("pk", flat=True))
    total = len(half_days)
    needed = -(-80 * total // 100)
    grid: dict[int, list[int]] = {}
    early = 0
    for registration in placed:
        if registration.agent_id in absent:
            # The first of them never comes, the second leaves before the end.
            present = 0 if early == 0 else needed - 1
            early += 1
        else:
            present = draw.choices([total, total - 1, needed], [70, 18, 12])[0]
            present = max(present, needed)
        grid[registration.pk] = sorted(draw.sample(half_days, present))
    return grid


def _guest_grid(session: Session, guests: list[Registration], number: int) -> dict[int, list[int]]:
    """The first guest stays to the end; every other session, the second leaves after a morning."""
    half_days = list(session.half_days.order_by("date", "part").values_list("pk", flat=True))
    return {
        guest.pk: half_days if rank == 0 or number % 2 else half_days[:1]
        for rank, guest in enumerate(guests)
    }
