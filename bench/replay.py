"""The integer protocol: a million sittings in Python and in JavaScript, compared byte for byte."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from bench.result import Result
from kalan.engine.psychometrics import protocol
from kalan.engine.psychometrics.data import Bank
from kalan.engine.psychometrics.protocol.batch import simulate
from kalan.engine.psychometrics.protocol.package import Package, package

SITTINGS = int(os.environ.get("KALAN_BENCH_REPLAYS", "1000000"))
BLOCK = 20_000
TWIN = Path(protocol.__file__).parent / "crosscheck.mjs"
NODE = "Node, replay.mjs"


def tables() -> Package:
    """The standard 3PL bank of 500 (seed 20261121), five areas, 20 items, quotas 3 to 5."""
    rng = np.random.default_rng(20261121)
    a, b = np.exp(rng.normal(0.2, 0.3, 500)), rng.normal(0.0, 1.2, 500)
    bank = Bank.logistic(a, b, rng.uniform(0.10, 0.25, 500), area=[f"d{n % 5}" for n in range(500)])
    quotas = {f"d{n}": (3, 5) for n in range(5)}
    return package(bank, shortest=20, longest=20, quotas=quotas, eligible=np.full(500, 0.6))


def run(options: Sequence[str]) -> Iterator[Result]:
    made = tables()
    with tempfile.TemporaryDirectory(prefix="kalan-bench-") as name:
        path, out = Path(name) / "package.json", Path(name) / "out.bin"
        path.write_text(made.to_json(), encoding="utf-8")
        began = time.monotonic()
        command = ["node", TWIN, path, out, str(SITTINGS), "1"]
        subprocess.run(command, check=True)
        theirs = time.monotonic() - began
        size = 4 * (3 + 2 * made.longest)
        different, spent, error = 0, 0.0, 0.0
        with out.open("rb") as file:
            for first in range(0, SITTINGS, BLOCK):
                sittings = min(BLOCK, SITTINGS - first)
                start = time.process_time()
                many = simulate(made, sittings, seed=1, first=first)
                spent += time.process_time() - start
                error += float((((many.estimate - 1000 * many.true) / 1000 * made.step) ** 2).sum())
                ours = np.frombuffer(many.bytes(), np.uint8).reshape(sittings, size)
                other = np.frombuffer(file.read(sittings * size), np.uint8).reshape(sittings, size)
                different += int((ours != other).any(axis=1).sum())
    yield Result(f"{SITTINGS} tests rejoués : différences", different, "tests", NODE, 0, True)
    yield Result(
        "tests rejoués par seconde", SITTINGS / spent, "/s", NODE, SITTINGS / theirs, True, True
    )
    yield Result("RMSE en nombres entiers", float(np.sqrt(error / SITTINGS)), "θ")
