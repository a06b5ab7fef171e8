"""Export of a campaign of 10 000 participants with their results, on SQLite and PostgreSQL.

Time, memory and queries of the whole answer (CSV and XLSX), each in a process of its own that has
just been filled. The goal is 10 s; the peer's figure is Pix Orga's own limit of 30 s, at which
3 000 participants could not be exported (a reference figure: 1024pix/pix #775, #784).
"""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import Any

from bench.result import Result

PARTICIPANTS = int(os.environ.get("KALAN_BENCH_PARTICIPANTS", "10000"))
STRUCTURES, DOMAINS, LEVELS = 200, 5, 4
SHARED = 0.7  # of the results
PEER = "Pix Orga, 3 000 participants : arrêté à la limite de 30 s (figure de référence)"
PEER_SECONDS = 30.0
LIMIT = 900  # seconds for one database


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
    for step in ("fill", "csv", "xlsx"):
        done = subprocess.run(
            [sys.executable, "-m", "bench.export", step],
            env=clean,
            stdout=subprocess.PIPE,
            text=True,
            timeout=LIMIT,
            check=True,
        )
        for line in done.stdout.splitlines():
            case, value, unit = json.loads(line)
            peer = (PEER, PEER_SECONDS) if unit == "s" else (None, None)
            yield Result(f"{name}, {case}", value, unit, peer=peer[0], peer_value=peer[1])


def _fill() -> None:
    """Agents, participants, finished sittings with five domains each: rows, no answers."""
    from kalan.config import supervise

    supervise.prepare()
    from django.db import transaction

    with transaction.atomic():
        _rows(random.Random(20230317))


def _rows(draw: random.Random) -> None:
    from tests.factories import campaigns, people
    from tests.factories.people import NOW

    from kalan.assessment.models import DomainResult, Result, Sitting
    from kalan.campaigns.models import Participant, ParticipantSitting
    from kalan.people.models import Agent, OrgNode

    tree = people.tree()
    country = tree.country
    made = campaigns.campaign(country, test=_test(country), closes_on=dt.date(2120, 1, 1))
    step = made.steps.select_related("test").get()
    people.account("region", country, email="region@exemple.sn")
    places = [people.node(tree.sokone, "structure", f"Poste {n}") for n in range(STRUCTURES)]
    places = list(OrgNode.objects.filter(pk__in=[one.pk for one in places]).order_by("pk"))
    cadre = people.cadre()
    names = ("Diouf", "Ndiaye", "Sarr", "Faye", "Sow", "Diop", "Traoré", "Coulibaly")
    agents = Agent.objects.bulk_create(
        Agent(country="sn", matricule=f"M{n}", last_name=f"{draw.choice(names)}{n % 97}",
              first_names="Awa", search=f"nom{draw.randrange(10**6)} awa", sex="F", cadre=cadre,
              created_at=NOW)
        for n in range(PARTICIPANTS)
    )  # fmt: skip
    rows = Participant.objects.bulk_create(
        Participant(campaign=made, agent=agent, structure=draw.choice(places), cadre=cadre,
                    sex="F", search=agent.search, state="finished", added_at=NOW, started_at=NOW,
                    finished_at=NOW, shared_at=NOW if draw.random() < SHARED else None)
        for agent in agents
    )  # fmt: skip
    assert step.test is not None
    frozen = step.test.frozen.get()
    sittings = Sitting.objects.bulk_create(
        Sitting(test=step.test, frozen=frozen, agent=row.agent, structure=row.structure,
                cadre=cadre, sex="F", context="campaign", state="finished", seed=1,
                created_at=NOW, started_at=NOW, finished_at=NOW, log="x" * 300)
        for row in rows
    )  # fmt: skip
    ParticipantSitting.objects.bulk_create(
        ParticipantSitting(participant=row, step=step, sitting=sitting)
        for row, sitting in zip(rows, sittings, strict=True)
    )
    results = Result.objects.bulk_create(
        Result(sitting=sitting, frozen_version=frozen.version, answers=20,
               theta=draw.gauss(0, 1), se=0.4, level=f"N{draw.randrange(LEVELS)}",
               level_probability=0.7, percent=draw.uniform(20, 100), computed_at=NOW)
        for sitting in sittings
    )  # fmt: skip
    DomainResult.objects.bulk_create(
        DomainResult(result=result, domain=f"d{n}", answers=4, theta=draw.gauss(0, 1), sd=0.5,
                     level=f"N{draw.randrange(LEVELS)}", level_probability=0.6, to_confirm=n == 1)
        for result in results
        for n in range(DOMAINS)
    )  # fmt: skip


def _test(country: Any) -> Any:
    """A published test on a framework of DOMAINS domains and LEVELS levels."""
    from tests.factories import campaigns

    from kalan.skills.models import FrameworkLevel, FrameworkNode

    made = campaigns.test_of(country)
    on = made.bank.framework
    on.nodes.all().delete()
    on.levels.all().delete()
    for n in range(DOMAINS):
        FrameworkNode.objects.create(
            framework=on, kind="domain", code=f"d{n}", name=f"Domaine {n}", rank=n
        )
    for n in range(LEVELS):
        FrameworkLevel.objects.create(framework=on, rank=n, code=f"N{n}", name=f"Niveau {n}")
    return made


def _measure(fmt: str) -> None:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from kalan.campaigns.models import Campaign
    from kalan.people.models import Account

    client = Client()
    client.force_login(Account.objects.get(email="region@exemple.sn"))
    base = f"/gestion/campagnes/{Campaign.objects.get().uid}/"
    assert client.get(base).status_code == 200  # code and templates are loaded
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with CaptureQueriesContext(connection) as queries:
        start = time.perf_counter()
        answer = client.get(f"{base}participants/?format={fmt}")
        took = time.perf_counter() - start
    assert answer.status_code == 200
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    case = f"{fmt.upper()} de {PARTICIPANTS} participants"
    _say(f"{case} : durée", took, "s")
    _say(f"{case} : mémoire de plus", peak - before, "Mo")
    _say(f"{case} : requêtes SQL", len(queries), "requêtes")
    _say(f"{case} : taille", len(answer.content) / 1e6, "Mo ")
    if fmt == "csv":
        lines = answer.content.count(b"\n")
        assert lines == PARTICIPANTS + 1, lines


def _say(case: str, value: float, unit: str) -> None:
    print(json.dumps([case, value, unit], ensure_ascii=False), flush=True)


def main(step: str) -> None:
    import django

    django.setup()
    import logging

    from django.test.utils import setup_test_environment

    setup_test_environment()
    logging.disable(logging.CRITICAL)
    if step == "fill":
        _fill()
    else:
        _measure(step)


if __name__ == "__main__":
    main(sys.argv[1])
