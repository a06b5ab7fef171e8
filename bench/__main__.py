"""``python -m bench [NAME…]``: one JSON object a line; ``--list`` names the benchmarks.

A benchmark is a module of this folder with a docstring and ``run(arguments) -> Iterator[Result]``;
a trailing underscore is dropped from its name (``import_`` is called "import"). Words after the
names that begin with ``--`` are passed on to it.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from pathlib import Path

HERE = Path(__file__).parent


def names() -> dict[str, str]:
    """Name → module."""
    modules = (info.name for info in pkgutil.iter_modules([str(HERE)]))
    return {name.rstrip("_"): name for name in sorted(modules) if name not in HELPERS}


HELPERS = {"__main__", "bank", "learner", "result", "served", "signers", "sitters"}


def main(words: list[str]) -> int:
    known = names()
    asked = [word for word in words if not word.startswith("--")]
    options = [word for word in words if word.startswith("--")]
    if "--list" in options:
        for name, module in known.items():
            doc = importlib.import_module(f"bench.{module}").__doc__ or ""
            print(f"{name}: {doc.strip().splitlines()[0]}")
        return 0
    unknown = [name for name in asked if name not in known]
    if unknown:
        print(f"Inconnu : {', '.join(unknown)}. Voyez --list.", file=sys.stderr)
        return 2
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # figures are of one core
        os.environ.setdefault(variable, "1")
    for name in asked or known:
        for result in importlib.import_module(f"bench.{known[name]}").run(options):
            print(result.line(name), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
