"""What import-linter cannot see, and that its contracts leave no room out."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.support.server import environment

TOP = Path(__file__).resolve().parents[2]
SOURCE = TOP / "src" / "kalan"
# What a room keeps to itself.
OWN = ("policy", "forms", "views", "tasks")
# Slow to import, or not to be imported before a fork: only inside the functions that use them.
LATE = ("vl_convert", "django_rq", "rq", "import_export", "playwright", "openpyxl", "xlsxwriter")


def contracts() -> list[dict[str, object]]:
    settings = tomllib.loads((TOP / "pyproject.toml").read_text())
    found: list[dict[str, object]] = settings["tool"]["importlinter"]["contracts"]
    return found


def rooms() -> list[str]:
    return sorted(path.parent.name for path in SOURCE.glob("*/apps.py"))


def sources() -> Iterator[Path]:
    return (path for path in sorted(SOURCE.rglob("*.py")) if "migrations" not in path.parts)


def test_every_room_has_its_floor() -> None:
    (floors,) = [contract for contract in contracts() if contract["name"] == "Floors"]
    standing = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    assert {str(layer).removeprefix("kalan.") for layer in floors["layers"]} == standing  # type: ignore[attr-defined]


def test_every_private_module_is_behind_a_door() -> None:
    private = {
        f"kalan.{room}.{name}"
        for room in rooms()
        for name in OWN
        if (SOURCE / room / name).is_dir() or (SOURCE / room / f"{name}.py").exists()
    }
    # The shared form helpers of web are open to config and tests only by being on the top floor.
    private.discard("kalan.web.forms")
    guarded = {
        module
        for contract in contracts()
        if contract["type"] == "protected"
        for module in contract["protected_modules"]  # type: ignore[attr-defined]
    }
    assert guarded == private


def test_no_room_reaches_another_by_name() -> None:
    """``apps.get_model("training", …)`` would pass under the floors unseen."""
    calls = []
    for path in sources():
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if "get_model" in text else ():
            name = getattr(node, "attr", "") if isinstance(node, ast.Attribute) else ""
            if name == "get_model":
                calls.append(f"{path.relative_to(TOP)}:{node.lineno}")  # type: ignore[attr-defined]
    assert calls == []


def test_packages_are_empty_so_that_paths_say_what_is_used() -> None:
    # Django looks for a room's models in ``<room>.models``: that one names what its files hold.
    packages = [p for p in SOURCE.glob("*/**/__init__.py") if p.parent.name != "models"]
    filled = [str(path.relative_to(TOP)) for path in packages if path.stat().st_size]
    assert filled == []


def test_serving_pages_loads_nothing_slow(tmp_path: Path) -> None:
    code = (
        "import sys; import kalan.config.wsgi; from django.urls import get_resolver;"
        "get_resolver().url_patterns;"
        f"print(sorted(set({LATE!r}) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
