"""Staged lines of past sessions into sessions, people, registrations and presences, in bulk."""

from __future__ import annotations

import datetime as dt
from typing import Any

from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType

from kalan.base.ids import uuid7
from kalan.base.models import ImportRow, ImportRun
from kalan.base.text import fold
from kalan.people.models import Agent, OrgNode, Post
from kalan.training.models import (
    AttendanceMark,
    HalfDay,
    MarkSource,
    Outsider,
    Presence,
    Registration,
    Session,
)
from kalan.training.services.dirty import mark_dirty

Slot = tuple[str, str]


def merge(run: ImportRun, now: dt.datetime) -> None:
    rows = list(run.rows.filter(action__in=["create", "update"]).order_by("number"))
    sessions, stale = _sessions(run, rows, now)
    rows = [row for row in rows if row.plan["session"]["code"] in sessions]
    rows, gone = _still_true(run, rows, sessions)
    ImportRow.objects.filter(pk__in=[*stale, *gone]).update(action=ImportRow.Action.STALE)
    people = _people(run, rows, now)
    registrations = Registration.objects.bulk_create(
        [
            Registration(
                session=sessions[row.plan["session"]["code"]],
                state=Registration.State.CONVOKED,
                structure_id=row.plan["structure"],
                created_at=now,
                created_by_id=run.applied_by_id,
                **people[_who(row.plan)],
            )
            for row in rows
        ],
        batch_size=1000,
    )
    _presences(run, rows, registrations, sessions, now)
    mark_dirty([session.pk for session in sessions.values()], now)


def _who(plan: dict[str, Any]) -> str:
    return f"a:{plan['agent']}" if plan["agent"] else str(plan["key"])


def _sessions(
    run: ImportRun, rows: list[ImportRow], now: dt.datetime
) -> tuple[dict[str, Session], list[int]]:
    """Sessions by code, those that lack created; and rows whose session is no longer as seen."""
    codes = {row.plan["session"]["code"] for row in rows}
    found = {s.code: s for s in Session.objects.select_for_update().filter(code__in=codes)}
    nodes = set(
        OrgNode.objects.filter(
            pk__in={row.plan["session"]["node"] for row in rows}, merged_into=None
        ).values_list("pk", flat=True)
    )
    sessions: dict[str, Session] = {}
    stale: list[int] = []
    wanted: dict[str, dict[str, Any]] = {}
    for row in rows:
        plan, code = row.plan["session"], row.plan["session"]["code"]
        stored = found.get(code)
        changed = (stored.pk if stored else None) != row.plan["stored"]
        shut = stored is not None and stored.state in ("validated", "cancelled")
        if changed or shut or plan["node"] not in nodes:
            stale.append(row.pk)
        elif stored is not None:
            sessions[code] = stored
        else:
            wanted.setdefault(code, row.plan)
    made = _created(run, wanted, now)
    _log(run, made, now)
    return sessions | {session.code: session for session in made}, stale


def _created(run: ImportRun, wanted: dict[str, dict[str, Any]], now: dt.datetime) -> list[Session]:
    """Closed sessions with their half-days. ``wanted``: {code: the plan of the session's first
    row}."""
    made = Session.objects.bulk_create(
        Session(
            code=code,
            title=plan["session"]["title"],
            theme_id=plan["session"]["theme"],
            node_id=plan["session"]["node"],
            place=plan["session"]["place"],
            programme_id=plan["session"]["programme"],
            start=plan["session"]["start"],
            end=plan["session"]["end"],
            state=Session.State.CLOSED,
            closed_at=now,
            closed_by_id=run.applied_by_id,
            created_at=now,
            created_by_id=run.applied_by_id,
        )
        for code, plan in wanted.items()
    )
    HalfDay.objects.bulk_create(
        HalfDay(session=session, date=date, part=part)
        for session in made
        for date, part in wanted[session.code]["half_days"]
    )
    return made


