"""Something costly made once per run, however many test processes ask for it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def run_folder(factory: pytest.TempPathFactory) -> Path:
    """A folder shared by the processes of one run (pytest-xdist nests its own inside)."""
    base = factory.getbasetemp()
    return base.parent if base.name.startswith("popen-") else base


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """The same, and under script/test one folder for all its kinds."""
    given = os.environ.get("KALAN_TEST_SHARED")
    return Path(given) if given else run_folder(factory)


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """Return ``folder``, made by the first process that asks."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder.with_suffix(".done")
        if not done.exists():
            make(folder)
            done.touch()
    return folder
