"""docs/reglages.md names every KALAN_… variable, once, and no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
TABLE = TOP / "docs" / "reglages.md"


def variables_read() -> list[str]:
    """The first argument of every ``env.xxx("NAME", …)`` of settings.py."""
    tree = ast.parse((TOP / "src" / "kalan" / "config" / "settings.py").read_text())
    return sorted(
        {
            f"KALAN_{node.args[0].value}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "env"
            and isinstance(node.args[0], ast.Constant)
        }
    )


def test_the_table_names_every_variable_once() -> None:
    named = re.findall(r"^\| `(KALAN_[A-Z_]+)`", TABLE.read_text(), flags=re.MULTILINE)
    assert sorted(named) == variables_read()


def test_no_other_file_reads_variables_of_its_own() -> None:
    readers = [
        str(path.relative_to(TOP))
        for path in sorted((TOP / "src" / "kalan").rglob("*.py"))
        if re.search(r"(environ|getenv)[^\n]*[\"']KALAN_", path.read_text())
        and path.name not in ("settings.py", "cli.py")
    ]
    assert readers == []
