"""Runs the checks by kind and says what came of them. Started by script/test.

The last line is JSON: passed, failed, skipped, in all and by kind. Exit 0: all passed, nothing
required was skipped; 1: something failed; 3: something required was skipped.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
BIN = Path(sys.prefix) / "bin"
sys.path.insert(0, str(TOP))

from tests.support import postgres, statements  # noqa: E402 - needs the line above
from tests.support.browsers import BROWSERS, HEADLESS  # noqa: E402

STYLE = {
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "djade": ["djade", "--check", "--target-version", "5.2"],
    "shell": ["sh", "-n", "script/_setup"],
}
TYPES = {"mypy": ["mypy"]}
FLOORS = {"lint-imports": ["lint-imports"]}
MIGRATIONS = {
    "makemigrations": ["python", "-m", "django", "makemigrations", "--check", "--dry-run"],
    "system check": ["python", "-m", "django", "check", "--fail-level", "WARNING"],
}
PLAIN = "not e2e and not process"
# Side by side: the first row mostly waits, for browsers and for processes it starts, and the
# second fills the time left over on the processors.
ROWS = (("browser", "process"), ("style", "types", "floors", "migrations", "unit", "postgresql"))

# kind: what must be on the machine for it
KINDS = {
    "style": (),
    "types": (),
    "floors": (),
    "migrations": (),
    "unit": ("pdftoppm", "node", "npm packages", "softhsm2", "zbarimg"),
    "postgresql": ("postgresql", "pdftoppm", "zbarimg"),
    "process": ("redis-server", "postgresql", "pdftoppm", "softhsm2"),
    "browser": ("chromium", "java", "npm packages", "noto fonts", "pdftoppm", "zbarimg"),
}
DEBIAN = {
    "pdftoppm": "poppler-utils",
    "postgresql": "postgresql",
    "redis-server": "redis-server",
    "headless chromium": HEADLESS,
    "chromium": "chromium",
    "java": "default-jre-headless",
    "noto fonts": "fonts-noto-core",
    "npm": "npm",
    "node": "nodejs",
    "softhsm2": "softhsm2",
    "zbarimg": "zbar-tools",
}


# Where to keep what each test sends to PostgreSQL (tests/support/statements.py).
STATEMENTS = os.environ.get("KALAN_TEST_STATEMENTS")
OUTCOMES = ("passed", "failed", "skipped")


@dataclass
class Tally:
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, kind: str, outcome: str, number: int = 1) -> None:
        self.counts.setdefault(kind, Counter())[outcome] += number

    def merge(self, kinds: dict[str, dict[str, float]]) -> None:
        """Add what another run has counted."""
        for kind, found in kinds.items():
            if "seconds" in found:
                self.seconds[kind] = found["seconds"]
            for outcome in OUTCOMES:
                if outcome in found:
                    self.add(kind, outcome, int(found[outcome]))

    def total(self, outcome: str) -> int:
        return sum(counts[outcome] for counts in self.counts.values())

    def as_json(self) -> str:
        kinds = {
            kind: {**{name: counts[name] for name in OUTCOMES}}
            for kind, counts in self.counts.items()
        }
        for kind, seconds in self.seconds.items():
            kinds.setdefault(kind, {})["seconds"] = round(seconds, 1)
        return json.dumps({**{name: self.total(name) for name in OUTCOMES}, "kinds": kinds})


def say(text: str) -> None:
    print(text, flush=True)


def present() -> dict[str, bool]:
    """What the machine has of what tests need."""
    noto = Path("/usr/share/fonts/truetype/noto")
    return {
        "pdftoppm": shutil.which("pdftoppm") is not None,
        "postgresql": postgres.binaries() is not None,
        "redis-server": any(map(shutil.which, ("redis-server", "valkey-server"))),
        "headless chromium": shutil.which(HEADLESS) is not None,
        "chromium": any(map(shutil.which, BROWSERS)),
        "java": shutil.which("java") is not None,
        "noto fonts": noto.exists() or shutil.which("fc-list") is None,
        "npm": shutil.which("npm") is not None,
        "node": shutil.which("node") is not None,
        "npm packages": _npm_stamp_is_fresh(),
        "softhsm2": shutil.which("softhsm2-util") is not None,
        "zbarimg": shutil.which("zbarimg") is not None,
    }


def install_missing(needed: set[str]) -> None:
    """Debian's packages when root; the npm packages of package-lock.json."""
    have = present()
    wanted = needed | ({"npm"} if "npm packages" in needed and not have["npm packages"] else set())
    if "chromium" in needed and not have["chromium"]:
        # The engine alone is a third of the size. Where Debian has it not, the whole browser.
        install_packages({"headless chromium"})
        have = present()
    install_packages({name for name in wanted if name in DEBIAN and not have[name]})
    if "npm packages" in needed and not _npm_stamp_is_fresh() and shutil.which("npm"):
        say("npm: checkers of pages and badges")
        done = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            cwd=TOP,
            check=False,
            stdout=sys.stderr,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode == 0:
            _npm_stamp().write_text(_lock_digest())


