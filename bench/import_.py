"""Importing 100 000 agents: read, check and report; the write lock; memory. Peer: the same file
through django-import-export (agents only: it writes neither posts nor history).

Each measured run is a process of its own with a fresh SQLite database, so that its peak memory is
its own. While it runs, another process writes one small row every 20 ms and notes its longest wait.
"""

from __future__ import annotations

import csv
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.result import Result

ROWS = int(os.environ.get("KALAN_BENCH_IMPORT_ROWS", "100000"))
STRUCTURES = 1500
PEER = "django-import-export 4.4 (agents seuls : ni postes, ni historique)"
PEER_LIMIT = 1800  # seconds
HEAD = ("Matricule", "Nom", "Prénoms", "Sexe", "Année de naissance", "Téléphone", "E-mail", "Cadre",
        "Structure", "District", "Employeur", "Statut", "Fonction",
        "Date de prise de service")  # fmt: skip
FIRST = ("Awa", "Fatou", "Moussa", "Ibrahima", "Aïssatou", "Ousmane", "Mariama", "Cheikh", "Ndèye")
LAST = ("Diouf", "Ndiaye", "Fall", "Diop", "Sow", "Ba", "Faye", "Sarr", "N’Diaye", "Gueye", "Seck")


def rows(seed: int = 1) -> Iterator[list[str | int]]:
    """One agent in five has no matricule; names repeat as they do in a country."""
    pick = random.Random(seed)
    for number in range(ROWS):
        place = pick.randrange(STRUCTURES)
        yield [
            f"M{number:06d}" if number % 5 else "",
            f"{pick.choice(LAST)}-{pick.choice(LAST)}",
            f"{pick.choice(FIRST)} {pick.choice(FIRST)} {number % 89}",
            pick.choice("FM"),
            pick.randint(1960, 2002),
            f"77{pick.randint(1_000_000, 9_999_999)}",
            f"agent{number}@exemple.sn",
            "infirmier d’État",
            f"Poste de santé {place}",
            f"District {place % 78}",
            "État",
            "fonctionnaire",
            "infirmier chef de poste",
            f"{pick.randint(1, 28):02d}/{pick.randint(1, 12):02d}/{pick.randint(1990, 2022)}",
        ]


def write_files(folder: Path) -> None:
    import xlsxwriter

    book = xlsxwriter.Workbook(str(folder / "agents.xlsx"), {"constant_memory": True})
    sheet = book.add_worksheet("Agents")
    with (folder / "agents.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, delimiter=";")
        out.writerow(HEAD)
        sheet.write_row(0, 0, HEAD)
        for number, row in enumerate(rows(), start=1):
            out.writerow(row)
            for column, cell in enumerate(row):
                if isinstance(cell, int):
                    sheet.write_number(number, column, cell)
                elif cell:
                    sheet.write_string(number, column, cell)
    book.close()


def run(options: Sequence[str]) -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="kalan-bench-") as name:
        folder = Path(name)
        write_files(folder)
        peer = _child("peer", folder, folder / "agents.xlsx", PEER_LIMIT)
        for kind in ("xlsx", "csv"):
            ours = _child("kalan", folder, folder / f"agents.{kind}", 900)
            yield from _lines(kind, ours, peer)


def _lines(kind: str, ours: dict[str, Any], peer: dict[str, Any]) -> Iterator[Result]:
    peers = {"check": "dry_run", "check_cpu": "dry_run_cpu"}
    for key, case, unit in (
        ("check", "lire, vérifier, rapport", "s"),
        ("check_cpu", "lire, vérifier, rapport : processeur", "s"),
        ("write", "écrire", "s"),
        ("lock", "verrou d’écriture de la fusion", "s"),
        ("lock_cpu", "verrou d’écriture de la fusion : processeur", "s"),
        ("wait", "plus longue attente d’un autre qui écrit", "s"),
        ("recheck", "vérifier le même fichier une seconde fois", "s"),
        ("peak", "mémoire au plus haut", "Mo"),
    ):
        against = peer.get(peers.get(key, key))
        yield Result(
            f"{kind}, {ROWS} lignes : {case}",
            ours[key],
            unit,
            peer=PEER if against else None,
            peer_value=round(against, 2) if against else None,
            peer_run=bool(against),
        )


def _child(what: str, folder: Path, path: Path, limit: int) -> dict[str, Any]:
    home = tempfile.mkdtemp(prefix=f"{what}-", dir=folder)
    environment = os.environ | {
        "KALAN_HOME": home,
        "KALAN_COUNTRY": "sn",
        "DJANGO_SETTINGS_MODULE": "kalan.config.settings",
    }
    environment.pop("KALAN_DATABASE_URL", None)
    command = [sys.executable, "-m", "bench.import_", what, str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=limit)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


# --- inside the measured process -------------------------------------------------------------


def _prepare() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from kalan.base.text import fold
    from kalan.people.models import Cadre, OrgNode

    call_command("migrate", verbosity=0)

    def node(path: str, kind: str, name: str, children: int) -> OrgNode:
        return OrgNode(path=path, depth=len(path) // 4, numchild=children, country="sn", kind=kind,
                       name=name, search=fold(name))  # fmt: skip

    made = [node("0001", "country", "Sénégal", 1), node("00010001", "region", "Fatick", 78)]
    for district in range(78):
        path = f"00010001{_step(district)}"
        inside = range(district, STRUCTURES, 78)
        made.append(node(path, "district", f"District {district}", len(inside)))
        made += [
            node(path + _step(n), "structure", f"Poste de santé {place}", 0)
            for n, place in enumerate(inside)
        ]
    OrgNode.objects.bulk_create(made)
    Cadre.objects.create(country="sn", code="ide", title="infirmier d’État")


