"""Dashboards over 1 000 000 half-day presences, on SQLite and PostgreSQL. Peer: the raw scan, that
is the same figures by one aggregate over registrations and presences, in the same run.

Each database is filled (seeded), its figures built, then timed in a process of its own. Sizes by
KALAN_BENCH_PRESENCES; the cluster of PostgreSQL is ours, thrown away, run by an unprivileged user.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.result import Result

PRESENCES = int(os.environ.get("KALAN_BENCH_PRESENCES", "1000000"))
HALF_DAYS = 4
PRESENT = 0.9  # of the half-days of those registered
PER_SESSION = 30
REGIONS, DISTRICTS, STRUCTURES = 14, 5, 20  # per parent: 14 × 5 × 20 = 1 400 structures
PROGRAMMES, THEMES, CADRES, MONTHS = 3, 6, 12, 60
REPEAT, REPEAT_RAW = 20, 3
LIMIT = 3600  # seconds for one database


def run(options: Sequence[str] = ()) -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="kalan-bench-") as home:
        yield from _child("SQLite", {"KALAN_HOME": home})
    from tests.support import postgres

    if postgres.binaries() is None:
        print("PostgreSQL n’est pas installé : mesures sur SQLite seulement.", file=sys.stderr)
        return
    durable = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
    with (
        postgres.cluster(durable) as url,
        tempfile.TemporaryDirectory(prefix="kalan-bench-") as home,
    ):
        yield from _child("PostgreSQL", {"KALAN_HOME": home, "KALAN_DATABASE_URL": url})


def _child(name: str, environment: dict[str, str]) -> Iterator[Result]:
    clean = {key: value for key, value in os.environ.items() if key != "KALAN_DATABASE_URL"}
    clean |= {"DJANGO_SETTINGS_MODULE": "kalan.config.settings", **environment}
    done = subprocess.run(
        [sys.executable, "-m", "bench.dashboards", name],
        env=clean,
        stdout=subprocess.PIPE,
        text=True,
        timeout=LIMIT,
        check=True,
    )
    for line in done.stdout.splitlines():
        yield Result(**json.loads(line))


# --- one database, in its own process --------------------------------------------------------


def _measure(name: str) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    said = time.perf_counter()
    presences = _fill()
    _note(f"{name} : {presences} présences écrites en {time.perf_counter() - said:.0f} s")
    if name == "PostgreSQL":
        _analyse()
    for result in _refreshing(name, presences):
        _say(result)
    if name == "PostgreSQL":
        _analyse()
    for case, ours, raw in _cases():
        times = [_timed(ours) for _ in range(REPEAT)]
        against = [_timed(raw) for _ in range(REPEAT_RAW)] if raw else []
        p50, p95 = statistics.median(times), sorted(times)[int(REPEAT * 0.95) - 1]
        scan = round(statistics.median(against), 2) if against else None
        label = "agrégat des présences brutes, même base, même passage" if against else None
        for part, value in (("p50", p50), ("p95", p95)):
            _say(
                Result(
                    case=f"{name}, {case}, {part}",
                    value=value,
                    unit="ms",
                    peer=label,
                    peer_value=scan,
                    peer_run=bool(against),
                )
            )


def _say(result: Result) -> None:
    print(json.dumps(result.__dict__, ensure_ascii=False), flush=True)


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def _analyse() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _refreshing(name: str, presences: int) -> Iterator[Result]:
    """The first build of all figures, then what one corrected session costs."""
    from kalan.base import clock
    from kalan.indicators.services import refresh
    from kalan.training.models import DirtySession, Presence

    start = time.perf_counter()
    sessions = refresh.refresh(now=clock.now())
    whole = time.perf_counter() - start
    yield Result(
        f"{name}, premier calcul de {presences} présences ({sessions} séances)", whole, "s"
    )
    costs = []
    for presence in Presence.objects.order_by("pk").select_related("half_day")[:3000:300]:
        session = presence.half_day.session_id
        presence.delete()
        DirtySession.objects.create(session_id=session, since=clock.now())
        costs.append(_timed(lambda: refresh.ensure_fresh(now=clock.now())))
    yield Result(f"{name}, recalcul après une correction, médiane", statistics.median(costs), "ms")


def _cases() -> Iterator[tuple[str, Callable[[], object], Callable[[], object] | None]]:
    from kalan.base import clock
    from kalan.indicators.selectors.board import board
    from kalan.indicators.selectors.counts import people, total
    from kalan.indicators.selectors.coverage import count_coverage
    from kalan.indicators.selectors.public import public_figures
    from kalan.indicators.selectors.scope import Filters, reach_of
    from kalan.people.actor import SYSTEM
    from kalan.people.models import OrgNode
    from kalan.training.models import Programme, Theme

    programme = Programme.objects.order_by("pk")[0]
    theme = Theme.objects.order_by("pk")[0]
    region = OrgNode.objects.filter(kind="region").order_by("pk")[3]
    district = OrgNode.objects.filter(kind="district").order_by("pk")[7]
    structure = OrgNode.objects.filter(kind="structure").order_by("pk")[11]
    day = dt.date(2025, 12, 31)
    year: dict[str, Any] = {"start": dt.date(2023, 1, 1), "end": dt.date(2023, 12, 31)}
    odd = {"start": dt.date(2023, 2, 10), "end": dt.date(2023, 7, 20)}

    def case(label: str, **filters: Any) -> tuple[str, Any, Any]:
        reach = reach_of(SYSTEM, Filters(**filters))
        assert total(reach).registrations == _raw(**filters)["registrations"], label
        return label, lambda: people(reach), lambda: _raw(**filters)

    yield case("pays, tout")
    yield case("programme", programme=programme)
    yield case("programme et année", programme=programme, **year)
    yield case("région et année", node=region, **year)
    yield case("région", node=region)
    yield case("district", node=district)
    yield case("structure", node=structure)
    yield case("région et période libre", node=region, **odd)
    yield case("région et thème", node=region, theme=theme.pk)
    yield case("thème", theme=theme.pk)
    whole = reach_of(SYSTEM, Filters())
    local = reach_of(SYSTEM, Filters(node=region, **year))
    yield "tableau de bord complet, pays", lambda: board(whole, day=day), _raw
    yield (
        "tableau de bord complet, région et année",
        lambda: board(local, day=day),
        lambda: _raw(node=region, **year),
    )
    # The dashboard keeps coverage until a fact or the register changes; this is what it costs then.
    yield "couverture recomptée, pays", lambda: count_coverage(whole, day), None
    near = reach_of(SYSTEM, Filters(node=region))
    yield "couverture recomptée, région", lambda: count_coverage(near, day), None
    of_one = reach_of(SYSTEM, Filters(programme=programme))
    yield "couverture recomptée, programme", lambda: count_coverage(of_one, day), None
    yield "chiffres publics", lambda: public_figures(clock.now()), None


def _raw(**filters: Any) -> dict[str, int]:
    """The same totals from registrations and presences, by one query."""
    from django.db import connection

    wheres, values = ["s.state IN ('closed', 'validated')"], []
    if "programme" in filters:
        wheres.append("s.programme_id = %s")
        values.append(filters["programme"].pk)
    if "theme" in filters:
        wheres.append("s.theme_id = %s")
        values.append(filters["theme"])
    if "start" in filters:
        wheres.append("s.end BETWEEN %s AND %s".replace("s.end", 's."end"'))
        values += [filters["start"].isoformat(), filters["end"].isoformat()]
    if "node" in filters:
        from kalan.people.actor import path_range

        wheres.append("n.path >= %s AND n.path < %s")
        values += path_range(filters["node"].path)
    sql = f"""
        SELECT COUNT(*), SUM(present), COUNT(DISTINCT CASE WHEN done THEN agent_id END),
               COUNT(DISTINCT CASE WHEN done AND sex = 'F' THEN agent_id END),
               COUNT(DISTINCT CASE WHEN done THEN structure_id END)
        FROM (
          SELECT r.agent_id, a.sex, p.structure_id, COUNT(x.id) AS present,
                 COUNT(x.id) * 100 >= 80 * {HALF_DAYS} AS done
          FROM training_registration r
          JOIN training_session s ON s.id = r.session_id
          JOIN people_agent a ON a.id = r.agent_id
          JOIN people_post p ON p.agent_id = a.id AND p.is_main AND p.start <= s."end"
               AND (p."end" IS NULL OR p."end" >= s."end")
          JOIN people_orgnode n ON n.id = p.structure_id
          LEFT JOIN training_presence x ON x.registration_id = r.id
          WHERE {" AND ".join(wheres)}
          GROUP BY r.id, r.agent_id, a.sex, p.structure_id
        ) t
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        row = cursor.fetchone()
    names = ("registrations", "half_days", "trained", "women", "structures")
    return {name: int(value or 0) for name, value in zip(names, row, strict=True)}


