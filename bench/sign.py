"""1 000 certificates from records to signed and stored: RSA-3072 and P-256, on SQLite.

Preparing reads the records; the click numbers, renders, signs, stores and writes the register, in
the worker's own process and its children. CPU is that of all of them; memory is the largest PSS of
a child, and that of 10 000 beside 1 000. The keys take turns, each time in a session of its own,
with plates (one a section of the batch) and without (Typst makes each document), and the medians
are told: one run after the other says more of the machine than of the key. After
the clock has stopped pyHanko and pdfsig judge every document of the last turn. Peer: in the same
run, a compiler, a PKCS#12 file and a pyHanko signer made anew for each document, measured on 20 and
scaled to 1 000.

``--small``: 100 documents, one turn. ``--rsa``, ``--p256``: that key only. ``--no-large``: without
10 000.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.result import Result
from bench.signers import child

NAIVE = 20
TURNS = 3
PEER = "Typst et pyHanko repris à neuf pour chaque document (20 mesurés, rapportés au nombre)"
BUDGET_WALL, BUDGET_CPU, BUDGET_PSS = 5.0, 9.0, 150.0
_MEASURED = ("wall", "cpu", "own", "preparing", "order")


def run(options: Sequence[str] = ()) -> Iterator[Result]:
    small = "--small" in options
    number = 100 if small else 1000
    keys = {"--rsa": "rsa-3072", "--p256": "p-256"}
    asked = [keys[option] for option in options if option in keys] or list(keys.values())
    homes = {key: Path(tempfile.mkdtemp(prefix="kalan-bench-sign-")) for key in asked}
    try:
        for key, home in homes.items():
            child(home, "make", key)
        ways = [(key, plates) for key in asked for plates in (True, False)]
        turns: dict[tuple[str, bool], list[dict[str, Any]]] = {way: [] for way in ways}
        for turn in range(1 if small else TURNS):
            for key, plates in ways if turn % 2 == 0 else reversed(ways):
                turns[key, plates].append(_turn(homes[key], number, plates=plates))
        for key, home in homes.items():
            large = key == asked[-1] and "--no-large" not in options
            yield from _told(home, key, number, turns[key, True], large=large)
            yield from _without(key, number, turns[key, False])
    finally:
        for home in homes.values():
            shutil.rmtree(home, ignore_errors=True)


def _turn(home: Path, number: int, *, plates: bool = True) -> dict[str, Any]:
    """One batch from records to signed and stored."""
    session = child(home, "train", str(number))["session"]
    prepared = child(home, "prepare", session)
    signed = child(home, "sign", prepared["batch"], KALAN_SIGNING_PLATES=str(int(plates)))
    if (signed["state"], signed["signed"]) != ("signed", number):
        raise SystemExit(f"{signed['signed']} actes signés sur {number}")
    return {
        **signed,
        "batch": prepared["batch"],
        "preparing": prepared["wall"],
        "wall": prepared["wall"] + signed["wall"],
        "cpu": 1000 * (prepared["cpu"] + signed["cpu"]) / number,
        "own": 1000 * signed["parent_cpu"] / number,
    }


def _told(
    home: Path, key: str, number: int, turns: list[dict[str, Any]], *, large: bool
) -> Iterator[Result]:
    middle = {name: median(turn[name] for turn in turns) for name in _MEASURED}
    wall, cpu = middle["wall"], middle["cpu"]
    name = f"{number} attestations, {key}"
    naive = child(home, "naive", turns[-1]["batch"], str(NAIVE))
    scaled = naive["wall"] * number / naive["n"]
    yield Result(f"{name}, durée", wall, "s", PEER, scaled, True)
    yield Result(f"{name}, CPU", cpu, "ms/acte", PEER, 1000 * naive["cpu"] / naive["n"], True)
    yield Result(f"{name}, durée au budget", wall, "s", "budget", BUDGET_WALL * number / 1000)
    yield Result(f"{name}, CPU au budget", cpu, "ms/acte", "budget", BUDGET_CPU)
    plated = min(turn["plated"] for turn in turns)
    yield Result(f"{name}, faites d’un moule", plated, "actes", "toutes", number)
    yield Result(f"{name}, dont préparation", middle["preparing"], "s")
    yield Result(f"{name}, dont clic (numéros, codes)", middle["order"], "s")
    yield Result(f"{name}, dont CPU du processus qui enregistre", middle["own"], "ms/acte")
    pss = max(turn["pss_child"] for turn in turns)
    yield Result(f"{name}, mémoire d’un processus (PSS)", pss, "Mo", "budget", BUDGET_PSS)
    most = max(turn["pss_parent"] for turn in turns)
    yield Result(f"{name}, mémoire du processus qui enregistre (PSS)", most, "Mo")
    if large:
        yield from _large(home, key, 10 * number, pss)
    judged = child(home, "judge", turns[-1]["batch"])
    for judge in ("pyhanko", "pdfsig"):
        yield Result(f"{name}, jugées bonnes par {judge}", judged[judge], "actes", "toutes", number)


def _without(key: str, number: int, turns: list[dict[str, Any]]) -> Iterator[Result]:
    middle = {name: median(turn[name] for turn in turns) for name in _MEASURED}
    name = f"{number} attestations, {key}, sans moule"
    yield Result(f"{name}, durée", middle["wall"], "s")
    yield Result(f"{name}, CPU", middle["cpu"], "ms/acte")


def _large(home: Path, key: str, number: int, pss: float) -> Iterator[Result]:
    turn = _turn(home, number)
    name = f"{number} attestations, {key}"
    yield Result(f"{name}, durée", turn["wall"], "s")
    yield Result(f"{name}, CPU", turn["cpu"], "ms/acte", "budget", BUDGET_CPU)
    peer = f"avec {number // 10}"
    yield Result(f"{name}, mémoire d’un processus (PSS)", turn["pss_child"], "Mo", peer, pss, True)