def install_packages(names: set[str]) -> None:
    """Debian's packages of that name, when root; what cannot be had is said later."""
    if not names or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    packages = sorted(DEBIAN[name] for name in names)
    say(f"Debian: {' '.join(packages)}")
    quiet = {"stdout": sys.stderr, "stdin": subprocess.DEVNULL}
    subprocess.run(["apt-get", "update", "-q"], check=False, **quiet)
    subprocess.run(
        ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages],
        check=False,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        **quiet,
    )


def _lock_digest() -> str:
    return hashlib.sha256((TOP / "package-lock.json").read_bytes()).hexdigest()


def _npm_stamp() -> Path:
    return TOP / "node_modules" / ".kalan"


def _npm_stamp_is_fresh() -> bool:
    return _npm_stamp().exists() and _npm_stamp().read_text() == _lock_digest()


def run_checks(tally: Tally, kind: str, checks: dict[str, list[str]]) -> None:
    for name, words in checks.items():
        command = list(words)
        if name == "djade":
            templates = sorted(map(str, (TOP / "src").rglob("templates/**/*.html")))
            if not templates:
                continue
            command += templates
        own = BIN / command[0]
        command[0] = str(own) if own.exists() else command[0]
        result = subprocess.run(
            command, cwd=TOP, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        tally.add(kind, "failed" if result.returncode else "passed")
        if result.returncode:
            say(f"--- {name} ---\n{result.stdout}{result.stderr}")


def types(options: argparse.Namespace) -> dict[str, list[str]]:
    """In a whole run on a fresh copy mypy keeps nothing for a next time: it is a fifth of its work.

    Where it has kept something it is used, and asked for by itself it keeps it.
    """
    once = "unit" in options.kinds and not (TOP / ".mypy_cache").exists()
    return {name: [*words, "--no-incremental"] if once else words for name, words in TYPES.items()}


def run_pytest(
    tally: Tally, stage: str, marks: str, options: argparse.Namespace, **env: str
) -> None:
    """One pytest run; its report names the kind of each test (tests/conftest.py)."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.jsonl"
        if not options.full:
            marks = f"({marks}) and not slow"
        command = [str(BIN / "python"), "-m", "pytest", "-q", "-m", marks, "--durations=5"]
        command += ["-p", "no:cacheprovider", *spread(stage, options.workers)]
        # The migrations are run by process and browser, on both databases, and looked at by
        # "migrations".
        command += ["--nomigrations"] if stage in ("unit", "postgresql") else []
        command += ["-k", options.word] if options.word else []
        result = subprocess.run(
            [*command, *(options.paths or where(stage))],
            cwd=TOP,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **env, "KALAN_TEST_REPORT": str(report)},
        )
        lines = report.read_text().splitlines() if report.exists() else []
    for line in lines:
        entry = json.loads(line)
        kind = entry["kind"] if stage == "unit" else stage
        tally.add(kind, entry["outcome"])
    failed = any(json.loads(line)["outcome"] == "failed" for line in lines)
    # 5: no test matched, which is fine only when a filter was given.
    allowed = {0, 5} if options.word or options.paths else {0}
    if result.returncode not in allowed and not failed:
        say(f"pytest ended with code {result.returncode} in {stage}")
        tally.add(stage, "failed")


def where(stage: str) -> list[str]:
    """Where tests of ``stage`` can be: the rest need not be imported to find out."""
    if stage == "browser":
        return ["tests/e2e"]
    if stage == "process":
        files = sorted((TOP / "tests").rglob("test_*.py"))
        return [str(path.relative_to(TOP)) for path in files if "mark.process" in path.read_text()]
    aside = ["tests/e2e"]
    if stage == "postgresql":  # no database in the engine; tests/conftest.py for permissions
        aside += ["tests/engine", "tests/permissions"]
    return [word for folder in aside for word in ("--ignore", folder)]


def spread(stage: str, workers: str) -> list[str]:
    """How the tests of ``stage`` share the processors."""
    if stage == "process":
        # They mostly wait for the processes they start, and share nothing by file.
        return ["-n", str(2 * int(workers)), "--dist", "worksteal"]
    if stage == "browser":
        # Dealt out in another way (tests/e2e/conftest.py).
        return ["-n", workers, "--dist", "loadfile"]
    # By file, for fixtures of a module; in the order of tests/conftest.py, the longest first.
    return ["-n", workers, "--dist", "loadfile", "--no-loadscope-reorder"]


def run_kind(tally: Tally, kind: str, options: argparse.Namespace) -> None:
    simple = {"style": STYLE, "types": TYPES, "floors": FLOORS, "migrations": MIGRATIONS}
    if kind in simple:
        run_checks(tally, kind, simple[kind] if kind != "types" else types(options))
    elif kind == "unit":
        run_pytest(tally, kind, f"{PLAIN} and not heavy_on_sqlite", options)
    elif kind == "postgresql":
        run_on_postgresql(tally, options)
    elif kind == "process":
        with postgres.cluster() as url:
            run_pytest(tally, kind, "process", options, KALAN_TEST_POSTGRESQL=url)
    else:
        run_pytest(tally, kind, "e2e", options)


def run_on_postgresql(tally: Tally, options: argparse.Namespace) -> None:
    """What PostgreSQL can tell apart; with --full, or asked for by name, all that reads data."""
    kind, marks = "postgresql", f"data and {PLAIN}"
    if not (options.full or options.paths or options.word):
        marks += " and not spared"
    with postgres.cluster() as url, tempfile.TemporaryDirectory() as folder:
        sent = STATEMENTS or folder
        more = {"KALAN_TEST_STATEMENTS": sent} if STATEMENTS or options.full else {}
        run_pytest(tally, kind, marks, options, KALAN_DATABASE_URL=url, **more)
        if options.full and not (options.paths or options.word):
            lost = statements.lost(Path(sent))
            tally.add(kind, "failed" if lost else "passed")
            if lost:
                say("--- spared on PostgreSQL, but send what no other test sends ---")
                say("\n".join(lost))


@contextlib.contextmanager
def beside(options: argparse.Namespace, tally: Tally) -> Iterator[None]:
    """Run the second row of kinds meanwhile, in a process of its own; ``options`` keep the first.

    What it says comes when it has ended, in one piece.
    """
    second = [kind for kind in options.kinds if kind in ROWS[1]]
    if len(second) in (0, len(options.kinds)):
        yield
        return
    options.kinds = [kind for kind in options.kinds if kind in ROWS[0]]
    words = [*second, *options.paths, "-n", options.workers]
    words += ["-k", options.word] if options.word else []
    words += ["--full"] if options.full else []
    with tempfile.TemporaryFile("w+") as output:
        child = subprocess.Popen(
            [sys.executable, __file__, *words],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # The first row goes first: its tests look at the clock. Not by much: those of the
            # second have five minutes each, on a machine that others use too.
            preexec_fn=lambda: os.nice(2),
        )
        try:
            yield
            child.wait()
        finally:
            if child.poll() is None:
                child.terminate()
                child.wait()
        output.seek(0)
        *lines, last = output.read().splitlines() or [""]
    say("\n".join(lines[:-2] if last.startswith("{") else [*lines, last]))
    if not last.startswith("{"):
        say(f"the second row ended with code {child.returncode}")
        tally.add(second[0], "failed")
        return
    tally.merge(json.loads(last)["kinds"])


@contextlib.contextmanager
def home() -> Iterator[None]:
    """A KALAN_HOME of this run's own: no test touches the data of this machine."""
    with tempfile.TemporaryDirectory(prefix="kalan-test-") as folder:
        shared = os.environ.get("KALAN_TEST_SHARED", str(Path(folder) / "shared"))
        for name in [name for name in os.environ if name.startswith("KALAN_")]:
            del os.environ[name]
        # Tests start the program some hundred times, and each start would compile all it imports
        # where no bytecode may be written. It is kept out of the sources, in one folder.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(TOP / ".cache" / "bytecode")
        os.environ["KALAN_HOME"] = folder
        # The demonstration is loaded once for all kinds, of both rows: they copy it.
        os.environ["KALAN_TEST_SHARED"] = shared
        # One thread of linear algebra a process: the tests fill the cores already.
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        os.environ["PYTHONPATH"] = str(TOP / "src")
        yield


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/test")
    parser.add_argument("what", nargs="*", help=f"kinds ({', '.join(KINDS)}) or paths of tests")
    parser.add_argument("-k", dest="word", help="only tests whose name matches")
    parser.add_argument("-n", dest="workers", default="2", help="processes (default 2)")
    parser.add_argument("--full", action="store_true", help="also what takes long")
    parser.add_argument("--update-docs", action="store_true", help="refresh the guides' pictures")
    options = parser.parse_args()
    options.paths = [word for word in options.what if word not in KINDS]
    missing = [path for path in options.paths if not Path(path.split("::")[0]).exists()]
    if missing:
        parser.error(f"neither a kind nor a path: {', '.join(missing)}")
    kinds = [word for word in options.what if word in KINDS]
    pytest_kinds = ["unit", "postgresql", "process", "browser"]
    options.kinds = kinds or (pytest_kinds if options.paths or options.word else list(KINDS))
    return options


def main() -> int:
    # Asked to stop: leave through every "finally", so that no cluster stays behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = arguments()
    tally, started = Tally(), time.monotonic()
    install_missing({need for kind in options.kinds for need in KINDS[kind]})
    have = present()
    with home(), beside(options, tally):
        if options.update_docs:
            os.environ["KALAN_UPDATE_DOCS"] = "1"
        for kind in [kind for kind in (*ROWS[0], *ROWS[1]) if kind in options.kinds]:
            lacking = [need for need in KINDS[kind] if not have[need]]
            if lacking:
                say(f"=== {kind}: not run, missing: {', '.join(lacking)} ===")
                tally.add(kind, "skipped")
                continue
            say(f"=== {kind} ===")
            began = time.monotonic()
            run_kind(tally, kind, options)
            tally.seconds[kind] = time.monotonic() - began
    say(f"{time.monotonic() - started:.0f} s")
    say(f"{tally.total('passed')} passed, {tally.total('failed')} failed")
    say(tally.as_json())
    if tally.total("failed"):
        return 1
    return 3 if tally.total("skipped") else 0


if __name__ == "__main__":
    sys.exit(main())