# --- the data --------------------------------------------------------------------------------


def _fill(seed: int = 1) -> int:
    """A country whose sessions hold about PRESENCES presences; returns how many."""
    from kalan.base import clock
    from kalan.people.models import Agent, Cadre, OrgNode, Post
    from kalan.training.models import (
        DirtySession,
        HalfDay,
        Presence,
        Programme,
        Registration,
        Session,
        Theme,
    )

    pick, now = random.Random(seed), clock.now()
    structures = _tree()
    country = OrgNode.objects.get(depth=1)
    cadres = Cadre.objects.bulk_create(
        Cadre(country="sn", code=f"c{n}", title=f"Cadre {n}") for n in range(CADRES)
    )
    themes = Theme.objects.bulk_create(
        Theme(code=f"t{n}", name=f"Thème {n}") for n in range(THEMES)
    )
    first, last = dt.date(2021, 1, 1), dt.date(2025, 12, 31)
    programmes = Programme.objects.bulk_create(
        Programme(
            code=f"p{n}", name=f"Programme {n}", node=country, start=first, end=last, public=True
        )
        for n in range(PROGRAMMES)
    )
    wanted = int(PRESENCES / (HALF_DAYS * PRESENT))
    agents = Agent.objects.bulk_create(
        (
            Agent(
                country="sn",
                last_name=f"Nom{n}",
                first_names="Awa",
                search=f"nom{n} awa",
                sex=pick.choice("FFFMM"),
                birth_year=pick.randint(1962, 2001),
                cadre=pick.choice(cadres),
                created_at=now,
            )
            for n in range(max(wanted * 2 // 5, PER_SESSION * 4))
        ),
        batch_size=5000,
    )
    homes = [structures[min(int(pick.expovariate(1) * 400), len(structures) - 1)] for _ in agents]
    Post.objects.bulk_create(
        (
            Post(agent=agent, structure_id=home, cadre_id=agent.cadre_id, start=first)
            for agent, home in zip(agents, homes, strict=True)
        ),
        batch_size=5000,
    )
    by_structure: dict[int, list[int]] = {}
    for agent, home in zip(agents, homes, strict=True):
        by_structure.setdefault(home, []).append(agent.pk)
    sessions = Session.objects.bulk_create(
        (
            _session(n, pick, programmes, themes, pick.choice(homes), first, now)
            for n in range(wanted // PER_SESSION)
        ),
        batch_size=2000,
    )
    days = HalfDay.objects.bulk_create(
        (
            HalfDay(
                session=one,
                date=one.start + dt.timedelta(days=half // 2),
                part="ap"[half % 2] + "m",
            )
            for one in sessions
            for half in range(HALF_DAYS)
        ),
        batch_size=5000,
    )
    halves = {one.pk: days[n * HALF_DAYS : (n + 1) * HALF_DAYS] for n, one in enumerate(sessions)}
    presences = 0
    for begin in range(0, len(sessions), 500):
        chunk = sessions[begin : begin + 500]
        rows = Registration.objects.bulk_create(
            (
                Registration(session=one, agent_id=pk, state="convoked", created_at=now)
                for one in chunk
                for pk in _who(one, by_structure, agents, pick)
            ),
            batch_size=5000,
        )
        marks = [
            Presence(registration=row, half_day=half)
            for row in rows
            for half in halves[row.session_id]
            if pick.random() < PRESENT
        ]
        Presence.objects.bulk_create(marks, batch_size=10_000)
        presences += len(marks)
    DirtySession.objects.bulk_create(DirtySession(session=one, since=now) for one in sessions)
    return presences


def _who(
    session: Any, by_structure: dict[int, list[int]], agents: list[Any], pick: Any
) -> list[int]:
    """Half from the structure that hosts, half from anywhere."""
    near = by_structure[session.node_id]
    chosen = set(pick.sample(near, min(PER_SESSION // 2, len(near))))
    while len(chosen) < PER_SESSION:
        chosen.add(pick.choice(agents).pk)
    return sorted(chosen)


def _session(
    number: int, pick: Any, programmes: Any, themes: Any, node: int, first: dt.date, now: Any
) -> Any:
    from kalan.training.models import Session

    start = first + dt.timedelta(days=pick.randrange(MONTHS * 30))
    return Session(
        code=f"S{number}",
        title="Séance",
        programme=pick.choice(programmes),
        theme=pick.choice(themes),
        node_id=node,
        state="validated",
        start=start,
        end=start + dt.timedelta(days=1),
        validated_at=now,
        created_at=now,
    )


def _tree() -> list[int]:
    """Country, regions, districts, structures with their periods; keys of the structures."""
    from kalan.people.models import OrgNode, OrgNodePeriod

    def letters(number: int) -> str:
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        return f"00{digits[number // 36]}{digits[number % 36]}"

    nodes = [
        OrgNode(path="0001", depth=1, numchild=REGIONS, country="sn", kind="country", name="Pays")
    ]
    for r in range(1, REGIONS + 1):
        region = "0001" + letters(r)
        nodes.append(_node(region, "region", f"Région {r}", DISTRICTS))
        for d in range(1, DISTRICTS + 1):
            district = region + letters(d)
            nodes.append(_node(district, "district", f"District {r}.{d}", STRUCTURES))
            for s in range(1, STRUCTURES + 1):
                nodes.append(_node(district + letters(s), "structure", f"Structure {r}.{d}.{s}", 0))
    made = OrgNode.objects.bulk_create(nodes)
    by_path = {node.path: node for node in made}
    OrgNodePeriod.objects.bulk_create(
        OrgNodePeriod(node=node, start=dt.date(2015, 1, 1), parent=by_path.get(node.path[:-4]))
        for node in made
    )
    return [node.pk for node in made if node.kind == "structure"]


def _node(path: str, kind: str, name: str, children: int) -> Any:
    from kalan.people.models import OrgNode

    return OrgNode(
        path=path,
        depth=len(path) // 4,
        numchild=children,
        country="sn",
        kind=kind,
        name=name,
        search=name.lower(),
    )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    _measure(sys.argv[1])
