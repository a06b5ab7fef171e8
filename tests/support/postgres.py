"""A PostgreSQL cluster of our own, in a temporary folder, run by an unprivileged user."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from tests.support.ports import free_port

# Speed, not durability: the cluster is thrown away.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # Both several times what all processes of a run can ask for at once: four of "process", each
    # with a site, a worker, eight threads and a restoration, come to some sixty.
    "max_connections": "200",
    "max_locks_per_transaction": "256",
    "shared_buffers": "256MB",
}


def binaries() -> Path | None:
    """The folder of initdb and postgres: Debian keeps it off the PATH. The newest one."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    for folder in reversed(folders):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    return Path(found).parent if found else None


def _user() -> str:
    """postgres when root (it refuses to run as root), else ourselves."""
    if os.geteuid() != 0:
        return getpass.getuser()
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _as(user: str, *command: str | Path) -> list[str]:
    """The command as ``user``; when we die, however it happens, it is told to stop (SIGQUIT)."""
    words = [str(word) for word in command]
    if os.geteuid() != 0:
        return ["setpriv", "--pdeathsig=QUIT", *words]
    group = str(pwd.getpwnam(user).pw_gid)
    ids = (f"--reuid={user}", f"--regid={group}", "--clear-groups")
    return ["setpriv", *ids, "--pdeathsig=QUIT", *words]


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        try:
            psycopg.connect(address).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}")


@contextmanager
def cluster(settings: dict[str, str] | None = None) -> Iterator[str]:
    """Start a cluster, yield its address for KALAN_DATABASE_URL, then remove it."""
    folder = binaries()
    if folder is None:
        raise RuntimeError("PostgreSQL is not installed")
    user, port = _user(), free_port()
    home = Path(tempfile.mkdtemp(prefix="kalan-pg-"))
    data, log = home / "data", home / "log"
    if os.geteuid() == 0:
        shutil.chown(home, user)
    values = {**SETTINGS, **(settings or {}), "port": str(port), "unix_socket_directories": home}
    options = [f"--{name}={value}" for name, value in values.items()]
    initdb = ("-D", data, "-U", "kalan", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
    try:
        made = subprocess.run(
            _as(user, folder / "initdb", *initdb), cwd="/", capture_output=True, text=True
        )
        if made.returncode:
            raise RuntimeError(f"initdb: {made.stdout}{made.stderr}")
        with log.open("wb") as stream:
            server = subprocess.Popen(
                _as(user, folder / "postgres", "-D", data, *options),
                cwd="/",
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        try:
            address = f"postgresql://kalan@127.0.0.1:{port}"
            _wait(server, f"{address}/postgres", log)
            yield new_database(f"{address}/postgres", "kalan")
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait(60)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def new_database(cluster_url: str, name: str, template: str = "template1") -> str:
    """Create a database in a running cluster, a copy of ``template``; return its address."""
    command = SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(template))
    with psycopg.connect(cluster_url, autocommit=True) as connection:
        connection.execute(command)
    return f"{cluster_url.rsplit('/', 1)[0]}/{name}"
