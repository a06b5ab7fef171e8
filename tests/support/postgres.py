"""A PostgreSQL cluster of our own, in a temporary folder, run by an unprivileged user."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

# Speed, not durability: the cluster is thrown away.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _user() -> str:
    """postgres when root (it refuses to run as root), else ourselves."""
    if os.geteuid() != 0:
        return getpass.getuser()
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _run(user: str, *command: str | Path) -> None:
    words = [str(word) for word in command]
    if os.geteuid() == 0:
        group = str(pwd.getpwnam(user).pw_gid)
        words = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", *words]
    result = subprocess.run(words, cwd="/", capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"{words[-1]}: {result.stdout}{result.stderr}")


@contextmanager
def cluster(settings: dict[str, str] | None = None) -> Iterator[str]:
    """Start a cluster, yield its address for KALAN_DATABASE_URL, then remove it."""
    folder = binaries()
    if folder is None:
        raise RuntimeError("PostgreSQL is not installed")
    user, port = _user(), free_port()
    home = Path(tempfile.mkdtemp(prefix="kalan-pg-"))
    data = home / "data"
    if os.geteuid() == 0:
        shutil.chown(home, user)
    values = {**SETTINGS, **(settings or {}), "port": str(port), "unix_socket_directories": home}
    options = " ".join(f"-c {name}={value}" for name, value in values.items())
    initdb = ("-D", data, "-U", "kalan", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
    try:
        _run(user, folder / "initdb", *initdb)
        _run(user, folder / "pg_ctl", "-D", data, "-o", options, "-l", home / "log", "-w", "start")
        try:
            _run(
                user, folder / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", *["kalan"] * 2
            )
            yield f"postgresql://kalan@127.0.0.1:{port}/kalan"
        finally:
            _run(user, folder / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def new_database(cluster_url: str, name: str, template: str = "template1") -> str:
    """Create a database in a running cluster, a copy of ``template``; return its address."""
    command = SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(template))
    with psycopg.connect(cluster_url, autocommit=True) as connection:
        connection.execute(command)
    return f"{cluster_url.rsplit('/', 1)[0]}/{name}"
