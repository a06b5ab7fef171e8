"""1 000 certificates from records to signed and stored: RSA-3072 and P-256, on SQLite.

Each house is fresh. Preparing reads the records; the click numbers, renders, signs, stores and
writes the register, in the worker's own process and its children. CPU is that of all of them;
memory is the largest PSS of a child, and that of 10 000 beside 1 000. After the clock has stopped
pyHanko and pdfsig judge every document. Peer: in the same run, a compiler, a PKCS#12 file and a
pyHanko signer made anew for each document, measured on 20 and scaled to 1 000.

``--small``: 100 documents. ``--rsa``, ``--p256``: that key only. ``--no-large``: without 10 000.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.result import Result
from bench.signers import child

NAIVE = 20
PEER = "Typst et pyHanko repris à neuf pour chaque document (20 mesurés, rapportés au nombre)"
BUDGET_WALL, BUDGET_CPU, BUDGET_PSS = 5.0, 9.0, 150.0


def run(options: Sequence[str] = ()) -> Iterator[Result]:
    number = 100 if "--small" in options else 1000
    keys = {"--rsa": "rsa-3072", "--p256": "p-256"}
    asked = [keys[option] for option in options if option in keys] or list(keys.values())
    for algorithm in asked:
        home = Path(tempfile.mkdtemp(prefix="kalan-bench-sign-"))
        try:
            yield from _one(home, algorithm, number, large=algorithm == asked[-1], options=options)
        finally:
            shutil.rmtree(home, ignore_errors=True)


def _one(
    home: Path, algorithm: str, number: int, *, large: bool, options: Sequence[str]
) -> Iterator[Result]:
    child(home, "make", algorithm)
    session = child(home, "train", str(number))["session"]
    prepared = child(home, "prepare", session)
    signed = child(home, "sign", prepared["batch"])
    if (signed["state"], signed["signed"]) != ("signed", number):
        raise SystemExit(f"{signed['signed']} actes signés sur {number}")
    name = f"{number} attestations, {algorithm}"
    naive = child(home, "naive", prepared["batch"], str(NAIVE))
    scale = number / naive["n"]
    wall = prepared["wall"] + signed["wall"]
    cpu = 1000 * (prepared["cpu"] + signed["cpu"]) / number
    yield Result(f"{name}, durée", wall, "s", PEER, naive["wall"] * scale, True)
    yield Result(f"{name}, CPU", cpu, "ms/acte", PEER, 1000 * naive["cpu"] / naive["n"], True)
    yield Result(f"{name}, durée au budget", wall, "s", "budget", BUDGET_WALL * number / 1000)
    yield Result(f"{name}, CPU au budget", cpu, "ms/acte", "budget", BUDGET_CPU)
    yield Result(f"{name}, dont préparation", prepared["wall"], "s")
    yield Result(f"{name}, dont clic (numéros, codes)", signed["order"], "s")
    own = 1000 * signed["parent_cpu"] / number
    yield Result(f"{name}, dont CPU du processus qui enregistre", own, "ms/acte")
    pss = signed["pss_child"]
    yield Result(f"{name}, mémoire d’un processus (PSS)", pss, "Mo", "budget", BUDGET_PSS)
    yield Result(f"{name}, mémoire du processus qui enregistre (PSS)", signed["pss_parent"], "Mo")
    if large and "--no-large" not in options:
        yield from _large(home, algorithm, 10 * number, pss)
    judged = child(home, "judge", prepared["batch"])
    for judge in ("pyhanko", "pdfsig"):
        yield Result(f"{name}, jugées bonnes par {judge}", judged[judge], "actes", "toutes", number)


def _large(home: Path, algorithm: str, number: int, pss: float) -> Iterator[Result]:
    session = child(home, "train", str(number))["session"]
    prepared = child(home, "prepare", session)
    signed = child(home, "sign", prepared["batch"])
    name = f"{number} attestations, {algorithm}"
    yield Result(f"{name}, durée", prepared["wall"] + signed["wall"], "s")
    cpu = 1000 * (prepared["cpu"] + signed["cpu"]) / number
    yield Result(f"{name}, CPU", cpu, "ms/acte", "budget", BUDGET_CPU)
    peer = f"avec {number // 10}"
    yield Result(
        f"{name}, mémoire d’un processus (PSS)", signed["pss_child"], "Mo", peer, pss, True
    )