def _step(number: int) -> str:
    digits, number = "", number + 1
    for _ in range(4):
        number, digit = divmod(number, 36)
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[digit] + digits
    return digits


def _writer() -> subprocess.Popen[str]:
    """A process that writes one row every 20 ms until its stdin closes, then says its worst."""
    writer = subprocess.Popen(
        [sys.executable, "-m", "bench.import_", "writer", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    return writer


def _stop(writer: subprocess.Popen[str]) -> float:
    out, _ = writer.communicate("")
    return float(json.loads(out)["wait"])


def _write_now_and_then() -> None:
    import select

    import django

    django.setup()
    from django.db import OperationalError

    from kalan.base import clock
    from kalan.base.models import ColumnMapping

    worst = 0.0
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0.02)[0]:
        began, stored = time.monotonic(), False
        while not stored:  # after 20 s the person would see an error; here the wait goes on
            try:
                ColumnMapping.objects.update_or_create(
                    kind="bench", header_key="x", defaults={"mapping": {}, "used_at": clock.now()}
                )
                stored = True
            except OperationalError:
                continue
        worst = max(worst, time.monotonic() - began)
    print(json.dumps({"wait": worst}))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _kalan(path: Path) -> dict[str, Any]:
    _prepare()
    from django.core.files import File

    from kalan.base import clock
    from kalan.base.imports import pipeline, registry
    from kalan.base.imports.sql import small_footprint
    from kalan.people.actor import SYSTEM
    from kalan.people.models import Agent, Post
    from kalan.people.services import imports

    kind = registry.get("staff")
    assert kind is not None
    held: list[float] = []
    merge = pipeline._merge

    def measured(run: Any, kind: Any) -> float:
        began = time.process_time()
        held.append(merge(run, kind))
        held.append(time.process_time() - began)
        return held[0]

    pipeline._merge = measured
    writer = _writer()
    began, began_cpu = time.monotonic(), time.process_time()

    def check() -> Any:
        with path.open("rb") as file:
            run = imports.deposit(
                actor=SYSTEM, now=clock.now(), kind=kind, content=File(file), name=path.name
            )
        imports.start_check(actor=SYSTEM, now=clock.now(), run=run, mapping=run.mapping, options={})
        with small_footprint():
            pipeline.check(run.pk)
        run.refresh_from_db()
        return run

    run = check()
    checked, checked_cpu = time.monotonic(), time.process_time()
    assert run.counts["new"] == ROWS, run.counts
    imports.start_apply(actor=SYSTEM, now=clock.now(), run=run)
    with small_footprint():
        pipeline.apply(run.pk)
    applied = time.monotonic()
    wait = _stop(writer)
    assert (Agent.objects.count(), Post.objects.count()) == (ROWS, ROWS)
    again = time.monotonic()
    second = check()
    assert second.counts["same"] == ROWS, second.counts
    return {
        "check": checked - began,
        "check_cpu": checked_cpu - began_cpu,
        "write": applied - checked,
        "lock": held[0],
        "lock_cpu": held[1],
        "wait": wait,
        "recheck": time.monotonic() - again,
        "peak": _peak(),
    }


def _peer(path: Path) -> dict[str, Any]:
    _prepare()
    import tablib
    from import_export import fields, resources, widgets
    from import_export.instance_loaders import CachedInstanceLoader

    from kalan.base import clock
    from kalan.base.text import fold
    from kalan.people.models import Agent, Cadre

    class AgentResource(resources.ModelResource):  # type: ignore[misc]
        matricule = fields.Field("matricule", "Matricule")
        last_name = fields.Field("last_name", "Nom")
        first_names = fields.Field("first_names", "Prénoms")
        sex = fields.Field("sex", "Sexe")
        birth_year = fields.Field("birth_year", "Année de naissance", widgets.IntegerWidget())
        phone = fields.Field("phone", "Téléphone")
        email = fields.Field("email", "E-mail")
        cadre = fields.Field("cadre", "Cadre", widgets.ForeignKeyWidget(Cadre, "title"))

        class Meta:
            model = Agent
            import_id_fields = ("email",)  # the one column that is unique and always filled
            instance_loader_class = CachedInstanceLoader  # else one unindexed query a row
            use_bulk = True
            batch_size = 1000
            skip_diff = False
            fields = ("matricule", "last_name", "first_names", "sex", "birth_year", "phone",
                      "email", "cadre")  # fmt: skip

        def before_save_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
            instance.country, instance.created_at = "sn", clock.now()
            instance.matricule = instance.matricule or None
            instance.search = fold(f"{instance.last_name} {instance.first_names}")

    writer = _writer()
    began, began_cpu = time.monotonic(), time.process_time()
    data = tablib.Dataset().load(path.read_bytes(), format="xlsx")
    result = AgentResource().import_data(data, dry_run=True)
    assert not result.has_errors(), result.row_errors()[:1]
    checked, checked_cpu = time.monotonic(), time.process_time()
    AgentResource().import_data(data, dry_run=False, raise_errors=True)
    applied = time.monotonic()
    wait = _stop(writer)
    assert Agent.objects.count() == ROWS
    return {
        "dry_run": checked - began,
        "dry_run_cpu": checked_cpu - began_cpu,
        "write": applied - checked,
        "wait": wait,
        "peak": _peak(),
    }


if __name__ == "__main__":
    action, argument = sys.argv[1:3]
    if action == "writer":
        _write_now_and_then()
    else:
        measure = {"kalan": _kalan, "peer": _peer}[action]
        print(json.dumps(measure(Path(argument))))
