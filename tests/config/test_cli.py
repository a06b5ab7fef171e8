"""The program from outside: exit codes, streams, and that nothing is left running."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kalan.people.models import OrgNode
from tests.factories import people
from tests.support.ports import free_port
from tests.support.server import TOP, Server, environment

pytestmark = pytest.mark.process

PATIENCE = 300  # seconds; a loaded machine is slow, not wrong
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(offline: Server) -> Iterator[Start]:
    """Start the program on the test's own KALAN_HOME."""
    running: list[subprocess.Popen[str]] = []

    def start_one(*words: str, **more: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "kalan.config.cli", *words],
            env=environment(offline.home, **more),
            cwd=offline.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield start_one
    for process in running:
        if process.poll() is None:
            process.terminate()
            process.wait(PATIENCE)
        process.communicate()


def outcome(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def test_a_word_that_is_no_command_is_a_usage_error(start: Start) -> None:
    code, out, err = outcome(start("nettoyer"))
    assert (code, out) == (2, "")
    assert err.startswith("usage: kalan")


def test_help_answers_on_stdout(start: Start) -> None:
    code, out, err = outcome(start("--help"))
    assert (code, err) == (0, "")
    assert out.startswith("usage: kalan")


@pytest.mark.parametrize("port", ["0", "65536", "huit"])
def test_a_port_that_is_none_is_a_usage_error(start: Start, port: str) -> None:
    assert outcome(start("serve", "--port", port))[0] == 2


def test_check_is_content_with_a_fresh_house(start: Start) -> None:
    assert outcome(start("check"))[:2] == (0, "Tout est en ordre.\n")


def test_check_names_a_tree_that_contradicts_itself(start: Start, offline: Server) -> None:
    with offline.database():
        tree = people.tree()
        OrgNode.objects.filter(pk=tree.sokone.pk).update(numchild=7)
    code, out, _ = outcome(start("check"))
    assert code == 1
    assert out == f"Arbre : nombre d’enfants faux (1 nœuds : {tree.sokone.pk}).\n"


def test_check_names_migrations_that_wait(start: Start, offline: Server) -> None:
    (offline.home / "kalan.sqlite3").unlink()
    code, out, _ = outcome(start("check"))
    assert code == 1
    assert out.startswith("Migrations à appliquer : ")


def test_the_demonstration_is_refused_outside_demo_mode(start: Start) -> None:
    code, out, err = outcome(start("demo"))
    assert (code, out) == (1, "")
    assert err.startswith("Les données de démonstration ne se chargent qu’en mode démonstration.")


def test_a_port_in_use_is_said_before_anything_is_done(start: Start) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, out, err = outcome(start("serve", "--port", str(port)))
    assert (code, out) == (1, "")
    assert f"L’adresse 127.0.0.1:{port} n’est pas libre" in err


def serving(start: Start) -> tuple[subprocess.Popen[str], list[int]]:
    """A running ``kalan serve`` and the processes it started."""
    port = free_port()
    process = start("serve", "--port", str(port), KALAN_WEB_PROCESSES="1")
    assert process.stdout is not None
    assert process.stdout.readline() == f"http://localhost:{port}\n"
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return process, [int(child) for child in children]


def gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_stops_site_and_worker(start: Start, number: signal.Signals) -> None:
    process, children = serving(start)
    assert len(children) == 2
    process.send_signal(number)
    assert process.wait(PATIENCE) == 0
    assert gone(children)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")
def test_serve_killed_outright_leaves_nothing_running(start: Start) -> None:
    process, children = serving(start)
    process.kill()
    process.wait(PATIENCE)
    deadline = time.monotonic() + PATIENCE
    while not gone(children) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert gone(children)


def test_a_worker_that_falls_is_started_again(start: Start) -> None:
    process, (web, worker) = serving(start)
    os.kill(worker, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while time.monotonic() < deadline:
        now = [int(child) for child in children.read_text().split()]
        if len(now) == 2 and worker not in now:
            break
        time.sleep(0.1)
    assert now[0] == web
    assert len(now) == 2


@pytest.mark.slow
def test_a_fresh_clone_sets_itself_up_from_any_folder(tmp_path: Path) -> None:
    subprocess.run(["git", "clone", "-q", str(TOP), str(tmp_path / "clone")], check=True)
    (tmp_path / "link").symlink_to(tmp_path / "clone" / "script" / "kalan")
    done = subprocess.run(
        [str(tmp_path / "link"), "nettoyer"],
        cwd="/",
        env=environment(tmp_path / "home"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert (tmp_path / "clone" / ".venv" / "bin" / "kalan").exists()