def _still_true(
    run: ImportRun, rows: list[ImportRow], sessions: dict[str, Session]
) -> tuple[list[ImportRow], list[int]]:
    """Leave out agents merged away or already on the list, and half-days that are gone."""
    agents = {row.plan["agent"] for row in rows if row.plan["agent"]}
    alive = set(
        Agent.objects.filter(pk__in=agents, status__in=["active", "left"]).values_list(
            "pk", flat=True
        )
    )
    listed = set(
        Registration.objects.filter(
            session__in=[s.pk for s in sessions.values()], agent__in=agents
        ).values_list("session__code", "agent_id")
    )
    matricules = {
        row.plan["person"]["matricule"] for row in rows if row.plan["person"]["matricule"]
    }
    taken = set(
        Agent.objects.filter(country=run.country, matricule__in=matricules).values_list(
            "matricule", flat=True
        )
    )
    kept: list[ImportRow] = []
    gone: list[int] = []
    for row in rows:
        agent, code = row.plan["agent"], row.plan["session"]["code"]
        if (agent and (agent not in alive or (code, agent) in listed)) or (
            not agent and row.plan["person"]["matricule"] in taken
        ):
            gone.append(row.pk)
        else:
            if agent:
                listed.add((code, agent))
            kept.append(row)
    return kept, gone


def _people(run: ImportRun, rows: list[ImportRow], now: dt.datetime) -> dict[str, dict[str, Any]]:
    """{who: {"agent": …} or {"outsider": …}}; one new record per person of the file."""
    people: dict[str, dict[str, Any]] = {}
    agents: dict[str, Agent] = {}
    outsiders: dict[str, Outsider] = {}
    posts: dict[str, tuple[int, str]] = {}
    for row in rows:
        plan, who = row.plan, _who(row.plan)
        if plan["agent"]:
            people[who] = {"agent_id": plan["agent"]}
        elif plan["structure"]:
            person = plan["person"]
            agents.setdefault(
                who,
                Agent(
                    country=run.country,
                    search=fold(f"{person['last_name']} {person['first_names']}")[:210],
                    to_reconcile=True,
                    origin="import",
                    created_at=now,
                    **person,
                ),
            )
            start = min(plan["session"]["start"], posts.get(who, (0, "9"))[1])
            posts[who] = (plan["structure"], start)
        else:
            person = {k: v for k, v in plan["person"].items() if k != "matricule"}
            outsiders.setdefault(who, Outsider(body=plan["body"], created_at=now, **person))
    Agent.objects.bulk_create(agents.values(), batch_size=1000)
    Outsider.objects.bulk_create(outsiders.values(), batch_size=1000)
    Post.objects.bulk_create(
        Post(agent=agents[who], structure_id=structure, start=start)
        for who, (structure, start) in posts.items()
    )
    _log(run, list(agents.values()), now)
    people |= {who: {"agent": agent} for who, agent in agents.items()}
    return people | {who: {"outsider": outsider} for who, outsider in outsiders.items()}


def _presences(
    run: ImportRun,
    rows: list[ImportRow],
    registrations: list[Registration],
    sessions: dict[str, Session],
    now: dt.datetime,
) -> None:
    half_days = {
        (h.session_id, h.date.isoformat(), h.part): h
        for h in HalfDay.objects.filter(session__in=[s.pk for s in sessions.values()])
    }
    cells = [
        (registration, half_days[registration.session_id, date, part])
        for row, registration in zip(rows, registrations, strict=True)
        for date, part in row.plan["slots"]
        if (registration.session_id, date, part) in half_days
    ]
    AttendanceMark.objects.bulk_create(
        [
            AttendanceMark(
                client_id=uuid7(),
                registration=registration,
                half_day=half_day,
                source=MarkSource.IMPORT,
                received_at=now,
                by_id=run.applied_by_id,
            )
            for registration, half_day in cells
        ],
        batch_size=2000,
    )
    Presence.objects.bulk_create(
        [Presence(registration=r, half_day=h) for r, h in cells], batch_size=2000
    )


def _log(run: ImportRun, made: list[Any], now: dt.datetime) -> None:
    LogEntry.objects.bulk_create(
        [
            LogEntry(
                content_type=ContentType.objects.get_for_model(type(row)),
                object_pk=str(row.pk),
                object_id=row.pk,
                object_repr=str(row)[:200],
                action=LogEntry.Action.CREATE,
                changes={},
                actor_id=run.applied_by_id,
                timestamp=now,
                additional_data={"text": "import", "import": str(run.uid)},
            )
            for row in made
        ],
        batch_size=1000,
    )
