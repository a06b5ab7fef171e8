"""The worker killed at random points while it signs: 1 000 acts, 50 kills, then what is left.

Each kill is SIGKILL to the worker alone or with its children, at a moment drawn anew. At the end
every act is signed once, numbers and codes are all different, the register and every file hold.

``--small``: 100 acts, 10 kills. ``--seed=N``: other moments.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.result import Result
from bench.signers import child, environment

READY_WITHIN = 120.0  # seconds for a worker to take the job
DONE_WITHIN = 900.0
FEW = 30  # acts left: from then on kills come while the processes start, so that some remain


@dataclass(frozen=True)
class Killed:
    """``kills`` that were dealt while acts were still to be signed; ``mid``: of those, after the
    first acts were stored and before the last; ``verdict``: of ``bench.signers``."""

    kills: int
    mid: int
    retries: int
    verdict: dict[str, Any]


def run(options: Sequence[str] = ()) -> Iterator[Result]:
    acts, kills = (100, 10) if "--small" in options else (1000, 50)
    seed = next((int(one[7:]) for one in options if one.startswith("--seed=")), 1)
    home = Path(tempfile.mkdtemp(prefix="kalan-bench-kill-"))
    try:
        found = killed(home, acts=acts, kills=kills, seed=seed, sample="100")
    finally:
        shutil.rmtree(home, ignore_errors=True)
    said, name = found.verdict, f"{acts} actes, {found.kills} arrêts brutaux"
    yield Result(f"{name}, actes signés", said["signed"], "actes", "demandés", acts)
    yield Result(f"{name}, numéros distincts", said["numbers"], "numéros", "demandés", acts)
    yield Result(f"{name}, codes distincts", said["codes"], "codes", "demandés", acts)
    yield Result(f"{name}, défauts du registre", len(said["problems"]), "défauts", "aucun", 0)
    yield Result(f"{name}, paquets sans ligne après coup", said["orphans"], "fichiers")
    yield Result(f"{name}, arrêts au milieu du travail", found.mid, "arrêts")
    good = min(said["pyhanko"], said["pdfsig"])
    yield Result(f"{name}, jugés bons sur {said['judged']}", good, "actes", "tous", said["judged"])


def killed(home: Path, *, acts: int, kills: int, seed: int, sample: str) -> Killed:
    """Kill the worker ``kills`` times while it signs ``acts``, then let it finish."""
    drawn = random.Random(seed)
    given = child(home, "world", "p-256", str(acts))
    look = _Look(home)
    done = mid = retries = 0
    section = max(10, acts // 10)  # acts made and stored together, at most
    while done < kills and look.planned():
        before = look.signed()
        worker = _start(home)
        try:
            _wait(look.running, READY_WITHIN)
            # So rarely that acts are left to the last kill: a section is stored before such a one.
            if drawn.random() < (look.planned() - FEW) / (section * (kills - done)):
                packs = look.packs()
                _wait(partial(look.more_than, packs), READY_WITHIN)
                time.sleep(drawn.uniform(0, 0.08))
            else:
                time.sleep(drawn.uniform(0, 0.6 if look.planned() > section else 0.3))
        finally:
            _kill(worker, everyone=drawn.random() < 0.5)
        after = look.signed()
        done += 1
        mid += before < after < acts or 0 < after < acts
        if look.failed():
            child(home, "retry", given["run"])
            retries += 1
    worker = _start(home)
    try:
        _wait(lambda: look.finished() or look.failed(), DONE_WITHIN)
        if look.failed():
            child(home, "retry", given["run"])
            _wait(look.finished, DONE_WITHIN)
    finally:
        _kill(worker, everyone=True)
    return Killed(done, mid, retries, child(home, "verdict", given["batch"], sample))


def _start(home: Path) -> subprocess.Popen[bytes]:
    with (home / "worker.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "kalan.config.cli", "worker"],
            env=environment(home),
            cwd=home,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _kill(worker: subprocess.Popen[bytes], *, everyone: bool) -> None:
    """SIGKILL to the worker; ``everyone``: to its children at the same time."""
    with contextlib.suppress(ProcessLookupError):
        if everyone:
            os.killpg(worker.pid, signal.SIGKILL)
        else:
            worker.kill()
    worker.wait()


def _wait(ready: Any, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing after {seconds} s")
        time.sleep(0.02)


class _Look:
    """What the database says, read beside the worker."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._path = home / "kalan.sqlite3"

    def _one(self, sql: str) -> Any:
        with contextlib.closing(sqlite3.connect(self._path, timeout=30)) as database:
            return database.execute(sql).fetchone()[0]

    def _job(self) -> str:
        return str(self._one("SELECT state FROM base_job ORDER BY id DESC LIMIT 1"))

    def running(self) -> bool:
        return self._job() in ("running", "done") or self.failed()

    def failed(self) -> bool:
        return self._job() == "failed"

    def planned(self) -> int:
        return int(self._one("SELECT count(*) FROM credentials_act WHERE state = 'planned'"))

    def signed(self) -> int:
        return int(self._one("SELECT count(*) FROM credentials_act WHERE state = 'signed'"))

    def packs(self) -> set[str]:
        """Packs on the disk, also those that no row names yet."""
        return {path.name for path in (self._home / "files" / "actes").glob("*/*/*")}

    def more_than(self, packs: set[str]) -> bool:
        return bool(self.packs() - packs) or self.finished() or self.failed()

    def finished(self) -> bool:
        sql = "SELECT count(*) FROM credentials_signingrun WHERE finished_at IS NULL"
        return not self._one(sql)
